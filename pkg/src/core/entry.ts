/** Views of a credential: for people, and for requests. */

import type { Millis } from "./time.js";

/** A credential without its secrets. */
export interface Entry {
  id: string;
  /** Name for people. */
  label: string;
  /** Kind of secret: `api_key`, `oauth`. */
  authType: string;
  /** Place in the order, lowest first. */
  priority: number;
  /** Origin of the credential. */
  source: string;
  /** Fingerprint of the secret. */
  fingerprint: string;
  /** Base URL of its requests. */
  baseUrl: string | null;
  /** Number of uses. */
  requestCount: number;
  /** State at the time of the call. */
  state: State;
}

/** State of a credential at a moment. */
export type State =
  /** The credential can serve. */
  | { type: "available" }
  /**
   * The credential cools down after a failed request or a failed refresh. `errorCode`: HTTP status of the failure, if
   * any.
   */
  | { type: "cooling_down"; until: Millis; errorCode: number | null }
  /** The token has expired, and the last refresh brought no new token. `until`: time of the next refresh attempt. */
  | { type: "unreachable"; until: Millis }
  /** The token has expired, and it cannot be refreshed. */
  | { type: "expired" }
  /** The row holds no key and no token. */
  | { type: "no_secret" }
  /** Only a new login or a reset can revive the credential. */
  | { type: "dead" };

/** Values that a request uses. */
export interface Runtime {
  /** Key or token of the request. */
  key: string;
  /** Base URL of the request; null if the row has none. */
  baseUrl: string | null;
}
