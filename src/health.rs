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

/// Until when `credential` rests. A cooldown of unknown beginning is over.
pub(crate) fn rest(credential: &Credential) -> Rest {
    match (&credential.last_status, credential.last_status_at) {
        (Some(Status::Dead), _) => Rest::ForGood,
        (Some(Status::Exhausted), Some(at)) if at != UNKNOWN => {
            Rest::Until(at.to_timestamp().saturating_add(cooldown(credential.last_error_code)))
        }
        _ => Rest::None,
    }
}

/// What the reference writes where it does not know the time.
const UNKNOWN: UnixSeconds = UnixSeconds::EPOCH;
