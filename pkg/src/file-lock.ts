/**
 * An exclusive lock across processes: a folder beside the file, which proper-lockfile makes and keeps fresh. It works
 * the same in Node, Deno and Bun, on local and on network file systems, and needs no native code.
 *
 * What is added is who may remove that folder. Left alone, two processes that find the lock of a dead one can both end
 * up with a new lock (proper-lockfile's issue 121), and one that was stopped for long removes its successor's lock. And
 * the folder names its owner, so that nobody on the same machine has to wait until a dead one's lock is stale.
 */

import { createHash } from "node:crypto";
import fs from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { callbackify } from "node:util";

import { lock } from "proper-lockfile";

import { asStoreError, codeOf, placeOf } from "./file-text.js";
import { hasDied, ownerName } from "./lock-owner.js";
import { StoreError } from "./store.js";
import { locked, Turns } from "./turns.js";
import type { Millis } from "./types.js";

/** How long a lock is believed unless a store is told otherwise, in milliseconds. All who share a file say the same. */
export const STALE_MS = 10_000;

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
 * Runs an action under the lock of a document's file, whose folders are made, or under one of the file's named locks. A
 * link to the file has the lock of the file.
 *
 * @param action Is told the place of the file behind all links.
 * @throws {StoreError} `locked`, `unwritable`; or what the action throws.
 */
export async function withFileLock<T>(
  file: string,
  name: string | undefined,
  times: LockTimes,
  action: (place: string, lock: HeldLock) => Promise<T>,
): Promise<T> {
  let hasStarted = false;
  try {
    const place = await placeOf(file, true);
    // A name may hold anything; a file's name may not.
    const path = name === undefined ? place : `${place}.${fingerprint(name)}`;
    return await withLock(path, times, (lock) => {
      hasStarted = true;
      return action(place, lock);
    });
  } catch (error) {
    throw hasStarted ? error : asStoreError("unwritable", file, error);
  }
}

/**
 * Runs an action while no other process or part of this one holds the lock of a path. The path need not exist, its
 * folder must.
 *
 * @throws {StoreError} `locked`, if the lock is not free in time; or what the system or the action throws.
 */
function withLock<T>(path: string, times: LockTimes, action: (lock: HeldLock) => Promise<T>): Promise<T> {
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

/** Short enough for a lock that is held for a few milliseconds, so that nobody who takes it again at once keeps it. */
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
      if (performance.now() >= deadline) throw locked(waitMs, folder.path);
    }
    if (!folder.removeIfDead()) await sleep(pause * (0.1 + 0.9 * Math.random()));
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

  /** The owner's name, if that is this one; nothing before the folder was made. */
  #own: string | undefined;

  constructor(
    readonly path: string,
    readonly staleMs: Millis,
  ) {}

  isHeld(): boolean {
    return this.#own !== undefined && this.#owner() === this.#own;
  }

  /** Whether the folder was made and then taken away, before it could be used; it can be made again. */
  forgetIfLost(): boolean {
    const isLost = this.#own !== undefined && !this.isHeld();
    if (isLost) this.#own = undefined;
    return isLost;
  }

  /** Removes the folder of an owner that has died. Whether it did. */
  removeIfDead(): boolean {
    if (!this.#isDead()) return false;
    try {
      this.#removeLeftBehind();
      return true;
    } catch (error) {
      // Somebody else is about to, or has.
      if (codeOf(error) === "ELOCKED" || codeOf(error) === "ENOENT") return false;
      throw error;
    }
  }

  // All synchronous: things go wrong in the time between a look and the deed that follows from it.

  #make(): void {
    this.#makeFolder();
    const name = ownerName();
    try {
      fs.writeFileSync(this.#ownerPath, name, { flag: "wx", mode: 0o600 });
      this.#own = name;
    } catch (error) {
      // It was taken away at once, and may already be another's.
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
    if (this.#own === undefined) this.#removeLeftBehind();
    else this.#removeOwn();
  }

  #removeOwn(): void {
    if (this.isHeld()) this.#delete();
  }

  /**
   * Removes a folder that was left behind. Only one process does that at a time, and looks again before it does: what
   * was left behind a moment ago may be somebody's lock by now.
   */
  #removeLeftBehind(): void {
    const turn = `${this.path}.recovery`;
    try {
      fs.mkdirSync(turn, 0o700);
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
      if (this.#isStale(turn)) fs.rmdirSync(turn);
      throw busy();
    }
    try {
      if (!this.#isDead() && !this.#isStale(this.path)) throw busy();
      this.#delete();
    } finally {
      fs.rmdirSync(turn);
    }
  }

  /** A process that ends between the two leaves a lock without an owner, which becomes stale. */
  #delete(): void {
    fs.rmSync(this.#ownerPath, { force: true });
    fs.rmdirSync(this.path);
  }

  #isStale(path: string): boolean {
    return fs.statSync(path).mtimeMs < Date.now() - this.staleMs;
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

const NO_THROW = { throwIfNoEntry: false } as const;

function fingerprint(name: string): string {
  return createHash("sha256").update(name).digest("hex").slice(0, 16);
}

/** What proper-lockfile says of a lock that is held. */
function busy(): Error {
  return Object.assign(new Error("the lock is held"), { code: "ELOCKED" });
}
