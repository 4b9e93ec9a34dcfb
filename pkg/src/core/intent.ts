/** Intents: work for the host as data, and its outcomes. */

import type { Change } from "./change.js";
import type { HttpRequest, Response } from "./http.js";
import type { Millis } from "./time.js";

/** Work for the host. */
export type Intent = PersistIntent | RefreshIntent;

/**
 * Write these changes: apply them, in order, to the latest state of the store.
 *
 * While a write is not settled, further changes wait, and are handed out by the step that settles it. Not so the tokens
 * of a refresh and claims: the step that makes them hands them out.
 */
export interface PersistIntent {
  type: "persist";
  /** Id of the intent. */
  id: number;
  /** All changes that no settled intent has saved: new ones, and those whose write failed. */
  changes: Change[];
}

/**
 * Send this HTTP request, within its timeout and without following redirects, and settle with the `response`, as
 * `unreachable` or as `lost`; some refreshes need a second request. Or refresh the login with an OAuth client of the host.
 */
export interface RefreshIntent {
  type: "refresh";
  /** Id of the intent. */
  id: number;
  /** The login to refresh. */
  credential: string;
  /** The request. */
  request: HttpRequest;
}

/** Outcome of an intent. */
export type Outcome = PersistOutcome | RefreshOutcome;

/** Outcome of a persist intent. */
export type PersistOutcome =
  /** The changes are written. */
  | { type: "saved" }
  /** The changes are not written, or may not be. The next intent to persist holds them again. */
  | { type: "failed" };

/** Outcome of a refresh intent. */
export type RefreshOutcome =
  | RefreshResponse
  /** The request was not sent, since no connection to the server was made. */
  | { type: "unreachable" }
  /**
   * The request was sent, or may have been, and no response came: the provider may have spent the refresh token, so the
   * token counts as spent, and the pool sends it to no server again.
   */
  | { type: "lost" }
  /** Of a host with its own OAuth client: the provider granted new tokens. */
  | { type: "tokens"; set: Tokens }
  /** Of a host with its own OAuth client: the provider refused. The login cools down for a day. */
  | { type: "refused" };

/**
 * Response to the request of a refresh, whatever it is: the pool reads it. If the connection broke after the status,
 * the received part is the response: the provider may have spent the refresh token.
 */
export interface RefreshResponse extends Pick<Response, "headers"> {
  type: "response";
  /** HTTP status. */
  status: number;
  /** The body as text, or the part of it that came. */
  body: string;
}

/** Fields of a row that a refresh sets; at least a new `access_token` or `agent_key`. */
export interface Tokens {
  access_token?: string;
  refresh_token?: string;
  expires_at?: unknown;
  expires_at_ms?: Millis;
  expires_in?: unknown;
  obtained_at?: unknown;
  last_refresh?: unknown;
  token_type?: unknown;
  scope?: unknown;
  inference_base_url?: string;
  agent_key?: string;
  agent_key_expires_at?: unknown;
  agent_key_id?: unknown;
  agent_key_expires_in?: unknown;
  agent_key_reused?: unknown;
  agent_key_obtained_at?: unknown;
}

/** Answer to a claim on a refresh token. */
export type Claim =
  /**
   * The claim is made, and not known to hold: write this step's `persist`, read the store back, `sync`, and claim again.
   * The first claim on a token in the store holds.
   */
  | { type: "confirm" }
  /** The claim holds: send the request and settle the refresh. */
  | { type: "send"; request: HttpRequest }
  /**
   * Another host refreshed the login, is refreshing it, or was interrupted, or the store has lost the claim: the refresh
   * is over and needs no settling.
   */
  | { type: "gone" };

/** Result of settling an intent. */
export type Settled =
  /** The changes are written. */
  | { type: "saved" }
  /** The changes are part of the next `persist`; `wake` says when that comes at the latest. */
  | { type: "unsaved" }
  /** The login has new tokens. */
  | { type: "refreshed"; credential: string }
  /** The refresh continues: a second request follows, with this intent of the same step. */
  | { type: "continues"; credential: string; intent: number }
  /** The login cools down, because the host reported that the provider refused to refresh it. */
  | { type: "cooling_down"; credential: string }
  /** The provider's response ended the login: only a new login or a reset can revive it. */
  | { type: "dead"; credential: string }
  /**
   * The refresh token may be spent, and its new tokens are lost. The login serves while its access token is valid; then
   * only a new login helps, or a reset, after which the pool sends the refresh token again.
   */
  | { type: "lost"; credential: string }
  /**
   * No new tokens: no connection, too many requests, an outage, or a refusal that need not last. The login serves while
   * its token is valid.
   */
  | { type: "unrefreshed"; credential: string; retryAt: Millis }
  /** The credential was removed or has other tokens in the meantime; the outcome had no effect. */
  | { type: "gone" };

/** A refresh that is under way. */
export interface Refreshing {
  /** The login. */
  credential: string;
  /** The intent that refreshes it, in this step or an earlier step. */
  intent: number;
}
