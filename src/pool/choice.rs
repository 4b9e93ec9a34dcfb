//! Selection of the cursor's next credential: ended cooldowns are cleared, tokens that are due are refreshed first.

use crate::{
    cooldown::{Cooldown, stored_cooldown},
    credential::Status,
    event::{Cause, Happening},
    failure::FailureKind,
    step::{Intent, Selection},
    strategy::Strategy,
};

use super::{
    Pool,
    member::{Health, Probe, Refresh, TokenBlock},
    slot::Slot,
    status::NewStatus,
};

/// Readiness of an available credential's token.
pub(super) enum Readiness {
    Ready,
    NeedsRefresh,
    Blocked(TokenBlock),
}

impl Pool {
    /// Returns the strategy's next credential that can serve now, and the intent of a refresh that this started.
    pub(super) fn choose(&mut self) -> (Selection, Option<Intent>) {
        self.recover();
        // A half-open credential within its cooldown is skipped: its probe needs a request that reports its outcome.
        while let Some(slot) = self.roster.next(&mut self.random, self.now) {
            match self.readiness(slot) {
                Readiness::Ready => return (self.make_current(slot), None),
                Readiness::NeedsRefresh => {
                    let (intent, started) = self.start_refresh(slot);
                    let credential = self.id(slot);
                    return (Selection::Refreshing { credential, intent }, started);
                }
                Readiness::Blocked(block) => {
                    self.roster.change(slot, |member| member.token_block = Some(block));
                }
            }
        }
        self.current = None;
        match self.roster.is_empty() {
            true => (Selection::Empty, None),
            false => (Selection::Exhausted { retry_at: self.roster.next_end_without_probes(self.now) }, None),
        }
    }

    /// Ends every elapsed cooldown, and makes credentials half-open: after a cooldown that a report started if the
    /// policy's `half_open` is set, and always where a probe within a cooldown is due.
    pub(super) fn recover(&mut self) {
        while let Some(slot) = self.roster.next_due(self.now) {
            let Some(member) = self.roster.get(slot) else { return };
            if matches!(member.token_block, Some(TokenBlock::UntilRefresh(until)) if until <= self.now) {
                self.roster.change(slot, |member| member.token_block = None);
                continue;
            }
            let is_over = !member.is_cooling_down(self.now);
            let was_reported = member.health.unstored_until.is_some() || member.credential.reset_at().is_some();
            match (stored_cooldown(&member.credential), is_over) {
                (Cooldown::Until(_), true) if !was_reported => self.set_status(slot, NewStatus::ok()),
                (Cooldown::Until(_), true) if !self.policy.half_open => {
                    // The health is kept, so that the backoff continues until a request is served.
                    let health = member.health.clone();
                    self.set_status(slot, NewStatus::ok());
                    let (probe, stale_up_to) = (Probe::None, self.last_attempt);
                    let health = Health { probe, stale_up_to, unstored_until: None, probe_at: None, ..health };
                    self.roster.change(slot, |member| member.health = health);
                }
                _ => {
                    let is_half_open = self.policy.half_open || !is_over;
                    let probe = if is_half_open { Probe::Due } else { Probe::None };
                    self.roster.change(slot, |member| {
                        (member.health.probe, member.health.probe_at) = (probe, None);
                        member.health.unstored_until = member.health.unstored_until.filter(|_| !is_over);
                    });
                }
            }
        }
    }

    /// Starts a cooldown with the reference's duration, after a failure that the host judged. A dead credential stays
    /// dead.
    pub(super) fn start_reference_cooldown(&mut self, slot: Slot, status: Option<i64>, kind: Option<FailureKind>) {
        let cause = Cause { kind, status, at: Some(self.now), hint: None };
        let is_dead = self.roster.get(slot).is_none_or(|member| stored_cooldown(&member.credential) == Cooldown::Dead);
        if !is_dead {
            let (error_code, reason, at) = (status, kind, Some(self.now));
            let status = Some(Status::Exhausted);
            self.set_status(slot, NewStatus { status, at, error_code, reason, reset_at: None });
            self.roster.change(slot, |member| member.health.cause = Some(cause));
            if let Some(Cooldown::Until(until)) =
                self.roster.get(slot).map(|member| stored_cooldown(&member.credential))
            {
                self.emit(slot, Happening::CoolingDown { until, model: None, cause });
            }
        }
    }

    /// Makes a credential the current credential of the cursor.
    fn make_current(&mut self, slot: Slot) -> Selection {
        self.end_probe(slot);
        self.end_turn(slot);
        self.current = Some(slot);
        Selection::Selected { credential: self.id(slot) }
    }

    /// Ends the half-open state of a credential: all requests may use the credential again.
    pub(super) fn end_probe(&mut self, slot: Slot) {
        let Some(member) = self.roster.get(slot).filter(|member| member.health.probe != Probe::None) else { return };
        match stored_cooldown(&member.credential) {
            Cooldown::None => {
                let stale_up_to = self.last_attempt;
                self.roster.change(slot, |member| member.health = Health { stale_up_to, ..Health::default() });
            }
            _ => self.set_status(slot, NewStatus::ok()),
        }
    }

    /// Moves a credential to the end of the turn order, for `round_robin`. The only available credential keeps its
    /// turn.
    pub(super) fn end_turn(&mut self, slot: Slot) {
        let is_sole = self.roster.available_count() <= 1;
        if self.roster.strategy() == Strategy::RoundRobin && !is_sole && self.roster.end_turn(slot) {
            self.note_use(slot);
        }
    }

    pub(super) fn readiness(&self, slot: Slot) -> Readiness {
        let Some(member) = self.roster.get(slot) else { return Readiness::Blocked(TokenBlock::UntilLogin) };
        if matches!(member.refresh, Refresh::InFlight { .. }) {
            return Readiness::NeedsRefresh;
        }
        let Some(expires_at) = member.expires_at else { return Readiness::Ready };
        match self.token_due(slot) {
            Some(due) if due <= self.now => Readiness::NeedsRefresh,
            _ if self.now < expires_at => Readiness::Ready,
            Some(retry_at) => Readiness::Blocked(TokenBlock::UntilRefresh(retry_at)),
            None => Readiness::Blocked(TokenBlock::UntilLogin),
        }
    }
}
