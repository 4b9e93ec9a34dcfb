// A file that is mounted alone, as into a container: a rename onto it is EBUSY. To be run in a mount namespace of its
// own.
//
// mounted.mjs FOLDER [kill]: `kill` ends this process in the middle of a write.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

import { applyToDocument } from "credential-pool";
import { DocumentFile, FileStore } from "credential-pool/file-store";

import { added, counts, HANDMADE, KEY, used } from "./kinds.mjs";

const folder = process.argv[2];
const [real, path] = [join(folder, "real.json"), join(folder, "auth.json")];
writeFileSync(real, HANDMADE);
writeFileSync(path, "");
writeFileSync(`${path}.new`, "");
execFileSync("mount", ["--bind", real, path]);
assert.throws(() => renameSync(`${path}.new`, path), { code: "EBUSY" });

const store = new FileStore(path);
const changes = [added("c"), used("a", 3)];
const { ino } = statSync(real);
await store.commit(KEY, changes);
assert.equal(readFileSync(real, "utf8"), applyToDocument(HANDMADE, KEY, changes).text, "longer");
const file = new DocumentFile(path);
const { etag } = await file.read();
assert.equal((await file.replace(HANDMADE, etag)).isWritten, true);
assert.equal(readFileSync(real, "utf8"), HANDMADE, "shorter");
await Promise.all([1, 2, 3].map(() => new FileStore(path).commit(KEY, [used("b")])));
assert.deepEqual(await counts(store), { a: 0, b: 3 });
assert.equal(statSync(real).ino, ino, "the mounted file is the file");
assert.deepEqual(readdirSync(folder).sort(), ["auth.json", "auth.json.new", "real.json"]);
console.log("done");
