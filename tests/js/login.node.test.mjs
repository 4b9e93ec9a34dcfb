// `credential-pool login`, as a person runs it: in a process of its own.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { startAuthorization } from "../provider/authorization.mjs";

const CLI = fileURLToPath(new URL("../../pkg/cli/dist/cli.js", import.meta.url));
const KEY = "custom:box";

describe("login", { concurrency: true }, () => {
  test("with a code: it is shown, and the login is added", async () => {
    const server = await startAuthorization({ interval: 1, says: ["authorization_pending"] });
    const words = ["login", KEY, "--flow", "device_code", "--label", "work", "--json"];
    const { exit, out, err, path } = await run(words, { server });
    assert.equal(exit, 0, err);
    const { prompt } = JSON.parse(err);
    assert.deepEqual([prompt.type, prompt.userCode, prompt.verificationUri], ["show", "WDJB-MJHT", `${server.url}/go`]);
    const { pool, id, label, fingerprint } = JSON.parse(out);
    assert.deepEqual([pool, label], [KEY, "work"]);
    assert.match(fingerprint, /^sha256:/);
    const [row] = JSON.parse(await readFile(path, "utf8")).credential_pool[KEY];
    assert.deepEqual([row.id, row.label, row.auth_type, row.source], [id, "work", "oauth", "manual:device_code"]);
    assert.ok([row.access_token, row.refresh_token].every((token) => server.secrets.includes(token)));
    hidden(server, out + err);
  });

  test("in words: what to do and how long, on stderr; what was added, on stdout", async () => {
    const server = await startAuthorization({ interval: 1 });
    const { out, err } = await run(["login", "nous", "--flow", "device_code", "--priority", "0"], { server, key: "nous" });
    assert.match(err, /^Open this address on any device, and enter the code within (10 min|9 min 5\d s):\n\n/);
    assert.match(err, /\n\n {2}http:.*\/go\n {2}WDJB-MJHT\n\n$/);
    assert.match(out, /^added [0-9a-f]{6} \(manual:device_code\) to nous: sha256:[0-9a-f]{16}\n$/);
    hidden(server, out + err);
  });

  test("in a browser", async () => {
    const server = await startAuthorization();
    let page;
    const open = ({ url }) => void (page = fetch(url).then((response) => response.text()));
    const { exit, out, err, path } = await run(["login", KEY, "--json"], { server, open });
    assert.equal(exit, 0, err);
    assert.equal(JSON.parse(err).prompt.type, "visit");
    assert.match(await page, /^Thank you/);
    assert.equal(JSON.parse(await readFile(path, "utf8")).credential_pool[KEY][0].source, "manual:authorization_code");
    hidden(server, out + err);
  });

  test("Ctrl-C ends it, and nothing is written", async () => {
    const server = await startAuthorization({ interval: 60 });
    const open = (_, child) => void child.kill("SIGINT");
    const { exit, out, err, path } = await run(["login", KEY, "--flow", "device_code"], { server, open });
    assert.deepEqual([exit, out], [130, ""]);
    assert.match(err, /\ncredential-pool: cancelled: nothing was written\n$/);
    await assert.rejects(readFile(path));
  });

  const REFUSED = [
    // arguments, behaviour of the server, configuration, exit code, error code, message
    [["--flow", "device_code"], { interval: 1, says: ["access_denied"] }, {}, 4, "denied", /begin another.*\(HTTP 400\)/],
    [["--flow", "device_code"], { interval: 1, says: ["expired_token"] }, {}, 4, "expired", /approve it sooner/],
    [["--flow", "device_code"], {}, { client_id: "other" }, 4, "misconfigured", /correct `client_id`/],
    [[], {}, { authorization_url: "http://a.test" }, 2, "invalid_login", /https .*pool_logins\/custom:box\/authorization_url/],
    [["--flow", "password"], {}, {}, 2, "invalid_argument", /device_code or authorization_code/],
    [["--config", "/nowhere/at/all"], {}, {}, 2, "invalid_config", /ENOENT/],
    [["--config", CLI], {}, {}, 2, "invalid_config", /no JSON object/],
  ];
  for (const [words, does, fields, exit, code, says] of REFUSED) {
    test(`${words.join(" ")} ${JSON.stringify({ ...does, ...fields })}: ${exit} ${code}`, async () => {
      const server = await startAuthorization(does);
      const ran = await run(["login", KEY, "--json", ...words], { server, fields });
      const error = JSON.parse(ran.err.slice(ran.err.indexOf("{\n"))).error;
      assert.deepEqual([ran.exit, ran.out, error.code], [exit, "", code], ran.err);
      assert.match(error.message, says);
      hidden(server, ran.err);
      await assert.rejects(readFile(ran.path), "there is no document");
    });
  }

  test("a pool without a configured login: the message says what to configure", async () => {
    const { exit, err } = await run(["login", "openrouter"], {});
    assert.equal(exit, 2);
    assert.match(err, /^credential-pool: how to log in .* is not known: describe it .*credential_pool_logins/);
  });

  test("a port that is taken", async () => {
    const server = await startAuthorization();
    const { exit, err } = await run(["login", KEY], { server, fields: { redirect_uri: `${server.url}/callback` } });
    assert.equal(exit, 4);
    assert.match(err, /^credential-pool: the port .* cannot be opened \(EADDRINUSE\)/);
  });

  test("a document that cannot be used is said before anybody logs in", async () => {
    const server = await startAuthorization();
    const { exit, err } = await run(["login", KEY], { server, text: "{" });
    assert.equal(exit, 3);
    assert.doesNotMatch(err, /Open/);
    assert.equal(server.asked, undefined);
  });

  test("a document that cannot be written: the login is lost, and that is said", async () => {
    const server = await startAuthorization({ interval: 1 });
    const { exit, err } = await run(["login", KEY, "--flow", "device_code"], { server, text: "{}", mode: 0o444 });
    assert.equal(exit, 3);
    assert.match(err, /nothing was written/);
    hidden(server, err);
  });
});

const cleanings = [];
after(() => Promise.all(cleanings.map((clean) => clean())));

/** No secret of a server may be shown. */
function hidden(server, text) {
  assert.ok(server.secrets.every((secret) => !text.includes(secret)), text);
}

/** Runs the command line with a configuration that logs in to the server. */
async function run(words, { server, key = KEY, fields, text, mode = 0o600, open = () => {} }) {
  const folder = await mkdtemp(join(tmpdir(), "credential-pool-login-"));
  cleanings.push(() => rm(folder, { recursive: true }));
  const [path, config] = [join(folder, "auth.json"), join(folder, "config.json")];
  if (text !== undefined) await writeFile(path, text);
  if (text !== undefined) await chmod(path, mode);
  if (server !== undefined) {
    cleanings.push(() => server.close());
    await writeFile(config, JSON.stringify(server.config(key, fields)));
  }
  const given = server === undefined || words.includes("--config") ? [] : ["--config", config];
  const child = spawn(process.execPath, [CLI, "--document", path, ...words, ...given]);
  child.stdin.end();
  let [out, err] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (part) => out += part);
  child.stderr.setEncoding("utf8").on("data", (part) => {
    const isFirst = err === "";
    err += part;
    if (isFirst) open(words.includes("--json") ? JSON.parse(part).prompt ?? {} : {}, child);
  });
  const [exit] = await once(child, "close");
  return { exit, out, err, path };
}
