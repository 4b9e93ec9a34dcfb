// One Redis and many processes: nothing is lost, whoever dies, and whatever the server goes through. The tests are
// Node's; some of the processes are Deno's.

import assert from "node:assert/strict";
import { once } from "node:events";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { clear, counts, HANDMADE, KEY, redisStore, ROUNDS } from "./kinds.mjs";
import { startRedis } from "./redis-server.mjs";
import { run } from "./run.mjs";

after(clear);

const HASH = `credential-pool:pool:${KEY}`;
const PROCESSES = 8;
const OPERATIONS = 250 * ROUNDS;
const SESSIONS = 1;

async function seeded(...settings) {
  const redis = await startRedis(...settings);
  const rotating = HANDMADE.replace(`"version": 1`, `"version": 1, "credential_pool_strategies": {"${KEY}": "random"}`);
  await redis.ask("HSET", HASH, "document", rotating);
  return redis;
}

/** Runs hosts, and checks that all their changes are stored. */
async function runHosts(t, redis, operations, { meanwhile = async () => {} } = {}) {
  const started = performance.now();
  const hosts = Array.from({ length: PROCESSES }, (_, n) =>
    run("host.mjs", { inDeno: n < 2 }, redis.url, `host${n}`, SESSIONS, operations));
  const uses = Promise.all(hosts.map((host) => host.line(0))).then((lines) => lines.map((line) => JSON.parse(line)));
  await Promise.all([uses, meanwhile()]);
  t.diagnostic(`${PROCESSES * operations} writes in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  for (const { child } of hosts) child.stdin.write("\n");
  const [rows, ...others] = await Promise.all(hosts.map((host) => host.line(1)));
  for (const other of others) assert.equal(other, rows);

  const expected = Object.fromEntries(["a", "b", ...hosts.map((_, n) => `host${n}`)].map((id) => [id, 0]));
  for (const [id, count] of (await uses).flatMap(Object.entries)) {
    // A removed row takes its counts with it.
    if (!id.endsWith("-gone")) expected[id] += count;
  }
  const written = await counts(redisStore({ url: redis.url }));
  assert.deepEqual(written, expected);
}

/** Waits until the hosts are writing. */
async function atRevision(redis, least) {
  for (;;) {
    const [version] = await redis.ask("HMGET", HASH, "version");
    if (Number(version?.split(".")[4]) >= least) return;
    await sleep(5);
  }
}

test(`${PROCESSES} processes of ${OPERATIONS} writes each: every count is exact, and all end with the same rows`, async (t) => {
  const redis = await seeded();
  await runHosts(t, redis, OPERATIONS);
  const text = await redis.ask("HGET", HASH, "document");
  assert.ok(text.startsWith(HANDMADE.slice(0, HANDMADE.indexOf(`,   "note"`))), "what is not the pool's stays");
});

test("a server that loses its power and is away for 5 s while they write: nothing is lost", async (t) => {
  const redis = await seeded();
  const meanwhile = async () => {
    await atRevision(redis, 500);
    await redis.kill();
    await sleep(5000);
    await redis.start();
  };
  await runHosts(t, redis, 500, { meanwhile });
});

test("a server that is frozen for 5 s while they write: nothing is lost", async (t) => {
  const redis = await seeded();
  const meanwhile = async () => {
    await atRevision(redis, 500);
    redis.freeze();
    await sleep(5000);
    redis.thaw();
  };
  await runHosts(t, redis, 500, { meanwhile });
});

test("a server that fails over to an empty one while they write: nothing is lost", async (t) => {
  const redis = await seeded();
  const meanwhile = async () => {
    await atRevision(redis, 500);
    await redis.kill();
    await redis.wipe();
    await redis.start();
  };
  await runHosts(t, redis, 500, { meanwhile });
});

test("the lock of a process that is killed is free when its time is over, and not before", async () => {
  const redis = await startRedis();
  const holder = run("holder.mjs", {}, redis.url, "x", "1500");
  await holder.line(0);
  const store = redisStore({ url: redis.url });
  await holder.kill("SIGKILL");
  await assert.rejects(store.lock("x", async () => assert.fail(), { waitMs: 500 }), { code: "locked" });
  assert.equal(await store.lock("x", async () => 7, { waitMs: 5000 }), 7);
});

test("a store that watches keeps no process alive, whether there is a server or not", async () => {
  const redis = await startRedis();
  for (const inDeno of [false, true]) {
    const watcher = run("watcher.mjs", { inDeno }, redis.url);
    await watcher.ended;
    assert.equal(watcher.child.exitCode, 0);
    assert.equal(watcher.written(), "watches\n");
  }
  await redis.kill();
  const watcher = run("watcher.mjs", {}, redis.url, "300");
  await watcher.ended;
  assert.equal(watcher.child.exitCode, 0);
  assert.equal(watcher.written(), "unreadable\n");
});
