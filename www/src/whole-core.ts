/** All of the core: edits, and what stands where in a text. It is loaded when a person begins to edit. */

import init, {
  checkText, DocumentEditor, fixesOf, maskedText, placeOf, secretsOf,
} from "../wasm/credential_pool.js";
import wasm from "../wasm/credential_pool_bg.wasm?url";
import { called, CoreError, type Millis, type PoolEdit, type Problem, ReadDocument, type Seed } from "./core";

await init({ module_or_path: new URL(wasm, import.meta.url) });

/** A document that the core has read, and can edit. */
export class EditableDocument extends ReadDocument {
  readonly #editor: DocumentEditor;

  private constructor(editor: DocumentEditor) {
    super(editor);
    this.#editor = editor;
  }

  /** @throws {CoreError} The text is no document. */
  static override open(text: string, seed: Seed): EditableDocument {
    return new EditableDocument(called(() => DocumentEditor.open(text, seed)));
  }

  /** The document as it is to be written. */
  text(): string {
    return this.#editor.text();
  }

  /** @throws {CoreError} The pool or the document refuses it. Nothing changed. */
  edit(key: string, edit: PoolEdit, now: Millis = Date.now()): void {
    called(() => this.#editor.edit(key, JSON.stringify(edit), now));
  }

  /** Why an edit would be refused; null if it would not. */
  validate(key: string, edit: PoolEdit, now: Millis = Date.now()): CoreError | null {
    const refused = JSON.parse(this.#editor.validate(key, JSON.stringify(edit), now));
    return refused === null ? null : new CoreError(refused);
  }
}

/** A place in a text: from and to, in UTF-16. */
export interface Span {
  from: number;
  to: number;
}

/** Something that a person should look at, and where it stands. */
export interface MarkedProblem {
  problem: Problem;
  span: Span;
}

/** A repair of a problem. */
export interface Fix {
  /** What it does. */
  label: string;
  /** What it replaces, in order. */
  edits: readonly (Span & { text: string })[];
}

/** Everything in a text that a person should look at. */
export function check(text: string, now: Millis = Date.now()): MarkedProblem[] {
  return JSON.parse(checkText(text, now));
}

/** How a problem can be repaired, the likeliest first. */
export function fixes(text: string, { code, pointer }: Problem): Fix[] {
  return JSON.parse(fixesOf(text, code, pointer));
}

/** A text with a repair made. */
export function repaired(text: string, { edits }: Fix): string {
  return edits.reduceRight((whole, { from, to, text }) => whole.slice(0, from) + text + whole.slice(to), text);
}

/** Where the secrets of a text stand, also of one that is no JSON. */
export function secrets(text: string): Span[] {
  const ends = secretsOf(text);
  return Array.from({ length: ends.length / 2 }, (_, i) => ({ from: ends[2 * i] ?? 0, to: ends[2 * i + 1] ?? 0 }));
}

/** Where the value at a JSON pointer stands; null if it is not there. */
export function place(text: string, pointer: string): Span | null {
  const [from, to] = placeOf(text, pointer);
  return from === undefined || to === undefined ? null : { from, to };
}

/** A text with a mark for each secret: the same one for the same secret. */
export const masked = maskedText;
