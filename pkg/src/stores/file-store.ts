/** A store in a file: an `auth.json` that several programs share. */

import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { emptyDocument } from "../credential_pool.js";
import type { Change, Millis, Reading, Refusal } from "../core/types.js";
import { ChangeListeners } from "./change-listeners.js";
import { type Commit, CommitQueue, withCommits } from "./commit-queue.js";
import { readingOf } from "./document-text.js";
import { type HeldLock, type LockTimes, STALE_MS, withFileLock } from "./file-lock.js";
import { finishWrite, removeTemporaries, replaceText } from "./file-replacement.js";
import { type FileState, readText, resolvedPath, version, versionOf } from "./file-text.js";
import { FileWatch } from "./file-watch.js";
import { type LockOptions, type Store, StoreError, WAIT_MS } from "./store.js";
import { asStoreError, codeOf } from "./system-error.js";

/** Options of a `FileStore`. */
export interface FileStoreOptions {
  /** Longest wait of `commit` and `lock` for other processes, in milliseconds. @default 15_000 */
  waitMs?: Millis;
  /**
   * Time without a refresh after which a lock counts as stale, in milliseconds; at least 2000. All processes that share
   * a file must use the same time. It should be less than `waitMs`. On Linux, the lock of a dead process of the same
   * machine is taken over at once.
   *
   * @default 10_000
   */
  staleMs?: Millis;
  /** Interval of `watch`'s polling, for systems without notifications; in milliseconds. @default 2000 */
  pollMs?: Millis;
}

/**
 * A document in a file. Any number of stores, in any number of processes, can share a file.
 *
 * Commits that come while other commits are written, or wait for the lock, are written together.
 *
 * A write happens under a lock (the folder `<file>.lock` beside it), to a temporary file that is synced and then takes
 * the file's place, so that readers see a whole text. The file keeps its owner and its mode; a link to it stays a link.
 * A file that no other file can replace, such as a file that is mounted alone into a container, is written in place,
 * with a copy beside it until the write is complete. The lock is then shared by processes that see the same folder.
 *
 * A missing or empty file counts as an empty document, and is made with mode 0600, its folders with 0700. A file that
 * is no document is never overwritten. A file that is deleted or emptied while a store is open keeps its credentials:
 * the store restores the last text that it has read or written, and tells its watches. So remove credentials with
 * `remove`.
 */
export class FileStore implements Store {
  /** The given path, made absolute. */
  readonly path: string;

  readonly #times: LockTimes;
  readonly #commits: CommitQueue;
  readonly #pollMs: Millis;
  readonly #listeners = new ChangeListeners();
  readonly #watch = new FileWatch(() => resolvedPath(this.path, false), () => this.#check());
  /** Last text that was a document; a file that was deleted or emptied gets it back. */
  #last: string | undefined;
  /** Version of the file that the listeners know. */
  #known: string | undefined;
  /** Whether temporary files of dead processes were removed. */
  #isClean = false;
  /** Own write under way; listeners are not told of it. */
  #writes: Promise<unknown> | undefined;

