// The store in Redis: what only servers have. They are stopped, frozen, emptied and locked up.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, afterEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { createClient } from "redis";

import { PoolError, StoreError } from "credential-pool";
import { RedisStore } from "credential-pool/redis-store";

import { until } from "../until.mjs";
import { added, clear, counts, HANDMADE, KEY, redisStore, used } from "./kinds.mjs";
import { startRedis } from "./redis-server.mjs";

const HASH = `credential-pool:pool:${KEY}`;
const CANARY = "pw-canary-77";

afterEach(clear);
after(clear);

/** A server of its own. */
async function server(...settings) {
  const redis = await startRedis(...settings);
  const open = (options) => redisStore({ url: redis.url, ...options });
  return { redis, open, store: open() };
}

async function fails(promise, code, says) {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof StoreError, `${error?.stack}`);
    assert.equal(error.code, code, error.message);
    assert.match(error.message, says);
    assert.doesNotMatch(`${error.stack} ${JSON.stringify(error)} ${error.cause}`, /canary/);
    return true;
  });
}

test("a pool is one hash, whatever its name is written like", async () => {
  const { redis, store } = await server();
  await store.commit(" OpenRouter", [added("a")]);
  await store.commit("openrouter", [used("a")]);
  await store.commit("custom:my [local]", [added("b")]);
  assert.deepEqual((await redis.ask("KEYS", "*")).sort(), ["credential-pool:pool:custom:my [local]", HASH].sort());
  assert.deepEqual((await redis.ask("HKEYS", HASH)).sort(), ["document", "version"]);
  assert.deepEqual(await store.pools(), ["custom:my [local]", "openrouter"]);
  assert.deepEqual(await counts(store), { a: 1 });
});

test("a commit is one round trip, and those that come meanwhile are one more", async () => {
  const { redis, store } = await server();
  await store.commit(KEY, [added("a")]);
  const calls = async () => {
    const stats = await redis.ask("INFO", "commandstats");
    const of = (name) => Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
    return of("evalsha") + of("eval") + of("get");
  };
  const before = await calls();
  const once = [used("a")];
  await store.commit(KEY, once);
  assert.equal(await calls(), before + 1);
  await Promise.all(Array.from({ length: 100 }, () => store.commit(KEY, [used("a")])));
  assert.equal(await calls(), before + 2);
  await store.commit(KEY, once);
  const [version] = await redis.ask("HMGET", HASH, "version");
  assert.match(version, /\.3\.[0-9a-f]{16}$/, "what was written before writes nothing");
});

test("what a person writes by hand counts, and is not overwritten", async () => {
  const { redis, store, open } = await server();
  await store.commit(KEY, [added("a")]);
  await redis.ask("HSET", HASH, "document", HANDMADE);
  await redis.ask("HDEL", HASH, "version");
  await store.commit(KEY, [used("a", 2)]);
  assert.deepEqual(await counts(store), { a: 2, b: 0 });
  assert.deepEqual(await counts(open()), { a: 2, b: 0 });
});

test("what is no pool is left as it is", async () => {
  const { redis, store } = await server();
  await redis.ask("SET", HASH, "sk-canary");
  await fails(store.read(KEY), "invalid_document", /is no hash/);
  await fails(store.commit(KEY, [added("a")]), "invalid_document", /is no hash.*nothing was overwritten/);
  await redis.ask("DEL", HASH);
  await redis.ask("HSET", HASH, "version", "sk-canary");
  await fails(store.commit(KEY, [added("a")]), "invalid_document", /no document/);
  assert.deepEqual(await redis.ask("HGETALL", HASH), ["version", "sk-canary"]);
});

test("the host's own client lends its settings, and stays the host's", async () => {
  const { redis } = await server("--requirepass", CANARY);
  const client = createClient({ url: redis.url, password: CANARY, database: 3 });
  const store = redisStore({ client });
  await store.commit(KEY, [added("a")]);
  await store.close();
  assert.equal(client.isOpen, false);
  await client.connect();
  assert.equal(await client.exists(HASH), 1);
  client.destroy();
});

