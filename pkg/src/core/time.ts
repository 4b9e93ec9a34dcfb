/** Units of time in the wasm's inputs and answers. */

/** Milliseconds since the Unix epoch, as `Date.now()` returns them; also durations in milliseconds. */
export type Millis = number;

/** Seconds since the Unix epoch with a fraction, as rows store them. */
export type Seconds = number;
