/** Answers of a provider: completions and errors, in Anthropic's wording or in OpenAI's, which most others use. */

import { randomUUID } from "node:crypto";

/**
 * @typedef {{ status: number, headers?: Record<string, string>, json: unknown }} Answer
 *
 * @typedef {object} Window A full rate window.
 * @property {number} limit Requests per window.
 * @property {number} endsAt End of the window, in milliseconds since the Unix epoch.
 * @property {number} leftMs Milliseconds until the end.
 *
 * @typedef {object} Wording
 * @property {() => Answer} unknownKey
 * @property {() => Answer} tokenExpired
 * @property {(isLogin: boolean) => Answer} revoked
 * @property {() => Answer} noCredit
 * @property {(window: Window) => Answer} limited
 * @property {() => Answer} overloaded
 * @property {() => Answer} noModel
 * @property {() => Answer} notFound
 * @property {() => Answer} wrongMethod
 */

/** @type {Wording} */
const anthropic = {
  unknownKey: () => ofAnthropic(401, "authentication_error", "invalid x-api-key"),
  tokenExpired: () =>
    ofAnthropic(
      401,
      "authentication_error",
      "OAuth token has expired. Please obtain a new token or refresh your existing token.",
    ),
  revoked: (isLogin) =>
    isLogin
      ? ofAnthropic(403, "permission_error", "OAuth token has been revoked. Please obtain a new token.")
      : ofAnthropic(400, "invalid_request_error", "This organization has been disabled."),
  noCredit: () =>
    ofAnthropic(
      400,
      "invalid_request_error",
      "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.",
    ),
  limited: ({ limit, endsAt, leftMs }) => ({
    ...ofAnthropic(429, "rate_limit_error", `This request would exceed your rate limit of ${limit} requests.`),
    headers: {
      "retry-after": seconds(leftMs),
      "anthropic-ratelimit-requests-limit": String(limit),
      "anthropic-ratelimit-requests-remaining": "0",
      "anthropic-ratelimit-requests-reset": new Date(endsAt).toISOString(),
    },
  }),
  overloaded: () => ofAnthropic(529, "overloaded_error", "Overloaded"),
  noModel: () => ofAnthropic(400, "invalid_request_error", "model: Field required"),
  notFound: () => ofAnthropic(404, "not_found_error", "Not Found"),
  wrongMethod: () => ofAnthropic(405, "invalid_request_error", "Method Not Allowed"),
};

/** @type {Wording} */
const openai = {
  unknownKey: () => ofOpenAi(401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
  tokenExpired: () =>
    ofOpenAi(401, null, "token_expired", "Provided authentication token is expired. Please try signing in again."),
  revoked: (isLogin) =>
    isLogin
      ? ofOpenAi(401, null, "token_revoked", "Encountered invalidated oauth token for user, failing request")
      : ofOpenAi(
          401,
          "invalid_request_error",
          "account_deactivated",
          "The OpenAI account associated with this API key has been deactivated.",
        ),
  noCredit: () =>
    ofOpenAi(
      429,
      "insufficient_quota",
      "insufficient_quota",
      "You exceeded your current quota, please check your plan and billing details.",
    ),
  limited: ({ limit, leftMs }) => ({
    ...ofOpenAi(429, "requests", "rate_limit_exceeded", `Rate limit reached on requests: Limit ${limit}.`),
    headers: {
      "retry-after": seconds(leftMs),
      "retry-after-ms": String(Math.ceil(leftMs)),
      "x-ratelimit-limit-requests": String(limit),
      "x-ratelimit-remaining-requests": "0",
      "x-ratelimit-reset-requests": duration(leftMs),
    },
  }),
  overloaded: () =>
    ofOpenAi(
      503,
      "service_unavailable_error",
      "server_is_overloaded",
      "The engine is currently overloaded, please try again later",
    ),
  noModel: () => ofOpenAi(400, "invalid_request_error", null, "you must provide a model parameter"),
  notFound: () => ofOpenAi(404, "invalid_request_error", "unknown_url", "Unknown request URL."),
  wrongMethod: () => ofOpenAi(405, "invalid_request_error", "method_not_supported", "Not allowed to do that here."),
};

/** Returns the wording of a pool's provider. @type {(poolKey: string) => Wording} */
export const wordingOf = (poolKey) => (poolKey === "anthropic" ? anthropic : openai);

/**
 * The answer of a served request.
 *
 * @param {string} model
 * @param {number} now
 */
export function completion(model, now) {
  return {
    id: `chatcmpl-${randomUUID()}`,
    object: "chat.completion",
    created: Math.floor(now / 1000),
    model,
    choices: [{ index: 0, message: { role: "assistant", content: "Hello." }, finish_reason: "stop" }],
    usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 },
  };
}

/**
 * @param {number} status
 * @param {string} type
 * @param {string} message
 * @returns {Answer}
 */
function ofAnthropic(status, type, message) {
  return { status, json: { type: "error", error: { type, message } } };
}

/**
 * @param {number} status
 * @param {string | null} type
 * @param {string | null} code
 * @param {string} message
 * @returns {Answer}
 */
function ofOpenAi(status, type, code, message) {
  return { status, json: { error: { message, type, param: null, code } } };
}

/** @param {number} millis */
function seconds(millis) {
  return String(Math.ceil(millis / 1000));
}

/**
 * Formats a duration as OpenAI's headers do: `120ms`, `8.64s`, `6m0s`.
 *
 * @param {number} millis
 */
function duration(millis) {
  if (millis < 1000) return `${Math.ceil(millis)}ms`;
  const minutes = Math.floor(millis / 60_000);
  return `${minutes > 0 ? `${minutes}m` : ""}${(millis % 60_000) / 1000}s`;
}
