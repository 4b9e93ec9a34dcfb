// Counts one row up in a store for as long as it lives, and writes a dot for every count that was committed.
//
// writer.mjs PLACE ROW [IN_FLIGHT]. So many commits are under way at a time; one, if that is not said.

import { randomUUID } from "node:crypto";
import { writeSync } from "node:fs";
import process from "node:process";

import { storeAt } from "./place.mjs";

const [place, id, inFlight = 1] = process.argv.slice(2);
const store = storeAt(place, { staleMs: 2000, lockMs: 2000 });
for (let i = 0; i < Number(inFlight); i++) void count();

async function count() {
  const host = randomUUID();
  for (let at = 1; ; at += 1) {
    await store.commit("openrouter", [{ by: { at, host }, type: "used", id, count: 1 }]);
    writeSync(1, ".");
  }
}
