// Arguments beyond the limits: `too_large`, before they are copied into the wasm, and the pool serves on.

import assert from "node:assert/strict";
import { test } from "node:test";

import { applyChanges, CredentialPool, diagnose, limits, MemoryStore, openPool, readDocument } from "credential-pool";

const NOW = 1_775_757_580_463;
const open = () => {
  const rows = ["a", "b"].map((id) => ({ id, access_token: `sk-${id}` }));
  const { pool } = CredentialPool.open({ key: "zai", stored: { rows }, now: NOW });
  return pool;
};
const { responseBodyBytes, responseHeaderBytes, documentBytes, rows, nesting } = limits();
const manyRows = { rows: Array(rows + 1).fill(null) };
const nested = JSON.parse("[".repeat(nesting + 1) + "]".repeat(nesting + 1));
const long = " ".repeat(documentBytes + 1);

for (const [name, pointer, input] of [
  ["a body", "/body", (pool, lease) => pool.report(lease, { status: 429, body: "x".repeat(responseBodyBytes + 1) }, NOW)],
  ["a body of 300 MB", "/response", (pool, lease) => pool.report(lease, { status: 429, body: "x".repeat(300e6) }, NOW)],
  ["headers", "/headers", (pool, lease) => pool.report(lease, { status: 429, headers: { a: "1".repeat(responseHeaderBytes) } }, NOW)],
  ["a body without a pool", "/body", () => diagnose("zai", { status: 429, body: "x".repeat(responseBodyBytes + 1) }, NOW)],
  ["rows of a stored state", "/stored/rows", () => CredentialPool.open({ key: "zai", stored: manyRows, now: NOW })],
  ["rows that a sync shows", "/stored/rows", (pool) => pool.sync(manyRows, null, NOW)],
  ["rows to change", "/stored/rows", () => applyChanges("zai", manyRows, [])],
  ["nesting", "/row", (pool) => pool.add({ access_token: "sk", mine: nested }, NOW)],
  ["a document", "/text", () => readDocument(long, "zai")],
]) {
  test(name, () => {
    const pool = open();
    const { lease } = pool.lease({}, NOW).value;
    assert.throws(() => input(pool, lease), { name: "PoolError", code: "too_large", pointer });
    assert.equal(pool.report(lease, { status: 200 }, NOW).value.type, "served");
  });
}

test("a host reports as much of a response as the pool reads", async () => {
  const answers = [
    new Response(new Uint8Array(2 * responseBodyBytes).fill(0xff), { status: 429 }),
    { status: 429, body: "é".repeat(responseBodyBytes), headers: { long: "x".repeat(responseHeaderBytes), "retry-after": "30" } },
  ];
  for (const answer of answers) {
    const store = new MemoryStore(JSON.stringify({ version: 1, credential_pool: { zai: [{ id: "a", access_token: "sk-a" }] } }));
    const pool = await openPool({ key: "zai", store, host: { now: () => NOW } });
    await assert.rejects(pool.run(async () => answer, { patienceMs: 0 }), { code: "exhausted" });
    await pool.close();
  }
});
