/** A document in a file. */

import { randomUUID } from "node:crypto";
import { open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";

import { applyToDocument } from "../../pkg/dist/node.js";

export class FileStore {
  /** @param {string} path Of the file itself, not of a link to it: a write replaces the file. */
  constructor(path) {
    this.path = path;
  }

  /** The file's text. */
  read() {
    return readFile(this.path, "utf8");
  }

  /**
   * Applies changes to what the file says now.
   *
   * @param {string} poolKey
   * @param {import("../../pkg/dist/node.js").Change[]} changes
   */
  async apply(poolKey, changes) {
    await this.#replace(applyToDocument(await this.read(), poolKey, changes));
  }

  /**
   * Writes beside the file and puts that in its place, so that there is never half a file.
   *
   * @param {string} text
   */
  async #replace(text) {
    const { mode } = await stat(this.path);
    const written = join(dirname(this.path), `.auth.${randomUUID()}.tmp`);
    try {
      const file = await open(written, "wx", mode & 0o777);
      try {
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(written, this.path);
    } catch (error) {
      await rm(written, { force: true });
      throw error;
    }
  }
}
