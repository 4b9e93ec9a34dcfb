/** The document as text. */

import { setDiagnostics } from "@codemirror/lint";
import { openSearchPanel } from "@codemirror/search";
import { ChangeSet, EditorSelection, EditorState } from "@codemirror/state";
import { EditorView, type ViewUpdate } from "@codemirror/view";
import { css, html, LitElement, nothing, type PropertyValues } from "lit";
import { type Fix, fixes, type MarkedProblem, place, repaired, secrets } from "../whole-core";
import type { Editing } from "../editing";
import { shared } from "../style";
import { editor, unhidden } from "./editor";
import { found, fromElsewhere, hide, isStale, MASK, reveal, SEARCHED_AT_ONCE, shownSecret } from "./masks";
import "./problem-list";
import { spliceOf } from "./splice";

/** An editor of the document's text. Text that is typed is part of the document at once, or after `flush`. */
export class RawView extends LitElement {
  static override properties = {
    editing: { attribute: false },
    says: { state: true },
    shows: { state: true },
    problems: { state: true },
  };
  static override styles = [shared, css`
    :host { display: grid; gap: var(--gap); min-width: 0; }
    .editor { border: 1px solid var(--edge); min-width: 0; }
    .says { min-height: 1.5em; }
    kbd { font-family: var(--mono); font-size: 0.9em; }
  `];

  declare editing: Editing;
  /** What was last said about secrets and problems. */
  declare says: string;
  /** Whether a person asked for the secret that can be read. */
  declare shows: boolean;
  /** Those of the text as it was checked last. */
  declare problems: readonly MarkedProblem[];

