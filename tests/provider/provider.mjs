/**
 * A model provider on this machine, for tests and the demo: it has keys and logins with rate limits, prepaid credit and
 * revocation, has outages, and accepts each refresh token once.
 */

import { randomUUID } from "node:crypto";
import { createServer } from "node:http";

import { completion, wordingOf } from "./answers.mjs";

/**
 * @typedef {import("./answers.mjs").Answer} Answer
 *
 * @typedef {object} Options
 * @property {string} [poolKey] The pool whose provider this stands for; errors have that provider's wording.
 * @property {() => number} [now]
 * @property {number} [latencyMs] Time until an answer.
 *
 * @typedef {object} Rules Limits of an account; without a rule there is no limit.
 * @property {{ requests: number, windowMs: number }} [limit] Requests per rate window.
 * @property {number} [credit] Number of prepaid requests.
 * @property {number} [revokedAfter] Number of requests after which the account is revoked.
 *
 * @typedef {object} Login
 * @property {string} accessToken
 * @property {string | undefined} [refreshToken]
 * @property {number} [endsAt] Expiry of the access token, in milliseconds since the Unix epoch.
 * @property {number} [uses] Number of uses after which the access token expires before its time.
 * @property {Terms[]} [grants] Terms of the next refreshes; the last terms repeat.
 *
 * @typedef {object} Terms Of an access token.
 * @property {number} lifetimeMs Announced lifetime.
 * @property {number} uses Number of uses after which the token expires before its time.
 *
 * @typedef {object} Grant A granted access token.
 * @property {Account} account
 * @property {number} endsAt
 * @property {number} uses Remaining uses.
 *
 * @typedef {object} Account
 * @property {Rules["limit"]} limit
 * @property {number} credit
 * @property {number} revokedAfter Remaining requests.
 * @property {boolean} isLogin
 * @property {{ endsAt: number, used: number }} window
 * @property {Terms[]} grants
 */

const HOUR_MS = 3_600_000;

/**
 * Starts a provider on a free port of 127.0.0.1.
 *
 * @param {Options} [options]
 */
export async function startProvider(options) {
  const provider = new Provider(options);
  await provider.listen();
  return provider;
}

export class Provider {
  /** Base URL. */
  url = "";
  /** Number of answers by status. @type {Map<number, number>} */
  statuses = new Map();
  /** Number of exchanged refresh tokens. */
  refreshes = 0;
  /** Number of refresh tokens that were sent a second time. */
  reuses = 0;

  /** @type {Map<string, Grant>} */
  #grants = new Map();
  /** @type {Map<string, { account: Account, isSpent: boolean }>} */
  #refreshTokens = new Map();
  #server = createServer((request, response) => void this.#answer(request, response));
  #served = 0;
  #overload = { after: Infinity, requests: 0 };
  #wording;
  #now;
  #latencyMs;

  /** @param {Options} [options] */
  constructor({ poolKey = "anthropic", now = Date.now, latencyMs = 0 } = {}) {
    this.#wording = wordingOf(poolKey);
    this.#now = now;
    this.#latencyMs = latencyMs;
  }

