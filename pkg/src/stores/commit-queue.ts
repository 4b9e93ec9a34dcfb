/** Group commit: all commits that wait when a document becomes writable are written at once. */

import type { Change, Millis, Refusal } from "../core/types.js";
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
  readonly done: Promise<readonly Refusal[]>;
  /** By `performance.now()`. */
  readonly deadline: Millis;
  /** Settles `done`; undefined until the outcome is known. */
  #settleDone: (() => void) | undefined;
  #resolve = (_: readonly Refusal[]): void => {};
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

  /** @param refused Refused changes, those of other commits included. */
  resolve(refused: readonly Refusal[]): void {
    this.#settleDone ??= () => this.#resolve(refusalsOf(this.changes, refused));
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
  add(key: string, changes: readonly Change[]): Promise<readonly Refusal[]> {
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
 * Returns a document with the changes of many commits, the commits that were applied, and the changes that the document
 * could not take. A commit with malformed changes is rejected and does not affect the others.
 */
export function withCommits(
  text: string,
  commits: readonly Commit[],
  place: string,
): { text: string; applied: Commit[]; refused: Refusal[] } {
  const together = new Map<string, Change[]>();
  for (const { key, changes } of commits) together.set(key, [...(together.get(key) ?? []), ...changes]);
  try {
    const refused: Refusal[] = [];
    let all = text;
    for (const [key, changes] of together) {
      const next = withChanges(all, key, changes, place);
      all = next.text;
      refused.push(...next.refused);
    }
    return { text: all, applied: [...commits], refused };
  } catch {
    const refused: Refusal[] = [];
    const applied = commits.filter((commit) => {
      try {
        const next = withChanges(text, commit.key, commit.changes, place);
        text = next.text;
        refused.push(...next.refused);
        return true;
      } catch (error) {
        commit.reject(error);
        return false;
      }
    });
    return { text, applied, refused };
  }
}

/** Returns the refusals of some of these changes; one that names no change concerns all. */
export function refusalsOf(changes: readonly Change[], refused: readonly Refusal[]): Refusal[] {
  const own = new Set(changes.map(({ by }) => `${by.at} ${by.host}`));
  return refused
    .map((refusal) => ({ ...refusal, changes: refusal.changes.filter(({ at, host }) => own.has(`${at} ${host}`)) }))
    .filter((refusal, index) => refusal.changes.length > 0 || refused[index]?.changes.length === 0);
}
