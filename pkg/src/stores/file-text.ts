/** The text of a document's file, and the file's path and version. */

import { type BigIntStats, statSync } from "node:fs";
import { mkdir, readFile, readlink, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { isBetween, pendingWrite } from "./file-copy.js";
import { StoreError } from "./store.js";
import { asStoreError, codeOf, unless } from "./system-error.js";

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
 * Returns the state of a file. Of a write in place that a crash has interrupted, the text is the complete new text.
 *
 * @throws {StoreError} `unreadable`, `invalid_document`.
 */
export async function readText(path: string): Promise<FileState> {
  try {
    // A write in place by another process must not be seen by halves.
    for (let attempts = 0; ; attempts += 1) {
      const pending = await pendingWrite(path);
      const file = await readBytes(path);
      if (file === undefined) return { text: undefined, stats: undefined };
      const { bytes, stats } = file;
      if (pending !== undefined && isBetween(bytes, pending)) return { text: pending.after, stats };
      const isStill = versionOf(path) === version(stats)
        && (pending !== undefined || await pendingWrite(path) === undefined);
      if (isStill || attempts >= READ_ATTEMPTS) return { text: decode(bytes, path), stats };
      await sleep(attempts);
    }
  } catch (error) {
    // Another program removed the file between the two calls.
    if (codeOf(error) === "ENOENT") return { text: undefined, stats: undefined };
    throw asStoreError("unreadable", path, error);
  }
}

/** Number of attempts to read a file that is written all the time. */
const READ_ATTEMPTS = 10;

async function readBytes(path: string): Promise<{ bytes: Uint8Array; stats: BigIntStats } | undefined> {
  const stats = await stat(path, { bigint: true }).catch(unless("ENOENT"));
  if (stats === undefined) return undefined;
  if (!stats.isFile()) throw new StoreError("unreadable", `${path} is no file: give the path of the document`);
  return { bytes: await readFile(path), stats };
}

/** Returns the version of a file without reading it; a write changes it. Empty if there is no file. */
export function versionOf(path: string): string {
  return version(statSync(path, { bigint: true, throwIfNoEntry: false }));
}

/** Returns the version in a file's state. */
export function version(stats: BigIntStats | undefined): string {
  return stats === undefined ? "" : [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(" ");
}

function decode(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    const what = "is no text in UTF-8: correct it, or restore it; nothing was overwritten";
    throw new StoreError("invalid_document", `${path} ${what}`, { pointer: "" });
  }
}
