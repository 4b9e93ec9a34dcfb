/** Commands that change the credentials of a pool. */

import type { Row } from "credential-pool";

import type { Location } from "./document.js";
import { asFailure, Failure, misuse } from "./failure.js";
import { keyFrom, readKeys } from "./key-input.js";
import { type Output, plural, printable } from "./output.js";
import { find, open, openAll, openExisting, save } from "./pools.js";

/** Options of `add`. */
export interface AddOptions {
  label?: string;
  baseUrl?: string;
  type: "api-key" | "oauth";
  priority?: number;
  keyEnv?: string;
  refreshKeyEnv?: string;
}

/** `add`: adds a credential, at the end of the order unless a priority is given. */
export async function add(location: Location, key: string, options: AddOptions): Promise<Output> {
  // A wrong pool key fails before a person types a credential.
  open(await location.read(), key);
  return addRow(location, key, await rowOf(options), options.priority);
}

/** Adds a row to a pool, at a place in the order or at its end. */
export async function addRow(location: Location, key: string, row: Row, priority: number | undefined): Promise<Output> {
  // The document may have changed while a person made the row.
  const { pool, step } = open(await location.read(), key);
  const added = pool.add(row);
  const id = added.value;
  const moved = priority === undefined ? [] : [pool.moveTo(id, priority)];
  await save(location, pool, step, added, ...moved);
  const entry = find(pool, id);
  return {
    data: { pool: pool.key(), id, label: entry.label, fingerprint: entry.fingerprint },
    lines: [printable(`added ${id} (${entry.label}) to ${pool.key()}: ${entry.fingerprint}`)],
  };
}

async function rowOf({ label, baseUrl, type, keyEnv, refreshKeyEnv }: AddOptions): Promise<Row> {
  const isLogin = type === "oauth";
  if (!isLogin && refreshKeyEnv !== undefined) {
    throw misuse("invalid_argument", "only a login has a refresh token: add --type oauth");
  }
  const needed = isLogin ? "Access token" : "Key";
  const others = isLogin && refreshKeyEnv === undefined ? ["Refresh token, if there is one"] : [];
  const [first = "", second] = keyEnv === undefined ? await readKeys([needed, ...others]) : [keyFrom(keyEnv)];
  const refreshToken = refreshKeyEnv === undefined ? second : keyFrom(refreshKeyEnv);
  return {
    auth_type: isLogin ? "oauth" : "api_key",
    access_token: first,
    ...(label === undefined ? {} : { label }),
    ...(baseUrl === undefined ? {} : { base_url: baseUrl }),
    ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
  };
}

/** `remove`: removes a credential. */
export async function remove(location: Location, key: string, name: string): Promise<Output> {
  const { pool, step } = openExisting(await location.read(), key);
  const { id, label } = find(pool, name);
  await save(location, pool, step, pool.remove(id));
  return { data: { pool: pool.key(), id, label }, lines: [printable(`removed ${id} (${label}) from ${pool.key()}`)] };
}

/** `move`: moves a credential to another place in the order. */
export async function move(location: Location, key: string, name: string, to: number): Promise<Output> {
  const { pool, step } = openExisting(await location.read(), key);
  const { id } = find(pool, name);
  await save(location, pool, step, pool.moveTo(id, to));
  const order = pool.entries().sort((one, other) => one.priority - other.priority);
  return {
    data: { pool: pool.key(), order: order.map(({ id }) => id) },
    lines: order.map(({ id, label, priority }) => printable(`${priority}  ${id} (${label})`)),
  };
}

/** `reset`: ends cooldowns and revives dead credentials. */
export async function reset(location: Location, key: string | undefined, name: string | undefined): Promise<Output> {
  const document = await location.read();
  const opened = key === undefined ? openAll(document) : [openExisting(document, key)];
  const done: { pool: string; reset: number }[] = [];
  for (const { pool, step } of opened) {
    const reset = pool.reset(name === undefined ? null : find(pool, name).id);
    try {
      await save(location, pool, step, reset);
    } catch (error) {
      throw afterOthers(error, pool.key(), done);
    }
    done.push({ pool: pool.key(), reset: reset.value });
  }
  const summary = (count: number) => (count === 0 ? "nothing to reset" : `${plural(count, "credential")} reset`);
  const lines = done.map(({ pool, reset }) => printable(`${pool}: ${summary(reset)}`));
  return { data: { pools: done }, lines: lines.length === 0 ? ["there is nothing to reset"] : lines };
}

/** Returns the error of a pool with the pools that were written before it. */
function afterOthers(error: unknown, key: string, done: readonly { pool: string }[]): unknown {
  if (done.length === 0) return error;
  const { exit, code, message, details } = asFailure(error);
  const others = done.map(({ pool }) => pool).join(", ");
  return new Failure(exit, code, `${key}: ${message}. ${others} were reset before`, details);
}
