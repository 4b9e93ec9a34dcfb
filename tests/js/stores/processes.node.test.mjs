// One file and many processes: nothing is lost, whoever dies, sleeps or may not write. The tests are Node's; some of
// the processes are Deno's.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, utimesSync } from "node:fs";
import { chmod, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { checkDocument, StoreError } from "credential-pool";
import { FileStore } from "credential-pool/file-store";

import { added, clear, counts, folder, HANDMADE, KEY, ROUNDS, used } from "./kinds.mjs";
import { run } from "./run.mjs";

after(clear);

const PROCESSES = 8;
const SESSIONS = 8;
const OPERATIONS = 250 * ROUNDS;

const KILLS = 40 * ROUNDS;
const FILES = 5;
/** Number of commits that a process has under way when it is killed. Two processes write to each file. */
const IN_FLIGHT = 3;

describe("many processes", () => {
  test(`${PROCESSES} processes of ${OPERATIONS} operations each: every count is exact, and all end with the same rows`, async (t) => {
    const path = join(await folder(), "auth.json");
    await writeFile(path, HANDMADE.replace(`"version": 1`, `"version": 1, "credential_pool_strategies": {"${KEY}": "random"}`));
    const started = performance.now();
    const hosts = Array.from({ length: PROCESSES }, (_, n) => run("host.mjs", { inDeno: n < 2 }, path, `host${n}`, SESSIONS, OPERATIONS));

    const uses = (await Promise.all(hosts.map((host) => host.line(0)))).map((line) => JSON.parse(line));
    t.diagnostic(`${PROCESSES * OPERATIONS} operations in ${((performance.now() - started) / 1000).toFixed(1)} s`);
    for (const { child } of hosts) child.stdin.write("\n");
    const [rows, ...others] = await Promise.all(hosts.map((host) => host.line(1)));
    for (const other of others) assert.equal(other, rows);

    const expected = Object.fromEntries(["a", "b", ...hosts.map((_, n) => `host${n}`)].map((id) => [id, 0]));
    for (const [id, count] of uses.flatMap(Object.entries)) {
      // A removed row takes its counts with it.
      if (!id.endsWith("-gone")) expected[id] += count;
    }
    assert.deepEqual(await counts(new FileStore(path)), expected);
    const text = await readFile(path, "utf8");
    assert.ok(text.startsWith(HANDMADE.slice(0, HANDMADE.indexOf(`,   "note"`))), "what is not the pool's stays");
    assert.deepEqual(await readdir(join(path, "..")), ["auth.json"]);
  });

  test(`${KILLS} processes killed while they write: the file is whole and holds all that was acknowledged`, async (t) => {
    const tally = { kills: 0, acknowledged: 0, locks: 0, temporaries: 0 };
    await Promise.all(Array.from({ length: FILES }, async () => {
      const path = join(await folder(), "auth.json");
      await writeFile(path, HANDMADE);
      const reader = new FileStore(path);
      // While a process is dead, the other process meets its stale lock.
      await Promise.all(["a", "b"].map(async (row) => {
        let acknowledged = 0;
        for (let kill = 1; kill <= KILLS / FILES / 2; kill++) {
          const { child, kill: end, written } = run("writer.mjs", {}, path, row, IN_FLIGHT);
          await once(child.stdout, "data");
          await sleep(Math.random() * 40);
          await end();
          const left = await readdir(join(path, ".."));
          assert.deepEqual(checkDocument(await readFile(path, "utf8")), []);
          const count = (await counts(reader))[row];
          acknowledged += written().length;
          const most = acknowledged + kill * IN_FLIGHT;
          assert.ok(acknowledged <= count && count <= most, `${acknowledged} acknowledged, ${count} written, ${kill} killed`);
          tally.kills += 1;
          tally.locks += left.filter((name) => name.endsWith(".lock")).length;
          tally.temporaries += left.filter((name) => name.endsWith(".tmp")).length;
        }
        tally.acknowledged += acknowledged;
      }));
      await new FileStore(path, { staleMs: 2000 }).commit(KEY, [added("last")]);
      assert.deepEqual(await readdir(join(path, "..")), ["auth.json"], "the next writer cleans up");
    }));
    assert.equal(tally.kills, KILLS);
    t.diagnostic(JSON.stringify(tally));
  });

  test("locks that were left behind, and many who find them: one takes it, and no count is lost", async (t) => {
    const WRITERS = 5;
    const LOCKS = 30;
    const deadline = Date.now() + 15_000;
    const path = join(await folder(), "auth.json");
    const store = new FileStore(path);
    await store.commit(KEY, Array.from({ length: WRITERS }, (_, n) => added(`w${n}`)));
    const writers = Array.from({ length: WRITERS }, (_, n) => run("writer.mjs", {}, path, `w${n}`));
    await Promise.all(writers.map(({ child }) => once(child.stdout, "data")));
    let left = 0;
    // On a busy machine the writers release the lock for short moments only.
    while (left < LOCKS && Date.now() < deadline) {
      try {
        mkdirSync(`${path}.lock`);
        await sleep(10);
        utimesSync(`${path}.lock`, 1, 1);
        left += 1;
      } catch (error) {
        if (error.code !== "EEXIST") throw error;
      }
      await sleep(1);
    }
    assert.ok(left > 0);
    await Promise.all(writers.map((writer) => writer.kill()));
    const written = await counts(store);
    for (const [n, writer] of writers.entries()) {
      const acknowledged = writer.written().length;
      assert.ok([0, 1].includes(written[`w${n}`] - acknowledged), `w${n}: ${acknowledged} and ${written[`w${n}`]}`);
    }
    t.diagnostic(`${left} locks, ${Object.values(written).reduce((sum, count) => sum + count)} writes`);
  });

  test("processes that are stopped for longer than a lock lasts: no count is lost", async (t) => {
    let stolen = 0;
    const sums = await Promise.all(Array.from({ length: 3 }, async () => {
      const path = join(await folder(), "auth.json");
      await writeFile(path, HANDMADE);
      const [sleeper, waker] = [run("writer.mjs", {}, path, "a"), run("writer.mjs", {}, path, "b")];
      await Promise.all([sleeper, waker].map(({ child }) => once(child.stdout, "data")));
      await sleep(Math.random() * 100);
      sleeper.child.kill("SIGSTOP");
      const before = waker.written().length;
      await sleep(4500);
      if (waker.written().length > before) stolen += 1;
      sleeper.child.kill("SIGCONT");
      await sleep(300);
      await Promise.all([sleeper.kill(), waker.kill()]);
      const { a, b } = await counts(new FileStore(path));
      const acknowledged = [sleeper.written().length, waker.written().length];
      for (const [n, count] of [a, b].entries()) {
        assert.ok(count === acknowledged[n] || count === acknowledged[n] + 1, `${acknowledged}: ${a}, ${b}`);
      }
      return a + b;
    }));
    assert.equal(stolen, sums.length, "the others go on while it sleeps");
    t.diagnostic(`${sums.reduce((sum, count) => sum + count)} writes`);
  });
});

test("a process that ends takes its locks with it", async () => {
  // Only Linux tells that a killed process has ended; on other systems the lock has to become stale.
  for (const [signal, waitMs] of [["SIGTERM", 1000], ["SIGINT", 1000], ["SIGKILL", process.platform === "linux" ? 1000 : 15_000]]) {
    const path = join(await folder(), "auth.json");
    const holder = run("holder.mjs", {}, path, "x");
    await holder.line(0);
    const store = new FileStore(path);
    await assert.rejects(store.lock("x", async () => assert.fail(), { waitMs: 100 }), { code: "locked" });
    await holder.kill(signal);
    await store.lock("x", async () => {}, { waitMs });
  }
});

test("a folder that may not be written to: nothing is written, and the error says so", async () => {
  const path = join(await folder(), "auth.json");
  await writeFile(path, HANDMADE, { mode: 0o644 });
  await chmod(join(path, ".."), 0o555);
  await asNobody(async () => {
    await fails(new FileStore(path).commit(KEY, [used("a")]), "unwritable", /EACCES.*allow this user/);
    await fails(new FileStore(path).lock("x", async () => assert.fail()), "unwritable", /EACCES/);
    assert.deepEqual(await counts(new FileStore(path)), { a: 0, b: 0 }, "it can be read");
  });
  await chmod(join(path, ".."), 0o755);
  assert.deepEqual(await readdir(join(path, "..")), ["auth.json"]);
  assert.equal(await readFile(path, "utf8"), HANDMADE);
});

test("a file that may not be read is not taken for an empty one", async () => {
  const path = join(await folder(), "auth.json");
  await writeFile(path, HANDMADE);
  await chmod(join(path, ".."), 0o777);
  const store = new FileStore(path);
  await store.commit(KEY, []);
  await chmod(path, 0o000);
  await asNobody(async () => {
    for (const asked of [store, new FileStore(path)]) {
      await fails(asked.read(KEY), "unreadable", /EACCES/);
      await fails(asked.commit(KEY, [added("a")]), "unreadable", /EACCES/);
    }
  });
  await chmod(path, 0o600);
  assert.equal(await readFile(path, "utf8"), HANDMADE);
});

test("a file whose owner cannot be kept is not replaced", async (t) => {
  const path = join(await folder(), "auth.json");
  await writeFile(path, HANDMADE);
  await chmod(path, 0o666);
  await chmod(join(path, ".."), 0o777);
  if (process.getuid() !== 0) return t.diagnostic("not tried: only root can make a file that belongs to somebody else");
  await asNobody(() => fails(new FileStore(path).commit(KEY, [used("a")]), "unwritable", /EPERM.*owner/));
  assert.equal(await readFile(path, "utf8"), HANDMADE);
  assert.deepEqual(await readdir(join(path, "..")), ["auth.json"]);
});


const here = (name) => fileURLToPath(new URL(name, import.meta.url));

/** Runs an action as an unprivileged user. */
async function asNobody(action) {
  const NOBODY = 65534;
  if (process.getuid() !== 0) return action();
  process.seteuid(NOBODY);
  try {
    return await action();
  } finally {
    process.seteuid(0);
  }
}

async function fails(promise, code, says) {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof StoreError, `${error?.stack}`);
    assert.equal(error.code, code, error.message);
    assert.match(error.message, says);
    return true;
  });
}
