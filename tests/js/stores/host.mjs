// A host in a process of its own: opens a pool, uses it, writes what it must, and shows what it ends with.
//
// host.mjs PLACE NAME SESSIONS OPERATIONS; the place is the path of a file, or the URL of a Redis.
//
// An operation is what a request costs at most: a credential is chosen and used, the use is committed, and the intent
// settled when it is on the disk. Each session has one under way at a time; the sessions share a pool and a store, as
// in real hosts. Two additions before and one removal after are operations as well. In the end it prints how often it
// used each row, waits for a line, and prints the rows.

import { once } from "node:events";
import process from "node:process";

import { CredentialPool } from "credential-pool";
import { storeAt } from "./place.mjs";

const [place, name, sessions, operations] = process.argv.slice(2);
const key = "openrouter";
const store = storeAt(place);

const { pool, ...opened } = CredentialPool.open({ key, ...(await store.read(key)) });
await take(opened);
await take(pool.add({ id: name, label: name, access_token: `sk-${name}` }));
await take(pool.add({ id: `${name}-gone`, access_token: `sk-${name}-gone` }));

const uses = {};
let left = Number(operations) - 3;
await Promise.all(Array.from({ length: Number(sessions) }, async () => {
  while (left-- > 0) {
    const { credential } = await take(pool.select());
    pool.markUsed(credential);
    uses[credential] = (uses[credential] ?? 0) + 1;
    await take(pool.flush());
  }
}));
await take(pool.remove(`${name}-gone`));

console.log(JSON.stringify(uses));
await once(process.stdin, "data");
const { stored } = await store.read(key);
console.log(JSON.stringify(CredentialPool.open({ key, stored }).pool.rows()));
process.exit(0);

async function take({ value, intents }) {
  for (const { type, id, changes } of intents) {
    if (type !== "persist") continue;
    await store.commit(key, changes);
    await take(pool.settle(id, { type: "saved" }));
  }
  return value;
}
