// The host shell: requests that are served or not, what ends them, and what becomes of the store.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { MemoryStore, openPool, PoolError, StoreError, UnservedError } from "credential-pool";

import { startProvider } from "../provider/provider.mjs";
import { until } from "./until.mjs";

const HOUR = 3_600_000;

const closing = [];
after(() => Promise.all(closing.map((end) => end())));

/** A provider with rules for its keys and logins, and a pool of them. */
async function served(key, rows, options = {}) {
  const provider = await startProvider({ poolKey: key });
  closing.push(() => provider.close());
  const store = options.store ?? storeOf(key, rows);
  // No request leaves the machine.
  const fetch = (to, init) => globalThis.fetch(new URL(new URL(to).pathname, provider.url), init);
  const pool = await open({ key, store, fetch, baseUrl: `${provider.url}/v1`, ...options });
  return { provider, pool, store, ask: (init, request) => pool.fetch("chat/completions", question(init), request) };
}

/** A pool whose provider responds with this function. */
async function answered(answer, rows = keys("a", "b"), options = {}) {
  const seen = [];
  const fetch = async (to, init) => {
    const request = new Request(to, init);
    const key = request.headers.get("authorization")?.replace("Bearer ", "") ?? "";
    seen.push(key);
    return answer({ key, request, body: await request.text(), signal: init.signal });
  };
  const { key = "openrouter", store = storeOf(key, rows), ...others } = options;
  return { pool: await open({ key, store, fetch, baseUrl: "http://provider.test/v1", ...others }), store, seen };
}

async function open(options) {
  const pool = await openPool({ onProblem: (problem) => assert.fail(`${problem}`), ...options });
  closing.push(() => pool.close({ timeoutMs: 0 }).catch(() => {}));
  return pool;
}

const storeOf = (key, rows) => new MemoryStore(JSON.stringify({ version: 1, providers: {}, credential_pool: { [key]: rows } }));
const keys = (...names) => names.map((id, priority) => ({ id, access_token: `sk-${id}`, priority, max_in_flight: 1 }));
const login = (fields) => ({ id: "login", auth_type: "oauth", source: "manual", access_token: "at-1", refresh_token: "rt-1", ...fields });
const question = (init) => ({ method: "POST", headers: { "Content-Type": "application/json" }, body: `{"model":"small"}`, ...init });
const json = (status, body, headers) => new Response(JSON.stringify(body), { status, headers });
const limited = () => json(429, { error: { message: "slow down" } }, { "retry-after": "30" });
const rowsOf = (store, key = "openrouter") => JSON.parse(store.text).credential_pool[key];
/** Whether any credential has a request under way, with a limit of one request each. */
const isHeld = (pool) => pool.core.explain().credentials.some(({ verdict }) => verdict.type === "at_cap");

/** Whether this host's `Request` refuses it: Bun takes more than others. */
function isRefusedByHost(init) {
  try {
    return !new Request("http://localhost", init);
  } catch {
    return true;
  }
}

function says(code, fields = {}) {
  return (error) => {
    assert.ok(error instanceof UnservedError, `${error?.stack}`);
    assert.equal(error.code, code);
    for (const [name, value] of Object.entries(fields)) assert.deepEqual(error[name], value);
    assert.doesNotMatch(`${error.stack} ${JSON.stringify(error)}`, /sk-/);
    return true;
  };
}

test("a rate-limited key cools down, another key serves, and the document is updated", async () => {
  const { provider, pool, store, ask } = await served("openrouter", keys("a", "b"));
  provider.addKey("sk-a", { limit: { requests: 1, windowMs: HOUR } });
  provider.addKey("sk-b");
  for (let i = 0; i < 3; i += 1) {
    const response = await ask();
    assert.equal((await response.json()).choices[0].message.role, "assistant");
  }
  assert.deepEqual([...provider.statuses], [[200, 3], [429, 1]]);
  await pool.close();
  const [a, b] = rowsOf(store);
  assert.deepEqual([a.last_status, a.last_error_reason, a.request_count, b.request_count], ["exhausted", "rate_limited", 2, 2]);
});

test("a short limit is waited out", async () => {
  const { provider, ask } = await served("openrouter", keys("a"));
  provider.addKey("sk-a", { limit: { requests: 1, windowMs: 1100 } });
  assert.deepEqual([(await ask()).status, (await ask()).status], [200, 200]);
  assert.equal(provider.statuses.get(429), 1);
});

