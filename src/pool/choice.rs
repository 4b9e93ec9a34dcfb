//! How the next credential is found: cooldowns that end, tokens that are due, refreshes that end.

use std::time::Duration;

use crate::{
    change::Change,
    credential::{CredentialId, Status},
    error::Error,
    event::{Cause, Happening},
    failure::FailureKind,
    health::{Failure, Rest, cooldown, rest},
    refresh::{self, SKEW_MS},
    step::{Intent, IntentId, Outcome, Selection, Settled, Step},
    strategy::Strategy,
    time::Timestamp,
};

use super::{
    Pool,
    edits::NewStatus,
    member::{Health, Member, Refresh, Trial, Wait},
    roster::Slot,
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
    /// policy wants it; where an early trial is due, one goes first whatever it wants.
    pub(super) fn recover(&mut self) {
        while let Some(slot) = self.roster.next_rested(self.now) {
            let Some(member) = self.roster.get(slot) else { return };
            if matches!(member.wait, Wait::ForRefresh(until) if until <= self.now) {
                self.roster.change(slot, |member| member.wait = Wait::None);
                continue;
            }
            let is_over = !member.rests_at(self.now);
            let was_reported = member.health.brief.is_some() || member.credential.reset_at().is_some();
            match (rest(&member.credential), is_over) {
                (Rest::Until(_), true) if !was_reported => self.set_status(slot, NewStatus::ok()),
                (Rest::Until(_), true) if !self.policy.half_open => {
                    // Its rests go on growing until it has served a request.
                    let known = member.health.clone();
                    self.set_status(slot, NewStatus::ok());
                    let (trial, heard_up_to) = (Trial::None, self.sent);
                    let health = Health { trial, heard_up_to, brief: None, probe_at: None, ..known };
                    self.roster.change(slot, |member| member.health = health);
                }
                _ => {
                    let is_tried = self.policy.half_open || !is_over;
                    let trial = if is_tried { Trial::Due } else { Trial::None };
                    self.roster.change(slot, |member| {
                        (member.health.trial, member.health.probe_at) = (trial, None);
                        member.health.brief = member.health.brief.filter(|_| !is_over);
                    });
                }
            }
        }
    }

    /// Benches a credential from now on. A dead one stays dead.
    pub(super) fn bench(&mut self, slot: Slot, failure: Failure, kind: Option<FailureKind>) {
        let cause = Cause { kind, status: failure.status, at: Some(self.now), hint: None };
        let is_dead = self.roster.get(slot).is_none_or(|member| rest(&member.credential) == Rest::ForGood);
        if !is_dead {
            let (status, at) = (Some(Status::Exhausted), Some(self.now));
            let (error_code, reason) = (failure.status, kind);
            self.set_status(slot, NewStatus { status, at, error_code, reason, reset_at: None });
            self.roster.change(slot, |member| member.health.cause = Some(cause));
            if let Some(Rest::Until(until)) = self.roster.get(slot).map(|member| rest(&member.credential)) {
                self.tell(slot, Happening::Rests { until, model: None, cause });
            }
        }
    }

    /// A login that cannot be refreshed rests, unless it rests longer already.
    fn rest_on_refusal(&mut self, slot: Slot) {
        let until = self.now.saturating_add(cooldown(None));
        let rests_longer = |member: &Member| matches!(member.rest(), Rest::Until(held) if until < held);
        if !self.roster.get(slot).is_some_and(rests_longer) {
            self.bench(slot, Failure::default(), Some(FailureKind::Unauthorized));
        }
    }

    /// When the login's token should be refreshed, if it can be then.
    pub(super) fn token_due(&self, slot: Slot) -> Option<Timestamp> {
        let member = self.roster.get(slot).filter(|member| member.is_refreshable)?;
        let due = Timestamp::from_millis(member.expires_at?.as_millis().saturating_sub(SKEW_MS));
        match member.refresh {
            Refresh::Idle => Some(due),
            Refresh::Unanswered { retry_at, .. } => Some(due.max(retry_at)),
            Refresh::InFlight { .. } => None,
        }
    }

    /// Starts a refresh, or names the one that is under way.
    pub(super) fn start_refresh(&mut self, slot: Slot) -> (IntentId, Option<Intent>) {
        let unanswered = match self.roster.get(slot).map(|member| member.refresh) {
            Some(Refresh::InFlight { intent, .. }) => return (intent, None),
            Some(Refresh::Unanswered { attempts, .. }) => attempts,
            Some(Refresh::Idle) | None => 0,
        };
        let id = self.ledger.next_id();
        let request =
            self.roster.get(slot).and_then(|member| refresh::request(&member.credential, self.roster.pool()).ok());
        let intent =
            request.map(|request| self.ledger.hand_out(Intent::Refresh { id, credential: self.id(slot), request }));
        self.roster.change(slot, |member| member.refresh = Refresh::InFlight { intent: id, unanswered });
        (id, intent)
    }

    pub(super) fn settle_refresh(
        &mut self,
        intent: IntentId,
        credential: CredentialId,
        outcome: Outcome,
        now: Timestamp,
    ) -> Result<Step<Settled>, Error> {
        let slot = self.roster.slot(credential.as_str()).filter(|slot| self.refresh_of(*slot) == Some(intent));
        if let (Some(member), Outcome::Tokens { set }) = (slot.and_then(|slot| self.roster.get(slot)), &outcome) {
            refresh::check_tokens(&member.credential, &set.0, self.roster.pool())?;
        }
        self.observe(now);
        self.ledger.close(intent);
        let Some(slot) = slot else { return Ok(self.step(Settled::Gone, None)) };
        let unanswered = match self.roster.get(slot).map(|member| member.refresh) {
            Some(Refresh::InFlight { unanswered, .. }) => unanswered.saturating_add(1),
            _ => 1,
        };
        self.roster.change(slot, |member| member.refresh = Refresh::Idle);
        let settled = match outcome {
            Outcome::Tokens { set } => {
                // New tokens do not lift a limit of the account.
                let (mut is_limited, mut last_rest) = (false, Duration::ZERO);
                if let Some(member) = self.roster.get(slot) {
                    last_rest = member.health.last_rest;
                    let limits = [FailureKind::RateLimited, FailureKind::Quota].map(|kind| Some(kind.name()));
                    is_limited = member.rests_at(self.now) && limits.contains(&member.credential.error_reason());
                    let replaces = member.credential.token().fingerprint();
                    self.commit(slot, Change::Tokens { id: credential.clone(), replaces, set });
                }
                match is_limited {
                    true => self.plan_probe(slot),
                    false => self.set_status(slot, NewStatus::ok()),
                }
                // A login that is refused whatever its token rests longer each time.
                self.roster.change(slot, |member| member.health.last_rest = last_rest);
                self.tell(slot, Happening::Refreshed);
                Settled::Refreshed { credential }
            }
            Outcome::Refused => {
                self.rest_on_refusal(slot);
                Settled::Benched { credential }
            }
            Outcome::Saved | Outcome::Failed | Outcome::Unreachable => {
                let retry_at = self.now.saturating_add(refresh::backoff(unanswered));
                self.roster.change(slot, |member| {
                    member.refresh = Refresh::Unanswered { attempts: unanswered, retry_at };
                });
                Settled::Unrefreshed { credential, retry_at }
            }
        };
        Ok(self.step(settled, None))
    }

    /// Makes a credential the current one.
    fn take(&mut self, slot: Slot) -> Selection {
        self.end_trial(slot);
        self.end_turn(slot);
        self.current = Some(slot);
        Selection::Selected { credential: self.id(slot) }
    }

    /// A credential that was to be tried by one request serves everybody.
    pub(super) fn end_trial(&mut self, slot: Slot) {
        let Some(member) = self.roster.get(slot).filter(|member| member.health.trial != Trial::None) else { return };
        match rest(&member.credential) {
            Rest::None => {
                let heard_up_to = self.sent;
                self.roster.change(slot, |member| member.health = Health { heard_up_to, ..Health::default() });
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

    fn refresh_of(&self, slot: Slot) -> Option<IntentId> {
        match self.roster.get(slot)?.refresh {
            Refresh::InFlight { intent, .. } => Some(intent),
            Refresh::Idle | Refresh::Unanswered { .. } => None,
        }
    }
}