  #view: EditorView | null = null;
  #followed: Editing | null = null;
  /** The document's text when this view last agreed with it. */
  #agreed = "";
  /** What was typed since. */
  #typed: ChangeSet | null = null;
  /** What happened to the text since its problems were found. */
  #sinceCheck: ChangeSet | null = null;
  #lastTyped = -Infinity;
  #flushTimer: ReturnType<typeof setTimeout> | undefined;
  #checkTimer: ReturnType<typeof setTimeout> | undefined;
  #hideTimer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    this.says = "";
    this.shows = false;
    this.problems = [];
    this.addEventListener("focusout", (event) => {
      if (event.relatedTarget !== this) this.#leave();
    });
  }

  /** Takes what was typed into the document. */
  readonly flush = (): void => {
    clearTimeout(this.#flushTimer);
    const view = this.#view;
    if (view === null || this.#followed === null) return;
    if (this.#typed !== null) {
      const text = view.state.doc.toString();
      const joins = performance.now() - this.#lastTyped < ONE_GO_MS;
      this.#lastTyped = performance.now();
      this.#agreed = text;
      this.#typed = null;
      this.#followed.replace(text, "typing", { joins });
    }
    if (isStale(view.state)) view.dispatch({ effects: found(secrets(view.state.doc.toString())) });
  };

  /** Puts the cursor at what stands at a JSON pointer. */
  goTo(pointer: string): void {
    this.flush();
    const span = place(this.editing.text, pointer);
    if (span !== null) this.#select(span.from);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    window.addEventListener("blur", this.#leave);
    window.addEventListener("pagehide", this.flush);
    document.addEventListener("visibilitychange", this.#leave);
    if (this.hasUpdated) this.#follow(this.editing);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#leave();
    this.#followed?.removeEventListener("change", this.#takeOver);
    this.#followed = null;
    clearTimeout(this.#checkTimer);
    window.removeEventListener("blur", this.#leave);
    window.removeEventListener("pagehide", this.flush);
    document.removeEventListener("visibilitychange", this.#leave);
  }

  /** Without a document there is nothing to show. */
  override shouldUpdate(): boolean {
    return this.editing !== undefined;
  }

  override render() {
    const errors = this.problems.filter(({ problem }) => problem.severity === "error").length;
    return html`
      <div class="row">
        <button type="button" aria-keyshortcuts="Alt+Enter" @click=${this.#toggle}>
          ${this.shows ? "Hide the secret" : "Reveal the secret at the cursor"}
        </button>
        <button type="button" @click=${this.#search}>Find</button>
        <p class="says quiet" role="status">${this.says}</p>
      </div>
      <div class="editor"></div>
      <p class="help" id="keys">
        <kbd>Tab</kbd> leaves the editor. <kbd>Alt+Enter</kbd> shows or hides the secret at the cursor, a click shows
        it. <kbd>F8</kbd> goes to the next problem.
      </p>
      <h2>${this.problems.length === 0 ? "No problems" : counted(this.problems.length, "problem")}${errors > 0
        ? html` <span class="quiet">(${counted(errors, "error")})</span>`
        : nothing}</h2>
      <problem-list
        .problems=${this.problems}
        .text=${this.editing.text}
        .lineOf=${this.#lineOf}
        @go=${(event: CustomEvent<MarkedProblem>) => this.#goToProblem(event.detail)}
        @fix=${(event: CustomEvent<Fix>) => this.#fix(event.detail)}
      ></problem-list>
    `;
  }

  override firstUpdated(): void {
    this.#agreed = this.editing.text;
    this.#view = new EditorView({
      state: this.#begin(this.#agreed),
      parent: this.renderRoot.querySelector(".editor") as HTMLElement,
      root: this.renderRoot as ShadowRoot,
    });
  }

  override updated(changed: PropertyValues<this>): void {
    if (changed.has("editing")) this.#follow(this.editing);
  }

  #begin(text: string): EditorState {
    return EditorState.create({
      doc: text,
      extensions: [
        editor({
          undo: () => this.#history(() => this.editing.undo(), "undone"),
          redo: () => this.#history(() => this.editing.redo(), "redone"),
          refusedMask: () => {
            this.says = `The text has ${MASK} in it, which stands for a secret that was hidden: it was not taken in.`;
          },
        }),
        EditorView.updateListener.of((update) => this.#updated(update)),
      ],
    });
  }

  #follow(editing: Editing): void {
    if (this.#followed !== editing) {
      this.flush();
      this.#followed?.removeEventListener("change", this.#takeOver);
      this.#followed = editing;
      editing.addEventListener("change", this.#takeOver);
    }
    this.#takeOver();
  }

  /** The document changed, by this view or elsewhere. */
  readonly #takeOver = (): void => {
    const view = this.#view;
    const editing = this.#followed;
    if (view === null || editing === null) return;
    this.#checkSoon();
    const text = editing.text;
    if (text === this.#agreed) return;
    if (editing.undoable === null && editing.redoable === null && text === editing.savedText) {
      // Another document was opened; nothing of the last one belongs to it.
      this.#typed = null;
      this.#agreed = text;
      this.#sinceCheck = null;
      this.problems = [];
      view.setState(this.#begin(text));
      this.shows = false;
      return;
    }
    const changes = ChangeSet.of(spliceOf(this.#agreed, text), this.#agreed.length, "\n");
    this.#agreed = text;
    const applied = this.#typed === null ? changes : changes.map(this.#typed);
    this.#typed = this.#typed?.map(changes, true) ?? null;
    view.dispatch({ changes: applied, annotations: fromElsewhere.of(true) });
  };

  #updated(update: ViewUpdate): void {
    const isElsewhere = update.transactions.some((transaction) => transaction.annotation(fromElsewhere) === true);
    if (update.docChanged) {
      this.#sinceCheck = this.#sinceCheck?.compose(update.changes) ?? update.changes;
      if (!isElsewhere) {
        this.#typed = this.#typed?.compose(update.changes) ?? update.changes;
        clearTimeout(this.#flushTimer);
        const wait = cooldownOf(update.state.doc.length);
        if (wait === 0) this.flush();
        else this.#flushTimer = setTimeout(this.flush, wait);
      }
    } else if (isStale(update.state) && update.selectionSet) {
      clearTimeout(this.#flushTimer);
      this.#flushTimer = setTimeout(this.flush, SOON_MS);
    }
    const shows = shownSecret(update.state)?.by === "asking";
    if (shows !== this.shows) {
      this.shows = shows;
      this.says = shows ? "Secret shown, for 30 seconds." : "Secret hidden.";
    }
    if (shows && (update.docChanged || shownSecret(update.startState)?.by !== "asking")) {
      clearTimeout(this.#hideTimer);
      this.#hideTimer = setTimeout(() => this.#view !== null && hide(this.#view), SHOWN_MS);
    }
  }

  #checkSoon(): void {
    clearTimeout(this.#checkTimer);
    this.#checkTimer = setTimeout(() => this.#check(), this.#agreed.length > LONG ? CHECK_LONG_MS : CHECK_MS);
  }

  #check(): void {
    const view = this.#view;
    if (view === null || this.#followed === null) return;
    // What was typed meanwhile is checked when it rests.
    if (this.#typed !== null) return;
    const problems = this.#followed.problems;
    if (problems.length !== this.problems.length) this.says = counted(problems.length, "problem");
    this.problems = problems;
    this.#sinceCheck = null;
    view.dispatch(setDiagnostics(view.state, problems.slice(0, MOST_MARKED).map(({ problem, span }) => ({
      ...span,
      severity: problem.severity,
      message: problem.message,
      renderMessage: () => this.#message({ problem, span }),
    }))));
  }

  /** A problem and its repairs, which are looked for only now. */
  #message({ problem }: MarkedProblem): Node {
    const message = document.createElement("div");
    message.append(problem.message);
    for (const fix of fixes(this.editing.text, problem)) {
      const button = Object.assign(document.createElement("button"), {
        type: "button",
        className: "cm-diagnosticAction",
        textContent: fix.label,
      });
      button.addEventListener("click", () => this.#fix(fix));
      message.append(" ", button);
    }
    return message;
  }

  #fix(fix: Fix): void {
    // It was made for the text without what is typed and not yet taken in.
    if (this.#typed !== null) return this.flush();
    const first = fix.edits[0];
    this.editing.replace(repaired(this.editing.text, fix), fix.label);
    this.says = `${fix.label}: done.`;
    if (first !== undefined) this.#select(first.from);
  }

  #goToProblem({ span }: MarkedProblem): void {
    this.#select(this.#sinceCheck?.mapPos(span.from) ?? span.from);
  }

  #select(at: number): void {
    const view = this.#view;
    if (view === null) return;
    const selection = EditorSelection.cursor(Math.min(at, view.state.doc.length));
    view.dispatch({ selection, effects: EditorView.scrollIntoView(selection, { y: "center" }) });
    view.focus();
  }

  readonly #lineOf = ({ span }: MarkedProblem): number => {
    const doc = this.#view?.state.doc;
    return doc === undefined ? 1 : doc.lineAt(Math.min(span.from, doc.length)).number;
  };

  readonly #toggle = (): void => {
    const view = this.#view;
    if (view === null) return;
    if (!hide(view) && !reveal(view)) this.says = "There is no hidden secret in the line of the cursor.";
    view.focus();
  };

  readonly #search = (): void => {
    if (this.#view !== null) unhidden(openSearchPanel)(this.#view);
  };

  #history(step: () => string | null, how: string): void {
    this.flush();
    const before = this.#agreed;
    const what = step();
    const view = this.#view;
    if (what === null || view === null) return;
    const { from, insert } = spliceOf(before, this.#agreed);
    view.dispatch({ selection: EditorSelection.cursor(from + insert.length), scrollIntoView: true });
    this.says = `${what}: ${how}.`;
    this.#lastTyped = -Infinity;
  }

  /** The person looks elsewhere, or is about to. */
  readonly #leave = (): void => {
    if (this.#view !== null) hide(this.#view);
    this.flush();
  };
}
customElements.define("raw-view", RawView);

const ONE_GO_MS = 1500;
const SHOWN_MS = 30_000;
const SOON_MS = 150;
const CHECK_MS = 400;
const CHECK_LONG_MS = 2000;
/** Characters from which the core needs longer than a person wants to wait while typing. */
const LONG = 1_000_000;
/** Problems that are marked in the text: more would only colour it. */
const MOST_MARKED = 1000;

/** How long typing has to rest, by the length of the text. */
function cooldownOf(length: number): number {
  if (length <= SEARCHED_AT_ONCE) return 0;
  return length > LONG ? 1000 : SOON_MS;
}

function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}