test("a login that is due is refreshed once for all who want it, and again when it is refused", async () => {
  const { provider, pool, store, ask } = await served("anthropic", [login({ expires_at_ms: Date.now() })]);
  provider.addLogin({
    accessToken: "at-1",
    refreshToken: "rt-1",
    endsAt: 0,
    grants: [{ lifetimeMs: HOUR, uses: 3 }, { lifetimeMs: HOUR, uses: Infinity }],
  });
  const statuses = await Promise.all([ask(), ask(), ask()]);
  assert.deepEqual(statuses.map(({ status }) => status), [200, 200, 200]);
  assert.equal(provider.refreshes, 1);
  assert.equal((await ask()).status, 200);
  assert.deepEqual([provider.refreshes, provider.reuses], [2, 0]);
  await pool.close();
  assert.deepEqual(rowsOf(store, "anthropic").map(({ access_token }) => access_token), [pool.core.runtime("login").key]);
});

test("a refresh of two requests is carried through: tokens, then a key", async () => {
  const paths = [];
  const { pool, store } = await answered(
    ({ key, request }) => {
      paths.push(new URL(request.url).pathname);
      if (request.url.endsWith("/token")) return json(200, { access_token: "at-2", refresh_token: "rt-2", expires_in: 3600 });
      if (request.url.endsWith("/agent-key")) {
        assert.equal(rowsOf(store, "nous")[0].refresh_token, "rt-2", "written before anything else is sent");
        return json(200, { api_key: "ak-2", expires_in: 3600 });
      }
      return key === "ak-2" ? json(200, {}) : json(401, { error: { message: "expired" } });
    },
    [login({ portal_base_url: "http://portal.test", agent_key: "ak-1" })],
    { key: "nous" },
  );
  assert.equal((await pool.fetch("/chat")).status, 200);
  assert.deepEqual(paths, ["/v1/chat", "/api/oauth/token", "/api/oauth/agent-key", "/v1/chat"]);
});

test("what no credential can help with is answered as the provider did", async () => {
  const { pool, seen } = await answered(() => json(400, { error: { message: "messages: Field required" } }));
  const response = await pool.fetch("chat");
  assert.deepEqual([response.status, await response.json()], [400, { error: { message: "messages: Field required" } }]);
  assert.equal(seen.length, 1);
});

test("if none can serve, the error says why and until when", async () => {
  const { pool } = await answered(limited);
  const before = Date.now();
  await assert.rejects(pool.fetch("chat", {}, { patienceMs: 1000 }), (error) => {
    assert.ok(says("exhausted")(error) && error.retryAt >= before + 29_000 && error.retryAt <= before + 40_000);
    assert.equal(error.last.status, 429);
    return true;
  });
  const { pool: empty } = await answered(limited, []);
  await assert.rejects(empty.fetch("chat"), says("empty", { retryAt: null }));
});

test("no answer is tried again, and thrown in the end", async () => {
  const cause = new TypeError("fetch failed");
  let left = 2;
  const { pool, seen } = await answered(() => {
    if ((left -= 1) >= 0) throw cause;
    return json(200, {});
  });
  assert.equal((await pool.fetch("chat")).status, 200);
  assert.equal(seen.length, 3);
  left = Infinity;
  await assert.rejects(pool.fetch("chat", {}, { patienceMs: 100 }), says("exhausted", { cause }));
});

test("a body is sent again with each attempt, also one that is a stream", async () => {
  for (const body of ["hello", new Blob(["hello"]).stream(), new URLSearchParams("hello"), new TextEncoder().encode("hello")]) {
    const bodies = [];
    const { pool } = await answered(({ key, body }) => (bodies.push(body), key === "sk-a" ? limited() : json(200, {})));
    await pool.fetch("chat", { method: "POST", body });
    assert.deepEqual(bodies.map((sent) => sent.replace("=", "")), ["hello", "hello"]);
  }
});

test("what is no request is thrown at once", async () => {
  const { pool, seen } = await answered(limited);
  const inits = [{ method: "GET", body: "x" }, { headers: { "a b": "c" } }, { method: "a b" }];
  for (const init of inits.filter(isRefusedByHost)) {
    await assert.rejects(pool.fetch("chat", init), TypeError);
  }
  await assert.rejects(pool.fetch("http://"), PoolError);
  assert.deepEqual([seen, isHeld(pool)], [[], false]);
});

