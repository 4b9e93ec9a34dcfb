// `credential-pool edit`: the server behind the page, as a browser and as others meet it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, cp, lstat, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { withFileLock } from "../../pkg/dist/stores/file-lock.js";
import { FileStore } from "../../pkg/dist/node-file-store.js";

const PACKAGE = fileURLToPath(new URL("../../pkg/cli/", import.meta.url));
const CANARY = "sk-canary-5f2d";
const NONE = `"none"`;
const DOCUMENT = `{ "mine": 12345678901234567890123,
\t"credential_pool": {"openrouter": [{"id": "a", "label": "caf\\u00e9 ✓", "access_token": "${CANARY}-a", "big": 1.0}]}
}

`;
const OTHER = DOCUMENT.replace(`"label": "caf`, `"label": "no caf`);

describe("reading", { concurrency: true }, () => {
  for (const [name, text] of [
    ["as people write", DOCUMENT],
    ["with a byte order mark and CRLF", `\ufeff${DOCUMENT.replaceAll("\n", "\r\n")}`],
    ["that is no document yet", `{"access_token": "${CANARY}`],
    ["that is empty", ""],
  ]) {
    test(`a document ${name} comes to the byte`, async () => {
      const { path, api } = await edited({ text });
      const got = await api("GET", "/document");
      assert.deepEqual([got.status, got.text], [200, text]);
      assert.match(got.headers.etag, /^"[0-9a-f]{64}"$/);
      const { "content-type": type, "cache-control": cached, "credential-pool-name": called } = got.headers;
      assert.deepEqual([type, cached], ["application/json; charset=utf-8", "no-store"]);
      assert.equal(decodeURIComponent(called), path);
      const answer = await api("PUT", "/document", { etag: got.headers.etag, body: OTHER });
      assert.deepEqual([answer.status, answer.text], [200, ""]);
      assert.equal(await readFile(path, "utf8"), OTHER);
      assert.equal((await api("GET", "/document")).headers.etag, answer.headers.etag);
    });
  }

  test("a missing document is empty, and is made for its owner alone, with its folder", async () => {
    const path = join(await folder(), "deep", "auth.json");
    const { api } = await edited({ path });
    const got = await api("GET", "/document");
    assert.deepEqual([got.status, got.text, got.headers.etag], [200, "", NONE]);
    assert.equal((await api("PUT", "/document", { etag: NONE, body: DOCUMENT })).status, 200);
    assert.equal(await readFile(path, "utf8"), DOCUMENT);
    assert.deepEqual([(await stat(path)).mode & 0o777, (await stat(join(path, ".."))).mode & 0o777], [0o600, 0o700]);
    assert.equal((await api("PUT", "/document", { etag: NONE, body: OTHER })).status, 412);
  });

  test("the page has protective headers, and no file beside it is served", async () => {
    const { api, path } = await edited();
    const { status, headers, text } = await api("GET", "/", { session: null });
    assert.deepEqual([status, headers["content-type"]], [200, "text/html;charset=utf-8"]);
    assert.match(text, /connect-src 'self'/);
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.equal(headers["referrer-policy"], "no-referrer");
    assert.equal(headers["cross-origin-opener-policy"], "same-origin");
    assert.equal(headers["content-security-policy"], "frame-ancestors 'none'");
    const [, script] = /src="\.\/(assets\/[^"]+\.js)"/.exec(text);
    assert.equal((await api("GET", `/${script}`, { session: null, headers: { Range: "bytes=9-1" } })).status, 200);
    for (const other of ["/../cli.js", "/%2e%2e/cli.js", "/..%2fcli.js", path, "/nothing", "/documents"]) {
      assert.equal((await api("GET", other)).status, 404, other);
    }
  });
});

