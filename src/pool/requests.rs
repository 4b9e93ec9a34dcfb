//! Requests: selection of a credential, waits, retries and the next move after a failure.

use std::time::Duration;

use crate::{
    cooldown::Cooldown,
    error::{Error, ErrorCode},
    event::{Choice, Happening, Verdict},
    failure::{Diagnosis, FailureKind, Response},
    id::LeaseId,
    lease::{NextMove, Request},
    policy::Action,
    step::{Intent, Step},
    time::Timestamp,
};

use super::{
    Pool,
    affinity::Affinity,
    choice::Readiness,
    faults::hold,
    leases::{Again, Attempt, Lease, LeaseState, Phase, Progress},
    member::{AttemptNumber, Member, Probe, Refresh, TokenBlock},
    slot::Slot,
};

/// Maximum number of `passed_over` events of one step; `explain` covers all credentials.
const MAX_PASSED_OVER: usize = 16;

/// The next move of a request, and the intent of a refresh that this started.
type Answer = (NextMove, Option<Intent>);

impl Pool {
    pub(super) fn start_request(&mut self, request: Request, now: Timestamp) -> Step<NextMove> {
        self.observe(now);
        let id = self.leases.next_id();
        let phase = Phase::Waiting { since: self.now, preferred: None };
        let lease = Lease { request, progress: Progress::of(id), phase, ends_at: self.now };
        let (next, refresh) = self.advance(id, lease, None);
        self.step(next, refresh)
    }

    pub(super) fn resume_request(&mut self, id: LeaseId, now: Timestamp) -> Result<Step<NextMove>, Error> {
        let found = self.leases.find(id)?;
        self.observe(now);
        let next = match (found, self.leases.get(id).map(|lease| &lease.phase)) {
            (LeaseState::Expired, _) | (_, None) => {
                self.leases.take_expired(id);
                (NextMove::Late { served: false }, None)
            }
            (_, Some(Phase::InFlight(attempt))) => match self.roster.get(attempt.slot) {
                Some(member) => (NextMove::Use { lease: id, credential: member.credential.id.clone() }, None),
                // The credential was removed.
                None => match self.end_attempt(id) {
                    Some((lease, _)) => {
                        let next = self.leases.next_id();
                        self.advance(next, lease, None)
                    }
                    None => (NextMove::Late { served: false }, None),
                },
            },
            (_, Some(Phase::Waiting { since, preferred })) => {
                let (waited, preferred) = (self.now.since(*since), *preferred);
                match self.leases.take(id) {
                    Some(mut lease) => {
                        // Each wait counts as at least 1 ms, so that a request ends however often the host resumes it.
                        lease.progress.waited_ms = lease.progress.waited_ms.saturating_add(millis(waited).max(1));
                        self.advance(id, lease, preferred)
                    }
                    None => (NextMove::Late { served: false }, None),
                }
            }
        };
        Ok(self.step(next.0, next.1))
    }

    pub(super) fn take_report(
        &mut self,
        id: LeaseId,
        response: &Response,
        now: Timestamp,
    ) -> Result<Step<NextMove>, Error> {
        if matches!(self.leases.find(id)?, LeaseState::Waiting) {
            return Err(Error::new(
                ErrorCode::LeaseWaits,
                "the request of this lease waits and was not sent; call `resume`, and report after the move `use`",
            ));
        }
        self.observe(now);
        let pool = self.roster.pool();
        let credential = self.leases.attempt(id).and_then(|attempt| self.roster.get(attempt.slot));
        let base_url = credential.and_then(|member| member.credential.runtime_base_url(pool));
        let failure = crate::failure::failure(response, pool, base_url, self.now);
        let late = NextMove::Late { served: failure.is_none() };
        if let Some(expired) = self.leases.take_expired(id) {
            let model = expired.request.model.as_deref();
            match failure {
                None => self.record_success(&expired.attempt, model),
                Some(diagnosis) => {
                    self.record_failure(expired.origin, &expired.attempt, model, &diagnosis, status(response));
                }
            }
            return Ok(self.step(late, None));
        }
        let Some((mut lease, attempt)) = self.end_attempt(id) else { return Ok(self.step(late, None)) };
        let next = match failure {
            None => {
                self.record_success(&attempt, lease.request.model.as_deref());
                (NextMove::Served, None)
            }
            Some(diagnosis) => {
                lease.progress.last_failure = Some(diagnosis.kind);
                // A provider that judges the credential or the request is no longer out.
                if !matches!(diagnosis.kind, FailureKind::Transient | FailureKind::Unknown) {
                    self.end_fault(&attempt, lease.request.model.as_deref());
                }
                self.after_failure(id, lease, attempt, &diagnosis, status(response))
            }
        };
        Ok(self.step(next.0, next.1))
    }

