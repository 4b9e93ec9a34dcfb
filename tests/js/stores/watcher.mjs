// Reads and watches a store, and has nothing else to do.
//
// watcher.mjs PLACE [WAIT_MS]

import process from "node:process";

import { storeAt } from "./place.mjs";

const [place, waitMs = "15000"] = process.argv.slice(2);
const store = storeAt(place, { waitMs: Number(waitMs) });
store.watch("openrouter", () => {});
const said = await store.read("openrouter").then(() => "watches", ({ code }) => code);
console.log(said);
