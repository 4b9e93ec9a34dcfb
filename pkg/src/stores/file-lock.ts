/**
 * An exclusive lock across processes: a folder beside the file, which proper-lockfile makes and keeps fresh. It works
 * the same in Node, Deno and Bun, on local and on network file systems, and needs no native code.
 *
 * This module adds the ownership of that folder. With proper-lockfile alone, two processes that find the lock of a dead
 * process can both end up with a new lock (its issue 121), and a process that was stopped for long removes its
 * successor's lock. The folder also names its owner, so that processes on the same machine need not wait until the lock
 * of a dead process is stale. And it measures the age of a lock by the clock of the process that waits: the time of the
 * folder comes from its owner's clock, which may be hours ahead or behind.
 */

import { createHash } from "node:crypto";
import fs from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { callbackify } from "node:util";

import { lock } from "proper-lockfile";

import type { Millis } from "../core/types.js";
import { companionPath } from "./file-copy.js";
import { hasDied, ownerName } from "./file-lock-owner.js";
import { resolvedPath } from "./file-text.js";
import { KeyedMutex, lockedError } from "./keyed-mutex.js";
import { StoreError } from "./store.js";
import { asStoreError, codeOf } from "./system-error.js";

/** Default age of a stale lock, in milliseconds. All processes that share a file must use the same age. */
export const STALE_MS = 10_000;

/** Times of a lock. */
export interface LockTimes {
  /** Longest wait for the lock. */
  waitMs: Millis;
  /** Time without a refresh after which a lock counts as stale, as the waiting process sees it. */
  staleMs: Millis;
}

/** A lock that this process has acquired. */
export interface HeldLock {
  /** Returns whether the lock is still held: a process that was stopped for long loses it. Synchronous. */
  isHeld(): boolean;
}

/**
 * Runs an action under the lock of a document's file, or under a named lock of the file. Missing folders are made. A
 * link to the file shares the lock of the file.
 *
 * @param action Receives the path of the file behind all links.
 * @throws {StoreError} `locked`, `unwritable`; or what the action throws.
 */
export async function withFileLock<T>(
  file: string,
  name: string | undefined,
  times: LockTimes,
  action: (path: string, lock: HeldLock) => Promise<T>,
): Promise<T> {
  let hasStarted = false;
  try {
    const path = await resolvedPath(file, true);
    // A lock's name may contain any character; a file's name may not.
    const companion = await companionPath(path);
    const lockPath = name === undefined ? companion : `${companion}.${fingerprint(name)}`;
    return await withLock(lockPath, times, (lock) => {
      hasStarted = true;
      return action(path, lock);
    });
  } catch (error) {
    throw hasStarted ? error : asStoreError("unwritable", file, error);
  }
}

/**
 * Runs an action while neither another process nor another caller in this process holds the lock of a path. The path
 * need not exist, its folder must.
 *
 * @throws {StoreError} `locked`, if the lock is not free in time; or an error of the system or the action.
 */
function withLock<T>(path: string, times: LockTimes, action: (lock: HeldLock) => Promise<T>): Promise<T> {
  const deadline = performance.now() + times.waitMs;
  // proper-lockfile identifies a lock by its path alone, so that within a process it must see one holder at a time.
  return mutex.run(path, times.waitMs, async () => {
    const folder = new LockFolder(`${path}.lock`, times.staleMs);
    const release = await acquire(path, folder, deadline, times.waitMs);
    try {
      return await action(folder);
    } finally {
      // A lost lock cannot be released; a lock that stays is recovered by other processes.
      await release().catch(() => {});
    }
  });
}

const mutex = new KeyedMutex();

/**
 * Longest pause between two attempts, in milliseconds. Locks are held for a few milliseconds: a longer pause would let
 * a process that takes the lock again at once keep it from the others.
 */
const LONGEST_PAUSE_MS = 10;

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
      if (performance.now() >= deadline) throw lockedError(waitMs, folder.path);
    }
    if (!folder.removeIfAbandoned()) await sleep(pause * (0.1 + 0.9 * Math.random()));
  }
}

