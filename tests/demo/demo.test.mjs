/** The demo as a person runs it: its output, its exit code, and the document that it leaves. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { request } from "node:http";
import { mkdtemp, readdir, readFile, realpath, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { checkDocument } from "../../pkg/dist/node.js";

const CANARY = "canary-0d1f";

let folder = "";

before(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "credential-pool-test-")));
});
after(() => rm(folder, { recursive: true }));

test("the example document: each credential fails in its own way, and every request is served", async () => {
  const OVERLOADED = "529";
  const { code, stdout, stderr } = await demo("--json");
  assert.equal(code, 0, stderr);
  const summary = JSON.parse(stdout);
  after(() => rm(join(summary.document, ".."), { recursive: true }));
  assert.deepEqual([summary.requests, summary.served, summary.fileEqualsPool], [200, 200, true]);
  assert.deepEqual(summary.unserved, {});
  assert.equal(summary.refreshes, 2, "once because the token was due, once because the token had expired early");
  const observed = Object.fromEntries(
    summary.credentials.map((/** @type {any} */ { label, state, failures, verdict: { cause } }) => {
      const statuses = Object.keys(failures).filter((status) => status !== OVERLOADED);
      return [label, [statuses.join(), state, cause?.kind, cause?.hint]];
    }),
  );
  assert.deepEqual(observed, {
    "team key": ["429", "cooling_down", "rate_limited", "retry_after"],
    "old key": ["400", "dead", "revoked", undefined],
    "prepaid key": ["400", "cooling_down", "quota", undefined],
    login: ["401", "available", undefined, undefined],
    "company key": ["", "available", undefined, undefined],
  });
  const overloaded = summary.credentials.map((/** @type {any} */ it) => it.failures[OVERLOADED] ?? 0);
  assert.equal(overloaded.reduce((/** @type {number} */ sum, /** @type {number} */ count) => sum + count), 5);
  assert.match(stderr, /^team key \(a1f001\) cools down until .*Z: rate_limited \(429, Retry-After\) at .*Z$/m);
  assert.match(stderr, /^old key \(a1f002\) is dead: revoked \(400\)/m);
  assert.match(stderr, /^prepaid key \(a1f003\) cools down until .*Z: quota \(400\)/m);
  assert.equal(stderr.match(/^login \(a1f004\) has new tokens$/gm)?.length, 2);
  assert.doesNotMatch(stderr, /cools down until .*transient/, "an overloaded provider cools no credential down");
  const rows = (await read(summary.document)).credential_pool.anthropic;
  assert.deepEqual(
    rows.map((/** @type {any} */ row) => row.request_count),
    summary.credentials.map((/** @type {any} */ it) => it.uses),
  );
});

test("the output for people has a table, the count and the path", async () => {
  const at = Date.now() / 1000;
  const spent = {
    last_status: "exhausted",
    last_status_at: at,
    last_error_code: 402,
    last_error_reason: "quota",
    last_error_reset_at: at + 3600,
  };
  const path = await document("table", {
    openrouter: [
      { id: "a", label: "mine", access_token: CANARY },
      { id: "b", label: "spent", access_token: `${CANARY}-b`, ...spent },
    ],
  });
  const { code, stdout, stderr } = await demo("--document", path);
  assert.equal(code, 0, stderr);
  assert.ok(!`${stdout}${stderr}`.includes(CANARY));
  assert.match(stdout, /^credential +uses +failures +state +why$/m);
  assert.match(stdout, /^mine \(a\) +\d+ +.* available\b/m);
  assert.match(stdout, /^spent \(b\) +0 +none +cooling down +402 quota, until \d\d:\d\d:\d\d, probe at \d\d:\d\d:\d\d$/m);
  assert.match(stdout, /\n`cargo xtask demo --page` shows the document in a browser after the run\n$/);
  assert.match(stdout, /^200 of 200 requests served in \d+\.\d s$/m);
  assert.ok(stdout.includes(`${path} has all changes of the pool`));
  assert.match(stderr, /^pool openrouter of /m);
  assert.match(stderr, /^150 of 200 requests served$/m);
});

