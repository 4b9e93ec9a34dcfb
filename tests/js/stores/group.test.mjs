// Commits of one store that come together are written together, and none pays for another.

import assert from "node:assert/strict";
import { mkdir, readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { PoolError, StoreError } from "credential-pool";
import { FileStore } from "credential-pool/file-store";

import { added, clear, counts, folder, HANDMADE, KEY, removed, used } from "./kinds.mjs";

after(clear);

async function file(text = HANDMADE, options = undefined) {
  const path = join(await folder(), "auth.json");
  await writeFile(path, text);
  return { path, store: new FileStore(path, options), folder: join(path, "..") };
}

test("what comes while the file cannot be written is in it at once when it can", async () => {
  const { path, store } = await file();
  await mkdir(`${path}.lock`);
  const commits = [];
  for (let i = 0; i < 50; i++) commits.push(store.commit(i % 2 ? "nous" : KEY, [added(`c${i}`)]));
  await sleep(30);
  commits.push(store.commit(KEY, [added("late")]));
  assert.equal(await readFile(path, "utf8"), HANDMADE);
  await rmdir(`${path}.lock`);
  await Promise.race(commits);
  const other = new FileStore(path);
  assert.equal(Object.keys(await counts(other)).length, 2 + 25 + 1);
  assert.equal(Object.keys(await counts(other, "nous")).length, 1 + 25);
  await Promise.all(commits);
});

test("commits are applied in the order in which they came", async () => {
  const { store } = await file();
  const edits = [added("c"), used("c", 2), removed("c"), removed("b"), added("d"), used("d", 3)];
  await Promise.all(edits.map((edit) => store.commit(KEY, [edit])));
  assert.deepEqual(await counts(store), { a: 0, d: 3 });
});

test("what is misuse is refused alone, whatever it came with", async () => {
  const { store, path } = await file();
  const wrong = { type: "sk-canary" };
  const done = await Promise.allSettled([
    store.commit(KEY, [used("a")]),
    store.commit(KEY, [used("a", 10), wrong]),
    store.commit("", [used("a")]),
    store.commit("nous", [used("n", 2)]),
    store.commit(KEY, undefined),
    store.commit(KEY, [used("a"), used("b", 4)]),
  ]);
  assert.deepEqual(done.map(({ status }) => status), ["fulfilled", "rejected", "rejected", "fulfilled", "rejected", "fulfilled"]);
  assert.ok(done.every(({ reason }) => reason === undefined || !`${reason.stack} ${reason.cause}`.includes("canary")));
  for (const n of [1, 2]) assert.ok(done[n].reason instanceof PoolError, `${done[n].reason?.stack}`);
  assert.deepEqual(await counts(store), { a: 2, b: 4 });
  assert.deepEqual(await counts(store, "nous"), { n: 2 });
  assert.ok(!(await readFile(path, "utf8")).includes("canary"));
});

test("what is wrong with the document is told to each", async () => {
  const { store, path } = await file("[]");
  const done = await Promise.allSettled([store.commit(KEY, [used("a")]), store.commit(KEY, []), store.commit("nous", [added("n")])]);
  for (const { reason } of done) assert.ok(reason instanceof StoreError && reason.code === "invalid_document", `${reason?.stack}`);
  assert.equal(await readFile(path, "utf8"), "[]");
});

test("a pool of the document that is none is no trouble to the others", async () => {
  const { store } = await file(HANDMADE.replace(`[ { "id": "n", "access_token": "other" } ]`, `"none"`));
  const [nous, own] = await Promise.all([store.commit("nous", [added("n")]), store.commit(KEY, [used("a")])]);
  assert.deepEqual([nous.map(({ pointer }) => pointer), own], [["/credential_pool/nous"], []]);
  assert.deepEqual(await counts(store), { a: 1, b: 0 });
});

test("each waits for as long as it may, and what came in time is written", async () => {
  const { path, store, folder } = await file(HANDMADE, { waitMs: 2000 });
  await mkdir(`${path}.lock`);
  const early = store.commit(KEY, [used("a")]);
  early.catch(() => {});
  await sleep(1000);
  const late = store.commit(KEY, [used("b")]);
  await assert.rejects(early, ({ code, message }) => code === "locked" && message.startsWith(`${path} was held by others for 2 s`));
  await rmdir(`${path}.lock`);
  await late;
  assert.deepEqual(await counts(store), { a: 0, b: 1 });
  assert.deepEqual(await readdir(folder), ["auth.json"]);
});

test("changes are those of the moment when they were committed", async () => {
  const { store } = await file();
  const changes = [used("a")];
  const committed = store.commit(KEY, changes);
  changes.push(used("a", 100));
  await committed;
  assert.deepEqual(await counts(store), { a: 1, b: 0 });
});
