// The JavaScript face, in every host alike: Node and Deno run this very file.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  applyChanges, applyToDocument, checkDocument, CredentialPool, customPools, diagnose, emptyDocument, PoolError, pools,
  poolKeyForBaseUrl, poolName, providers, readDocument, readPolicy, wanted,
} from "credential-pool";

const NOW = 1_775_757_580_463;
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const seeded = { random: (length) => new Uint8Array(length).fill(7) };

const key = (id, priority) => ({ id, source: "manual", access_token: `sk-${id}`, priority });

const login = (id, expiresAt) => ({
  id, source: "manual:hermes_pkce", auth_type: "oauth", access_token: `at-${id}`, refresh_token: `rt-${id}`,
  expires_at_ms: expiresAt,
});

function open(rows, { key = "openrouter", ...options } = {}) {
  return CredentialPool.open({ key, stored: { rows }, now: NOW, host: seeded, ...options });
}

const refuses = (call, code, pointer) =>
  assert.throws(call, (error) => {
    assert.ok(error instanceof PoolError, `${error}`);
    assert.ok(error instanceof Error);
    assert.equal(error.name, "PoolError");
    assert.equal(error.code, code);
    assert.equal(error.pointer, pointer);
    assert.ok(error.message.length > 20, "a message says what to do");
    return true;
  });

test("a pool has one canonical key", () => {
  assert.deepEqual(["openrouter", "OpenRouter", "Custom:Mine"].map(poolName), ["openrouter", "openrouter", "custom:mine"]);
  refuses(() => poolName(" "), "invalid_argument", "/key");
});

