/** Strategy and policy as data: the order of choice, the effect of each kind of failure, and limits. */

import type { FailureKind } from "./failure.js";

/** Order in which available credentials are chosen. */
export type Strategy = "fill_first" | "round_robin" | "random" | "least_used" | "least_in_flight";

/**
 * A policy in its stored form: a preset, `adaptive` if none is named, and the fields that differ from it, such as
 * `{ preset: "adaptive", failures: { quota: { cooldown_ms: 600_000 } } }`.
 */
export type Policy = DeepPartial<ResolvedPolicy>;

/** A policy with every field. All times are in milliseconds. */
export interface ResolvedPolicy {
  /**
   * Preset that the policy starts from. `adaptive`: hints first, else cooldowns with exponential backoff and a
   * half-open probe. `reference`: a cooldown of one hour after a 429, of 24 hours after any other failure.
   */
  preset: "adaptive" | "reference";
  /** Lifetime of a lease without a report; after it the session counts as crashed. */
  lease_ms: number;
  /** Time that a request can wait in all before its move is `exhausted`. */
  patience_ms: number;
  /** Interval at which a request that waits for another request's end asks again. */
  recheck_ms: number;
  /**
   * Longest cooldown of the only credential that could serve, unless its quota is used up or the provider gave a hint;
   * null for no exception.
   */
  sole_cooldown_ms: number | null;
  /** Whether a credential is half-open after a cooldown: one probe goes first, other requests wait for its success. */
  half_open: boolean;
  /**
   * Whether a cooldown is reverted when another credential fails the same request in the same way, and nothing else
   * proves the credential's fault.
   */
  revert: boolean;
  /** Random part of a retry delay, in percent, so that retries spread. */
  jitter_percent: number;
  /**
   * Requests that a credential may have under way; null for no limit. A row's own `max_in_flight` is its hard limit.
   */
  max_in_flight: {
    /** At this number of requests other credentials are preferred. */
    soft: number | null;
    /** At this number of requests further requests wait. */
    hard: number | null;
  };
  /** Bounds of affinity: a credential with a load above its bound is passed over. */
  affinity: {
    /** Requests that a credential may have under way, in percent of its share of all requests. */
    max_load_percent: number;
    /** Requests that a credential may always have under way. */
    min_in_flight: number;
  };
  /**
   * Stored form of secrets that belong to someone else (environment, configuration, other programs' logins): the whole
   * secret, or a fingerprint by which discovery finds the secret again. A change takes effect at the next `open`.
   */
  borrowed_secrets: "stored" | "fingerprint";
  /** Rule for each kind of failure. */
  failures: Record<FailureKind, Rule>;
}

/** Effect of a kind of failure. */
export interface Rule {
  /** Action after a refresh and retries, if the rule has them, did not help. */
  action: Action;
  /** Whether a login is refreshed first. */
  refresh: boolean;
  /** Retries with the same credential in a row. */
  retries: number;
  /** Delay before the first retry; each further retry doubles it. */
  retry_delay_ms: number;
  /** Longest delay before a retry. A longer hint of the provider is not waited for. */
  max_retry_delay_ms: number;
  /** Whether a hint takes precedence over `cooldown_ms`. */
  hints: boolean;
  /** Lower bound of hints. */
  min_hint_ms: number;
  /** Upper bound of hints. */
  max_hint_ms: number;
  /**
   * First cooldown; each further cooldown in a row doubles it. Null for the reference's cooldowns: one hour after HTTP
   * status 429, 24 hours after any other failure.
   */
  cooldown_ms: number | null;
  /** Longest cooldown without a hint. */
  max_cooldown_ms: number;
  /** Interval of probes during a cooldown; null for no probes. */
  probe_interval_ms: number | null;
}

/** Actions after a failure. */
export type Action =
  /** The credential cools down, and the request goes on with another credential. */
  | "cool_down"
  /** The credential cools down for the request's model, and the request goes on with another credential. */
  | "cool_down_model"
  /** The credential is dead until a new login, a new key or a reset; the request goes on with another credential. */
  | "mark_dead"
  /** The request goes on with another credential, and no credential cools down. */
  | "rotate"
  /**
   * The provider is at fault: the request is retried while its patience lasts, first with the same credential, then with
   * another. If both fail, the pool takes it for an outage: one request at a time probes the provider, and the others
   * wait for it.
   */
  | "wait"
  /** The request ends. */
  | "give_up";

/** An object with any of the fields, at any depth. */
type DeepPartial<T> = T extends object ? { [Name in keyof T]?: DeepPartial<T[Name]> } : T;
