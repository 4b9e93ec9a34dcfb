//! The pool's time, and deadlines of a clock that stood in the future.
//!
//! Each deadline has an origin: the moment at which the pool made it. When a clock goes back by more than jitter, all
//! deadlines whose origin lies in the future move back by the jump, so that they keep their distance to the present.

use std::time::Duration;

use crate::{credential::Status, failure::FailureKind, time::Timestamp};

use super::{
    Pool,
    member::{Health, ModelCooldown, Refresh, TokenBlock},
    outage::Outages,
    slot::Slot,
    status::NewStatus,
};

impl Pool {
    /// Takes the time of an input, and ends expired leases.
    pub(super) fn observe(&mut self, now: Timestamp) {
        let before = self.now;
        self.now = self.time_at(now);
        if self.now < before {
            self.move_deadlines_back(before.since(self.now));
        }
        self.outbox.observe(self.now, 0);
        self.expire_leases();
    }

    /// Returns the pool's time when the host's clock says `now`: a backward step within a few minutes is jitter, and the
    /// latest time holds; a longer step is believed.
    pub(super) fn time_at(&self, now: Timestamp) -> Timestamp {
        const JITTER: Duration = Duration::from_secs(5 * 60);
        /// A moment of zero means unknown, and no clock shows an earlier one.
        const FIRST: Timestamp = Timestamp::from_millis(1);
        if self.now.since(now) > JITTER { now.max(FIRST) } else { self.now.max(now) }
    }

    fn move_deadlines_back(&mut self, jump: Duration) {
        let slots: Vec<_> = self.roster.iter().map(|(slot, _)| slot).collect();
        for slot in slots {
            self.move_cooldown_back(slot, jump);
            self.move_model_cooldowns_back(slot, jump);
            self.move_refresh_back(slot, jump);
            self.roster.change(slot, |member| member.health.ramp = None);
        }
        // An outage that goes on is noticed again at once.
        self.outages = Outages::default();
        self.leases.move_back(self.now, jump, Duration::from_millis(self.policy.lease_ms));
        self.outbox.move_back(jump);
        // Writes are planned for a short time.
        self.flush_at = self.flush_at.map(|at| at.saturating_sub(jump).max(self.now));
    }

    /// Moves the cooldown that this pool started back, in the row and in memory, with its probes.
    fn move_cooldown_back(&mut self, slot: Slot, jump: Duration) {
        let Some(member) = self.roster.get(slot) else { return };
        let mut health = member.health.clone();
        match health.cause.as_mut().and_then(|cause| cause.at.as_mut()) {
            Some(at) if *at > self.now => *at = at.saturating_sub(jump),
            Some(_) => return,
            // Only the probe is planned by this pool.
            None => return self.plan_probe(slot),
        }
        let back = |at: &mut Option<Timestamp>| *at = at.map(|at| at.saturating_sub(jump));
        back(&mut health.unstored_until);
        back(&mut health.probe_at);
        let credential = &member.credential;
        if self.cooldown_start(slot).is_some_and(|start| start > self.now) {
            // A moment of zero means unknown.
            let back = |at: Timestamp| at.saturating_sub(jump).max(Timestamp::from_millis(1));
            let new = NewStatus {
                status: Some(Status::Exhausted),
                at: self.cooldown_start(slot).map(back),
                error_code: credential.last_error_code,
                reason: credential.error_reason().and_then(FailureKind::named),
                reset_at: credential.reset_at().map(back),
            };
            self.set_status(slot, new);
        }
        self.roster.change(slot, |member| member.health = Health { stale_up_to: member.health.stale_up_to, ..health });
    }

    fn move_model_cooldowns_back(&mut self, slot: Slot, jump: Duration) {
        let Some(member) = self.roster.get(slot) else { return };
        let is_wrong = |cooldown: &&ModelCooldown| cooldown.cause.at.is_some_and(|at| at > self.now);
        let wrong: Vec<_> = member.model_cooldowns.iter().filter(is_wrong).cloned().collect();
        for mut cooldown in wrong {
            cooldown.until = cooldown.until.saturating_sub(jump).max(Timestamp::from_millis(1));
            cooldown.cause.at = cooldown.cause.at.map(|at| at.saturating_sub(jump));
            if cooldown.is_stored {
                self.record_model_cooldown(slot, cooldown.model.clone(), Some(cooldown.until));
            }
            self.roster.change(slot, |member| {
                member.model_cooldowns.retain(|other| other.model != cooldown.model);
                member.model_cooldowns.push(cooldown);
            });
        }
    }

    fn move_refresh_back(&mut self, slot: Slot, jump: Duration) {
        let now = self.now;
        self.roster.change(slot, |member| match &mut member.refresh {
            Refresh::Unanswered { since, retry_at, .. } if *since > now => {
                (*since, *retry_at) = (since.saturating_sub(jump), retry_at.saturating_sub(jump));
                if let Some(TokenBlock::UntilRefresh(until)) = &mut member.token_block {
                    *until = *retry_at;
                }
            }
            _ => {}
        });
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