  /** @returns {Promise<void>} */
  async listen() {
    await new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(0, "127.0.0.1", () => resolve(undefined));
    });
    const address = this.#server.address();
    if (typeof address === "object" && address !== null) this.url = `http://127.0.0.1:${address.port}`;
  }

  /** @returns {Promise<void>} */
  async close() {
    await new Promise((resolve) => {
      this.#server.close(resolve);
      this.#server.closeAllConnections();
    });
  }

  /**
   * Adds an API key.
   *
   * @param {string} key
   * @param {Rules} [rules]
   */
  addKey(key, rules = {}) {
    this.#grants.set(key, { account: account(rules, false), endsAt: Infinity, uses: Infinity });
  }

  /**
   * Adds an OAuth login.
   *
   * @param {Login} login
   * @param {Rules} [rules]
   */
  addLogin({ accessToken, refreshToken, endsAt = Infinity, uses = Infinity, grants }, rules = {}) {
    const holder = account(rules, true, grants);
    this.#grants.set(accessToken, { account: holder, endsAt, uses });
    if (refreshToken !== undefined) this.#refreshTokens.set(refreshToken, { account: holder, isSpent: false });
  }

  /**
   * Schedules an outage: after `after` served requests the next `requests` requests fail.
   *
   * @param {{ after: number, requests: number }} overload
   */
  overload(overload) {
    this.#overload = { ...overload };
  }

  /**
   * @param {import("node:http").IncomingMessage} request
   * @param {import("node:http").ServerResponse} response
   */
  async #answer(request, response) {
    const body = await text(request);
    if (this.#latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, this.#latencyMs));
    const { status, headers, json } = this.#route(request, body);
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
    response.writeHead(status, { "Content-Type": "application/json", ...headers });
    response.end(JSON.stringify(json));
  }

  /**
   * @param {import("node:http").IncomingMessage} request
   * @param {string} body
   * @returns {Answer}
   */
  #route(request, body) {
    const { pathname } = new URL(request.url ?? "/", this.url);
    const routes = [
      { path: "/chat/completions", answer: () => this.#complete(bearer(request), body) },
      { path: "/oauth/token", answer: () => this.#refresh(fields(body, request.headers["content-type"])) },
    ];
    const route = routes.find(({ path }) => pathname.endsWith(path));
    if (route === undefined) return this.#wording.notFound();
    if (request.method !== "POST") return this.#wording.wrongMethod();
    return route.answer();
  }

  /**
   * @param {string | undefined} key
   * @param {string} body
   * @returns {Answer}
   */
  #complete(key, body) {
    const grant = key === undefined ? undefined : this.#grants.get(key);
    if (grant === undefined) return this.#wording.unknownKey();
    const { account } = grant;
    if (account.revokedAfter <= 0) return this.#wording.revoked(account.isLogin);
    if (grant.endsAt <= this.#now() || grant.uses <= 0) return this.#wording.tokenExpired();
    if (this.#isOverloaded()) return this.#wording.overloaded();
    if (account.credit <= 0) return this.#wording.noCredit();
    const leftMs = this.#limit(account);
    if (leftMs > 0) {
      return this.#wording.limited({ limit: account.limit?.requests ?? 0, endsAt: account.window.endsAt, leftMs });
    }
    const model = fields(body, "application/json").get("model");
    if (model === undefined) return this.#wording.noModel();
    account.credit -= 1;
    account.revokedAfter -= 1;
    grant.uses -= 1;
    this.#served += 1;
    return { status: 200, json: completion(model, this.#now()) };
  }

  #isOverloaded() {
    if (this.#served < this.#overload.after || this.#overload.requests <= 0) return false;
    this.#overload.requests -= 1;
    return true;
  }

  /**
   * Returns the milliseconds until the account's window has room; 0 if the request counts now.
   *
   * @param {Account} account
   */
  #limit({ limit, window }) {
    if (limit === undefined) return 0;
    const now = this.#now();
    if (window.endsAt <= now) Object.assign(window, { endsAt: now + limit.windowMs, used: 0 });
    if (window.used >= limit.requests) return window.endsAt - now;
    window.used += 1;
    return 0;
  }

  /**
   * @param {Map<string, string>} fields
   * @returns {Answer}
   */
  #refresh(fields) {
    if (fields.get("grant_type") !== "refresh_token") {
      return { status: 400, json: { error: "unsupported_grant_type" } };
    }
    const held = this.#refreshTokens.get(fields.get("refresh_token") ?? "");
    if (held === undefined || held.isSpent) {
      if (held !== undefined) this.reuses += 1;
      const error_description = held === undefined ? "unknown refresh token" : "refresh token already used";
      return { status: 400, json: { error: "invalid_grant", error_description } };
    }
    held.isSpent = true;
    this.refreshes += 1;
    const { account } = held;
    const [next] = account.grants.length > 1 ? account.grants.splice(0, 1) : account.grants;
    const { lifetimeMs, uses } = next ?? { lifetimeMs: HOUR_MS, uses: Infinity };
    const endsAt = this.#now() + lifetimeMs;
    const [accessToken, refreshToken] = [jwt({ exp: Math.floor(endsAt / 1000) }), `rt-${randomUUID()}`];
    this.#grants.set(accessToken, { account, endsAt, uses });
    this.#refreshTokens.set(refreshToken, { account, isSpent: false });
    const json = {
      access_token: accessToken,
      refresh_token: refreshToken,
      token_type: "Bearer",
      expires_in: Math.floor(lifetimeMs / 1000),
    };
    return { status: 200, json };
  }
}

/**
 * @param {Rules} rules
 * @param {boolean} isLogin
 * @param {Account["grants"]} [grants]
 * @returns {Account}
 */
function account({ limit, credit = Infinity, revokedAfter = Infinity }, isLogin, grants = []) {
  return { limit, credit, revokedAfter, isLogin, window: { endsAt: 0, used: 0 }, grants: [...grants] };
}

/** @param {import("node:http").IncomingMessage} request */
function bearer({ headers }) {
  return /^Bearer (.+)$/i.exec(headers.authorization ?? "")?.[1];
}

/**
 * Returns the text fields of a form or a JSON object.
 *
 * @param {string} body
 * @param {string | undefined} contentType
 * @returns {Map<string, string>}
 */
function fields(body, contentType) {
  if (!contentType?.startsWith("application/json")) return new Map(new URLSearchParams(body));
  try {
    return new Map(Object.entries(JSON.parse(body)).filter(([, value]) => typeof value === "string"));
  } catch {
    return new Map();
  }
}

/** @param {Record<string, unknown>} claims */
function jwt(claims) {
  const part = (/** @type {unknown} */ value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return [part({ alg: "none" }), part(claims), randomUUID().replaceAll("-", "")].join(".");
}

/** @param {import("node:http").IncomingMessage} request */
async function text(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}