test("an answer that streams is handed over with its head, and stays the caller's", async () => {
  let controller;
  const stream = new ReadableStream({ start: (given) => void (controller = given) });
  const { pool } = await answered(() => new Response(stream));
  const ending = new AbortController();
  const response = await pool.fetch("chat", { signal: ending.signal });
  assert.deepEqual([response.bodyUsed, isHeld(pool)], [false, false]);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (const part of ["one", "two"]) {
    controller.enqueue(new TextEncoder().encode(part));
    assert.equal((await reader.read()).value, part);
  }
  await pool.close();
  controller.enqueue(new TextEncoder().encode("three"));
  assert.equal((await reader.read()).value, "three", "also after the pool has closed");
});

test("the caller's signal reaches an answer's body", async () => {
  const server = createServer((_, response) => void response.writeHead(200).write("begins and does not end"));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => (server.close(), server.closeAllConnections()));
  const baseUrl = `http://127.0.0.1:${server.address().port}`;
  const pool = await open({ key: "openrouter", store: storeOf("openrouter", keys("a")), baseUrl });
  const ending = new AbortController();
  const response = await pool.fetch("chat", { signal: ending.signal });
  ending.abort(new Error("enough"));
  await assert.rejects(response.text(), /enough|abort/i);
});

test("how a credential is put into a request, and where that goes", async () => {
  const sent = [];
  const authorize = (headers, { id, key }) => {
    headers.set("x-api-key", key);
    headers.set("x-id", id);
  };
  const fetch = async (to, { headers }) => (sent.push([to.href, headers.get("x-api-key"), headers.get("authorization")]), json(200, {}));
  const rows = [{ ...keys("a")[0], base_url: "https://own.test/api" }];
  const pool = await open({ key: "openrouter", store: storeOf("openrouter", rows), authorize, fetch, baseUrl: "https://others.test" });
  await pool.fetch("/chat?x=1");
  await pool.fetch("https://others.test/chat");
  await pool.fetch(new URL("https://own.test/api/chat"), { headers: { "X-Api-Key": "theirs" } });
  const own = ["https://own.test/api/chat", "sk-a", null];
  assert.deepEqual(sent, [["https://own.test/api/chat?x=1", "sk-a", null], own, own]);
  const nowhere = await open({ key: "custom:box", store: storeOf("custom:box", keys("a")), fetch });
  await assert.rejects(nowhere.fetch("chat"), /no base URL/);
  assert.equal(isHeld(nowhere), false);
});

for (const [stage, options] of [
  ["before it begins", { isEarly: true }],
  ["while it is sent", { answer: ({ signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))) }],
  ["while it is sent by what does not listen", { answer: () => new Promise(() => {}) }],
  ["while it waits for a retry", { answer: () => json(529, { error: { message: "overloaded" } }) }],
  ["while it waits for a credential", { answer: limited, patienceMs: HOUR }],
  ["while it waits for another request", { answer: () => json(200, {}), isTaken: true }],
  ["while it waits for a refresh", {
    answer: () => sleep(200).then(() => json(503, {})), key: "anthropic", rows: [login({ expires_at_ms: 1, max_in_flight: 1 })],
  }],
]) {
  test(`a request is ended ${stage}: its caller is told why, and no lease is left`, async () => {
    const { isEarly = false, isTaken = false, answer = limited, patienceMs = 50_000, rows = keys("a"), key = "openrouter" } = options;
    const { pool, seen } = await answered(answer, rows, { key });
    let free = () => {};
    const other = isTaken ? pool.run(() => new Promise((resolve) => (free = resolve))) : undefined;
    const ending = new AbortController();
    const reason = new Error("enough");
    if (isEarly) ending.abort(reason);
    const request = pool.fetch("chat", { signal: ending.signal }, { patienceMs });
    setTimeout(() => ending.abort(reason), 60);
    await assert.rejects(request, (error) => error === reason);
    free();
    await other;
    assert.equal(isHeld(pool), false);
    assert.equal(seen.length, isEarly || isTaken ? 0 : seen.length || 1);
  });
}

