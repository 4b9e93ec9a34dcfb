// Disks that are full or read-only: nothing is written by halves, and the error says what to do.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

import { FileStore } from "credential-pool/file-store";

import { clear, counts, folder, HANDMADE } from "./kinds.mjs";

after(clear);

const here = (name) => fileURLToPath(new URL(name, import.meta.url));

test("a full disk, and one that is read-only", async (t) => {
  // A small disk needs the right to mount: as root, or as root of an own namespace.
  const reasons = [];
  for (const own of [["--mount"], ["--mount", "--map-root-user"]]) {
    const { error, status, stderr } = spawnSync("unshare", [...own, "mount", "-t", "tmpfs", "tmpfs", await folder()], { encoding: "utf8" });
    if (status !== 0) {
      reasons.push(error?.message ?? stderr.trim());
      continue;
    }
    const done = spawnSync("unshare", [...own, process.execPath, here("disk.mjs"), await folder()], { encoding: "utf8", cwd: here("..") });
    assert.equal(`${done.stdout}${done.stderr}`, "done\n");
    return t.diagnostic(`on a real disk: unshare ${own.join(" ")}`);
  }
  t.diagnostic(`NOT on a real disk, but only with limited file sizes, since none could be mounted: ${reasons.join("; ")}`);
  await halfWay();
});

test("a write that fails half-way leaves the file as it was", halfWay);

/** A process with a file size limit of 4 KiB fails in the same place as on a full disk. */
async function halfWay() {
  const path = join(await folder(), "auth.json");
  await writeFile(path, HANDMADE);
  await mkdir(`${path}.d`);
  const limited = `ulimit -f 8; exec "$0" --input-type=module -`;
  const child = spawn("sh", ["-c", limited, process.execPath], { cwd: here(".."), stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(`
    process.on("SIGXFSZ", () => {});
    import { FileStore } from "credential-pool/file-store";
    const store = new FileStore(${JSON.stringify(path)});
    const row = { id: "c", access_token: "sk-canary".repeat(1000) };
    try { await store.commit("openrouter", [{ by: { at: 1, host: "h" }, type: "add", row }]); } catch ({ code, message }) { console.log(code, message); }
    await store.commit("openrouter", [{ by: { at: 2, host: "h" }, type: "used", id: "a", count: 1 }]);
  `);
  const [said] = await Promise.all([child.stdout.toArray(), once(child, "close")]);
  assert.match(String(said), /^unwritable .*\(EFBIG\): .*; nothing was written\n$/);
  assert.deepEqual(await counts(new FileStore(path)), { a: 1, b: 0 });
  assert.deepEqual(await readdir(join(path, "..")), ["auth.json", "auth.json.d"]);
}
