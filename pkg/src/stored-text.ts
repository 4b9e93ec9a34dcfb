/** Documents as stores keep them: what is no document is the store's trouble, and named by where it is. */

import { applyToDocument, readDocument } from "./credential_pool.js";
import { PoolError } from "./host.js";
import { StoreError } from "./store.js";
import type { Change, Reading } from "./types.js";

/** What a document keeps of a pool. `place` names the document in errors. */
export function readingOf(text: string, key: string, place: string): Reading {
  return asStored(place, () => readDocument(text, key));
}

/** A document with changes applied. `place` names the document in errors. */
export function withChanges(text: string, key: string, changes: readonly Change[], place: string): string {
  return asStored(place, () => applyToDocument(text, key, [...changes]));
}

function asStored<T>(place: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof PoolError) || error.code !== "invalid_document") throw error;
    const { message, pointer } = error;
    const where = pointer ? `${place}, ${pointer}` : place;
    const details = pointer === undefined ? { cause: error } : { cause: error, pointer };
    throw new StoreError("invalid_document", `${where}: ${message}`, details);
  }
}
