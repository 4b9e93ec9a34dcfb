/** The core, as the page uses it to read a document: every rule about documents comes from here, or from all of it. */

import type { Entry, FailureKind, Millis, Policy, Problem, Row, Strategy } from "credential-pool/types";
import init, { countProblems as count, DocumentEditor, emptyDocument } from "../wasm-reader/credential_pool.js";
import wasm from "../wasm-reader/credential_pool_bg.wasm?url";

export type { Entry, FailureKind, Millis, Policy, Problem, Row, Strategy };
export { emptyDocument };

/** Loads what reads; once is enough. */
export async function loadReader(): Promise<void> {
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

/** 32 bytes from which ids are made: the same text, read with the same ones, has the same ids. */
export type Seed = Uint8Array;

/** A seed that nothing else has. */
export function newSeed(): Seed {
  return crypto.getRandomValues(new Uint8Array(32));
}

/** A document that the core has read. */
export class ReadDocument implements Disposable {
  readonly #reader: Reader;

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  /** @throws {CoreError} The text is no document. */
  static open(text: string, seed: Seed): ReadDocument {
    return new ReadDocument(called(() => DocumentEditor.open(text, seed)));
  }

  pools(now: Millis = Date.now()): PoolSummary[] {
    return JSON.parse(this.#reader.pools(now));
  }

  /** @throws {CoreError} This names no pool. */
  pool(key: string, now: Millis = Date.now()): PoolTable {
    return JSON.parse(called(() => this.#reader.pool(key, now)));
  }

  reveal(key: string, id: string, field: SecretField, now: Millis = Date.now()): string {
    return called(() => this.#reader.reveal(key, id, field, now));
  }

  [Symbol.dispose](): void {
    this.#reader.free();
  }
}

/** What of the core a document is read by. */
export type Reader = Pick<DocumentEditor, "pools" | "pool" | "reveal" | "free">;

/** How much in a text a person should look at. */
export function countProblems(text: string, now: Millis = Date.now()): number {
  return count(text, now);
}

/** What the core throws is an error's JSON. */
export function called<T>(action: () => T): T {
  try {
    return action();
  } catch (thrown) {
    throw typeof thrown === "string" ? new CoreError(JSON.parse(thrown)) : thrown;
  }
}
