/** Commits that wait for one document: all that have come by the time it can be written are written at once. */

import { StoreError } from "./store.js";
import { withChanges } from "./stored-text.js";
import { locked } from "./turns.js";
import type { Change, Millis } from "./types.js";

/**
 * Writes what waits, when the document is this store's alone. What it neither resolves nor rejects is tried again until
 * its time is over.
 *
 * @param waiting Grows until the document is.
 * @param waitMs How long to wait for that.
 */
type Write = (waiting: readonly Commit[], waitMs: Millis) => Promise<void>;

/** A host's changes of one pool. What became of them is told when the document is free again. */
export class Commit {
  readonly told: Promise<void>;
  readonly deadline: number;
  #tell: (() => void) | undefined;
  #resolve = (): void => {};
  #reject = (_: unknown): void => {};

  constructor(readonly key: string, readonly changes: readonly Change[], waitMs: Millis) {
    this.deadline = performance.now() + waitMs;
    this.told = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  get isSettled(): boolean {
    return this.#tell !== undefined;
  }

  resolve(): void {
    this.#tell ??= this.#resolve;
  }

  reject(error: unknown): void {
    this.#tell ??= () => this.#reject(error);
  }

  tell(): void {
    this.#tell?.();
  }
}

export class CommitQueue {
  readonly #waitMs: Millis;
  readonly #place: string;
  readonly #write: Write;
  #waiting: Commit[] = [];
  #isWriting = false;

  /**
   * @param waitMs How long a commit waits at most.
   * @param place Names the document in errors.
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
    return commit.told;
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
      for (const commit of settled) commit.tell();
    }
    this.#isWriting = false;
  }

  #rejectLate(late?: Commit): void {
    const now = performance.now();
    for (const commit of this.#waiting) {
      const isLate = commit === late || now >= commit.deadline;
      if (isLate) commit.reject(locked(this.#waitMs, this.#place));
    }
  }
}

/**
 * A document with the changes of many commits, and those whose changes are in it. One that cannot be applied is
 * rejected, and is no trouble to the others.
 */
export function withCommits(text: string, commits: readonly Commit[], place: string): { text: string; applied: Commit[] } {
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
