/** A store in a file: the `auth.json` that several programs share. */

import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { type Commit, CommitQueue, withCommits } from "./commit-queue.js";
import { emptyDocument } from "./credential_pool.js";
import { type HeldLock, type LockTimes, STALE_MS, withFileLock } from "./file-lock.js";
import {
  asStoreError, codeOf, type Found, placeOf, readText, replaceText, sweep, version, versionOf,
} from "./file-text.js";
import { FileWatch } from "./file-watch.js";
import { Listeners } from "./listeners.js";
import { type LockOptions, type Store, StoreError, WAIT_MS } from "./store.js";
import { readingOf } from "./stored-text.js";
import type { Change, Millis, Reading } from "./types.js";

/** How a file is kept. */
export interface FileStoreOptions {
  /** How long `commit` and `lock` wait for others at most, in milliseconds. @default 15_000 */
  waitMs?: Millis;
  /**
   * After how many milliseconds without a sign of life a lock counts as left behind by a process that died; at least
   * 2000. All processes that share a file must say the same. It should be less than `waitMs`. On Linux, a process of the
   * same machine that died is not waited for.
   *
   * @default 10_000
   */
  staleMs?: Millis;
  /** How often `watch` looks by itself, should the system not tell of changes; in milliseconds. @default 2000 */
  pollMs?: Millis;
}

/**
 * A document in a file. Any number of stores, in any number of processes, can share one.
 *
 * Commits that come while others are written, or wait for the lock, are written together.
 *
 * A write happens under a lock (the folder `<file>.lock` beside it), to a temporary file that is synced and then takes
 * the file's place, so that a reader sees all of it or nothing. The file keeps its owner and its mode; a link to it
 * stays a link. A file that is missing counts as an empty document, and is made with mode 0600, its folders with 0700.
 * One that is no document is never overwritten.
 */
export class FileStore implements Store {
  /** The path as it was given, made absolute. */
  readonly path: string;

  readonly #times: LockTimes;
  readonly #commits: CommitQueue;
  readonly #pollMs: Millis;
  readonly #listeners = new Listeners();
  readonly #watch = new FileWatch(() => placeOf(this.path, false), () => this.#look());
  /** The version of the file that the listeners know. */
  #known: string | undefined;
  /** Whether what dead processes left was removed. */
  #isSwept = false;
  /** Own writes under way; nobody is told of them. */
  #writes: Promise<unknown> | undefined;

  /** @param path The file, or a link to it; it need not exist. */
  constructor(path: string | URL, { waitMs = WAIT_MS, staleMs = STALE_MS, pollMs = 2000 }: FileStoreOptions = {}) {
    this.path = path instanceof URL ? fileURLToPath(path) : resolve(path);
    this.#times = { waitMs, staleMs: Math.max(staleMs, 2000) };
    this.#commits = new CommitQueue(waitMs, this.path, (waiting, left) =>
      withFileLock(this.path, undefined, { ...this.#times, waitMs: left }, (place, lock) =>
        this.#write(place, lock, [...waiting])));
    this.#pollMs = pollMs;
  }

  async read(key: string): Promise<Reading> {
    const { text } = await this.#find();
    const reading = readingOf(text ?? emptyDocument(), key, this.path);
    this.#listeners.read(key, reading);
    return reading;
  }

  async commit(key: string, changes: readonly Change[]): Promise<void> {
    return this.#commits.add(key, changes);
  }

  watch(key: string, onChange: (reading: Reading) => void): () => void {
    const end = this.#listeners.add(key, onChange);
    this.#known = undefined;
    this.#watch.start(this.#pollMs);
    return () => {
      end();
      if (this.#listeners.isEmpty) this.#watch.stop();
    };
  }

  lock<T>(name: string, action: () => Promise<T>, { waitMs = this.#times.waitMs }: LockOptions = {}): Promise<T> {
    return withFileLock(this.path, name, { ...this.#times, waitMs }, action);
  }

  /** Writes commits into what the file says now. */
  async #write(place: string, lock: HeldLock, commits: readonly Commit[]): Promise<void> {
    if (!this.#isSwept) await sweep(place);
    this.#isSwept = true;
    try {
      await this.#writeAtOnce(place, lock, commits);
    } catch (error) {
      if (commits.length === 1 || !(error instanceof StoreError) || error.code !== "unwritable") {
        return reject(commits, error);
      }
      // There may be space for some of them.
      for (const commit of commits.filter(({ isSettled }) => !isSettled)) {
        await this.#writeAtOnce(place, lock, [commit]).catch((error) => reject([commit], error));
      }
    }
  }

  /** All of them or none. If somebody came in between, none is settled: then it must be done again. */
  async #writeAtOnce(place: string, lock: HeldLock, commits: readonly Commit[]): Promise<void> {
    const found = await readText(place);
    const before = found.text ?? emptyDocument();
    const { text: after, applied } = withCommits(before, commits, this.path);
    if (after !== before && !(await this.#replace(place, lock, found, after))) return;
    for (const commit of applied) commit.resolve();
  }

  /** Whether the file was replaced: a lock that was lost or is not respected must not cost others what they wrote. */
  #replace(place: string, lock: HeldLock, found: Found, text: string): Promise<boolean> {
    const isUnchanged = () => lock.isHeld() && versionOf(place) === version(found.stats);
    const write = replaceText(place, text, found, isUnchanged).then((isWritten) => {
      if (isWritten) this.#listeners.wrote(found.text ?? emptyDocument(), text);
      return isWritten;
    });
    this.#writes = write.catch(() => {});
    return write;
  }

  async #find(): Promise<Found> {
    let place: string;
    try {
      place = await placeOf(this.path, false);
    } catch (error) {
      if (codeOf(error) === "ENOENT") return { text: undefined, stats: undefined };
      throw asStoreError("unreadable", this.path, error);
    }
    return readText(place);
  }

  /** Looks whether somebody else has written. */
  async #look(): Promise<void> {
    try {
      let writes, found;
      do {
        writes = this.#writes;
        await writes;
        const place = await placeOf(this.path, false).catch(() => this.path);
        if (versionOf(place) === this.#known) return;
        found = await this.#find();
        // What was read may be an own write that the listeners are not yet said to know.
      } while (writes !== this.#writes);
      this.#known = version(found.stats);
      this.#listeners.changed(found.text ?? emptyDocument());
    } catch (error) {
      // What cannot be read is nobody's change; `read` says why.
      if (!(error instanceof StoreError) && codeOf(error) === undefined) throw error;
    }
  }
}

function reject(commits: readonly Commit[], error: unknown): void {
  for (const commit of commits) commit.reject(error);
}
