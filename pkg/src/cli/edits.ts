/** Commands that change the credentials of a pool. */

import type { Row } from "../node.js";
import type { Place } from "./document.js";
import { asFailure, Failure, misuse } from "./failure.js";
import { keyFrom, readKeys } from "./key.js";
import { find, open, openAll, openKnown, save } from "./opened.js";
import { type Answer, plain, plural } from "./show.js";

/** What can be said of a new credential. */
export interface Added {
  label?: string;
  baseUrl?: string;
  type: "api-key" | "oauth";
  priority?: number;
  keyEnv?: string;
  refreshKeyEnv?: string;
}

/** `add`: a credential, behind all others unless its place is said. */
export async function add(place: Place, key: string, added: Added): Promise<Answer> {
  // Before a person types a key for nothing.
  open(await place.read(), key);
  return join(place, key, await rowOf(added), added.priority);
}

/** Adds a row to a pool, at a place in the order or behind all others. */
export async function join(place: Place, key: string, row: Row, priority: number | undefined): Promise<Answer> {
  // A person may have taken long for the row.
  const { pool, step } = open(await place.read(), key, "chance");
  const joined = pool.add(row);
  const id = joined.value;
  const moved = priority === undefined ? [] : [pool.moveTo(id, priority)];
  await save(place, pool, step, joined, ...moved);
  const entry = find(pool, id);
  return {
    data: { pool: pool.key(), id, label: entry.label, fingerprint: entry.fingerprint },
    lines: [plain(`added ${id} (${entry.label}) to ${pool.key()}: ${entry.fingerprint}`)],
  };
}

async function rowOf({ label, baseUrl, type, keyEnv, refreshKeyEnv }: Added): Promise<Row> {
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

/** `remove`: a credential goes. */
export async function remove(place: Place, key: string, name: string): Promise<Answer> {
  const { pool, step } = openKnown(await place.read(), key);
  const { id, label } = find(pool, name);
  await save(place, pool, step, pool.remove(id));
  return { data: { pool: pool.key(), id, label }, lines: [plain(`removed ${id} (${label}) from ${pool.key()}`)] };
}

/** `move`: a credential gets another place in the order. */
export async function move(place: Place, key: string, name: string, to: number): Promise<Answer> {
  const { pool, step } = openKnown(await place.read(), key);
  const { id } = find(pool, name);
  await save(place, pool, step, pool.moveTo(id, to));
  const order = pool.entries().sort((one, other) => one.priority - other.priority);
  return {
    data: { pool: pool.key(), order: order.map(({ id }) => id) },
    lines: order.map(({ id, label, priority }) => plain(`${priority}  ${id} (${label})`)),
  };
}

/** `reset`: credentials rest no longer, and dead ones live. */
export async function reset(place: Place, key: string | undefined, name: string | undefined): Promise<Answer> {
  const document = await place.read();
  const opened = key === undefined ? openAll(document) : [openKnown(document, key)];
  const done: { pool: string; reset: number }[] = [];
  for (const { pool, step } of opened) {
    const reset = pool.reset(name === undefined ? null : find(pool, name).id);
    try {
      await save(place, pool, step, reset);
    } catch (error) {
      throw afterOthers(error, pool.key(), done);
    }
    done.push({ pool: pool.key(), reset: reset.value });
  }
  const said = (count: number) => (count === 0 ? "nothing to reset" : `${plural(count, "credential")} reset`);
  const lines = done.map(({ pool, reset }) => plain(`${pool}: ${said(reset)}`));
  return { data: { pools: done }, lines: lines.length === 0 ? ["there is nothing to reset"] : lines };
}

/** Pools are written one by one. */
function afterOthers(error: unknown, key: string, done: readonly { pool: string }[]): unknown {
  if (done.length === 0) return error;
  const { exit, code, message, details } = asFailure(error);
  const others = done.map(({ pool }) => pool).join(", ");
  return new Failure(exit, code, `${key}: ${message}. This is said of ${key} alone: ${others} came before it`, details);
}