describe("writing", { concurrency: true }, () => {
  test("a concurrent change stays, and its ETag is returned", async () => {
    const { path, api } = await edited();
    const { headers: { etag } } = await api("GET", "/document");
    await new FileStore(path).commit("openrouter", [{ type: "remove", id: "a", by: { at: 1, host: "other" } }]);
    const before = await readFile(path, "utf8");
    assert.notEqual(before, DOCUMENT);
    const refused = await api("PUT", "/document", { etag, body: OTHER });
    assert.deepEqual([refused.status, refused.json.code], [412, "changed"]);
    assert.match(refused.json.message, /read it again; nothing was written/);
    assert.equal(await readFile(path, "utf8"), before);
    assert.equal(refused.headers.etag, (await api("GET", "/document")).headers.etag);
    assert.equal((await api("PUT", "/document", { etag: refused.headers.etag, body: OTHER })).status, 200);
    assert.equal((await api("PUT", "/document", { etag, body: OTHER })).status, 200, "it says so already");
  });

  test("a write waits for a host's lock, and the host's change stays", async () => {
    const { path, api } = await edited();
    const { headers: { etag } } = await api("GET", "/document");
    let put;
    await withFileLock(path, undefined, { waitMs: 15_000, staleMs: 10_000 }, async () => {
      put = api("PUT", "/document", { etag, body: OTHER });
      assert.equal(await Promise.race([put, sleep(200, "waits")]), "waits");
      await writeFile(path, `${DOCUMENT}\n`);
    });
    assert.equal((await put).status, 412);
    assert.equal(await readFile(path, "utf8"), `${DOCUMENT}\n`);
  });

  test("of many writers with the same ETag, one succeeds", async () => {
    const { path, api } = await edited();
    const { headers: { etag } } = await api("GET", "/document");
    const texts = Array.from({ length: 8 }, (_, n) => DOCUMENT.replace(`"a"`, `"a${n}"`));
    const all = await Promise.all(texts.map((body) => api("PUT", "/document", { etag, body })));
    assert.deepEqual(all.map(({ status }) => status).sort(), [200, ...Array(7).fill(412)]);
    assert.equal(await readFile(path, "utf8"), texts[all.findIndex(({ status }) => status === 200)]);
    assert.deepEqual(await readdir(join(path, "..")), ["auth.json"]);
  });

  for (const [name, body, pointer] of [
    ["nothing", ""],
    ["half", DOCUMENT.slice(0, -20)],
    ["a list", "[]"],
    ["pools that are none", `{"credential_pool": ["${CANARY}"]}`, "/credential_pool"],
    ["no text", Uint8Array.from([0x22, 0xff, 0x22])],
  ]) {
    test(`${name}: refused, and the document stays, even an unreadable document`, async () => {
      for (const text of [DOCUMENT, `{"access_token": "${CANARY}`]) {
        const { path, api } = await edited({ text });
        const { headers: { etag } } = await api("GET", "/document");
        const { status, json } = await api("PUT", "/document", { etag, body });
        assert.deepEqual([status, json.code], [422, "invalid_document"]);
        assert.match(json.message, /nothing was overwritten/);
        if (pointer !== undefined) assert.equal(json.pointer, pointer);
        assert.equal(await readFile(path, "utf8"), text);
      }
    });
  }

  test("mode and link stay", async () => {
    const path = await file(DOCUMENT);
    const link = join(path, "..", "link.json");
    await symlink(path, link);
    await chmod(path, 0o640);
    const { api } = await edited({ path: link });
    const { headers: { etag } } = await api("GET", "/document");
    assert.equal((await api("PUT", "/document", { etag, body: OTHER })).status, 200);
    assert.ok((await lstat(link)).isSymbolicLink());
    assert.deepEqual([(await stat(path)).mode & 0o777, await readFile(path, "utf8")], [0o640, OTHER]);
  });

  test("a read-only document, or a file that is no text: nothing is written, and the error says so", async () => {
    const { path, api } = await edited();
    const { headers: { etag } } = await api("GET", "/document");
    await chmod(path, 0o444);
    const refused = await api("PUT", "/document", { etag, body: OTHER });
    assert.deepEqual([refused.status, refused.json.code], [500, "unwritable"]);
    assert.match(refused.json.message, /nothing was written/);
    assert.equal(await readFile(path, "utf8"), DOCUMENT);
    await chmod(path, 0o600);
    await writeFile(path, Uint8Array.from([0x22, 0xff, 0x22]));
    for (const method of ["GET", "PUT"]) {
      const { status, json } = await api(method, "/document", { etag, body: OTHER });
      assert.deepEqual([status, json.code], [500, "invalid_document"]);
      assert.match(json.message, /no text in UTF-8: correct it, or restore it; nothing was overwritten/);
    }
    assert.equal((await readFile(path)).length, 3);
  });

  test("more than 64 MB is refused", async () => {
    const { path, api } = await edited();
    const { headers: { etag } } = await api("GET", "/document");
    const { status, json } = await api("PUT", "/document", { etag, body: Buffer.alloc(64 * 1024 * 1024 + 1, " ") });
    assert.deepEqual([status, json.code], [413, "too_large"]);
    assert.equal(await readFile(path, "utf8"), DOCUMENT);
  });
});

