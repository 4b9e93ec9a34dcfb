//! Stored cooldowns: the end of a cooldown by the status fields of a row.

use std::{fmt, time::Duration};

use serde::Deserialize;

use crate::{
    credential::{Credential, Status},
    failure::{FailureKind, Response, headers},
    time::{Timestamp, UnixSeconds},
};

/// A failure of a credential, for [`Pool::rotate`](crate::Pool::rotate): a bare status, a kind that the host judged, or
/// the provider's answer. `Debug` shows no headers and no body: error bodies of some providers repeat the key.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Failure {
    /// HTTP status of the provider's answer; `None` without an answer.
    pub status: Option<i64>,
    /// Kind of the failure, where the host judged it; goes before the answer's own.
    pub kind: Option<FailureKind>,
    /// Headers of the answer, as in [`Response`].
    #[serde(deserialize_with = "headers::read")]
    pub headers: Vec<(String, String)>,
    /// Body of the answer, or the part of it that came.
    pub body: String,
}

impl Failure {
    /// Makes a failure with this HTTP status alone.
    pub fn status(status: i64) -> Self {
        Self { status: Some(status), ..Self::default() }
    }

    /// Makes a failure of this kind.
    pub fn of_kind(kind: FailureKind) -> Self {
        Self { kind: Some(kind), ..Self::default() }
    }

    /// Returns whether nothing but a status is known.
    pub(crate) fn is_bare(&self) -> bool {
        self.kind.is_none() && self.headers.is_empty() && self.body.is_empty()
    }

    /// Returns the answer.
    pub(crate) fn response(&self) -> Response {
        let status = self.status.and_then(|status| u16::try_from(status).ok());
        Response { status, headers: self.headers.clone(), body: self.body.clone() }
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure").field("status", &self.status).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// Returns the reference system's cooldown after a failure with this HTTP status.
pub(crate) fn reference_cooldown(status: Option<i64>) -> Duration {
    const RATE_LIMITED: Duration = Duration::from_secs(60 * 60);
    const OTHER: Duration = Duration::from_secs(24 * 60 * 60);
    match status {
        Some(429) => RATE_LIMITED,
        _ => OTHER,
    }
}

/// Cooldown of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cooldown {
    /// No cooldown.
    None,
    /// A cooldown with this end, which may have passed.
    Until(Timestamp),
    /// Until a new login, a new key or a reset.
    Dead,
}

/// Returns the cooldown that the row stores: until its `last_error_reset_at`, else for the reference's duration from its
/// `last_status_at`. A cooldown without either is over.
pub(crate) fn stored_cooldown(credential: &Credential) -> Cooldown {
    let (status, at) = (credential.last_status.as_ref(), credential.last_status_at);
    row_cooldown(status, at, credential.last_error_code, credential.reset_at())
}

/// Returns the cooldown for the given status fields of a row.
pub(crate) fn row_cooldown(
    status: Option<&Status>,
    at: Option<UnixSeconds>,
    error_code: Option<i64>,
    reset_at: Option<Timestamp>,
) -> Cooldown {
    match (status, reset_at, at) {
        (Some(Status::Dead), ..) => Cooldown::Dead,
        (Some(Status::Exhausted), Some(reset_at), _) => Cooldown::Until(reset_at),
        (Some(Status::Exhausted), None, Some(at)) if at != UNKNOWN => {
            Cooldown::Until(at.to_timestamp().saturating_add(reference_cooldown(error_code)))
        }
        _ => Cooldown::None,
    }
}

/// Value that the reference writes for an unknown time.
const UNKNOWN: UnixSeconds = UnixSeconds::EPOCH;

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::pool_key::PoolKey;

    #[test]
    fn a_cooldown_ends_when_the_row_says_so_or_else_after_the_reference_s() {
        const HOUR_MS: i64 = 3_600_000;
        let until = |millis| Cooldown::Until(Timestamp::from_millis(millis));
        let row = |status: &str, at: Value, code: i64, reset_at: Value| json!({ "last_status": status, "last_status_at": at, "last_error_code": code, "last_error_reset_at": reset_at });
        let cases = [
            (row("exhausted", json!(10), 429, json!(null)), until(10_000 + HOUR_MS)),
            (row("exhausted", json!(10), 402, json!(null)), until(10_000 + 24 * HOUR_MS)),
            (row("exhausted", json!(10), 402, json!(25.5)), until(25_500)),
            (row("exhausted", json!(10), 429, json!(1_775_757_580_463_i64)), until(1_775_757_580_463)),
            // Of unknown beginning.
            (row("exhausted", json!(0), 429, json!(null)), Cooldown::None),
            (row("exhausted", json!(null), 429, json!(null)), Cooldown::None),
            (row("exhausted", json!(0), 429, json!(25)), until(25_000)),
            (row("exhausted", json!(null), 429, json!(25)), until(25_000)),
            // A moment that is none.
            (row("exhausted", json!(10), 429, json!("2026-04-09T18:00:00Z")), until(10_000 + HOUR_MS)),
            (row("exhausted", json!(10), 429, json!(0)), until(10_000 + HOUR_MS)),
            // Only exhausted rows cool down.
            (row("ok", json!(10), 429, json!(25)), Cooldown::None),
            (row("weird", json!(10), 429, json!(25)), Cooldown::None),
            (row("dead", json!(10), 429, json!(25)), Cooldown::Dead),
        ];
        for (row, expected) in cases {
            let (_, credential) = Credential::parse(&row, &PoolKey::parse("openrouter").unwrap()).unwrap();
            assert_eq!(stored_cooldown(&credential), expected, "{row}");
        }
    }
}
