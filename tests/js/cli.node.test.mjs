// The command line, as a person runs it: in a process of its own.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { startRedis, stopAllRedis } from "./stores/redis-server.mjs";

const CLI = fileURLToPath(new URL("../../pkg/cli/dist/cli.js", import.meta.url));
const COMMANDS = ["list", "add", "login", "remove", "move", "reset", "strategy", "policy", "check", "edit", "explain"];
const CANARY = "sk-canary-5f2d";
const HOUR = 3600;

const now = Math.floor(Date.now() / 1000);

/** A handwritten document, with parts that must stay unchanged. */
const DOCUMENT = `{
\t"mine": 12345678901234567890123,
  "version": 1,   "note": "caf\\u00e9 \\/ ✓",
  "credential_pool": {
    "nous": [ { "id": "n", "label": "other", "access_token": "${CANARY}-n", "big": 9007199254740993 } ],
    "openrouter": [
      {"id": "a", "label": "work", "access_token": "${CANARY}-a", "big": 1.0, "last_status": "exhausted",
        "last_status_at": ${now}, "last_error_code": 429, "last_error_reason": "rate_limited",
        "last_error_reset_at": ${now + 2 * HOUR}},
      {"id": "b", "label": "twin", "access_token": "${CANARY}-b", "priority": 1, "request_count": 12,
        "base_url": "https://me:${CANARY}@example.test/v1?key=${CANARY}", "refresh_token": "${CANARY}-r"},
      {"id": "c", "label": "twin", "access_token": "${CANARY}-c", "priority": 2, "last_status": "dead",
        "agent_key": "${CANARY}-k"},
      {"label": "without an id", "access_token": "${CANARY}-d", "priority": 3}
    ]
  },
  "tail": [1.0, "\\u00e9"]
}

`;

/** As `DOCUMENT`, and a row that cannot be read. */
const BROKEN = DOCUMENT.replace(`"nous": [`, `"nous": [ {"id": "broken", "access_token": ["${CANARY}"]}, `);

describe("read-only commands", { concurrency: true }, () => {
  test("list shows every pool, and the state of each credential", async () => {
    const { out } = await done(["list"]);
    assert.match(out, /^nous {2}fill_first, 1 credential$/m);
    assert.match(out, /^openrouter {2}fill_first, 4 credentials$/m);
    assert.match(out, /0 +work +a +api_key +manual +sha256:[0-9a-f]{16} +0 +cooling down, (2 h|1 h 59 min) left +cools down until /);
    assert.match(out, /cools down until .*: rate_limited \(429\) at .*$/m);
    assert.match(out, /1 +twin +b +api_key +manual +sha256:[0-9a-f]{16} +12 +available +serves, next by fill_first$/m);
    assert.match(out, /2 +twin +c .* dead +is dead: /);
    assert.match(out, /^1 problem in the document: `credential-pool check` shows more$/m);
    assert.doesNotMatch((await done(["list", "nous"])).out, /openrouter/);
    assert.match((await done(["list", "nous"], { text: BROKEN })).out, /1 unreadable row set aside/);
    const unreachable = `{"credential_pool": {"": [{}], "OpenRouter": [{}], "nous": []}}`;
    assert.match((await done(["list"], { text: unreachable })).out, /^nous {2}fill_first, 0 credentials\n\n4 problems/);
  });

  test("list --json has the same for scripts", async () => {
    const { json, path } = await done(["list", "openrouter", "--json"]);
    const { document, pools: [{ credentials, ...pool }, ...others] } = json;
    assert.deepEqual([document, pool, others], [path, { pool: "openrouter", strategy: "fill_first", setAside: 0 }, []]);
    assert.deepEqual(credentials.map(({ id }) => id).slice(0, 3), ["a", "b", "c"]);
    const { verdict, ...b } = credentials[1];
    assert.deepEqual(b, {
      id: "b", label: "twin", authType: "api_key", priority: 1, source: "manual", fingerprint: b.fingerprint,
      baseUrl: "https://***@example.test/v1?***", requestCount: 12, state: { type: "available" },
      text: "serves, next by fill_first",
    });
    assert.equal(verdict.type, "chosen");
    assert.match(b.fingerprint, /^sha256:[0-9a-f]{16}$/);
    const { state } = credentials[0];
    assert.deepEqual(state, { type: "cooling_down", until: (now + 2 * HOUR) * 1000, errorCode: 429 });
  });

  test("explain shows which credential would serve, for a model", async () => {
    const { out } = await done(["explain", "openrouter"]);
    assert.match(out, /^next: use b \(twin\)\na +work +cools down until .*\nb +twin +serves, next by fill_first\n/);
    const { json } = await done(["explain", "openrouter", "--model", "small", "--json"]);
    assert.deepEqual([json.pool, json.model, json.next.type, json.next.credential], ["openrouter", "small", "use", "b"]);
    assert.deepEqual(json.credentials.map(({ verdict }) => verdict.type), ["cooling_down", "chosen", "dead", "available"]);
  });

  test("check shows problems, and fails if there is an error", async () => {
    const good = await done(["check"]);
    assert.match(good.out, /^warning +\/credential_pool\/openrouter\/3 +.*`id`.*\n0 errors, 1 warning in /);
    const bad = await run(["check", "--json"], { text: BROKEN });
    assert.equal(bad.exit, 1);
    assert.deepEqual(Object.keys(bad.json), ["document", "problems"]);
    const { code, severity, pointer } = bad.json.problems[0];
    assert.deepEqual([code, severity, pointer], ["wrong_type", "error", "/credential_pool/nous/0/access_token"]);
    for (const text of ["{", "[]", Uint8Array.from([0x22, 0xff, 0x22])]) {
      const { exit, json, path } = await run(["check", "--json"], { text });
      assert.deepEqual([exit, json.problems.length, json.problems[0].severity], [1, 1, "error"]);
      assert.deepEqual(await readFile(path), Buffer.from(text));
    }
  });

  test("read-only commands write nothing", async () => {
    const path = await file(DOCUMENT);
    const { ino, mtimeMs } = await stat(path);
    for (const words of [["list"], ["check"], ["explain", "openrouter"], ["strategy", "nous"], ["policy", "nous"]]) {
      await done(words, { path });
    }
    assert.deepEqual([(await stat(path)).ino, (await stat(path)).mtimeMs], [ino, mtimeMs]);
    assert.deepEqual(await readdir(join(path, "..")), ["auth.json"]);
  });
});