/** The folder that is the lock. It is made and removed by its owner, or removed when its owner has died. */
class LockFolder implements HeldLock {
  /** File system for proper-lockfile. */
  readonly fs = {
    ...fs,
    mkdir: callbackify(async () => this.#make()),
    rmdir: callbackify(async () => this.#remove()),
    rmdirSync: () => this.#removeOwn(),
  };

  /** Owner name that this instance wrote; undefined before the folder was made. */
  #own: string | undefined;

  constructor(
    readonly path: string,
    readonly staleMs: Millis,
  ) {}

  isHeld(): boolean {
    return this.#own !== undefined && this.#owner() === this.#own;
  }

  /** Returns whether the folder was made and then removed by another process before use; it can be made again. */
  forgetIfLost(): boolean {
    const isLost = this.#own !== undefined && !this.isHeld();
    if (isLost) this.#own = undefined;
    return isLost;
  }

  /** Removes the folder of an owner that has died, or that has not refreshed it for long. Returns whether it did. */
  removeIfAbandoned(): boolean {
    try {
      if (!this.#isDead() && !this.#isStale(this.path)) return false;
      this.#removeStale();
      return true;
    } catch (error) {
      // Another process is removing the folder, or has removed it.
      if (codeOf(error) === "ELOCKED" || codeOf(error) === "ENOENT") return false;
      throw error;
    }
  }

  // The rest is synchronous, so that no other work of this process runs between a check and its consequence.

  #make(): void {
    this.#makeFolder();
    const name = ownerName();
    try {
      fs.writeFileSync(this.#ownerPath, name, { flag: "wx", mode: 0o600 });
      this.#own = name;
    } catch (error) {
      // Another process removed the folder at once, and may have made its own.
      if (codeOf(error) === "ENOENT" || codeOf(error) === "EEXIST") throw busy();
      this.#delete();
      throw error;
    }
  }

  #makeFolder(): void {
    try {
      fs.mkdirSync(this.path, 0o700);
    } catch (error) {
      const isOther = codeOf(error) === "EEXIST" && fs.statSync(this.path, NO_THROW)?.isDirectory() === false;
      if (!isOther) throw error;
      const advice = "another program made it: remove it, unless that still runs; nothing was written";
      throw new StoreError("unwritable", `${this.path} is no folder and cannot be a lock: ${advice}`, { cause: error });
    }
  }

  #remove(): void {
    if (this.#own === undefined) this.#removeStale();
    else this.#removeOwn();
  }

  #removeOwn(): void {
    if (this.isHeld()) this.#delete();
  }

  /**
   * Removes a stale folder. One process does that at a time, and checks again before it does: the folder may be another
   * process's lock by then.
   */
  #removeStale(): void {
    const recovery = `${this.path}.recovery`;
    try {
      fs.mkdirSync(recovery, 0o700);
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
      if (this.#isStale(recovery)) fs.rmdirSync(recovery);
      throw busy();
    }
    try {
      if (!this.#isDead() && !this.#isStale(this.path)) throw busy();
      this.#delete();
    } finally {
      fs.rmdirSync(recovery);
    }
  }

  /** A process that ends between the two calls leaves a lock without an owner, which becomes stale. */
  #delete(): void {
    sightings.delete(this.path);
    fs.rmSync(this.#ownerPath, { force: true });
    fs.rmdirSync(this.path);
  }

  /** Returns whether a folder has kept its time for as long as a lock lasts, or since before any difference of clocks. */
  #isStale(path: string): boolean {
    const { mtimeMs, ino } = fs.statSync(path);
    const now = performance.now();
    const seen = sightings.get(path);
    if (seen === undefined || seen.mtimeMs !== mtimeMs || seen.ino !== ino) {
      sightings.set(path, { mtimeMs, ino, since: now });
      return mtimeMs < Date.now() - LARGEST_CLOCK_DIFFERENCE_MS;
    }
    return now - seen.since >= this.staleMs || mtimeMs < Date.now() - LARGEST_CLOCK_DIFFERENCE_MS;
  }

  #isDead(): boolean {
    const owner = this.#owner();
    return owner !== undefined && hasDied(owner);
  }

  #owner(): string | undefined {
    try {
      return fs.readFileSync(this.#ownerPath, "utf8");
    } catch {
      return undefined;
    }
  }

  get #ownerPath(): string {
    return join(this.path, "owner");
  }
}

/** Folders of other processes as this process saw them, with the time of its own clock at which it first did. */
const sightings = new Map<string, { readonly mtimeMs: Millis; readonly ino: number; readonly since: Millis }>();

/** Difference of clocks beyond which a lock is old by any clock. */
const LARGEST_CLOCK_DIFFERENCE_MS = 24 * 3_600_000;

const NO_THROW = { throwIfNoEntry: false } as const;

function fingerprint(name: string): string {
  return createHash("sha256").update(name).digest("hex").slice(0, 16);
}

/** Returns proper-lockfile's error for a lock that is held. */
function busy(): Error {
  return Object.assign(new Error("the lock is held"), { code: "ELOCKED" });
}
