// What pool.fetch sends where: addresses, authentication, redirects; and how much it reads.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { limits, MemoryStore, openPool, PoolError, UnservedError } from "credential-pool";

import { until } from "./until.mjs";

const closing = [];
after(() => Promise.all(closing.map((end) => end())));

/** A pool whose provider responds with this function; lists what was sent. */
async function open(rows, answer, options = {}) {
  const { key = "custom:box", ...others } = options;
  const sent = [];
  const fetch = async (url, init) => {
    const request = { url: String(url), method: init.method ?? "GET", headers: Object.fromEntries(new Headers(init.headers)), body: init.body ?? null };
    sent.push(request);
    return answer(request, init);
  };
  const store = new MemoryStore(JSON.stringify({ version: 1, credential_pool: { [key]: rows } }));
  const pool = await openPool({ key, store, fetch, onProblem: (problem) => assert.fail(`${problem}`), ...others });
  closing.push(() => pool.close({ timeoutMs: 0 }).catch(() => {}));
  return { pool, sent };
}

const A = { id: "a", access_token: "sk-a", priority: 0, base_url: "https://a.test/v1" };
const B = { id: "b", access_token: "sk-b", priority: 1, base_url: "https://b.test/openai/v1" };
const keyOf = ({ headers }) => headers.authorization?.replace("Bearer ", "");
const ok = () => new Response("{}");
const limited = (body = "{}") => new Response(body, { status: 429, headers: { "Retry-After": "60" } });

test("a key goes to its own endpoint, also when a client sends the URL of another", async () => {
  const { pool, sent } = await open([A, B], (request) => (keyOf(request) === "sk-a" ? limited() : ok()));
  await pool.fetch("https://a.test/v1/chat?x=1", { method: "POST", body: "{}" });
  assert.deepEqual(sent.map((request) => [request.url, keyOf(request)]), [
    ["https://a.test/v1/chat?x=1", "sk-a"],
    ["https://b.test/openai/v1/chat?x=1", "sk-b"],
  ]);
});

test("no URL leads a key elsewhere", async () => {
  const { pool, sent } = await open([A], ok, { baseUrl: "https://pool.test/v1", origins: ["https://files.test"] });
  for (const url of [
    "https://evil.test/v1/chat", new URL("https://evil.test"), "//evil.test", "/\\/evil.test/x", " //evil.test", "\t//evil.test",
    "../../admin", "/%2e%2e/admin", "https://a.test@evil.test/v1/chat", "http:evil.test", "http://", "data:,x",
  ]) {
    await assert.rejects(pool.fetch(url), (error) => {
      assert.ok(error instanceof PoolError && ["foreign_origin", "invalid_argument"].includes(error.code), `${url} ${error}`);
      return true;
    });
  }
  assert.deepEqual(sent, []);
  for (const [url, expected] of [
    ["chat", "https://a.test/v1/chat"],
    ["/v1/chat", "https://a.test/v1/chat"],
    ["https://pool.test/v1/chat", "https://a.test/v1/chat"],
    [new URL("https://files.test/f?x"), "https://files.test/f?x"],
  ]) {
    await pool.fetch(url);
    assert.equal(sent.at(-1).url, expected);
  }
  await assert.rejects(pool.fetch("https://evil.test"), PoolError);
  assert.equal(pool.core.explain().credentials[0].verdict.type, "chosen", "a refused URL is nobody's failure");
});

test("authentication is the provider's, in place of the client's", async () => {
  for (const [key, row, expected] of [
    ["openrouter", {}, { url: "https://openrouter.ai/api/v1/chat?x=1", headers: { authorization: "Bearer sk-1" } }],
    ["anthropic", { access_token: "sk-ant-api03-1" }, { url: "https://api.anthropic.com/chat?x=1", headers: { "x-api-key": "sk-ant-api03-1" } }],
    ["custom:box", { base_url: "https://h.test/o?api-version=1" }, { url: "https://h.test/o/chat?api-version=1&x=1", headers: { authorization: "Bearer sk-1" } }],
  ]) {
    const { pool, sent } = await open([{ id: "a", access_token: "sk-1", ...row }], ok, { key });
    await pool.fetch("chat?x=1&key=theirs", { headers: { "X-Api-Key": "theirs", Authorization: "Bearer theirs" } });
    const { url, headers } = sent[0];
    assert.deepEqual({ url, headers }, expected);
  }
});

