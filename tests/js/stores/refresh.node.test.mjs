// Many processes and one login: of all of them one refreshes, whoever dies meanwhile. The tests are Node's; some of the
// processes are Deno's.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";

import { openPool } from "credential-pool";

import { clear, folder, ROUNDS } from "./kinds.mjs";
import { clock, KEY, LoginProvider, storeAt } from "./logins.mjs";
import { startRedis } from "./redis-server.mjs";

after(clear);

const PROCESSES = 8;
const EXPIRIES = 40 * ROUNDS;

/** A login without a valid refresh token never serves again. */
const LONGEST = { timeout: 900_000 };

/** The stores in which the hosts share a login. */
const places = [
  {
    name: "a file",
    async make() {
      const path = join(await folder(), "auth.json");
      await writeFile(path, `{"version": 1, "credential_pool": {}}`, { mode: 0o600 });
      return pathToFileURL(path).href;
    },
  },
  { name: "a Redis", make: async () => (await startRedis()).url },
];

for (const { name, make } of places) {
  test(`${PROCESSES} processes share a login in ${name}: over ${EXPIRIES} expiries each refresh token is spent once`, LONGEST, async (t) => {
    const provider = new LoginProvider(EXPIRIES);
    const fleet = await Fleet.start(provider, await make());
    t.after(() => fleet.stop());
    await fleet.end();
    assert.deepEqual(provider.wrongs, []);
    assert.deepEqual([provider.grants >= EXPIRIES, fleet.logins, fleet.problems], [true, 0, []]);
    t.diagnostic(`${provider.served} requests, ${provider.grants} refreshes, ${provider.outages} outages`);
  });

  test(`the same in ${name} while the refreshing process is killed: at worst the login has to be made anew`, LONGEST, async (t) => {
    /** Number of kills left, by the state of the process's refresh. */
    const kills = { refused: ROUNDS, asked: ROUNDS, granted: ROUNDS, answered: ROUNDS };
    let isKilling = false;
    let fleet;
    const provider = new LoginProvider(EXPIRIES, async (moment, host) => {
      if (isKilling || !(kills[moment] > 0) || provider.grants < 5 || Math.random() > 0.4) return;
      isKilling = true;
      // With `refused` and `answered` the process continues meanwhile: it claims and sends, or writes the new tokens.
      await sleep(moment === "granted" || moment === "asked" ? 0 : Math.random() * 40);
      if (await fleet.kill(host)) kills[moment] -= 1;
      isKilling = false;
    });
    fleet = await Fleet.start(provider, await make());
    t.after(() => fleet.stop());
    await fleet.end();
    assert.deepEqual(provider.wrongs, []);
    assert.deepEqual([provider.grants >= EXPIRIES, fleet.problems], [true, []]);
    assert.deepEqual(kills, { refused: 0, asked: 0, granted: 0, answered: 0 });
    assert.ok(fleet.logins >= 1 && fleet.logins <= 4 * ROUNDS, `${fleet.logins} logins`);
    t.diagnostic(`${provider.served} requests, ${provider.grants} refreshes, ${4 * ROUNDS} kills, ${fleet.logins} logins made anew`);
  });
}

/** The processes, and the person who logs in again. */
class Fleet {
  logins = 0;
  problems = [];
  /** Clocks run fast, so that the claim of a dead process ends soon. */
  #speed = 30;
  #origin = Date.now();
  #processes = new Map();
  #madeAnew = new Set();
  #count = 0;

  static async start(provider, place) {
    const fleet = new Fleet();
    Object.assign(fleet, { provider, place });
    await provider.listen();
    const now = clock(fleet.#origin, fleet.#speed);
    fleet.pool = await openPool({ key: KEY, store: await storeAt(place), host: { now } });
    await fleet.pool.do((core) => core.add({
      id: "a",
      auth_type: "oauth",
      source: "manual:hermes_pkce",
      expires_at_ms: now() + 3_600_000,
      ...provider.login(),
    }));
    for (let n = 0; n < PROCESSES; n += 1) fleet.#spawn();
    return fleet;
  }

  /** Kills a process, and starts another process in its place; false if it has already ended. */
  async kill({ name, pid }) {
    const { closed } = this.#processes.get(name) ?? {};
    if (closed === undefined) return false;
    this.#processes.delete(name);
    // Deno is a child of the started process.
    process.kill(pid, "SIGKILL");
    await closed;
    this.#spawn();
    return true;
  }

  /** Output for a failed test. */
  stop() {
    for (const { child } of this.#processes.values()) child.kill("SIGTERM");
    return this.provider.close();
  }

  /** Resolves when all processes are done. */
  async end() {
    for (let running; (running = [...this.#processes.values()]).length > 0;) {
      await Promise.race(running.map(({ closed }) => closed));
    }
    await this.pool.close();
    await this.provider.close();
  }

  #spawn() {
    const deno = ["node_modules/deno/bin.cjs", "run", "--allow-all", "--no-lock", "--quiet"];
    const isDeno = this.#count < 2;
    this.#count += 1;
    const name = `host${this.#count}`;
    const words = [here("refresher.mjs"), name, this.place, this.provider.url, this.#origin, this.#speed].map(String);
    const child = spawn(process.execPath, [...(isDeno ? deno : []), ...words], { cwd: here(".."), stdio: ["ignore", "pipe", "pipe"] });
    const closed = once(child, "close").then(([code]) => {
      if (code !== 0 && this.#processes.has(name)) this.problems.push(`${name} ended with ${code}`);
      this.#processes.delete(name);
    });
    this.#processes.set(name, { child, closed });
    child.stderr.on("data", (said) => this.problems.push(String(said)));
    child.stdout.on("data", (said) => {
      for (const [, token] of String(said).matchAll(/^interrupted (.*)$/gm)) void this.#logIn(token);
    });
  }

  /** Makes a new login, once for each login whose refresh token was spent. */
  async #logIn(token) {
    if (this.#madeAnew.has(token)) return;
    this.#madeAnew.add(token);
    this.logins += 1;
    const expires_at_ms = clock(this.#origin, this.#speed)() + 3_600_000;
    await this.pool.do((core) => core.update("a", { ...this.provider.login(), expires_at_ms }));
  }
}

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
