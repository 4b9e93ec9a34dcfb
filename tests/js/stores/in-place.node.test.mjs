// Files that cannot be replaced by a rename: they are written in place, and never read by halves.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { renameSync, writeSync } from "node:fs";
import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

import { FileStore } from "credential-pool/file-store";

import { readText } from "../../../pkg/dist/stores/file-text.js";
import { replaceText } from "../../../pkg/dist/stores/file-replacement.js";
import { clear, counts, folder, HANDMADE, KEY, used } from "./kinds.mjs";

after(clear);

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const OTHER = HANDMADE.replace("sk-a", "sk-another").trimEnd();

async function file() {
  const path = join(await folder(), "auth.json");
  await writeFile(path, HANDMADE);
  return path;
}

const failing = (code) => () => {
  throw Object.assign(new Error(code), { code });
};

/** A system that writes as usual, except for what is given. */
const system = (given) => ({ platform: "linux", rename: renameSync, write: writeSync, ...given });

const replace = async (path, text, given) => replaceText(path, text, await readText(path), () => true, system(given));

test("a file that is mounted alone", async (t) => {
  const reasons = [];
  for (const own of [["--mount"], ["--mount", "--map-root-user"]]) {
    const { error, status, stderr } = spawnSync("unshare", [...own, "mount", "-t", "tmpfs", "tmpfs", await folder()], { encoding: "utf8" });
    if (status !== 0) {
      reasons.push(error?.message ?? stderr.trim());
      continue;
    }
    const done = spawnSync("unshare", [...own, process.execPath, here("mounted.mjs"), await folder()], { encoding: "utf8", cwd: here("..") });
    assert.equal(`${done.stdout}${done.stderr}`, "done\n");
    return t.diagnostic(`with a real mount: unshare ${own.join(" ")}`);
  }
  t.diagnostic(`NOT with a real mount, since nothing can be mounted: ${reasons.join("; ")}`);
});

for (const code of ["EBUSY", "EXDEV", "EACCES", "EPERM"]) {
  test(`a rename that fails with ${code}: written in place, with nothing left beside`, async () => {
    const path = await file();
    assert.equal(await replace(path, OTHER, { rename: failing(code) }), true);
    assert.equal(await readFile(path, "utf8"), OTHER);
    assert.deepEqual(await readdir(join(path, "..")), ["auth.json"]);
  });
}

test("a write in place that fails puts the text back", async () => {
  const path = await file();
  let writes = 0;
  const write = (to, text, at) => {
    writeSync(to, text.slice(0, 60), at);
    if ((writes += 1) === 1) failing("ENOSPC")();
    writeSync(to, text, at);
  };
  await assert.rejects(replace(path, OTHER, { rename: failing("EBUSY"), write }), {
    code: "unwritable", message: /\(ENOSPC\): make space on its disk; nothing was written$/,
  });
  assert.equal(await readFile(path, "utf8"), HANDMADE);
  assert.deepEqual(await readdir(join(path, "..")), ["auth.json"]);
});

test("on Windows, a file in use is tried again for a moment", async () => {
  for (const code of ["EPERM", "EBUSY", "EACCES"]) {
    const path = await file();
    let tries = 0;
    const rename = (from, to) => ((tries += 1) < 4 ? failing(code)() : renameSync(from, to));
    const write = () => assert.fail("a rename was possible");
    assert.equal(await replace(path, OTHER, { platform: "win32", rename, write }), true);
    assert.deepEqual([tries, await readFile(path, "utf8")], [4, OTHER]);
  }
});

