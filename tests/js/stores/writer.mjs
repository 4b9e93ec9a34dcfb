// Counts one row up in a file for as long as it lives, and writes a dot for every count that was committed.
//
// writer.mjs PATH ROW

import { randomUUID } from "node:crypto";
import { writeSync } from "node:fs";
import process from "node:process";

import { FileStore } from "credential-pool/file-store";

const [path, id] = process.argv.slice(2);
const store = new FileStore(path, { staleMs: 2000 });
const host = randomUUID();
for (let at = 1; ; at += 1) {
  await store.commit("openrouter", [{ by: { at, host }, type: "used", id, count: 1 }]);
  writeSync(1, ".");
}
