// The store in a file: what only files have.

import assert from "node:assert/strict";
import { existsSync, readFileSync, renameSync, utimesSync, writeFileSync } from "node:fs";
import {
  chmod, lstat, mkdir, readdir, readFile, rm, stat, symlink, utimes, writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";

import { applyToDocument, emptyDocument, StoreError } from "credential-pool";
import { DocumentFile, FileStore } from "credential-pool/file-store";

import { until } from "../until.mjs";
import { added, clear, counts, folder, HANDMADE, KEY, removed, used } from "./kinds.mjs";

/** Longer than any wait of a test, in ms. */
const HOUR = 3_600_000;

after(clear);

async function file(text = HANDMADE, options = undefined) {
  const path = join(await folder(), "auth.json");
  await writeFile(path, text);
  return { path, store: new FileStore(path, options), folder: join(path, "..") };
}

const rejects = (promise, code, what = "") =>
  assert.rejects(promise, (error) => {
    assert.ok(error instanceof StoreError, `${what} ${error?.stack}`);
    assert.equal(error.code, code, `${what} ${error.message}`);
    return true;
  });

test("the file holds the text of applyToDocument, to the byte, and no other file stays beside it", async () => {
  for (const text of [HANDMADE, HANDMADE.trimEnd(), HANDMADE.replaceAll("\n", "\r\n"), `{"credential_pool":{}}`]) {
    const { path, store, folder } = await file(text);
    const changes = [used("a"), added("c")];
    await store.commit(KEY, changes);
    assert.equal(await readFile(path, "utf8"), applyToDocument(text, KEY, changes).text);
    assert.deepEqual(await readdir(folder), ["auth.json"]);
  }
});

test("an unchanged text is not written again", async () => {
  const { path, store } = await file();
  const changes = [added("a"), removed("nobody"), used("a")];
  await store.commit(KEY, changes);
  const { ino, mtimeMs } = await stat(path);
  await store.commit(KEY, []);
  await store.commit(KEY, changes);
  const now = await stat(path);
  assert.deepEqual([now.ino, now.mtimeMs], [ino, mtimeMs]);
});

test("a file keeps its mode, whatever the umask", async () => {
  for (const mode of [0o600, 0o640, 0o664, 0o666, 0o604, 0o200 | 0o400]) {
    const { path, store } = await file();
    await chmod(path, mode);
    await store.commit(KEY, [used("a")]);
    assert.equal((await stat(path)).mode & 0o7777, mode);
  }
});

test("a missing file is made for its owner alone, with its folders", async () => {
  const root = await folder();
  const path = join(root, "one", "two", "auth.json");
  const store = new FileStore(pathToFileURL(path));
  assert.equal(store.path, path);
  assert.deepEqual(await counts(store), {});
  assert.deepEqual(await readdir(root), [], "reading makes nothing");
  await store.commit(KEY, [added("a")]);
  assert.deepEqual(await counts(store), { a: 0 });
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  for (const made of [join(root, "one"), join(root, "one", "two")]) assert.equal((await stat(made)).mode & 0o777, 0o700);
});

test("links stay links, and all links lead to one file", async () => {
  const { path, folder } = await file();
  await mkdir(join(folder, "far"));
  await symlink("../auth.json", join(folder, "far", "second"));
  await symlink("far/second", join(folder, "first"));
  await symlink("far", join(folder, "away"));
  const stores = ["first", "far/second", "away/second", "auth.json"].map((name) => new FileStore(join(folder, name)));
  await Promise.all(stores.flatMap((store) => [1, 2, 3].map(() => store.commit(KEY, [used("a")]))));
  assert.deepEqual(await counts(new FileStore(path)), { a: 12, b: 0 });
  for (const name of ["first", "far/second"]) assert.ok((await lstat(join(folder, name))).isSymbolicLink());
  assert.ok((await lstat(path)).isFile());

  await symlink("new/made.json", join(folder, "dangling"));
  const store = new FileStore(join(folder, "dangling"));
  assert.deepEqual(await counts(store), {});
  await store.commit(KEY, [added("a")]);
  assert.ok((await lstat(join(folder, "new/made.json"))).isFile());

});

test("broken links are errors, and stay as they are", async () => {
  const { folder } = await file();
  const links = { circle: "circle", one: "two", two: "one", away: "far/away", far: "." };
  for (const [name, target] of Object.entries(links)) await symlink(target, join(folder, name));
  for (const name of ["circle", "one", "away", "circle/auth.json"]) {
    const store = new FileStore(join(folder, name));
    await rejects(store.read(KEY), "unreadable", name);
    await assert.rejects(store.commit(KEY, [added("a")]), { name: "StoreError" }, name);
  }
  assert.deepEqual((await readdir(folder)).sort(), ["auth.json", ...Object.keys(links)].sort());
  assert.equal(await readFile(join(folder, "auth.json"), "utf8"), HANDMADE);
});

test("a file that becomes a folder is neither read nor replaced, and is used again once it is back", async () => {
  const { path, store, folder } = await file();
  await store.commit(KEY, [used("a")]);
  const before = await readFile(path, "utf8");
  await rm(path);
  await mkdir(path);
  await rejects(store.read(KEY), "unreadable");
  await rejects(store.commit(KEY, [added("c")]), "unreadable");
  assert.ok((await lstat(path)).isDirectory());
  await rm(path, { recursive: true });
  await writeFile(path, before);
  await store.commit(KEY, [used("a")]);
  assert.deepEqual(await counts(store), { a: 2, b: 0 });
  assert.deepEqual(await readdir(folder), ["auth.json"]);
});

test("a removed folder is an error, or made again", async () => {
  const root = await folder();
  const path = join(root, "deep", "auth.json");
  const store = new FileStore(path);
  const commits = [];
  for (let i = 0; i < 30; i++) {
    const committed = store.commit(KEY, [added(`r${i}`)]);
    committed.catch(() => {});
    commits.push(committed);
    await sleep(Math.random() * 3);
    if (i % 3 === 0 && existsSync(join(root, "deep"))) renameSync(join(root, "deep"), join(root, `away${i}`));
  }
  for (const { reason } of await Promise.allSettled(commits)) {
    assert.ok(reason === undefined || reason instanceof StoreError, `${reason?.stack}`);
  }
  await store.commit(KEY, [added("last")]);
  assert.equal((await counts(store)).last, 0);
  assert.deepEqual(await readdir(join(root, "deep")), ["auth.json"]);
});

test("a path that is no text or no file stays as it is", async () => {
  const bytes = Uint8Array.from([...new TextEncoder().encode(`{"a": "`), 0xff, 0xfe, 0x22, 0x7d]);
  const { path, store, folder } = await file(bytes);
  await rejects(store.read(KEY), "invalid_document");
  await rejects(store.commit(KEY, [added("a")]), "invalid_document");
  assert.deepEqual(new Uint8Array(await readFile(path)), bytes);

  for (const wrong of [folder, "/dev/null", join(path, "below", "auth.json")]) {
    await rejects(new FileStore(wrong).read(KEY), "unreadable");
  }
  await rejects(new FileStore(folder).commit(KEY, [added("a")]), "unreadable");
  await rejects(new FileStore(join(path, "below", "auth.json")).commit(KEY, [added("a")]), "unwritable");
});

test("a corrupt file is an error with its place", async () => {
  const { store, path } = await file(HANDMADE.replace(`"sk-b"`, `"sk-canary`));
  await assert.rejects(store.commit(KEY, [used("a")]), ({ code, message }) => {
    assert.equal(code, "invalid_document");
    assert.match(message, /line \d+, column \d+: correct the text there/);
    assert.ok(message.startsWith(path) && !message.includes("canary"));
    return true;
  });
});

test("a read-only file is not replaced", async () => {
  const { path, store, folder } = await file();
  await chmod(path, 0o444);
  await rejects(store.commit(KEY, [used("a")]), "unwritable");
  assert.equal(await readFile(path, "utf8"), HANDMADE);
  assert.deepEqual(await readdir(folder), ["auth.json"]);
});

test("temporary files of dead processes are removed, and other files are not", async () => {
  const { store, folder } = await file();
  const others = [".auth.json.tmp", ".auth.json.0123456789abcdeg.tmp", ".other.json.0123456789abcdef.tmp", "auth.json.bak"];
  for (const name of [...others, ".auth.json.0123456789abcdef.tmp"]) await writeFile(join(folder, name), "{");
  await store.commit(KEY, [used("a")]);
  assert.deepEqual((await readdir(folder)).sort(), [...others, "auth.json"].sort());
});

test("a stale lock is waited for, and then taken over by one process at a time", async () => {
  const { path, folder } = await file();
  const stores = Array.from({ length: 5 }, () => new FileStore(path, { staleMs: 2000 }));
  const started = performance.now();
  await mkdir(`${path}.lock`);
  await rejects(new FileStore(path, { waitMs: 200 }).commit(KEY, [used("a")]), "locked");
  await Promise.all(stores.map((store) => store.commit(KEY, [used("a")])));
  assert.ok(performance.now() - started > 1900, "it was not taken while it might be somebody's");
  assert.deepEqual(await counts(stores[0]), { a: 5, b: 0 });
  assert.deepEqual(await readdir(folder), ["auth.json"]);
});

test("the age of a lock is measured by the clock of the process that waits for it", async () => {
  const { path, store } = await file();
  const anHour = 3_600;
  await mkdir(`${path}.lock`);
  await utimes(`${path}.lock`, Date.now() / 1000 + anHour, Date.now() / 1000 + anHour);
  await new FileStore(path, { staleMs: 1000, waitMs: HOUR }).commit(KEY, [used("a")]);
  assert.deepEqual(await counts(store), { a: 1, b: 0 }, "a lock from the future was left behind");

  await mkdir(`${path}.lock`);
  const refresh = () => utimesSync(`${path}.lock`, Date.now() / 1000 - anHour, Date.now() / 1000 - anHour);
  refresh();
  const refreshing = setInterval(refresh, 100);
  await rejects(new FileStore(path, { staleMs: 2000, waitMs: 4000 }).commit(KEY, [used("a")]), "locked");
  clearInterval(refreshing);
  await new FileStore(path, { staleMs: 2000, waitMs: HOUR }).commit(KEY, [used("a")]);
  assert.deepEqual(await counts(store), { a: 2, b: 0 });
});

test("an interrupted recovery is finished", async () => {
  const { path, store, folder } = await file();
  for (const name of [`${path}.lock`, `${path}.lock.recovery`]) {
    await mkdir(name);
    await utimes(name, 1, 1);
  }
  await store.commit(KEY, [used("a")]);
  assert.deepEqual(await readdir(folder), ["auth.json"]);
});

test("a lost lock costs no other process its changes, and stays with its next holder", async () => {
  const { path, store, folder } = await file();
  const commits = Array.from({ length: 40 }, () => store.commit(KEY, [used("a")]));
  const thief = new FileStore(path);
  for (let i = 0; i < 40; i++) {
    await rm(`${path}.lock`, { recursive: true, force: true });
    await thief.commit(KEY, [used("b")]);
  }
  await Promise.all(commits);
  const { b } = await counts(store);
  assert.equal(b, 40);
  assert.deepEqual(await readdir(folder), ["auth.json"]);
});

test("a program without the lock does not lose its changes", async () => {
  const { path, store } = await file();
  let isRunning = true;
  const foreign = (async () => {
    let written = 0;
    for (; isRunning && written < 15; written++) {
      // An editor writes the whole file at once, from the text that it has just read.
      writeFileSync(`${path}.theirs`, applyToDocument(readFileSync(path, "utf8"), "nous", [added(`f${written}`)]).text);
      renameSync(`${path}.theirs`, path);
      await sleep(15);
    }
    return written;
  })();
  for (let i = 0; i < 20; i++) await store.commit(KEY, [added(`o${i}`)]);
  isRunning = false;
  const written = await foreign;
  const rows = await counts(store, "nous");
  for (let i = 0; i < written; i++) assert.equal(rows[`f${i}`], 0, `row f${i} of the other program`);
  for (let i = 0; i < 20; i++) assert.equal((await counts(store))[`o${i}`], 0, `own row o${i}`);
});

test("changes are noticed without notifications of the system", async () => {
  const root = await folder();
  const path = join(root, "later", "auth.json");
  const store = new FileStore(path, { pollMs: 50 });
  await store.read(KEY);
  const told = [];
  const end = store.watch(KEY, ({ stored }) => told.push(stored.rows.length));
  await sleep(150);
  await new FileStore(path).commit(KEY, [added("a")]);
  await until(() => told.length > 0);
  assert.deepEqual(told, [1], "a folder that was not there");
  await writeFile(path, "{");
  await sleep(200);
  await writeFile(path, HANDMADE);
  await until(() => told.length > 1);
  assert.deepEqual(told, [1, 2], "while it is broken, nothing is told");
  end();
});

const LOSSES = {
  deleted: (path) => rm(path),
  emptied: (path) => writeFile(path, ""),
};
for (const [how, lose] of Object.entries(LOSSES)) {
  test(`a file that is ${how} while a pool is open is restored, and the watch is told`, async () => {
    const { path, store } = await file(HANDMADE, { pollMs: 50 });
    await store.commit(KEY, [added("c")]);
    const before = await readFile(path, "utf8");
    const [changes, problems] = [[], []];
    const end = store.watch(KEY, (reading) => changes.push(reading), (problem) => problems.push(problem));
    await lose(path);
    assert.deepEqual(await counts(store), { a: 0, b: 0, c: 0 }, "meanwhile nothing is missing");
    await until(() => readFileSync(path, "utf8") === before && problems.length > 0);
    end();
    assert.deepEqual([changes, problems.map(({ name, code }) => [name, code])], [[], [["StoreError", "restored"]]]);
    assert.match(problems[0].message, /the last known text was restored; remove credentials with `remove` instead$/);
  });

  test(`a file that is ${how} between reading and writing keeps its rows`, async () => {
    const { path, store } = await file();
    await store.read(KEY);
    await lose(path);
    await store.commit(KEY, [used("a")]);
    assert.deepEqual(await counts(new FileStore(path)), { a: 1, b: 0 });
    assert.ok((await readFile(path, "utf8")).includes(`"mine": 12345678901234567890123`));
  });
}

test("an empty file that no store has seen otherwise is a new document", async () => {
  const { path, store } = await file("");
  assert.deepEqual([await counts(store), await store.document()], [{}, emptyDocument()]);
  await store.commit(KEY, [added("a")]);
  assert.deepEqual(await counts(new FileStore(path)), { a: 0 });
});

test("a program that empties the file before it writes to it loses nothing", async () => {
  const { path, store } = await file();
  await store.read(KEY);
  const { text: theirs } = applyToDocument(HANDMADE, KEY, [added("theirs")]);
  await writeFile(path, "");
  const commit = store.commit(KEY, [used("a")]);
  await writeFile(path, theirs);
  await commit;
  assert.deepEqual(await counts(store), { a: 1, b: 0, theirs: 0 });
});

test("an editor replaces the text that it has read, and no other", async () => {
  const path = join(await folder(), "auth.json");
  const [file, store] = [new DocumentFile(path), new FileStore(path)];
  const missing = await file.read();
  assert.deepEqual([missing.text, await store.document()], ["", undefined]);
  const first = await file.replace(HANDMADE, missing.etag);
  assert.deepEqual([first.isWritten, await store.document()], [true, HANDMADE]);
  assert.deepEqual(await file.read(), { text: HANDMADE, etag: first.etag });

  await store.commit(KEY, [used("a")]);
  const refused = await file.replace("{}", first.etag);
  assert.deepEqual([refused.isWritten, refused.etag], [false, (await file.read()).etag]);
  assert.notEqual(await store.document(), "{}");
  assert.equal((await file.replace("{}", refused.etag)).isWritten, true);
  assert.equal(readFileSync(path, "utf8"), "{}");
  await assert.rejects(file.replace("[", refused.etag), { code: "invalid_document" });
});
