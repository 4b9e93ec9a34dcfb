/**
 * Atomic replacement of a file's text: temporary file, fsync, rename, fsync of the folder.
 *
 * No library does all of this: libraries for atomic writes do not sync the folder, so that a loss of power may undo the
 * rename; they continue when the owner cannot be kept; and they have no check directly before the rename.
 */

import { randomBytes } from "node:crypto";
import { type BigIntStats, renameSync, statSync } from "node:fs";
import { type FileHandle, mkdir, open, readdir, readFile, readlink, realpath, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

import { StoreError } from "./store.js";

/** State of a file at one moment. */
export interface FileState {
  /** Text; undefined if there is no file. */
  text: string | undefined;
  /** Owner, mode and version; undefined if there is no file. */
  stats: BigIntStats | undefined;
}

/**
 * Returns the path of a file behind all links. The file need not exist.
 *
 * @param shouldMakeFolder Whether missing folders are made, with access for their owner alone.
 */
export async function resolvedPath(path: string, shouldMakeFolder: boolean): Promise<string> {
  let target = resolve(path);
  for (let links = 0; links < MAX_LINKS; links += 1) {
    if (shouldMakeFolder) await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    target = join(await realpath(dirname(target)), basename(target));
    const link = await readlink(target).catch(unless("EINVAL", "ENOENT", "UNKNOWN"));
    if (link === undefined) return target;
    target = resolve(dirname(target), link);
  }
  throw new StoreError("unreadable", `${path} is a link that leads to itself: make it lead to a file`);
}

/** Longest chain of links, as in Linux's path_resolution(7). */
const MAX_LINKS = 40;

/**
 * Returns the state of a file.
 *
 * @throws {StoreError} `unreadable`, `invalid_document`.
 */
export async function readText(path: string): Promise<FileState> {
  try {
    const stats = await stat(path, { bigint: true }).catch(unless("ENOENT"));
    if (stats === undefined) return { text: undefined, stats };
    if (!stats.isFile()) throw new StoreError("unreadable", `${path} is no file: give the path of the document`);
    const bytes = await readFile(path);
    return { text: decode(bytes, path), stats };
  } catch (error) {
    // Another program removed the file between the two calls.
    if (codeOf(error) === "ENOENT") return { text: undefined, stats: undefined };
    throw asStoreError("unreadable", path, error);
  }
}

/** Returns the version of a file without reading it; a write changes it. Empty if there is no file. */
export function versionOf(path: string): string {
  return version(statSync(path, { bigint: true, throwIfNoEntry: false }));
}

/** Returns the version in a file's state. */
export function version(stats: BigIntStats | undefined): string {
  return stats === undefined ? "" : [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(" ");
}

/**
 * Replaces the text of a file atomically and, once this resolves, durably. The file keeps its owner and mode; a new
 * file is accessible to its owner alone.
 *
 * @param stats Owner, mode and version of the file to replace.
 * @param mayReplace Called directly before the rename; `false` cancels it.
 * @returns Whether the file was replaced.
 * @throws {StoreError} `unwritable`: nothing was written. `uncertain`: the text was written, but may not survive a loss
 *   of power.
 */
export async function replaceText(
  path: string,
  text: string,
  { stats }: FileState,
  mayReplace: () => boolean,
): Promise<boolean> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(8).toString("hex")}.tmp`);
  let folder: FileHandle | undefined;
  try {
    if (stats !== undefined && (stats.mode & 0o222n) === 0n) throw new ReadOnly();
    folder = await openFolder(dirname(path));
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(text);
      if (stats !== undefined) await keepOwner(file, stats);
      await file.sync();
    } finally {
      await file.close();
    }
    const isReplaced = mayReplace();
    if (isReplaced) renameSync(temporary, path);
    else await rm(temporary);
    if (isReplaced) await sync(folder, path);
    return isReplaced;
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw asStoreError("unwritable", path, error);
  } finally {
    await folder?.close();
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

/** Returns the system's code of an error; undefined for other errors. */
export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}

/**
 * Returns a system error as a store error, which contains paths and no content. Other errors are returned as they are.
 */
export function asStoreError(code: "unreadable" | "unwritable", path: string, error: unknown): unknown {
  if (error instanceof StoreError) return error;
  const system = codeOf(error);
  if (system === undefined) return error;
  const [verb, nothing] = code === "unreadable" ? ["read", ""] : ["written", "; nothing was written"];
  const advice = ADVICE[system] ?? "see what the system says";
  return new StoreError(code, `${path} cannot be ${verb} (${system}): ${advice}${nothing}`, { cause: error });
}

const ADVICE: Record<string, string> = {
  EACCES: "allow this user to read and write it, and to write to its folder",
  EPERM: "allow this user to change it, and to keep its owner and group",
  ENOENT: "its folder was removed in between: try again",
  EROFS: "its file system is read-only: choose another place",
  ENOSPC: "make space on its disk",
  EDQUOT: "make space within this user's quota",
  EFBIG: "this process may not write files of that size: raise the limit",
  ENOTDIR: "a part of the path is no folder: correct the path",
  ENOTEMPTY: "another program keeps something in its folder `.lock`: remove that",
  ELOOP: "a link leads to itself: make it lead to a file",
  EMFILE: "this process has too many files open: raise the limit",
  ENFILE: "the system has too many files open",
};

/** The file's mode forbids writing, which a rename would bypass. */
class ReadOnly extends Error {
  readonly code = "EACCES";
}

function decode(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    const what = "is no text in UTF-8: correct it, or restore it; nothing was overwritten";
    throw new StoreError("invalid_document", `${path} ${what}`, { pointer: "" });
  }
}

/** Copies owner, then mode, so that the mode's group is the right group. */
async function keepOwner(file: FileHandle, { uid, gid, mode }: BigIntStats): Promise<void> {
  const own = await file.stat({ bigint: true });
  if (own.uid !== uid || own.gid !== gid) await file.chown(Number(uid), Number(gid));
  await file.chmod(Number(mode & 0o7777n));
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

function unless(...codes: string[]): (error: unknown) => undefined {
  return (error) => {
    if (!codes.includes(codeOf(error) ?? "")) throw error;
  };
}
