/** The contract of stores: shared storage of pools, which carries out `persist` intents. */

import type { Change, Millis, Reading, Refusal } from "../core/types.js";

/**
 * Storage of pools that several hosts (processes, machines) share.
 *
 * A store makes four promises, to its own host and to all others. All hosts that share a document must therefore use
 * the same kind of store.
 */
export interface Store {
  /**
   * Returns the stored state of a pool. An empty store answers as `readDocument(emptyDocument(), key)` does. Does not
   * wait for writes: a concurrent write is seen as a whole, or not at all.
   *
   * @param key Pool key, as for `CredentialPool.open`.
   * @throws {StoreError} `unreadable`, `invalid_document`.
   */
  read(key: string): Promise<Reading>;

  /**
   * Applies changes to the **latest** state of the store, whatever this host has read before, while no other host can
   * write: under an exclusive lock, or by compare-and-set. Changes that were applied before write nothing.
   *
   * Resolves once the changes would survive a loss of power, so that the intent can be settled as `saved`. After a
   * rejection the same changes can be committed again, since an applied change alters nothing. A rejection means that
   * nothing was written, except with `uncertain`.
   *
   * Changes that the document cannot take, since a value there has the wrong shape, hold up no others: all others are
   * written, and the commit resolves with the refused changes.
   *
   * @param key Pool key.
   * @param changes The changes of a `persist` intent, in order.
   * @returns The refused changes by reason; nothing, or an empty list, if there are none.
   * @throws {StoreError} Any of its codes.
   * @throws {PoolError} `invalid_argument` and similar codes, if the changes are malformed.
   */
  commit(key: string, changes: readonly Change[]): Promise<readonly Refusal[] | void>;

  /**
   * Calls back when another writer has changed the stored state of a pool: not for commits of this store, nor for
   * changes to other pools. Several changes in quick succession may lead to one call. A change after this store's last
   * `read` of the pool is reported, even if `watch` is called later. While the store is unreadable nothing is reported;
   * `read` then says why.
   *
   * A watch does not keep the process alive.
   *
   * @param key Pool key.
   * @param onChange Receives the new stored state of the pool.
   * @param onProblem Receives problems that the store has mended and people should know: `restored`.
   * @returns A function that ends the watch; `onChange` is not called afterwards.
   */
  watch(key: string, onChange: (reading: Reading) => void, onProblem?: (problem: StoreError) => void): () => void;

  /**
   * Runs an action while no other host of this store runs an action under the same name: for refresh tokens, which can
   * be spent once. The lock is independent of `commit`, which the action may call. An action that asks for its own name
   * waits until `waitMs` are over.
   *
   * The lock coordinates cooperating hosts. A process that is stopped for long (a laptop that sleeps) loses it; the
   * changes of both hosts then merge.
   *
   * @param name Any text that the hosts agree on, such as `refresh openrouter a1b2c3`.
   * @returns The value of the action.
   * @throws {StoreError} `locked` if the lock is not free in time, `unwritable`; or the error of the action.
   */
  lock<T>(name: string, action: () => Promise<T>, options?: LockOptions): Promise<T>;
}

/** Options of `Store.lock`. */
export interface LockOptions {
  /** Longest wait for the lock, in milliseconds. @default 15_000 */
  waitMs?: Millis;
}

/** Default of the longest wait for a lock, in milliseconds. */
export const WAIT_MS = 15_000;

/** Stable codes of store errors. */
export type StoreErrorCode =
  /** Other hosts held the lock for too long. Nothing was written; try again later. */
  | "locked"
  /** The stored text is no document, and was left unchanged. A person has to repair it: `pointer` is the place. */
  | "invalid_document"
  /** The stored text exceeds a limit of the pool, and was left unchanged. */
  | "too_large"
  /** The store cannot be read. Nothing was written. */
  | "unreadable"
  /** The store cannot be written: no permission, no space. Nothing was written. */
  | "unwritable"
  /** The changes may be written or not. Commit them again: an applied change alters nothing. */
  | "uncertain"
  /** Another program deleted or emptied the store, or the store lost data. The last known state was written again. */
  | "restored";

/** A failed operation of a store. The message says what to do and contains nothing of the stored text. */
export class StoreError extends Error {
  /** Stable code, for programs. */
  readonly code: StoreErrorCode;
  /** Place in the document, as a JSON pointer (RFC 6901); with `invalid_document` only. */
  readonly pointer?: string;

  constructor(code: StoreErrorCode, message: string, { pointer, cause }: { pointer?: string; cause?: unknown } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "StoreError";
    this.code = code;
    if (pointer !== undefined) this.pointer = pointer;
  }
}
