/** A document in a file for editors: the whole text, replaced by compare-and-set, and watched. */

import { createHash } from "node:crypto";
import { resolve } from "node:path";

import { pools } from "../credential_pool.js";
import { STALE_MS, withFileLock } from "./file-lock.js";
import { finishWrite, removeTemporaries, replaceText } from "./file-replacement.js";
import { readText, resolvedPath, version, versionOf } from "./file-text.js";
import { FileWatch } from "./file-watch.js";
import { lockedError } from "./keyed-mutex.js";
import { StoreError, WAIT_MS } from "./store.js";
import { asStoreError, codeOf } from "./system-error.js";

/** The text of a document at one moment. */
export interface DocumentText {
  /** The text as it is on disk; empty if there is no file. */
  text: string;
  /** Entity tag of the text, in quotes (RFC 9110, section 8.8.3). */
  etag: string;
}

/** Result of `DocumentFile.replace`. */
export interface ReplaceResult {
  /** Whether the file holds the new text. */
  isWritten: boolean;
  /** Entity tag of the text that the file holds now. */
  etag: string;
}

/** A document in a file, for editors. It shares the file with any number of `FileStore`s. */
export class DocumentFile {
  /** The given path, made absolute. */
  readonly path: string;

  /** @param path The file, or a link to it; the file need not exist. */
  constructor(path: string) {
    this.path = resolve(path);
  }

  /** @throws {StoreError} `unreadable`; `invalid_document`: the file is not UTF-8 text. */
  async read(): Promise<DocumentText> {
    const text = await this.#text();
    return { text: text ?? "", etag: etagOf(text) };
  }

  /**
   * Replaces the text if the file still holds the text that the editor has read. Writes as a `FileStore` writes: under
   * its lock, atomically, with the file's owner and mode, behind all links.
   *
   * @param etag Entity tag of the text that the editor has read.
   * @throws {PoolError} `invalid_document`: no host could read the text. Nothing was written.
   * @throws {StoreError}
   */
  async replace(text: string, etag: string): Promise<ReplaceResult> {
    pools(text);
    const deadline = performance.now() + WAIT_MS;
    for (let waitMs = WAIT_MS; waitMs > 0; waitMs = deadline - performance.now()) {
      const replaced = await withFileLock(this.path, undefined, { waitMs, staleMs: STALE_MS }, async (path, lock) => {
        await removeTemporaries(path);
        await finishWrite(path);
        const file = await readText(path);
        const [now, wanted] = [etagOf(file.text), etagOf(text)];
        // Also true after a repeated request whose first response got lost.
        if (now === wanted) return { isWritten: true, etag: now };
        if (now !== etag) return { isWritten: false, etag: now };
        const isUnchanged = () => lock.isHeld() && versionOf(path) === version(file.stats);
        return await replaceText(path, text, file, isUnchanged) ? { isWritten: true, etag: wanted } : undefined;
      });
      if (replaced !== undefined) return replaced;
    }
    throw lockedError(WAIT_MS, this.path);
  }

  /**
   * Calls back with the entity tag of the text: once at the start, and after each change.
   *
   * @returns A function that ends the watch.
   */
  watch(onChange: (etag: string) => void): () => void {
    let known: { version: string; etag: string } | undefined;
    const check = async () => {
      try {
        const path = await resolvedPath(this.path, false).catch(() => this.path);
        const now = versionOf(path);
        if (now === known?.version) return;
        const { etag } = await this.read();
        const isNew = etag !== known?.etag;
        known = { version: now, etag };
        if (isNew) onChange(etag);
      } catch (error) {
        // An unreadable file is no change; `read` says why.
        if (!(error instanceof StoreError) && codeOf(error) === undefined) throw error;
      }
    };
    const watch = new FileWatch(() => resolvedPath(this.path, false), check);
    watch.start(POLL_MS);
    return () => watch.stop();
  }

  async #text(): Promise<string | undefined> {
    try {
      return (await readText(await resolvedPath(this.path, false))).text;
    } catch (error) {
      // A folder of the path is missing.
      if (codeOf(error) === "ENOENT") return undefined;
      throw asStoreError("unreadable", this.path, error);
    }
  }
}

/** Interval of polling for systems without notifications, in milliseconds. */
const POLL_MS = 2000;

/** Returns the entity tag of a text; undefined stands for a missing file. */
function etagOf(text: string | undefined): string {
  return text === undefined ? `"none"` : `"${createHash("sha256").update(text).digest("hex")}"`;
}
