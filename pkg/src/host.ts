/** Misuse of a pool: an input that was refused. Nothing changed. */
export class PoolError extends Error {
  /** What went wrong, for programs. */
  readonly code: ErrorCode;
  /** Where in the arguments or the document, as a JSON pointer (RFC 6901). */
  readonly pointer?: string;

  constructor(code: ErrorCode, message: string, pointer?: string) {
    super(message);
    this.name = "PoolError";
    this.code = code;
    if (pointer !== undefined) this.pointer = pointer;
  }
}

/** The stable names of all errors. */
export type ErrorCode =
  | "invalid_argument"
  | "invalid_pool_key"
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
  | "foreign_redirect";

/**
 * The value as JSON text. What can be listed, such as `Headers`, is a list; throws where JSON would
 * silently lose something: `null` for a number, `{}` for a `Response`.
 */
export function toJson(value: unknown): string | undefined {
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === "number" && !Number.isFinite(part)) throw new TypeError("not a JSON number");
    if (!isOpaque(part)) return part;
    if (Symbol.iterator in part) return [...(part as Iterable<unknown>)];
    throw new TypeError("nothing of it would be left");
  });
}

/** Whether an object keeps what it holds where JSON does not look. */
function isOpaque(part: unknown): part is object {
  if (typeof part !== "object" || part === null || Array.isArray(part) || Object.keys(part).length > 0) return false;
  const prototype: unknown = Object.getPrototypeOf(part);
  return prototype !== null && Object.getPrototypeOf(prototype) !== null;
}
