/** The document that the command line works on. */

import { homedir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";

import { asStoreError, codeOf, placeOf, readText } from "../file-text.js";
import { emptyDocument, PoolError, pools, type Reading, StoreError } from "../node.js";
import { readingOf } from "../stored-text.js";

/** A document as it was read once, so that all that is said of it fits together. */
export interface Document {
  path: string;
  /** Whether there is a file. One that is missing counts as an empty document. */
  isThere: boolean;
  text: string;
}

/** Where the document is, unless it is said. */
export function documentPath(given?: string): string {
  if (given !== undefined) return resolve(given);
  return resolve(process.env.HERMES_HOME || join(homedir(), ".hermes"), "auth.json");
}

/** @throws {StoreError} `unreadable`, `invalid_document`. */
export async function readDocumentAt(path: string): Promise<Document> {
  const text = await textAt(path);
  return { path, isThere: text !== undefined, text: text ?? emptyDocument() };
}

/**
 * The keys of the document's pools, as they stand in it.
 *
 * @throws {StoreError} `invalid_document`.
 */
export function poolsOf({ text, path }: Document): string[] {
  try {
    return pools(text);
  } catch (error) {
    if (!(error instanceof PoolError)) throw error;
    const { message, pointer } = error;
    const details = pointer === undefined ? { cause: error } : { cause: error, pointer };
    throw new StoreError("invalid_document", `${path}${pointer ? `, ${pointer}` : ""}: ${message}`, details);
  }
}

/** What the document keeps of a pool. */
export function readPool({ text, path }: Document, key: string): Reading {
  return readingOf(text, key, path);
}

async function textAt(path: string): Promise<string | undefined> {
  try {
    const { text } = await readText(await placeOf(path, false));
    return text;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw asStoreError("unreadable", path, error);
  }
}
