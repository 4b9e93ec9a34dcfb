/** Errors of the wasm. */

/** A refused input. The pool is unchanged. */
export class PoolError extends Error {
  /** Stable code, for programs. */
  readonly code: ErrorCode;
  /** Place in the arguments or the document, as a JSON pointer (RFC 6901). */
  readonly pointer?: string;

  constructor(code: ErrorCode, message: string, pointer?: string) {
    super(message);
    this.name = "PoolError";
    this.code = code;
    if (pointer !== undefined) this.pointer = pointer;
  }
}

/** Stable codes of all errors. */
export type ErrorCode =
  | "invalid_argument"
  | "invalid_pool_key"
  | "too_large"
  | "invalid_row"
  | "invalid_document"
  | "unknown_strategy"
  | "unknown_credential"
  | "duplicate_id"
  | "not_refreshable"
  | "refresh_unsupported"
  | "unknown_intent"
  | "already_settled"
  | "wrong_outcome"
  | "invalid_policy"
  | "unknown_lease"
  | "lease_ended"
  | "lease_waits"
  | "invalid_login"
  | "login_unsupported"
  | "not_awaited"
  | "foreign_redirect"
  | "foreign_origin";
