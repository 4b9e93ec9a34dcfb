/** Scripts of this folder, each in a process of its own. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** Runs a script of this folder. Returns its process and its output, by line and as a whole. */
export function run(script, { inDeno = false }, ...words) {
  const deno = ["node_modules/deno/bin.cjs", "run", "--allow-all", "--no-lock", "--quiet"];
  const command = [...(inDeno ? deno : []), here(script), ...words.map(String)];
  const child = spawn(process.execPath, command, { cwd: here(".."), stdio: ["pipe", "pipe", "inherit"] });
  const closed = once(child, "close");
  let written = "";
  child.stdout.on("data", (chunk) => (written += chunk));
  const line = async (n) => {
    while (written.split("\n").length < n + 2) {
      assert.equal(child.exitCode, null, `${script} ended early`);
      await Promise.race([once(child.stdout, "data"), closed]);
    }
    return written.split("\n")[n];
  };
  const kill = (signal = "SIGKILL") => {
    assert.equal(child.exitCode, null, `${script} ended early`);
    child.kill(signal);
    return closed;
  };
  return { child, line, kill, ended: closed, written: () => written };
}

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