test("--page serves the page on the document, until Ctrl-C", async () => {
  const path = await document("page", { openrouter: [{ id: "a", access_token: CANARY }] });
  const run = start("--page", "--document", path);
  await run.stdoutHas(/\n\n {2}http:\S+#edit=\S+\n\n/);
  const [, page = "", token] = / {2}(http:\S+)#edit=(\S+)/.exec(run.written.stdout) ?? [];
  const session = await ask(page, "POST", "session", { Authorization: `Bearer ${token}` });
  const [cookie] = session.headers["set-cookie"][0].split(";");
  const served = await ask(page, "GET", "document", { Cookie: cookie });
  assert.equal(Buffer.concat(await served.toArray()).toString(), await readFile(path, "utf8"));
  run.child.kill("SIGINT");
  const { code, stdout, stderr } = await run.end;
  assert.equal(code, 0, stderr);
  assert.ok(!`${stdout}${stderr}`.includes(CANARY));
});

test("a given document: all foreign parts are kept, and no secret is shown", async () => {
  const others = { nous: [{ id: "n", access_token: "left alone" }] };
  const rows = [
    { id: "a", access_token: `${CANARY}-a`, note: { kept: [1.0, null] }, last_status: "exhausted", last_error_code: 429 },
    {
      id: "b",
      auth_type: "oauth",
      access_token: `${CANARY}-b`,
      refresh_token: `${CANARY}-r`,
      expires_at_ms: 1,
      priority: -1,
    },
    { id: 7, access_token: `${CANARY}-c` },
  ];
  const path = await document("others", { anthropic: rows, ...others }, { theirs: { kept: true } });
  const before = await readFile(path, "utf8");
  const { code, stdout, stderr } = await demo("--json", "--document", path);
  assert.equal(code, 0, stderr);
  assert.ok(!`${stdout}${stderr}`.includes(CANARY));
  const now = await read(path);
  const { anthropic, ...rest } = now.credential_pool;
  assert.deepEqual([rest, now.theirs], [others, { kept: true }]);
  assert.deepEqual([anthropic[0].note, anthropic[2]], [rows[0]?.note, rows[2]]);
  assert.notEqual(anthropic[1].refresh_token, `${CANARY}-r`);
  assert.equal(await readFile(`${path}.before-demo`, "utf8"), before);
});

test("a link to a document stays a link, and the file keeps its mode", async () => {
  const path = await document("linked", { "custom:box": [{ id: "a", access_token: "sk-a" }] });
  const link = join(folder, "link.json");
  await symlink(path, link);
  const { code, stderr } = await demo("--json", "--document", link);
  assert.equal(code, 0, stderr);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.equal((await read(link)).credential_pool["custom:box"][0].id, "a");
  assert.deepEqual((await readdir(folder)).filter((name) => name.startsWith(".")), []);
});

test("a document in which all credentials cool down: no request is served", async () => {
  const at = Date.now() / 1000;
  const path = await document("cooling_down", {
    openrouter: [{ id: "a", access_token: "sk", last_status: "exhausted", last_status_at: at, last_error_code: 402 }],
  });
  const { code, stdout } = await demo("--json", "--document", path);
  assert.equal(code, 1);
  const summary = JSON.parse(stdout);
  assert.deepEqual([summary.served, summary.unserved, summary.fileEqualsPool], [0, { exhausted: 200 }, true]);
});

for (const [name, text, message] of /** @type {[string, string, RegExp][]} */ ([
  ["nothing", "", /no document/],
  ["half", '{ "credential_pool": ', /no document/],
  ["a list", "[]", /no document/],
  ["no credentials", '{ "version": 1, "providers": {}, "credential_pool": { "openrouter": [] } }', /no credentials/],
  ["malformed rows", '{ "credential_pool": { "openrouter": [1, null, { "access_token": 5 }] } }', /no credentials/],
])) {
  test(`a document that holds ${name} is refused and left unchanged`, async () => {
    const path = join(folder, "refused.json");
    await writeFile(path, text);
    const { code, stdout, stderr } = await demo("--document", path);
    assert.deepEqual([code, stdout], [2, ""], stderr);
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /\n {4}at /, "no stack trace");
    assert.equal(await readFile(path, "utf8"), text);
  });
}

test("a path without a file and an unknown option are refused", async () => {
  for (const args of [["--document", join(folder, "missing.json")], ["--document", folder], ["--jason"], ["x"]]) {
    const { code, stdout, stderr } = await demo(...args);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, /^error: /);
    assert.doesNotMatch(stderr, /\n {4}at /, "no stack trace");
  }
});

for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) {
  test(`${signal} ends the demo and leaves a valid document`, async () => {
    const run = start("--json");
    await run.stderrHas(/^50 of 200 requests served$/m);
    run.child.kill(signal);
    const { code, stdout, stderr } = await run.end;
    assert.equal(code, 130, stderr);
    const summary = JSON.parse(stdout);
    after(() => rm(join(summary.document, ".."), { recursive: true }));
    assert.equal(summary.fileEqualsPool, true);
    assert.ok(summary.served >= 50 && summary.served < 200);
    assert.deepEqual(checkDocument(await readFile(summary.document, "utf8")), []);
    assert.deepEqual(await readdir(join(summary.document, "..")), [basename(summary.document)]);
  });
}

/** @param {string[]} args */
function demo(...args) {
  return start(...args).end;
}

/** @param {string[]} args */
function start(...args) {
  const child = spawn("node", [fileURLToPath(new URL("main.mjs", import.meta.url)), ...args]);
  const written = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk) => (written.stdout += chunk));
  child.stderr.on("data", (chunk) => (written.stderr += chunk));
  const end = once(child, "close").then(([code]) => ({ code, ...written }));
  const stderrHas = async (/** @type {RegExp} */ pattern) => {
    while (!pattern.test(written.stderr)) await once(child.stderr, "data");
  };
  const stdoutHas = async (/** @type {RegExp} */ pattern) => {
    while (!pattern.test(written.stdout)) await once(child.stdout, "data");
  };
  return { child, end, stderrHas, stdoutHas, written };
}

/**
 * @param {string} name
 * @param {Record<string, unknown[]>} pools
 * @param {Record<string, unknown>} [others]
 */
async function document(name, pools, others) {
  const path = join(folder, `${name}.json`);
  const text = JSON.stringify({ version: 1, providers: {}, credential_pool: pools, ...others });
  await writeFile(path, text, { mode: 0o600 });
  return path;
}

/** @param {string} path */
async function read(path) {
  return JSON.parse(await readFile(path, "utf8"));
}

/**
 * Sends a request to the page's server. Browsers resolve its name, which is below `localhost`; programs need not.
 *
 * @param {string} page
 * @param {string} method
 * @param {string} path
 * @param {Record<string, string>} headers
 */
async function ask(page, method, path, headers) {
  const { host, port } = new URL(page);
  const sent = request({ host: "127.0.0.1", port, method, path: `/${path}`, agent: false, headers: { Host: host, ...headers } });
  sent.end();
  const [response] = await once(sent, "response");
  return response;
}