describe("decisions", () => {
  test("a pool selects, counts, cools down and writes", () => {
    const { pool, value, intents, wake } = open([key("a", 0), key("b", 1)]);
    assert.deepEqual({ value, intents, wake }, { value: { hasCredentials: true, problems: [] }, intents: [], wake: null });

    assert.deepEqual(pool.select(NOW), { value: { type: "selected", credential: "a" }, intents: [], events: [], wake: null });
    assert.deepEqual(pool.runtime("a"), {
      key: "sk-a",
      baseUrl: null,
      auth: {
        headers: [["authorization", "Bearer sk-a"]],
        append: [],
        query: [],
        remove: {
          headers: ["api-key", "chatgpt-account-id", "x-api-key", "x-goog-api-key"],
          query: ["access_token", "api-key", "key"],
        },
      },
    });
    assert.deepEqual(pool.markUsed("a"), {
      value: null, intents: [], events: [], wake: { at: NOW + 10 * SECOND, reason: "unsaved_changes" },
    });

    const step = pool.rotate("a", { status: 429 }, NOW);
    assert.deepEqual(step.value, { type: "selected", credential: "b" });
    assert.deepEqual(step.wake, { at: NOW + HOUR, reason: "cooldown_ends" });
    const { host } = step.intents[0].changes[0].by;
    assert.deepEqual(step.intents, [{
      type: "persist",
      id: 1,
      changes: [
        { by: { at: NOW * 1000 + 1, host }, type: "status", id: "a", status: "exhausted", at: NOW / 1000, errorCode: 429 },
        { by: { at: NOW * 1000 + 2, host }, type: "used", id: "a", count: 1 },
      ],
    }]);
    assert.deepEqual(pool.settle(1, { type: "saved" }, NOW).value, { type: "saved" });
    assert.deepEqual(pool.rotate("b", {}, NOW).value, { type: "exhausted", retryAt: NOW + HOUR });
    assert.deepEqual(pool.entries(NOW).map((entry) => entry.state), [
      { type: "cooling_down", until: NOW + HOUR, errorCode: 429 },
      { type: "cooling_down", until: NOW + 24 * HOUR, errorCode: null },
    ]);
    assert.equal(pool.current(), null);
    assert.equal(pool.peek(NOW + HOUR), "a");
    assert.equal(pool.reset(null, NOW).value, 2);
    assert.equal(pool.peek(NOW), "a");
  });

  test("a login is refreshed before it is used, once", () => {
    const { pool } = open([login("a", NOW + 60 * SECOND)], { key: "anthropic" });
    const step = pool.select(NOW);
    assert.deepEqual(step.value, { type: "refreshing", credential: "a", intent: 1 });
    const [{ request, ...intent }] = step.intents;
    assert.deepEqual(intent, { type: "refresh", id: 1, credential: "a" });
    assert.equal(request.method, "POST");
    assert.equal(request.timeoutMs, 10_000);
    assert.ok(request.headers.every(([name, value]) => typeof name === "string" && typeof value === "string"));
    assert.deepEqual(JSON.parse(request.body).refresh_token, "rt-a");
    assert.deepEqual(pool.refresh("a", NOW), { value: { credential: "a", intent: 1 }, intents: [], events: [], wake: null });

    const set = { access_token: "at-2", refresh_token: "rt-2", expires_at_ms: NOW + HOUR };
    const settled = pool.settle(1, { type: "tokens", set }, NOW);
    assert.deepEqual(settled.value, { type: "refreshed", credential: "a" });
    assert.equal(settled.intents[0].changes[0].type, "tokens");
    assert.equal(pool.runtime("a").key, "at-2");
    assert.deepEqual(pool.outstanding(), settled.intents);
    refuses(() => pool.settle(1, { type: "refused" }, NOW), "already_settled");
  });

  test("administration answers steps like everything else", () => {
    const { pool } = open([key("a", 0), key("b", 1), key("c", 2)]);
    const added = pool.add({ access_token: "sk-new", mine: { deep: true } }, NOW).value;
    assert.match(added, /^[0-9a-f]{6}$/);
    pool.moveTo(added, 0, NOW);
    pool.update("c", { label: "third", base_url: "http://c.test" }, NOW);
    pool.remove("b", NOW);
    pool.setStrategy("round_robin", NOW);
    assert.equal(pool.strategy(), "round_robin");
    assert.equal(pool.key(), "openrouter");
    assert.equal(pool.hasCredentials(), true);
    assert.deepEqual(pool.entries(NOW).map(({ id, label }) => [id, label]), [[added, "openrouter"], ["a", "manual"], ["c", "third"]]);
    assert.deepEqual(pool.rows()[0].mine, { deep: true });
    const [{ changes }] = pool.flush(NOW).intents;
    assert.equal(changes[0].type, "add");
    assert.ok(changes.some((change) => change.type === "remove" && change.id === "b"), "changes that wait ride along");
  });

  test("time and randomness are the host's, or the platform's", () => {
    const clock = { now: NOW };
    const host = { ...seeded, now: () => clock.now };
    const { pool } = CredentialPool.open({ key: "openrouter", stored: { rows: [key("a", 0)] }, host });
    assert.equal(pool.rotate("a", { status: 429 }).value.retryAt, NOW + HOUR);
    clock.now += HOUR;
    assert.equal(pool.select().value.type, "selected");

    const own = CredentialPool.open({ key: "openrouter", stored: { rows: [{ access_token: "sk" }] } });
    const { retryAt } = own.pool.rotate(own.pool.peek(), { status: 429 }).value;
    assert.ok(Math.abs(retryAt - HOUR - Date.now()) < 60 * SECOND);
    const ids = [1, 2].map(() => open([{ access_token: "sk" }]).pool.peek(NOW));
    assert.equal(ids[0], ids[1], "the same randomness makes the same ids");
    assert.notEqual(own.pool.peek(), ids[0]);
  });

  test("answers of the hot path are made once, and nobody can change them", () => {
    const { pool } = open([key("a", 0)]);
    const step = pool.select(NOW);
    assert.equal(pool.select(NOW), step);
    assert.ok(Object.isFrozen(step) && [step.value, step.intents, step.events].every(Object.isFrozen));
    pool.markUsed("a");
    assert.notEqual(pool.select(NOW), step, "the wake is another");
    assert.equal(pool.markUsed("a"), pool.markUsed("a"));
  });
});

