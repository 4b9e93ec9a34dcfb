//! What a provider's answer means: whose fault a failure is, and when the provider says it is over.
//!
//! `evidence` reads an answer, `table` judges it by the `words` that providers use, `hint` finds the
//! moment and `when` reads moments.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{provider::PoolKey, time::Timestamp};

mod evidence;
mod hint;
mod table;
mod when;
mod words;

use evidence::Evidence;

/// What a provider answered to a request. Its `Debug` shows the status alone: error bodies of some
/// providers repeat the key.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Response {
    /// The HTTP status; none if no answer came. A success is judged by the error in its body, as
    /// of a stream that broke off.
    pub status: Option<u16>,
    /// The headers, names in any case.
    pub headers: Vec<(String, String)>,
    /// The body as text, or as much of it as came.
    pub body: String,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("status", &self.status).finish_non_exhaustive()
    }
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureKind {
    /// The provider or the way to it: no answer, overload, an outage, a page of a proxy.
    Transient,
    /// Too many requests or tokens in a short time.
    RateLimited,
    /// What was paid for or granted is used up: money, a plan's hours or week, a daily allowance.
    Quota,
    /// The credential was not accepted; a refresh may help.
    Unauthorized,
    /// The credential was withdrawn; only a new one or a new login helps.
    Revoked,
    /// The credential is good, but not for this model or from this place.
    Forbidden,
    /// The provider does not serve this model, to nobody.
    ModelGone,
    /// The request itself: its form, its length, its content.
    RequestFault,
    /// The answer tells nothing.
    Unknown,
}

impl FailureKind {
    pub(crate) const ALL: [Self; 9] = [
        Self::Transient,
        Self::RateLimited,
        Self::Quota,
        Self::Unauthorized,
        Self::Revoked,
        Self::Forbidden,
        Self::ModelGone,
        Self::RequestFault,
        Self::Unknown,
    ];

    /// The kind of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The kind's name, as it is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::RateLimited => "rate_limited",
            Self::Quota => "quota",
            Self::Unauthorized => "unauthorized",
            Self::Revoked => "revoked",
            Self::Forbidden => "forbidden",
            Self::ModelGone => "model_gone",
            Self::RequestFault => "request_fault",
            Self::Unknown => "unknown",
        }
    }

    /// Whose fault it is.
    pub const fn fault(self) -> Fault {
        match self {
            Self::RateLimited | Self::Quota | Self::Unauthorized | Self::Revoked => Fault::Credential,
            Self::Forbidden | Self::ModelGone => Fault::Model,
            Self::Transient | Self::Unknown => Fault::Provider,
            Self::RequestFault => Fault::Request,
        }
    }
}

/// Whose fault a failure is. Only the credential's is a reason to bench a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The credential's: another one may serve the same request.
    Credential,
    /// The model's, or this credential's with this model: it may serve another one.
    Model,
    /// The provider's: every credential would have failed.
    Provider,
    /// The request's: it fails with every credential.
    Request,
}

/// What a failure means, judged from the answer alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnosis {
    /// What went wrong.
    pub kind: FailureKind,
    /// Whose fault it is.
    pub fault: Fault,
    /// Whether it holds for the request's model alone and not for all that the credential can do.
    pub names_model: bool,
    /// When the provider says it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<Hint>,
}

/// When the provider says that a failure is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Hint {
    /// The moment, as the provider gave it: however far, but never before the answer came.
    pub until: Timestamp,
    /// Where the answer says so.
    pub source: HintSource,
}

/// Where an answer says when its failure is over, the most trusted first. Headers of a window that
/// is not spent come last: they tell when it is full again, not when it is open.
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
    /// Words of the message, such as `try again in 1m30s`.
    Text,
}

impl HintSource {
    /// Where it is, for people.
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

/// Judges what a provider answered, at the moment at which it did.
///
/// ```
/// use credential_pool::{FailureKind, Fault, PoolKey, Response, Timestamp, diagnose};
///
/// let response = Response {
///     status: Some(429),
///     headers: vec![("Retry-After".to_owned(), "12".to_owned())],
///     body: r#"{"type":"error","error":{"type":"rate_limit_error","message":"Slow down"}}"#.to_owned(),
/// };
/// let now = Timestamp::from_millis(1_785_398_299_000);
/// let diagnosis = diagnose(&response, &PoolKey::parse("anthropic")?, now);
/// assert_eq!(diagnosis.kind, FailureKind::RateLimited);
/// assert_eq!(diagnosis.fault, Fault::Credential);
/// assert_eq!(diagnosis.hint.unwrap().until, Timestamp::from_millis(1_785_398_311_000));
/// # Ok::<(), credential_pool::Error>(())
/// ```
pub fn diagnose(response: &Response, pool: &PoolKey, now: Timestamp) -> Diagnosis {
    judge(&Evidence::of(response, pool), now)
}

/// What went wrong; none if nothing did.
pub(crate) fn failure(response: &Response, pool: &PoolKey, now: Timestamp) -> Option<Diagnosis> {
    let is_success = response.status.is_some_and(|status| (200..300).contains(&status));
    if is_success && response.body.is_empty() {
        return None;
    }
    let evidence = Evidence::of(response, pool);
    (!is_success || evidence.tells_of_an_error()).then(|| judge(&evidence, now))
}

/// The moment of a date as programs write it (ISO 8601, HTTP); one without a zone is of UTC.
pub(crate) fn date(text: &str) -> Option<Timestamp> {
    when::date(&text.trim().to_ascii_lowercase(), 0)
}

fn judge(evidence: &Evidence<'_>, now: Timestamp) -> Diagnosis {
    let kind = table::kind(evidence);
    Diagnosis {
        kind,
        fault: kind.fault(),
        names_model: table::names_model(evidence, kind),
        hint: hint::hint(evidence, kind, now),
    }
}
