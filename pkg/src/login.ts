/** Logins: what one is begun with, and what it asks of its host. */

import type { Host, HttpRequest, Millis, Row } from "./types.js";

/** What a login is begun with. */
export interface LoginOptions {
  /** Names the pool that the login is for: a provider such as `nous`, or `custom:<name>`. */
  key: string;
  /** The host's configuration; its `credential_pool_logins` say how logins are made. `nous` is built in. */
  config?: { credential_pool_logins?: Record<string, LoginConfig> | null; [other: string]: unknown } | null;
  /** Which flow, where a provider has both. */
  flow?: LoginFlow | null;
  /** The time of the beginning. */
  now?: Millis;
  /** The login's clock and randomness. The seed keeps others out of the login: it must be nobody's guess. */
  host?: Host;
}

/**
 * A person types a code into a page, on any device (RFC 8628); or a browser on this machine comes back with a code
 * (RFC 6749 with 7636 and 8252).
 */
export type LoginFlow = "device_code" | "authorization_code";

/**
 * How logins of a provider are made, in the configuration under `credential_pool_logins` and the key of the pool. All
 * addresses are `https`, or `http` on this machine. There are public clients only: no client has a secret.
 */
export interface LoginConfig {
  /** Which flow, if nobody says another; else `authorization_code`, if it has an address. */
  flow?: LoginFlow | null;
  /** What the provider gave to this program. */
  client_id: string;
  /** What to ask for, separated by spaces. */
  scope?: string | null;
  /** Where a device code is asked for; for `device_code`. */
  device_authorization_url?: string | null;
  /** Where the browser goes; for `authorization_code`. */
  authorization_url?: string | null;
  /** Where the tokens come from. */
  token_url: string;
  /** Where the browser comes back to: on 127.0.0.1 or localhost, with a port if the provider knows just one. */
  redirect_uri?: string | null;
  /** Whom the redirect must name (RFC 9207). */
  issuer?: string | null;
  /** Further parameters of the first request, such as `audience`. */
  parameters?: Record<string, string>;
  /** The portal that keys of `nous` come from; for that pool alone. */
  portal_base_url?: string | null;
}

/** What a host does next for a login. */
export type LoginMove =
  /** Send the request, without following redirects, then `answer` with what came back. */
  | { type: "send"; request: HttpRequest }
  /** Show a person the code and where to type it in; wait until `until`, then `resume`. */
  | ({ type: "show"; until: Millis } & DeviceCode)
  /** Listen for a browser on this machine, then tell the port with `listening`; 0 stands for any that is free. */
  | { type: "listen"; host: string; port: number; path: string }
  /**
   * Show a person this address, or open it in a browser. Hand each request that comes to the port to `redirected`; if
   * none has helped by `until`, `resume`.
   */
  | { type: "visit"; url: string; until: Millis }
  /** Wait until then, and `resume`. */
  | { type: "wait"; until: Millis }
  /** The login is made: give the row to `pool.add`. */
  | { type: "done"; row: Row }
  /**
   * The login did not come about; another one may. The message says what to do; `status` is of the answer that ended
   * it, if it was one.
   */
  | { type: "failed"; reason: LoginFailure; message: string; status: number | null };

/** What a person does in a browser, on any device. */
export interface DeviceCode {
  /** What to type in. */
  userCode: string;
  /** Where. */
  verificationUri: string;
  /** The same with the code in it, to click or to scan; show the code all the same, to be compared. */
  verificationUriComplete: string | null;
  /** When the code ends. */
  expiresAt: Millis;
}

/** Why a login did not come about. */
export type LoginFailure =
  /** A person, or a rule of the provider, said no. */
  | "denied"
  /** It took too long. */
  | "expired"
  /** The provider did not answer, or has too much to do. */
  | "unreachable"
  /** The provider does not accept the client, its scope or its flow, as they are configured. */
  | "misconfigured"
  /** The provider refused, and not in words that tell why. */
  | "refused"
  /** The provider answered what a login cannot be made of. */
  | "unreadable"
  /** The redirect came from another issuer than the configured one. */
  | "wrong_issuer";
