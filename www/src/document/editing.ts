/** The open document: its text, the core's reading of it, and the history for undo and redo. */

import { CoreError, countProblems, emptyDocument, newSeed, type PoolEdit, ReadDocument } from "./core-reader";
import type { EditableDocument, MarkedProblem } from "./core-editor";
import type { Place } from "./place";
import type { Step } from "./step";

/**
 * The document that a person edits. The table and the JSON view are two views of it. A text that is not a document is
 * kept as typed.
 *
 * Other programs write to the document as well. Their changes are never steps of the history: the person's unsaved steps
 * are carried out again on the latest text, so that neither a step nor its undo brings older tokens back.
 *
 * Fires `change` when the text, its problems or the saved state may have changed, and `settled` once no further change
 * followed for a moment.
 */
export class Editing extends EventTarget {
  /** Place that the document is saved to; null until a place is chosen. */
  place: Place | null = null;
  #text = emptyDocument();
  /** Whether `#text` lacks the last edit, because nothing has read the text since. */
  #textIsStale = false;
  #saved = this.#text;
  /** The whole core; null until it is loaded. */
  #core: Core | null = null;
  #preparing: Promise<void> | null = null;
  #seed = newSeed();
  #document: ReadDocument | null = ReadDocument.open(this.#text, this.#seed);
  #fault: CoreError | null = null;
  #problems: MarkedProblem[] | null = null;
  #problemCount = 0;
  #isCounted = true;
  #settleTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #past: Step[] = [];
  readonly #future: Step[] = [];
  /** Number of changes so far, for views that cache results. */
  version = 0;
  /** Number of documents that were opened so far, for views that keep state of a document. */
  opened = 0;

  /** Text as it would be saved. */
  get text(): string {
    if (this.#textIsStale) {
      this.#text = this.#editable.text();
      this.#textIsStale = false;
      const step = this.#past.at(-1);
      if (step?.after === null) step.after = this.#text;
    }
    return this.#text;
  }

  /** Text as it was last opened or saved. */
  get savedText(): string {
    return this.#saved;
  }

  /** The document as the core reads it; null while the text is not a document. */
  get document(): ReadDocument | null {
    return this.#document;
  }

  /** Reason why the text is not a document. */
  get fault(): CoreError | null {
    return this.#fault;
  }

  /** All problems of the text. Available once the document is prepared for edits. */
  get problems(): readonly MarkedProblem[] {
    if (this.#core === null) throw notPrepared();
    this.#problems ??= this.#core.check(this.text);
    return this.#problems;
  }

  /** Number of problems when they were last counted. */
  get problemCount(): number {
    return this.#problemCount;
  }

  /** Counts the problems. This is slow for a large document. */
  countProblems(): number {
    if (!this.#isCounted) this.#problemCount = this.#core === null ? countProblems(this.text) : this.problems.length;
    this.#isCounted = true;
    return this.#problemCount;
  }

  get isChanged(): boolean {
    return this.#textIsStale || this.#text !== this.#saved;
  }

  /** Steps that `undo` can reverse, the last step last. */
  get past(): readonly Step[] {
    return this.#past;
  }

  /** Steps that `redo` can repeat, the next step last. */
  get future(): readonly Step[] {
    return this.#future;
  }

  /** Name of the step that `undo` reverses; null if there is none. */
  get undoable(): string | null {
    return this.#past.at(-1)?.what ?? null;
  }

  /** Name of the step that `redo` repeats; null if there is none. */
  get redoable(): string | null {
    return this.#future.at(-1)?.what ?? null;
  }

  /** Opens another document and drops the history. */
  open(text: string, place: Place | null): void {
    this.#past.length = 0;
    this.#future.length = 0;
    this.#saved = text;
    this.place = place;
    this.opened += 1;
    // An empty file is the start of a new document.
    this.#setText(text === "" && place !== null ? emptyDocument() : text);
  }

  /** Whether the document can be edited. */
  get isPrepared(): boolean {
    return this.#core !== null;
  }

  /** Prepares the document for edits; the first call loads the whole core. Callers continue in the order of their calls. */
  prepare(): Promise<void> {
    this.#preparing ??= this.#load().catch((error: unknown) => {
      this.#preparing = null;
      throw error;
    });
    return this.#preparing;
  }

  /** Returns why an edit would be refused; null if it would be accepted, or before the document is prepared. */
  validate(key: string, edit: PoolEdit): CoreError | null {
    return this.#core === null || this.#document === null ? null : this.#editable.validate(key, edit);
  }