describe("leases", () => {
  const served = { status: 200 };
  const limited = (seconds) => ({ status: 429, headers: seconds === undefined ? [] : [["Retry-After", `${seconds}`]] });
  const texts = (said) => said.map(({ text }) => text);

  /** Acts as a host for one request: each attempt gets the next response, each wait is waited out. */
  function serve(pool, request, ...answers) {
    const moves = [];
    let now = NOW;
    let move = pool.lease(request, now).value;
    while (moves.length < 20) {
      moves.push(move.credential === undefined ? move.type : `${move.type} ${move.credential}`);
      if (move.lease === undefined) return { moves, now };
      now = move.until ?? now;
      move = move.type === "use" ? pool.report(move.lease, answers.shift(), now).value : pool.resume(move.lease, now).value;
    }
    return assert.fail(`the request does not end: ${moves}`);
  }

  test("a request goes on through a limit, with another credential, to its answer", () => {
    const { pool } = open([key("a", 0), key("b", 1)]);
    const { moves, now } = serve(pool, { model: "small" }, limited(), limited(), served);
    assert.deepEqual(moves, ["use a", "retry a", "use a", "use b", "served"]);
    assert.ok(now > NOW && now < NOW + 2 * SECOND, "a limit that tells no time is waited out once");
    assert.deepEqual(pool.entries(now).map(({ requestCount }) => requestCount), [2, 1], "uses count by themselves");

    for (const answer of [served, { status: 400, body: '{"error":{"code":"context_length_exceeded"}}' }]) {
      const { pool } = open([key("a", 0)]);
      assert.equal(serve(pool, undefined, answer).moves.at(-1), answer === served ? "served" : "give_up");
    }
    assert.deepEqual(serve(open([]).pool, null).moves, ["empty"]);
  });

  test("each step tells what happened, for programs and as a line of text", () => {
    const { pool } = open([key("a", 0), key("b", 1)]);
    const first = pool.lease({}, NOW);
    assert.deepEqual(first.events, [{
      credential: "a",
      what: { type: "chosen", lease: first.value.lease, by: { type: "strategy", strategy: "fill_first" } },
      text: `serves lease ${first.value.lease}: next by fill_first`,
    }]);

    const second = pool.report(first.value.lease, limited(12), NOW);
    assert.deepEqual(second.value, { type: "use", lease: second.value.lease, credential: "b" });
    const why = "rate_limited (429, Retry-After) at 2026-04-09T17:59:40Z";
    assert.deepEqual(texts(second.events), [
      `cools down until 2026-04-09T17:59:52Z: ${why}`,
      `serves lease ${second.value.lease}: next by fill_first`,
    ]);
    assert.deepEqual(second.events[0].what, {
      type: "cooling_down",
      until: NOW + 12 * SECOND,
      cause: { kind: "rate_limited", status: 429, at: NOW, hint: "retry_after" },
    });
    const changes = second.intents.flatMap((intent) => intent.changes);
    assert.ok(changes.some(({ type, id }) => type === "status" && id === "a"), "the cooldown has to be saved");

    const explained = pool.explain({}, NOW);
    assert.equal(explained.next.credential, "b");
    assert.deepEqual(texts(explained.credentials), [`cools down until 2026-04-09T17:59:52Z: ${why}`, "serves, next by fill_first"]);
    assert.deepEqual(pool.explain(undefined, NOW), explained, "an explanation changes nothing");
  });

  test("after a cooldown one probe goes first, and other requests wait for its success", () => {
    const { pool } = open([key("a", 0), key("b", 1)]);
    pool.report(pool.lease({}, NOW).value.lease, limited(12), NOW);
    const later = NOW + 12 * SECOND;
    const probe = pool.lease({}, later).value;
    assert.deepEqual([probe.credential, pool.lease({}, later).value.credential], ["a", "b"]);
    assert.deepEqual(pool.explain({}, later).credentials[0].verdict, { type: "half_open", lease: probe.lease });
    const step = pool.report(probe.lease, served, later);
    assert.deepEqual(step.value, { type: "served" });
    assert.deepEqual(texts(step.events), ["has recovered: its probe was served"]);
    assert.equal(pool.lease({}, later).value.credential, "a");
  });

  test("a login is refreshed first, and the request resumed", () => {
    const { pool } = open([login("a", NOW + MINUTE)], { key: "anthropic" });
    const step = pool.lease({}, NOW);
    const { lease, ...move } = step.value;
    assert.deepEqual(move, { type: "refresh", credential: "a", intent: step.intents.find(({ type }) => type === "refresh").id });
    pool.settle(move.intent, { type: "tokens", set: { access_token: "at-2", expires_at_ms: NOW + HOUR } }, NOW);
    assert.equal(pool.resume(lease, NOW).value.type, "use");
    assert.equal(pool.runtime("a").key, "at-2");
  });

  test("a session stays with its credential", () => {
    const { pool } = open([key("a", 0), key("b", 1), key("c", 2)]);
    const steps = [1, 2, 3].map(() => pool.lease({ affinity: "session" }, NOW));
    assert.equal(new Set(steps.map(({ value }) => value.credential)).size, 1);
    assert.deepEqual(steps[0].events[0].what.by, { type: "affinity" });
  });

  test("a lease without a report expires, and a later report is late", () => {
    const { pool } = open([key("a", 0)]);
    const { lease } = pool.lease({}, NOW).value;
    for (const { id } of pool.flush(NOW).intents) pool.settle(id, { type: "saved" }, NOW);
    assert.deepEqual(pool.wake(), { at: NOW + 10 * MINUTE, reason: "lease_ends" });
    assert.deepEqual(texts(pool.tick(NOW + 10 * MINUTE).events), [`is freed: lease ${lease} expired without a report`]);
    assert.deepEqual(pool.report(lease, served, NOW + 11 * MINUTE).value, { type: "late", served: true });
  });

  test("a fetch response is spelled out, and its headers may stay as they are", () => {
    const { pool } = open([key("a", 0), key("b", 1)]);
    const { lease } = pool.lease({}, NOW).value;
    const response = new Response("slow down", { status: 429, headers: { "Retry-After": "30" } });
    refuses(() => pool.report(lease, response, NOW), "invalid_argument", "/response");
    refuses(() => pool.report(lease, { status: 429, headers: new Map([[1, "x"]]) }, NOW), "invalid_argument", "/response/headers/0/0");
    const { status, headers } = response;
    assert.equal(pool.report(lease, { status, headers, body: "slow down" }, NOW).value.credential, "b");
    assert.equal(pool.explain({}, NOW).credentials[0].verdict.until, NOW + 30 * SECOND);
  });

  test("a lease is used as its last move says, and once", () => {
    const { pool } = open([key("a", 0)]);
    for (const call of [(id) => pool.resume(id, NOW), (id) => pool.report(id, served, NOW), (id) => pool.release(id, NOW)]) {
      refuses(() => call(99), "unknown_lease");
      for (const id of [undefined, null, "1", 1.5, -1, {}]) refuses(() => call(id), "invalid_argument", "/lease");
    }
    const { lease } = pool.lease({}, NOW).value;
    refuses(() => pool.report(lease, undefined, NOW), "invalid_argument", "/response");
    refuses(() => pool.report(lease, { status: "429" }, NOW), "invalid_argument", "/response/status");
    const retry = pool.report(lease, limited(), NOW).value;
    assert.equal(retry.type, "retry");
    refuses(() => pool.report(retry.lease, served, NOW), "lease_waits");
    assert.equal(pool.release(retry.lease, NOW).value, null);
    refuses(() => pool.release(retry.lease, NOW), "lease_ended");
    refuses(() => pool.lease({ patienceMs: -1 }, NOW), "invalid_argument", "/request/patienceMs");
    refuses(() => pool.lease({ credential: "a" }, NOW), "invalid_argument", "/request/credential");
    refuses(() => pool.explain("small", NOW), "invalid_argument", "/request");
  });

  test("a policy is a preset and what differs from it", () => {
    const { pool } = open([key("a", 0), key("b", 1)]);
    assert.deepEqual(pool.policy(), { preset: "adaptive" });
    assert.equal(readPolicy(pool.policy()).failures.quota.cooldown_ms, HOUR);
    refuses(() => pool.setPolicy({ preset: "strict" }, NOW), "invalid_policy", "/preset");
    refuses(() => readPolicy({ failures: { quota: { cooldown_ms: "soon" } } }), "invalid_policy", "/failures/quota/cooldown_ms");

    const policy = { preset: "adaptive", failures: { rate_limited: { retries: 0 } } };
    const [{ changes }] = pool.setPolicy(policy, NOW).intents;
    assert.deepEqual(changes.map(({ by: _, ...edit }) => edit), [{ type: "set_policy", policy }]);
    assert.deepEqual(applyChanges("openrouter", {}, changes).policy, policy);
    assert.deepEqual(pool.policy(), policy);
    assert.deepEqual(serve(pool, {}, limited(), served).moves, ["use a", "use b", "served"]);
  });
});

