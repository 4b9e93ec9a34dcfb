/** `<save-dialog>`: shows the changed lines before a document is saved. Secrets are masked. */

import { css, html, LitElement, nothing } from "lit";
import { masked } from "../document/core-editor";
import type { Editing } from "../document/editing";
import { counted } from "../ui/format";
import { shared } from "../ui/style";
import { diffLines, type DiffLine, type Hunk, type LineDiff } from "./line-diff";

export class SaveDialog extends LitElement {
  static override properties = { verb: {}, shown: { state: true } };
  static override styles = [shared, css`
    dialog {
      width: min(60rem, calc(100vw - 1rem));
      max-width: none;
      max-height: calc(100vh - 2rem);
      padding: 1rem;
      color: var(--text);
      background: var(--background);
      border: 1px solid var(--edge);
      border-radius: var(--radius);
    }
    dialog[open] { display: grid; gap: var(--gap); grid-template-rows: auto; }
    dialog::backdrop { background: rgb(0 0 0 / 0.5); }
    .changes {
      position: relative;
      overflow: auto;
      max-height: 55vh;
      border: 1px solid var(--line);
      border-radius: var(--radius);
      font-family: var(--mono);
      font-size: 0.85rem;
    }
    .hunk h3 {
      position: sticky;
      left: 0;
      padding: 0.2rem 0.5rem;
      font: 600 0.9rem/1.5 system-ui, sans-serif;
      background: var(--raised);
      border-block: 1px solid var(--line);
    }
    .hunk:first-child h3 { border-top: 0; }
    .lines { display: grid; width: max-content; min-width: 100%; }
    .line { display: block; padding-inline: 0.5rem; white-space: pre; text-decoration: none; min-height: 1.5em; }
    ins { color: var(--good); background: var(--good-background); }
    del { color: var(--bad); background: var(--bad-background); }
    .warning { color: var(--bad); background: var(--bad-background); padding: 0.6rem; border-radius: var(--radius); }
  `];

  /** Label of the save button: `Save to auth.json`. */
  declare verb: string;
  declare shown: Shown | null;

  #settle: ((answer: "save" | "cancel") => void) | null = null;

  constructor() {
    super();
    this.verb = "Save";
    this.shown = null;
  }

  /** Opens the dialog. Returns the answer. */
  async open(editing: Editing): Promise<"save" | "cancel"> {
    this.#settle?.("cancel");
    this.shown = {
      diff: diffLines(masked(editing.savedText), masked(editing.text)),
      fault: editing.fault?.message ?? null,
      errors: editing.problems.filter(({ problem }) => problem.severity === "error").length,
    };
    const answer = new Promise<"save" | "cancel">((resolve) => (this.#settle = resolve));
    await this.updateComplete;
    const dialog = this.renderRoot.querySelector("dialog") as HTMLDialogElement;
    dialog.returnValue = "cancel";
    if (!dialog.open) dialog.showModal();
    (dialog.querySelector("button.main") as HTMLElement).focus();
    return answer;
  }

  override render() {
    const { shown } = this;
    return html`
      <dialog aria-labelledby="title" @close=${this.#closed}>
        ${shown === null ? nothing : html`
          <h2 id="title">Changes to save</h2>
          ${warning(shown)}
          ${shown.diff.hunks.length === 0
            ? html`<p>None: the text is as it was last opened or saved.</p>`
            : html`
              <div class="changes" role="region" aria-label="Changed lines" tabindex="0">
                ${shown.diff.hunks.map((hunk, i) => hunkOf(hunk, i, shown.diff.hunks.length))}
              </div>
            `}
          ${shown.diff.omitted > 0 ? html`<p class="muted">And ${shown.diff.omitted} more lines.</p>` : nothing}
          <p class="help">Secrets are masked. Equal secrets have equal marks.</p>
          <div class="row">
            <button type="button" class="main" @click=${() => this.#close("save")}>${this.verb}</button>
            <button type="button" @click=${() => this.#close("cancel")}>Cancel</button>
          </div>
        `}
      </dialog>
    `;
  }

  #close(answer: "save" | "cancel"): void {
    (this.renderRoot.querySelector("dialog") as HTMLDialogElement).close(answer);
  }

  /** Also runs when Escape closes the dialog. */
  #closed({ target }: Event): void {
    this.shown = null;
    this.#settle?.((target as HTMLDialogElement).returnValue === "save" ? "save" : "cancel");
    this.#settle = null;
  }
}
customElements.define("save-dialog", SaveDialog);

interface Shown {
  diff: LineDiff;
  /** Reason why the text is not a document. */
  fault: string | null;
  /** Number of problems of severity `error`. */
  errors: number;
}

function warning({ fault, errors }: Shown) {
  if (fault !== null) {
    return html`<p class="warning" role="alert">Hosts cannot read this text as it is: ${fault}</p>`;
  }
  if (errors === 0) return nothing;
  return html`
    <p class="warning" role="alert">The document has ${counted(errors, "error")}: hosts leave out the faulty parts.</p>
  `;
}

function hunkOf({ line, count, lines }: Hunk, i: number, all: number) {
  const place = count > 1 ? `lines ${line} to ${line + count - 1}` : `line ${line}`;
  return html`
    <section class="hunk" aria-labelledby="hunk-${i}">
      <h3 id="hunk-${i}">Change ${i + 1} of ${all}, ${place}</h3>
      <div class="lines">${lines.map(lineOf)}</div>
    </section>
  `;
}

function lineOf({ kind, text }: DiffLine) {
  const sign = (mark: string, label: string) =>
    html`<span aria-hidden="true">${mark} </span><span class="visually-hidden">${label}: </span>`;
  if (kind === "added") return html`<ins class="line">${sign("+", "added")}${text}</ins>`;
  if (kind === "removed") return html`<del class="line">${sign("−", "removed")}${text}</del>`;
  return html`<span class="line">${"  "}${text}</span>`;
}
