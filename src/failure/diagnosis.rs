//! Judgements of answers: the kind of a failure, and the provider's hint when it is over.

use serde::{Deserialize, Serialize};

use super::kind::{FailureKind, Fault};
use crate::time::Timestamp;

/// Judgement of a failure, from the answer alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnosis {
    /// Kind of the failure.
    pub kind: FailureKind,
    /// Owner of the failure.
    pub fault: Fault,
    /// Whether the failure holds for the request's model alone and not for all models of the credential.
    pub names_model: bool,
    /// Moment at which the provider says that the failure is over; `None` if the answer names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<Hint>,
}

/// Moment at which a provider says that a failure is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Hint {
    /// Moment as the provider gave it: however far, but never before the answer came.
    pub until: Timestamp,
    /// Place of the hint in the answer.
    pub source: HintSource,
}

/// Place of a hint in an answer, the most trusted first. Headers of a window that is not spent come last: they tell
/// when the window is full again, not when it is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HintSource {
    /// Header `retry-after-ms`, milliseconds (Azure and OpenAI; their client libraries read it first).
    RetryAfterMs,
    /// Header `Retry-After`, seconds or a date (RFC 9110, section 10.2.3).
    RetryAfter,
    /// Headers `anthropic-ratelimit-…-reset`, a date, or seconds since the Unix epoch in the
    /// `unified` ones (Anthropic, "Rate limits").
    AnthropicReset,
    /// Headers `x-ratelimit-reset…` and `ratelimit-reset`, a duration or a moment (OpenAI and Groq,
    /// "Rate limits"; OpenRouter, "Limits").
    RateLimitReset,
    /// Body field `quotaResetDelay`, a duration, or `quotaResetTimeStamp` (Google Cloud Code Assist).
    QuotaResetDelay,
    /// Body field `retryDelay`, a duration (`google.rpc.RetryInfo`).
    RetryDelay,
    /// Another body field, such as `resets_at` or `retry_after`.
    BodyField,
    /// Text of the message, such as `try again in 1m30s`.
    Text,
}

impl HintSource {
    /// Returns the place for people.
    pub(crate) const fn place(self) -> &'static str {
        match self {
            Self::RetryAfterMs => "retry-after-ms",
            Self::RetryAfter => "Retry-After",
            Self::AnthropicReset => "anthropic-ratelimit-…-reset",
            Self::RateLimitReset => "x-ratelimit-reset",
            Self::QuotaResetDelay => "quotaResetDelay",
            Self::RetryDelay => "retryDelay",
            Self::BodyField => "body field",
            Self::Text => "message",
        }
    }
}
