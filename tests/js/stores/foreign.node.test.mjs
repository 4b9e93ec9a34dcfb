// A file that a store shares with another program of the reference's format. Each reads what the other wrote, and keeps
// what it does not know.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

import { checkDocument } from "credential-pool";
import { FileStore } from "credential-pool/file-store";

import { added, clear, counts, folder, KEY, removed, used } from "./kinds.mjs";
import { dump, parse } from "./reference.mjs";

after(clear);

/** A document in the form of the reference. */
const THEIRS = `{
  "version": 1,
  "providers": {
    "nous": {
      "tls": {},
      "scopes": [],
      "label": "caf\\u00e9 \\ud83d\\ude00 / \\u0007"
    }
  },
  "active_provider": null,
  "credential_pool": {
    "openrouter": [
      {
        "id": "a",
        "label": "\\u00fcber",
        "auth_type": "api_key",
        "priority": 0,
        "source": "manual",
        "zeta": 1.0,
        "alpha": 9007199254740993,
        "access_token": "sk-a",
        "last_status": null,
        "last_status_at": 1767225600.123456,
        "last_error_code": null
      }
    ]
  },
  "updated_at": "2026-03-01T00:00:00+00:00"
}
`;

test("the stand-in for the other program writes as Python does", () => {
  assert.equal(`${dump(parse(THEIRS))}\n`, THEIRS);
});

test("it and a store write in turns: nothing is lost on either side", { timeout: 60_000 }, async (t) => {
  const ROUNDS = 25;
  const path = join(await folder(), "auth.json");
  await writeFile(path, THEIRS, { mode: 0o600 });
  const child = spawn(process.execPath, [fileURLToPath(new URL("foreign.mjs", import.meta.url)), path], { stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => child.kill());
  const store = new FileStore(path);
  const told = [];
  await store.read(KEY);
  const end = store.watch(KEY, ({ stored }) => told.push(stored.rows.length));
  const expected = { a: 0 };
  for (let n = 1; n <= ROUNDS; n++) {
    child.stdin.write("\n");
    await once(child.stdout, "data");
    expected[`f${n}`] = 0;
    const before = await readFile(path, "utf8");
    assert.deepEqual(await counts(store), expected, "what it wrote is read");

    const commits = [used("a", n), added(`o${n}`), ...(n % 3 === 0 ? [removed(`f${n - 1}`)] : [])];
    await Promise.all(commits.map((change) => store.commit(KEY, [change])));
    expected.a += n;
    expected[`o${n}`] = 0;
    if (n % 3 === 0) delete expected[`f${n - 1}`];
    const after = await readFile(path, "utf8");
    assert.deepEqual(await counts(new FileStore(path)), expected);
    assert.equal(untouched(after), untouched(before), "order of fields, escapes, numbers, what is unknown");
    assert.deepEqual(checkDocument(after), []);
    assert.ok(after.endsWith("}\n") && !after.endsWith("\n\n"));
    const lines = new Set(before.split("\n"));
    const [theirs] = after.split(/^ {2}"credential_pool_merges"/m);
    for (const line of theirs.trimEnd().split("\n")) {
      assert.ok(lines.has(line) || lines.has(line.replace(/,$/, "")) || /"(request_count|id|source|access_token)": |^ *\\{/.test(line), `a new line: ${line}`);
    }
  }
  assert.ok(told.length > 0, "its writes are noticed");
  end();
  child.stdin.end();
  await once(child, "close");
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.deepEqual((await readdir(join(path, ".."))).sort(), ["auth.json", "auth.lock"]);
  const document = parse(await readFile(path, "utf8"));
  assert.equal(document.get("credential_pool").size, 1 + ROUNDS);
  assert.equal(document.get("providers").size, 1 + ROUNDS);
  assert.equal(document.get("credential_pool").get(KEY)[0].size, 11 + ROUNDS + 1, "its fields, and the count");

  /** A document without the parts that the store changes. */
  function untouched(text) {
    const document = parse(text);
    document.delete("credential_pool_merges");
    const rows = document.get("credential_pool").get(KEY);
    for (const row of rows) row.delete("request_count");
    const isTheirs = (row) => !row.get("id").startsWith(`"o`) && JSON.parse(row.get("id")) in expected;
    document.get("credential_pool").set(KEY, rows.filter(isTheirs));
    return dump(document);
  }
});
