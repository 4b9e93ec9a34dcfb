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
  | "wrong_outcome";

/** The value as JSON text; throws where JSON would silently write `null` for a number. */
export function toJson(value: unknown): string | undefined {
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === "number" && !Number.isFinite(part)) throw new TypeError("not a JSON number");
    return part;
  });
}
