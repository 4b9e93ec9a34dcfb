/**
 * The demo: an agent host that sends requests with a pool's credentials to a provider with rate limits,
 * prepaid credit and expiring tokens.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { CannotStart, openExample, openFile } from "./document.mjs";
import { Host } from "./host.mjs";
import { Progress } from "./progress.mjs";
import { asData, asTable } from "./report.mjs";
import { serveAll } from "./requests.mjs";

const CLI = new URL("../../pkg/cli/dist/cli.js", import.meta.url);
const REQUESTS = 200;
const SESSIONS = 8;

process.exitCode = await main().catch((error) => {
  if (!(error instanceof CannotStart)) throw error;
  process.stderr.write(`error: ${error.message}\n`);
  return 2;
});

/** @returns {Promise<number>} The exit code. */
async function main() {
  const options = readOptions();
  const { pool, step, store, provider, copy } = await (options.document === undefined
    ? openExample()
    : openFile(options.document));
  const progress = new Progress(process.stderr, REQUESTS);
  const signal = interrupted();
  const host = new Host({ pool, store, provider: provider.url, log: (event) => progress.log(event), signal });
  progress.log(`pool ${pool.key()} of ${store.path}`);
  if (copy !== undefined) progress.log(`the demo's provider replaces tokens; a copy of the document is at ${copy}`);
  for (const { pointer, message } of host.take(step).problems) progress.log(`${pointer}: ${message}`);

  const started = performance.now();
  /** @type {Record<string, number>} */
  const ends = {};
  const ended = (/** @type {import("./requests.mjs").End} */ { type }) => {
    ends[type] = (ends[type] ?? 0) + 1;
    progress.update(ends.served ?? 0);
  };
  await serveAll(host, { requests: REQUESTS, sessions: SESSIONS, ended });
  const isSaved = await host.close();
  await provider.close();
  progress.end();

  const run = { host, provider, ends, requests: REQUESTS, isSaved, seconds: (performance.now() - started) / 1000 };
  process.stdout.write(options.json ? asData(run) : asTable(run));
  if (signal.aborted) return 130;
  if (options.page) await edit(store.path, signal);
  else if (!options.json) process.stdout.write("`cargo xtask demo --page` shows the document in a browser after the run\n");
  return ends.served === REQUESTS && isSaved ? 0 : 1;
}

function readOptions() {
  try {
    const flag = { type: /** @type {const} */ ("boolean") };
    const options = { document: { type: /** @type {const} */ ("string") }, json: flag, page: flag };
    return parseArgs({ options }).values;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new CannotStart(`${message}\nusage: main.mjs [--document PATH] [--json] [--page]`);
  }
}

/**
 * Serves the page on the document until Ctrl-C.
 *
 * @param {string} path
 * @param {AbortSignal} signal
 */
async function edit(path, signal) {
  const args = [fileURLToPath(CLI), "--document", path, "edit", "--no-open"];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "inherit", "inherit"] });
  signal.addEventListener("abort", () => child.kill("SIGINT"));
  await once(child, "close");
}

/** Returns a signal that aborts at the first SIGINT or SIGTERM; the second ends the process at once. */
function interrupted() {
  const interruption = new AbortController();
  const interrupt = () => (interruption.signal.aborted ? process.exit(130) : interruption.abort());
  process.on("SIGINT", interrupt).on("SIGTERM", interrupt);
  return interruption.signal;
}