describe("access", { concurrency: true }, () => {
  const put = { etag: "seen", body: OTHER };
  const from = (Origin) => ({ headers: { Origin } });
  const by = (Host) => ({ headers: { Host } });
  const bearer = (of) => ({ headers: { Authorization: (_, own, token) => `Bearer ${of(own, token)}` } });
  const REFUSED = [
    // case, method, path, options, status, code
    ["no session", "GET", "/document", { session: null }, 401, "no_session"],
    ["a wrong session", "GET", "/document", { session: "a".repeat(43) }, 401, "no_session"],
    ["a part of the session", "GET", "/document", { session: (own) => own.slice(0, -1) }, 401, "no_session"],
    ["a write without a session", "PUT", "/document", { ...put, session: null }, 401, "no_session"],
    ["watching without a session", "GET", "/watch", { session: null }, 401, "no_session"],
    ["the session in the address", "GET", (own) => `/document?edit=${own}`, { session: null }, 401, "no_session"],
    ["the session as a token", "GET", "/document", { session: null, ...bearer((own) => own) }, 401, "no_session"],
    ["the token a second time", "POST", "/session", bearer((_, token) => token), 401, "used_token"],
    ["a token that is none", "POST", "/session", bearer(() => "a".repeat(43)), 401, "used_token"],
    ["a session that is read", "GET", "/session", {}, 405, "wrong_method"],
    ["the address of the machine", "GET", "/", by((port) => `127.0.0.1:${port}`), 403, "foreign_host"],
    ["the common name of the machine", "GET", "/document", by((port) => `localhost:${port}`), 403, "foreign_host"],
    ["another name below it", "GET", "/document", by((port) => `${"a".repeat(32)}.edit.localhost:${port}`), 403, "foreign_host"],
    ["the service worker of the page", "GET", "/sw.js", {}, 404, "not_found"],
    ["a foreign name", "GET", "/document", by("evil.example"), 403, "foreign_host"],
    ["a foreign name with the port", "GET", "/", by((port) => `evil.example:${port}`), 403, "foreign_host"],
    ["another port", "GET", "/", by("127.0.0.1:1"), 403, "foreign_host"],
    ["a foreign page", "GET", "/document", from("https://evil.example"), 403, "foreign_origin"],
    ["a page on another port", "PUT", "/document", { ...put, ...from("http://127.0.0.1:1") }, 403, "foreign_origin"],
    ["a page without an origin", "PUT", "/document", { ...put, ...from("null") }, 403, "foreign_origin"],
    ["a foreign page that asks first", "OPTIONS", "/document", from("https://evil.example"), 403, "foreign_origin"],
    ["POST", "POST", "/document", put, 405, "wrong_method"],
    ["DELETE", "DELETE", "/document", {}, 405, "wrong_method"],
    ["PUT on what is watched", "PUT", "/watch", put, 405, "wrong_method"],
    ["POST on the page", "POST", "/", put, 405, "wrong_method"],
    ["a write of who has not read", "PUT", "/document", { body: OTHER }, 428, "no_if_match"],
    ["a write over whatever there is", "PUT", "/document", { etag: "*", body: OTHER }, 412, "changed"],
  ];
  for (const [name, method, to, given, status, code] of REFUSED) {
    test(`${name}: ${status} ${code}`, async () => {
      const { path, api } = await edited();
      const refused = await api(method, to, given);
      assert.deepEqual([refused.status, refused.json.code], [status, code]);
      assert.match(refused.json.message, /\w+ \w+/);
      assert.ok(!Object.keys(refused.headers).some((header) => header.startsWith("access-control-")));
      assert.equal(refused.headers["x-content-type-options"], "nosniff");
      assert.equal(await readFile(path, "utf8"), DOCUMENT);
    });
  }

  test("the page itself", async () => {
    const { api, host } = await edited();
    const headers = { Origin: `http://${host}` };
    assert.equal((await api("GET", "/document", { headers })).status, 200);
  });

  test("each server has a host name, a token and a session of its own", async () => {
    const [one, other] = await Promise.all([edited(), edited()]);
    for (const { host, token, session } of [one, other]) {
      assert.match(`${host} ${token} ${session}`, /^[0-9a-f]{32}\.edit\.localhost:\d+ [\w-]{43} [\w-]{43}$/);
    }
    for (const name of ["host", "token", "session"]) assert.notEqual(one[name], other[name]);
    assert.equal((await one.api("GET", "/document", { session: other.session })).status, 401);
  });

  test("a wrong token does not use up the token, and opens no session", async () => {
    const { ask, token } = await served();
    const post = (bearer) => ask("POST", "/session", { session: null, headers: { Authorization: `Bearer ${bearer}` } });
    const refused = await post("a".repeat(43));
    assert.deepEqual([refused.status, refused.json.code, refused.headers["set-cookie"]], [401, "no_token", undefined]);
    const { status, headers: { "set-cookie": [cookie] } } = await post(token);
    assert.equal(status, 204);
    assert.match(cookie, /^credential-pool-edit=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/, "no other host name gets it");
    const again = await post(token);
    assert.deepEqual([again.status, again.json.code, again.headers["set-cookie"]], [401, "used_token", undefined]);
    assert.match(again.json.message, /run `credential-pool edit` again/);
  });

  test("workers that earlier versions registered under common names are removed", async () => {
    const { api } = await edited();
    const ask = (Host) => api("GET", "/", { headers: { Host } });
    for (const name of ["127.0.0.1", "localhost"]) {
      assert.equal((await ask((port) => `${name}:${port}`)).headers["clear-site-data"], `"cache", "storage"`);
    }
    assert.equal((await ask("evil.example")).headers["clear-site-data"], undefined);
  });
});

