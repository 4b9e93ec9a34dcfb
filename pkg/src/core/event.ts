/** Events: what happened to credentials in a step. */

import type { Cause, Choice, Verdict } from "./verdict.js";
import type { Millis } from "./time.js";

/** Something that happened to a credential in a step. */
export interface Event {
  credential: string;
  what: Happening;
  /** The event as one line of text that follows a name of the credential. */
  text: string;
}

/** Kinds of events. */
export type Happening =
  /** The credential serves a request. */
  | { type: "chosen"; lease: number; by: Choice }
  /** The credential was next and could not serve. Credentials that cool down are not visited; `explain` covers them. */
  | { type: "passed_over"; verdict: Verdict }
  /** A cooldown began, or an existing cooldown was extended; for `model` alone, if it is given. */
  | { type: "cooling_down"; until: Millis; model?: string; cause: Cause }
  /** Only a new login, a new key or a reset can revive the credential. */
  | { type: "marked_dead"; cause: Cause }
  /** The credential serves again: its probe was served. */
  | { type: "recovered" }
  /** A request waits until the token is refreshed by that intent. */
  | { type: "awaits_refresh"; intent: number }
  /** The login has new tokens. */
  | { type: "refreshed" }
  /**
   * Another host began to refresh the login and did not report an outcome, so that its refresh token may be spent: a
   * new login is needed once the login expires.
   */
  | { type: "refresh_interrupted" }
  /**
   * The refresh token was sent and no readable response came, so that it counts as spent: a new login is needed once the
   * login expires.
   */
  | { type: "refresh_lost" }
  /** The cooldown was reverted: another credential failed the same request in the same way. */
  | { type: "reverted" }
  /**
   * The provider fails for every credential: one request at a time, the scout, probes it, and all others wait.
   * `probeAt`: time of the next scout. `cause`: the failure that began the outage, or that the last scout met.
   */
  | { type: "outage"; probeAt: Millis; cause: Cause }
  /** The outage is over: its scout was served, and the waiting requests are admitted in steps. */
  | { type: "outage_over" }
  /** The lease expired without a report. */
  | { type: "lease_expired"; lease: number };
