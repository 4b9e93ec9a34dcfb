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

/**
 * Headers of a response: the `headers` of a fetch response, a list of pairs, or a record, whose values may be lists, such
 * as those of Node's `http`.
 */
export type ResponseHeaders =
  | Iterable<readonly [name: string, value: HeaderValue]>
  | { readonly [name: string]: HeaderValue };

/** Value of a header, or its values. */
export type HeaderValue = string | number | boolean | readonly string[] | null | undefined;

/** A provider's response to a request. */
export interface Response {
  /** HTTP status; left out if no response came. */
  status?: number | null;
  /** Names, in any case, and values. */
  headers?: ResponseHeaders | null;
  /** The body as text, or the part of it that came. */
  body?: string;
}
