/** HTTP as data: requests that the host sends, and responses that it hands over. */

import type { Millis } from "./time.js";

/** An HTTP request that the host sends unchanged. */
export interface HttpRequest {
  method: "POST";
  url: string;
  /** Names and values. The host adds its own User-Agent. */
  headers: [name: string, value: string][];
  /** The body; it contains a secret. */
  body: string;
  /** Timeout for the response, in milliseconds. */
  timeoutMs: Millis;
}

/** A provider's response to a request. */
export interface Response {
  /** HTTP status; left out if no response came. */
  status?: number | null;
  /** Names, in any case, and values: the `headers` of a fetch response, or a list of pairs. */
  headers?: Iterable<readonly [name: string, value: string]>;
  /** The body as text, or the part of it that came. */
  body?: string;
}