describe("edits", { concurrency: true }, () => {
  test("add reads the key from stdin, and makes the document and the pool", async () => {
    const path = join(await folder(), "deep", "auth.json");
    const { json } = await done(["add", "OpenRouter", "--label", "work", "--json"], { path, input: `${CANARY}-1\n` });
    assert.deepEqual(Object.keys(json), ["pool", "id", "label", "fingerprint"]);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    const where = ["--base-url", "http://localhost:1/v1", "--priority", "0", "--key-env", "WORK_KEY"];
    await done(["add", "openrouter", ...where], { path, env: { WORK_KEY: `${CANARY}-2` } });
    await done(["add", "anthropic", "--type", "oauth"], { path, input: `${CANARY}-3\r\n${CANARY}-4\r\n` });
    await done(["add", "anthropic", "--type", "oauth", "--refresh-key-env", "R"], {
      path, input: `${CANARY}-5`, env: { R: `${CANARY}-6` },
    });
    const { openrouter: [first, second], anthropic } = await pools(path);
    assert.deepEqual([first.id, first.label, first.access_token, first.priority], [json.id, "work", `${CANARY}-1`, 1]);
    assert.deepEqual([second.access_token, second.priority, second.base_url], [`${CANARY}-2`, 0, "http://localhost:1/v1"]);
    const logins = anthropic.map((row) => [row.auth_type, row.access_token, row.refresh_token]);
    assert.deepEqual(logins, [["oauth", `${CANARY}-3`, `${CANARY}-4`], ["oauth", `${CANARY}-5`, `${CANARY}-6`]]);
  });

  test("concurrent adds lose no key", async () => {
    const path = await file(DOCUMENT);
    const keys = Array.from({ length: 6 }, (_, n) => `${CANARY}-new-${n}`);
    await Promise.all(keys.map((input) => done(["add", "openrouter"], { path, input })));
    const { openrouter } = await pools(path);
    assert.deepEqual(openrouter.slice(4).map(({ access_token }) => access_token).sort(), keys);
    assert.equal(new Set(openrouter.map(({ id }) => id)).size, 10);
  });

  test("an empty file is a new document", async () => {
    const path = await file("");
    assert.equal((await done(["check"], { path })).exit, 0);
    await done(["add", "openrouter"], { path, input: `${CANARY}-1\n` });
    assert.deepEqual((await pools(path)).openrouter.map(({ access_token }) => access_token), [`${CANARY}-1`]);
  });

  const AT_ONCE = {
    remove: (rows = []) => rows.map(({ id }) => id),
    reset: (rows) => rows.filter(({ last_status }) => last_status).map(({ id }) => id),
  };
  for (const [command, left] of Object.entries(AT_ONCE)) {
    test(`six times ${command} at once, all from one text: none is lost`, async () => {
      const ids = ["a", "b", "c", "d", "e", "f"];
      const openrouter = ids.map((id) => ({ id, access_token: `${CANARY}-${id}`, last_status: "dead" }));
      const path = await file(JSON.stringify({ credential_pool: { openrouter } }));
      await Promise.all(ids.map((id) => done([command, "openrouter", id], { path })));
      assert.deepEqual(left((await pools(path)).openrouter), []);
    });
  }

  test("remove takes an id or a label, also the id that list shows for a row without an id", async () => {
    const path = await file(DOCUMENT);
    const { json } = await done(["list", "openrouter", "--json"], { path });
    const { id } = json.pools[0].credentials[3];
    const removed = await done(["remove", "openrouter", id, "--json"], { path });
    assert.deepEqual(removed.json, { pool: "openrouter", id, label: "without an id" });
    assert.match((await done(["remove", "openrouter", "work"], { path })).out, /^removed a \(work\) from openrouter$/m);
    await done(["remove", "openrouter", "c"], { path });
    assert.deepEqual((await pools(path)).openrouter.map(({ id }) => id), ["b"]);
  });

  test("move renumbers the order", async () => {
    const path = await file(DOCUMENT);
    const { json } = await done(["move", "openrouter", "c", "0", "--json"], { path });
    assert.deepEqual([json.pool, json.order.slice(0, 3)], ["openrouter", ["c", "a", "b"]]);
    const { out } = await done(["move", "openrouter", "work", "99"], { path });
    assert.match(out, /^0 {2}c \(twin\)\n1 {2}b .*\n2 .*\n3 {2}a \(work\)\n$/);
    assert.deepEqual((await pools(path)).openrouter.map(({ priority }) => priority), [3, 1, 0, 2]);
  });

  test("reset ends cooldowns: of one credential, of a pool, of all pools", async () => {
    const [one, pool, all] = await Promise.all([DOCUMENT, DOCUMENT, DOCUMENT].map(file));
    const statuses = async (path) => (await pools(path)).openrouter.map(({ last_status }) => last_status ?? null);
    assert.match((await done(["reset", "openrouter", "work"], { path: one })).out, /^openrouter: 1 credential reset\n$/);
    assert.deepEqual(await statuses(one), [null, null, "dead", null]);
    assert.match((await done(["reset", "openrouter"], { path: pool })).out, /^openrouter: 2 credentials reset\n$/);
    assert.deepEqual(await statuses(pool), [null, null, null, null]);
    const { json } = await done(["reset", "--json"], { path: all });
    assert.deepEqual(json, { pools: [{ pool: "nous", reset: 0 }, { pool: "openrouter", reset: 2 }] });
    assert.deepEqual(await statuses(all), [null, null, null, null]);
    assert.match((await done(["reset"], { path: all })).out, /^nous: nothing to reset\nopenrouter: nothing to reset\n$/);
  });

  test("strategy and policy are shown and set", async () => {
    const path = await file(DOCUMENT);
    const json = async (...words) => (await done([...words, "--json"], { path })).json;
    assert.deepEqual(await json("strategy", "openrouter", "round_robin"), { pool: "openrouter", strategy: "round_robin" });
    assert.equal((await done(["strategy", "openrouter"], { path })).out, "round_robin\n");

    const differs = { preset: "adaptive", failures: { quota: { cooldown_ms: 600_000 } } };
    await json("policy", "openrouter", JSON.stringify({ failures: differs.failures }));
    const { out } = await done(["policy", "openrouter"], { path });
    assert.deepEqual(JSON.parse(out), differs);
    await writeFile(`${path}.policy`, out);
    const set = await json("policy", "nous", `@${path}.policy`);
    assert.deepEqual([set.pool, set.policy], ["nous", differs]);
    assert.deepEqual(set.resolved.failures.quota, { ...set.resolved.failures.quota, cooldown_ms: 600_000, action: "cool_down" });
    const { credential_pool_strategies, credential_pool_policies } = JSON.parse(await readFile(path, "utf8"));
    assert.deepEqual(credential_pool_strategies, { openrouter: "round_robin" });
    assert.deepEqual(credential_pool_policies, { openrouter: differs, nous: differs });
  });

  test("an edit keeps everything else to the byte", async () => {
    const start = DOCUMENT.indexOf(`{"id": "a"`);
    const tail = DOCUMENT.slice(DOCUMENT.indexOf(`  },\n  "tail"`), DOCUMENT.indexOf("\n}\n\n"));
    for (const edit of ["reset openrouter", "move openrouter c 0", "remove openrouter b", "add openrouter"]) {
      const path = await file(DOCUMENT);
      await done(edit.split(" "), { path, input: "new" });
      const text = await readFile(path, "utf8");
      assert.notEqual(text, DOCUMENT);
      assert.equal(text.slice(0, start), DOCUMENT.slice(0, start));
      assert.ok(text.includes(`${tail},\n  "credential_pool_merges"`));
      assert.ok(text.endsWith("\n}\n\n"));
      assert.ok(text.includes(`"big": 1.0`));
      assert.deepEqual(await readdir(join(path, "..")), ["auth.json"]);
    }
  });
});

