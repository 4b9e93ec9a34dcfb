/** Keeps the focus where a person can go on from: what had it may be gone after a change. */

import type { LitElement, ReactiveController } from "lit";

/** In which item of a list or table the focus was: its id, if it has one, and its number among those that are rendered. */
export interface FocusPlace {
  id: string | undefined;
  index: number;
}

/** Watches the updates of an element: focus that an update of its shadow takes away goes on to what is next. */
export class FocusKeeper implements ReactiveController {
  readonly #host: LitElement;
  readonly #next: (place: FocusPlace) => HTMLElement | null | undefined;
  #held: { element: HTMLElement; place: FocusPlace } | null = null;

  /** @param next What has the focus if what had it is gone. */
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
    // A row that moved is still there, but loses the focus on its way.
    focusIfLost(this.#held.element);
    focusIfLost(this.#next(this.#held.place));
  }
}

/** Gives an element the focus, unless something has it. */
export function focusIfLost(element: HTMLElement | null | undefined): void {
  if (document.activeElement === null || document.activeElement === document.body) element?.focus({ preventScroll: true });
}

function placeOf(element: HTMLElement): FocusPlace {
  const item = element.closest<HTMLElement>("[data-id], li");
  return { id: item?.dataset["id"], index: item === null ? 0 : [...item.parentElement!.children].indexOf(item) };
}
