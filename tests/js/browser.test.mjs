// The entry for browsers, with the files that a server would send it.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

test("the browser's entry fetches the wasm from beside itself, and is ready once it is imported", async () => {
  const fetched = [];
  globalThis.fetch = async (request) => {
    const url = request instanceof Request ? request.url : String(request);
    fetched.push(url);
    return new Response(await readFile(new URL(url)), { headers: { "Content-Type": "application/wasm" } });
  };
  const entry = new URL("../../pkg/dist/browser.js", import.meta.url);
  const { CredentialPool, PoolError } = await import(entry.href);

  assert.deepEqual(fetched, [new URL("credential_pool_bg.wasm", entry).href]);
  const { pool } = CredentialPool.open({ key: "openrouter", stored: { rows: [{ id: "a", access_token: "sk-a" }] } });
  assert.deepEqual(pool.select().value, { type: "selected", credential: "a" });
  assert.throws(() => pool.runtime("nobody"), PoolError);
});
