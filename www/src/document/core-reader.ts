/** The part of the core that reads documents. It is loaded with the page; `core-editor` adds the rest. */

import type { Entry, FailureKind, Millis, Policy, Problem, Row, Strategy } from "credential-pool/types";
import init, { countProblems as count, DocumentEditor, emptyDocument } from "../../wasm-reader/credential_pool.js";
import wasm from "../../wasm-reader/credential_pool_bg.wasm?url";

export type { Entry, FailureKind, Millis, Policy, Problem, Row, Strategy };
export { emptyDocument };

/** Loads the reading part of the core. It must be called once before anything else here. */
export async function loadReader(): Promise<void> {
  await init({ module_or_path: new URL(wasm, import.meta.url) });
}

/** An input that the core refused. Nothing changed. */
export class CoreError extends Error {
  override readonly name = "CoreError";
  /** Stable code of the error, for programs. */
  readonly code: string;
  /** JSON pointer into the refused input. */
  readonly pointer: string | undefined;

  constructor({ code, message, pointer }: { code: string; message: string; pointer?: string }) {
    super(message);
    this.code = code;
    this.pointer = pointer;
  }
}

/** Summary of a pool. */
export interface PoolSummary {
  key: string;
  /** Number of credentials by state, and of unreadable rows; null if no host reads rows under this key. */
  health: { available: number; coolingDown: number; unavailable: number; setAside: number } | null;
  /** Earliest end of a cooldown in the pool. */
  nextAt: Millis | null;
}

/** A pool as a table. */
export interface PoolTable {
  key: string;
  strategy: Strategy;
  /** Preset, and the fields that differ from it. */
  policy: Policy;
  /** Credentials, by priority. */
  credentials: ShownCredential[];
  /** Number of rows that cannot be read. */
  setAside: number;
}

/** Name of a secret field of a credential. */
export type SecretField = "access_token" | "refresh_token" | "agent_key";

/** A credential as the table shows it, without secrets. */
export interface ShownCredential {
  entry: Entry;
  /** JSON pointer to its row; null if the row has no id in the document yet. */
  pointer: string | null;
  /** Secret fields that are set; the first is the one that requests carry. */
  secrets: SecretField[];
  /** Base URL of the row itself; `entry.baseUrl` is the URL that requests go to. */
  baseUrl: string | null;
  expiresAtMs: Millis | null;
  failure: FailureKind | null;
  weight: number;
  maxInFlight: number | null;
  /** Whether its secret is kept elsewhere and recognised by its fingerprint. */
  isBorrowed: boolean;
}

/** An edit of a pool. */
export type PoolEdit =
  | { type: "add"; row: Row }
  | { type: "duplicate"; id: string; copy?: string }
  | { type: "update"; id: string; fields: Row }
  | { type: "remove"; id: string }
  | { type: "move"; id: string; place: number }
  | { type: "reset"; id?: string }
  | { type: "strategy"; name: Strategy }
  | { type: "policy"; policy: Policy };

/** 32 random bytes, for one document only: ids of new credentials, and the host of the changes, come from them. */
export type Seed = Uint8Array;

/** Returns a random seed. */
export function newSeed(): Seed {
  return crypto.getRandomValues(new Uint8Array(32));
}

/** A document that the core has read. */
export class ReadDocument implements Disposable {
  readonly #reader: Reader;

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  /** @throws {CoreError} The text is not a document. */
  static open(text: string, seed: Seed): ReadDocument {
    return new ReadDocument(callCore(() => DocumentEditor.open(text, seed)));
  }

  pools(now: Millis = Date.now()): PoolSummary[] {
    return JSON.parse(this.#reader.pools(now));
  }

  /** @throws {CoreError} The key is not a pool key. */
  pool(key: string, now: Millis = Date.now()): PoolTable {
    return JSON.parse(callCore(() => this.#reader.pool(key, now)));
  }

  reveal(key: string, id: string, field: SecretField, now: Millis = Date.now()): string {
    return callCore(() => this.#reader.reveal(key, id, field, now));
  }

  [Symbol.dispose](): void {
    this.#reader.free();
  }
}

/** Methods of the core that read a document. */
export type Reader = Pick<DocumentEditor, "pools" | "pool" | "reveal" | "free">;

/** Counts the problems of a text. */
export function countProblems(text: string, now: Millis = Date.now()): number {
  return count(text, now);
}

/** Calls the core and turns the JSON that it throws into a {@link CoreError}. */
export function callCore<T>(action: () => T): T {
  try {
    return action();
  } catch (thrown) {
    throw typeof thrown === "string" ? new CoreError(JSON.parse(thrown)) : thrown;
  }
}
