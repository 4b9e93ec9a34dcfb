/** Limits of what the pool reads. */

/** Most that the pool reads of an input. A host need not read more. */
export interface Limits {
  /** Bytes of a response's body. A longer body is no provider's error: its beginning is judged as text. */
  responseBodyBytes: number;
  /** Models with a cooldown that a row remembers. Of more models, the cooldowns that end first are forgotten. */
  modelsPerCredential: number;
  /** Bytes of the name of a model with a cooldown. Of a model with a longer name, no cooldown is remembered. */
  modelNameBytes: number;
}
