/**
 * Replacement of a file's text: temporary file, fsync, rename, fsync of the folder; or in place, where a rename is
 * impossible.
 *
 * No library does all of this: libraries for atomic writes do not sync the folder, so that a loss of power may undo the
 * rename; they continue when the owner cannot be kept; and they have no check directly before the rename.
 */

import { randomBytes } from "node:crypto";
import {
  type BigIntStats, closeSync, constants, fsyncSync, ftruncateSync, openSync, renameSync, writeSync,
} from "node:fs";
import { type FileHandle, open, readdir, readFile, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

import { forget, isBetween, keep, type PendingWrite, pendingWrite } from "./file-copy.js";
import type { FileState } from "./file-text.js";
import { StoreError } from "./store.js";
import { asStoreError, codeOf, unless } from "./system-error.js";

/** The calls of the system that differ between systems and kinds of files. */
export interface FileSystem {
  /** As `process.platform`. */
  platform: string;
  /** Renames a file onto another. */
  rename(from: string, to: string): void;
  /** Writes a text over an open file, from a position. */
  write(file: number, text: string, position: number): void;
}

const SYSTEM: FileSystem = { platform: process.platform, rename: renameSync, write: writeWhole };

/**
 * Replaces the text of a file and, once this resolves, durably. The file keeps its owner and mode; a new file is
 * accessible to its owner alone. Call it under the file's lock.
 *
 * The replacement is atomic. A file that cannot be replaced by a rename is written in place: readers of this package
 * never see a part of the text, other programs may.
 *
 * @param file State of the file to replace.
 * @param mayReplace Called directly before the file changes; `false` cancels the replacement.
 * @returns Whether the file was replaced.
 * @throws {StoreError} `unwritable`: nothing was written. `uncertain`: the text was written, but may not survive a loss
 *   of power.
 */
export async function replaceText(
  path: string,
  text: string,
  file: FileState,
  mayReplace: () => boolean,
  system = SYSTEM,
): Promise<boolean> {
  const { stats } = file;
  try {
    if (stats !== undefined && (stats.mode & 0o222n) === 0n) throw new ReadOnly();
    try {
      return await renameOver(path, text, stats, mayReplace, system);
    } catch (error) {
      // A file that is mounted alone cannot be renamed over; beside others, a folder may forbid new files.
      if (stats === undefined || !NEEDS_WRITE_IN_PLACE.has(codeOf(error) ?? "")) throw error;
      return await writeInPlace(path, { before: file.text ?? "", after: text }, mayReplace, system);
    }
  } catch (error) {
    throw asStoreError("unwritable", path, error);
  }
}

/** Finishes a write in place that a crash has interrupted. Call it under the file's lock. */
export async function finishWrite(path: string): Promise<void> {
  try {
    const pending = await pendingWrite(path);
    if (pending === undefined) return;
    const bytes = await readFile(path).catch(unless("ENOENT"));
    if (bytes !== undefined && isBetween(bytes, pending)) return void (await writeInPlace(path, pending, () => true, SYSTEM));
    await forget(path);
  } catch (error) {
    throw asStoreError("unwritable", path, error);
  }
}

/** Removes the temporary files that dead processes left beside a file. Call it under the file's lock. */
export async function removeTemporaries(path: string): Promise<void> {
  const [before, after] = [`.${basename(path)}.`, ".tmp"];
  for (const name of await readdir(dirname(path)).catch(() => [])) {
    const middle = name.slice(before.length, -after.length);
    const isOurs = name.startsWith(before) && name.endsWith(after) && /^[0-9a-f]{16}$/.test(middle);
    if (isOurs) await rm(join(dirname(path), name), { force: true }).catch(() => {});
  }
}

/** Codes of a rename, or of a new file, after which the file itself may still be written. */
const NEEDS_WRITE_IN_PLACE = new Set(["EBUSY", "EXDEV", "EACCES", "EPERM", "EROFS"]);

/** Codes of a rename on Windows while another program has the file open. */
const IN_USE = new Set(["EBUSY", "EPERM", "EACCES"]);

/** Pauses before the attempts to rename onto a file that is in use, in milliseconds. */
const PAUSES = [0, 10, 20, 40, 80, 160, 320];

/** Writes all of a text; a call of the system may write a part. */
function writeWhole(file: number, text: string, position: number): void {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done, bytes.length - done, position + done);
}