for (const [what, location, from, expected] of [
  ["to its own origin keeps the key", "/v2/x", { method: "POST", body: "b" }, ["https://a.test/v2/x", "sk-a", "POST", "b"]],
  ["elsewhere is followed without the key", "https://b.test/x", { method: "POST", body: "b" }, ["https://b.test/x", undefined, "POST", "b"]],
  ["to another port is elsewhere", "https://a.test:8443/x", {}, ["https://a.test:8443/x", undefined, "GET", null]],
  ["to plain http is elsewhere", "http://a.test/x", {}, ["http://a.test/x", undefined, "GET", null]],
]) {
  test(`a redirect ${what}`, async () => {
    const answer = ({ url }) => (url === "https://a.test/v1/chat" ? new Response(null, { status: 307, headers: { location } }) : ok());
    const { pool, sent } = await open([A], answer);
    const response = await pool.fetch("chat", from);
    const { url, method, body } = sent[1];
    assert.deepEqual([url, keyOf(sent[1]), method, body], expected);
    assert.deepEqual([response.status, response.redirected], [200, true]);
  });
}

test("a redirect elsewhere carries no authentication of any form", async () => {
  const answer = ({ url }) => (url.startsWith("https://a.test") ? new Response(null, { status: 302, headers: { location: "https://b.test/x?key=sk-a" } }) : ok());
  const authorize = (headers, { key }) => headers.set("x-own", `mine ${key}`);
  for (const options of [{ authorize }, {}, { key: "anthropic" }]) {
    const { pool, sent } = await open([A], answer, options);
    await pool.fetch("chat", { headers: { Cookie: "a=1", "X-Other": "stays" } });
    assert.ok(JSON.stringify(sent[0]).includes("sk-a"));
    assert.ok(!JSON.stringify(sent[1]).includes("sk-a"), JSON.stringify(sent[1]));
    assert.equal(sent[1].headers["x-other"], "stays");
  }
});

test("redirects obey the Fetch standard", async () => {
  for (const [status, method, then] of [
    [301, "POST", "GET"], [302, "POST", "GET"], [303, "PUT", "GET"], [303, "HEAD", "HEAD"], [301, "PUT", "PUT"], [307, "POST", "POST"], [308, "PUT", "PUT"],
  ]) {
    const answer = ({ url }) => (url.endsWith("/chat") ? new Response(null, { status, headers: { location: "next" } }) : ok());
    const { pool, sent } = await open([A], answer);
    await pool.fetch("chat", { method, headers: { "Content-Type": "text/plain" }, ...(method === "HEAD" ? {} : { body: "b" }) });
    assert.deepEqual([sent[1].url, sent[1].method], ["https://a.test/v1/next", then], `${status} ${method}`);
    assert.equal("content-type" in sent[1].headers, then === method, `${status} ${method}`);
    assert.equal(sent[1].body, then === method && method !== "HEAD" ? "b" : null, `${status} ${method}`);
  }
  const circle = () => new Response(null, { status: 302, headers: { location: "/v1/chat" } });
  const { pool, sent } = await open([A], circle);
  await assert.rejects(pool.fetch("chat", {}, { patienceMs: 0 }), UnservedError);
  assert.equal(sent.length % 21, 0, "at most 20 redirects of a request");
  const manual = await open([A], circle);
  assert.equal((await manual.pool.fetch("chat", { redirect: "manual" })).status, 302);
  assert.deepEqual([...new Set(manual.sent.map(({ url }) => url))], ["https://a.test/v1/chat"]);
});

test("a browser that hides a redirect is not made to send the key along", async () => {
  const hidden = Object.defineProperty(new Response(null), "type", { value: "opaqueredirect" });
  const { pool } = await open([{ ...A, access_token: "sk-ant-api03-1" }], () => hidden, { key: "anthropic" });
  await assert.rejects(pool.fetch("chat"), /redirect/);
  const answer = (_, init) => (init.redirect === "manual" ? hidden : ok());
  const bearer = await open([A], answer);
  assert.equal((await bearer.pool.fetch("chat")).status, 200);
});