    pub(super) fn release_request(&mut self, id: LeaseId, now: Timestamp) -> Result<Step<()>, Error> {
        self.leases.find(id)?;
        self.observe(now);
        if self.leases.take_expired(id).is_none() && self.end_attempt(id).is_none() {
            self.leases.take(id);
        }
        Ok(self.step((), None))
    }

    /// Ends leases that expired without a report, since their sessions count as crashed, and frees their credentials.
    pub(super) fn expire_leases(&mut self) {
        /// Time for which a late report is accepted.
        const REMEMBERED: Duration = Duration::from_secs(60 * 60);
        self.leases.forget_expired(self.now);
        while let Some((id, lease)) = self.leases.expire_next(self.now) {
            if let Phase::InFlight(attempt) = lease.phase {
                self.free_credential(id, &attempt);
                self.emit(attempt.slot, Happening::LeaseExpired { lease: id });
                self.leases.remember_expired(id, lease.into_expired(attempt, self.now.saturating_add(REMEMBERED)));
            }
        }
    }

    /// Returns the next move of a request that needs a credential: the preferred credential, if available, goes first.
    fn advance(&mut self, id: LeaseId, mut lease: Lease, preferred: Option<Slot>) -> Answer {
        self.recover();
        let hold = self.outages.hold_everywhere(lease.request.model.as_deref(), self.now);
        let is_last_attempt = hold.is_some_and(|hold| self.is_last_attempt(&lease, hold));
        if let Some(hold) = hold.filter(|_| !is_last_attempt) {
            return (self.hold_back(id, lease, hold), None);
        }
        while let Some((slot, by)) = self.candidate(&lease, preferred, is_last_attempt) {
            match self.readiness(slot) {
                Readiness::Ready => return (self.start_attempt(id, lease, slot, by), None),
                Readiness::NeedsRefresh => {
                    let is_under_way =
                        self.roster.get(slot).is_some_and(|member| matches!(member.refresh, Refresh::InFlight { .. }));
                    let was_refreshed = lease.progress.refreshed.contains(&slot);
                    if was_refreshed && !is_under_way && self.has_valid_token(slot) {
                        // Tokens so short-lived that a refresh is due at once are used as they are.
                        return (self.start_attempt(id, lease, slot, by), None);
                    }
                    if (was_refreshed && !is_under_way) || lease.progress.waited_ms > self.patience(&lease) {
                        lease.progress.count_failure(slot, None);
                        lease.progress.set_again(slot, Again::Never);
                        continue;
                    }
                    return self.refresh_first(id, lease, slot);
                }
                Readiness::Blocked(block) => {
                    let verdict = match block {
                        TokenBlock::UntilRefresh(until) => Verdict::Unreachable { until },
                        TokenBlock::UntilLogin => Verdict::Expired,
                    };
                    self.emit(slot, Happening::PassedOver { verdict });
                    self.roster.change(slot, |member| member.token_block = Some(block));
                }
            }
        }
        (self.without_credential(id, lease), None)
    }

    /// Returns the next credential for a request, and the reason of the choice; `None` if no available credential fits.
    /// Credentials that the provider just failed go last.
    fn candidate(&mut self, lease: &Lease, preferred: Option<Slot>, ignores_holds: bool) -> Option<(Slot, Choice)> {
        let has_avoided = !self.outages.is_empty() || lease.progress.avoided.is_some();
        let other = if has_avoided { self.candidate_among(lease, preferred, true, ignores_holds) } else { None };
        other.or_else(|| self.candidate_among(lease, preferred, false, ignores_holds))
    }