test("a password that is wrong, missing or not wanted, and a user who may not: said at once, and never shown", async () => {
  const { redis, open } = await server("--requirepass", CANARY, "--user", "reader", "on", `>${CANARY}`, "~*", "+@read");
  // A store that waited for better times would not let this test end.
  const as = (user) => open({ url: redis.url.replace("//", `//${user}`), waitMs: 3_600_000 });
  await fails(as("default:other-canary@").read(KEY), "unreadable", /WRONGPASS: correct the user and the password/);
  await fails(as("").commit(KEY, [added("a")]), "unwritable", /NOAUTH.*nothing was written/);
  await fails(as("").lock("x", async () => assert.fail()), "unwritable", /NOAUTH/);
  const reader = as(`reader:${CANARY}@`);
  assert.deepEqual(await counts(reader), {}, "it may read");
  await fails(reader.commit(KEY, [added("a")]), "unwritable", /NOPERM.*nothing was written/);

  const { open: openFree, redis: free } = await server();
  await fails(openFree({ url: free.url.replace("//", `//u:${CANARY}@`) }).read(KEY), "unreadable", /WRONGPASS|ERR/);
});

test("the permissions of the README are sufficient for a store", async () => {
  const readme = await readFile(new URL("../../../pkg/README.md", import.meta.url), "utf8");
  const [, commands] = /`(\+hmget [^`]*)`/.exec(readme);
  const may = ["~credential-pool:*", "&credential-pool:*", ...commands.split(" "), "+scan"];
  const { redis, open } = await server("--user", "pooler", "on", `>${CANARY}`, ...may, "--user", "default", "on", "nopass", "~*", "&*", "+@all");
  const as = () => open({ url: redis.url.replace("//", `//pooler:${CANARY}@`) });
  const store = as();
  const told = [];
  await store.read(KEY);
  store.watch(KEY, ({ stored }) => told.push(stored.rows.length));
  await as().commit(KEY, [added("a")]);
  await until(() => told.length > 0);
  await store.commit(KEY, [added("b")]);
  assert.equal(await store.lock("x", async () => 7), 7);
  assert.deepEqual(await store.pools(), [KEY]);
  assert.deepEqual(await counts(store), { a: 0, b: 0 });
});

test("neither a URL nor a client, or none that can be used, is misuse", () => {
  for (const options of [{}, { url: `http://u:${CANARY}@host` }, { url: `redis://u:${CANARY}@[` }, { url: 7 }]) {
    assert.throws(() => new RedisStore(options), (error) => {
      assert.ok(error instanceof PoolError && error.code === "invalid_argument");
      assert.doesNotMatch(`${error.stack} ${error.cause}`, /canary/);
      return true;
    });
  }
});

test("an unreachable server: an error in time, and success once the server starts", async () => {
  const { redis, open } = await server();
  await redis.kill();
  const impatient = open({ waitMs: 300 });
  await fails(impatient.read(KEY), "unreadable", /ECONNREFUSED.*check that it runs/);
  await fails(impatient.commit(KEY, [added("a")]), "unwritable", /ECONNREFUSED.*nothing was written/);
  await fails(impatient.lock("x", async () => assert.fail()), "unwritable", /ECONNREFUSED/);
  const waiting = open().commit(KEY, [added("a")]);
  await sleep(200);
  await redis.start();
  await waiting;
  assert.deepEqual(await counts(impatient), { a: 0 });
});

test("a frozen server: the changes are uncertain, and the same changes again are certain", async () => {
  const { redis, open } = await server();
  const store = open({ waitMs: 500 });
  await until(() => store.commit(KEY, [added("a")]).then(() => true));
  redis.freeze();
  await fails(store.commit(KEY, [added("b")]), "uncertain", /does not answer.*commit them again/);
  await fails(store.read(KEY), "unreadable", /check that it runs/);
  redis.thaw();
  await until(() => store.commit(KEY, [added("b")]).then(() => true));
  assert.deepEqual(await counts(store), { a: 0, b: 0 });
});

test("a closed store rejects later and pending calls", async () => {
  const { redis, store } = await server();
  await redis.kill();
  const waiting = store.commit(KEY, [added("a")]);
  await sleep(50);
  await store.close();
  await fails(waiting, "unwritable", /closed/);
  await fails(store.read(KEY), "unreadable", /closed/);
});

test("a watch reports changes that came while the connection was lost", async () => {
  const { redis, store, open } = await server();
  await store.commit(KEY, [added("a")]);
  await store.read(KEY);
  const told = [];
  store.watch(KEY, ({ stored }) => told.push(stored.rows.map(({ id }) => id).join()));
  await sleep(200);
  await redis.kill();
  await redis.start();
  await open().commit(KEY, [added("b")]);
  await until(() => told.length > 0);
  assert.deepEqual(told, ["a,b"]);
  await redis.ask("CLIENT", "KILL", "TYPE", "pubsub");
  await open().commit(KEY, [added("c")]);
  await until(() => told.length > 1);
  assert.deepEqual(told.slice(1), ["a,b,c"]);
});

