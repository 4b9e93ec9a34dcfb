// Runs `credential-pool edit` on a document, and opens its page.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { FileStore } from "../../pkg/dist/node-file-store.js";
import { openPage } from "./browser.mjs";

const CLI = fileURLToPath(new URL("../../pkg/cli/dist/cli.js", import.meta.url));

/** Serves a document until the test ends. Returns the address, functions for the file, and `stop` for the server. */
export async function serveDocument(t, text, ...words) {
  const folder = await mkdtemp(join(tmpdir(), "credential-pool-edit-"));
  const path = join(folder, "auth.json");
  await writeFile(path, text);
  const child = spawn(process.execPath, [CLI, "--json", "--document", path, "edit", "--no-open", ...words]);
  const ended = once(child, "close");
  const stop = () => (child.kill("SIGINT"), ended);
  t.after(async () => {
    await stop();
    await rm(folder, { recursive: true });
  });
  let out = "";
  for await (const chunk of child.stdout) if ((out += chunk).endsWith("}\n")) break;
  return { address: JSON.parse(out).url, path, store: new FileStore(path), read: () => readFile(path, "utf8"), stop };
}

/** Opens the page of `credential-pool edit` on a document. */
export async function openServed(t, text) {
  const served = await serveDocument(t, text);
  return { ...served, ...(await openPage(t, { address: served.address })), stop: served.stop };
}
