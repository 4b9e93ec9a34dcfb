//! Slots: positions of members in the roster.

use super::deadlines::QueueKey;

/// Position of a member in the document's order. A slot is not reused after its member is removed.
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
