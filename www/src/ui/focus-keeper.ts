/** Keeps the keyboard focus when an update removes or moves the focused element. */

import type { LitElement, ReactiveController } from "lit";

/** Position of the focus in a list or table: id of the item, if it has one, and index among the rendered items. */
export interface FocusPlace {
  id: string | undefined;
  index: number;
}

/** Moves the focus to a next element when an update of the host's shadow tree removes the focused element. */
export class FocusKeeper implements ReactiveController {
  readonly #host: LitElement;
  readonly #next: (place: FocusPlace) => HTMLElement | null | undefined;
  #held: { element: HTMLElement; place: FocusPlace } | null = null;

  /** @param next Returns the element that gets the focus when the focused element is gone. */
  constructor(host: LitElement, next: (place: FocusPlace) => HTMLElement | null | undefined) {
    this.#host = host;
    this.#next = next;
    host.addController(this);
  }

  hostUpdate(): void {
    const element = this.#host.shadowRoot?.activeElement;
    this.#held = element instanceof HTMLElement ? { element, place: placeOf(element) } : null;
  }

  hostUpdated(): void {
    if (this.#held === null) return;
    // A row that moved still exists, but lost the focus when it was moved in the tree.
    focusIfLost(this.#held.element);
    focusIfLost(this.#next(this.#held.place));
  }
}

/** Focuses an element if nothing has the focus. */
export function focusIfLost(element: HTMLElement | null | undefined): void {
  if (document.activeElement === null || document.activeElement === document.body) element?.focus({ preventScroll: true });
}

function placeOf(element: HTMLElement): FocusPlace {
  const item = element.closest<HTMLElement>("[data-id], li");
  return { id: item?.dataset["id"], index: item === null ? 0 : [...item.parentElement!.children].indexOf(item) };
}
