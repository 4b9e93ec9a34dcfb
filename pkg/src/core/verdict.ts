/** Verdicts: the reasons for which a credential is chosen or passed over. */

import type { FailureKind, HintSource } from "./failure.js";
import type { NextMove } from "./lease.js";
import type { Strategy } from "./policy.js";
import type { Millis } from "./time.js";

/** Verdicts about each credential for one request. */
export interface Explanation {
  /** The move that the pool would answer. */
  next: NextMove;
  /** All credentials, in their order. */
  credentials: Explained[];
}

/** Verdict about one credential. */
export interface Explained {
  credential: string;
  verdict: Verdict;
  /** The verdict as one line of text that follows a name of the credential. */
  text: string;
}

/** Verdict about a credential for a request. */
export type Verdict =
  /** The credential would serve. `halfOpen`: the request is its probe, and others wait until the probe is served. */
  | { type: "chosen"; by: Choice; halfOpen: boolean }
  /** The credential could serve, and another credential goes first. */
  | { type: "available"; halfOpen: boolean }
  /** The credential cools down. `probeAt`: time of the next probe, if that is before `until`. */
  | { type: "cooling_down"; until: Millis; probeAt?: Millis; cause: Cause }
  /** The credential cools down for the request's model. */
  | { type: "cooling_down_for_model"; model: string; until: Millis; cause: Cause }
  /** The credential is half-open: its probe is in flight, and all other requests wait for the probe. */
  | { type: "half_open"; lease: number }
  /**
   * Requests are held back: an outage of the provider, or the first moments after an outage or a cooldown, in which the
   * waiting requests are admitted in steps. `until`: time at which the next request is admitted, unless that depends on a
   * scout in flight.
   */
  | { type: "held"; until?: Millis }
  /** The credential has its maximum of requests under way. */
  | { type: "at_cap"; inFlight: number; cap: number }
  /** The token must be refreshed first. `intent`: the refresh, if it is under way. */
  | { type: "due_for_refresh"; intent?: number }
  /** The token has expired, and the last refresh brought no new token. `until`: time of the next refresh attempt. */
  | { type: "unreachable"; until: Millis }
  /** The token has expired, and it cannot be refreshed. */
  | { type: "expired" }
  /** Only a new login, a new key or a reset can revive the credential. */
  | { type: "dead"; cause: Cause }
  /** The row holds no key and no token. */
  | { type: "no_secret" }
  /** The key has characters that no request can carry. */
  | { type: "unusable_secret" }
  /** The credential failed this request before. */
  | { type: "failed" };

/** Reason for a choice. */
export type Choice =
  /** The strategy's next credential. */
  | { type: "strategy"; strategy: Strategy }
  /** The credential of the request's affinity. */
  | { type: "affinity" }
  /** A retry with a credential that failed the request before. */
  | { type: "retry" };

/** Failure behind a cooldown, as far as it is known. */
export interface Cause {
  /** Kind of the failure. */
  kind?: FailureKind;
  /** HTTP status of the response. */
  status?: number;
  /** Time of the failure. */
  at?: Millis;
  /** Place in the response that announced the end; left out without a hint, or if the policy ignores hints. */
  hint?: HintSource;
}
