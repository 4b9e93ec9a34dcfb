/**
 * An exclusive lock across processes: a folder beside the file, which proper-lockfile makes and keeps fresh. It works
 * the same in Node, Deno and Bun, on local and on network file systems, and needs no native code.
 *
 * What is added is who may remove that folder. Left alone, two processes that find the lock of a dead one can both end
 * up with a new lock (proper-lockfile's issue 121), and one that was stopped for long removes its successor's lock.
 */

import fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { callbackify } from "node:util";

import { lock } from "proper-lockfile";

import { codeOf } from "./file-text.js";
import { locked, Turns } from "./turns.js";
import type { Millis } from "./types.js";

/** How long others are waited for, and for how long a lock is believed. */
export interface LockTimes {
  /** How long to wait for the lock. */
  waitMs: Millis;
  /** After how long without a sign of life a lock counts as left behind. */
  staleMs: Millis;
}

/** A lock that was taken. */
export interface HeldLock {
  /** Whether it is still ours: a process that was stopped for long loses it. Looks at once, so that no time passes. */
  isHeld(): boolean;
}

/**
 * Runs an action while no other process or part of this one holds the lock of a path. The path need not exist, its
 * folder must.
 *
 * @throws {StoreError} `locked`, if the lock is not free in time; or what the system or the action throws.
 */
export function withLock<T>(path: string, times: LockTimes, action: (lock: HeldLock) => Promise<T>): Promise<T> {
  const deadline = performance.now() + times.waitMs;
  // proper-lockfile knows a lock by its path alone, so within a process it must see one holder at a time.
  return turns.take(path, times.waitMs, async () => {
    const folder = new LockFolder(`${path}.lock`, times.staleMs);
    const release = await acquire(path, folder, deadline, times.waitMs);
    try {
      return await action(folder);
    } finally {
      // A lock that was lost cannot be released, and one that stays is recovered by others.
      await release().catch(() => {});
    }
  });
}

const turns = new Turns();

/** Short enough for a lock that is held for a few milliseconds. */
const LONGEST_PAUSE_MS = 20;

async function acquire(
  path: string,
  folder: LockFolder,
  deadline: number,
  waitMs: Millis,
): Promise<() => Promise<void>> {
  const options = { realpath: false, retries: 0, stale: folder.staleMs, fs: folder.fs, onCompromised: () => {} };
  for (let pause = 1; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      return await lock(path, options);
    } catch (error) {
      const wasLost = codeOf(error) === "ENOENT" && folder.forgetIfLost();
      if (!wasLost && codeOf(error) !== "ELOCKED") throw error;
      if (performance.now() >= deadline) throw locked(waitMs, folder.path);
    }
    await sleep(pause * (0.5 + Math.random()));
  }
}

/** The folder that is the lock, made and removed through this so that nobody removes another's. */
class LockFolder implements HeldLock {
  /** For proper-lockfile. */
  readonly fs = {
    ...fs,
    mkdir: callbackify(async () => this.#make()),
    rmdir: callbackify(async () => this.#remove()),
    rmdirSync: () => this.#removeOwn(),
  };

  /** Which folder is ours; nothing before it was made. */
  #own: string | undefined;

  constructor(
    readonly path: string,
    readonly staleMs: Millis,
  ) {}

  isHeld(): boolean {
    return this.#own !== undefined && identity(this.path) === this.#own;
  }

  /** Whether the folder was made and then taken away, before it could be used; it can be made again. */
  forgetIfLost(): boolean {
    const isLost = this.#own !== undefined && !this.isHeld();
    if (isLost) this.#own = undefined;
    return isLost;
  }

  // All synchronous: things go wrong in the time between a look and the deed that follows from it.

  #make(): void {
    fs.mkdirSync(this.path, 0o700);
    this.#own = identity(this.path);
  }

  #remove(): void {
    if (this.#own === undefined) this.#removeStale();
    else this.#removeOwn();
  }

  #removeOwn(): void {
    if (this.isHeld()) fs.rmdirSync(this.path);
  }

  /**
   * Removes a folder that was left behind. Only one process does that at a time, and looks again before it does: what
   * was stale a moment ago may be somebody's lock by now.
   */
  #removeStale(): void {
    const turn = `${this.path}.recovery`;
    try {
      fs.mkdirSync(turn, 0o700);
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
      if (this.#isStale(turn)) fs.rmdirSync(turn);
      throw busy();
    }
    try {
      if (!this.#isStale(this.path)) throw busy();
      fs.rmdirSync(this.path);
    } finally {
      fs.rmdirSync(turn);
    }
  }

  #isStale(path: string): boolean {
    return fs.statSync(path).mtimeMs < Date.now() - this.staleMs;
  }
}

/** What proper-lockfile says of a lock that is held. */
function busy(): Error {
  return Object.assign(new Error("the lock is held"), { code: "ELOCKED" });
}

/** Which folder is at a path. Numbers of files are given again soon; the time of birth tells them apart. */
function identity(path: string): string | undefined {
  const stats = fs.statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats && [stats.dev, stats.ino, stats.birthtimeNs].join(" ");
}
