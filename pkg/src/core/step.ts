/** Steps: the answers of a pool's inputs. */

import type { Event } from "./event.js";
import type { Intent } from "./intent.js";
import type { Problem } from "./problem.js";
import type { Millis } from "./time.js";

/** Answer of an input: a value, work for the host, and the time of the next `tick`. */
export interface Step<T> {
  /** The value. */
  readonly value: T;
  /** Work for the host, in order. Each intent is settled once, with `settle`. */
  readonly intents: readonly Intent[];
  /** Events of this step, for logs and for people. They need no reaction. */
  readonly events: readonly Event[];
  /** Next time at which the pool changes by itself; replaces the earlier `wake`. Call `tick` then. */
  readonly wake: Wake | null;
}

/** Next time at which the pool changes by itself. */
export interface Wake {
  at: Millis;
  /**
   * The change: a cooldown ends, the current login's token is due for a refresh, a lease expires, changes are to be
   * written.
   */
  reason: "cooldown_ends" | "token_due" | "lease_ends" | "unsaved_changes";
}

/** Value of `open` and `sync`. */
export interface Opened {
  /** Whether the pool has any credential. */
  hasCredentials: boolean;
  /** Problems of the stored state. Rows with an error were set aside and stay in the store unchanged. */
  problems: Problem[];
}

/** Value of `select`: the credential for the next request. */
export type Selection =
  /** This credential; `runtime` returns key and base URL. */
  | { type: "selected"; credential: string }
  /** The token of the next credential must be refreshed first: settle that intent, then select again. */
  | { type: "refreshing"; credential: string; intent: number }
  /** No credential can serve. `retryAt`: when the first recovers; null if none does by itself. */
  | { type: "exhausted"; retryAt: Millis | null }
  /** The pool has no credentials. */
  | { type: "empty" };
