import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { diagnose } from "credential-pool";

import { wordingOf } from "../provider/answers.mjs";
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
  const { status, headers, json } = await complete("sk-limited");
  assert.deepEqual([status, json.error.type], [429, "rate_limit_error"]);
  assert.equal(headers.get("retry-after"), "2");
  assert.equal(headers.get("anthropic-ratelimit-requests-reset"), new Date(now + 1250).toISOString());
  now += 1250;
  assert.equal(await statusOf("sk-limited"), 200);
});

test("a key without money is told so", async () => {
  provider.addKey("sk-prepaid", { credit: 1 });
  assert.equal(await statusOf("sk-prepaid"), 200);
  const { status, json } = await complete("sk-prepaid");
  assert.equal(status, 400);
  assert.match(json.error.message, /^Your credit balance is too low/);
});

test("a key and a login are revoked, each with a message of its own", async () => {
  provider.addKey("sk-old", { revokedAfter: 1 });
  provider.addLogin({ accessToken: "at-old" }, { revokedAfter: 1 });
  assert.deepEqual([await statusOf("sk-old"), await statusOf("sk-old")], [200, 400]);
  assert.deepEqual([await statusOf("at-old"), await statusOf("at-old")], [200, 403]);
});

test("an overloaded provider serves nobody for a few requests", async () => {
  const busy = await startProvider({ poolKey: "anthropic" });
  for (const key of ["sk-1", "sk-2"]) busy.addKey(key);
  busy.overload({ after: 1, requests: 2 });
  const statuses = [];
  for (const key of ["sk-1", "sk-2", "sk-1", "sk-2"]) statuses.push((await complete(key, busy)).status);
  await busy.close();
  assert.deepEqual(statuses, [200, 529, 529, 200]);
});

for (const key of ["anthropic", "openrouter"]) {
  test(`what the provider of ${key} refuses is judged as what it is`, () => {
    const words = wordingOf(key);
    const judged = (/** @type {import("../provider/answers.mjs").Answer} */ { status, headers, json }) => {
      const said = { status, headers: Object.entries(headers ?? {}), body: JSON.stringify(json) };
      const { kind, hint } = diagnose(key, said, now);
      return hint === undefined ? kind : [kind, hint.until - now];
    };
    assert.deepEqual(judged(words.unknownKey()), "unauthorized");
    assert.deepEqual(judged(words.tokenExpired()), "unauthorized");
    assert.deepEqual([judged(words.revoked(true)), judged(words.revoked(false))], ["revoked", "revoked"]);
    assert.deepEqual(judged(words.noCredit()), "quota");
    assert.deepEqual(judged(words.limited({ limit: 3, endsAt: now + 5000, leftMs: 5000 })), ["rate_limited", 5000]);
    assert.deepEqual(judged(words.overloaded()), "transient");
    assert.deepEqual(judged(words.noModel()), "request_fault");
    assert.deepEqual([judged(words.notFound()), judged(words.wrongMethod())], ["request_fault", "request_fault"]);
  });
}

test("providers of other pools speak as OpenAI does", async () => {
  const other = await startProvider({ poolKey: "openrouter", now: () => now });
  other.addKey("sk-limited", { limit: { requests: 1, windowMs: 61_250 } });
  other.addKey("sk-spent", { credit: 0 });
  await complete("sk-limited", other);
  const [limited, spent, unknown] = [
    await complete("sk-limited", other),
    await complete("sk-spent", other),
    await complete("sk-unknown", other),
  ];
  await other.close();
  assert.deepEqual([limited.status, limited.headers.get("x-ratelimit-reset-requests")], [429, "1m1.25s"]);
  assert.deepEqual([spent.status, spent.json.error.code], [429, "insufficient_quota"]);
  assert.deepEqual([unknown.status, unknown.json.error.code], [401, "invalid_api_key"]);
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

/**
 * @param {string} key
 * @param {import("../provider/provider.mjs").Provider} [from]
 */
async function complete(key, from = provider) {
  return post("/v1/chat/completions", { model: "small" }, { Authorization: `Bearer ${key}` }, from);
}

/** @param {Record<string, string>} fields */
async function refresh(fields) {
  return post("/v1/oauth/token", { grant_type: "refresh_token", ...fields });
}

/**
 * @param {string} path
 * @param {unknown} body
 * @param {Record<string, string>} [headers]
 * @param {import("../provider/provider.mjs").Provider} [to]
 */
async function post(path, body, headers, to = provider) {
  const response = await fetch(to.url + path, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  return { status: response.status, headers: response.headers, json: await response.json() };
}
