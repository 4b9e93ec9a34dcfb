/** Every type of the package but those of leases, logins and policies, which it hands on. */

import type { Event } from "./lease.js";
import type { Policy } from "./policy.js";

export type * from "./lease.js";
export type * from "./login.js";
export type * from "./policy.js";

/** Milliseconds since the Unix epoch, as `Date.now()` gives them. */
export type Millis = number;

/** Seconds since the Unix epoch, as rows store them; with a fraction. */
export type Seconds = number;

/** Where the pool gets the time and its randomness from, if not from `Date.now` and `crypto.getRandomValues`. */
export interface Host {
  /** The time, asked whenever a method is called without `now`. */
  now?: () => Millis;
  /** That many random bytes; asked once, for the seed. The same seed and inputs give the same answers. */
  random?: (length: number) => Uint8Array;
}

/** What a pool is opened with. */
export interface OpenOptions {
  /** Names the pool: a provider such as `openrouter`, or `custom:<name>`. */
  key: string;
  /** What the store keeps of the pool; `readDocument` reads it from a document. */
  stored?: Stored;
  /** What the host shows the pool for discovery; `wanted` says what a pool looks at. */
  sources?: Sources;
  /** The time of opening. */
  now?: Millis;
  /** The pool's clock and randomness. */
  host?: Host;
}

/** What a store keeps of one pool. */
export interface Stored {
  /** The rows, each as it was stored; those that cannot be read are kept as they are. */
  rows?: unknown[];
  /** Sources that discovery leaves alone, because somebody removed their credential. */
  suppressedSources?: string[];
  /** The pool's strategy, as it was stored. */
  strategy?: string | null;
  /** The pool's policy, as it was stored; `readPolicy` reads it. */
  policy?: unknown;
  /** What `applyChanges` has to know of earlier changes: keep it with the rest, as it is. */
  merge?: unknown;
}

/** What `readDocument` answers. */
export interface Reading {
  /** What the document keeps of the pool. */
  stored: Required<Pick<Stored, "rows" | "suppressedSources">> & { strategy?: string; policy?: unknown; merge?: unknown };
  /** The document's `providers`, for `sources.documentLogins`; null if they cannot be read. */
  documentLogins: Record<string, unknown> | null;
}

/**
 * What the host shows the pool for discovery. What is not shown is neither discovered nor missed:
 * rows that came from there stay. What is shown and empty is missed: they are pruned.
 */
export interface Sources {
  /** Environment variables by name, such as `process.env`. */
  env?: Record<string, string | undefined> | null;
  /** The host's configuration: `credential_pool_strategies`, `custom_providers`, `model`. */
  config?: Record<string, unknown> | null;
  /** Logins that other programs keep in files, by source (`hermes_pkce`, `claude_code`). */
  fileLogins?: Record<string, FileLogin | null> | null;
  /** The document's `providers`: logins by provider id. */
  documentLogins?: Record<string, unknown> | null;
}

/** A login that another program keeps in a file. */
export interface FileLogin {
  accessToken?: string;
  refreshToken?: string;
  /** When the access token ends; 0 means unknown. */
  expiresAt?: Millis;
  [other: string]: unknown;
}

/** What a pool looks at, so that a host need not show it everything it has. */
export interface Wanted {
  /** Names of environment variables. */
  env: string[];
  /** Keys of the host's configuration. */
  config: string[];
  /** Logins in files, by source. */
  fileLogins: string[];
  /** Logins in the document's `providers`, by provider id. */
  documentLogins: string[];
}

/** A credential as it is stored, secrets and all. Fields that are not listed stay as they are. */
export interface Row {
  id?: string;
  label?: string | null;
  auth_type?: "api_key" | "oauth" | (string & {}) | null;
  /** The place in the order, lowest first. */
  priority?: number | null;
  source?: string | null;
  access_token?: string | null;
  refresh_token?: string | null;
  last_status?: "ok" | "exhausted" | "dead" | (string & {}) | null;
  last_status_at?: Seconds | null;
  /** The HTTP status of the failure behind `last_status`. */
  last_error_code?: number | null;
  /** What went wrong. */
  last_error_reason?: FailureKind | (string & {}) | null;
  /** What other programs wrote of it. */
  last_error_message?: string | null;
  /** When its rest ends, if not by `last_error_code` alone. */
  last_error_reset_at?: Seconds | null;
  /** Until when it rests for single models, by model. */
  model_cooldowns?: Record<string, Seconds> | null;
  base_url?: string | null;
  expires_at_ms?: Millis | null;
  inference_base_url?: string | null;
  agent_key?: string | null;
  request_count?: number | null;
  client_id?: string | null;
  portal_base_url?: string | null;
  /** The place in the order of `round_robin`, lowest first. */
  turn?: number | null;
  /** Its share of the requests, beside the others' weights. */
  weight?: number | null;
  /** How many requests it may have under way; beyond that they wait. */
  max_in_flight?: number | null;
  [other: string]: unknown;
}

