/** Stored state: rows, and the part of a document that belongs to one pool. */

import type { FailureKind } from "./failure.js";
import type { Millis, Seconds } from "./time.js";

/** A credential in its stored form, including its secrets. Unlisted fields are kept unchanged. */
export interface Row {
  id?: string;
  label?: string | null;
  auth_type?: "api_key" | "oauth" | (string & {}) | null;
  /** Place in the order, lowest first. */
  priority?: number | null;
  source?: string | null;
  access_token?: string | null;
  refresh_token?: string | null;
  last_status?: "ok" | "exhausted" | "dead" | (string & {}) | null;
  last_status_at?: Seconds | null;
  /** HTTP status of the failure behind `last_status`. */
  last_error_code?: number | null;
  /** Kind of the failure behind `last_status`. */
  last_error_reason?: FailureKind | (string & {}) | null;
  /** Message that another program wrote about the failure. */
  last_error_message?: string | null;
  /** End of the cooldown; without it `last_error_code` decides. */
  last_error_reset_at?: Seconds | null;
  /** Ends of cooldowns for single models, by model. */
  model_cooldowns?: Record<string, Seconds> | null;
  base_url?: string | null;
  expires_at_ms?: Millis | null;
  inference_base_url?: string | null;
  agent_key?: string | null;
  request_count?: number | null;
  client_id?: string | null;
  portal_base_url?: string | null;
  /** Place in the order of `round_robin`, lowest first. */
  turn?: number | null;
  /** Share of the requests, relative to the other rows' weights. */
  weight?: number | null;
  /** Number of requests that the credential may have under way; further requests wait. */
  max_in_flight?: number | null;
  [other: string]: unknown;
}

/** The stored state of one pool. */
export interface Stored {
  /** Rows in their stored form, including unreadable rows. */
  rows?: unknown[];
  /** Rows whose source is gone, without their secrets, for the time when it is found again. */
  absent?: unknown[];
  /** Sources that discovery skips, because a person removed their credential. */
  suppressedSources?: string[];
  /** The pool's strategy in its stored form. */
  strategy?: string | null;
  /** The pool's policy in its stored form; `readPolicy` reads it. */
  policy?: unknown;
  /** Merge metadata of `applyChanges`: keep it with the rest, unchanged. */
  merge?: unknown;
}

/** Answer of `readDocument`. */
export interface Reading {
  /** The pool's stored state in the document. */
  stored: Required<Pick<Stored, "rows" | "suppressedSources">> & {
    absent?: unknown[];
    strategy?: string;
    policy?: unknown;
    merge?: unknown;
  };
  /** The document's `providers`, for `sources.documentLogins`; null if they are unreadable. */
  documentLogins: Record<string, unknown> | null;
}
