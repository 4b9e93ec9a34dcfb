//! Answers in the wording of real providers.

use credential_pool::Response;
use time::OffsetDateTime;

/// Provider whose wording the answers have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Anthropic,
    OpenAi,
    OpenRouter,
}

/// Where an answer carries the hint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hints {
    /// Nowhere.
    None,
    /// In `Retry-After`.
    RetryAfter,
    /// In the provider's own headers.
    Own,
}

/// How an outage shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outage {
    Unavailable,
    Overloaded,
    /// No answer comes.
    Silent,
}

impl Style {
    pub fn pool(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::OpenAi => "custom:openai",
            Self::OpenRouter => "openrouter",
        }
    }

    pub fn served(self) -> Response {
        let body = match self {
            Self::Anthropic => r#"{"id":"msg_1","type":"message","content":[{"type":"text","text":"Done."}]}"#,
            Self::OpenAi | Self::OpenRouter => r#"{"id":"gen-1","choices":[{"message":{"content":"Done."}}]}"#,
        };
        answer(200, &[], body)
    }

    /// Answers that a rate window is full until `end`; the message names the model if the window counts one model.
    pub fn rate_limited(self, model: Option<&str>, hints: Hints, now: i64, end: i64) -> Response {
        let (seconds, millis) = ((end - now + 999) / 1000, end - now);
        let of_model = model.map(|model| format!(" for {model} in organization org-abc")).unwrap_or_default();
        let body = match self {
            Self::Anthropic if model.is_some() => format!(
                r#"{{"type":"error","error":{{"type":"rate_limit_error","message":"This request would exceed your organization's rate limit of 50 requests per minute (org: ef36bf5a, model: {}). For details, refer to: https://docs.claude.com/en/api/rate-limits."}}}}"#,
                model.unwrap_or_default()
            ),
            Self::Anthropic => r#"{"type":"error","error":{"type":"rate_limit_error","message":"Number of requests has exceeded your per-minute rate limit"}}"#.to_owned(),
            Self::OpenAi => format!(
                r#"{{"error":{{"message":"Rate limit reached{of_model} on requests per min (RPM).","type":"requests","param":null,"code":"rate_limit_exceeded"}}}}"#
            ),
            Self::OpenRouter => format!(r#"{{"error":{{"message":"Rate limit reached{of_model}","code":429}}}}"#),
        };
        let headers = match (hints, self) {
            (Hints::None, _) => vec![],
            (Hints::RetryAfter, _) => vec![("Retry-After", seconds.to_string())],
            (Hints::Own, Self::Anthropic) => vec![
                ("anthropic-ratelimit-requests-remaining", "0".to_owned()),
                ("anthropic-ratelimit-requests-reset", date(end)),
            ],
            (Hints::Own, Self::OpenAi) => vec![
                ("x-ratelimit-remaining-requests", "0".to_owned()),
                ("x-ratelimit-reset-requests", format!("{millis}ms")),
            ],
            (Hints::Own, Self::OpenRouter) => {
                vec![("X-RateLimit-Remaining", "0".to_owned()), ("X-RateLimit-Reset", end.to_string())]
            }
        };
        answer(429, &headers, &body)
    }

    /// Answers that a daily quota is used up until `end`.
    pub fn quota(self, hints: Hints, now: i64, end: i64) -> Response {
        let mut headers = match hints {
            Hints::None => vec![],
            Hints::RetryAfter | Hints::Own => vec![("Retry-After", ((end - now + 999) / 1000).to_string())],
        };
        let (status, body) = match self {
            Self::Anthropic if hints == Hints::Own => {
                let end = ((end + 999) / 1000).to_string();
                headers = vec![
                    ("anthropic-ratelimit-unified-status", "rejected".to_owned()),
                    ("anthropic-ratelimit-unified-reset", end.clone()),
                    ("anthropic-ratelimit-unified-5h-status", "rejected".to_owned()),
                    ("anthropic-ratelimit-unified-5h-reset", end),
                ];
                (
                    429,
                    r#"{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your account's rate limit."}}"#,
                )
            }
            Self::Anthropic => (
                400,
                r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits."}}"#,
            ),
            Self::OpenAi => (
                429,
                r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#,
            ),
            Self::OpenRouter => (
                402,
                r#"{"error":{"message":"Insufficient credits. Add more using https://openrouter.ai/settings/credits","code":402,"metadata":{"limit_source":"openrouter_credits"}}}"#,
            ),
        };
        answer(status, &headers, body)
    }

    pub fn revoked(self) -> Response {
        match self {
            Self::Anthropic => answer(
                403,
                &[],
                r#"{"type":"error","error":{"type":"permission_error","message":"OAuth token has been revoked. Please obtain a new token."}}"#,
            ),
            Self::OpenAi => answer(
                401,
                &[],
                r#"{"error":{"message":"The OpenAI account associated with this API key has been deactivated.","type":"invalid_request_error","code":"account_deactivated"}}"#,
            ),
            Self::OpenRouter => {
                answer(401, &[], r#"{"error":{"message":"This API key has been disabled","code":401}}"#)
            }
        }
    }

    /// Answers that a login's access token has expired.
    pub fn expired(self) -> Response {
        answer(
            401,
            &[],
            r#"{"type":"error","error":{"type":"authentication_error","message":"OAuth token has expired. Please obtain a new token or refresh your existing token."}}"#,
        )
    }

    /// Answers that the credential may not use the model.
    pub fn forbidden(self, model: &str) -> Response {
        match self {
            Self::Anthropic => answer(
                403,
                &[],
                r#"{"type":"error","error":{"type":"permission_error","message":"Your API key does not have permission to use the specified resource."}}"#,
            ),
            Self::OpenAi => answer(
                403,
                &[],
                &format!(
                    r#"{{"error":{{"message":"Project `proj_abc` does not have access to model `{model}`","type":"invalid_request_error","param":null,"code":"model_not_found"}}}}"#
                ),
            ),
            Self::OpenRouter => answer(
                404,
                &[],
                r#"{"error":{"message":"No endpoints found matching your data policy. Enable prompt training here: https://openrouter.ai/settings/privacy","code":404}}"#,
            ),
        }
    }

    pub fn outage(self, outage: Outage) -> Response {
        match (outage, self) {
            (Outage::Silent, _) => Response::default(),
            (Outage::Overloaded, Self::Anthropic) => {
                answer(529, &[], r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#)
            }
            (Outage::Overloaded, Self::OpenAi) => answer(
                503,
                &[("Retry-After", "5".to_owned())],
                r#"{"error":{"message":"The engine is currently overloaded, please try again later","type":"service_unavailable_error","param":null,"code":"server_is_overloaded"}}"#,
            ),
            (Outage::Overloaded, Self::OpenRouter) => answer(
                502,
                &[],
                r#"{"error":{"message":"Provider returned error","code":502,"metadata":{"raw":"upstream connect error or disconnect/reset before headers","provider_name":"DeepInfra"}}}"#,
            ),
            (Outage::Unavailable, _) => {
                answer(503, &[], "<html><body>503 Service Temporarily Unavailable</body></html>")
            }
        }
    }
}

fn answer(status: u16, headers: &[(&str, String)], body: &str) -> Response {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Response { status: Some(status), headers, body: body.to_owned() }
}

/// Formats the first whole second at or after a moment (RFC 3339).
fn date(millis: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp((millis + 999).div_euclid(1000)).unwrap();
    let (date, (hour, minute, second)) = (at.date(), at.to_hms());
    format!("{date}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use credential_pool::{FailureKind, PoolKey, Timestamp, diagnose};

    use super::*;

    const NOW: i64 = 1_785_398_299_250;

    /// Checks that the core reads the hint as the end of the limit, to the second, and returns its judgement.
    fn judged(style: Style, response: &Response, end: Option<i64>) -> (FailureKind, bool) {
        let diagnosis = diagnose(response, &PoolKey::parse(style.pool()).unwrap(), None, Timestamp::from_millis(NOW));
        let until = diagnosis.hint.map(|hint| hint.until.as_millis());
        assert_eq!(until.is_some(), end.is_some(), "{style:?} {}", response.body);
        if let (Some(until), Some(end)) = (until, end) {
            assert!((end..end + 1000).contains(&until), "{style:?} {until} {end}");
        }
        (diagnosis.kind, diagnosis.names_model)
    }

    #[test]
    fn the_core_judges_each_answer_as_the_simulation_means_it() {
        for style in [Style::Anthropic, Style::OpenAi, Style::OpenRouter] {
            for hints in [Hints::None, Hints::RetryAfter, Hints::Own] {
                let end = (hints != Hints::None).then_some(NOW + 20_400);
                for model in [None, Some("m1")] {
                    let limited = style.rate_limited(model, hints, NOW, NOW + 20_400);
                    assert_eq!(judged(style, &limited, end), (FailureKind::RateLimited, model.is_some()));
                }
                assert_eq!(judged(style, &style.quota(hints, NOW, NOW + 20_400), end), (FailureKind::Quota, false));
            }
            assert_eq!(judged(style, &style.revoked(), None).0, FailureKind::Revoked);
            assert_eq!(judged(style, &style.expired(), None).0, FailureKind::Unauthorized);
            assert_eq!(judged(style, &style.forbidden("m2"), None).0, FailureKind::Forbidden);
            for outage in [Outage::Unavailable, Outage::Silent] {
                assert_eq!(judged(style, &style.outage(outage), None).0, FailureKind::Transient);
            }
            let overloaded = style.outage(Outage::Overloaded);
            let end = (style == Style::OpenAi).then_some(NOW + 5_000);
            assert_eq!(judged(style, &overloaded, end).0, FailureKind::Transient);
        }
    }
}