    fn candidate_among(
        &mut self,
        lease: &Lease,
        preferred: Option<Slot>,
        avoids_failed: bool,
        ignores_holds: bool,
    ) -> Option<(Slot, Choice)> {
        let model = lease.request.model.as_deref();
        let (roster, outages, now) = (&self.roster, &self.outages, self.now);
        let is_avoided =
            |slot: Slot| avoids_failed && (lease.progress.avoided == Some(slot) || outages.has_met(slot, model));
        let verdict = |slot: Slot, member: &Member| match member.model_cooldown(model, now) {
            _ if lease.progress.has_failed(slot) || is_avoided(slot) => Some(Verdict::Failed),
            Some(cooldown) => Some(Verdict::CoolingDownForModel {
                model: cooldown.model.clone(),
                until: cooldown.until,
                cause: cooldown.cause,
            }),
            None if ignores_holds => None,
            None => hold(roster, outages, member, model, now).map(|hold| Verdict::Held { until: hold.until() }),
        };
        let fits = |slot: Slot| self.roster.get(slot).is_some_and(|member| verdict(slot, member).is_none());
        if let Some(slot) = preferred.filter(|slot| self.roster.is_available(*slot) && fits(*slot)) {
            return Some((slot, Choice::Retry));
        }
        if let Some(key) = &lease.request.affinity {
            let affinity = Affinity::new(key, &self.policy.affinity);
            if let Some(slot) =
                self.roster.choose_by_affinity(&affinity, |slot, member| verdict(slot, member).is_none())
            {
                return Some((slot, Choice::Affinity));
            }
        }
        let mut passed_over = Vec::new();
        let next = self.roster.candidates(&mut self.random).find(|slot| match self.roster.get(*slot) {
            Some(member) => match verdict(*slot, member) {
                Some(verdict) => {
                    passed_over.push((*slot, verdict));
                    false
                }
                None => true,
            },
            None => false,
        });
        for (slot, verdict) in passed_over.into_iter().take(MAX_PASSED_OVER) {
            self.emit(slot, Happening::PassedOver { verdict });
        }
        next.map(|slot| (slot, Choice::Strategy { strategy: self.roster.strategy() }))
    }

    /// Starts an attempt of a request with a credential.
    fn start_attempt(&mut self, id: LeaseId, mut lease: Lease, slot: Slot, by: Choice) -> NextMove {
        self.last_attempt = AttemptNumber(self.last_attempt.0.saturating_add(1));
        let is_scout = self.begin_in_outage(slot, id, lease.request.model.as_deref());
        self.end_turn(slot);
        if self.roster.count_uses(slot, 1) {
            self.note_use(slot);
        }
        let (key_changes, probe) =
            self.roster.get(slot).map_or((0, Probe::None), |member| (member.key_changes, member.health.probe));
        let is_probe = probe == Probe::Due;
        if is_probe {
            self.roster.change(slot, |member| member.health.probe = Probe::Running(id));
        }
        self.roster.begin(slot);
        lease.phase = Phase::InFlight(Attempt { slot, key_changes, number: self.last_attempt, is_probe, is_scout });
        lease.ends_at = self.now.saturating_add(Duration::from_millis(self.policy.lease_ms));
        self.leases.insert(id, lease);
        self.emit(slot, Happening::Chosen { lease: id, by });
        NextMove::Use { lease: id, credential: self.id(slot) }
    }

    /// Ends the attempt of a lease and takes the lease; `None` if no attempt is in flight.
    fn end_attempt(&mut self, id: LeaseId) -> Option<(Lease, Attempt)> {
        let Some(Phase::InFlight(attempt)) = self.leases.get(id).map(|lease| &lease.phase) else { return None };
        let attempt = *attempt;
        self.free_credential(id, &attempt);
        self.leases.take(id).map(|lease| (lease, attempt))
    }

    /// Frees the credential of an ended attempt. After an unfinished probe, the next request becomes the probe.
    fn free_credential(&mut self, id: LeaseId, attempt: &Attempt) {
        self.roster.end(attempt.slot);
        if attempt.is_scout {
            self.outages.end_scout(id);
        }
        let runs = |member: &Member| member.health.probe == Probe::Running(id);
        if attempt.is_probe && self.roster.get(attempt.slot).is_some_and(runs) {
            self.roster.change(attempt.slot, |member| member.health.probe = Probe::Due);
        }
    }

