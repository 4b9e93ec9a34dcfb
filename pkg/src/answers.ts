/** What a provider answered, as the pool wants to see it, out of what HTTP clients answer and throw. */

import type { Response as Answer } from "./types.js";

/**
 * The answer that a client handed over: a fetch response or anything else with a `status`. What has none was served.
 * Only the body of a failure is read, and of a copy.
 */
export async function answerOf(value: unknown): Promise<Answer> {
  if (!hasStatus(value) || typeof value.status !== "number") return { status: 200 };
  const answer = { status: value.status, headers: pairs(value.headers) };
  if (value.status >= 200 && value.status < 300) return answer;
  return { ...answer, body: await bodyOf(value) };
}

/**
 * The answer that a client threw: errors of the OpenAI and Anthropic clients have its `status`, or an empty one if none
 * came. Nothing if the error is not of the network.
 */
export async function answerOfError(error: unknown): Promise<Answer | undefined> {
  if (!(error instanceof Error)) return undefined;
  if (hasStatus(error)) return typeof error.status === "number" ? answerOf(error) : {};
  const { name, message, code } = error as Error & { code?: unknown };
  const isOfFetch = error instanceof TypeError && FETCH_FAILED.some((words) => message.startsWith(words));
  const isOfSocket = typeof code === "string" && SOCKET_FAILED.some((start) => code.startsWith(start));
  return name === "TimeoutError" || isOfFetch || isOfSocket ? {} : undefined;
}

/** How a `fetch` says that no answer came: in Node, Deno, Chromium, Firefox and Safari. */
const FETCH_FAILED = [
  "fetch failed", "terminated", "error sending request", "Failed to fetch", "network error", "NetworkError when",
  "Load failed", "The network connection was lost",
];

/** How Node's other clients and Bun do. */
const SOCKET_FAILED = [
  "ECONN", "EPIPE", "ETIMEDOUT", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "UND_ERR_", "Connection",
];

interface Answered {
  readonly status: unknown;
  readonly headers?: unknown;
  readonly body?: unknown;
  /** What those clients read of the body. */
  readonly error?: unknown;
  readonly message?: unknown;
}

function hasStatus(value: unknown): value is Answered {
  return typeof value === "object" && value !== null && "status" in value;
}

function pairs(headers: unknown): [string, string][] {
  if (typeof headers !== "object" || headers === null) return [];
  const all = Symbol.iterator in headers ? [...(headers as Iterable<[string, unknown]>)] : Object.entries(headers);
  return all.map(([name, value]) => [name, String(value)]);
}

async function bodyOf(value: Answered): Promise<string> {
  if (value instanceof Response) return value.bodyUsed ? "" : value.clone().text().catch(() => "");
  const body = value.body ?? value.error ?? value.message ?? "";
  return typeof body === "string" ? body : (JSON.stringify(body) ?? "");
}
