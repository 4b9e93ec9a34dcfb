/** Asks whose document is kept, where somebody else wrote it meanwhile. */

import { css, html, LitElement, type TemplateResult } from "lit";
import { shared } from "./style";

/** Whose document is kept; neither, if the person puts it off. */
export type Kept = "theirs" | "ours" | "neither";

/** A dialog after a document could not be saved. Nothing was written yet. */
export class ConflictDialog extends LitElement {
  #settle: ((answer: Kept) => void) | null = null;

  /** Asks; says what the person wants. */
  async open(): Promise<Kept> {
    await this.updateComplete;
    this.#settle?.("neither");
    const answer = new Promise<Kept>((resolve) => (this.#settle = resolve));
    this.#dialog.returnValue = "neither";
    if (!this.#dialog.open) this.#dialog.showModal();
    return answer;
  }

  override render(): TemplateResult {
    const close = (answer: Kept) => () => this.#dialog.close(answer);
    return html`
      <dialog aria-labelledby="title" aria-describedby="what" @close=${this.#closed}>
        <h2 id="title">The document was changed elsewhere</h2>
        <p id="what">Somebody else wrote it since it was opened here, perhaps a running host. Nothing was written yet.</p>
        <div class="row">
          <button type="button" @click=${close("neither")}>Cancel</button>
          <button type="button" @click=${close("theirs")}>Take theirs</button>
          <button type="button" class="danger" @click=${close("ours")}>Overwrite theirs</button>
        </div>
        <p class="help">If you take theirs, yours is one undo away.</p>
      </dialog>
    `;
  }

  /** Also by Escape. */
  #closed(): void {
    this.#settle?.(this.#dialog.returnValue as Kept);
    this.#settle = null;
  }

  get #dialog(): HTMLDialogElement {
    return this.renderRoot.querySelector("dialog")!;
  }

  static override styles = [shared, css`
    dialog {
      width: min(34rem, calc(100vw - 1.5rem));
      padding: 1.25rem;
      color: var(--text);
      background: var(--ground);
      border: 1px solid var(--edge);
      border-radius: var(--radius);
    }
    dialog[open] { display: grid; gap: 0.9rem; }
    dialog::backdrop { background: rgb(0 0 0 / 0.5); }
  `];
}
customElements.define("conflict-dialog", ConflictDialog);
