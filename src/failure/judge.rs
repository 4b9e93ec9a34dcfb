//! The judgement of a whole answer.

use std::time::Duration;

use super::{
    diagnosis::{Diagnosis, Hint, HintSource},
    evidence::Evidence,
    hint,
    kind::FailureKind,
    response::Response,
    rules,
};
use crate::{pool_key::PoolKey, providers, time::Timestamp};

/// Judges a provider's answer, at the moment at which it came.
///
/// The provider is the pool's; for a pool of a custom endpoint, or with a key that no provider has, it is found by the
/// host of `base_url`. Without either the general rules judge alone.
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
/// let diagnosis = diagnose(&response, &PoolKey::parse("anthropic")?, None, now);
/// assert_eq!(diagnosis.kind, FailureKind::RateLimited);
/// assert_eq!(diagnosis.fault, Fault::Credential);
/// assert_eq!(diagnosis.hint.unwrap().until, Timestamp::from_millis(1_785_398_311_000));
///
/// let spent = Response { status: Some(429), body: r#"{"error":{"code":"1113"}}"#.to_owned(), ..Response::default() };
/// let glm = PoolKey::custom("glm");
/// let base_url = Some("https://open.bigmodel.cn/api/paas/v4");
/// assert_eq!(diagnose(&spent, &glm, base_url, now).kind, FailureKind::Quota);
/// assert_eq!(diagnose(&spent, &glm, None, now).kind, FailureKind::RateLimited);
/// # Ok::<(), credential_pool::Error>(())
/// ```
pub fn diagnose(response: &Response, pool: &PoolKey, base_url: Option<&str>, now: Timestamp) -> Diagnosis {
    judge(&Evidence::of(response, providers::of(pool, base_url)), now)
}

/// Judges an answer as [`diagnose`] does; `None` if the answer is a success.
pub(crate) fn failure(
    response: &Response,
    pool: &PoolKey,
    base_url: Option<&str>,
    now: Timestamp,
) -> Option<Diagnosis> {
    let is_success = response.status.is_some_and(|status| (200..300).contains(&status));
    if is_success && response.body.is_empty() {
        return None;
    }
    let evidence = Evidence::of(response, providers::of(pool, base_url));
    (!is_success || evidence.tells_of_an_error()).then(|| judge(&evidence, now))
}

fn judge(evidence: &Evidence<'_>, now: Timestamp) -> Diagnosis {
    let mut kind = rules::kind(evidence);
    let hint = hint::hint(evidence, kind, now);
    if kind == FailureKind::RateLimited && hint.is_some_and(|hint| is_window(hint, now)) {
        kind = FailureKind::Quota;
    }
    Diagnosis { kind, fault: kind.fault(), names_model: rules::names_model(evidence, kind), hint }
}

/// Returns whether the end of a limit is that of a used-up window: no rate is limited for hours. Headers are left out: they
/// tell when windows are full again that are not spent.
fn is_window(hint: Hint, now: Timestamp) -> bool {
    const LONGEST_RATE: Duration = Duration::from_secs(60 * 60);
    let is_told = matches!(hint.source, HintSource::QuotaResetDelay | HintSource::BodyField | HintSource::Text);
    is_told && hint.until.since(now) > LONGEST_RATE
}
