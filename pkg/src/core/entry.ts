/** Views of a credential: for people, and for requests. */

import type { Millis } from "./time.js";

/** A credential without its secrets. */
export interface Entry {
  /** Unique within the pool. An id that holds a secret is masked; the pool's methods take it in this form as well. */
  id: string;
  /** Name for people. Copies of secrets are masked. */
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
  /** The key has characters that no request can carry, such as a line break. */
  | { type: "unusable_secret" }
  /** Only a new login or a reset can revive the credential. */
  | { type: "dead" };

/** Key, address and authentication of a request. */
export interface Runtime {
  /** Key or token that the request carries. */
  key: string;
  /** Base URL of the request; null if the row has none. */
  baseUrl: string | null;
  /** Headers and query parameters to set and to remove. */
  auth: Auth;
}

/** Endpoints that a host allows beside those of the credentials. */
export interface Endpoints {
  /** Base URL of credentials without a base URL of their own. */
  baseUrl?: string | null;
  /** Origins, such as `https://files.example`, to which every credential may be sent. */
  origins?: readonly string[];
}

/** Authentication of a request, applied in this order: `remove`, then `headers` and `query`, then `append`. */
export interface Auth {
  /** Headers to set: name in lower case, and value. */
  headers: [name: string, value: string][];
  /** Values that list headers must hold beside the request's own: name in lower case, and value. */
  append: [name: string, value: string][];
  /** Query parameters to set: name, and value. */
  query: [name: string, value: string][];
  /** Headers, in lower case, and query parameters that the request must not carry. */
  remove: { headers: string[]; query: string[] };
}

/** Facts of a provider for people who add a credential. */
export interface ProviderFacts {
  /** Pool key. */
  id: string;
  /** Other pool keys of the same provider. */
  aliases: string[];
  /** Name for people. */
  name: string;
  /** Base URL; null if each account has its own. */
  baseUrl: string | null;
  /** Environment variables that may hold its keys, in the order of discovery. */
  keyVariables: string[];
  /** Environment variable that overrides the base URL. */
  baseUrlVariable: string | null;
  /** Whether a login needs no configuration. */
  logsIn: boolean;
  /** Whether the pool refreshes its logins. */
  refreshes: boolean;
}
