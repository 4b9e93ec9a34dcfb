/** A provider of logins with short-lived tokens, and the state that its hosts share. */

import { createServer } from "node:http";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

import { FileStore } from "credential-pool/file-store";
import { RedisStore } from "credential-pool/redis-store";

export const KEY = "anthropic";

/** A clock that runs `speed` times as fast as the real clock. */
export const clock = (origin, speed) => () => Math.floor(origin + (Date.now() - origin) * speed);

/** The store at a place, such as `file:/tmp/auth.json`. */
export async function storeAt(place) {
  const { protocol, pathname } = new URL(place);
  // Stale locks are taken over soon, so that the tests are fast.
  if (protocol === "file:") return new FileStore(pathname, { staleMs: 2000 });
  if (protocol === "redis:") return new RedisStore({ url: place, lockMs: 2000 });
  throw new Error(`no store is known for ${protocol}`);
}

/** Number of uses after which an access token expires. */
const USES = 12;

/**
 * Exchanges each refresh token once, slowly at times and at times not at all, and serves who has an access token of its
 * own. `grants`: how many were exchanged; `wrongs`: what must never happen; `onMoment(moment, host)` is called when a
 * process is in the middle of a refresh, and waited for.
 */
export class LoginProvider {
  url = "";
  grants = 0;
  outages = 0;
  served = 0;
  wrongs = [];
  /** Number of times that each refresh token was received, by whether it was exchanged. */
  #refreshTokens = new Map();
  #accessTokens = new Map();
  #last = 0;
  #server = createServer((request, response) => void this.#answer(request, response));

  constructor(enough, onMoment = async () => {}) {
    this.enough = enough;
    this.onMoment = onMoment;
  }

  async listen() {
    await new Promise((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    this.url = `http://127.0.0.1:${this.#server.address().port}`;
  }

  async close() {
    if (!this.#server.listening) return;
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** A new pair of tokens, as after a login of a person. */
  login() {
    this.#last += 1;
    const pair = { access_token: `at-${this.#last}`, refresh_token: `rt-${this.#last}` };
    this.#accessTokens.set(pair.access_token, USES);
    this.#refreshTokens.set(pair.refresh_token, "good");
    return pair;
  }

  async #answer(request, response) {
    let body = "";
    for await (const chunk of request) body += chunk;
    const [name, pid] = (request.headers["x-process"] ?? "").split(" ");
    const host = { name, pid: Number(pid) };
    const [status, json] = request.url === "/v1/oauth/token" ? await this.#refresh(body, host) : this.#work(request.headers, host);
    response.writeHead(status, { "Content-Type": "application/json" });
    response.end(JSON.stringify(json));
    if (request.url === "/v1/oauth/token") void this.onMoment("answered", host);
  }

  async #refresh(body, host) {
    const token = JSON.parse(body).refresh_token;
    if (this.#refreshTokens.get(token) !== "good") {
      this.wrongs.push(`${token} came, which is ${this.#refreshTokens.get(token) ?? "nobody's"}`);
      return [400, { error: "invalid_grant" }];
    }
    await this.onMoment("asked", host);
    if (Math.random() < 0.15) {
      this.outages += 1;
      return [503, { error: "overloaded" }];
    }
    if (Math.random() < 0.2) await sleep(Math.random() * 60);
    if (!isAlive(host.pid)) return [503, {}];
    this.#refreshTokens.set(token, "spent");
    this.grants += 1;
    const pair = this.login();
    await this.onMoment("granted", host);
    if (Math.random() < 0.2) await sleep(Math.random() * 60);
    // Every fourth token is due soon by the clock; all tokens expire with their uses.
    return [200, { ...pair, expires_in: this.grants % 4 === 0 ? 121 : 3600 }];
  }

  #work({ authorization }, host) {
    const token = authorization?.replace("Bearer ", "");
    const uses = this.#accessTokens.get(token);
    if (uses === undefined) this.wrongs.push(`${token} was used, which is nobody's`);
    if (!(uses > 0)) {
      void this.onMoment("refused", host);
      return [401, { error: { type: "authentication_error", message: "OAuth token has expired" } }];
    }
    this.#accessTokens.set(token, uses - 1);
    this.served += 1;
    return [200, { isEnough: this.grants >= this.enough }];
  }
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
