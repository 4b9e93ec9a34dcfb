//! The pool's time, and cooldowns of a clock that stood in the future.

use crate::{credential::Status, failure::FailureKind, time::Timestamp};

use super::{Pool, slot::Slot, status::NewStatus};

impl Pool {
    /// Advances the pool's time, which never goes back, and ends expired leases.
    pub(super) fn observe(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        self.outbox.observe(self.now, 0);
        self.expire_leases();
    }

    /// Moves the start of a stored cooldown from the future to now, and its end by the same time: the clock stood ahead.
    pub(super) fn bound_cooldown_start(&mut self, slot: Slot) {
        let Some(start) = self.cooldown_start(slot).filter(|start| *start > self.now) else { return };
        let Some(member) = self.roster.get(slot) else { return };
        let (credential, ahead) = (&member.credential, start.since(self.now));
        // A moment of zero means unknown.
        let back = |end: Timestamp| end.saturating_sub(ahead).max(Timestamp::from_millis(1));
        let new = NewStatus {
            status: Some(Status::Exhausted),
            at: Some(self.now),
            error_code: credential.last_error_code,
            reason: credential.error_reason().and_then(FailureKind::named),
            reset_at: credential.reset_at().map(back),
        };
        self.set_status(slot, new);
    }

    /// Returns the start of the cooldown that a member's row stores; `None` without a cooldown or a known start.
    fn cooldown_start(&self, slot: Slot) -> Option<Timestamp> {
        let credential = &self.roster.get(slot)?.credential;
        let at = credential.last_status_at.filter(|_| credential.last_status == Some(Status::Exhausted))?;
        Some(at.to_timestamp())
    }
}