describe("discovery", () => {
  test("a host shows what is wanted", () => {
    assert.deepEqual(wanted("anthropic"), {
      env: ["ANTHROPIC_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_API_KEY"],
      config: ["credential_pool_strategies", "credential_pool_policies"],
      fileLogins: ["hermes_pkce", "claude_code"],
      documentLogins: [],
    });
    const { pool, intents } = open([], {
      key: "huggingface",
      sources: { env: { HF_TOKEN: " hf-1 ", PATH: undefined }, config: { credential_pool_strategies: { huggingface: "RANDOM" } } },
    });
    assert.equal(pool.strategy(), "random");
    assert.equal(pool.entries(NOW)[0].source, "env:HF_TOKEN");
    assert.equal(intents[0].changes[0].row.access_token, "hf-1");
  });

  test("a custom endpoint is found by its base URL", () => {
    const config = { custom_providers: [null, { name: 7 }, { name: " My Box ", base_url: "http://box.test/v1/" }] };
    assert.equal(poolKeyForBaseUrl(" http://box.test/v1", config), "custom:my-box");
    assert.equal(poolKeyForBaseUrl("http://other.test", config), null);
  });
});

describe("failures", () => {
  test("an answer is judged by what the provider says, not by its status alone", () => {
    const error = { type: "invalid_request_error", message: "Your credit balance is too low to access the Anthropic API." };
    const spent = { status: 400, body: JSON.stringify({ type: "error", error }) };
    assert.deepEqual(diagnose("anthropic", spent, NOW), { kind: "quota", fault: "credential", namesModel: false });

    const headers = [...new Headers({ "Retry-After": "12" })];
    assert.deepEqual(diagnose("openrouter", { status: 429, headers }, NOW), {
      kind: "rate_limited",
      fault: "credential",
      namesModel: false,
      hint: { until: NOW + 12 * SECOND, source: "retry_after" },
    });
    assert.equal(diagnose("openrouter", {}).kind, "transient", "no answer came");
    refuses(() => diagnose("openrouter", { status: "429" }, NOW), "invalid_argument", "/response/status");

    const full = { status: 429, body: JSON.stringify({ error: { code: "1113" } }) };
    const at = (baseUrl) => diagnose("custom:glm", full, NOW, baseUrl).kind;
    assert.deepEqual([at("https://open.bigmodel.cn/api/paas/v4"), at(null), at()], ["quota", "rate_limited", "rate_limited"]);
    refuses(() => at(7), "invalid_argument", "/baseUrl");
  });

  test("providers are listed for people", () => {
    const all = providers();
    assert.deepEqual(all.find(({ id }) => id === "groq"), {
      id: "groq", aliases: [], name: "Groq", baseUrl: "https://api.groq.com/openai/v1", keyVariables: ["GROQ_API_KEY"],
      baseUrlVariable: null, logsIn: false, refreshes: false,
    });
  });
});

