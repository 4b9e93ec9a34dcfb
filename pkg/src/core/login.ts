/** Logins: their configuration, and the moves of their host. */

import type { HttpRequest } from "./http.js";
import type { Host } from "./options.js";
import type { Row } from "./stored.js";
import type { Millis } from "./time.js";

/** Arguments of `CredentialLogin.start`. */
export interface LoginOptions {
  /** Key of the pool that the login is for: a provider such as `nous`, or `custom:<name>`. */
  key: string;
  /** The host's configuration; its `credential_pool_logins` configure logins. `nous` is built in. */
  config?: { credential_pool_logins?: Record<string, LoginConfig> | null; [other: string]: unknown } | null;
  /** Flow, if the provider has both. */
  flow?: LoginFlow | null;
  /** Time of the start. */
  now?: Millis;
  /** Clock and randomness. The seed protects the login from others: it must be unpredictable. */
  host?: Host;
}

/**
 * `device_code`: a person enters a code on any device (RFC 8628). `authorization_code`: a browser on this machine is
 * redirected to the host with a code (RFC 6749 with 7636 and 8252).
 */
export type LoginFlow = "device_code" | "authorization_code";

/**
 * Configuration of a provider's logins, under `credential_pool_logins` and the pool key. All addresses are `https`, or
 * `http` on this machine. Clients are public clients: no client has a secret.
 */
export interface LoginConfig {
  /** Default flow; without it `authorization_code`, if that flow has an address. */
  flow?: LoginFlow | null;
  /** Client id that the provider gave to this program. */
  client_id: string;
  /** Requested scopes, separated by spaces. */
  scope?: string | null;
  /** Endpoint for device codes, for `device_code`. */
  device_authorization_url?: string | null;
  /** Address that the browser opens, for `authorization_code`. */
  authorization_url?: string | null;
  /** Endpoint for tokens. */
  token_url: string;
  /** Redirect address: on 127.0.0.1 or localhost, with a port if the provider accepts a single port. */
  redirect_uri?: string | null;
  /** Issuer that the redirect must name (RFC 9207). */
  issuer?: string | null;
  /** Further parameters of the first request, such as `audience`. */
  parameters?: Record<string, string>;
  /** Portal that issues the keys of `nous`; for that pool alone. */
  portal_base_url?: string | null;
}

/** Next move of a login's host. */
export type LoginMove =
  /** Send the request, without following redirects, then `answer` with the response. */
  | { type: "send"; request: HttpRequest }
  /** Show a person the code and the address to enter it at; wait until `until`, then `resume`. */
  | ({ type: "show"; until: Millis } & DeviceCode)
  /** Listen for a browser on this machine, then report the port with `listening`; port 0 stands for any free port. */
  | { type: "listen"; host: string; port: number; path: string }
  /**
   * Show a person this address, or open it in a browser. Hand each request that comes to the port to `redirected`; if
   * the login is still waiting at `until`, `resume`.
   */
  | { type: "visit"; url: string; until: Millis }
  /** Wait until then, and `resume`. */
  | { type: "wait"; until: Millis }
  /** The login succeeded: give the row to `pool.add`. */
  | { type: "done"; row: Row }
  /**
   * The login failed; a new login may succeed. The message says what to do. `status`: HTTP status of the response that
   * ended the login, if a response did.
   */
  | { type: "failed"; reason: LoginFailure; message: string; status: number | null };

/** Code that a person enters in a browser, on any device. */
export interface DeviceCode {
  /** The code. */
  userCode: string;
  /** Address to enter it at. */
  verificationUri: string;
  /** The address with the code in it, for a link or a QR code; show the code beside it, for comparison. */
  verificationUriComplete: string | null;
  /** Expiry of the code. */
  expiresAt: Millis;
}

/** Reasons for which a login failed. */
export type LoginFailure =
  /** A person, or a rule of the provider, denied it. */
  | "denied"
  /** The time ran out. */
  | "expired"
  /** The provider did not respond, or is overloaded. */
  | "unreachable"
  /** The provider does not accept the configured client, scope or flow. */
  | "misconfigured"
  /** The provider refused without a known reason. */
  | "refused"
  /** The provider's response cannot be read as a login. */
  | "unreadable"
  /** The redirect names another issuer than the configured issuer. */
  | "wrong_issuer";