/** Writes in place in a process of its own, which ends after `bytes` bytes. */
async function killed(path, bytes) {
  const child = spawn(process.execPath, ["--input-type=module", "-"], { cwd: here(".."), stdio: ["pipe", "inherit", "inherit"] });
  child.stdin.end(`
    import { writeSync } from "node:fs";
    import "credential-pool/file-store";
    import { readText } from ${JSON.stringify(here("../../../pkg/dist/stores/file-text.js"))};
    import { replaceText } from ${JSON.stringify(here("../../../pkg/dist/stores/file-replacement.js"))};
    const rename = () => { throw Object.assign(new Error("EBUSY"), { code: "EBUSY" }); };
    const write = (to, text, at) => {
      writeSync(to, text.slice(0, ${bytes}), at);
      process.kill(process.pid, "SIGKILL");
    };
    const path = ${JSON.stringify(path)};
    await replaceText(path, ${JSON.stringify(OTHER)}, await readText(path), () => true, { platform: "linux", rename, write });
  `);
  const [, signal] = await once(child, "close");
  assert.equal(signal, "SIGKILL");
}

test("a process that dies while it writes in place leaves a whole text, wherever it stops", async () => {
  for (const bytes of [0, 1, 60, OTHER.indexOf("sk-another") + 5, OTHER.length - 3, OTHER.length]) {
    const path = await file();
    await killed(path, bytes);
    const hasBegun = bytes > OTHER.indexOf("sk-another") + 3;
    const { text } = await readText(path);
    assert.equal(text, hasBegun ? OTHER : HANDMADE, `${bytes} bytes`);
    const store = new FileStore(path);
    assert.deepEqual(await counts(store), { a: 0, b: 0 }, "read before the write is finished");
    await store.commit(KEY, [used("a")]);
    const now = await readFile(path, "utf8");
    assert.equal(JSON.parse(now).credential_pool.openrouter[0].access_token, hasBegun ? "sk-another" : "sk-a");
    assert.deepEqual(await readdir(join(path, "..")), ["auth.json"]);
  }
});

test("a text that another program wrote after an interrupted write stays", async () => {
  const path = await file();
  await killed(path, OTHER.length - 20);
  const theirs = JSON.stringify({ credential_pool: { openrouter: [{ id: "z", access_token: "sk-z" }] } });
  await writeFile(path, theirs);
  const store = new FileStore(path);
  assert.deepEqual(await counts(store), { z: 0 });
  await store.commit(KEY, [used("z")]);
  assert.deepEqual(await counts(store), { z: 1 });
});

test("a file in a folder that cannot be written", { skip: process.getuid?.() === 0 && !canSetUser() && "no other user" }, async () => {
  const root = await folder();
  const [path, TMPDIR] = [join(root, "in", "auth.json"), join(root, "tmp")];
  for (const each of [join(root, "in"), TMPDIR]) await mkdir(each);
  await writeFile(path, HANDMADE);
  for (const [each, mode] of [[path, 0o666], [TMPDIR, 0o777], [join(root, "in"), 0o555], [root, 0o755]]) await chmod(each, mode);
  const child = spawn(process.execPath, ["--input-type=module", "-"], { cwd: here(".."), stdio: ["pipe", "pipe", "inherit"], env: { ...process.env, TMPDIR } });
  child.stdin.end(`
    if (process.getuid() === 0) (process.setgid(65534), process.setuid(65534));
    const { FileStore } = await import("credential-pool/file-store");
    const path = ${JSON.stringify(path)};
    const uses = [1, 2, 3].map((at) => new FileStore(path).commit("openrouter", [{ by: { at, host: "h" + at }, type: "used", id: "a", count: 1 }]));
    await Promise.all(uses);
    console.log("done");
  `);
  const [said] = await Promise.all([child.stdout.toArray(), once(child, "close")]);
  assert.equal(String(said), "done\n");
  assert.equal((await counts(new FileStore(path))).a, 3);
  assert.deepEqual(await readdir(join(root, "in")), ["auth.json"]);
  await chmod(join(root, "in"), 0o755);
});

/** Whether a process may become another user's, and can still read the package. */
function canSetUser() {
  const become = `process.setgid(65534); process.setuid(65534); require("fs").readFileSync(${JSON.stringify(here("../../../pkg/dist/node.js"))})`;
  return spawnSync(process.execPath, ["-e", become]).status === 0;
}