describe("watching", { concurrency: true }, () => {
  test("sends the ETag at first, and after each write: in place, by a rename, or through the server", async () => {
    const { path, api, watch } = await edited();
    const response = await watch();
    assert.equal(response.headers["content-type"], "text/event-stream; charset=utf-8");
    const told = etags(response);
    const now = async () => (await api("GET", "/document")).headers.etag;
    assert.equal((await told.next()).value, await now());
    await writeFile(path, OTHER);
    assert.equal((await told.next()).value, await now());
    await writeFile(`${path}.new`, `${DOCUMENT}\n`);
    await rename(`${path}.new`, path);
    assert.equal((await told.next()).value, await now());
    const { headers: { etag } } = await api("PUT", "/document", { etag: await now(), body: DOCUMENT });
    assert.equal((await told.next()).value, etag);
    await rm(path);
    assert.equal((await told.next()).value, NONE);
    await told.return();
  });
});

describe("the command", { concurrency: true }, () => {
  for (const signal of ["SIGINT", "SIGTERM"]) {
    test(`${signal} ends it with 0, also with a page open`, async () => {
      const { child, port, watch, ended } = await edited();
      const told = etags(await watch());
      await told.next();
      child.kill(signal);
      const { exit, err } = await ended;
      assert.deepEqual([exit, err], [0, ""]);
      assert.equal((await told.next()).done, true);
      await assert.rejects(fetch(`http://127.0.0.1:${port}/`));
    });
  }

  test("prints the address for people, and who may use it", async () => {
    const { child, path, ended } = start(["edit", "--no-open"], await file(DOCUMENT));
    await once(child.stdout, "data");
    child.kill("SIGINT");
    const { out } = await ended;
    const [, address] = /\n\n {2}(http:\/\/[0-9a-f]{32}\.edit\.localhost:\d+\/#edit=[\w-]{43})\n\n/.exec(out) ?? [];
    assert.ok(address, out);
    assert.ok(out.startsWith(`${path} `));
    assert.match(out, /until Ctrl-C/);
  });

  test("--port chooses the port, and fails if it is in use", async () => {
    const blocker = createServer().listen(0, "127.0.0.1");
    await once(blocker, "listening");
    const { port } = blocker.address();
    const taken = await start(["--json", "edit", "--no-open", "--port", String(port)], await file(DOCUMENT)).ended;
    assert.deepEqual([taken.exit, taken.out, JSON.parse(taken.err).error.code], [2, "", "no_port"]);
    assert.match(taken.err, /EADDRINUSE\): end the program that uses it, choose another/);
    blocker.close();
    await once(blocker, "close");
    assert.equal((await edited({ words: ["--port", String(port)] })).port, port);
  });

  test("a document that cannot be edited fails with its reason", async () => {
    const redis = { CREDENTIAL_POOL_REDIS: `redis://me:${CANARY}@127.0.0.1:1` };
    const tries = [
      [["edit", "--no-open"], null, redis, 2, "invalid_argument", /in files, not pools in Redis: give --document PATH/],
      [["edit", "--no-open"], await folder(), {}, 3, "unreadable", /is no file/],
      [["edit", "--no-open"], await file(Uint8Array.from([0x22, 0xff])), {}, 3, "invalid_document", /UTF-8/],
      [["edit", "--port", "65536"], await file(DOCUMENT), {}, 2, "invalid_argument", /up to 65535/],
      [["edit", "--port", CANARY], await file(DOCUMENT), {}, 2, "invalid_argument", /up to 65535/],
    ];
    for (const [words, path, env, exit, code, says] of tries) {
      const ran = await start(["--json", ...words], path, { env }).ended;
      assert.deepEqual([ran.exit, ran.out], [exit, ""], ran.err);
      const { error } = JSON.parse(ran.err);
      assert.equal(error.code, code);
      assert.match(error.message, says);
      assert.doesNotMatch(ran.err, /canary/);
    }
  });

  test("a package without its page says how to get the page", async () => {
    const copy = await folder();
    const isNotPage = (path) => !path.endsWith("/page");
    await cp(join(PACKAGE, "dist"), join(copy, "dist"), { recursive: true, filter: isNotPage });
    await cp(join(PACKAGE, "package.json"), join(copy, "package.json"));
    await symlink(join(PACKAGE, "node_modules"), join(copy, "node_modules"));
    const run = start(["edit", "--no-open"], await file(DOCUMENT), { cli: join(copy, "dist/cli.js") });
    const { exit, out, err } = await run.ended;
    assert.deepEqual([exit, out], [1, ""]);
    assert.match(err, /^credential-pool: the page is missing in this package: .*cargo xtask build/);
  });

  test("--help documents it", async () => {
    const { exit, out } = await start(["edit", "--help"], null).ended;
    assert.equal(exit, 0);
    for (const word of ["--port <port>", "--no-open", "--document <path>", "Examples:"]) assert.ok(out.includes(word));
  });

  test("no secret of the document is ever shown", async () => {
    const { child, api, path, ended } = await edited();
    const { headers: { etag } } = await api("GET", "/document");
    const bodies = [DOCUMENT.slice(0, -20), `{"credential_pool": "${CANARY}"}`, `"${CANARY}"`, OTHER];
    for (const body of bodies) {
      const { text } = await api("PUT", "/document", { etag, body });
      assert.doesNotMatch(text, /canary/);
    }
    await api("GET", `/${CANARY}`);
    await writeFile(path, `{"${CANARY}`);
    assert.doesNotMatch((await api("PUT", "/document", { etag, body: DOCUMENT })).text, /canary/);
    child.kill("SIGINT");
    const { out, err } = await ended;
    assert.doesNotMatch(out + err, /canary/);
  });
});

