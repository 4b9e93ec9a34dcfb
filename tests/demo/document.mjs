/** The document that the demo runs on, and a provider that knows its credentials. */

import { constants } from "node:fs";
import { copyFile, mkdtemp, readFile, realpath, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { checkDocument, CredentialPool, pools, PoolError, readDocument } from "../../pkg/dist/node.js";
import { FileStore } from "../../pkg/dist/node-file-store.js";

import { startProvider } from "../provider/provider.mjs";

/** @typedef {import("../../pkg/dist/node.js").Row} Row */

/** The demo cannot start; the message says why. */
export class CannotStart extends Error {}

/** Latency of the provider. */
const LATENCY_MS = 20;

/** Rules for the credentials of a given document: a short rate window, so that cooldowns are short. */
const SHORT_WINDOW = { limit: { requests: 60, windowMs: 400 } };

/** Opens an example document with five credentials, four of which fail in different ways. */
export async function openExample() {
  const provider = await startProvider({ poolKey: "anthropic", latencyMs: LATENCY_MS });
  const row = (/** @type {string} */ id, /** @type {Row} */ fields) => ({ id, base_url: provider.url, ...fields });
  const key = (/** @type {string} */ id, /** @type {string} */ label) =>
    row(id, { label, auth_type: "api_key", source: "manual", access_token: `sk-ant-api-demo-${id}` });

  const rows = [
    key("a1f001", "team key"),
    key("a1f002", "old key"),
    key("a1f003", "prepaid key"),
    row("a1f004", {
      label: "login",
      auth_type: "oauth",
      source: "manual:hermes_pkce",
      access_token: "at-demo",
      refresh_token: "rt-demo",
      // The pool refreshes two minutes before expiry: the refresh is due soon after the demo starts.
      expires_at_ms: Date.now() + 120_100,
    }),
    key("a1f005", "company key"),
  ].map((fields, priority) => ({ ...fields, priority }));

  provider.addKey("sk-ant-api-demo-a1f001", { limit: { requests: 20, windowMs: 60_000 } });
  provider.addKey("sk-ant-api-demo-a1f002", { revokedAfter: 15 });
  provider.addKey("sk-ant-api-demo-a1f003", { credit: 12 });
  // The refreshed token expires early, as after a logout elsewhere.
  const grants = [{ lifetimeMs: 3_600_000, uses: 15 }, { lifetimeMs: 3_600_000, uses: Infinity }];
  provider.addLogin({ accessToken: "at-demo", refreshToken: "rt-demo", grants });
  provider.addKey("sk-ant-api-demo-a1f005");
  provider.overload({ after: 150, requests: 5 });

  const path = join(await mkdtemp(join(tmpdir(), "credential-pool-demo-")), "auth.json");
  const document = { version: 1, providers: {}, credential_pool: { anthropic: rows } };
  await writeFile(path, JSON.stringify(document, null, 2), { mode: 0o600 });
  return { ...open(await readFile(path, "utf8"), "anthropic"), store: new FileStore(path), provider, copy: undefined };
}

/**
 * Opens a given document. The demo writes to it.
 *
 * @param {string} given
 */
export async function openFile(given) {
  const [path, text] = await read(given);
  const found = firstPool(path, text);
  const provider = await startProvider({ poolKey: found.pool.key(), latencyMs: LATENCY_MS });
  const rows = found.pool.rows();
  for (const row of rows) {
    const { key } = found.pool.runtime(String(row.id));
    const refreshToken = row.refresh_token ?? undefined;
    if (row.auth_type === "oauth") provider.addLogin({ accessToken: key, refreshToken }, SHORT_WINDOW);
    else provider.addKey(key, SHORT_WINDOW);
  }
  const copy = rows.some((row) => row.refresh_token) ? await keepCopy(path) : undefined;
  return { ...found, store: new FileStore(path), provider, copy };
}

/**
 * @param {string} given
 * @returns {Promise<[path: string, text: string]>}
 */
async function read(given) {
  try {
    const path = await realpath(given);
    return [path, await readFile(path, "utf8")];
  } catch (error) {
    throw new CannotStart(`the document cannot be read: ${error instanceof Error ? error.message : error}`);
  }
}

/**
 * Returns the first pool with an available credential, else the first pool with any credential.
 *
 * @param {string} path
 * @param {string} text
 */
function firstPool(path, text) {
  const found = keys(path, text).map((key) => open(text, key));
  const hasAvailable = (/** @type {Opened} */ { pool }) => pool.entries().some(({ state }) => state.type === "available");
  const chosen = found.find(hasAvailable) ?? found.find(({ pool }) => pool.hasCredentials());
  if (chosen === undefined) {
    const problems = listed(checkDocument(text));
    throw new CannotStart(`${path} has no credentials that can be read; add one, or run without --document${problems}`);
  }
  return chosen;
}

/** The logins of a document are the same for every pool. */
const ANY_POOL = "anthropic";

/**
 * Returns the pool keys of a document: of pools with rows, and of pools that a login in it creates.
 *
 * @param {string} path
 * @param {string} text
 */
function keys(path, text) {
  try {
    const keys = pools(text);
    const { documentLogins } = readDocument(text, ANY_POOL);
    return [...new Set([...keys, ...Object.keys(documentLogins ?? {})])].filter((key) => key.trim() !== "");
  } catch (error) {
    if (!(error instanceof PoolError)) throw error;
    throw new CannotStart(`${path} is no document with a credential pool${listed(checkDocument(text))}`);
  }
}

/** @param {import("../../pkg/dist/node.js").Problem[]} problems */
function listed(problems) {
  return problems.map(({ pointer, message }) => `\n  ${pointer}: ${message}`.replace("  : ", "  ")).join("");
}

/** @typedef {ReturnType<typeof open>} Opened */

/**
 * @param {string} text
 * @param {string} key
 */
function open(text, key) {
  const { stored, documentLogins } = readDocument(text, key);
  const { pool, ...step } = CredentialPool.open({ key, stored, sources: { documentLogins } });
  return { pool, step };
}

/**
 * Copies the document, because the demo's provider replaces the tokens of logins.
 *
 * @param {string} path
 */
async function keepCopy(path) {
  const copy = `${path}.before-demo`;
  try {
    await copyFile(path, copy, constants.COPYFILE_EXCL);
  } catch (error) {
    const isThere = error instanceof Error && "code" in error && error.code === "EEXIST";
    if (!isThere) throw new CannotStart(`no copy of ${path} can be kept beside it; give the demo a copy`);
  }
  return copy;
}
