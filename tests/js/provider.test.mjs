import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { startProvider } from "../provider/provider.mjs";

/** @type {import("../provider/provider.mjs").Provider} */
let provider;
let now = 0;

before(async () => {
  provider = await startProvider({ now: () => now });
});
after(() => provider.close());
beforeEach(() => {
  now = 1_775_757_580_463;
});

test("a known key is served, an unknown one is not", async () => {
  provider.addKey("sk-known");
  const { status, json } = await complete("sk-known");
  assert.equal(status, 200);
  assert.equal(json.choices[0].message.role, "assistant");
  assert.deepEqual([await statusOf("sk-unknown"), await statusOf("")], [401, 401]);
});

test("a key's rate is limited for a window of time", async () => {
  provider.addKey("sk-limited", { limit: { requests: 2, windowMs: 1500 } });
  assert.deepEqual([await statusOf("sk-limited"), await statusOf("sk-limited")], [200, 200]);
  now += 250;
  const { status, headers } = await complete("sk-limited");
  assert.equal(status, 429);
  assert.deepEqual([headers.get("retry-after"), headers.get("retry-after-ms")], ["2", "1250"]);
  now += 1250;
  assert.equal(await statusOf("sk-limited"), 200);
});

test("a key without money is told so", async () => {
  provider.addKey("sk-prepaid", { credit: 1 });
  assert.deepEqual([await statusOf("sk-prepaid"), await statusOf("sk-prepaid")], [200, 402]);
});

test("a login ends with its time", async () => {
  provider.addLogin({ accessToken: "at-short", endsAt: now + 1000 });
  assert.equal(await statusOf("at-short"), 200);
  now += 1000;
  assert.equal(await statusOf("at-short"), 401);
});

test("a refresh token is accepted once, and the next one goes on", async () => {
  provider.addLogin({ accessToken: "at-1", refreshToken: "rt-1", uses: 1, grants: [{ lifetimeMs: 60_000, uses: 1 }] });
  assert.deepEqual([await statusOf("at-1"), await statusOf("at-1")], [200, 401]);
  const first = await refresh({ refresh_token: "rt-1" });
  assert.equal(first.status, 200);
  assert.equal(first.json.expires_in, 60);
  const token = first.json.access_token;
  assert.deepEqual([await statusOf(token), await statusOf(token)], [200, 401]);

  const reuses = provider.reuses;
  const again = await refresh({ refresh_token: "rt-1" });
  assert.deepEqual([again.status, again.json.error], [400, "invalid_grant"]);
  assert.equal(provider.reuses, reuses + 1);

  const second = await refresh({ refresh_token: first.json.refresh_token });
  assert.equal(await statusOf(second.json.access_token), 200);
});

test("the token endpoint takes forms and JSON, and only refresh tokens", async () => {
  provider.addLogin({ accessToken: "at-form", refreshToken: "rt-form" });
  const form = new URLSearchParams({ grant_type: "refresh_token", refresh_token: "rt-form" });
  assert.equal((await fetch(`${provider.url}/v1/oauth/token`, { method: "POST", body: form })).status, 200);
  assert.equal((await refresh({ grant_type: "password" })).json.error, "unsupported_grant_type");
  assert.equal((await refresh({ refresh_token: "rt-unknown" })).json.error, "invalid_grant");
});

test("nonsense is refused", async () => {
  provider.addKey("sk-any");
  const headers = { Authorization: "Bearer sk-any" };
  const ask = (/** @type {string} */ path, /** @type {RequestInit} */ init) => fetch(`${provider.url}${path}`, init);
  const answers = [
    await ask("/v1/chat/completions", { method: "POST", headers, body: "{" }),
    await ask("/v1/chat/completions", { headers }),
    await ask("/v1/nothing", { method: "POST", headers }),
  ];
  await Promise.all(answers.map((answer) => answer.arrayBuffer()));
  assert.deepEqual(answers.map(({ status }) => status), [400, 405, 404]);
});

/** @param {string} key */
async function statusOf(key) {
  return (await complete(key)).status;
}

/** @param {string} key */
async function complete(key) {
  return post("/v1/chat/completions", { model: "small" }, { Authorization: `Bearer ${key}` });
}

/** @param {Record<string, string>} fields */
async function refresh(fields) {
  return post("/v1/oauth/token", { grant_type: "refresh_token", ...fields });
}

/**
 * @param {string} path
 * @param {unknown} body
 * @param {Record<string, string>} [headers]
 */
async function post(path, body, headers) {
  const response = await fetch(provider.url + path, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  return { status: response.status, headers: response.headers, json: await response.json() };
}
