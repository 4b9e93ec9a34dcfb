//! How the next credential is found: cooldowns that end, tokens that are due.

use crate::{
    cooldown::{Cooldown, Failure, stored_cooldown},
    credential::Status,
    event::{Cause, Happening},
    failure::FailureKind,
    step::{Intent, Selection},
    strategy::Strategy,
};

use super::{
    Pool,
    member::{Health, Probe, Refresh, Wait},
    slot::Slot,
    status::NewStatus,
};

/// What stands between a credential and the next request.
pub(super) enum Readiness {
    Ready,
    NeedsRefresh,
    Waits(Wait),
}

impl Pool {
    /// The strategy's next credential that can serve now, and a refresh that this started.
    pub(super) fn choose(&mut self) -> (Selection, Option<Intent>) {
        self.recover();
        // One that is to be tried while it rests waits for a request that reports how it went.
        while let Some(slot) = self.roster.next(&mut self.random, self.now) {
            match self.readiness(slot) {
                Readiness::Ready => return (self.take(slot), None),
                Readiness::NeedsRefresh => {
                    let (intent, started) = self.start_refresh(slot);
                    let credential = self.id(slot);
                    return (Selection::Refreshing { credential, intent }, started);
                }
                Readiness::Waits(wait) => {
                    self.roster.change(slot, |member| member.wait = wait);
                }
            }
        }
        self.current = None;
        match self.roster.is_empty() {
            true => (Selection::Empty, None),
            false => (Selection::Exhausted { retry_at: self.roster.next_back_for_good(self.now) }, None),
        }
    }

    /// Ends every rest that is over. After a rest that a report began one request goes first, if the
    /// policy wants it; where an early probe is due, one goes first whatever it wants.
    pub(super) fn recover(&mut self) {
        while let Some(slot) = self.roster.next_cooled_down(self.now) {
            let Some(member) = self.roster.get(slot) else { return };
            if matches!(member.wait, Wait::ForRefresh(until) if until <= self.now) {
                self.roster.change(slot, |member| member.wait = Wait::None);
                continue;
            }
            let is_over = !member.is_cooling_down(self.now);
            let was_reported = member.health.brief.is_some() || member.credential.reset_at().is_some();
            match (stored_cooldown(&member.credential), is_over) {
                (Cooldown::Until(_), true) if !was_reported => self.set_status(slot, NewStatus::ok()),
                (Cooldown::Until(_), true) if !self.policy.half_open => {
                    // Its rests go on growing until it has served a request.
                    let health = member.health.clone();
                    self.set_status(slot, NewStatus::ok());
                    let (probe, stale_up_to) = (Probe::None, self.sent);
                    let health = Health { probe, stale_up_to, brief: None, probe_at: None, ..health };
                    self.roster.change(slot, |member| member.health = health);
                }
                _ => {
                    let is_tried = self.policy.half_open || !is_over;
                    let probe = if is_tried { Probe::Due } else { Probe::None };
                    self.roster.change(slot, |member| {
                        (member.health.probe, member.health.probe_at) = (probe, None);
                        member.health.brief = member.health.brief.filter(|_| !is_over);
                    });
                }
            }
        }
    }

    /// Benches a credential from now on. A dead one stays dead.
    pub(super) fn bench(&mut self, slot: Slot, failure: Failure, kind: Option<FailureKind>) {
        let cause = Cause { kind, status: failure.status, at: Some(self.now), hint: None };
        let is_dead = self.roster.get(slot).is_none_or(|member| stored_cooldown(&member.credential) == Cooldown::Dead);
        if !is_dead {
            let (status, at) = (Some(Status::Exhausted), Some(self.now));
            let (error_code, reason) = (failure.status, kind);
            self.set_status(slot, NewStatus { status, at, error_code, reason, reset_at: None });
            self.roster.change(slot, |member| member.health.cause = Some(cause));
            if let Some(Cooldown::Until(until)) =
                self.roster.get(slot).map(|member| stored_cooldown(&member.credential))
            {
                self.tell(slot, Happening::CoolingDown { until, model: None, cause });
            }
        }
    }

    /// Makes a credential the current one.
    fn take(&mut self, slot: Slot) -> Selection {
        self.end_probe(slot);
        self.end_turn(slot);
        self.current = Some(slot);
        Selection::Selected { credential: self.id(slot) }
    }

    /// A credential that was to be tried by one request serves everybody.
    pub(super) fn end_probe(&mut self, slot: Slot) {
        let Some(member) = self.roster.get(slot).filter(|member| member.health.probe != Probe::None) else { return };
        match stored_cooldown(&member.credential) {
            Cooldown::None => {
                let stale_up_to = self.sent;
                self.roster.change(slot, |member| member.health = Health { stale_up_to, ..Health::default() });
            }
            _ => self.set_status(slot, NewStatus::ok()),
        }
    }

    /// In `round_robin` all others go first from now on. A sole available one keeps its turn.
    pub(super) fn end_turn(&mut self, slot: Slot) {
        let is_sole = self.roster.available_count() <= 1;
        if self.roster.strategy() == Strategy::RoundRobin && !is_sole && self.roster.end_turn(slot) {
            self.note_use(slot);
        }
    }

    pub(super) fn readiness(&self, slot: Slot) -> Readiness {
        let Some(member) = self.roster.get(slot) else { return Readiness::Waits(Wait::ForLogin) };
        if matches!(member.refresh, Refresh::InFlight { .. }) {
            return Readiness::NeedsRefresh;
        }
        let Some(expires_at) = member.expires_at else { return Readiness::Ready };
        match self.token_due(slot) {
            Some(due) if due <= self.now => Readiness::NeedsRefresh,
            _ if self.now < expires_at => Readiness::Ready,
            Some(retry_at) => Readiness::Waits(Wait::ForRefresh(retry_at)),
            None => Readiness::Waits(Wait::ForLogin),
        }
    }
}
