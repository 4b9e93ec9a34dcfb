/** The core, as the page uses it: every rule about documents comes from here. */

import type { Entry, FailureKind, Millis, Policy, Problem, Row, Strategy } from "credential-pool/types";
import init, {
  checkText, DocumentEditor, emptyDocument, fixesOf, maskedText, placeOf, secretsOf,
} from "../wasm/credential_pool.js";
import wasm from "../wasm/credential_pool_bg.wasm?url";

export type { Entry, FailureKind, Millis, Policy, Problem, Row, Strategy };
export { emptyDocument };

/** Loads the core; once is enough. */
export async function loadCore(): Promise<void> {
  await init({ module_or_path: new URL(wasm, import.meta.url) });
}

/** What the core refused, and why. Nothing changed. */
export class CoreError extends Error {
  override readonly name = "CoreError";
  /** Names the kind of trouble, for programs. */
  readonly code: string;
  /** Where in what was given, as a JSON pointer. */
  readonly pointer: string | undefined;

  constructor({ code, message, pointer }: { code: string; message: string; pointer?: string }) {
    super(message);
    this.code = code;
    this.pointer = pointer;
  }
}

/** A pool at a glance. */
export interface PoolSummary {
  key: string;
  /** How its credentials are doing; null if no pool reads rows of this key. */
  health: { available: number; resting: number; lost: number; setAside: number } | null;
  /** When the first of those that rest is back. */
  nextAt: Millis | null;
}

/** A pool as a table. */
export interface PoolTable {
  key: string;
  strategy: Strategy;
  /** A preset and what differs from it. */
  policy: Policy;
  /** By priority. */
  credentials: ShownCredential[];
  /** How many rows cannot be read. */
  setAside: number;
}

/** A secret field of a credential. */
export type SecretField = "access_token" | "refresh_token" | "agent_key";

/** A credential as the table shows it: no secret in it. */
export interface ShownCredential {
  entry: Entry;
  /** Where its row stands, as a JSON pointer; null if it has no id there yet. */
  pointer: string | null;
  /** Which secrets it has, the one that requests carry first. */
  secrets: SecretField[];
  /** The row's own; `entry.baseUrl` is where requests go. */
  baseUrl: string | null;
  expiresAtMs: Millis | null;
  failure: FailureKind | null;
  weight: number;
  maxInFlight: number | null;
  /** Its secret belongs to someone else, and is found by its fingerprint. */
  isBorrowed: boolean;
}

/** An edit of a pool. */
export type PoolEdit =
  | { type: "add"; row: Row }
  | { type: "duplicate"; id: string }
  | { type: "update"; id: string; fields: Row }
  | { type: "remove"; id: string }
  | { type: "move"; id: string; place: number }
  | { type: "reset"; id?: string }
  | { type: "strategy"; name: Strategy }
  | { type: "policy"; policy: Policy };

/** A document that the core has read. */
export class CoreDocument implements Disposable {
  readonly #editor: DocumentEditor;

  /** @throws {CoreError} The text is no document. */
  constructor(text: string) {
    this.#editor = called(() => DocumentEditor.open(text));
  }

  /** The document as it is to be written. */
  text(): string {
    return this.#editor.text();
  }

  pools(now: Millis = Date.now()): PoolSummary[] {
    return JSON.parse(this.#editor.pools(now));
  }

  /** @throws {CoreError} This names no pool. */
  pool(key: string, now: Millis = Date.now()): PoolTable {
    return JSON.parse(called(() => this.#editor.pool(key, now)));
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

  reveal(key: string, id: string, field: SecretField, now: Millis = Date.now()): string {
    return called(() => this.#editor.reveal(key, id, field, now));
  }

  [Symbol.dispose](): void {
    this.#editor.free();
  }
}

/** What the core throws is an error's JSON. */
function called<T>(action: () => T): T {
  try {
    return action();
  } catch (thrown) {
    throw typeof thrown === "string" ? new CoreError(JSON.parse(thrown)) : thrown;
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
