/** The document that is being edited: its text, the core's reading of it, what was done and can be undone. */

import { check, CoreDocument, CoreError, emptyDocument, type MarkedProblem, type PoolEdit } from "./core";

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
  #document: CoreDocument | null = new CoreDocument(this.#text);
  #fault: CoreError | null = null;
  #problems: MarkedProblem[] | null = null;
  #problemCount = 0;
  #later: ReturnType<typeof setTimeout> | undefined;
  readonly #past: Step[] = [];
  readonly #future: Step[] = [];
  /** Counts up with every change, for views that keep what they worked out. */
  version = 0;

  /** The text as it would be saved. */
  get text(): string {
    if (this.#textIsBehind && this.#document !== null) {
      this.#text = this.#document.text();
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
  get document(): CoreDocument | null {
    return this.#document;
  }

  /** Why the text is no document. */
  get fault(): CoreError | null {
    return this.#fault;
  }

  /** Everything that a person should look at. */
  get problems(): readonly MarkedProblem[] {
    this.#problems ??= check(this.text);
    return this.#problems;
  }

  /** How many problems there are, as of a moment ago: to count them in a large document takes its time. */
  get problemCount(): number {
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

  /**
   * Carries out an edit of a pool.
   *
   * @param what It in words, for undo.
   * @throws {CoreError} It was refused, and nothing changed.
   */
  edit(key: string, edit: PoolEdit, what: string): void {
    if (this.#document === null) throw this.#fault ?? new Error("there is no document");
    const before = this.text;
    this.#document.edit(key, edit);
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
    try {
      this.#document = new CoreDocument(text);
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
    this.version += 1;
    clearTimeout(this.#later);
    this.#later = setTimeout(() => {
      this.#catchUp();
      this.#problemCount = this.problems.length;
      this.dispatchEvent(new Event("settled"));
    }, SETTLES_AFTER);
    this.dispatchEvent(new Event("change"));
  }
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
