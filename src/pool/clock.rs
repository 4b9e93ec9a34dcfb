//! The pool's time: jitter of the host's clock, and the return of a clock that stood in the future.

use std::time::Duration;

use crate::{
    credential::Status,
    failure::FailureKind,
    time::{Timestamp, UnixSeconds},
};

use super::{Pool, member::Refresh, slot::Slot, status::NewStatus};

impl Pool {
    /// Takes in the time, and ends expired leases. After a backward step of a few minutes the latest time holds. A longer
    /// step is believed: the clock stood in the future, and the deadlines that were made there move back with it.
    pub(super) fn observe(&mut self, now: Timestamp) {
        let time = self.time_at(now);
        match self.now.since(time) {
            Duration::ZERO => self.now = time,
            ahead => self.return_from_future(time, ahead),
        }
        self.outbox.observe(self.now, 0);
        self.expire_leases();
    }

    /// Returns the pool's time when the host's clock says `now`.
    pub(super) fn time_at(&self, now: Timestamp) -> Timestamp {
        if self.now.since(now) > JITTER { now } else { self.now.max(now) }
    }

    /// Moves the start of a stored cooldown from the future to now, and its end by the same time.
    pub(super) fn bound_cooldown_start(&mut self, slot: Slot) {
        let Some(start) = self.cooldown_start(slot).filter(|start| *start > self.now) else { return };
        self.move_stored_cooldown_back(slot, start.since(self.now));
    }

    /// Does the same after a clock of another host, if the start lies further ahead than clocks differ.
    pub(super) fn bound_foreign_cooldown_start(&mut self, slot: Slot) {
        if self.cooldown_start(slot).is_some_and(|start| start.since(self.now) > JITTER) {
            self.bound_cooldown_start(slot);
        }
    }

    fn return_from_future(&mut self, now: Timestamp, ahead: Duration) {
        self.now = now;
        self.flush_at = self.flush_at.map(|at| at.saturating_sub(ahead));
        self.leases.move_back(ahead);
        let slots: Vec<_> = self.roster.iter().map(|(slot, _)| slot).collect();
        for slot in slots {
            self.move_member_back(slot, ahead);
        }
    }

    /// Moves the deadlines of a member back that were made in the future: those of failures from there, and those whose
    /// time of making is not known.
    fn move_member_back(&mut self, slot: Slot, ahead: Duration) {
        let now = self.now;
        let back = |at: &mut Timestamp| *at = at.saturating_sub(ahead);
        if self.cooldown_start(slot).is_some_and(|start| start > now) {
            self.move_stored_cooldown_back(slot, ahead);
        }
        let moved = self.roster.change(slot, |member| {
            member.health.unstored_until.as_mut().map(back);
            member.health.probe_at.as_mut().map(back);
            if let Some(at) = member.health.cause.as_mut().and_then(|cause| cause.at.as_mut()).filter(|at| **at > now) {
                back(at);
            }
            if let Refresh::Unanswered { retry_at, .. } = &mut member.refresh {
                back(retry_at);
            }
            let made_there = member.model_cooldowns.iter_mut().filter(|it| it.cause.at.is_none_or(|at| at > now));
            made_there
                .map(|cooldown| {
                    back(&mut cooldown.until);
                    cooldown.cause.at.as_mut().map(back);
                    (cooldown.is_stored.then(|| cooldown.model.clone()), cooldown.until)
                })
                .collect::<Vec<_>>()
        });
        for (model, until) in moved.unwrap_or_default() {
            if let Some(model) = model {
                self.record_model_cooldown(slot, model, Some(until));
            }
        }
    }

    /// Moves a stored cooldown back, and keeps what this pool knows beyond the row.
    fn move_stored_cooldown_back(&mut self, slot: Slot, ahead: Duration) {
        let Some(member) = self.roster.get(slot) else { return };
        let (credential, health) = (&member.credential, member.health.clone());
        let back = |at: Timestamp| at.saturating_sub(ahead);
        let new = NewStatus {
            status: Some(Status::Exhausted),
            at: credential.last_status_at.map(UnixSeconds::to_timestamp).map(back),
            error_code: credential.last_error_code,
            reason: credential.error_reason().and_then(FailureKind::named),
            reset_at: credential.reset_at().map(back),
        };
        self.set_status(slot, new);
        self.roster.change(slot, |member| member.health = health);
    }

    /// Returns the start of the cooldown that a member's row stores; `None` without a cooldown or a known start.
    fn cooldown_start(&self, slot: Slot) -> Option<Timestamp> {
        let credential = &self.roster.get(slot)?.credential;
        let at = credential.last_status_at.filter(|_| credential.last_status == Some(Status::Exhausted))?;
        Some(at.to_timestamp())
    }
}

/// Backward step of a clock that is no correction of it: clocks of several hosts, and a clock that is adjusted.
const JITTER: Duration = Duration::from_secs(5 * 60);