const folders = [];
const children = [];
after(async () => {
  await Promise.all(children.map(({ child, ended }) => {
    child.kill("SIGKILL");
    return ended;
  }));
  await Promise.all(folders.map((path) => rm(path, { recursive: true })));
});

async function folder() {
  const path = await mkdtemp(join(tmpdir(), "credential-pool-edit-"));
  folders.push(path);
  return path;
}

/** A document of its own. */
async function file(text) {
  const path = join(await folder(), "auth.json");
  await writeFile(path, text);
  return path;
}

/** Runs the command line; `path: null` lets it find its document. */
function start(words, path, { env = {}, cli = join(PACKAGE, "dist/cli.js") } = {}) {
  const { FORCE_COLOR, HERMES_HOME, CREDENTIAL_POOL_REDIS, ...others } = process.env;
  const place = path === null ? [] : ["--document", path];
  const child = spawn(process.execPath, [cli, ...place, ...words], { env: { ...others, ...env } });
  const written = { out: "", err: "" };
  child.stdout.on("data", (chunk) => (written.out += chunk));
  child.stderr.on("data", (chunk) => (written.err += chunk));
  const ended = once(child, "close").then(([exit]) => ({ exit, ...written }));
  children.push({ child, ended });
  return { child, path, ended, written };
}

