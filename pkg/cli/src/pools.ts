/** Pools opened for administration: without discovery. */

import { CredentialPool, type Entry, type PersistIntent, PoolError, type Step, StoreError } from "credential-pool";

import { type Document, type Location, poolsOf, readPool } from "./document.js";
import { EXIT, Failure, misuse } from "./failure.js";

/** A pool, and the step that opened it. */
export interface OpenedPool {
  pool: CredentialPool;
  step: Step<unknown>;
}

/**
 * Opens a pool. The document need not contain it.
 *
 * The seed is random: stores take two changes of one host at the same time for one change. Rows without an id still get
 * the same ids at each call, because the pool derives such ids from the rows.
 */
export function open(document: Document, key: string): OpenedPool {
  const { stored } = withKeyFailure(() => readPool(document, key));
  const { pool, ...step } = CredentialPool.open({ key, stored, sources: {} });
  return { pool, step };
}

/** Opens a pool that the document contains. */
export function openExisting(document: Document, key: string): OpenedPool {
  const keys = poolsOf(document);
  const opened = open(document, key);
  if (keys.includes(opened.pool.key())) return opened;
  const what = keys.length === 0 ? "it has none; `credential-pool add` makes one" : `it has ${keys.join(", ")}`;
  throw new Failure(EXIT.missing, "unknown_pool", `${document.name} has no such pool: ${what}`, { choices: keys });
}

/** Opens all pools of a document, except for invalid pool keys. */
export function openAll(document: Document): OpenedPool[] {
  return poolsOf(document).flatMap((key) => {
    try {
      const opened = open(document, key);
      return opened.pool.key() === key ? [opened] : [];
    } catch (error) {
      // `check` reports invalid pool keys.
      if (error instanceof Failure && error.code === "invalid_pool_key") return [];
      throw error;
    }
  });
}

function withKeyFailure<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof PoolError) || error.pointer !== "/key") throw error;
    const message = "a pool key is a provider such as openrouter, or custom:<name>; it cannot be empty";
    throw misuse("invalid_pool_key", message);
  }
}

/** Returns the credential with an id, else with a label. */
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
  const matches = [first, ...others];
  const message = `${matches.length} credentials of ${key} have this label: give an id, ${choices(matches)}`;
  throw new Failure(EXIT.misuse, "ambiguous_label", message, { choices: matches.map(({ id }) => id) });
}

/**
 * Writes the changes of a pool's steps, all or none.
 *
 * @throws {StoreError} Nothing was written, or the message says that the outcome is uncertain.
 */
export async function save(location: Location, pool: CredentialPool, ...steps: Step<unknown>[]): Promise<void> {
  const intents = [...steps, pool.signOff()].flatMap((step) => step.intents).filter((intent) => intent.type === "persist");
  // Each intent contains the changes of the earlier intents, since none is settled.
  const last: PersistIntent | undefined = intents.at(-1);
  if (last === undefined) return;
  const settle = (type: "saved" | "failed") => intents.forEach(({ id }) => pool.settle(id, { type }));
  try {
    const [refusal] = (await (await location.store()).commit(pool.key(), last.changes)) ?? [];
    if (refusal !== undefined) throw new PoolError(refusal.code, `${refusal.message}; this was not written`, refusal.pointer);
  } catch (error) {
    settle("failed");
    throw notWritten(error);
  }
  settle("saved");
}

function notWritten(error: unknown): unknown {
  const saysSo = !(error instanceof StoreError) || error.code === "uncertain" || error.message.includes("nothing was ");
  if (saysSo) return error;
  const { code, message, pointer } = error;
  return new StoreError(code, `${message}; nothing was written`, pointer === undefined ? {} : { pointer });
}
