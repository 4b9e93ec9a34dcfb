// Headers of a response, in every form in which clients have them, in every input that takes a response.

import assert from "node:assert/strict";
import { test } from "node:test";

import { CredentialLogin, CredentialPool, diagnose, MemoryStore, openPool } from "credential-pool";

const NOW = 1_775_757_580_463;
const seeded = { random: (length) => new Uint8Array(length).fill(7) };

/** `Headers` as Bun has them: with a JSON form of their own. */
class HeadersWithJson extends Headers {
  toJSON() {
    return Object.fromEntries(this);
  }
}

const patched = new Headers({ "Retry-After": "30" });
patched.toJSON = () => ({ "retry-after": "30" });

const FORMS = {
  pairs: [["Retry-After", "30"]],
  "a record": { "Retry-After": "30" },
  "a record of lists, as of Node's http": { "retry-after": "30", "set-cookie": ["a=1", "b=2"] },
  "a record of the client's own values": { "retry-after": 30, "x-flag": true, "x-none": null, "x-gone": undefined },
  Headers: new Headers({ "Retry-After": "30" }),
  "Headers of a class with toJSON": new HeadersWithJson({ "Retry-After": "30" }),
  "Headers with toJSON": patched,
  "a Map": new Map([["Retry-After", "30"]]),
};

const login = { id: "login", auth_type: "oauth", access_token: "at-1", refresh_token: "rt-1", expires_at_ms: NOW };

for (const [form, headers] of Object.entries(FORMS)) {
  test(`${form}: every input reads them`, () => {
    const limited = { status: 429, headers, body: "slow down" };
    assert.deepEqual(diagnose("openrouter", limited, NOW).hint, { until: NOW + 30_000, source: "retry_after" });

    const rows = ["a", "b"].map((id) => ({ id, access_token: `sk-${id}` }));
    const { pool } = CredentialPool.open({ key: "openrouter", stored: { rows }, now: NOW, host: seeded });
    const { lease } = pool.lease({}, NOW).value;
    assert.equal(pool.report(lease, limited, NOW).value.credential, "b");
    assert.equal(pool.entries(NOW)[0].state.until, NOW + 30_000);

    const { pool: logins } = CredentialPool.open({ key: "anthropic", stored: { rows: [login] }, now: NOW, host: seeded });
    const { intent } = logins.refresh("login", NOW).value;
    const body = JSON.stringify({ access_token: "at-2", refresh_token: "rt-2", expires_in: 3600 });
    assert.equal(logins.settle(intent, { type: "response", status: 200, headers, body }, NOW).value.type, "refreshed");

    const endpoints = { client_id: "c", token_url: "http://127.0.0.1/t", device_authorization_url: "http://127.0.0.1/d" };
    const config = { credential_pool_logins: { "custom:box": endpoints } };
    const { login: started } = CredentialLogin.start({ key: "custom:box", config, flow: "device_code", now: NOW, host: seeded });
    const grant = { device_code: "d", user_code: "U", verification_uri: "http://127.0.0.1/go" };
    assert.equal(started.answer({ status: 200, headers, body: JSON.stringify(grant) }, NOW).type, "show");
  });

  test(`${form}: run reads them of a client's value and error`, async () => {
    for (const isThrown of [false, true]) {
      const store = new MemoryStore(JSON.stringify({
        version: 1, credential_pool: { openrouter: ["a", "b"].map((id) => ({ id, access_token: `sk-${id}` })) },
      }));
      const pool = await openPool({ key: "openrouter", store });
      const before = Date.now();
      const served = await pool.run(async ({ id }) => {
        if (id === "b") return "served";
        if (isThrown) throw Object.assign(new Error("slow down"), { status: 429, headers });
        return { status: 429, headers };
      });
      assert.equal(served, "served");
      const { until } = pool.core.entries()[0].state;
      assert.ok(until >= before + 30_000 && until <= Date.now() + 30_000, `${until - before}`);
      await pool.close();
    }
  });
}

test("an answer of a token server that came is settled as an answer, whatever its headers and its body", async () => {
  const grant = JSON.stringify({ access_token: "at-2", refresh_token: "rt-2", expires_in: 3600 });
  const answers = {
    "Headers with toJSON": () => ({ status: 200, headers: new HeadersWithJson({ "x-a": "1" }), body: new Blob([grant]).stream() }),
    "a body without an end": () => new Response(new ReadableStream({ start: (body) => body.enqueue(new TextEncoder().encode(grant)) })),
    "a body that breaks": () => new Response(new ReadableStream({
      start: (body) => body.enqueue(new TextEncoder().encode(grant)), pull: (body) => body.error(new Error("reset")),
    })),
  };
  for (const [name, answer] of Object.entries(answers)) {
    const store = new MemoryStore(JSON.stringify({ version: 1, credential_pool: { anthropic: [{ ...login, expires_at_ms: 1 }] } }));
    const sent = [];
    const fetch = async (url, { body, headers }) => {
      const isRefresh = String(body).includes("rt-");
      sent.push(isRefresh ? "refresh" : new Headers(headers).get("authorization"));
      return isRefresh ? answer() : new Response("{}");
    };
    const pool = await openPool({ key: "anthropic", store, fetch, onProblem: (problem) => assert.fail(`${problem}`) });
    assert.equal((await pool.fetch("v1/messages", { method: "POST", body: "{}" })).status, 200, name);
    assert.deepEqual(sent, ["refresh", "Bearer at-2"], name);
    assert.equal(JSON.parse(store.text).credential_pool.anthropic[0].refresh_token, "rt-2", name);
    await pool.close();
  }
});
