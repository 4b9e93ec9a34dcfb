//! How the next credential is found: cooldowns that end, tokens that are due, refreshes that end.

use crate::{
    change::Change,
    credential::{CredentialId, Status},
    error::Error,
    health::{Failure, Rest, rest},
    refresh::{self, SKEW_MS},
    step::{Intent, IntentId, Outcome, Selection, Settled, Step},
    strategy::Strategy,
    time::Timestamp,
};

use super::{
    Pool,
    roster::{Refresh, Slot, Wait},
};

/// What stands between a credential and the next request.
enum Readiness {
    Ready,
    NeedsRefresh,
    Waits(Wait),
}

impl Pool {
    /// The strategy's next credential that can serve now, and a refresh that this started.
    pub(super) fn choose(&mut self) -> (Selection, Option<Intent>) {
        self.recover();
        while let Some(slot) = self.roster.next(&mut self.random) {
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
            false => (Selection::Exhausted { retry_at: self.roster.next_rest_end() }, None),
        }
    }

    /// Ends every rest that is over.
    pub(super) fn recover(&mut self) {
        while let Some(slot) = self.roster.next_rested(self.now) {
            let is_stored = self.roster.get(slot).is_some_and(|member| rest(&member.credential) != Rest::None);
            match is_stored {
                true => self.set_status(slot, Some(Status::Ok), None, None),
                false => {
                    self.roster.change(slot, |member| member.wait = Wait::None);
                }
            }
        }
    }

    /// Benches a credential from now on. A dead one stays dead.
    pub(super) fn bench(&mut self, slot: Slot, failure: Failure) {
        let is_dead = self.roster.get(slot).is_none_or(|member| rest(&member.credential) == Rest::ForGood);
        if !is_dead {
            self.set_status(slot, Some(Status::Exhausted), Some(self.now), failure.status);
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
                if let Some(member) = self.roster.get(slot) {
                    let replaces = member.credential.token().fingerprint();
                    self.commit(slot, Change::Tokens { id: credential.clone(), replaces, set });
                }
                self.set_status(slot, Some(Status::Ok), None, None);
                Settled::Refreshed { credential }
            }
            Outcome::Refused => {
                self.bench(slot, Failure::default());
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

    /// Makes a credential the current one. A sole available one keeps its turn.
    fn take(&mut self, slot: Slot) -> Selection {
        if self.roster.strategy() == Strategy::RoundRobin
            && self.roster.available_count() > 1
            && self.roster.end_turn(slot)
        {
            self.note_use(slot);
        }
        self.current = Some(slot);
        Selection::Selected { credential: self.id(slot) }
    }

    fn readiness(&self, slot: Slot) -> Readiness {
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
