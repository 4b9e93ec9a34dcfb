/**
 * The text of a file, read and replaced as a whole.
 *
 * An own few lines and no library: those that replace files do not sync the folder, so that a loss of power may undo
 * the rename, go on when the owner cannot be kept, and have no last look before the rename.
 */

import { randomBytes } from "node:crypto";
import { type BigIntStats, renameSync, statSync } from "node:fs";
import { type FileHandle, mkdir, open, readdir, readFile, readlink, realpath, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

import { StoreError } from "./store.js";

/** A file as it was found. */
export interface Found {
  /** Its text; nothing if there is no file. */
  text: string | undefined;
  /** Its owner, mode and version; nothing if there is no file. */
  stats: BigIntStats | undefined;
}

/**
 * The place of a file itself, behind all links to it.
 *
 * @param shouldMakeFolder Whether folders that are missing are made, for nobody but their owner.
 */
export async function placeOf(path: string, shouldMakeFolder: boolean): Promise<string> {
  let place = resolve(path);
  for (let links = 0; links < MOST_LINKS; links += 1) {
    if (shouldMakeFolder) await mkdir(dirname(place), { recursive: true, mode: 0o700 });
    place = join(await realpath(dirname(place)), basename(place));
    const link = await readlink(place).catch(unless("EINVAL", "ENOENT", "UNKNOWN"));
    if (link === undefined) return place;
    place = resolve(dirname(place), link);
  }
  throw new StoreError("unreadable", `${path} is a link that leads to itself: make it lead to a file`);
}

const MOST_LINKS = 40;

/**
 * What a file says.
 *
 * @throws {StoreError} `unreadable`, `invalid_document`.
 */
export async function readText(place: string): Promise<Found> {
  try {
    const stats = await stat(place, { bigint: true }).catch(unless("ENOENT"));
    if (stats === undefined) return { text: undefined, stats };
    if (!stats.isFile()) throw new StoreError("unreadable", `${place} is no file: give the path of the document`);
    const bytes = await readFile(place);
    return { text: decode(bytes, place), stats };
  } catch (error) {
    // Between the two looks somebody took it away.
    if (codeOf(error) === "ENOENT") return { text: undefined, stats: undefined };
    throw asStoreError("unreadable", place, error);
  }
}

/** Tells one version of a file from the next without reading it. */
export function versionOf(place: string): string {
  return version(statSync(place, { bigint: true, throwIfNoEntry: false }));
}

/** The version of a file that was found. */
export function version(stats: BigIntStats | undefined): string {
  return stats === undefined ? "" : [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(" ");
}

/**
 * Puts a text in the place of what was found: as a whole, and for good when this resolves. The file keeps its owner and
 * its mode; a new one is for its owner alone.
 *
 * @param mayReplace Is asked when all is ready, and the answer followed at once.
 * @returns Whether it was replaced.
 * @throws {StoreError} `unwritable`: nothing was written. `uncertain`: it was, but may not survive a loss of power.
 */
export async function replaceText(
  place: string,
  text: string,
  { stats }: Found,
  mayReplace: () => boolean,
): Promise<boolean> {
  const temporary = join(dirname(place), `.${basename(place)}.${randomBytes(8).toString("hex")}.tmp`);
  let folder: FileHandle | undefined;
  try {
    if (stats !== undefined && (stats.mode & 0o222n) === 0n) throw new ReadOnly();
    folder = await openFolder(dirname(place));
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(text);
      if (stats !== undefined) await keepOwner(file, stats);
      await file.sync();
    } finally {
      await file.close();
    }
    const isReplaced = mayReplace();
    if (isReplaced) renameSync(temporary, place);
    else await rm(temporary);
    if (isReplaced) await sync(folder, place);
    return isReplaced;
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw asStoreError("unwritable", place, error);
  } finally {
    await folder?.close();
  }
}

/** Removes what processes that died have left beside a file. To be called by who may write. */
export async function sweep(place: string): Promise<void> {
  const [before, after] = [`.${basename(place)}.`, ".tmp"];
  for (const name of await readdir(dirname(place)).catch(() => [])) {
    const middle = name.slice(before.length, -after.length);
    const isOurs = name.startsWith(before) && name.endsWith(after) && /^[0-9a-f]{16}$/.test(middle);
    if (isOurs) await rm(join(dirname(place), name), { force: true }).catch(() => {});
  }
}

/** What the system calls an error. */
export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}

/** An error of the system as a store's. It tells paths and no content. */
export function asStoreError(code: "unreadable" | "unwritable", place: string, error: unknown): unknown {
  if (error instanceof StoreError) return error;
  const system = codeOf(error);
  if (system === undefined) return error;
  const [verb, nothing] = code === "unreadable" ? ["read", ""] : ["written", "; nothing was written"];
  const advice = ADVICE[system] ?? "see what the system says";
  return new StoreError(code, `${place} cannot be ${verb} (${system}): ${advice}${nothing}`, { cause: error });
}

const ADVICE: Record<string, string> = {
  EACCES: "allow this user to read and write it, and to write to its folder",
  EPERM: "allow this user to change it, and to keep its owner and group",
  ENOENT: "its folder was taken away in between: try again",
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

/** Somebody does not want the file to be written. */
class ReadOnly extends Error {
  readonly code = "EACCES";
}

function decode(bytes: Uint8Array, place: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    const what = "is no text in UTF-8: correct it, or restore it; nothing was overwritten";
    throw new StoreError("invalid_document", `${place} ${what}`, { pointer: "" });
  }
}

/** Owner first: who may read is decided for the right group. */
async function keepOwner(file: FileHandle, { uid, gid, mode }: BigIntStats): Promise<void> {
  const own = await file.stat({ bigint: true });
  if (own.uid !== uid || own.gid !== gid) await file.chown(Number(uid), Number(gid));
  await file.chmod(Number(mode & 0o7777n));
}

/** A folder to be synced; nothing where that cannot be done. */
async function openFolder(path: string): Promise<FileHandle | undefined> {
  return open(path, "r").catch(unless("EISDIR", "EPERM", "EACCES"));
}

async function sync(folder: FileHandle | undefined, place: string): Promise<void> {
  try {
    await folder?.sync();
  } catch (error) {
    if (["EINVAL", "ENOTSUP", "EPERM", "EBADF"].includes(codeOf(error) ?? "")) return;
    const what = "was written, but its folder cannot be synced: look after its disk";
    throw new StoreError("uncertain", `${place} ${what}`, { cause: error });
  }
}

function unless(...codes: string[]): (error: unknown) => undefined {
  return (error) => {
    if (!codes.includes(codeOf(error) ?? "")) throw error;
  };
}
