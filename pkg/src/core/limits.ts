/** Limits of what the pool reads. */

/** Most that the pool reads of an input. A host need not read more. */
export interface Limits {
  /** Bytes of a response's body that are judged; the rest is ignored. */
  responseBodyBytes: number;
}
