/** `<raw-view>`: the JSON view, an editor of the document's text. */

import { setDiagnostics } from "@codemirror/lint";
import { openSearchPanel } from "@codemirror/search";
import { ChangeSet, EditorSelection, EditorState } from "@codemirror/state";
import { EditorView, type ViewUpdate } from "@codemirror/view";
import { css, html, LitElement, nothing, type PropertyValues } from "lit";
import { type Fix, fixes, type MarkedProblem, place, repaired, secrets } from "../document/core-editor";
import type { Editing } from "../document/editing";
import { counted } from "../ui/format";
import { shared } from "../ui/style";
import { editor, withoutSecretSelection } from "./editor";
import { external, hide, isStale, MASK, reveal, revealedSecret, SCANNED_AT_ONCE, secretsFound } from "./masks";
import "./problem-list";
import { spliceOf } from "./splice";

/** Typed text becomes part of the document at once if it is short, else when typing pauses or `flush` is called. */
export class RawView extends LitElement {
  static override properties = {
    editing: { attribute: false },
    status: { state: true },
    isRevealed: { state: true },
    problems: { state: true },
  };
  static override styles = [shared, css`
    :host { display: grid; gap: var(--gap); min-width: 0; }
    .editor { border: 1px solid var(--edge); min-width: 0; }
    .status { min-height: 1.5em; }
    kbd { font-family: var(--mono); font-size: 0.9em; }
  `];

  declare editing: Editing;
  /** Latest message about secrets and problems. */
  declare status: string;
  /** Whether a secret is revealed on request. */
  declare isRevealed: boolean;
  /** Problems of the text when it was last checked. */
  declare problems: readonly MarkedProblem[];

