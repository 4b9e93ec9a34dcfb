/** The stores that must keep the same contract, and their set-up. */

import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { emptyDocument, MemoryStore } from "credential-pool";
import { FileStore } from "credential-pool/file-store";
import { RedisStore } from "credential-pool/redis-store";

import { startRedis, stopAllRedis } from "./redis-server.mjs";

export const KEY = "openrouter";

/** Factor of the number of writes, kills and refreshes in the tests of many processes; `cargo xtask soak` sets a larger factor. */
export const ROUNDS = Number(process.env.STORE_ROUNDS ?? 1);

/** A handwritten document, with parts that must stay unchanged. */
export const HANDMADE = `{
\t"mine": 12345678901234567890123,
  "version": 1,   "note": "caf\\u00e9 \\/ ✓",
  "credential_pool": {
    "nous": [ { "id": "n", "access_token": "other" } ],
    "openrouter": [
      {"id": "a", "access_token": "sk-a", "big": 9007199254740993, "\\u00e9": 1.0},
      {"id": "b", "access_token": "sk-b"}
    ]
  }
}

`;

/** The contract's kinds of stores, each with a document of its own per `open`. */
export const kinds = [
  {
    name: "memory",
    async open(text = emptyDocument()) {
      const store = new MemoryStore(text);
      return { store, another: () => new MemoryStore(store), text: async () => store.text };
    },
  },
  {
    name: "file",
    async open(text) {
      const path = join(await folder(), "auth.json");
      if (text !== undefined) await writeFile(path, text);
      const store = new FileStore(path);
      return { store, another: () => new FileStore(path), text: () => readFile(path, "utf8") };
    },
  },
  {
    name: "redis",
    async open(text) {
      const redis = await oneRedis();
      const prefix = `${(documents += 1)}:`;
      // Each pool has a document of its own.
      for (const key of text === undefined ? [] : [KEY, "nous"]) {
        await redis.ask("HSET", `${prefix}pool:${key}`, "document", text);
      }
      const another = () => redisStore({ url: redis.url, prefix });
      return { store: another(), another, text: () => redis.ask("HGET", `${prefix}pool:${KEY}`, "document") };
    },
  },
];

let redis;
let documents = 0;

/** All documents are on one server. */
function oneRedis() {
  return (redis ??= startRedis());
}

const stores = [];

/** A store that `clear` closes. */
export function redisStore(options) {
  const store = new RedisStore(options);
  stores.push(store);
  return store;
}

const folders = [];

/** A folder of its own. */
export async function folder() {
  const path = await realpath(await mkdtemp(join(tmpdir(), "credential-pool-store-")));
  folders.push(path);
  return path;
}

/** Ends and removes everything that the tests have made. */
export async function clear() {
  await Promise.all(stores.splice(0).map((store) => store.close()));
  redis = undefined;
  await stopAllRedis();
  await Promise.all(folders.splice(0).map((path) => rm(path, { recursive: true })));
}

let last = 0;

/** A change of a host of its own, so that it may come in any order with other changes. */
export const change = (edit) => {
  last = Math.max(last + 1, Date.now() * 1000);
  return { by: { at: last, host: randomUUID() }, ...edit };
};

export const used = (id, count = 1) => change({ type: "used", id, count });

export const added = (id) => change({ type: "add", row: { id, source: "manual", access_token: `sk-${id}` } });

export const removed = (id) => change({ type: "remove", id });

/** The rows of a store, by id. */
export async function counts(store, key = KEY) {
  const { stored } = await store.read(key);
  return Object.fromEntries(stored.rows.map(({ id, request_count }) => [id, request_count ?? 0]));
}
