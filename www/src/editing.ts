/** The document that is being edited: its text, the core's reading of it, what was done and can be undone. */

import { CoreError, countProblems, emptyDocument, newSeed, type PoolEdit, ReadDocument } from "./core";
import type { EditableDocument, MarkedProblem } from "./whole-core";

/** Where a document comes from and goes to. */
export interface Place {
  /** What people call it. */
  readonly name: string;
  /** Writes the document. */
  write(text: string): Promise<void>;
}

/**
 * A document under the hands of a person. Fires `change` whenever its text, its problems or whether it is saved may
 * have changed, and `settled` a moment after the last of them. The form and the raw text are two views of it; text that is no document is kept as it is typed.
 */
export class Editing extends EventTarget {
  /** Where it comes from and goes to; null if a place has to be chosen. */
  place: Place | null = null;
  #text = emptyDocument();
  /** Of an edit whose text nobody has asked for yet. */
  #textIsBehind = false;
  #saved = this.#text;
  /** All of the core, once it is there. */
  #core: typeof import("./whole-core") | null = null;
  #preparing: Promise<void> | null = null;
  #seed = newSeed();
  #document: ReadDocument | null = ReadDocument.open(this.#text, this.#seed);
  #fault: CoreError | null = null;
  #problems: MarkedProblem[] | null = null;
  #problemCount = 0;
  #isCounted = true;
  #later: ReturnType<typeof setTimeout> | undefined;
  readonly #past: Step[] = [];
  readonly #future: Step[] = [];
  /** Counts up with every change, for views that keep what they worked out. */
  version = 0;

  /** The text as it would be saved. */
  get text(): string {
    if (this.#textIsBehind) {
      this.#text = this.#editable.text();
      this.#textIsBehind = false;
      const step = this.#past.at(-1);
      if (step?.after === null) step.after = this.#text;
    }
    return this.#text;
  }

  /** The text as it was opened or saved last. */
  get savedText(): string {
    return this.#saved;
  }

  /** What the core reads; null while the text is no document. */
  get document(): ReadDocument | null {
    return this.#document;
  }

  /** Why the text is no document. */
  get fault(): CoreError | null {
    return this.#fault;
  }

  /** Everything that a person should look at. Only once the document is prepared for edits. */
  get problems(): readonly MarkedProblem[] {
    if (this.#core === null) throw notPrepared();
    this.#problems ??= this.#core.check(this.text);
    return this.#problems;
  }

  /** How many problems there are, as they were counted last. */
  get problemCount(): number {
    return this.#problemCount;
  }

  /** Counts the problems; in a large document that takes its time. */
  countProblems(): number {
    if (!this.#isCounted) this.#problemCount = this.#core === null ? countProblems(this.text) : this.problems.length;
    this.#isCounted = true;
    return this.#problemCount;
  }

  get isChanged(): boolean {
    return this.#textIsBehind || this.#text !== this.#saved;
  }

  /** What `undo` takes back, in words; null if there is nothing. */
  get undoable(): string | null {
    return this.#past.at(-1)?.what ?? null;
  }

  /** What `redo` does again. */
  get redoable(): string | null {
    return this.#future.at(-1)?.what ?? null;
  }

  /** Begins with another document; what was done to the last one is forgotten. */
  open(text: string, place: Place | null): void {
    this.#past.length = 0;
    this.#future.length = 0;
    this.#saved = text;
    this.place = place;
    // A file without content is one that is to be begun.
    this.#take(text === "" && place !== null ? emptyDocument() : text);
  }

  /** Whether the document can be edited. */
  get isPrepared(): boolean {
    return this.#core !== null;
  }

  /** Makes the document one that can be edited. What that takes is loaded the first time; all who wait go on in the order in which they came. */
  prepare(): Promise<void> {
    this.#preparing ??= this.#load().catch((error: unknown) => {
      this.#preparing = null;
      throw error;
    });
    return this.#preparing;
  }

  /** Why an edit would be refused; null if it would not, or before the document is prepared. */
  validate(key: string, edit: PoolEdit): CoreError | null {
    return this.#core === null || this.#document === null ? null : this.#editable.validate(key, edit);
  }

