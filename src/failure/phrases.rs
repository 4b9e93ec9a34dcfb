//! Codes, in lower case, and phrases that mean the same of any provider. `words` has the form of the phrases.
//! Sources as in `rules`.

/// Used-up money, plan or allowance.
pub(super) const QUOTA_CODES: &[&str] = &[
    // OpenAI.
    "insufficient_quota",
    "credit_balance_exhausted",
    "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded",
    "billing_hard_limit_reached",
    "billing_not_active",
    // Codex: the plan's hours or week.
    "usage_limit_reached",
    "usage_not_included",
    // Anthropic; the second under 429.
    "billing_error",
    "enforced_spend_limit_reached",
    // OpenRouter, `metadata.limit_source`.
    "openrouter_credits",
    "openrouter_key_limit",
    "openrouter_free_tier_daily",
    // GitHub Copilot.
    "quota_exceeded",
    "free_quota_exceeded",
    "overage_limit_reached",
    "billing_not_configured",
    // Moonshot, MiniMax, Alibaba, and gateways.
    "exceeded_current_quota_error",
    "insufficient_balance_error",
    "arrearage",
    "allocationquota.freetieronly",
    "insufficient_balance",
    "insufficient_credit",
    "insufficient_credits",
    "insufficient_funds",
    "payment_required",
];

/// The same, as phrases.
pub(super) const QUOTA_TEXTS: &[&str] = &[
    "credit balance is too low",
    "reached your specified*api usage limits",
    "draw from your extra usage",
    "exceeded your current quota",
    "billing hard limit",
    "check your billing details",
    "insufficient balance",
    "insufficient credit",
    "insufficient funds",
    "insufficient quota",
    "out of credits",
    "more credits",
    "requires at least*credits",
    "exceeded your monthly included credits",
    "key limit exceeded",
    "free models per day",
    "spending limit",
    "spend limit",
    "monthly limit",
    "no resource package",
    "reached your usage limit",
    "usage limit reached",
    "usage limit has been reached",
    "usage limit exceeded",
    "you have no quota",
];

/// A login or an account that was ended (RFC 6749, section 5.2; OpenAI; Google).
pub(super) const REVOKED_CODES: &[&str] = &[
    "token_invalidated",
    "token_revoked",
    "refresh_token_reused",
    "refresh_token_invalidated",
    "invalid_grant",
    "unauthorized_client",
    "account_deactivated",
    "account_deleted",
    "consumer_suspended",
];

/// The same, as phrases (Anthropic, OpenAI, Google, Groq, Moonshot).
pub(super) const REVOKED_TEXTS: &[&str] = &[
    "token*has been revoked",
    "token*has been invalidated",
    "refresh token*already been used",
    "account*has been deactivated",
    "deleted or deactivated",
    "deactivated account",
    "key*has been revoked",
    "key*has been disabled",
    "(key|account|token) * (banned|deleted|terminated)",
    "(账号|账户|密钥|令牌|用户) * (封禁|禁用|注销|停用|冻结)",
    "key was reported as leaked",
    "organization has been disabled",
    "organization has been restricted",
    "has been suspended",
    "access terminated",
];

/// A model or a place that is not allowed (OpenAI, Alibaba, gateways).
pub(super) const FORBIDDEN_CODES: &[&str] = &[
    "unsupported_country_region_territory",
    "ip_not_authorized",
    "model_not_included",
    "model_access_denied",
    "model.accessdenied",
    "accessdenied.unpurchased",
];

/// The same, as phrases (OpenAI, Codex, Google, OpenRouter, Moonshot).
pub(super) const FORBIDDEN_TEXTS: &[&str] = &[
    "country region or territory not supported",
    "user location is not supported",
    "not available in your country",
    "not available in your region",
    "not available in your location",
    "ip not authorized",
    "does not have access to model",
    "does not have access to the model",
    "not have permission to access the model",
    "not supported when using codex with a chatgpt account",
    "not included in your",
    "not available on your",
    "not available in your plan",
    "matching your*data policy",
];

/// Too long, not allowed, or not to be answered (OpenAI, OpenRouter, Anthropic, Alibaba, Groq, llama.cpp).
pub(super) const REQUEST_CODES: &[&str] = &[
    "context_length_exceeded",
    "exceed_context_size_error",
    "max_tokens_exceeded",
    "token_limit_exceeded",
    "string_above_max_length",
    "string_too_long",
    "request_too_large",
    "content_policy_violation",
    "content_filter",
    "moderation_blocked",
    "invalid_prompt",
    "invalid_image",
    "datainspectionfailed",
    "data_inspection_failed",
    "json_validate_failed",
    "tool_use_failed",
];

/// The same, as phrases (Anthropic, OpenAI, Google, OpenRouter, Azure, Together).
pub(super) const REQUEST_TEXTS: &[&str] = &[
    "prompt is too long",
    "input is too long",
    "maximum context length",
    "context length",
    "context window",
    "context size",
    "input token count*exceeds",
    "no endpoints found that support",
    "input was flagged",
    "requires moderation",
    "content policy",
    "content management policy",
];

/// A model that does not exist (OpenAI, Alibaba, Groq, GitHub Copilot, Hugging Face).
pub(super) const GONE_CODES: &[&str] = &[
    "model_not_found",
    "modelnotfound",
    "model_not_available",
    "model_not_supported",
    "model_decommissioned",
    "model_deprecated",
    "invalid_model",
];