describe("documents", () => {
  const text = `{\n  "mine": 12345678901234567890123,\n  "credential_pool": {\n    "openrouter": [\n      {"id": "a", "access_token": "sk-a", "big": 9007199254740993, "\\u00e9": 1.0}\n    ]\n  }\n}\n`;

  test("what is read, changed and written loses nothing", () => {
    const { stored, documentLogins } = readDocument(text, "openrouter");
    assert.deepEqual(documentLogins, {});
    const { pool } = CredentialPool.open({ key: "openrouter", stored, now: NOW, host: seeded });
    const [{ changes }] = pool.rotate("a", { status: 402 }, NOW).intents;
    const { text: written, refused } = applyToDocument(text, "openrouter", changes);
    assert.deepEqual(refused, []);
    assert.ok(written.startsWith(`{\n  "mine": 12345678901234567890123,`));
    assert.ok(written.includes(`"big": 9007199254740993, "\\u00e9": 1.0`));
    assert.equal(readDocument(written, "openrouter").stored.rows[0].last_error_code, 402);
    assert.deepEqual(applyChanges("openrouter", stored, changes).rows[0].last_error_code, 402);
    assert.equal(applyToDocument(text, "openrouter", []).text, text);
  });

  test("a member `__proto__` of a row survives", () => {
    const text = `{"credential_pool": {"openrouter": [{"id": "a", "access_token": "sk-a", "mine": {"__proto__": {"x": [1]}}, "__proto__": 7}]}}`;
    const { stored } = readDocument(text, "openrouter");
    assert.deepEqual(Object.getOwnPropertyDescriptor(stored.rows[0], "__proto__")?.value, 7);
    const { pool } = CredentialPool.open({ key: "openrouter", stored, now: NOW, host: seeded });
    const [{ changes }] = pool.rotate("a", { status: 402 }, NOW).intents;
    const [row] = applyChanges("openrouter", stored, changes).rows;
    assert.equal(JSON.stringify(row.mine), `{"__proto__":{"x":[1]}}`);
    assert.equal(Object.getPrototypeOf(row), Object.prototype);
    assert.ok(JSON.stringify(row).includes(`"__proto__":7`));
  });

  test("a change that the document cannot take holds up no other", () => {
    const text = JSON.stringify({ suppressed_sources: [], credential_pool: { openrouter: [key("a", 0)] } });
    const by = (at) => ({ at, host: "h" });
    const used = { by: by(2), type: "used", id: "a", count: 3 };
    const applied = applyToDocument(text, "openrouter", [{ by: by(1), type: "suppress", source: "env:A" }, used]);
    assert.equal(readDocument(applied.text, "openrouter").stored.rows[0].request_count, 3);
    const [{ message, ...refusal }] = applied.refused;
    assert.deepEqual(refusal, { code: "invalid_document", pointer: "/suppressed_sources", changes: [by(1)] });
    assert.match(message, /must be an object.*correct or delete/);
  });

  test("pools are listed and problems are placed", () => {
    const text = JSON.stringify({ credential_pool: { "custom:b": [key("a", 0)], "custom:a": [key("a", 0)], "custom:c": [], nous: ["x"] } });
    assert.deepEqual(pools(text), ["custom:b", "custom:a", "custom:c", "nous"]);
    assert.deepEqual(customPools(text), ["custom:a", "custom:b"]);
    const [problem] = checkDocument(text, NOW);
    assert.equal(problem.code, "wrong_type");
    assert.equal(problem.severity, "error");
    assert.equal(problem.pointer, "/credential_pool/nous/0");
    assert.deepEqual(checkDocument(emptyDocument()), []);
  });

  test("a text that is no document is refused, and stays with the host", () => {
    for (const text of ["", "{", "[]", "null", '{"credential_pool": []}', "[".repeat(10_000_000)]) {
      refuses(() => readDocument(text, "openrouter"), "invalid_document", text.startsWith("{\"") ? "/credential_pool" : "");
      refuses(() => applyToDocument(text, "openrouter", []), "invalid_document", text.startsWith("{\"") ? "/credential_pool" : "");
      assert.equal(checkDocument(text, NOW).length, 1);
    }
  });
});

