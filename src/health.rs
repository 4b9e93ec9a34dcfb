//! What a failure means, and until when a credential rests.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    credential::{Credential, Status},
    time::{Timestamp, UnixSeconds},
};

/// What a host saw go wrong with a credential.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Failure {
    /// The HTTP status of the provider's answer, if there was one.
    pub status: Option<i64>,
}

impl Failure {
    /// The provider answered with this HTTP status.
    pub const fn status(status: i64) -> Self {
        Self { status: Some(status) }
    }
}

/// How long a credential rests after a failure with this HTTP status.
pub(crate) fn cooldown(status: Option<i64>) -> Duration {
    const RATE_LIMITED: Duration = Duration::from_secs(60 * 60);
    const ANYTHING_ELSE: Duration = Duration::from_secs(24 * 60 * 60);
    match status {
        Some(429) => RATE_LIMITED,
        _ => ANYTHING_ELSE,
    }
}

/// Until when a credential is kept out of selection by its stored status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// It is not.
    None,
    /// Until this moment.
    Until(Timestamp),
    /// Until a new login or a reset.
    ForGood,
}

/// Until when `credential` rests: until the moment that its row names, else for its cooldown. One
/// of unknown beginning is over.
pub(crate) fn rest(credential: &Credential) -> Rest {
    let (status, at) = (credential.last_status.as_ref(), credential.last_status_at);
    rest_of(status, at, credential.last_error_code, credential.reset_at())
}

/// The same, by what a row tells.
pub(crate) fn rest_of(
    status: Option<&Status>,
    at: Option<UnixSeconds>,
    error_code: Option<i64>,
    reset_at: Option<Timestamp>,
) -> Rest {
    match (status, reset_at, at) {
        (Some(Status::Dead), ..) => Rest::ForGood,
        (Some(Status::Exhausted), Some(reset_at), _) => Rest::Until(reset_at),
        (Some(Status::Exhausted), None, Some(at)) if at != UNKNOWN => {
            Rest::Until(at.to_timestamp().saturating_add(cooldown(error_code)))
        }
        _ => Rest::None,
    }
}

/// What the reference writes where it does not know the time.
const UNKNOWN: UnixSeconds = UnixSeconds::EPOCH;

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::provider::PoolKey;

    #[test]
    fn a_rest_ends_when_the_row_says_so_or_else_after_its_cooldown() {
        const HOUR_MS: i64 = 3_600_000;
        let until = |millis| Rest::Until(Timestamp::from_millis(millis));
        let row = |status: &str, at: Value, code: i64, reset_at: Value| json!({ "last_status": status, "last_status_at": at, "last_error_code": code, "last_error_reset_at": reset_at });
        let cases = [
            (row("exhausted", json!(10), 429, json!(null)), until(10_000 + HOUR_MS)),
            (row("exhausted", json!(10), 402, json!(null)), until(10_000 + 24 * HOUR_MS)),
            (row("exhausted", json!(10), 402, json!(25.5)), until(25_500)),
            (row("exhausted", json!(10), 429, json!(1_775_757_580_463_i64)), until(1_775_757_580_463)),
            // Of unknown beginning.
            (row("exhausted", json!(0), 429, json!(null)), Rest::None),
            (row("exhausted", json!(null), 429, json!(null)), Rest::None),
            (row("exhausted", json!(0), 429, json!(25)), until(25_000)),
            (row("exhausted", json!(null), 429, json!(25)), until(25_000)),
            // A moment that is none.
            (row("exhausted", json!(10), 429, json!("2026-04-09T18:00:00Z")), until(10_000 + HOUR_MS)),
            (row("exhausted", json!(10), 429, json!(0)), until(10_000 + HOUR_MS)),
            // Only what is exhausted rests.
            (row("ok", json!(10), 429, json!(25)), Rest::None),
            (row("weird", json!(10), 429, json!(25)), Rest::None),
            (row("dead", json!(10), 429, json!(25)), Rest::ForGood),
        ];
        for (row, expected) in cases {
            let (_, credential) = Credential::parse(&row, &PoolKey::parse("openrouter").unwrap()).unwrap();
            assert_eq!(rest(&credential), expected, "{row}");
        }
    }
}
