// What a store does on a disk that is full, then read-only. To be run in a mount namespace of its own, where FOLDER can
// be a small disk.
//
// disk.mjs FOLDER

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync, statfsSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

import { StoreError } from "credential-pool";
import { FileStore } from "credential-pool/file-store";

import { change, used } from "./kinds.mjs";

const KEY = "openrouter";
const folder = process.argv[2];
execFileSync("mount", ["-t", "tmpfs", "-o", "size=96k", "tmpfs", folder]);

const path = join(folder, "auth.json");
const text = JSON.stringify({ credential_pool: { [KEY]: [{ id: "a", access_token: "sk-a", note: "n".repeat(10_000) }] } });
writeFileSync(path, text);
const ballast = join(folder, "ballast");
const block = statfsSync(folder).bsize;
const store = new FileStore(path);
const use = () => store.commit(KEY, [used("a")]);
const add = (id, size) => store.commit(KEY, [change({ type: "add", row: { id, access_token: `sk-canary${"x".repeat(size)}` } })]);

// No room for the lock's owner, then for that alone, then for a part of the file.
for (const blocks of [0, 1, 2]) {
  leave(blocks);
  for (const committed of await Promise.allSettled([use(), use(), use()])) assertFailed(committed, /\(ENOSPC\): make space on its disk; nothing was written$/);
  await assert.rejects(new FileStore(join(folder, "other.json")).lock("x", use), StoreError);
  assert.equal(readFileSync(path, "utf8"), text, `${blocks} blocks`);
  assert.deepEqual(readdirSync(folder).sort(), ["auth.json", "ballast"], `${blocks} blocks`);
  assert.deepEqual(await counts(), { a: 0 }, "it can be read");
}

// What is too large does not keep back what came with it.
leave(8);
const [small, large, other] = await Promise.allSettled([use(), add("large", 40_000), use()]);
assert.deepEqual([small.status, other.status], ["fulfilled", "fulfilled"]);
assertFailed(large, /ENOSPC/);
assert.deepEqual(await counts(), { a: 2 });

// When there is space again, the same changes can be committed again.
leave(20);
await Promise.all([use(), add("large", 10), use()]);
assert.deepEqual(await counts(), { a: 4, large: 0 });

execFileSync("mount", ["-o", "remount,ro", folder]);
for (const committed of await Promise.allSettled([use(), store.lock("x", use)])) assertFailed(committed, /\(EROFS\): its file system is read-only/);
assert.deepEqual(await counts(), { a: 4, large: 0 }, "it can be read");
assert.deepEqual(readdirSync(folder).sort(), ["auth.json", "ballast"]);
console.log("done");

/** Fills the disk except for a number of blocks. */
function leave(blocks) {
  const file = openSync(ballast, "a");
  const { bfree } = statfsSync(folder);
  const now = statSync(ballast).size;
  closeSync(file);
  const size = Math.max(now + (bfree - blocks) * block, 0);
  if (size < now) truncateSync(ballast, size);
  else writeFileSync(ballast, "b".repeat(size - now), { flag: "a" });
  assert.equal(statfsSync(folder).bfree, blocks);
}

async function counts() {
  const { stored } = await new FileStore(path).read(KEY);
  return Object.fromEntries(stored.rows.map(({ id, request_count }) => [id, request_count ?? 0]));
}

function assertFailed({ reason }, says) {
  assert.ok(reason instanceof StoreError, `${reason?.stack}`);
  assert.equal(reason.code, "unwritable", reason.message);
  assert.match(reason.message, says);
  assert.ok(!`${reason.stack} ${reason.cause}`.includes("canary"), "no secret");
}
