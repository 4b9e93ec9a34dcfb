/** A pool as an administrator opens it: nothing is discovered, and nothing pruned. */

import { createHash, randomBytes } from "node:crypto";

import { CredentialPool, type Entry, type PersistIntent, PoolError, type Step, StoreError } from "../node.js";
import { type Document, type Place, poolsOf, readPool, textOf } from "./document.js";
import { EXIT, Failure, misuse } from "./failure.js";

/** A pool, and what opening it asks for. */
export interface Opened {
  pool: CredentialPool;
  step: Step<unknown>;
}

/**
 * Opens a pool, whether the document has it or not.
 *
 * @param seed `document`: rows without an id get the same ones at each call, so that what `list` shows can be used
 * as long as the document stays as it is. `chance`: for new rows, whose ids must be nobody else's.
 */
export function open(document: Document, key: string, seed: "document" | "chance" = "document"): Opened {
  const { stored } = named(() => readPool(document, key));
  const same = createHash("sha256").update(textOf(document, key)).digest();
  const random = (length: number) => (seed === "chance" ? randomBytes(length) : same.subarray(0, length));
  const { pool, ...step } = CredentialPool.open({ key, stored, sources: {}, host: { random } });
  return { pool, step };
}

/** Opens a pool that the document has. */
export function openKnown(document: Document, key: string): Opened {
  const keys = poolsOf(document);
  const opened = open(document, key);
  if (keys.includes(opened.pool.key())) return opened;
  const what = keys.length === 0 ? "it has none; `credential-pool add` makes one" : `it has ${keys.join(", ")}`;
  throw new Failure(EXIT.missing, "unknown_pool", `${document.name} has no such pool: ${what}`, { choices: keys });
}

/** Opens all pools of a document that can be. */
export function openAll(document: Document): Opened[] {
  return poolsOf(document).flatMap((key) => {
    try {
      const opened = open(document, key);
      return opened.pool.key() === key ? [opened] : [];
    } catch (error) {
      // `check` tells of keys that no pool has.
      if (error instanceof Failure && error.code === "invalid_pool_key") return [];
      throw error;
    }
  });
}

function named<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof PoolError) || error.pointer !== "/key") throw error;
    const message = "the name of a pool is a provider such as openrouter, or custom:<name>; it cannot be empty";
    throw misuse("invalid_pool_key", message);
  }
}

/** The credential that is meant: an id goes before a label. */
export function find(pool: CredentialPool, name: string): Entry {
  const entries = pool.entries();
  const [first, ...others] = [
    entries.filter(({ id }) => id === name),
    entries.filter(({ label }) => label === name),
  ].find((found) => found.length > 0) ?? [];
  const choices = (of: readonly Entry[]) => of.map(({ id, label }) => `${id} (${label})`).join(", ");
  const key = pool.key();
  if (first === undefined) {
    const what = entries.length === 0 ? "it has none" : `it has ${choices(entries)}`;
    const ids = entries.map(({ id }) => id);
    throw new Failure(EXIT.missing, "unknown_credential", `${key} has no such credential: ${what}`, { choices: ids });
  }
  if (others.length === 0) return first;
  const meant = [first, ...others];
  const message = `${meant.length} credentials of ${key} have this label: say which by its id, ${choices(meant)}`;
  throw new Failure(EXIT.misuse, "ambiguous_label", message, { choices: meant.map(({ id }) => id) });
}

/**
 * Writes what the steps of a pool ask for, all of it or nothing.
 *
 * @throws {Failure} Nothing was written, or the message says that this is uncertain.
 */
export async function save(place: Place, pool: CredentialPool, ...steps: Step<unknown>[]): Promise<void> {
  const intents = steps.flatMap((step) => step.intents).filter((intent) => intent.type === "persist");
  // Each holds what the earlier ones hold as well, as long as none is settled.
  const last: PersistIntent | undefined = intents.at(-1);
  if (last === undefined) return;
  const settle = (type: "saved" | "failed") => intents.forEach(({ id }) => pool.settle(id, { type }));
  try {
    await (await place.store()).commit(pool.key(), last.changes);
  } catch (error) {
    settle("failed");
    throw notWritten(error);
  }
  settle("saved");
}

function notWritten(error: unknown): unknown {
  const isSaid = !(error instanceof StoreError) || error.code === "uncertain" || error.message.includes("nothing was ");
  if (isSaid) return error;
  const { code, message, pointer } = error;
  return new StoreError(code, `${message}; nothing was written`, pointer === undefined ? {} : { pointer });
}
