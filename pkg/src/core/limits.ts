/** Limits of what the pool reads and keeps. */

/** Most that the pool reads of an input and keeps. An input beyond a limit throws `too_large`, before it is parsed. */
export interface Limits {
  /** Bytes of a document's text. */
  documentBytes: number;
  /** Rows of a document, of all its pools together, and of a pool. */
  rows: number;
  /** Levels of lists and objects in each other, of a document and of every other JSON text. */
  nesting: number;
  /** Bytes of a response's body. A host need not read more: the beginning of a longer body is judged as text. */
  responseBodyBytes: number;
  /** Bytes of all names and values of a response's headers. */
  responseHeaderBytes: number;
  /** Models with a cooldown that a row remembers. Of more models, the cooldowns that end first are forgotten. */
  modelsPerCredential: number;
  /** Bytes of the name of a model with a cooldown. Of a model with a longer name, no cooldown is remembered. */
  modelNameBytes: number;
  /** Bytes of a call's text, of the WebAssembly component. */
  callBytes: number;
  /** JSON values in a call, of the WebAssembly component: in its text, and in the text of a document that it passes. */
  callValues: number;
  /** Problems of a document that `checkDocument` returns: the first. */
  problems: number;
}