test("nothing that is thrown or printed holds the key", async () => {
  const row = { ...A, access_token: "sk-secret", base_url: "https://user:hunter2@a.test/v1" };
  const { pool } = await open([row], ok);
  const texts = [];
  await pool.fetch("chat").catch((error) => texts.push(`${error.stack}`));
  const authorize = (headers, { key }) => headers.set("x-key", `${key}\n1`);
  const broken = await open([{ ...row, base_url: A.base_url }], ok, { authorize });
  await broken.pool.fetch("chat").catch((error) => texts.push(`${error.stack}`));
  assert.equal(texts.length, 2);
  const log = console.log;
  let credential;
  await pool.run(async (given) => void (credential = given));
  const inspect = credential[Symbol.for("nodejs.util.inspect.custom")] ?? (() => "");
  texts.push(JSON.stringify({ credential }), inspect.call(credential), credential[Symbol.for("Deno.customInspect")](), `${credential}`);
  if (globalThis.process?.getBuiltinModule) texts.push(process.getBuiltinModule("node:util").inspect({ credential }, { depth: 9 }));
  for (const text of texts) assert.doesNotMatch(text, /sk-secret|hunter2/);
  const { key, baseUrl } = credential;
  assert.deepEqual([key, baseUrl, log], ["sk-secret", row.base_url, console.log]);
});

test("a key that no header can carry does not keep a good key from serving", async () => {
  const { pool, sent } = await open([{ ...A, access_token: "sk-\u2018bad\u2019\nx" }, { ...B }], ok);
  assert.equal((await pool.fetch("chat")).status, 200);
  assert.deepEqual(sent.map(keyOf), ["sk-b"]);
  assert.deepEqual([pool.problems[0].code, pool.core.entries()[0].state.type], ["invalid_secret", "unusable_secret"]);
});

/** A body that never ends: it sends `chunk` once or forever. Counts bytes, and says when it was cancelled. */
function endless(chunk, isRepeated) {
  const seen = { bytes: 0, isCancelled: false };
  const body = new ReadableStream({
    pull(controller) {
      if (seen.bytes > 0 && !isRepeated) return new Promise(() => {});
      seen.bytes += chunk.length;
      controller.enqueue(chunk);
    },
    cancel: () => void (seen.isCancelled = true),
  }, { highWaterMark: 0 });
  return { seen, body };
}

for (const [what, isRepeated] of [["stops coming", false], ["comes forever", true]]) {
  test(`a failure whose body ${what} is judged by its beginning, and given up`, async () => {
    const { seen, body } = endless(new TextEncoder().encode(`{"error":{"code":"insufficient_quota"}}${" ".repeat(50_000)}`), isRepeated);
    const { pool } = await open([A, B], (request) => (keyOf(request) === "sk-a" ? new Response(body, { status: 429 }) : ok()));
    assert.equal((await pool.fetch("chat")).status, 200);
    assert.equal(pool.core.explain().credentials[0].verdict.cause.kind, "quota");
    await until(() => seen.isCancelled);
    assert.ok(seen.bytes <= limits().responseBodyBytes + 200_000, `${seen.bytes} bytes`);
  });
}

test("a failure that is handed over keeps its whole body", async () => {
  const text = `{"error":{"message":"messages: Field required"}}${" ".repeat(2_000_000)}`;
  const { pool } = await open([A], () => new Response(text, { status: 400 }));
  const response = await pool.fetch("chat");
  assert.deepEqual([response.status, (await response.text()).length], [400, text.length]);
});

for (const [what, end, expected] of [
  ["the caller's signal", ({ ending }) => ending.abort(new Error("enough")), /enough/],
  ["close", ({ pool }) => pool.close({ timeoutMs: 1 }), /closed/],
]) {
  test(`${what} ends a request while its body is read into memory`, async () => {
    const { pool, sent } = await open([A], ok);
    const { seen, body } = endless(new Uint8Array(10), false);
    const ending = new AbortController();
    const request = assert.rejects(pool.fetch("chat", { method: "POST", body, signal: ending.signal }), expected);
    await until(() => seen.bytes > 0);
    await end({ pool, ending });
    await request;
    await until(() => seen.isCancelled);
    assert.deepEqual(sent, []);
  });
}
