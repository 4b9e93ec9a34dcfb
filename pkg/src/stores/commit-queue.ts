/** Group commit: all commits that wait when a document becomes writable are written at once. */

import type { Change, Millis } from "../core/types.js";
import { withChanges } from "./document-text.js";
import { lockedError } from "./keyed-mutex.js";
import { StoreError } from "./store.js";

/**
 * Writes the waiting commits under the document's lock. A commit that is neither resolved nor rejected is tried again
 * until its deadline.
 *
 * @param waiting The waiting commits; the list grows until the lock is held.
 * @param waitMs Longest wait for the lock.
 */
type Write = (waiting: readonly Commit[], waitMs: Millis) => Promise<void>;

/** A host's changes of one pool. Its promise settles once the document is free again. */
export class Commit {
  readonly done: Promise<void>;
  /** By `performance.now()`. */
  readonly deadline: Millis;
  /** Settles `done`; undefined until the outcome is known. */
  #settleDone: (() => void) | undefined;
  #resolve = (): void => {};
  #reject = (_: unknown): void => {};

  constructor(readonly key: string, readonly changes: readonly Change[], waitMs: Millis) {
    this.deadline = performance.now() + waitMs;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  get isSettled(): boolean {
    return this.#settleDone !== undefined;
  }

  resolve(): void {
    this.#settleDone ??= this.#resolve;
  }

  reject(error: unknown): void {
    this.#settleDone ??= () => this.#reject(error);
  }

  publish(): void {
    this.#settleDone?.();
  }
}

export class CommitQueue {
  readonly #waitMs: Millis;
  readonly #place: string;
  readonly #write: Write;
  #waiting: Commit[] = [];
  #isWriting = false;

  /**
   * @param waitMs Longest wait of a commit.
   * @param place Name of the document in errors.
   */
  constructor(waitMs: Millis, place: string, write: Write) {
    this.#waitMs = waitMs;
    this.#place = place;
    this.#write = write;
  }

  /** Resolves when the changes are written. */
  add(key: string, changes: readonly Change[]): Promise<void> {
    const commit = new Commit(key, [...changes], this.#waitMs);
    this.#waiting.push(commit);
    if (!this.#isWriting) void this.#writeAll();
    return commit.done;
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    for (let oldest; (oldest = this.#waiting[0]) !== undefined; ) {
      try {
        await this.#write(this.#waiting, Math.max(oldest.deadline - performance.now(), 0));
        this.#rejectLate();
      } catch (error) {
        if (error instanceof StoreError && error.code === "locked") this.#rejectLate(oldest);
        else for (const commit of this.#waiting) commit.reject(error);
      }
      const settled = this.#waiting.filter(({ isSettled }) => isSettled);
      this.#waiting = this.#waiting.filter(({ isSettled }) => !isSettled);
      for (const commit of settled) commit.publish();
    }
    this.#isWriting = false;
  }

  #rejectLate(late?: Commit): void {
    const now = performance.now();
    for (const commit of this.#waiting) {
      const isLate = commit === late || now >= commit.deadline;
      if (isLate) commit.reject(lockedError(this.#waitMs, this.#place));
    }
  }
}

/**
 * Returns a document with the changes of many commits, and the commits that were applied. A commit that cannot be
 * applied is rejected and does not affect the others.
 */
export function withCommits(
  text: string,
  commits: readonly Commit[],
  place: string,
): { text: string; applied: Commit[] } {
  const together = new Map<string, Change[]>();
  for (const { key, changes } of commits) together.set(key, [...(together.get(key) ?? []), ...changes]);
  try {
    const all = [...together].reduce((before, [key, changes]) => withChanges(before, key, changes, place), text);
    return { text: all, applied: [...commits] };
  } catch {
    const applied = commits.filter((commit) => {
      try {
        text = withChanges(text, commit.key, commit.changes, place);
        return true;
      } catch (error) {
        commit.reject(error);
        return false;
      }
    });
    return { text, applied };
  }
}