test("a server that restarts empty gets the stores' state back", async () => {
  const { redis, store, open } = await server();
  const other = open();
  await store.commit(KEY, [added("a"), used("a", 3)]);
  await other.commit(KEY, [added("b")]);
  await redis.kill();
  await redis.wipe();
  await redis.start();
  assert.deepEqual(await counts(other), { a: 3, b: 0 });
  await store.commit(KEY, [used("a")]);
  assert.deepEqual(await counts(store), { a: 4, b: 0 });
});

test("a server that is emptied while it runs gets the stores' state back", async () => {
  const { redis, store } = await server();
  await store.commit(KEY, [added("a")]);
  const problems = [];
  const end = store.watch(KEY, () => {}, (problem) => problems.push(problem));
  await redis.ask("FLUSHALL");
  await store.commit(KEY, [added("b")]);
  assert.deepEqual(await counts(store), { a: 0, b: 0 });
  end();
  assert.deepEqual(problems.map(({ name, code }) => [name, code]), [["StoreError", "restored"]]);
  assert.match(problems[0].message, /the last known state was restored; remove credentials with `remove` instead$/);
});

test("stores with different states: none loses its changes", async () => {
  const { redis, open } = await server();
  const stores = Array.from({ length: 4 }, () => open());
  for (const [n, store] of stores.entries()) await store.commit(KEY, [added(`s${n}`)]);
  await redis.kill();
  await redis.wipe();
  await redis.start();
  // The store with the oldest state comes first; the others notice in the background or with their next write.
  await stores[0].commit(KEY, [added("new0")]);
  for (const [n, store] of stores.entries()) await store.commit(KEY, [added(`later${n}`)]);
  const rows = ["s0", "s1", "s2", "s3", "new0", "later0", "later1", "later2", "later3"].sort();
  await until(async () => assert.deepEqual(Object.keys(await counts(open())).sort(), rows) ?? true);
});

test("a pool that somebody begins anew on an emptied server does not hide the one that was there", async () => {
  const { redis, store, open } = await server();
  await store.commit(KEY, [added("old")]);
  const stranger = open();
  await redis.ask("FLUSHALL");
  await stranger.commit(KEY, [added("new")]);
  assert.deepEqual(await counts(store), { old: 0 }, "the older pool is put back");
  await stranger.commit(KEY, [added("newer")]);
  assert.deepEqual(await counts(store), { old: 0, new: 0, newer: 0 }, "and who wrote the other adds what it wrote");
});

test("a server that lost its last writes gets them again", async () => {
  const { redis, store, open } = await server();
  const other = open();
  await store.commit(KEY, [added("a")]);
  const old = await redis.ask("HGETALL", HASH);
  await store.commit(KEY, [added("b")]);
  await other.commit(KEY, [added("c")]);
  await redis.ask("HSET", HASH, ...old);
  assert.deepEqual(await counts(other), { a: 0, b: 0, c: 0 }, "known to be later");

  // Another store has written more than was lost: only the author of the lost changes knows them.
  await redis.ask("HSET", HASH, ...old);
  const stranger = open();
  for (const id of ["x", "y", "z"]) await stranger.commit(KEY, [added(id)]);
  await redis.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  await store.commit(KEY, []);
  await other.commit(KEY, []);
  await until(async () => assert.deepEqual(Object.keys(await counts(stranger)).sort(), ["a", "b", "c", "x", "y", "z"]) ?? true);
});

test("the lock of an action that takes long is kept, and comes back with an empty server", async () => {
  const { redis, store, open } = await server();
  let end;
  const held = store.lock("x", () => new Promise((resolve) => (end = resolve)));
  const short = open({ lockMs: 1000 });
  let free;
  const renewed = short.lock("y", () => new Promise((resolve) => (free = resolve)));
  await until(async () => (await redis.ask("EXISTS", "credential-pool:lock:x", "credential-pool:lock:y")) === 2);
  await sleep(2500);
  await fails(open().lock("y", async () => assert.fail(), { waitMs: 100 }), "locked", /held by others/);
  await redis.ask("FLUSHALL");
  await until(async () => (await redis.ask("EXISTS", "credential-pool:lock:y")) === 1);
  end();
  free();
  await Promise.all([held, renewed]);
  assert.deepEqual(await redis.ask("KEYS", "*lock*"), [], "both are given back");
});