/** How the next credential is chosen among the available ones. */
export type Strategy = "fill_first" | "round_robin" | "random" | "least_used" | "least_in_flight";

/** What an input answers: a value, work for the host, and when to come back. */
export interface Step<T> {
  /** The answer. */
  readonly value: T;
  /** Work for the host, in order. Each intent is settled once, with `settle`. */
  readonly intents: readonly Intent[];
  /** What happened to credentials in this step, and why; for logs and for people. Nothing to act on. */
  readonly events: readonly Event[];
  /** The next moment at which something changes by itself; it replaces the last one. Call `tick` then. */
  readonly wake: Wake | null;
}

/** What `open` found. */
export interface Opened {
  /** Whether the pool has any credential. */
  hasCredentials: boolean;
  /** What a person should look at; rows with an error were set aside and stay as they are. */
  problems: Problem[];
}

/** Which credential serves the next request. */
export type Selection =
  /** This one; `runtime` tells key and base URL. */
  | { type: "selected"; credential: string }
  /** The next one's token must be refreshed first: settle that intent, then select again. */
  | { type: "refreshing"; credential: string; intent: number }
  /** All credentials rest; `retryAt` is when the first is back, null if none comes back by itself. */
  | { type: "exhausted"; retryAt: Millis | null }
  /** The pool has no credentials. */
  | { type: "empty" };

/** What a host saw go wrong with a credential. */
export interface Failure {
  /** The HTTP status of the provider's answer, if there was one. */
  status?: number | null;
}

/** What a provider answered to a request. */
export interface Response {
  /** The HTTP status; left out if no answer came. */
  status?: number | null;
  /** Names, in any case, and values: a fetch response's `headers`, or a list of pairs. */
  headers?: Iterable<readonly [name: string, value: string]>;
  /** The body as text, or as much of it as came. */
  body?: string;
}

/** What a failure means, judged from the answer alone. */
export interface Diagnosis {
  /** What went wrong. */
  kind: FailureKind;
  /** Whose fault it is. Only the credential's is a reason to bench a credential. */
  fault: "credential" | "model" | "provider" | "request";
  /** Whether it holds for the request's model alone and not for all that the credential can do. */
  namesModel: boolean;
  /** When the provider says it is over. */
  hint?: Hint;
}

/** What went wrong. */
export type FailureKind =
  /** The provider or the way to it: no answer, overload, an outage, a page of a proxy. */
  | "transient"
  /** Too many requests or tokens in a short time. */
  | "rate_limited"
  /** What was paid for or granted is used up: money, a plan's hours or week, a daily allowance. */
  | "quota"
  /** The credential was not accepted; a refresh may help. */
  | "unauthorized"
  /** The credential was withdrawn; only a new one or a new login helps. */
  | "revoked"
  /** The credential is good, but not for this model or from this place. */
  | "forbidden"
  /** The provider does not serve this model, to nobody. */
  | "model_gone"
  /** The request itself: its form, its length, its content. */
  | "request_fault"
  /** The answer tells nothing. */
  | "unknown";

/** When the provider says that a failure is over: however far, but never before the answer came. */
export interface Hint {
  until: Millis;
  /** Where the answer says so. */
  source: HintSource;
}

/** Where an answer says when its failure is over, the most trusted first. */
export type HintSource =
  | "retry_after_ms"
  | "retry_after"
  | "anthropic_reset"
  | "rate_limit_reset"
  | "quota_reset_delay"
  | "retry_delay"
  | "body_field"
  | "text";

/** A refresh that is under way. */
export interface Refreshing {
  /** The login. */
  credential: string;
  /** The intent that refreshes it, in this step or an earlier one. */
  intent: number;
}

