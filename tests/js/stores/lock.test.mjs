// The lock of a file: who may take it from whom.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { after, test } from "node:test";

import { StoreError } from "credential-pool";
import { FileStore } from "credential-pool/file-store";

import { clear, counts, folder, HANDMADE, KEY, used } from "./kinds.mjs";

after(clear);

async function file() {
  const path = join(await folder(), "auth.json");
  await writeFile(path, HANDMADE);
  return { path, lock: `${path}.lock`, folder: join(path, "..") };
}

/** The parts of this process's owner name: random part, namespace, pid and start time. */
async function ownName() {
  const { path, folder } = await file();
  return new FileStore(path).lock("x", async () => {
    const [lock] = (await readdir(folder)).filter((name) => name.endsWith(".lock"));
    return (await readFile(join(folder, lock, "owner"), "utf8")).split(" ");
  });
}

test("a lock is taken at once from an owner that has certainly died, and from no other", async () => {
  assert.equal(process.platform, "linux", "other systems do not tell");
  const [name, place, pid, began] = await ownName();
  assert.equal(pid, String(process.pid));
  const dead = String(spawnSync("true").pid);
  for (const [what, owner, isTaken] of [
    ["a process that has ended", [name, place, dead, began], true],
    ["a process whose pid was reused", [name, place, pid, String(began - 1)], true],
    ["a living process", [name, place, pid, began], false],
    ["a living process of another user", [name, place, "1", beginning("1")], false],
    ["a process of another machine, boot or container", [name, place.replace(/^./, "x"), dead, began], false],
    ["an owner without a process", [name, "", "", ""], false],
    ["an incomplete name", [name, place, dead], false],
    ["a pid that is no number", [name, place, "-1", began], false],
    ["every process of a group", [name, place, "0", began], false],
    ["an empty owner file, after a kill", [], false],
  ]) {
    const { path, lock, folder } = await file();
    await mkdir(lock);
    await writeFile(join(lock, "owner"), owner.join(" "));
    const committed = new FileStore(path, { waitMs: 300 }).commit(KEY, [used("a")]);
    if (isTaken) await committed;
    else await assert.rejects(committed, fails("locked"), what);
    assert.deepEqual(await readdir(folder), isTaken ? ["auth.json"] : ["auth.json", "auth.json.lock"], what);
  }

  function beginning(pid) {
    const { stdout } = spawnSync("cat", [`/proc/${pid}/stat`]);
    return String(stdout).slice(String(stdout).lastIndexOf(")") + 2).split(" ")[19];
  }
});

test("many who find the lock of a dead owner: one takes it at a time, and every count is exact", async () => {
  const [name, place, , began] = await ownName();
  const dead = String(spawnSync("true").pid);
  const { path, lock, folder } = await file();
  const stores = Array.from({ length: 5 }, () => new FileStore(path));
  for (let round = 0; round < 20; round++) {
    const commits = stores.map((store) => store.commit(KEY, [used("a")]));
    await mkdir(lock).then(() => writeFile(join(lock, "owner"), [name, place, dead, began].join(" ")), () => {});
    await Promise.all(commits);
  }
  await stores[0].commit(KEY, [used("b")]);
  assert.deepEqual(await counts(stores[0]), { a: 100, b: 1 });
  assert.deepEqual(await readdir(folder), ["auth.json"]);
});

test("what is in the way of a lock is named, and left alone", async () => {
  const { path, lock, folder } = await file();
  await writeFile(lock, "1234");
  await assert.rejects(new FileStore(path).commit(KEY, [used("a")]), fails("unwritable", /auth\.json\.lock is no folder.*remove it/));
  assert.equal(await readFile(lock, "utf8"), "1234");

  await rm(lock);
  await mkdir(lock);
  await writeFile(join(lock, "theirs"), "");
  await utimes(lock, 1, 1);
  await assert.rejects(new FileStore(path).commit(KEY, [used("a")]), fails("unwritable", /ENOTEMPTY.*remove that/));
  assert.equal(await readFile(path, "utf8"), HANDMADE);
  assert.deepEqual(await readdir(folder), ["auth.json", "auth.json.lock"]);
});

function fails(code, says = /./) {
  return (error) => {
    assert.ok(error instanceof StoreError, `${error?.stack}`);
    assert.equal(error.code, code, error.message);
    assert.match(error.message, says);
    return true;
  };
}
