/** `<conflict-dialog>`: asks which version to keep when another program changed the document. */

import { css, html, LitElement, type TemplateResult } from "lit";
import { shared } from "../ui/style";

/** Version to keep; `neither` cancels the save. */
export type Kept = "theirs" | "ours" | "neither";

/** Nothing was written when the dialog opens. */
export class ConflictDialog extends LitElement {
  #settle: ((answer: Kept) => void) | null = null;

  /** Opens the dialog. Returns the answer. */
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
        <p id="what">Another program, perhaps a running host, changed text that you changed too. Nothing was saved yet.</p>
        <div class="row">
          <button type="button" @click=${close("neither")}>Cancel</button>
          <button type="button" @click=${close("theirs")}>Take theirs</button>
          <button type="button" class="danger" @click=${close("ours")}>Overwrite theirs</button>
        </div>
        <p class="help">“Take theirs” can be undone: Undo brings your version back. Secrets that were renewed stay renewed.</p>
      </dialog>
    `;
  }

  /** Also runs when Escape closes the dialog. */
  #closed(): void {
    const { returnValue } = this.#dialog;
    this.#settle?.(returnValue === "theirs" || returnValue === "ours" ? returnValue : "neither");
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
      background: var(--background);
      border: 1px solid var(--edge);
      border-radius: var(--radius);
    }
    dialog[open] { display: grid; gap: 0.9rem; }
    dialog::backdrop { background: rgb(0 0 0 / 0.5); }
  `];
}
customElements.define("conflict-dialog", ConflictDialog);
