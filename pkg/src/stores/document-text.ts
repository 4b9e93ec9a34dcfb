/** Pools in the text of a document. An invalid document becomes an error of its store, with its place. */

import { applyToDocument, readDocument } from "../credential_pool.js";
import { PoolError } from "../core/errors.js";
import type { AppliedChanges, Change, Reading } from "../core/types.js";
import { StoreError } from "./store.js";

/**
 * Returns a pool's stored state in a document.
 *
 * @param place Name of the document in errors.
 */
export function readingOf(text: string, key: string, place: string): Reading {
  return withStoreErrors(place, () => readDocument(text, key));
}

/**
 * Returns a document with changes applied, and the changes that it could not take.
 *
 * @param place Name of the document in errors.
 */
export function withChanges(text: string, key: string, changes: readonly Change[], place: string): AppliedChanges {
  return withStoreErrors(place, () => applyToDocument(text, key, [...changes]));
}

function withStoreErrors<T>(place: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof PoolError) || (error.code !== "invalid_document" && error.code !== "too_large")) throw error;
    const { code, message, pointer } = error;
    const where = pointer ? `${place}, ${pointer}` : place;
    const details = pointer === undefined ? { cause: error } : { cause: error, pointer };
    throw new StoreError(code, `${where}: ${message}`, details);
  }
}