describe("pools in Redis", () => {
  const HASH = "credential-pool:pool:openrouter";
  after(stopAllRedis);

  /** Runs the command line on a Redis with a password. */
  async function opened(text) {
    const redis = await startRedis();
    if (text !== undefined) {
      await redis.ask("HSET", HASH, "document", text.replace(/"nous": .*\n/, ""));
      await redis.ask("HSET", HASH.replace("openrouter", "nous"), "document", `{"credential_pool": {"nous": [{"id": "n"}]}}`);
    }
    const url = redis.url.replace("//", `//default:${CANARY}@`);
    const env = { CREDENTIAL_POOL_REDIS: url };
    await redis.ask("CONFIG", "SET", "requirepass", CANARY);
    const name = redis.url;
    return { redis, url, name, work: async (words, more) => (await done(words, { path: null, env, ...more })) };
  }

  test("every command works on pools in Redis", async () => {
    const { redis, url, name, work } = await opened(DOCUMENT);
    assert.match((await work(["list"])).out, /^nous {2}fill_first, 1 credential$[^]*^openrouter {2}fill_first, 4 credentials$/m);
    assert.equal((await work(["list", "OpenRouter", "--json"])).json.pools[0].credentials.length, 4);
    assert.equal((await work(["list", "--json"])).json.document, name);
    assert.match((await work(["explain", "openrouter"])).out, /^next: use b \(twin\)\n/);
    const { json } = await work(["add", "openrouter", "--json"], { input: `${CANARY}-new\n` });
    await work(["move", "openrouter", json.id, "0"]);
    await work(["remove", "openrouter", "work"]);
    await work(["reset", "openrouter"]);
    await work(["strategy", "openrouter", "round_robin"]);
    await work(["policy", "nous", `{"preset": "reference"}`]);
    assert.match((await work(["check"])).out, /0 errors, \d warnings? in redis:/);
    const { out } = await done(["--redis", url, "strategy", "openrouter"], { path: null });
    assert.equal(out, "round_robin\n");
    const kept = JSON.parse(await redis.ask("HGET", HASH, "document"));
    const rows = kept.credential_pool.openrouter;
    assert.deepEqual(rows.map(({ id }) => id).filter((id) => id !== undefined).slice(0, 2), ["b", "c"]);
    assert.ok(rows.some(({ id, priority }) => id === json.id && priority === 0));
  });

  test("a first credential makes the pool", async () => {
    const { name, work } = await opened();
    assert.equal((await work(["list"])).out, `no credentials in ${name}, which does not exist yet\n`);
    await work(["add", "openrouter", "--label", "mine"], { input: `${CANARY}-1\n` });
    assert.match((await work(["list"])).out, /0 +mine /);
  });

  test("failures are reported without a password", async () => {
    const { url } = await opened(DOCUMENT);
    const wrong = url.replace(CANARY, `${CANARY}-wrong`);
    const tries = [
      [["--redis", wrong, "list"], 3, "unreadable", /WRONGPASS/],
      [["--redis", `http://me:${CANARY}@host`, "list"], 2, "invalid_argument", /redis:\/\//],
      [["--redis", url, "--document", "auth.json", "list"], 2, "invalid_argument", /--document or --redis/],
      [["--redis", url, "list", "nope"], 1, "unknown_pool", /has nous, openrouter/],
    ];
    for (const [words, exit, code, says] of tries) {
      const ran = await run([...words, "--json"], { path: null });
      assert.deepEqual([ran.exit, ran.out, ran.error.code], [exit, "", code]);
      assert.match(ran.error.message, says);
      assert.doesNotMatch(ran.err, new RegExp(CANARY));
    }
  });

  test("--help names the location without the password", async () => {
    const env = { CREDENTIAL_POOL_REDIS: `redis://me:${CANARY}@host:1/2` };
    const { out } = await done(["--help"], { path: null, env });
    assert.match(out, /in use: redis:\/\/host:1\/2\n/);
    assert.doesNotMatch(out, new RegExp(CANARY));
  });
});

describe("failures", { concurrency: true }, () => {
  const EMPTY = "{}";
  const REFUSED = [
    // arguments, exit code, error code, message, and input
    [["lst"], 2, "unknown_command", /commands are list, add.*Did you mean list/],
    [["list", "--jason"], 2, "unknown_option", /no such option/],
    [["list", "--document"], 2, "missing_argument", /--document/],
    [["list", "nope"], 1, "unknown_pool", /has nous, openrouter/],
    [["list", " "], 2, "invalid_pool_key", /cannot be empty/],
    [["reset", "nope"], 1, "unknown_pool", /it has none; `credential-pool add` makes one/, { text: EMPTY }],
    [["explain"], 2, "missing_argument", /'pool'/],
    [["check", "openrouter"], 2, "excess_arguments", /too many arguments for 'check'/],
    [["add", "openrouter", "key"], 2, "excess_arguments", /too many.* A key is never an argument/],
    [["remove", "openrouter"], 2, "missing_argument", /'credential'/],
    [["remove", "openrouter", "zz"], 1, "unknown_credential", /has a \(work\), b \(twin\), c \(twin\)/],
    [["remove", "openrouter", "twin"], 2, "ambiguous_label", /2 credentials .* give an id, b \(twin\), c \(twin\)/],
    [["reset", "openrouter", "zz"], 1, "unknown_credential", /has a \(work\)/],
    [["move", "openrouter", "a"], 2, "missing_argument", /'place'/],
    [["move", "openrouter", "a", "-1"], 2, "invalid_argument", /number/],
    [["move", "openrouter", "a", "first"], 2, "invalid_argument", /number/],
    [["strategy", "openrouter", "best"], 2, "unknown_strategy", /use `fill_first`/],
    [["policy", "openrouter", "{"], 2, "invalid_policy", /no JSON/],
    [["policy", "openrouter", `{"quick": 1}`], 2, "invalid_policy", /at \/quick/],
    [["policy", "openrouter", "@/nowhere/at/all"], 2, "invalid_policy", /ENOENT/],
    [["add", "openrouter"], 2, "invalid_key", /no key was given/],
    [["add", "openrouter"], 2, "invalid_key", /more than one line/, { input: "one\ntwo\n" }],
    [["add", "openrouter"], 2, "invalid_key", /control characters/, { input: "o\u0000ne" }],
    [["add", "openrouter"], 2, "invalid_key", /too long/, { input: "x".repeat(70_000) }],
    [["add", "openrouter", "--type", "password"], 2, "invalid_argument", /api-key or oauth/, { input: "x" }],
    [["add", "openrouter", "--key-env", "NOT_SET"], 2, "invalid_key", /not set/],
    [["add", "openrouter", "--refresh-key-env", "R"], 2, "invalid_argument", /--type oauth/, { input: "x", env: { R: "r" } }],
    [["add", " "], 2, "invalid_pool_key", /cannot be empty/, { input: "x" }],
    [["list"], 3, "invalid_document", /auth\.json.*nothing was overwritten/, { text: "{" }],
    [["add", "openrouter"], 3, "invalid_document", /nothing was overwritten/, { text: `{"credential_pool": 1`, input: "x" }],
    [["reset"], 3, "invalid_document", /UTF-8/, { text: Uint8Array.from([0x22, 0xff, 0x22]) }],
  ];
  for (const [words, exit, code, says, given = {}] of REFUSED) {
    test(`${words.join(" ")}${given.input?.length < 20 ? ` < ${JSON.stringify(given.input)}` : ""}: ${exit} ${code}`, async () => {
      const path = await file(given.text ?? DOCUMENT);
      const before = await readFile(path);
      const plain = await run(words, { ...given, path });
      assert.deepEqual([plain.exit, plain.out], [exit, ""], plain.err);
      assert.match(plain.err, says);
      assert.match(plain.err, /^credential-pool: [^\n]+\n$/);
      const scripted = await run(["--json", ...words], { ...given, path });
      assert.deepEqual([scripted.exit, scripted.out, scripted.error.code], [exit, "", code]);
      assert.match(scripted.error.message, says);
      assert.deepEqual(await readFile(path), before);
    });
  }

  test("an error lists the possible values for scripts", async () => {
    const choices = async (...words) => (await run([...words, "--json"])).error.choices;
    assert.deepEqual(await choices("list", "nope"), ["nous", "openrouter"]);
    assert.deepEqual(await choices("remove", "nous", "nope"), ["n"]);
    assert.deepEqual(await choices("remove", "openrouter", "twin"), ["b", "c"]);
  });

  test("a read-only document: nothing is written, and the error says so", async () => {
    for (const edit of ["reset openrouter", "remove openrouter a", "add openrouter", "strategy nous random"]) {
      const path = await file(DOCUMENT);
      await chmod(path, 0o444);
      const { exit, err } = await run(edit.split(" "), { path, input: "new" });
      assert.deepEqual([exit, /nothing was written/.test(err), await readFile(path, "utf8")], [3, true, DOCUMENT], err);
      assert.equal((await run(["list"], { path })).exit, 0, "it can be read");
    }
  });

  test("a document that is no file, or does not exist", async () => {
    const path = await file(DOCUMENT);
    assert.equal((await run(["list"], { path: join(path, "..") })).exit, 3);
    assert.equal((await run(["list"], { path: join(path, "below") })).exit, 3);
    const missing = { path: join(path, "..", "missing.json") };
    assert.match((await done(["list"], missing)).out, /^no credentials in .*, which does not exist yet\n$/);
    assert.deepEqual((await done(["list", "--json"], missing)).json.pools, []);
    assert.equal((await run(["check"], missing)).exit, 1);
    assert.equal((await run(["list", "openrouter"], missing)).exit, 1);
    assert.equal((await done(["reset"], missing)).out, "there is nothing to reset\n");
    assert.deepEqual(await readdir(join(path, "..")), ["auth.json"]);
  });
});

describe("all commands", { concurrency: true }, () => {
  test("--help shows every command, the exit codes, the document in use", async () => {
    const { out, path } = await done(["--help"]);
    for (const word of [...COMMANDS, "Exit codes", "HERMES_HOME", "NO_COLOR", path]) assert.ok(out.includes(word), word);
    for (const code of [0, 1, 2, 3, 4, 70, 130]) assert.match(out, new RegExp(`^ {2}${code} +\\S`, "m"));
    await Promise.all(COMMANDS.map(async (name) => {
      const help = (await done([name, "--help"])).out;
      assert.match(help, new RegExp(`Examples:\n +.*credential-pool ${name}`), name);
      assert.match(help, /--document <path>/);
    }));
    const nothing = await run([]);
    assert.deepEqual([nothing.exit, nothing.out], [2, ""]);
    assert.match(nothing.err, /^Usage:/);
  });

  test("--version is the package's", async () => {
    const { version } = JSON.parse(await readFile(new URL("../../pkg/cli/package.json", import.meta.url), "utf8"));
    assert.equal((await done(["--version"])).out, `${version}\n`);
  });

  test("the document is the one in HERMES_HOME, or in the home folder", async () => {
    const home = await folder();
    await done(["add", "nous"], { path: null, input: "x", env: { HOME: home, USERPROFILE: home, HERMES_HOME: "" } });
    assert.ok(await stat(join(home, ".hermes", "auth.json")));
    await done(["add", "nous"], { path: null, input: "x", env: { HOME: home, HERMES_HOME: join(home, "other") } });
    assert.ok(await stat(join(home, "other", "auth.json")));
  });

  test("no colours without a terminal, and no control characters", async () => {
    const text = DOCUMENT.replace(`"label": "work"`, `"label": "wo\\u001b[31mrk\\u202e"`);
    for (const words of [["list"], ["explain", "openrouter"], ["remove", "openrouter", "zz"]]) {
      const { out, err } = await run(words, { text, env: { FORCE_COLOR: "3" } });
      assert.doesNotMatch(out + err, /[\u001b\u202e]/);
    }
  });

  test("no secret is ever shown, whatever the command and wherever a person puts a secret", async () => {
    const calls = [
      ["list"], ["list", "openrouter"], ["explain", "openrouter"], ["check"], ["policy", "openrouter"], ["reset"],
      ["strategy", "openrouter", "random"], ["remove", "openrouter", "b"], ["move", "openrouter", "b", "0"],
      ["add", "openrouter"], ["add", "openrouter", "--type", "oauth"], ["add", "openrouter", "--key-env", "K"],
      // Mistakes.
      [CANARY], [`--${CANARY}`], ["add", "openrouter", `--key=${CANARY}`], ["add", "openrouter", CANARY],
      ["add", "openrouter", "--key-env", CANARY], ["add", "openrouter", "--type", CANARY],
      ["add", "openrouter", "--priority", CANARY], ["add", "openrouter", `-${CANARY}`], ["list", CANARY],
      ["remove", "openrouter", CANARY], ["move", "openrouter", "a", CANARY], ["reset", "openrouter", CANARY],
      ["strategy", "openrouter", CANARY], ["policy", "openrouter", CANARY],
      ["policy", "openrouter", `{"preset": "${CANARY}"}`], ["policy", "openrouter", `@${CANARY}`], ["explain", CANARY],
    ];
    const unended = `{"credential_pool": {"openrouter": [{"access_token": "${CANARY}"`;
    const pasted = { id: CANARY, label: `work ${CANARY}`, source: `manual:${CANARY}`, access_token: CANARY };
    const everywhere = JSON.stringify({ version: 1, credential_pool: { openrouter: [pasted, { id: "b", access_token: "sk-b" }] } });
    const given = [DOCUMENT, BROKEN, unended, everywhere].map((text) => ({ text, input: `${CANARY}\n`, env: { K: CANARY } }));
    for (const words of calls) {
      const [whole, broken, corrupt, everywhere] = given;
      const all = [run(words, whole), run([...words, "--json"], broken), run(words, corrupt), run(words, everywhere)];
      for (const { out, err, exit } of await Promise.all(all)) {
        assert.ok(!(out + err).includes("canary"), `${words}: ${out}${err}`);
        assert.ok([0, 1, 2, 3].includes(exit), `${words}: ${exit} ${err}`);
      }
    }
  });
});

const folders = [];
after(() => Promise.all(folders.map((path) => rm(path, { recursive: true }))));

async function folder() {
  const path = await mkdtemp(join(tmpdir(), "credential-pool-cli-"));
  folders.push(path);
  return path;
}

/** A document of its own. */
async function file(text) {
  const path = join(await folder(), "auth.json");
  await writeFile(path, text);
  return path;
}

const pools = async (path) => JSON.parse(await readFile(path, "utf8")).credential_pool;

/** Runs the command line; `path: null` lets it find its document. */
async function run(words, { text = DOCUMENT, path, input = "", env = {} } = {}) {
  path = path === undefined ? await file(text) : path;
  const place = path === null ? [] : ["--document", path];
  const { FORCE_COLOR, NO_COLOR, HERMES_HOME, CREDENTIAL_POOL_REDIS, ...others } = process.env;
  const child = spawn(process.execPath, [CLI, ...place, ...words], { env: { ...others, ...env } });
  // A command may end without reading stdin.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const texts = Promise.all([child.stdout, child.stderr].map(async (stream) => Buffer.concat(await stream.toArray()).toString()));
  const [[exit], [out, err]] = await Promise.all([once(child, "close"), texts]);
  return {
    exit, out, err, path,
    get json() { return JSON.parse(out); },
    get error() { return JSON.parse(err).error; },
  };
}

/** Runs a command that must succeed with an empty stderr. */
async function done(words, given) {
  const ran = await run(words, given);
  assert.deepEqual([ran.exit, ran.err], [0, ""], words.join(" "));
  return ran;
}