  #view: EditorView | null = null;
  #followed: Editing | null = null;
  /** Number of the document that the view shows. */
  #opened = 0;
  /** Text of the document when this view was last in sync with it. */
  #synced = "";
  /** Changes typed since `#synced`. */
  #typed: ChangeSet | null = null;
  /** Changes of the text since its problems were found. */
  #sinceCheck: ChangeSet | null = null;
  #lastTyped = -Infinity;
  #flushTimer: ReturnType<typeof setTimeout> | undefined;
  #checkTimer: ReturnType<typeof setTimeout> | undefined;
  #hideTimer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    this.status = "";
    this.isRevealed = false;
    this.problems = [];
    this.addEventListener("focusout", (event) => {
      if (event.relatedTarget !== this) this.#onLeave();
    });
  }

  /** Moves typed text into the document. */
  readonly flush = (): void => {
    clearTimeout(this.#flushTimer);
    const view = this.#view;
    if (view === null || this.#followed === null) return;
    if (this.#typed !== null) {
      const text = view.state.doc.toString();
      const joins = performance.now() - this.#lastTyped < JOIN_MS;
      this.#lastTyped = performance.now();
      this.#synced = text;
      this.#typed = null;
      this.#followed.replace(text, "typing", { joins });
    }
    if (isStale(view.state)) view.dispatch({ effects: secretsFound(secrets(view.state.doc.toString())) });
  };

  /** Moves the cursor to the value at a JSON pointer. */
  goTo(pointer: string): void {
    this.flush();
    const span = place(this.editing.text, pointer);
    if (span !== null) this.#select(span.from);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    window.addEventListener("blur", this.#onLeave);
    window.addEventListener("pagehide", this.flush);
    document.addEventListener("visibilitychange", this.#onLeave);
    if (this.hasUpdated) this.#follow(this.editing);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#onLeave();
    this.#followed?.removeEventListener("change", this.#onChange);
    this.#followed = null;
    clearTimeout(this.#checkTimer);
    window.removeEventListener("blur", this.#onLeave);
    window.removeEventListener("pagehide", this.flush);
    document.removeEventListener("visibilitychange", this.#onLeave);
  }

    override shouldUpdate(): boolean {
    return this.editing !== undefined;
  }

  override render() {
    const errors = this.problems.filter(({ problem }) => problem.severity === "error").length;
    return html`
      <div class="row">
        <button type="button" aria-keyshortcuts="Alt+Enter" @click=${this.#toggle}>
          ${this.isRevealed ? "Hide the secret" : "Reveal the secret at the cursor"}
        </button>
        <button type="button" @click=${this.#search}>Find</button>
        <p class="status muted" role="status">${this.status}</p>
      </div>
      <div class="editor"></div>
      <p class="help" id="keys">
        <kbd>Tab</kbd> leaves the editor. <kbd>Alt+Enter</kbd> reveals or hides the secret at the cursor, a click reveals
        it. <kbd>F8</kbd> goes to the next problem.
      </p>
      <h2>${this.problems.length === 0 ? "No problems" : counted(this.problems.length, "problem")}${errors > 0
        ? html` <span class="muted">(${counted(errors, "error")})</span>`
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
    this.#synced = this.editing.text;
    this.#opened = this.editing.opened;
    this.#view = new EditorView({
      state: this.#newState(this.#synced),
      parent: this.renderRoot.querySelector(".editor") as HTMLElement,
      root: this.renderRoot as ShadowRoot,
    });
  }

  override updated(changed: PropertyValues<this>): void {
    if (changed.has("editing")) this.#follow(this.editing);
  }

  #newState(text: string): EditorState {
    return EditorState.create({
      doc: text,
      extensions: [
        editor({
          undo: () => this.#history(() => this.editing.undo(), "undone"),
          redo: () => this.#history(() => this.editing.redo(), "redone"),
          maskRejected: () => {
            this.status = `The text contains ${MASK}, the mask of a hidden secret: it was not inserted.`;
          },
        }),
        EditorView.updateListener.of((update) => this.#updated(update)),
      ],
    });
  }

  #follow(editing: Editing): void {
    if (this.#followed !== editing) {
      this.flush();
      this.#followed?.removeEventListener("change", this.#onChange);
      this.#followed = editing;
      editing.addEventListener("change", this.#onChange);
    }
    this.#onChange();
  }

  /** Takes over a change of the document, made by this view or elsewhere. */
  readonly #onChange = (): void => {
    const view = this.#view;
    const editing = this.#followed;
    if (view === null || editing === null) return;
    this.#checkSoon();
    const text = editing.text;
    if (editing.opened !== this.#opened) {
      // All state of the last document is dropped.
      this.#opened = editing.opened;
      this.#typed = null;
      this.#synced = text;
      this.#sinceCheck = null;
      this.problems = [];
      view.setState(this.#newState(text));
      this.isRevealed = false;
      return;
    }
    if (text === this.#synced) return;
    const changes = ChangeSet.of(spliceOf(this.#synced, text), this.#synced.length, "\n");
    this.#synced = text;
    const applied = this.#typed === null ? changes : changes.map(this.#typed);
    this.#typed = this.#typed?.map(changes, true) ?? null;
    view.dispatch({ changes: applied, annotations: external.of(true) });
  };

  #updated(update: ViewUpdate): void {
    const isExternal = update.transactions.some((transaction) => transaction.annotation(external) === true);
    if (update.docChanged) {
      this.#sinceCheck = this.#sinceCheck?.compose(update.changes) ?? update.changes;
      if (!isExternal) {
        this.#typed = this.#typed?.compose(update.changes) ?? update.changes;
        clearTimeout(this.#flushTimer);
        const wait = typingPauseOf(update.state.doc.length);
        if (wait === 0) this.flush();
        else this.#flushTimer = setTimeout(this.flush, wait);
      }
    } else if (isStale(update.state) && update.selectionSet) {
      clearTimeout(this.#flushTimer);
      this.#flushTimer = setTimeout(this.flush, PAUSE_MS);
    }
    const isRevealed = revealedSecret(update.state)?.by === "request";
    if (isRevealed !== this.isRevealed) {
      this.isRevealed = isRevealed;
      this.status = isRevealed ? "Secret shown for 30 seconds." : "Secret hidden.";
    }
    if (isRevealed && (update.docChanged || revealedSecret(update.startState)?.by !== "request")) {
      clearTimeout(this.#hideTimer);
      this.#hideTimer = setTimeout(() => this.#view !== null && hide(this.#view), REVEALED_MS);
    }
  }

  #checkSoon(): void {
    clearTimeout(this.#checkTimer);
    this.#checkTimer = setTimeout(() => this.#check(), this.#synced.length > LONG_TEXT ? CHECK_LONG_MS : CHECK_MS);
  }

  #check(): void {
    const view = this.#view;
    if (view === null || this.#followed === null) return;
    // Typed text that is not flushed yet is checked after the flush.
    if (this.#typed !== null) return;
    const problems = this.#followed.problems;
    if (problems.length !== this.problems.length) this.status = counted(problems.length, "problem");
    this.problems = problems;
    this.#sinceCheck = null;
    view.dispatch(setDiagnostics(view.state, problems.slice(0, MAX_MARKED).map(({ problem, span }) => ({
      ...span,
      severity: problem.severity,
      message: problem.message,
      renderMessage: () => this.#message({ problem, span }),
    }))));
  }

  /** Returns the tooltip of a problem, with its repairs. They are computed when the tooltip opens. */
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
    // The repair belongs to the text before the typed changes.
    if (this.#typed !== null) return this.flush();
    const first = fix.edits[0];
    this.editing.replace(repaired(this.editing.text, fix), fix.label);
    this.status = `${fix.label}: done.`;
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
    if (!hide(view) && !reveal(view)) this.status = "The line of the cursor has no hidden secret.";
    view.focus();
  };

  readonly #search = (): void => {
    if (this.#view !== null) withoutSecretSelection(openSearchPanel)(this.#view);
  };

  #history(step: () => string | null, how: string): void {
    this.flush();
    const before = this.#synced;
    const what = step();
    const view = this.#view;
    if (what === null || view === null) return;
    const { from, insert } = spliceOf(before, this.#synced);
    view.dispatch({ selection: EditorSelection.cursor(from + insert.length), scrollIntoView: true });
    this.status = `${what}: ${how}.`;
    this.#lastTyped = -Infinity;
  }

  /** Hides the revealed secret and flushes typed text: the focus or the window is left. */
  readonly #onLeave = (): void => {
    if (this.#view !== null) hide(this.#view);
    this.flush();
  };
}
customElements.define("raw-view", RawView);

/** Time between two keys within which one undo reverses both, in ms. */
const JOIN_MS = 1500;
/** Time for which a secret stays revealed, in ms. */
const REVEALED_MS = 30_000;
/** Pause in typing after which a long text is flushed, in ms. */
const PAUSE_MS = 150;
/** Delay of the check after a change, in ms. */
const CHECK_MS = 400;
/** The same for a text longer than `LONG_TEXT`. */
const CHECK_LONG_MS = 2000;
/** Length in characters from which a check takes longer than a person waits while typing. */
const LONG_TEXT = 1_000_000;
/** Number of problems that are marked in the text. */
const MAX_MARKED = 1000;

/** Returns the pause in typing after which a text is flushed, in ms, by its length. */
function typingPauseOf(length: number): number {
  if (length <= SCANNED_AT_ONCE) return 0;
  return length > LONG_TEXT ? 1000 : PAUSE_MS;
}
