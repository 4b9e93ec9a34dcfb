// A host in a process of its own that does requests with a login, until the provider has seen enough.
//
// refresher.mjs NAME PLACE URL ORIGIN SPEED. It prints `interrupted` and the refresh token of a login that has to be made
// anew.

import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

import { openPool, UnservedError } from "credential-pool";

import { clock, KEY, storeAt } from "./logins.mjs";

const [name, place, url, origin, speed] = process.argv.slice(2);

const pool = await openPool({
  key: KEY,
  store: await storeAt(place),
  host: { now: clock(Number(origin), Number(speed)) },
  origins: [url],
  // Requests go to this provider, which is told the sender.
  fetch: (to, { headers, ...init }) => {
    const asks = new Headers(headers);
    asks.set("x-process", `${name} ${process.pid}`);
    return fetch(new URL(new URL(to).pathname, url), { ...init, headers: asks });
  },
  onEvent: ({ what: { type } }) => {
    if (type === "refresh_interrupted" || type === "refresh_lost") console.log(`interrupted ${pool.core.rows()[0].refresh_token}`);
  },
  onProblem: (problem) => console.error(`problem ${problem}`),
});

for (;;) {
  try {
    const response = await pool.fetch(`${url}/v1/work`, { method: "POST" }, { patienceMs: 100 });
    const { isEnough } = await response.json();
    if (isEnough) break;
  } catch (error) {
    if (!(error instanceof UnservedError)) throw error;
    await sleep(20);
  }
}
await pool.close();
process.exit(0);