/** A server on a document, and a function that sends requests to it. Its token is not used yet. */
async function served({ text = DOCUMENT, path, words = [] } = {}) {
  const run = start(["--json", "edit", "--no-open", ...words], path ?? await file(text));
  while (!run.written.out.endsWith("}\n")) {
    await Promise.race([once(run.child.stdout, "data"), run.ended.then(({ err }) => assert.fail(err))]);
  }
  const { url, port, document } = JSON.parse(run.written.out);
  assert.equal(document, run.path);
  const { host, hash } = new URL(url);
  const token = hash.replace("#edit=", "");
  return { ...run, url, port, host, token, ask: (method, to, given) => asked({ port, host, method, to, ...given }) };
}

/** A server on a document, with a session. */
async function edited(given) {
  const run = await served(given);
  const { token, ask } = run;
  const { headers } = await ask("POST", "/session", { session: null, headers: { Authorization: `Bearer ${token}` } });
  const [, session] = /^credential-pool-edit=([^;]+)/.exec(headers["set-cookie"]);
  const own = { own: session, token };
  return { ...run, session, api: (method, to, given) => ask(method, to, { ...own, ...given }), watch: () => ask("GET", "/watch", { ...own, isStream: true }) };
}

/** Sends a request. Not with `fetch`, which restricts Host, Origin and method. */
async function asked({ port, host, own, token, method, to, session = own, etag, headers = {}, body, isStream }) {
  const cookie = typeof session === "function" ? session(own) : session;
  const given = (value) => (typeof value === "function" ? value(port, own, token) : value);
  const others = Object.entries(headers).map(([name, value]) => [name, given(value)]);
  const sent = request({
    host: "127.0.0.1", port, method, path: typeof to === "function" ? to(own) : to, agent: false,
    headers: {
      Host: host,
      ...(cookie === null ? {} : { Cookie: `other=1; credential-pool-edit=${cookie}` }),
      ...(etag === undefined ? {} : { "If-Match": etag }),
      ...(body === undefined ? {} : { "Content-Length": Buffer.byteLength(body) }),
      ...Object.fromEntries(others),
    },
  });
  sent.end(body);
  const [response] = await once(sent, "response");
  if (isStream) return response;
  const text = Buffer.concat(await response.toArray()).toString();
  return { status: response.statusCode, headers: response.headers, text, get json() { return JSON.parse(text); } };
}

/** The entity tags in a stream of server-sent events. */
async function* etags(body) {
  let text = "";
  body.setEncoding("utf8");
  for await (const chunk of body) {
    text += chunk;
    for (let end; (end = text.indexOf("\n\n")) >= 0; text = text.slice(end + 2)) {
      const [, etag] = /^event: changed\ndata: ("[^"]+")$/.exec(text.slice(0, end));
      yield etag;
    }
  }
}
