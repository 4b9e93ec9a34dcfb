// Logins against an authorization server on this machine, with a code and in a browser.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { CredentialLogin, CredentialPool, PoolError } from "credential-pool";
import { logIn, LoginError } from "credential-pool/login";

import { startAuthorization } from "../provider/authorization.mjs";

const KEY = "custom:box";
const AT = "/credential_pool_logins";
const PLAIN = { credential_pool_logins: { [KEY]: { client_id: "c", token_url: "http://a.test" } } };

describe("with a device code", () => {
  test("the login is made, polls no faster than it is told, and a pool takes it", async () => {
    const time = clock();
    const says = ["authorization_pending", "slow_down", "authorization_pending"];
    await authorization({ interval: 2, says, now: time.now }, async (server) => {
      const shown = [];
      const show = (prompt) => void shown.push(prompt);
      const row = await logIn({ key: KEY, config: server.config(KEY), flow: "device_code", ...time.host, show });
      const [{ type, userCode, verificationUri, expiresAt }] = shown;
      assert.deepEqual([shown.length, type, userCode, verificationUri], [1, "show", "WDJB-MJHT", `${server.url}/go`]);
      assert.equal(expiresAt, START + 600_000);
      assert.deepEqual(server.polls.map((at) => at - START), [2000, 4000, 11_000, 18_000]);
      const { access_token, refresh_token, expires_at, ...others } = row;
      assert.ok([access_token, refresh_token].every((token) => server.secrets.includes(token)));
      assert.equal(expires_at, "2026-04-09T18:59:58Z");
      assert.deepEqual(others, {
        auth_type: "oauth", source: "manual:device_code", scope: "use offline", client_id: "our-client",
        obtained_at: "2026-04-09T17:59:58Z", expires_in: 3600, token_type: "Bearer",
      });
      const { pool } = CredentialPool.open({ key: KEY, host: { now: time.now } });
      const id = pool.add(row).value;
      assert.deepEqual([pool.runtime(id).key, pool.select().value.credential], [access_token, id]);
    });
  });

  test("a login to nous brings the key as well", async () => {
    const time = clock();
    await authorization({ now: time.now }, async (server) => {
      const config = server.config("nous", { flow: "device_code" });
      const row = await logIn({ key: "nous", config, ...time.host, show() {} });
      assert.ok(server.secrets.includes(row.agent_key));
      const { pool } = CredentialPool.open({ key: "nous", host: { now: time.now } });
      assert.equal(pool.runtime(pool.add(row).value).key, row.agent_key);
    });
  });

  for (const [reason, options] of [
    ["denied", { says: ["authorization_pending", "access_denied"] }],
    ["expired", { says: ["expired_token"] }],
    ["expired", { says: Array(100).fill("authorization_pending"), lasts: 60 }],
    ["misconfigured", { says: ["invalid_client"] }],
    ["refused", { says: ["odd"] }],
  ]) {
    test(`${reason}: ${options.says.length} ${options.says.at(-1)}`, async () => {
      const time = clock();
      await authorization({ ...options, now: time.now }, async (server) => {
        const made = logIn({ key: KEY, config: server.config(KEY), flow: "device_code", ...time.host, show() {} });
        const error = await rejected(made);
        assert.ok(error instanceof LoginError);
        assert.equal(error.reason, reason);
        assert.ok(server.secrets.every((secret) => !error.message.includes(secret)));
        assert.ok(time.now() <= START + (options.lasts ?? 600) * 1000);
      });
    });
  }

  test("a server that is not there", async () => {
    const time = clock();
    const server = await startAuthorization();
    await server.close();
    const config = server.config(KEY, { flow: "device_code" });
    const error = await rejected(logIn({ key: KEY, config, ...time.host, show() {} }));
    assert.deepEqual([error.reason, error.status], ["unreachable", null]);
  });

  test("a redirect is not followed", async () => {
    const sent = [];
    const fetch = async (url, { redirect }) => {
      sent.push([url, redirect]);
      return new Response(null, { status: 302, headers: { Location: "http://127.0.0.1:1/" } });
    };
    const addresses = { token_url: "https://a.test", device_authorization_url: "https://a.test/d" };
    const config = { credential_pool_logins: { [KEY]: { client_id: "c", ...addresses } } };
    const error = await rejected(logIn({ key: KEY, config, fetch, show() {} }));
    assert.deepEqual([error.reason, error.status, sent], ["refused", 302, [["https://a.test/d", "manual"]]]);
  });

  test("it can be cancelled while it waits", async () => {
    await authorization({ interval: 60 }, async (server) => {
      const cancelled = new AbortController();
      const show = () => void setTimeout(() => cancelled.abort(new Error("enough")), 10);
      const made = logIn({ key: KEY, config: server.config(KEY), flow: "device_code", show, signal: cancelled.signal });
      assert.equal((await rejected(made)).message, "enough");
      assert.deepEqual(server.polls, []);
    });
  });
});

