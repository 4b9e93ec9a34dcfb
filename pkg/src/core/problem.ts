/** Problems of documents. */

/** A place in a document that a person should look at. */
export interface Problem {
  /** Stable code, for programs. */
  code: ProblemCode;
  /** `error`: the place is left out until it is repaired. `warning`: the place works, but probably not as intended. */
  severity: "error" | "warning";
  /** Place in the document, as a JSON pointer (RFC 6901); empty for the whole document. */
  pointer: string;
  /** The problem and its repair. Contains no value of the document. */
  message: string;
}

/** Stable codes of all problems. */
export type ProblemCode =
  | "not_json"
  | "too_large"
  | "wrong_type"
  | "duplicate_key"
  | "unknown_version"
  | "unreachable_pool"
  | "missing_id"
  | "duplicate_id"
  | "duplicate_secret"
  | "no_secret"
  | "invalid_secret"
  | "no_refresh_token"
  | "unknown_auth_type"
  | "unknown_status"
  | "status_in_future"
  | "stamp_in_future"
  | "unknown_strategy"
  | "invalid_policy";