  /** @param path The file, or a link to it; the file need not exist. */
  constructor(path: string | URL, { waitMs = WAIT_MS, staleMs = STALE_MS, pollMs = 2000 }: FileStoreOptions = {}) {
    this.path = path instanceof URL ? fileURLToPath(path) : resolve(path);
    this.#times = { waitMs, staleMs: Math.max(staleMs, 2000) };
    this.#commits = new CommitQueue(waitMs, this.path, (waiting, left) =>
      withFileLock(this.path, undefined, { ...this.#times, waitMs: left }, (path, lock) =>
        this.#write(path, lock, [...waiting])));
    this.#pollMs = pollMs;
  }

  async read(key: string): Promise<Reading> {
    const { text } = await this.#read();
    const reading = readingOf(this.#document(text), key, this.path);
    this.#last = text || this.#last;
    this.#listeners.read(key, reading);
    return reading;
  }

  async commit(key: string, changes: readonly Change[]): Promise<readonly Refusal[]> {
    return this.#commits.add(key, changes);
  }

  watch(key: string, onChange: (reading: Reading) => void, onProblem?: (problem: StoreError) => void): () => void {
    const end = this.#listeners.add(key, onChange, onProblem);
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

  /**
   * Returns the text of the document, for editors; undefined if there is no file. An empty file is an empty document.
   *
   * @throws {StoreError} `unreadable`, `invalid_document`.
   */
  async document(): Promise<string | undefined> {
    const { text } = await this.#read();
    return text === "" ? emptyDocument() : text;
  }

  /** Returns the document of a file's text; undefined stands for a missing file. */
  #document(text: string | undefined): string {
    return text || this.#last || emptyDocument();
  }

  /** Applies commits to the latest text of the file. */
  async #write(path: string, lock: HeldLock, commits: readonly Commit[]): Promise<void> {
    if (!this.#isClean) await removeTemporaries(path);
    this.#isClean = true;
    try {
      await finishWrite(path);
      await this.#writeAtOnce(path, lock, commits);
    } catch (error) {
      if (commits.length === 1 || !(error instanceof StoreError) || error.code !== "unwritable") {
        return reject(commits, error);
      }
      // A full disk may have space for some of the commits.
      for (const commit of commits.filter(({ isSettled }) => !isSettled)) {
        await this.#writeAtOnce(path, lock, [commit]).catch((error) => reject([commit], error));
      }
    }
  }

  /**
   * Writes all of the commits or none. After a concurrent write no commit is settled, and the write must be repeated.
   */
  async #writeAtOnce(path: string, lock: HeldLock, commits: readonly Commit[]): Promise<void> {
    const file = await this.#settledText(path);
    const before = this.#document(file.text);
    const { text: after, applied, refused } = withCommits(before, commits, this.path);
    const isLost = !file.text && this.#last !== undefined;
    if ((after !== before || isLost) && !(await this.#replace(path, lock, file, before, after))) return;
    if (applied.length > 0 || isLost) this.#last = after;
    if (isLost) this.#listeners.tell(restored(this.path));
    for (const commit of applied) commit.resolve(refused);
  }

  /** Returns the file's text. Waits for programs that empty a file before they write to it. */
  async #settledText(path: string): Promise<FileState> {
    const file = await readText(path);
    if (file.text !== "" || this.#last === undefined) return file;
    await sleep(EMPTY_MS);
    return readText(path);
  }

  /** Replaces the file, unless the lock was lost or another program wrote without the lock. Returns whether it did. */
  #replace(path: string, lock: HeldLock, file: FileState, before: string, text: string): Promise<boolean> {
    const isUnchanged = () => lock.isHeld() && versionOf(path) === version(file.stats);
    const write = replaceText(path, text, file, isUnchanged).then((isWritten) => {
      if (isWritten) this.#listeners.wrote(before, text);
      return isWritten;
    });
    this.#writes = write.catch(() => {});
    return write;
  }

  async #read(): Promise<FileState> {
    let path: string;
    try {
      path = await resolvedPath(this.path, false);
    } catch (error) {
      // A folder of the path is missing.
      if (codeOf(error) === "ENOENT") return { text: undefined, stats: undefined };
      throw asStoreError("unreadable", this.path, error);
    }
    return readText(path);
  }

  /** Tells the listeners if another writer has changed the file. */
  async #check(): Promise<void> {
    try {
      let writes, file;
      do {
        writes = this.#writes;
        await writes;
        const path = await resolvedPath(this.path, false).catch(() => this.path);
        if (versionOf(path) === this.#known) return;
        file = await this.#read();
        // The text may be an own write that the listeners do not know yet.
      } while (writes !== this.#writes);
      if (!file.text && this.#last !== undefined) return await this.#restore();
      this.#known = version(file.stats);
      const isDocument = this.#listeners.changed(file.text || emptyDocument());
      if (file.text && isDocument) this.#last = file.text;
    } catch (error) {
      // An unreadable file is no change; `read` says why.
      if (!(error instanceof StoreError) && codeOf(error) === undefined) throw error;
    }
  }

  /** Writes the last text again after the file was deleted or emptied. A deleted folder stays deleted. */
  async #restore(): Promise<void> {
    const [key] = this.#listeners.keys();
    if (key === undefined) return;
    await resolvedPath(this.path, false);
    await this.#commits.add(key, []);
  }
}

/** Time within which a program that has emptied the file writes to it, in milliseconds. */
const EMPTY_MS = 250;

function restored(path: string): StoreError {
  const what = "was deleted or emptied by another program: the last known text was restored";
  return new StoreError("restored", `${path} ${what}; remove credentials with \`remove\` instead`);
}

function reject(commits: readonly Commit[], error: unknown): void {
  for (const commit of commits) commit.reject(error);
}
