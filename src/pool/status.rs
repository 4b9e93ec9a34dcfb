//! What an edit sets: a status, and where tokens came from.

use crate::{credential::Status, failure::FailureKind, time::Timestamp};

/// What a row says of how a credential is doing; by default nothing, as after a reset.
#[derive(Default)]
pub(super) struct NewStatus {
    pub(super) status: Option<Status>,
    pub(super) at: Option<Timestamp>,
    pub(super) error_code: Option<i64>,
    pub(super) reason: Option<FailureKind>,
    pub(super) reset_at: Option<Timestamp>,
}

/// Where tokens of a row came from: what was discovered belongs to someone else.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum TokensBy {
    Refresh,
    Person,
    Discovery,
}

impl NewStatus {
    /// It has rested enough, or proved that it serves.
    pub(super) fn ok() -> Self {
        Self { status: Some(Status::Ok), ..Self::default() }
    }
}