test("run: what a function answers and throws, and what comes of it", async () => {
  const failing = (fields) => Object.assign(new Error("no"), fields);
  const limit = { status: 429, headers: { "retry-after": "30" }, error: { message: "slow down" } };
  for (const [what, first, expected] of [
    ["a value without a status was served", () => "done", "done"],
    ["nothing was served as well", () => undefined, undefined],
    ["a response is judged", () => limited(), "second"],
    ["an answer is judged", () => limit, "second"],
    ["an error with a status is an answer", () => { throw failing(limit); }, "second"],
    ["an error of the network is none", () => { throw new TypeError("fetch failed"); }, "again"],
    ["nor is one without its status", () => { throw failing({ status: undefined }); }, "again"],
    ["nor is a connection that broke", () => { throw failing({ code: "ECONNRESET" }); }, "again"],
    ["nor is a timeout", () => { throw new DOMException("late", "TimeoutError"); }, "again"],
    ["an answer that nobody could change is handed over", () => ({ status: 400, body: "messages: Field required" }), { status: 400, body: "messages: Field required" }],
  ]) {
    const { pool } = await answered();
    let attempts = 0;
    const answer = await pool.run(async ({ key }) => {
      attempts += 1;
      if (attempts > 1) return key === "sk-b" ? "second" : "again";
      return first();
    });
    assert.deepEqual(answer, expected, what);
    assert.equal(isHeld(pool), false, what);
  }
});

test("run: an error that is nobody's answer ends the request, and an answer that was thrown is thrown in the end", async () => {
  const { pool } = await answered();
  const mistakes = [new TypeError("x is not a function"), new RangeError("no"), "text", undefined];
  for (const mistake of mistakes) {
    await assert.rejects(pool.run(async () => { throw mistake; }), (error) => error === mistake);
    assert.equal(isHeld(pool), false);
  }
  const bad = Object.assign(new Error("bad"), { status: 400, error: { message: "messages: Field required" } });
  await assert.rejects(pool.run(async () => { throw bad; }), (error) => error === bad);
  await assert.rejects(pool.run(async () => 1, { patienceMs: -1 }), PoolError);
});

test("what other hosts write is taken in, and what this one writes is there for them", async () => {
  const store = storeOf("openrouter", keys("a"));
  const { pool } = await answered(({ key }) => json(key === "sk-b" ? 200 : 401, {}), [], { store });
  const other = await open({ key: "openrouter", store: new MemoryStore(store) });
  const id = await other.do((core) => core.add({ access_token: "sk-b" }));
  await until(() => pool.core.entries().length === 2);
  assert.equal((await pool.fetch("chat")).status, 200);
  const states = () => other.core.entries().map((entry) => [entry.id, entry.state.type]);
  await until(() => states()[0][1] !== "available");
  assert.deepEqual(states(), [["a", "cooling_down"], [id, "available"]]);
});

/** A store that can be told to fail. */
class Unsteady extends MemoryStore {
  fails = false;
  commits = 0;
  async commit(...words) {
    this.commits += 1;
    if (this.fails) throw new StoreError("unwritable", "the disk is full: make room");
    await super.commit(...words);
  }
}

test("a store that cannot be written: the host is told, requests go on, and all is written once it can be", async () => {
  const store = new Unsteady(storeOf("openrouter", keys("a", "b")).text);
  const problems = [];
  const { pool } = await answered(({ key }) => (key === "sk-a" ? limited() : json(200, {})), [], {
    store, onProblem: (problem) => problems.push(problem.code),
  });
  store.fails = true;
  assert.equal((await pool.fetch("chat")).status, 200);
  await until(() => problems.length > 0);
  assert.deepEqual([problems, pool.unsaved, rowsOf(store)[0].last_status], [["unwritable"], true, undefined]);
  await assert.rejects(pool.close(), { code: "unwritable" });
  assert.equal(pool.unsaved, true);
  store.fails = false;
  await pool.close();
  const [a, b] = rowsOf(store);
  assert.deepEqual([pool.unsaved, a.last_status, a.request_count, b.request_count], [false, "exhausted", 1, 1]);
});

test("a store that recovers is written to by itself", async () => {
  const store = new Unsteady(storeOf("openrouter", keys("a", "b")).text);
  const problems = [];
  const { pool } = await answered(limited, [], { store, onProblem: (problem) => problems.push(problem.code) });
  store.fails = true;
  await pool.do((core) => core.remove("b"));
  store.fails = false;
  await until(() => !pool.unsaved);
  assert.deepEqual([problems, rowsOf(store).map(({ id }) => id)], [["unwritable"], ["a"]]);
});

test("writes that wait for one another are written as one", async () => {
  const store = new Unsteady(storeOf("openrouter", keys("a")).text);
  const { pool } = await answered(limited, [], { store });
  await Promise.all(Array.from({ length: 20 }, (_, n) => pool.do((core) => core.add({ access_token: `sk-${n}` }))));
  assert.equal(rowsOf(store).length, 21);
  assert.ok(store.commits <= 2, `${store.commits} commits`);
});

