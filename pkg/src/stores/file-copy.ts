/**
 * The copy of a text that is written in place, where a rename is impossible: a file that is mounted alone into a
 * container, or whose folder cannot be written. Until such a write is complete, its copy holds the texts before and
 * after it, so that a crash leaves no half file behind: readers take the copy's text, and the next writer finishes the
 * write.
 */

import { createHash, randomBytes } from "node:crypto";
import { renameSync } from "node:fs";
import { access, chmod, constants, lstat, mkdir, open, readFile, rm } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { basename, dirname, join } from "node:path";

import { codeOf } from "./system-error.js";

/** A write in place that may be incomplete. */
export interface PendingWrite {
  /** Text of the file before the write. */
  before: string;
  /** Text of the file after the write. */
  after: string;
}

/**
 * Returns the path whose extensions are names for the locks and copies of a file: the file's own path, or a path in a
 * private folder of this user if the file's folder cannot be written.
 */
export async function companionPath(path: string): Promise<string> {
  try {
    await access(dirname(path), constants.W_OK);
    return path;
  } catch (error) {
    if (!NOT_WRITABLE.has(codeOf(error) ?? "")) return path;
    // A file that is not there, or cannot be written, has no use for a lock: the error names the real folder.
    const isWritable = await access(path, constants.W_OK).then(() => true, () => false);
    return isWritable ? privatePath(path) : path;
  }
}

/** Keeps the texts of a write in place until `forget`. They are on the disk once this resolves. */
export async function keep(path: string, write: PendingWrite): Promise<void> {
  const copy = copyOf(await companionPath(path));
  const temporary = `${copy}.${randomBytes(8).toString("hex")}`;
  try {
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(JSON.stringify(write));
      await file.sync();
    } finally {
      await file.close();
    }
    renameSync(temporary, copy);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
}

/** Removes the copy of a complete write. */
export async function forget(path: string): Promise<void> {
  await rm(copyOf(await companionPath(path)), { force: true });
}

/** Returns the write in place that was begun last and is not known to be complete. */
export async function pendingWrite(path: string): Promise<PendingWrite | undefined> {
  try {
    return JSON.parse(await readFile(copyOf(await companionPath(path)), "utf8")) as PendingWrite;
  } catch (error) {
    if (error instanceof SyntaxError || codeOf(error) === "ENOENT" || codeOf(error) === "EACCES") return undefined;
    throw error;
  }
}

/**
 * Returns whether the bytes are a state between the two texts of a write. Blocks of a file reach the disk in any order,
 * so that each byte can be of either text, or zero.
 */
export function isBetween(bytes: Uint8Array, { before, after }: PendingWrite): boolean {
  const [old, now] = [Buffer.from(before), Buffer.from(after)];
  if (bytes.length > Math.max(old.length, now.length)) return false;
  return !now.equals(bytes) && !old.equals(bytes)
    && bytes.every((byte, i) => byte === now[i] || byte === old[i] || byte === 0);
}

const NOT_WRITABLE = new Set(["EACCES", "EPERM", "EROFS"]);

function copyOf(companion: string): string {
  return join(dirname(companion), `.${basename(companion)}.copy`);
}

/** Returns a path in a folder that no other user can write: a foreign copy must never be read. */
async function privatePath(path: string): Promise<string> {
  const { uid } = userInfo();
  const folder = join(tmpdir(), `credential-pool-${uid}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const stats = await lstat(folder);
  if (!stats.isDirectory() || (uid >= 0 && stats.uid !== uid)) {
    const message = "the folder for locks in the temporary folder belongs to another user";
    throw Object.assign(new Error(message), { code: "EACCES" });
  }
  await chmod(folder, 0o700);
  return join(folder, createHash("sha256").update(path).digest("hex").slice(0, 16));
}
