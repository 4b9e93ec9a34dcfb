/** Window-wide input of the page: shortcuts, paste, drag and drop, and the guard against losing unsaved changes. */

import type { ReactiveController, ReactiveControllerHost } from "lit";

/** Reactions of the page. */
export interface WindowActions {
  /** Whether a document is open. */
  isOpen(): boolean;
  /** Whether the open document has unsaved changes. */
  isChanged(): boolean;
  undo(): void;
  redo(): void;
  save(): void;
  openText(text: string): void;
  openDrop(transfer: DataTransfer): void;
}

/** Listens to the window while the page is connected. */
export class WindowEvents implements ReactiveController {
  /** Whether a file is dragged over the page. */
  isDropTarget = false;
  readonly #host: ReactiveControllerHost;
  readonly #actions: WindowActions;
  #listening = new AbortController();

  constructor(host: ReactiveControllerHost, actions: WindowActions) {
    this.#host = host;
    this.#actions = actions;
    host.addController(this);
  }

  hostConnected(): void {
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    window.addEventListener("beforeunload", (event) => this.#onLeave(event), { signal });
    window.addEventListener("keydown", (event) => this.#onKey(event), { signal });
    window.addEventListener("paste", (event) => this.#onPaste(event), { signal });
    window.addEventListener("dragover", (event) => this.#onDragOver(event), { signal });
    window.addEventListener("dragleave", (event) => this.#onDragLeave(event), { signal });
    window.addEventListener("drop", (event) => this.#onDrop(event), { signal });
  }

  hostDisconnected(): void {
    this.#listening.abort();
  }

  #onLeave(event: BeforeUnloadEvent): void {
    if (this.#actions.isOpen() && this.#actions.isChanged()) event.preventDefault();
  }

  #onKey(event: KeyboardEvent): void {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.defaultPrevented || !this.#actions.isOpen()) return;
    const isTyping = event.composedPath().some((it) => it instanceof HTMLElement && it.matches("input, textarea, dialog[open]"));
    const { save, undo, redo } = this.#actions;
    const action = { s: save, z: event.shiftKey ? redo : undo, y: redo }[event.key.toLowerCase()];
    if (action === undefined || (isTyping && action !== save)) return;
    event.preventDefault();
    action();
  }

  #onPaste(event: ClipboardEvent): void {
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (!this.#actions.isOpen() && text.trim() !== "") this.#actions.openText(text);
  }

  #onDragOver(event: DragEvent): void {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    this.#setDropTarget(true);
  }

  #onDragLeave(event: DragEvent): void {
    if (event.relatedTarget === null) this.#setDropTarget(false);
  }

  #onDrop(event: DragEvent): void {
    this.#setDropTarget(false);
    const { dataTransfer } = event;
    if (dataTransfer === null || !dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    this.#actions.openDrop(dataTransfer);
  }

  #setDropTarget(isDropTarget: boolean): void {
    if (isDropTarget === this.isDropTarget) return;
    this.isDropTarget = isDropTarget;
    this.#host.requestUpdate();
  }
}