async function renameOver(
  path: string,
  text: string,
  stats: BigIntStats | undefined,
  mayReplace: () => boolean,
  { platform, rename }: FileSystem,
): Promise<boolean> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(8).toString("hex")}.tmp`);
  const folder = await openFolder(dirname(path));
  try {
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(text);
      if (stats !== undefined) await keepOwner(file, path, stats);
      await file.sync();
    } finally {
      await file.close();
    }
    for (const [attempt, pause] of PAUSES.entries()) {
      if (pause > 0) await sleep(pause);
      if (!mayReplace()) {
        await rm(temporary);
        return false;
      }
      try {
        rename(temporary, path);
        break;
      } catch (error) {
        const isInUse = platform === "win32" && IN_USE.has(codeOf(error) ?? "");
        if (!isInUse || attempt === PAUSES.length - 1) throw error;
      }
    }
    await sync(folder, path);
    return true;
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  } finally {
    await folder?.close();
  }
}

/** Writes in place. Puts the text before back if the write fails. */
async function writeInPlace(
  path: string,
  write: PendingWrite,
  mayReplace: () => boolean,
  { write: put }: FileSystem,
): Promise<boolean> {
  const file = openSync(path, constants.O_WRONLY);
  try {
    await keep(path, write);
    const isWritten = mayReplace();
    if (isWritten) overwrite(file, path, write, put);
    await forget(path);
    return isWritten;
  } catch (error) {
    if (!(error instanceof StoreError)) await forget(path).catch(() => {});
    throw error;
  } finally {
    closeSync(file);
  }
}

/** Synchronous, so that nothing of this process comes between the last check and the write. */
function overwrite(file: number, path: string, { before, after }: PendingWrite, put: FileSystem["write"]): void {
  const write = (text: string): void => {
    put(file, text, 0);
    ftruncateSync(file, Buffer.byteLength(text));
    fsyncSync(file);
  };
  try {
    write(after);
  } catch (error) {
    try {
      write(before);
    } catch {
      const what = "could be written by half only, and its whole text is kept beside it: write again";
      throw new StoreError("uncertain", `${path} ${what}`, { cause: error });
    }
    throw error;
  }
}

/** The file's mode forbids writing, which a rename would bypass. */
class ReadOnly extends Error {
  readonly code = "EACCES";
}

/** Copies owner, then mode, so that the mode's group is the right group. A write in place is no cure for a failure. */
async function keepOwner(file: FileHandle, path: string, { uid, gid, mode }: BigIntStats): Promise<void> {
  try {
    const own = await file.stat({ bigint: true });
    if (own.uid !== uid || own.gid !== gid) await file.chown(Number(uid), Number(gid));
    await file.chmod(Number(mode & 0o7777n));
  } catch (error) {
    throw asStoreError("unwritable", path, error);
  }
}

/** Opens a folder for a sync; returns undefined where folders cannot be synced. */
async function openFolder(path: string): Promise<FileHandle | undefined> {
  return open(path, "r").catch(unless("EISDIR", "EPERM", "EACCES"));
}

async function sync(folder: FileHandle | undefined, path: string): Promise<void> {
  try {
    await folder?.sync();
  } catch (error) {
    if (["EINVAL", "ENOTSUP", "EPERM", "EBADF"].includes(codeOf(error) ?? "")) return;
    const what = "was written, but its folder cannot be synced: look after its disk";
    throw new StoreError("uncertain", `${path} ${what}`, { cause: error });
  }
}
