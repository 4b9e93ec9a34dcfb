//! Where a member stands.

use super::deadlines::QueueKey;

/// A member's place in the document's order. Never used again once the member is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Slot(pub(super) usize);

impl QueueKey for Slot {
    fn number(self) -> u64 {
        self.0 as u64
    }

    fn of_number(number: u64) -> Self {
        Self(usize::try_from(number).unwrap_or(usize::MAX))
    }
}
