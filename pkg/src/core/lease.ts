/** Leases: requests, and their moves. */

import type { FailureKind } from "./failure.js";
import type { Millis } from "./time.js";

/** A request that needs a credential. */
export interface LeaseRequest {
  /** Model of the request. A failure that names a model then cools the credential down for that model alone. */
  model?: string | null;
  /**
   * Session or cache key. Requests with the same affinity get the same credential while it can serve, so that the
   * provider's prompt cache stays warm.
   */
  affinity?: string | null;
  /** Time that the request can wait in all, in milliseconds; by default the policy's `patience_ms`. */
  patienceMs?: Millis | null;
}

/**
 * Next move of a request. A move with a lease must be followed up, with `report` after `use` and with `resume` after
 * the others, or be ended with `release`. Follow the lease of the latest move.
 */
export type NextMove =
  /** Send the request with this credential, then report the response; `runtime` returns key and base URL. */
  | { type: "use"; lease: number; credential: string }
  /** Wait until then and resume: most likely with the same credential, which failed. */
  | { type: "retry"; lease: number; credential: string; until: Millis }
  /** The token of a login must be refreshed first: settle that intent, then resume. */
  | { type: "refresh"; lease: number; credential: string; intent: number }
  /**
   * No credential can serve now, and a credential can serve soon: wait until then and resume. Resuming earlier is fine:
   * a step with the event `recovered`, a report or a release of another request may have freed a credential.
   */
  | { type: "wait"; lease: number; until: Millis }
  /**
   * No credential can serve within the request's patience. `retryAt`: when the first recovers; null if none does by
   * itself.
   */
  | { type: "exhausted"; retryAt: Millis | null }
  /** The pool has no credentials. */
  | { type: "empty" }
  /** No other credential would help; the provider's response is the answer to the request. */
  | { type: "give_up"; reason: FailureKind }
  /** The request was served. */
  | { type: "served" }
  /**
   * The report came after the lease had expired. The pool has recorded it; unless the request was served, lease again
   * for another attempt.
   */
  | { type: "late"; served: boolean };
