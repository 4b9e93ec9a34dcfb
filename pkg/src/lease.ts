/** Leases: what a host asks for and what comes next, and why a credential was chosen or passed over. */

import type { FailureKind, HintSource, Millis, Strategy } from "./types.js";

/** What a host wants a credential for. */
export interface LeaseRequest {
  /** The model it asks for, so that a limit of one model does not bench the credential for all. */
  model?: string | null;
  /**
   * A session or a cache key. Requests with the same one go to the same credential while it can serve, so that the
   * provider's prompt cache stays warm.
   */
  affinity?: string | null;
  /** How long the request can wait in all, in milliseconds; else the policy's `patience_ms`. */
  patienceMs?: number | null;
}

/**
 * What a request does next. A move that carries a lease must be followed up, with `report` after `use` and with
 * `resume` after the others, or be ended with `release`. Follow the lease of the latest move.
 */
export type NextMove =
  /** Send it with this credential, then report the answer; `runtime` tells key and base URL. */
  | { type: "use"; lease: number; credential: string }
  /** Wait until then and resume: most likely with the same credential, which failed. */
  | { type: "retry"; lease: number; credential: string; until: Millis }
  /** A login's token must be refreshed first: settle that intent, then resume. */
  | { type: "refresh"; lease: number; credential: string; intent: number }
  /**
   * None can serve now, and one can soon: wait until then and resume. Earlier is fine: a step with the event
   * `recovered`, a report or a release of another request may have freed a credential.
   */
  | { type: "wait"; lease: number; until: Millis }
  /** None can serve within the request's patience; `retryAt` is when the first is back, null if none does by itself. */
  | { type: "exhausted"; retryAt: Millis | null }
  /** The pool has no credentials. */
  | { type: "empty" }
  /** No credential would help; the answer is for whoever made the request. */
  | { type: "give_up"; reason: FailureKind }
  /** The request was served. */
  | { type: "served" }
  /**
   * The report came after the lease had run out. What it tells is taken in; unless the request was served, lease
   * again for another attempt.
   */
  | { type: "late"; served: boolean };

/** Something that happened to a credential in a step. */
export interface Event {
  credential: string;
  what: Happening;
  /** The same on one line for people, to stand after a name of the credential. */
  text: string;
}

/** What happened to a credential. */
export type Happening =
  /** It serves a request. */
  | { type: "chosen"; lease: number; by: Choice }
  /** It would have been next and could not serve. `explain` also tells of those that rest. */
  | { type: "passed_over"; verdict: Verdict }
  /** It begins to rest, or rests longer than it did; for `model` alone, if there is one. */
  | { type: "cooling_down"; until: Millis; model?: string; cause: Cause }
  /** Only a new login, a new key or a reset can revive it. */
  | { type: "marked_dead"; cause: Cause }
  /** It serves again: its rest was ended by a request that it served. */
  | { type: "recovered" }
  /** A request waits until its token is refreshed, by that intent. */
  | { type: "awaits_refresh"; intent: number }
  /** It has new tokens. */
  | { type: "refreshed" }
  /**
   * Another host began to refresh it and was never heard of again, so that its refresh token may be spent: once it
   * expires it has to be made anew.
   */
  | { type: "refresh_interrupted" }
  /** Its rest was taken back: the request failed in the same way with another credential. */
  | { type: "reverted" }
  /** Its lease ran out without a report. */
  | { type: "lease_expired"; lease: number };

/** Why this credential and no other. */
export type Choice =
  /** It was the strategy's next. */
  | { type: "strategy"; strategy: Strategy }
  /** The request's affinity belongs to it. */
  | { type: "affinity" }
  /** It failed the request before, and is tried again. */
  | { type: "retry" };

/** What the pool says of a credential for a request. */
export type Verdict =
  /** It would serve the request. `halfOpen`: after a rest, and others wait until it has served this one. */
  | { type: "chosen"; by: Choice; halfOpen: boolean }
  /** It could serve, and another one goes first. */
  | { type: "available"; halfOpen: boolean }
  /** It rests; `probeAt` is when one request may try it before `until`. */
  | { type: "cooling_down"; until: Millis; probeAt?: Millis; cause: Cause }
  /** It rests for the request's model. */
  | { type: "cooling_down_for_model"; model: string; until: Millis; cause: Cause }
  /** One request is trying it after a rest, and the others wait for that one. */
  | { type: "half_open"; lease: number }
  /** As many requests as it may have are under way with it. */
  | { type: "at_cap"; inFlight: number; cap: number }
  /** Its token must be refreshed first; `intent` is there if that is under way. */
  | { type: "due_for_refresh"; intent?: number }
  /** Its token has expired, and the last refresh brought no new one; the next is tried at `until`. */
  | { type: "unreachable"; until: Millis }
  /** Its token has expired, and it cannot be refreshed. */
  | { type: "expired" }
  /** Only a new login, a new key or a reset can revive it. */
  | { type: "dead"; cause: Cause }
  /** There is no key or token in it. */
  | { type: "no_secret" }
  /** It failed this request before. */
  | { type: "failed" };

/** The failure behind a rest, as far as it is known. */
export interface Cause {
  /** What went wrong. */
  kind?: FailureKind;
  /** The HTTP status of the answer. */
  status?: number;
  /** When. */
  at?: Millis;
  /** Where the answer said when it is over; left out if it did not, or the policy does not listen. */
  hint?: HintSource;
}

/** Why each credential would or would not serve a request. */
export interface Explanation {
  /** What the pool would answer to the request. */
  next: NextMove;
  /** All credentials, in their order. */
  credentials: Explained[];
}

/** What the pool says of a credential for a request. */
export interface Explained {
  credential: string;
  verdict: Verdict;
  /** The same on one line for people, to stand after a name of the credential. */
  text: string;
}