test("a refresh that cannot be announced is not sent", async () => {
  const store = new Unsteady(storeOf("anthropic", [login({ expires_at_ms: Date.now() + 60_000 })]).text);
  const { pool, seen } = await answered(() => json(200, {}), [], { key: "anthropic", store, onProblem: () => {} });
  store.fails = true;
  assert.equal((await pool.fetch("chat")).status, 200, "the token serves while it is valid");
  assert.deepEqual(seen, ["at-1"]);
  assert.equal(rowsOf(store, "anthropic")[0].refresh_token, "rt-1");
});

test("a lock that cannot be had, and a store that cannot be read: nothing is sent", async () => {
  for (const method of ["lock", "read"]) {
    const store = storeOf("anthropic", [login({ expires_at_ms: Date.now() + 60_000 })]);
    const problems = [];
    const { pool, seen } = await answered(() => json(200, {}), [], {
      key: "anthropic", store, onProblem: (problem) => problems.push(problem.code),
    });
    store[method] = async () => { throw new StoreError("locked", "held by others: try again"); };
    assert.equal((await pool.fetch("chat")).status, 200);
    assert.deepEqual([seen, problems], [["at-1"], ["locked"]], method);
  }
});

test("closing waits for requests and refreshes, takes no more, and writes what is unsaved", async () => {
  let answer;
  const { pool, store } = await answered(() => new Promise((resolve) => (answer = resolve)), keys("a"));
  const request = pool.fetch("chat");
  await until(() => answer !== undefined);
  const closed = pool.close();
  await assert.rejects(pool.fetch("chat"), says("closed"));
  answer(json(200, {}));
  assert.equal((await request).status, 200);
  await closed;
  assert.equal(rowsOf(store)[0].request_count, 1);
});

test("closing with a limit of time ends the requests that are still under way", async () => {
  const { pool } = await answered(() => new Promise(() => {}), keys("a"));
  const request = assert.rejects(pool.fetch("chat"), says("closed"));
  await until(() => isHeld(pool));
  await pool.close({ timeoutMs: 20 });
  await request;
  assert.equal(isHeld(pool), false);
});

test("a pool can be disposed of", async () => {
  const { pool, store } = await answered(() => json(200, {}), keys("a"));
  await pool.fetch("chat");
  await pool[Symbol.asyncDispose]();
  assert.equal(rowsOf(store)[0].request_count, 1);
});

test("events are told, and strategy and policy are stored", async () => {
  const told = [];
  const { pool, store } = await answered(({ key }) => (key === "sk-a" ? limited() : json(200, {})), keys("a", "b"), {
    strategy: "round_robin", policy: { patience_ms: 5 }, onEvent: ({ credential, what }) => told.push(`${credential} ${what.type}`),
  });
  await pool.fetch("chat");
  assert.deepEqual(told.filter((event) => !event.endsWith("chosen")), ["a cooling_down"]);
  const document = JSON.parse(store.text);
  assert.equal(document.credential_pool_strategies.openrouter, "round_robin");
  assert.equal(document.credential_pool_policies.openrouter.patience_ms, 5);
});

test("a change that the document cannot take is told once, and holds up no other", async () => {
  const text = JSON.stringify({ credential_pool: { openrouter: keys("a", "b") }, credential_pool_strategies: "random" });
  const problems = [];
  const { pool, store } = await answered(({ key }) => (key === "sk-a" ? limited() : json(200, {})), [], {
    store: new MemoryStore(text), strategy: "round_robin", policy: { patience_ms: 5 },
    onProblem: ({ code, pointer }) => problems.push(`${code} ${pointer}`),
  });
  await pool.fetch("chat");
  await pool.close();
  const document = JSON.parse(store.text);
  assert.equal(document.credential_pool_strategies, "random", "what cannot be read stays");
  assert.equal(document.credential_pool_policies.openrouter.patience_ms, 5);
  assert.equal(rowsOf(store)[0].last_status, "exhausted");
  assert.deepEqual(problems, ["invalid_document /credential_pool_strategies"]);
});

test("a pool that cannot be opened rejects", async () => {
  await assert.rejects(openPool({ key: "openrouter", store: new MemoryStore("[]") }), { code: "invalid_document" });
  await assert.rejects(openPool({ key: " ", store: new MemoryStore() }), { code: "invalid_argument" });
  await assert.rejects(open({ key: "x", store: new MemoryStore(), strategy: "best" }), { code: "unknown_strategy" });
});
