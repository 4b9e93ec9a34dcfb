/** Error responses in the formats of real providers: Anthropic, OpenAI, OpenRouter. */

import type { Millis, Response } from "credential-pool/types";

/** Error responses of a provider. */
export interface ErrorResponses {
  /** Rate limit; `waitMs` is the value of Retry-After, null without that header. */
  limited(waitMs: Millis | null): Response;
  noCredit(): Response;
  revoked(): Response;
  notAccepted(): Response;
  /** Expired access token of a login. */
  expired(): Response;
  modelForbidden(model: string): Response;
  overloaded(): Response;
  failed(): Response;
}

/** Returns the error responses of a pool's provider. */
export function errorResponsesOf(poolKey: string): ErrorResponses {
  return BY_POOL_KEY[poolKey] ?? openai;
}

const anthropic: ErrorResponses = {
  limited: (waitMs) =>
    ofAnthropic(429, "rate_limit_error", "Number of requests has exceeded your per-minute rate limit", waitMs),
  noCredit: () =>
    ofAnthropic(
      400,
      "invalid_request_error",
      "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.",
    ),
  revoked: () => ofAnthropic(403, "permission_error", "OAuth token has been revoked. Please obtain a new token."),
  notAccepted: () => ofAnthropic(401, "authentication_error", "invalid x-api-key"),
  expired: () =>
    ofAnthropic(
      401,
      "authentication_error",
      "OAuth token has expired. Please obtain a new token or refresh your existing token.",
    ),
  modelForbidden: () =>
    ofAnthropic(403, "permission_error", "Your API key does not have permission to use the specified resource."),
  overloaded: () => ofAnthropic(529, "overloaded_error", "Overloaded"),
  failed: () => ofAnthropic(500, "api_error", "Internal server error"),
};

const openai: ErrorResponses = {
  limited: (waitMs) =>
    ofOpenAi(429, "requests", "rate_limit_exceeded", "Rate limit reached on requests per min (RPM).", waitMs),
  noCredit: () =>
    ofOpenAi(
      429,
      "insufficient_quota",
      "insufficient_quota",
      "You exceeded your current quota, please check your plan and billing details.",
    ),
  revoked: () =>
    ofOpenAi(
      401,
      "invalid_request_error",
      "account_deactivated",
      "The OpenAI account associated with this API key has been deactivated.",
    ),
  notAccepted: () => ofOpenAi(401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
  expired: () =>
    ofOpenAi(401, null, "token_expired", "Provided authentication token is expired. Please try signing in again."),
  modelForbidden: (model) =>
    ofOpenAi(
      403,
      "invalid_request_error",
      "model_not_found",
      `Project \`proj_abc\` does not have access to model \`${model}\``,
    ),
  overloaded: () =>
    ofOpenAi(
      503,
      "service_unavailable_error",
      "server_is_overloaded",
      "The engine is currently overloaded, please try again later",
    ),
  failed: () => ofOpenAi(500, "server_error", null, "The server had an error while processing your request."),
};

const openrouter: ErrorResponses = {
  limited: (waitMs) => ofOpenRouter(429, "Rate limit reached", waitMs),
  noCredit: () => ofOpenRouter(402, "Insufficient credits. Add more using https://openrouter.ai/settings/credits"),
  revoked: () => ofOpenRouter(401, "This API key has been disabled"),
  notAccepted: () => ofOpenRouter(401, "No auth credentials found"),
  expired: () => ofOpenRouter(401, "No auth credentials found"),
  modelForbidden: () =>
    ofOpenRouter(
      404,
      "No endpoints found matching your data policy. Enable prompt training here: https://openrouter.ai/settings/privacy",
    ),
  overloaded: () => ofOpenRouter(502, "Provider returned error"),
  failed: () => ofOpenRouter(500, "Internal Server Error"),
};

const BY_POOL_KEY: Record<string, ErrorResponses> = { anthropic, openrouter };

function ofAnthropic(status: number, type: string, message: string, waitMs: Millis | null = null): Response {
  return response(status, { type: "error", error: { type, message } }, waitMs);
}

function ofOpenAi(
  status: number,
  type: string | null,
  code: string | null,
  message: string,
  waitMs: Millis | null = null,
): Response {
  return response(status, { error: { message, type, param: null, code } }, waitMs);
}

function ofOpenRouter(status: number, message: string, waitMs: Millis | null = null): Response {
  return response(status, { error: { message, code: status } }, waitMs);
}

function response(status: number, body: unknown, waitMs: Millis | null): Response {
  const headers: [string, string][] = waitMs === null ? [] : [["Retry-After", String(Math.ceil(waitMs / 1000))]];
  return { status, headers, body: JSON.stringify(body) };
}
