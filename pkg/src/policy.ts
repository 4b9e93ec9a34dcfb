/** Policy as data: what each kind of failure leads to, and how much a pool and a request may bear. */

import type { FailureKind } from "./types.js";

/**
 * A policy as it is stored: a preset, `adaptive` if none is named, and what differs from it, such as
 * `{ preset: "adaptive", failures: { quota: { cooldown_ms: 600_000 } } }`.
 */
export type Policy = Some<ResolvedPolicy>;

/**
 * How a pool judges failures, bounds rests and spreads requests, with nothing left out. All times are in
 * milliseconds.
 */
export interface ResolvedPolicy {
  /**
   * What it differs from. `adaptive`: hints first, else short rests that grow; one request goes first after a rest.
   * `reference`: one hour after a 429, 24 hours after anything else.
   */
  preset: "adaptive" | "reference";
  /** How long a lease lasts without a report: then its session counts as crashed. */
  lease_ms: number;
  /** How long a request can wait in all before it is `exhausted`. */
  patience_ms: number;
  /** How soon a request asks again that waits for another request to end. */
  recheck_ms: number;
  /**
   * How long the only credential that could serve rests at most, unless its quota is used up or the provider said how
   * long; null for no exception.
   */
  sole_cooldown_ms: number | null;
  /** Whether after a rest one request goes first and the others follow its success. */
  half_open: boolean;
  /**
   * Whether a rest is taken back when the same request fails in the same way with another credential, and nothing
   * else tells that it was the credential's fault.
   */
  revert: boolean;
  /** How much of a delay before a retry is left to chance, in percent, so that retries spread. */
  jitter_percent: number;
  /** How many requests a credential may have under way, null for no limit; a row's `max_in_flight` is the hard one. */
  max_in_flight: {
    /** From here on others are preferred. */
    soft: number | null;
    /** Beyond this requests wait. */
    hard: number | null;
  };
  /** How far affinity may go: a credential whose load is over the bound is passed over. */
  affinity: {
    /** How many requests a credential may have under way, in percent of its share of all. */
    max_load_percent: number;
    /** How many it may always have. */
    min_in_flight: number;
  };
  /**
   * What is stored of secrets that belong to someone else (environment, configuration, other programs' logins): all of
   * it, or a fingerprint, so that they are found again at the next opening. It holds from the next opening on.
   */
  borrowed_secrets: "stored" | "fingerprint";
  /** What each kind of failure leads to. */
  failures: Record<FailureKind, Rule>;
}

/** What a kind of failure leads to. */
export interface Rule {
  /** What is done, once refreshing and retrying have not helped. */
  action: Action;
  /** Whether a login is refreshed first. */
  refresh: boolean;
  /** How often in a row a credential is retried first. */
  retries: number;
  /** How long the first retry waits; each further one twice as long. */
  retry_delay_ms: number;
  /** The longest wait for a retry. What the provider asks for is waited out up to this. */
  max_retry_delay_ms: number;
  /** Whether what the provider says goes before `cooldown_ms`. */
  hints: boolean;
  /** The least that is believed of what the provider says. */
  min_hint_ms: number;
  /** The most that is believed of what the provider says. */
  max_hint_ms: number;
  /**
   * How long the first rest is; each further one in a row twice as long. Null for what the reference does: an hour
   * after HTTP status 429, 24 hours after anything else.
   */
  cooldown_ms: number | null;
  /** The longest rest without a word of the provider. */
  max_cooldown_ms: number;
  /** How often one request may try a credential while it rests; null for not at all. */
  probe_interval_ms: number | null;
}

/** What a failure leads to. */
export type Action =
  /** The credential rests, and another one is used. */
  | "cool_down"
  /** The credential rests for the request's model, and another one is used. */
  | "cool_down_model"
  /** The credential is dead until a new login, a new key or a reset, and another one is used. */
  | "mark_dead"
  /** Another credential is used, and nothing rests. */
  | "rotate"
  /** Every credential would fail: the same one is retried while the request's patience lasts. */
  | "wait"
  /** The request ends. */
  | "give_up";

/** Any of the fields, at any depth. */
type Some<T> = T extends object ? { [Name in keyof T]?: Some<T[Name]> } : T;
