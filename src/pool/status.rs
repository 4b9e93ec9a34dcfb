//! Arguments of edits: a new status, and the origin of new tokens.

use crate::{credential::Status, failure::FailureKind, time::Timestamp};

/// Status fields of a row. The default is the status after a reset: every field is empty.
#[derive(Default)]
pub(super) struct NewStatus {
    pub(super) status: Option<Status>,
    pub(super) at: Option<Timestamp>,
    pub(super) error_code: Option<i64>,
    pub(super) reason: Option<FailureKind>,
    pub(super) reset_at: Option<Timestamp>,
}

/// Origin of a row's new tokens. Discovered tokens are borrowed: another program or the host's configuration owns them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum TokensBy {
    Refresh,
    Person,
    Discovery,
}

impl NewStatus {
    /// Returns the status after a cooldown has ended or a request was served.
    pub(super) fn ok() -> Self {
        Self { status: Some(Status::Ok), ..Self::default() }
    }
}
