/**
 * An authorization server on this machine: device codes (RFC 8628), and authorization codes with PKCE (RFC 7636). It
 * answers as configured, and refuses requests that violate the RFCs.
 */

import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";

/**
 * @typedef {object} Options
 * @property {string[]} [says] Error codes for the polls, in order, before tokens are granted.
 * @property {number} [interval] Seconds between two polls.
 * @property {number} [lasts] Lifetime of a device code, in seconds.
 * @property {string} [refuses] Error code of the redirect, instead of an authorization code.
 * @property {string} [issuer] Issuer in the redirect (RFC 9207).
 * @property {() => number} [now]
 *
 * @typedef {{ status: number, json: unknown, location?: string }} Answer
 */

const CLIENT = "our-client";
const DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code";

/**
 * Starts a server on a free port of 127.0.0.1.
 *
 * @param {Options} [options]
 */
export async function startAuthorization(options = {}) {
  const server = new Authorization(options);
  await server.listen();
  return server;
}

export class Authorization {
  url = "";
  /** Times of the polls. @type {number[]} */
  polls = [];
  /** All secrets that were issued or received. @type {string[]} */
  secrets = [];
  /** Query of the latest authorization request. @type {URLSearchParams | undefined} */
  asked;

  /** @type {Map<string, URLSearchParams>} */
  #codes = new Map();
  #server = createServer((request, response) => void this.#serve(request, response));
  #options;
  #said = 0;

  /** @param {Options} options */
  constructor(options) {
    this.#options = options;
  }

  async listen() {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    const { port } = /** @type {import("node:net").AddressInfo} */ (this.#server.address());
    this.url = `http://127.0.0.1:${port}`;
  }

  close() {
    this.#server.closeAllConnections();
    return new Promise((closed) => this.#server.close(closed));
  }

  /**
   * Returns a configuration for logins at this server.
   *
   * @param {string} key
   * @param {object} [fields] Fields that differ.
   */
  config(key, fields) {
    const login = {
      client_id: CLIENT,
      scope: "use offline",
      device_authorization_url: `${this.url}/device`,
      authorization_url: `${this.url}/authorize`,
      token_url: `${this.url}/token`,
      ...(key === "nous" ? { portal_base_url: this.url } : {}),
      ...fields,
    };
    return { credential_pool_logins: { [key]: login } };
  }

  /**
   * @param {import("node:http").IncomingMessage} request
   * @param {import("node:http").ServerResponse} response
   */
  async #serve(request, response) {
    const chunks = await request.toArray();
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    const url = new URL(request.url ?? "/", this.url);
    const route = `${request.method} ${url.pathname}`;
    const { status, json, location } = this.#answer(route, url.searchParams, form, request);
    const headers = location === undefined ? {} : { Location: location };
    response.writeHead(status, { "Content-Type": "application/json", ...headers }).end(JSON.stringify(json));
  }

  /**
   * @param {string} route Method and path.
   * @param {URLSearchParams} query
   * @param {URLSearchParams} form
   * @param {import("node:http").IncomingMessage} request
   * @returns {Answer}
   */
  #answer(route, query, form, request) {
    switch (route) {
      case "POST /device":
        return form.get("client_id") === CLIENT ? this.#device() : refused("invalid_client", 401);
      case "GET /authorize":
        return this.#authorize(query);
      case "POST /token":
        return form.get("grant_type") === "authorization_code" ? this.#exchange(form) : this.#poll(form);
      case "POST /api/oauth/agent-key":
        return this.secrets.includes((request.headers.authorization ?? "").replace("Bearer ", ""))
          ? { status: 200, json: { api_key: this.#secret("ak"), expires_in: 7200 } }
          : refused("invalid_token", 401);
      default:
        return { status: 404, json: {} };
    }
  }

  #device() {
    const { interval, lasts = 600 } = this.#options;
    const json = {
      device_code: this.#secret("dc"),
      user_code: "WDJB-MJHT",
      verification_uri: `${this.url}/go`,
      expires_in: lasts,
      interval,
    };
    return { status: 200, json };
  }

  /** @param {URLSearchParams} form */
  #poll(form) {
    const { says = [], now = Date.now } = this.#options;
    this.polls.push(now());
    if (form.get("grant_type") !== DEVICE_GRANT) return refused("unsupported_grant_type");
    if (!this.secrets.includes(form.get("device_code") ?? "")) return refused("invalid_grant");
    const said = says[this.#said++];
    return said === undefined ? this.#tokens() : refused(said);
  }

  /** @param {URLSearchParams} query */
  #authorize(query) {
    this.asked = query;
    const { refuses, issuer } = this.#options;
    const back = new URL(query.get("redirect_uri") ?? "");
    if (query.get("response_type") !== "code") return refused("unsupported_response_type");
    if (query.get("code_challenge_method") !== "S256") return refused("invalid_request");
    if (query.get("client_id") !== CLIENT) return refused("unauthorized_client");
    if (refuses === undefined) {
      const code = this.#secret("code");
      this.#codes.set(code, query);
      back.searchParams.set("code", code);
    } else {
      back.searchParams.set("error", refuses);
    }
    back.searchParams.set("state", query.get("state") ?? "");
    if (issuer !== undefined) back.searchParams.set("iss", issuer);
    return { status: 302, json: {}, location: back.href };
  }

  /** @param {URLSearchParams} form */
  #exchange(form) {
    const code = form.get("code") ?? "";
    const asked = this.#codes.get(code);
    this.#codes.delete(code);
    const verifier = form.get("code_verifier") ?? "";
    const challenge = createHash("sha256").update(verifier).digest("base64url");
    this.secrets.push(verifier);
    const fits = asked?.get("code_challenge") === challenge && asked.get("redirect_uri") === form.get("redirect_uri");
    return fits && form.get("client_id") === CLIENT ? this.#tokens() : refused("invalid_grant");
  }

  #tokens() {
    const json = {
      access_token: this.#secret("at"),
      refresh_token: this.#secret("rt"),
      token_type: "Bearer",
      expires_in: 3600,
    };
    return { status: 200, json };
  }

  /** @param {string} kind */
  #secret(kind) {
    const secret = `${kind}-${randomUUID()}`;
    this.secrets.push(secret);
    return secret;
  }
}

/** @param {string} error */
function refused(error, status = 400) {
  return { status, json: { error } };
}