describe("bad input", () => {
  test("unreadable rows are set aside, and the others serve", () => {
    const wrong = [null, 7, "row", [], [[]], { id: 7 }, { id: "x", priority: "3" }, { id: "y", last_status_at: "2026-04-02" }];
    const { pool, value } = open([...wrong, key("a", 0), key("a", 1), { access_token: "sk-b" }]);
    assert.deepEqual(pool.setAside(), wrong);
    assert.equal(pool.entries(NOW).length, 3);
    assert.deepEqual(value.problems.map(({ code }) => code), [...wrong.map(() => "wrong_type"), "duplicate_id", "missing_id"]);
  });

  test("what JSON cannot say is a typed error", () => {
    const { pool } = open([key("a", 0)]);
    const cycle = {};
    cycle.self = cycle;
    let deep = [];
    for (let level = 0; level < 1_000_000; level++) deep = [deep];
    const trap = { get id() { throw new Error("sk-trap"); } };
    for (const mine of [Number.NaN, Number.POSITIVE_INFINITY, 7n, cycle, deep, trap]) {
      refuses(() => pool.add({ access_token: "sk", mine }, NOW), "invalid_argument", "/row");
      refuses(() => open([{ access_token: "sk", mine }]), "invalid_argument", "/stored");
    }
    refuses(() => pool.rotate("a", { status: Number.NaN }, NOW), "invalid_argument", "/failure");
    assert.equal(pool.select(NOW).value.credential, "a", "the pool goes on working");
  });

  test("a time is a number of milliseconds", () => {
    const { pool } = open([key("a", 0)]);
    for (const now of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e300, "soon"]) {
      refuses(() => pool.select(now), "invalid_argument", "/now");
    }
    refuses(() => open([], { host: { now: () => "soon" }, now: undefined }), "invalid_argument", "/now");
    refuses(() => open([], { host: { random: () => new Uint8Array(3) } }), "invalid_argument", "/host/random");
    refuses(() => open([], { host: { random: 7 } }), "invalid_argument", "/host/random");
  });

  test("a clock that goes back a little is not believed, and one that goes back far is", () => {
    const { pool } = open([key("a", 0)]);
    const MINUTE = 60_000;
    pool.rotate("a", { status: 429 }, NOW);
    assert.deepEqual(pool.select(NOW - MINUTE).value, { type: "exhausted", retryAt: NOW + HOUR });
    // The cooldown began in the wrong future: it goes back with the clock.
    assert.deepEqual(pool.select(NOW - 2 * HOUR).value, { type: "exhausted", retryAt: NOW - HOUR });
    assert.equal(pool.select(NOW - HOUR).value.type, "selected");
  });

  test("arguments of the wrong kind are named", () => {
    const { pool } = open([key("a", 0)]);
    refuses(() => CredentialPool.open(), "invalid_argument", "/key");
    refuses(() => CredentialPool.open({ key: "  " }), "invalid_argument", "/key");
    refuses(() => open("rows"), "invalid_argument", "/stored/rows");
    refuses(() => open([], { sources: { env: { HF_TOKEN: 7 } } }), "invalid_argument", "/sources/env/HF_TOKEN");
    refuses(() => open([], { sources: { envs: {} } }), "invalid_argument", "/sources/envs");
    for (const id of [undefined, null, 7, {}, []]) refuses(() => pool.markUsed(id), "invalid_argument", "/id");
    refuses(() => pool.rotate("a", 429, NOW), "invalid_argument", "/failure");
    refuses(() => pool.rotate("a", { status: "429" }, NOW), "invalid_argument", "/failure/status");
    refuses(() => pool.moveTo("a", -1, NOW), "invalid_argument", "/place");
    refuses(() => pool.setStrategy("best", NOW), "unknown_strategy");
    refuses(() => pool.settle(9, { type: "saved" }, NOW), "unknown_intent");
    refuses(() => pool.settle(1.5, { type: "saved" }, NOW), "invalid_argument", "/intent");
  });

  test("what does not exist, or cannot be, is said so", () => {
    const { pool } = open([key("a", 0)]);
    for (const call of [(id) => pool.rotate(id, {}, NOW), (id) => pool.markUsed(id), (id) => pool.runtime(id), (id) => pool.reset(id, NOW)]) {
      refuses(() => call("nobody"), "unknown_credential");
    }
    refuses(() => pool.add({ id: "a", access_token: "sk" }, NOW), "duplicate_id", "/id");
    refuses(() => pool.add({ priority: "first" }, NOW), "invalid_row", "/priority");
    refuses(() => pool.refresh("a", NOW), "not_refreshable");
    const { pool: other } = open([login("a", NOW + HOUR)]);
    refuses(() => other.refresh("a", NOW), "refresh_unsupported");
  });

  test("no error tells a secret", () => {
    const { pool } = open([key("a", 0)]);
    for (const call of [
      () => pool.rotate("sk-canary", {}, NOW),
      () => pool.add({ priority: "sk-canary" }, NOW),
      () => pool.settle(1, { type: "sk-canary" }, NOW),
      () => open([], { sources: "sk-canary" }),
      () => readDocument("sk-canary", "openrouter"),
      () => CredentialPool.open({ key: ["sk-canary"] }),
    ]) {
      assert.throws(call, (error) => !`${error} ${error.stack} ${JSON.stringify(error)}`.includes("sk-canary"));
    }
  });
});
