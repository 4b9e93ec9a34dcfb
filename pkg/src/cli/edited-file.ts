/** A document in a file as a text: read, replaced by who has seen what it says, and watched. */

import { createHash } from "node:crypto";

import { STALE_MS, withFileLock } from "../file-lock.js";
import { asStoreError, codeOf, placeOf, readText, replaceText, sweep, version, versionOf } from "../file-text.js";
import { FileWatch } from "../file-watch.js";
import { pools, StoreError } from "../node.js";
import { WAIT_MS } from "../store.js";
import { locked } from "../turns.js";

/** A text, and what tells it from others. */
export interface Seen {
  /** As it is on disk; empty if there is no file. */
  text: string;
  etag: string;
}

/** What became of a text that was to be written. */
export interface Replaced {
  /** Whether the file says it. */
  isWritten: boolean;
  /** What the file says now. */
  etag: string;
}

const POLL_MS = 2000;

export class EditedFile {
  /** @param path The file, or a link to it; it need not exist. */
  constructor(readonly path: string) {}

  /** @throws {StoreError} `unreadable`; `invalid_document`: it is no text. */
  async read(): Promise<Seen> {
    const text = await this.#text();
    return { text: text ?? "", etag: etagOf(text) };
  }

  /**
   * Replaces what the file says, unless it says something else than who wants that has seen. It is kept as a store in a
   * file keeps it: under its lock, as a whole, with its owner and mode, behind all links.
   *
   * @param seen The `etag` of what was seen.
   * @throws {PoolError} `invalid_document`: no host could read the text. Nothing was written.
   * @throws {StoreError}
   */
  async replace(text: string, seen: string): Promise<Replaced> {
    pools(text);
    const deadline = performance.now() + WAIT_MS;
    for (let waitMs = WAIT_MS; waitMs > 0; waitMs = deadline - performance.now()) {
      const replaced = await withFileLock(this.path, undefined, { waitMs, staleMs: STALE_MS }, async (place, lock) => {
        await sweep(place);
        const found = await readText(place);
        const [now, wanted] = [etagOf(found.text), etagOf(text)];
        // Also when it was written before, and the answer got lost.
        if (now === wanted) return { isWritten: true, etag: now };
        if (now !== seen) return { isWritten: false, etag: now };
        const isUnchanged = () => lock.isHeld() && versionOf(place) === version(found.stats);
        return await replaceText(place, text, found, isUnchanged) ? { isWritten: true, etag: wanted } : undefined;
      });
      if (replaced !== undefined) return replaced;
    }
    throw locked(WAIT_MS, this.path);
  }

  /**
   * Tells the `etag` of what the file says: at once, and whenever that has changed.
   *
   * @returns Ends it.
   */
  watch(onChange: (etag: string) => void): () => void {
    let known: { version: string; etag: string } | undefined;
    const look = async () => {
      try {
        const place = await placeOf(this.path, false).catch(() => this.path);
        const now = versionOf(place);
        if (now === known?.version) return;
        const { etag } = await this.read();
        const isNew = etag !== known?.etag;
        known = { version: now, etag };
        if (isNew) onChange(etag);
      } catch (error) {
        // What cannot be read is no change; who reads is told why.
        if (!(error instanceof StoreError) && codeOf(error) === undefined) throw error;
      }
    };
    const watch = new FileWatch(() => placeOf(this.path, false), look);
    watch.start(POLL_MS);
    return () => watch.stop();
  }

  async #text(): Promise<string | undefined> {
    try {
      return (await readText(await placeOf(this.path, false))).text;
    } catch (error) {
      // A folder on the way is missing.
      if (codeOf(error) === "ENOENT") return undefined;
      throw asStoreError("unreadable", this.path, error);
    }
  }
}

function etagOf(text: string | undefined): string {
  return text === undefined ? `"none"` : `"${createHash("sha256").update(text).digest("hex")}"`;
}
