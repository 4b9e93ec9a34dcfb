// What every store promises, over each kind of store.

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { CredentialPool, emptyDocument, PoolError, readDocument, StoreError } from "credential-pool";

import { until } from "../until.mjs";
import { added, clear, counts, HANDMADE, KEY, kinds, removed, used } from "./kinds.mjs";

/** Longer than a store takes to notice another writer's change. */
const LONG_MS = 250;

after(clear);

for (const { name, open } of kinds) {
  describe(`a store: ${name}`, () => {
    test("nothing yet reads as an empty document", async () => {
      const { store } = await open();
      assert.deepEqual(await store.read(KEY), readDocument(emptyDocument(), KEY));
    });

    test("what is committed is read, by every store of the document", async () => {
      const { store, another } = await open();
      await store.commit(KEY, [added("a"), used("a", 3)]);
      assert.deepEqual(await counts(store), { a: 3 });
      assert.deepEqual(await another().read(KEY), await store.read(KEY));
    });

    test("changes apply to the latest state, not to what was read", async () => {
      const { store, another } = await open(HANDMADE);
      const other = another();
      await store.read(KEY);
      await other.commit(KEY, [used("a", 2), added("c"), removed("b")]);
      await store.commit(KEY, [used("a", 3), added("d"), used("b")]);
      assert.deepEqual(await counts(store), { a: 5, c: 0, d: 0 });
    });

    test("commits at the same time all count", async () => {
      const { store, another } = await open(HANDMADE);
      const stores = [store, another(), another()];
      await Promise.all(Array.from({ length: 60 }, (_, i) => stores[i % 3].commit(KEY, [used("a"), used("b", 2)])));
      assert.deepEqual(await counts(store), { a: 60, b: 120 });
    });

    test("a pool and its store: what is settled as saved is there after opening again", async () => {
      const { store, another } = await open();
      const { pool } = CredentialPool.open({ key: KEY, ...(await store.read(KEY)) });
      const take = async ({ value, intents }) => {
        for (const { id, changes } of intents) {
          await store.commit(pool.key(), changes);
          await take(pool.settle(id, { type: "saved" }));
        }
        return value;
      };
      const id = await take(pool.add({ label: "mine", access_token: "sk" }));
      await take(pool.select());
      pool.markUsed(id);
      await take(pool.flush());
      const again = CredentialPool.open({ key: KEY, ...(await another().read(KEY)) });
      assert.deepEqual(again.pool.rows(), pool.rows());
      assert.equal(again.pool.rows()[0].request_count, 1);
    });

    test("what a change does not touch keeps its text to the byte", async () => {
      const { store, text } = await open(HANDMADE);
      await store.commit(KEY, []);
      assert.equal(await text(), HANDMADE);
      await store.commit(KEY, [used("a")]);
      const edited = await text();
      assert.ok(edited.includes(`"big": 9007199254740993, "\\u00e9": 1.0`), edited);
      assert.ok(edited.startsWith(HANDMADE.slice(0, HANDMADE.indexOf(`    "openrouter"`))), edited);
      assert.ok(edited.includes(`${HANDMADE.slice(HANDMADE.indexOf(`{"id": "b"`), -4)},\n  "credential_pool_merges"`), edited);
      assert.ok(edited.endsWith("\n}\n\n"), edited);
    });

    test("another's changes are told, one's own are not", async () => {
      const { store, another } = await open(HANDMADE);
      const other = another();
      const told = [];
      await store.read(KEY);
      const end = store.watch(KEY, ({ stored }) => told.push(stored.rows.map(({ id }) => id).join()));
      await sleep(LONG_MS);
      for (let i = 0; i < 5; i++) await store.commit(KEY, [used("a"), added(`own${i}`)]);
      await sleep(LONG_MS);
      assert.deepEqual(told, [], "own changes");
      await other.commit("nous", [used("n")]);
      await sleep(LONG_MS);
      assert.deepEqual(told, [], "changes of other pools");
      await other.commit(KEY, [added("c")]);
      await until(() => told.length > 0);
      assert.deepEqual(told, ["a,b,own0,own1,own2,own3,own4,c"]);
      end();
      await other.commit(KEY, [added("d")]);
      await sleep(LONG_MS);
      assert.equal(told.length, 1, "nothing after the end");
    });

    test("what happened between reading and watching is told, and what an own commit ran into", async () => {
      const { store, another } = await open(HANDMADE);
      const other = another();
      const told = [];
      await store.read(KEY);
      await other.commit(KEY, [added("c")]);
      const end = store.watch(KEY, ({ stored }) => told.push(stored.rows.length));
      await until(() => told.length > 0);
      assert.deepEqual(told, [3]);
      await Promise.all([other.commit(KEY, [added("d")]), store.commit(KEY, [used("a")])]);
      await until(() => told.at(-1) === 4);
      end();
    });

    test("two pools of one document are watched apart", async () => {
      const { store, another } = await open(HANDMADE);
      const told = [];
      await Promise.all([store.read(KEY), store.read("nous")]);
      const ends = [KEY, "nous"].map((key) => store.watch(key, () => told.push(key)));
      await sleep(LONG_MS);
      await another().commit("nous", [used("n")]);
      await until(() => told.length > 0);
      assert.deepEqual(told, ["nous"]);
      for (const end of ends) end();
    });

    test("one action per name at a time; other names and commits go on", async () => {
      const { store, another } = await open(HANDMADE);
      const other = another();
      const log = [];
      const action = (who, from) => from.lock("refresh a", async () => {
        log.push(`${who} in`);
        await other.commit(KEY, [used("a")]);
        await from.lock(`nested/${who}`, async () => {});
        await sleep(20);
        log.push(`${who} out`);
        return who;
      });
      assert.deepEqual(await Promise.all([action(1, store), action(2, other), action(3, store)]), [1, 2, 3]);
      assert.equal(log.length, 6);
      for (let i = 0; i < 6; i += 2) assert.equal(log[i].replace("in", "out"), log[i + 1], log.join());
    });

    test("who waits too long for a lock is told so, and the next one gets it", async () => {
      const { store, another } = await open();
      let free;
      const held = store.lock("x", () => new Promise((resolve) => (free = resolve)));
      await until(() => free !== undefined);
      for (const waiting of [store, another()]) {
        await assert.rejects(waiting.lock("x", async () => assert.fail(), { waitMs: 100 }), fails("locked"));
      }
      free();
      await held;
      assert.equal(await another().lock("x", async () => 7), 7);
    });

    test("what an action throws comes out, and frees the lock", async () => {
      const { store } = await open();
      const mine = Object.assign(new Error("mine"), { code: "ENOENT" });
      await assert.rejects(store.lock("x", async () => { throw mine; }), (error) => error === mine);
      assert.equal(await store.lock("x", async () => 7), 7);
    });

    for (const [what, bad, pointer] of [
      // An empty file is a new document.
      ...(name === "file" ? [] : [["nothing", "", ""]]),
      ["half", HANDMADE.slice(0, 120), ""],
      ["a list", "[]", ""],
      ["pools that are none", `{"credential_pool": ["sk-canary"]}`, "/credential_pool"],
      ["a secret", "sk-canary", ""],
    ]) {
      test(`a document that holds ${what} is an error, and never overwritten`, async () => {
        const { store, text } = await open(bad);
        for (const call of [() => store.read(KEY), () => store.commit(KEY, [added("a")]), () => store.commit(KEY, [])]) {
          await assert.rejects(call, fails("invalid_document", pointer));
        }
        assert.equal(await text(), bad);
      });
    }

    test("misuse is the pool's error, and writes nothing", async () => {
      const { store, text } = await open(HANDMADE);
      const wrong = { type: "sk-canary", id: "a" };
      await assert.rejects(store.commit(KEY, [wrong]), (error) => error instanceof PoolError && shows(error, "canary"));
      await assert.rejects(store.read(7), PoolError);
      assert.equal(await text(), HANDMADE);
    });
  });
}

const shows = (error, secret) => !`${error} ${error.stack} ${error.cause} ${JSON.stringify(error)}`.includes(secret);

function fails(code, pointer) {
  return (error) => {
    assert.ok(error instanceof StoreError, `${error?.stack}`);
    assert.deepEqual([error.name, error.code, error.pointer], ["StoreError", code, pointer]);
    assert.ok(error.message.length > 20, "a message says what to do");
    assert.ok(shows(error, "canary"), "no secret");
    return true;
  };
}