/** Key, address and authentication of a request. */
export interface Runtime {
  /** Key or token that the request carries. */
  key: string;
  /** Base URL of the request; null if the row has none. */
  baseUrl: string | null;
  /** Headers and query parameters to set and to remove. */
  auth: Auth;
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

/** Work for the host, as data. */
export type Intent = PersistIntent | RefreshIntent;

/** Write these changes: apply them to the store's latest state, in order. */
export interface PersistIntent {
  type: "persist";
  /** Names the intent. */
  id: number;
  /** All changes that no earlier intent is known to have saved. */
  changes: Change[];
}

/**
 * Send this HTTP request, within its timeout and without following redirects, and settle with the `response` or as
 * `unreachable`; some refreshes take another request after it. Or refresh the login your own way.
 */
export interface RefreshIntent {
  type: "refresh";
  /** Names the intent. */
  id: number;
  /** The login to refresh. */
  credential: string;
  /** The request. */
  request: HttpRequest;
}

/** An HTTP request that the host sends as it is. */
export interface HttpRequest {
  method: "POST";
  url: string;
  /** Names and values; the User-Agent is the host's own. */
  headers: [name: string, value: string][];
  /** The body, which holds a secret. */
  body: string;
  /** How long to wait for the answer, in milliseconds. */
  timeoutMs: number;
}

/** How an intent ended. */
export type Outcome = PersistOutcome | RefreshOutcome;

/** How an intent to persist ended. */
export type PersistOutcome =
  /** The changes are written. */
  | { type: "saved" }
  /** They are not, and must be written later. */
  | { type: "failed" };

/** How an intent to refresh ended. */
export type RefreshOutcome =
  | RefreshResponse
  /** No answer came for the request. */
  | { type: "unreachable" }
  /** Of a host with an OAuth client of its own: the provider gave new tokens. */
  | { type: "tokens"; set: Tokens }
  /** Of a host with an OAuth client of its own: the provider refused. The login rests for a day. */
  | { type: "refused" };

/**
 * What came back for the request of a refresh, whatever it says: the pool reads it. If the connection broke after the
 * status, this is what came: the provider may have done its part.
 */
export interface RefreshResponse {
  type: "response";
  /** The HTTP status. */
  status: number;
  /** Names, in any case, and values: a fetch response's `headers`, or a list of pairs. */
  headers?: Iterable<readonly [name: string, value: string]>;
  /** The body as text, or as much of it as came. */
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

/** Whether the request of a refresh is to be sent. */
export type Claim =
  /** Write this step's `persist`, then send the request and settle the refresh. */
  | { type: "send"; request: HttpRequest }
  /** Another host did it, or is at it, or was and never ended: the refresh is over, and needs no settling. */
  | { type: "gone" };

/** What became of a settled intent. */
export type Settled =
  /** The changes are written. */
  | { type: "saved" }
  /** The changes ride along in the next `persist`; the wake says when at the latest. */
  | { type: "unsaved" }
  /** The login has new tokens. */
  | { type: "refreshed"; credential: string }
  /** The refresh is not over: another request follows, by this intent of the same step. */
  | { type: "continues"; credential: string; intent: number }
  /** The login rests, because the host says that the provider refused to refresh it. */
  | { type: "cooling_down"; credential: string }
  /** The login is over, by what the provider answered: only a new one or a reset can revive it. */
  | { type: "dead"; credential: string }
  /**
   * Nothing came of it: no answer, too many requests, an outage, a refusal that need not last, or an answer that cannot
   * be read. The login serves while its token is valid.
   */
  | { type: "unrefreshed"; credential: string; retryAt: Millis }
  /** The credential went away or has other tokens in the meantime; nothing was done. */
  | { type: "gone" };

/** The next moment at which something changes by itself. */
export interface Wake {
  at: Millis;
  /**
   * Why: a credential has rested long enough, the current login's token should be refreshed, a lease runs out, or
   * changes wait.
   */
  reason: "cooldown_ends" | "token_due" | "lease_ends" | "unsaved_changes";
}

/** One edit of what a store keeps of a pool; `applyChanges` and `applyToDocument` know what to do with it. */
export type Change = {
  /** Who made it, and when. No two changes have the same. */
  by: Stamp;
} & Edit;

/** Who made a change, and when: later than all that the host had made or seen by then. */
export interface Stamp {
  /** In microseconds since the Unix epoch. It may run ahead of the clock. */
  at: number;
  /** Names a pool that a host has open, among all that share a store. */
  host: string;
}

/** What a change changes. */
export type Edit =
  /** A new row. If there is one with its id, another host found the same: of each field the later one stays. */
  | { type: "add"; row: Row }
  /** A row that goes. */
  | { type: "remove"; id: string }
  /** A row that had no id of its own gets one. */
  | { type: "identify"; id: string; was?: string; fingerprint: string }
  /** Fields that a person or discovery set; null takes one away. Of each field the later edit stays. */
  | { type: "set"; id: string; set: Row }
  /**
   * How a credential is doing. CoolingDown of hosts that did not know of each other hold side by side: the row shows the one
   * that ends last.
   */
  | {
      type: "status";
      id: string;
      status: string | null;
      at: Seconds | null;
      /** The HTTP status of the failure behind it. */
      errorCode: number | null;
      /** What went wrong. */
      reason?: FailureKind | (string & {}) | null;
      /** When its rest ends, if not by `errorCode` alone. */
      resetAt?: Seconds | null;
      /** The rests that the host knew of, by the changes that they began with: they are over. */
      ends?: Stamp[];
      /** Of a reset: rests that began with earlier changes are over as well. */
      endsEarlier?: boolean;
      /** The token that was refused, if it is about that: left out if the row has another. */
      token?: string;
    }
  /** Until when a credential rests for a model; null if it does not. As with `status`, the last end stays. */
  | { type: "model_cooldown"; id: string; model: string; until: Seconds | null; ends?: Stamp[] }
  /** New tokens, with all that a refresh sets. Of several the one of the later generation stays. */
  | {
      type: "tokens";
      id: string;
      /** The token that was spent for them; left out if a person or discovery set them. */
      replaces?: string;
      /** How many came before them: set by a person or discovery, and refreshed since. */
      generation: { edits: number; refreshes: number };
      set: Row;
    }
  /** A host is about to spend a token, which nobody else may spend then; null if it was not spent after all. */
  | { type: "claim"; id: string; token: string | null }
  /** How often a credential was used since the last such change. Counts add up. */
  | { type: "used"; id: string; count: number; turn?: number }
  /** Discovery leaves a source alone from now on. */
  | { type: "suppress"; source: string }
  /** Discovery may find a source again. */
  | { type: "unsuppress"; source: string }
  /** The pool's strategy. */
  | { type: "set_strategy"; strategy: Strategy }
  /** The pool's policy: its preset and what differs from it. */
  | { type: "set_policy"; policy: Policy };

/** A credential as people may see it: no secret in it. */
export interface Entry {
  id: string;
  /** What people call it. */
  label: string;
  /** What kind of secret it holds: `api_key`, `oauth`. */
  authType: string;
  /** Its place in the order, lowest first. */
  priority: number;
  /** Where it came from. */
  source: string;
  /** Names its secret without giving it away. */
  fingerprint: string;
  /** Where its requests go. */
  baseUrl: string | null;
  /** How often it was used. */
  requestCount: number;
  /** How it is doing. */
  state: State;
}

/** How a credential is doing at a moment. */
export type State =
  /** It can serve. */
  | { type: "available" }
  /** It rests; `until` is when it is back, null if it does not come back by itself. */
  | {
      type: "exhausted";
      until: Millis | null;
      reason: "failed" | "expired" | "unreachable" | "no_secret";
      /** The HTTP status of the failure, if there was one. */
      errorCode: number | null;
    }
  /** Only a new login or a reset can revive it. */
  | { type: "dead" };

/** Something in a document that a person should look at. */
export interface Problem {
  /** What it is, for programs. */
  code: ProblemCode;
  /** `error`: the place is left out until it is repaired. `warning`: it works, but probably not as meant. */
  severity: "error" | "warning";
  /** Where in the document, as a JSON pointer (RFC 6901); empty for the whole of it. */
  pointer: string;
  /** What it is and what to do. Never holds a value of the document. */
  message: string;
}

/** The stable names of all problems. */
export type ProblemCode =
  | "not_json"
  | "wrong_type"
  | "duplicate_key"
  | "unknown_version"
  | "unreachable_pool"
  | "missing_id"
  | "duplicate_id"
  | "duplicate_secret"
  | "no_secret"
  | "no_refresh_token"
  | "unknown_auth_type"
  | "unknown_status"
  | "status_in_future"
  | "unknown_strategy"
  | "invalid_policy";