describe("in a browser", () => {
  test("the login is made, whatever others send to the port", async () => {
    await authorization({ issuer: "https://box.test" }, async (server) => {
      const config = server.config(KEY, { issuer: "https://box.test", parameters: { audience: "models" } });
      const pages = [];
      let port;
      const row = await logIn({
        key: KEY, config, show: ({ type, url }) => {
          assert.equal(type, "visit");
          void (async () => {
            const back = new URL(new URL(url).searchParams.get("redirect_uri"));
            port = back.port;
            assert.deepEqual([back.protocol, back.hostname, back.pathname], ["http:", "127.0.0.1", "/callback"]);
            for (const foreign of ["/", "/favicon.ico", "/callback?code=c", "/callback?code=c&state=guess"]) {
              pages.push(await visit(new URL(foreign, back)));
            }
            pages.push(await visit(back, { method: "POST" }));
            pages.push(await visit(url));
          })();
        },
      });
      assert.deepEqual(pages.map(({ status }) => status), [400, 400, 400, 400, 405, 200]);
      assert.match(pages[0].text, /^this does not answer the login/);
      assert.match(pages[5].text, /^Thank you\./);
      assert.ok(server.secrets.includes(row.access_token));
      assert.deepEqual([row.source, row.scope], ["manual:authorization_code", "use offline"]);
      assert.deepEqual([server.asked.get("audience"), server.asked.get("state").length], ["models", 43]);
      await assert.rejects(fetch(`http://127.0.0.1:${port}/callback`), "the port is closed");
    });
  });

  for (const [reason, options, fields] of [
    ["denied", { refuses: "access_denied" }, {}],
    ["unreachable", { refuses: "temporarily_unavailable" }, {}],
    ["wrong_issuer", { issuer: "https://other.test" }, { issuer: "https://box.test" }],
    ["wrong_issuer", {}, { issuer: "https://box.test" }],
  ]) {
    test(`${reason}: ${JSON.stringify(options)}`, async () => {
      await authorization(options, async (server) => {
        let page;
        const show = ({ url }) => void (page = visit(url));
        const error = await rejected(logIn({ key: KEY, config: server.config(KEY, fields), show }));
        assert.equal(error.reason, reason);
        const { status, text } = await page;
        assert.deepEqual([status, text], [200, `${error.message}\n`]);
      });
    });
  }

  test("a browser that never comes back", async () => {
    const time = clock();
    await authorization({}, async (server) => {
      const error = await rejected(logIn({ key: KEY, config: server.config(KEY), ...time.host, show() {} }));
      assert.deepEqual([error.reason, time.now()], ["expired", START + 600_000]);
    });
  });

  test("a port that is taken is said, and nothing is left open", async () => {
    await authorization({}, async (server) => {
      const config = server.config(KEY, { redirect_uri: `${server.url}/callback` });
      assert.equal((await rejected(logIn({ key: KEY, config, show() {} }))).code, "EADDRINUSE");
    });
  });
});

describe("what cannot be used", () => {
  for (const [name, options, code, pointer] of [
    ["no key", {}, "invalid_argument", "/key"],
    ["nobody knows how", { key: "openrouter" }, "login_unsupported", undefined],
    ["a flow that it has not", { key: "nous", flow: "authorization_code" }, "invalid_login", `${AT}/nous/authorization_url`],
    ["an address that anybody could read", { key: KEY, config: PLAIN }, "invalid_login", `${AT}/${KEY}/token_url`],
    ["no such flow", { key: "nous", flow: "password" }, "invalid_argument", "/flow"],
    ["no time", { key: "nous", now: NaN }, "invalid_argument", "/now"],
    ["a weak seed", { key: "nous", host: { random: () => new Uint8Array(8) } }, "invalid_argument", "/host/random"],
  ]) {
    test(name, () => {
      assert.throws(() => CredentialLogin.start(options), (error) => {
        assert.ok(error instanceof PoolError);
        assert.deepEqual([error.code, error.pointer], [code, pointer]);
        return true;
      });
    });
  }

  test("what a login does not wait for", () => {
    const { login, move } = CredentialLogin.start({ key: "nous" });
    assert.equal(move.type, "send");
    for (const wrong of [() => login.resume(), () => login.listening(81), () => login.redirected("/callback")]) {
      assert.throws(wrong, { code: "not_awaited" });
    }
    assert.throws(() => login.listening(70_000), { code: "invalid_argument", pointer: "/port" });
    assert.throws(() => login.redirected(new URL("http://127.0.0.1/")), { code: "invalid_argument", pointer: "/url" });
    assert.equal(login.answer({ status: 401, body: `{"error":"invalid_client"}` }).reason, "misconfigured");
  });
});

const START = 1_775_757_580_463;

/** A clock that only advances while a caller sleeps. */
function clock() {
  let at = START;
  const now = () => at;
  const sleep = async (ms, signal) => {
    await new Promise((resolve) => setTimeout(resolve));
    signal.throwIfAborted();
    at += ms;
  };
  return { now, host: { host: { now }, sleep } };
}

async function authorization(options, use) {
  const server = await startAuthorization(options);
  try {
    await use(server);
  } finally {
    await server.close();
  }
}

/** Acts as a browser. */
async function visit(url, init) {
  const response = await fetch(url, init);
  return { status: response.status, text: await response.text() };
}

async function rejected(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  assert.fail("it did not fail");
}
