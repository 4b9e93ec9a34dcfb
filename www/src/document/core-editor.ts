/** The whole core: edits, checks, repairs, and places in a text. It is loaded with the first edit. */

import init, {
  checkText, DocumentEditor, fixesOf, maskedText, placeOf, providers, secretsOf,
} from "../../wasm/credential_pool.js";
import wasm from "../../wasm/credential_pool_bg.wasm?url";
import type { ProviderFacts } from "credential-pool/types";
import { callCore, CoreError, type Millis, type PoolEdit, type Problem, ReadDocument, type Seed } from "./core-reader";

await init({ module_or_path: new URL(wasm, import.meta.url) });

/** A document that the core can edit. */
export class EditableDocument extends ReadDocument {
  readonly #editor: DocumentEditor;

  private constructor(editor: DocumentEditor) {
    super(editor);
    this.#editor = editor;
  }

  /** @throws {CoreError} The text is not a document. */
  static override open(text: string, seed: Seed): EditableDocument {
    return new EditableDocument(callCore(() => DocumentEditor.open(text, seed)));
  }

  /** Returns the text to save. */
  text(): string {
    return this.#editor.text();
  }

  /** @throws {CoreError} The pool or the document refuses the edit. Nothing changed. */
  edit(key: string, edit: PoolEdit, now: Millis = Date.now()): void {
    callCore(() => this.#editor.edit(key, JSON.stringify(edit), now));
  }

  /**
   * Returns the edit with the id of the credential that it adds, so that later edits of the credential fit wherever the
   * edit is carried out.
   *
   * @throws {CoreError} The key is not a pool key.
   */
  withId(key: string, edit: PoolEdit, now: Millis = Date.now()): PoolEdit {
    const newId = () => callCore(() => this.#editor.newId(key, now));
    if (edit.type === "add") return { ...edit, row: { ...edit.row, id: edit.row.id ?? newId() } };
    return edit.type === "duplicate" ? { ...edit, copy: edit.copy ?? newId() } : edit;
  }

  /**
   * Takes over the secrets that other programs renewed: those of `theirs` that differ from `base`, unless the secrets
   * of this document differ from `base` as well.
   *
   * @throws {CoreError} `theirs` is not a document.
   */
  keepRenewedSecrets(base: string, theirs: string, now: Millis = Date.now()): void {
    callCore(() => this.#editor.keepRenewedSecrets(base, theirs, now));
  }

  /** Returns why the edit would be refused; null if it would be accepted. */
  validate(key: string, edit: PoolEdit, now: Millis = Date.now()): CoreError | null {
    const refused = JSON.parse(this.#editor.validate(key, JSON.stringify(edit), now));
    return refused === null ? null : new CoreError(refused);
  }
}

/** All providers that the core knows, by id. */
export const knownProviders: readonly ProviderFacts[] = JSON.parse(providers());

/** A range of a text, in UTF-16 code units. */
export interface Span {
  from: number;
  to: number;
}

/** A problem and its range in the text. */
export interface MarkedProblem {
  problem: Problem;
  span: Span;
}

/** A repair of a problem. */
export interface Fix {
  /** Name of the repair, as a button shows it. */
  label: string;
  /** Replacements, in the order of the text. */
  edits: readonly (Span & { text: string })[];
}

/** Returns all problems of a text. */
export function check(text: string, now: Millis = Date.now()): MarkedProblem[] {
  return JSON.parse(checkText(text, now));
}

/** Returns the repairs of a problem, the most likely first. */
export function fixes(text: string, { code, pointer }: Problem): Fix[] {
  return JSON.parse(fixesOf(text, code, pointer));
}

/** Returns the text with a repair applied. */
export function repaired(text: string, { edits }: Fix): string {
  return edits.reduceRight((whole, { from, to, text }) => whole.slice(0, from) + text + whole.slice(to), text);
}

/** Returns the ranges of all secrets, also in a text that is not JSON. */
export function secrets(text: string): Span[] {
  const ends = secretsOf(text);
  return Array.from({ length: ends.length / 2 }, (_, i) => ({ from: ends[2 * i] ?? 0, to: ends[2 * i + 1] ?? 0 }));
}

/** Returns the range of the value at a JSON pointer; null if the text has no such value. */
export function place(text: string, pointer: string): Span | null {
  const [from, to] = placeOf(text, pointer);
  return from === undefined || to === undefined ? null : { from, to };
}

/** Returns the text with a mark in place of each secret. Equal secrets have equal marks. */
export const masked = maskedText;