    fn after_failure(
        &mut self,
        id: LeaseId,
        mut lease: Lease,
        attempt: Attempt,
        diagnosis: &Diagnosis,
        status: Option<i64>,
    ) -> Answer {
        let slot = attempt.slot;
        let rule = *self.policy.rule(diagnosis.kind);
        if rule.action != Action::GiveUp && self.has_another_key(&attempt) {
            // The key was refreshed or replaced while the attempt was in flight.
            let next = self.leases.next_id();
            return self.advance(next, lease, Some(slot));
        }
        // A credential that cools down is refreshed only for its probe.
        let is_in_use =
            attempt.is_probe || !self.roster.get(slot).is_some_and(|member| member.is_cooling_down(self.now));
        if rule.refresh && is_in_use && !lease.progress.refreshed.contains(&slot) && self.is_refreshable(slot) {
            return self.refresh_first(id, lease, slot);
        }
        if matches!(rule.action, Action::CoolDown | Action::MarkDead) && self.is_stale(&attempt) {
            // The attempt began before a cooldown that is over by now.
            let next = self.leases.next_id();
            return self.advance(next, lease, Some(slot));
        }
        let model = lease.request.model.clone();
        let cools_down_until =
            self.record_failure(lease.progress.origin, &attempt, model.as_deref(), diagnosis, status);
        match rule.action {
            Action::GiveUp => (NextMove::GiveUp { reason: diagnosis.kind }, None),
            Action::Wait => {
                if self.note_fault(&lease, &attempt, &rule, diagnosis, status) {
                    lease.progress.avoided = None;
                    let next = self.leases.next_id();
                    return self.advance(next, lease, None);
                }
                let delay = self.retry_delay(&rule, diagnosis, lease.progress.outages);
                let until = self.now.saturating_add(delay);
                lease.progress.outages = lease.progress.outages.saturating_add(1);
                match self.can_wait(&lease, until) {
                    true if lease.progress.outages > 1 && self.has_others(slot) => {
                        lease.progress.avoided = Some(slot);
                        self.park(id, lease, until, None);
                        (NextMove::Wait { lease: id, until }, None)
                    }
                    true => (self.retry(id, lease, slot, until), None),
                    false => (NextMove::Exhausted { retry_at: Some(until) }, None),
                }
            }
            Action::CoolDown | Action::CoolDownModel | Action::MarkDead | Action::Rotate => {
                let is_dead = self.roster.get(slot).is_none_or(|member| member.cooldown() == Cooldown::Dead);
                let attempts = lease.progress.count_failure(slot, Some(diagnosis.kind));
                if attempts <= rule.retries
                    && !is_dead
                    && let Some(until) = self.retry_at(&lease, cools_down_until, &rule, diagnosis, attempts)
                {
                    return (self.retry(id, lease, slot, until), None);
                }
                let is_announced = cools_down_until.is_some() && rule.hints && diagnosis.hint.is_some();
                let may_return = is_announced && attempts <= rule.retries.max(1);
                lease.progress.set_again(slot, if may_return { Again::AfterCooldown } else { Again::Never });
                self.revert_unconfirmed(&mut lease.progress, slot, model.as_deref(), diagnosis);
                let next = self.leases.next_id();
                self.advance(next, lease, None)
            }
        }
    }

    fn refresh_first(&mut self, id: LeaseId, mut lease: Lease, slot: Slot) -> Answer {
        let (intent, started) = self.start_refresh(slot);
        if !lease.progress.refreshed.contains(&slot) {
            lease.progress.refreshed.push(slot);
        }
        self.emit(slot, Happening::AwaitsRefresh { intent });
        self.park(id, lease, self.now, Some(slot));
        (NextMove::Refresh { lease: id, credential: self.id(slot), intent }, started)
    }

    /// Returns whether a failure is stale: the attempt began before the latest cooldown or recovery of a credential
    /// that does not cool down now.
    fn is_stale(&self, attempt: &Attempt) -> bool {
        self.roster
            .get(attempt.slot)
            .is_some_and(|member| attempt.number <= member.health.stale_up_to && !member.is_cooling_down(self.now))
    }

    fn has_valid_token(&self, slot: Slot) -> bool {
        self.roster.get(slot).is_some_and(|member| member.expires_at.is_none_or(|end| self.now < end))
    }

    fn is_refreshable(&self, slot: Slot) -> bool {
        self.roster.get(slot).is_some_and(|member| member.is_refreshable)
    }
}

fn status(response: &Response) -> Option<i64> {
    response.status.map(i64::from)
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
