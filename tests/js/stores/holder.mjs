// Takes a named lock of a store, says so, and holds it for as long as it lives.
//
// holder.mjs PLACE LOCK [LOCK_MS]

import process from "node:process";

import { storeAt } from "./place.mjs";

const [place, name, lockMs = "10000"] = process.argv.slice(2);
await storeAt(place, { lockMs: Number(lockMs) }).lock(name, () => {
  console.log("held");
  return new Promise((resolve) => setTimeout(resolve, 60_000));
});