  /**
   * Carries out an edit of a pool. Only once the document is prepared.
   *
   * @param what It in words, for undo.
   * @throws {CoreError} It was refused, and nothing changed.
   */
  edit(key: string, edit: PoolEdit, what: string): void {
    if (this.#document === null) throw this.#fault ?? new Error("there is no document");
    const before = this.text;
    this.#editable.edit(key, edit);
    this.#textIsBehind = true;
    this.#remember(before, null, what);
    this.#tell();
  }

  /** Takes in text that a person typed or repaired, whatever it is. */
  replace(text: string, what: string, { joins = false }: { joins?: boolean } = {}): void {
    const before = this.text;
    if (text === before) return;
    const last = this.#past.at(-1);
    // What is typed in one go is undone in one go.
    if (joins && last?.what === what && last.after === before && this.#future.length === 0) this.#past.pop();
    this.#remember(joins && last?.what === what && last.after === before ? last.before : before, text, what);
    this.#take(text);
  }

  undo(): string | null {
    this.#catchUp();
    const step = this.#past.pop();
    if (step === undefined) return null;
    this.#future.push(step);
    this.#take(step.before);
    return step.what;
  }

  redo(): string | null {
    const step = this.#future.pop();
    if (step === undefined) return null;
    this.#past.push(step);
    this.#take(step.after ?? step.before);
    return step.what;
  }

  /** The text was written as it is. */
  saved(text: string): void {
    this.#saved = text;
    this.#tell();
  }

  async #load(): Promise<void> {
    this.#core = await import("./whole-core");
    if (this.#document === null) return;
    const reader = this.#document;
    this.#document = this.#core.EditableDocument.open(this.#text, this.#seed);
    // Ids are drawn in the order in which pools are read first.
    this.#document.pools();
    reader[Symbol.dispose]();
  }

  get #editable(): EditableDocument {
    const document = this.#document;
    if (this.#core === null || !(document instanceof this.#core.EditableDocument)) throw notPrepared();
    return document;
  }

  #remember(before: string, after: string | null, what: string): void {
    this.#past.push({ before, after, what });
    this.#future.length = 0;
    // Texts that follow each other share nothing in memory.
    let room = MOST_REMEMBERED;
    const kept = this.#past.findLastIndex((step) => (room -= 2 * step.before.length) < 0);
    this.#past.splice(0, Math.min(kept + 1, this.#past.length - 1));
  }

  #take(text: string): void {
    this.#document?.[Symbol.dispose]();
    this.#text = text;
    this.#textIsBehind = false;
    this.#document = null;
    this.#fault = null;
    // Two that write must not make the same ids.
    this.#seed = newSeed();
    try {
      this.#document = (this.#core?.EditableDocument ?? ReadDocument).open(text, this.#seed);
    } catch (error) {
      if (!(error instanceof CoreError)) throw error;
      this.#fault = error;
    }
    this.#tell();
  }

  /** An edit that changed nothing is nothing to undo. */
  #catchUp(): void {
    const { text } = this;
    const step = this.#past.at(-1);
    if (step !== undefined && step.before === text && step.after === text) this.#past.pop();
  }

  #tell(): void {
    this.#problems = null;
    this.#isCounted = false;
    this.version += 1;
    clearTimeout(this.#later);
    this.#later = setTimeout(() => {
      this.#catchUp();
      this.countProblems();
      this.dispatchEvent(new Event("settled"));
    }, SETTLES_AFTER);
    this.dispatchEvent(new Event("change"));
  }
}

function notPrepared(): Error {
  return new Error("the document is not prepared for edits yet");
}

/** Characters of text that undo may hold in all. */
const MOST_REMEMBERED = 200_000_000;

/** How long after a change, in ms, what takes its time is worked out: the text of an edit, and what is wrong with it. */
const SETTLES_AFTER = 250;

interface Step {
  before: string;
  /** Null until somebody asks for the text. */
  after: string | null;
  what: string;
}