  /**
   * Carries out an edit of a pool. The document must be prepared.
   *
   * @param what Name of the edit in the history.
   * @throws {CoreError} The edit was refused, and nothing changed.
   */
  edit(key: string, edit: PoolEdit, what: string): void {
    if (this.#document === null) throw this.#fault ?? new Error("there is no document");
    const before = this.text;
    const done = this.#editable.withId(key, edit);
    this.#editable.edit(key, done);
    this.#textIsStale = true;
    this.#remember({ what, before, after: null, edit: { key, edit: done } });
    this.#notify();
  }

  /**
   * Replaces the text, whether or not the new text is a document.
   *
   * @param options.joins Extends the last step of the same name, so that one undo reverses both.
   */
  replace(text: string, what: string, { joins = false }: { joins?: boolean } = {}): void {
    const before = this.text;
    if (text === before) return;
    const last = this.#past.at(-1);
    const isJoined = joins && last?.what === what && last.after === before && last.edit === undefined
      && before !== this.#saved && this.#future.length === 0;
    if (isJoined) this.#past.pop();
    this.#remember({ what, before: isJoined ? last.before : before, after: text });
    this.#setText(text);
  }

  undo(): string | null {
    this.#dropEmptyStep();
    const step = this.#past.pop();
    if (step === undefined) return null;
    this.#future.push(step);
    this.#setText(step.before);
    return step.what;
  }

  redo(): string | null {
    const step = this.#future.pop();
    if (step === undefined) return null;
    // The text may be newer than the step.
    const replayed = step.before === this.text ? null : this.#loaded.replay([step], this.text);
    const [again = step] = replayed?.steps ?? [];
    if (again.before !== this.text) {
      this.#future.length = 0;
      return null;
    }
    this.#past.push(again);
    this.#setText(again.after ?? again.before);
    return again.what;
  }

  /** Replaces the text with the latest text of its place and steps on top of it. */
  rebase(saved: string, { past = [], future = [] }: { past?: readonly Step[]; future?: readonly Step[] }): void {
    this.#saved = saved;
    this.#past.splice(0, this.#past.length, ...past);
    this.#future.splice(0, this.#future.length, ...future);
    this.#setText(past.at(-1)?.after ?? saved);
  }

  /** Records that this text was saved. */
  saved(text: string): void {
    this.#saved = text;
    this.#notify();
  }

  async #load(): Promise<void> {
    const [editor, replay] = await Promise.all([import("./core-editor"), import("./replay")]);
    this.#core = { ...editor, ...replay };
    if (this.#document === null) return;
    const reader = this.#document;
    this.#document = this.#core.EditableDocument.open(this.#text, this.#seed);
    reader[Symbol.dispose]();
  }

  get #editable(): EditableDocument {
    const document = this.#document;
    if (this.#core === null || !(document instanceof this.#core.EditableDocument)) throw notPrepared();
    return document;
  }

  get #loaded(): Core {
    if (this.#core === null) throw notPrepared();
    return this.#core;
  }

  #remember(step: Step): void {
    this.#past.push(step);
    this.#future.length = 0;
    // Every step holds a whole text in memory, two bytes per character.
    let room = HISTORY_BYTES;
    const kept = this.#past.findLastIndex((step) => (room -= 2 * step.before.length) < 0);
    this.#past.splice(0, Math.min(kept + 1, this.#past.length - 1));
  }

  #setText(text: string): void {
    this.#document?.[Symbol.dispose]();
    this.#text = text;
    this.#textIsStale = false;
    this.#document = null;
    this.#fault = null;
    this.#seed = newSeed();
    try {
      this.#document = (this.#core?.EditableDocument ?? ReadDocument).open(text, this.#seed);
    } catch (error) {
      if (!(error instanceof CoreError)) throw error;
      this.#fault = error;
    }
    this.#notify();
  }

  /** Drops the last step if it changed nothing. */
  #dropEmptyStep(): void {
    const { text } = this;
    const step = this.#past.at(-1);
    if (step !== undefined && step.before === text && step.after === text) this.#past.pop();
  }

  #notify(): void {
    this.#problems = null;
    this.#isCounted = false;
    this.version += 1;
    clearTimeout(this.#settleTimer);
    this.#settleTimer = setTimeout(() => {
      this.#dropEmptyStep();
      this.countProblems();
      this.dispatchEvent(new Event("settled"));
    }, SETTLE_MS);
    this.dispatchEvent(new Event("change"));
  }
}

type Core = typeof import("./core-editor") & typeof import("./replay");

function notPrepared(): Error {
  return new Error("the document is not prepared for edits yet");
}

/** Memory that the history may use, in bytes. */
const HISTORY_BYTES = 200_000_000;

/** Delay after the last change before slow work (text of an edit, problems) is done, in ms. */
const SETTLE_MS = 250;
