/** Responses for `report`, from the values and errors of HTTP clients. */

import { limits } from "../credential_pool.js";
import type { Response as Answer } from "../core/types.js";
import { fittingHeaders, fittingText, startOfBody } from "../http/bodies.js";

/**
 * Returns the response in a client's value: a fetch response or any other object with a `status`. A value without a
 * status counts as served. Reads the body of failures only, from a copy.
 */
export async function responseIn(value: unknown): Promise<Answer> {
  if (!hasStatus(value) || typeof value.status !== "number") return { status: 200 };
  const answer = { status: value.status, headers: fittingHeaders(pairs(value.headers)) };
  if (value.status >= 200 && value.status < 300) return answer;
  return { ...answer, body: await bodyOf(value) };
}

/**
 * Returns the response in a client's error. Errors of the OpenAI and Anthropic clients carry the response's `status`,
 * undefined if no response came. Returns an empty response for an error of the network, and undefined for other errors.
 */
export async function responseInError(error: unknown): Promise<Answer | undefined> {
  if (!(error instanceof Error)) return undefined;
  if (hasStatus(error)) return typeof error.status === "number" ? responseIn(error) : {};
  const { name, message, code } = error as Error & { code?: unknown };
  const isOfFetch = error instanceof TypeError && FETCH_FAILED.some((start) => message.startsWith(start));
  const isOfSocket = typeof code === "string" && SOCKET_FAILED.some((start) => code.startsWith(start));
  return name === "TimeoutError" || isOfFetch || isOfSocket ? {} : undefined;
}

/**
 * Returns whether an error of `fetch` says that no connection was made, so that nothing was sent. An error that does not
 * say so counts as sent: browsers and some proxies do not tell.
 */
export function isUnsent(error: unknown): boolean {
  for (let at = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth += 1) {
    const { code, message, errors } = at as Error & { code?: unknown; errors?: unknown };
    if (typeof code === "string" && NOT_CONNECTED.some((start) => code.startsWith(start))) return true;
    if (NOT_CONNECTED_MESSAGES.some((part) => message.includes(part))) return true;
    // Node tries each address of a host, and gathers the errors.
    if (Array.isArray(errors) && errors.length > 0) return errors.every(isUnsent);
  }
  return false;
}

/** Starts of error codes before a connection was made: in Node and its `fetch` (undici), and in Bun. */
const NOT_CONNECTED = [
  "ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "ENETDOWN", "EADDRNOTAVAIL",
  "UND_ERR_CONNECT_TIMEOUT", "ERR_TLS_", "CERT_", "DEPTH_ZERO_", "SELF_SIGNED_", "UNABLE_TO_", "ConnectionRefused",
  "FailedToOpenSocket",
];

/** Parts of messages before a connection was made, in Deno. */
const NOT_CONNECTED_MESSAGES = ["tcp connect error", "dns error", "Connection refused", "invalid peer certificate"];

/** Starts of messages of a `fetch` without a response, in Node, Deno, Chromium, Firefox and Safari. */
const FETCH_FAILED = [
  "fetch failed", "terminated", "error sending request", "Failed to fetch", "network error", "NetworkError when",
  "Load failed", "The network connection was lost",
];

/** Starts of error codes without a response, in Node's other clients and in Bun. */
const SOCKET_FAILED = [
  "ECONN", "EPIPE", "ETIMEDOUT", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "UND_ERR_", "Connection",
];

interface WithStatus {
  readonly status: unknown;
  readonly headers?: unknown;
  readonly body?: unknown;
  /** The body as the OpenAI and Anthropic clients have read it. */
  readonly error?: unknown;
  readonly message?: unknown;
}

/** Time that the body of a failure has to come, in milliseconds. Then the part that came is judged. */
const BODY_TIMEOUT_MS = 3000;

function hasStatus(value: unknown): value is WithStatus {
  return typeof value === "object" && value !== null && "status" in value;
}

function pairs(headers: unknown): [string, string][] {
  if (typeof headers !== "object" || headers === null) return [];
  const all = Symbol.iterator in headers ? [...(headers as Iterable<[string, unknown]>)] : Object.entries(headers);
  return all.filter(([, value]) => value !== undefined && value !== null).map(([name, value]) => [name, String(value)]);
}

async function bodyOf(value: WithStatus): Promise<string> {
  const bytes = limits().responseBodyBytes;
  if (value instanceof Response) {
    if (value.bodyUsed || value.body?.locked) return "";
    return fittingText(await startOfBody(value.clone().body, bytes, BODY_TIMEOUT_MS), bytes);
  }
  const body = value.body ?? value.error ?? value.message ?? "";
  return fittingText(typeof body === "string" ? body : (JSON.stringify(body) ?? ""), bytes);
}
