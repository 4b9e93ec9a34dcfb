/** Limits of what the pool reads. */

/** Most that the pool reads of an input. A host need not read more. */
export interface Limits {
  /** Bytes of a response's body. A longer body is no provider's error: its beginning is judged as text. */
  responseBodyBytes: number;
}
