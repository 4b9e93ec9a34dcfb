/** What a pool's host keeps its credentials in: the host's side of `persist` intents. */

import type { Change, Millis, Reading } from "./types.js";

/**
 * A place that keeps pools for several hosts at once: processes, machines.
 *
 * Four promises make a store. What a pool does with them is up to the host, and every one of them is made to the other
 * hosts as well, so all hosts of one document must use the same kind of store.
 */
export interface Store {
  /**
   * What the store keeps of a pool now. A store that holds nothing yet answers as `readDocument(emptyDocument(), key)`
   * does. Waits for nobody: a write that is under way is seen as a whole, or not at all.
   *
   * @param key Names the pool, as for `CredentialPool.open`.
   * @throws {StoreError} `unreadable`, `invalid_document`.
   */
  read(key: string): Promise<Reading>;

  /**
   * Applies changes to the **latest** state of the store, whatever this host has read before, while nobody else can
   * write: under an exclusive lock, or by compare-and-set. Changes that were applied before write nothing.
   *
   * Resolves once the changes would survive a loss of power, so that the intent can be settled as `saved`. If it
   * rejects, the same changes can be committed again: a change that was written already alters nothing. Nothing was
   * written but for `uncertain`.
   *
   * @param key Names the pool.
   * @param changes What a `persist` intent asks for, in order.
   * @throws {StoreError} Any of its codes.
   * @throws {PoolError} `invalid_argument` and the like, if the changes are none.
   */
  commit(key: string, changes: readonly Change[]): Promise<void>;

  /**
   * Calls back when what the store keeps of a pool has become different by somebody else's doing: not for what this
   * very store has committed, nor for changes to other pools. Several changes in quick succession may be told as one.
   * What changed after this store's last `read` of that pool is told, even if `watch` was called only later. While the
   * store cannot be read nothing is told: `read` says why.
   *
   * Watching does not keep a process alive.
   *
   * @param key Names the pool.
   * @param onChange Gets what the store keeps of the pool now.
   * @returns Ends the watch; `onChange` is not called again.
   */
  watch(key: string, onChange: (reading: Reading) => void): () => void;

  /**
   * Runs an action while no other host of this store runs one under the same name: for a refresh token that can be
   * spent only once. It does not stand in the way of `commit`, which the action may call, but of itself: an action that
   * asks for its own name waits for ever, that is until `waitMs` are over.
   *
   * A lock keeps honest hosts apart; it is lost if the process is stopped for long (a laptop that sleeps). Changes of
   * both merge then.
   *
   * @param name Any text that the hosts agree on, such as `refresh openrouter a1b2c3`.
   * @returns What the action answers.
   * @throws {StoreError} `locked` if it is not this action's turn in time, `unwritable`; or what the action throws.
   */
  lock<T>(name: string, action: () => Promise<T>, options?: LockOptions): Promise<T>;
}

/** How to wait for a lock. */
export interface LockOptions {
  /** How long to wait at most, in milliseconds. @default 15_000 */
  waitMs?: Millis;
}

/** How long a store waits for a lock unless it is told otherwise, in milliseconds. */
export const WAIT_MS = 15_000;

/** The stable names of what goes wrong with stores. */
export type StoreErrorCode =
  /** Others held the lock for too long. Nothing was written; try again later. */
  | "locked"
  /** What is stored is no document, and was left as it is. A person has to look at it: `pointer` says where. */
  | "invalid_document"
  /** The store cannot be read. Nothing was written. */
  | "unreadable"
  /** The store cannot be written: no permission, no space. Nothing was written. */
  | "unwritable"
  /** The changes may be written or not. Commit them again: a change that was written already alters nothing. */
  | "uncertain";

/** A store could not do what it was asked to. Its message says what to do and holds nothing of what is stored. */
export class StoreError extends Error {
  /** What went wrong, for programs. */
  readonly code: StoreErrorCode;
  /** Where in the document, as a JSON pointer (RFC 6901); with `invalid_document` only. */
  readonly pointer?: string;

  constructor(code: StoreErrorCode, message: string, { pointer, cause }: { pointer?: string; cause?: unknown } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "StoreError";
    this.code = code;
    if (pointer !== undefined) this.pointer = pointer;
  }
}