/// The same, as phrases (OpenAI, DeepSeek, OpenRouter, Groq, Z.AI, Hugging Face, vLLM).
pub(super) const GONE_TEXTS: &[&str] = &[
    "model*does not exist",
    "model not exist",
    "not a valid model",
    "model*has been decommissioned",
    "model*has been deprecated",
    "model*no longer",
    "unknown model",
    "no endpoints found for",
    "not supported by any provider",
];

/// Overload, under any status (Anthropic, Moonshot, OpenAI, Groq, Google).
pub(super) const OVERLOADED_CODES: &[&str] = &[
    "overloaded_error",
    "engine_overloaded_error",
    "server_is_overloaded",
    "model_overloaded",
    "capacity_exceeded",
    "service_unavailable_error",
    "unavailable",
    "timeout_error",
    "deadline_exceeded",
];

/// The same, as phrases.
pub(super) const OVERLOADED_TEXTS: &[&str] =
    &["overloaded", "no capacity available", "at capacity", "experiencing high demand"];

/// A credential that is not accepted, under any status (Anthropic, OpenAI, Google, Alibaba, OpenCode).
pub(super) const UNAUTHORIZED_CODES: &[&str] = &[
    "authentication_error",
    "invalid_authentication_error",
    "invalid_api_key",
    "invalidapikey",
    "incorrect_api_key",
    "api_key_invalid",
    "api_key_expired",
    "unauthenticated",
    "token_expired",
    "autherror",
];

/// The same, as phrases (Google and xAI under 400).
pub(super) const UNAUTHORIZED_TEXTS: &[&str] = &[
    "api key not valid",
    "api key expired",
    "incorrect api key",
    "invalid api key",
    "missing api key",
    "invalid x api key",
];

/// A rate limit, under any status (Anthropic, OpenAI, Moonshot, Mistral, GitHub Copilot,
/// OpenCode, Alibaba).
pub(super) const RATE_CODES: &[&str] = &[
    "rate_limit_error",
    "rate_limit_exceeded",
    "rate_limit_reached_error",
    "rate_limited",
    "user_model_rate_limited",
    "user_global_rate_limited",
    "user_weekly_rate_limited",
    "integration_rate_limited",
    "ratelimiterror",
    "too_many_requests",
];

/// The same, whatever the message says (Alibaba; AWS' exceptions; Tencent Cloud).
pub(super) const THROTTLING_CODES: &[&str] = &[
    "throttling",
    "throttling.ratequota",
    "throttling.burstrate",
    "throttling.allocationquota",
    "throttlingexception",
    "throttledexception",
    "toomanyrequestsexception",
    "requestlimitexceeded",
    "slowdown",
];

/// A project or an account that may not call the service at all, or a token without its scope (`google.rpc.ErrorInfo`).
pub(super) const PROJECT_CODES: &[&str] = &[
    "service_disabled",
    "consumer_invalid",
    "api_key_service_blocked",
    "api_key_http_referrer_blocked",
    "api_key_ip_address_blocked",
    "api_key_android_app_blocked",
    "api_key_ios_app_blocked",
    "access_token_expired",
    "access_token_scope_insufficient",
    "account_state_invalid",
    "user_project_denied",
    "credentials_missing",
];

/// AWS' exceptions ("Common errors", "Troubleshooting Amazon Bedrock API error codes").
pub(super) const AWS_UNAUTHORIZED_CODES: &[&str] = &[
    "expiredtokenexception",
    "expiredtoken",
    "unrecognizedclientexception",
    "invalidclienttokenid",
    "invalidsignatureexception",
    "signaturedoesnotmatch",
    "incompletesignature",
    "missingauthenticationtoken",
    "missingauthenticationtokenexception",
    "notauthorized",
    "optinrequired",
    "requestexpired",
];

/// The same.
pub(super) const AWS_FORBIDDEN_CODES: &[&str] = &["accessdeniedexception"];

/// The same.
pub(super) const AWS_OVERLOADED_CODES: &[&str] = &[
    "serviceunavailableexception",
    "internalserverexception",
    "internalfailure",
    "modelnotreadyexception",
    "modeltimeoutexception",
    "modelstreamerrorexception",
    "modelerrorexception",
];

/// Failures of a server that gateways hand on under a status of their own.
pub(super) const SERVER_CODES: &[&str] = &[
    "server_error",
    "internal_server_error",
    "internal_error",
    "upstream_error",
    "bad_gateway",
    "service_unavailable",
];

/// Codes of limits that hold for one model (GitHub Copilot; Google Cloud Code Assist).
pub(super) const MODEL_CODES: &[&str] = &["user_model_rate_limited", "model_capacity_exhausted", "model_not_supported"];
/// Google's names of quotas that are counted by model.
pub(super) const MODEL_CODE_PARTS: &[&str] = &["permodel", "perbasemodel"];
/// Phrases of failures that hold for one model, or for a provider behind this one.
pub(super) const MODEL_TEXTS: &[&str] = &[
    "for model",
    "for this model",
    "on this model",
    "of this model",
    "and model",
    "this model is",
    "access to model",
    "access to the model",
    "limit reached for*in organization",
    "model*is not supported",
    "free models per",
    "provider returned error",
    "error from provider",
];
