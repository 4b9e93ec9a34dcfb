//! Requests: how one gets a credential, waits for one, and what it does after a failure.

use std::time::Duration;

use crate::{
    cooldown::Cooldown,
    error::{Error, ErrorCode},
    event::{Choice, Happening, Verdict},
    failure::{Diagnosis, Response},
    id::LeaseId,
    lease::{NextMove, Request},
    policy::{Action, Rule},
    step::{Intent, Step},
    time::Timestamp,
};

use super::{
    Pool,
    affinity::Affinity,
    choice::Readiness,
    leases::{Failed, Found, Lease, Phase, Progress, Sending},
    member::{Member, Probe, Refresh, Sent, Wait},
    slot::Slot,
};

/// A step tells of no more that it passed over; `explain` tells of all.
const MOST_PASSED_OVER: usize = 16;

/// An answer to a request, and a refresh that this started.
type Answer = (NextMove, Option<Intent>);

/// What a request can wait for.
#[derive(Default)]
struct RetryOutlook {
    /// When the first credential is back that rests.
    back_at: Option<Timestamp>,
    /// Whether one could serve that other requests hold.
    is_held: bool,
    /// Whether one could serve a moment after it has failed the request.
    has_failed: bool,
}

impl Pool {
    pub(super) fn start_request(&mut self, request: Request, now: Timestamp) -> Step<NextMove> {
        self.observe(now);
        let id = self.leases.next_id();
        let phase = Phase::Waiting { since: self.now, prefers: None };
        let lease = Lease { request, progress: Progress::of(id), phase, ends_at: self.now };
        let (next, refresh) = self.advance(id, lease, None);
        self.step(next, refresh)
    }

    pub(super) fn resume_request(&mut self, id: LeaseId, now: Timestamp) -> Result<Step<NextMove>, Error> {
        let found = self.leases.find(id)?;
        self.observe(now);
        let next = match (found, self.leases.get(id).map(|lease| &lease.phase)) {
            (Found::Late, _) | (_, None) => {
                self.leases.take_late(id);
                (NextMove::Late { served: false }, None)
            }
            (_, Some(Phase::Sent(sending))) => match self.roster.get(sending.slot) {
                Some(member) => (NextMove::Use { lease: id, credential: member.credential.id.clone() }, None),
                // It was removed.
                None => match self.end_sending(id) {
                    Some((lease, _)) => {
                        let next = self.leases.next_id();
                        self.advance(next, lease, None)
                    }
                    None => (NextMove::Late { served: false }, None),
                },
            },
            (_, Some(Phase::Waiting { since, prefers })) => {
                let (waited, prefers) = (self.now.since(*since), *prefers);
                match self.leases.take(id) {
                    Some(mut lease) => {
                        // Each wait counts, so that a request ends however often it is resumed.
                        lease.progress.waited_ms = lease.progress.waited_ms.saturating_add(millis(waited).max(1));
                        self.advance(id, lease, prefers)
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
        if matches!(self.leases.find(id)?, Found::Waiting) {
            return Err(Error::new(
                ErrorCode::LeaseWaits,
                "the request of this lease waits and was not sent; call `resume`, and report after `use`",
            ));
        }
        self.observe(now);
        let pool = self.roster.pool();
        let credential = self.leases.sending(id).and_then(|sending| self.roster.get(sending.slot));
        let base_url = credential.and_then(|member| member.credential.runtime_base_url(pool));
        let failure = crate::failure::failure(response, pool, base_url, self.now);
        let late = NextMove::Late { served: failure.is_none() };
        if let Some(late_lease) = self.leases.take_late(id) {
            let model = late_lease.request.model.as_deref();
            match failure {
                None => self.record_success(&late_lease.sending, model),
                Some(diagnosis) => {
                    self.record_failure(late_lease.origin, &late_lease.sending, model, &diagnosis, status(response));
                }
            }
            return Ok(self.step(late, None));
        }
        let Some((mut lease, sending)) = self.end_sending(id) else { return Ok(self.step(late, None)) };
        let next = match failure {
            None => {
                self.record_success(&sending, lease.request.model.as_deref());
                (NextMove::Served, None)
            }
            Some(diagnosis) => {
                lease.progress.last_failure = Some(diagnosis.kind);
                self.after_failure(id, lease, sending, &diagnosis, status(response))
            }
        };
        Ok(self.step(next.0, next.1))
    }

    pub(super) fn release_request(&mut self, id: LeaseId, now: Timestamp) -> Result<Step<()>, Error> {
        self.leases.find(id)?;
        self.observe(now);
        if self.leases.take_late(id).is_none() && self.end_sending(id).is_none() {
            self.leases.take(id);
        }
        Ok(self.step((), None))
    }

    /// Sessions that never reported have crashed: what they held comes back.
    pub(super) fn end_leases_that_ran_out(&mut self) {
        /// How long a late report is still taken in.
        const REMEMBERED: Duration = Duration::from_secs(60 * 60);
        self.leases.forget_late(self.now);
        while let Some((id, lease)) = self.leases.take_run_out(self.now) {
            if let Phase::Sent(sending) = lease.phase {
                self.end_of(id, &sending);
                self.tell(sending.slot, Happening::LeaseExpired { lease: id });
                self.leases.keep_late(id, lease.late(sending, self.now.saturating_add(REMEMBERED)));
            }
        }
    }

    /// The next move of a request that needs a credential: the one that it prefers, if it can serve.
    fn advance(&mut self, id: LeaseId, mut lease: Lease, prefers: Option<Slot>) -> Answer {
        self.recover();
        while let Some((slot, by)) = self.candidate(&lease, prefers) {
            match self.readiness(slot) {
                Readiness::Ready => return (self.send(id, lease, slot, by), None),
                Readiness::NeedsRefresh => {
                    let is_under_way =
                        self.roster.get(slot).is_some_and(|member| matches!(member.refresh, Refresh::InFlight { .. }));
                    let was_refreshed = lease.progress.refreshed.contains(&slot);
                    if was_refreshed && !is_under_way && self.has_valid_token(slot) {
                        // Tokens that end soon after they began are used as they are.
                        return (self.send(id, lease, slot, by), None);
                    }
                    if (was_refreshed && !is_under_way) || lease.progress.waited_ms > self.patience(&lease) {
                        lease.progress.failed.push(Failed { slot, can_pass: false });
                        continue;
                    }
                    return self.refresh_first(id, lease, slot);
                }
                Readiness::Waits(wait) => {
                    let verdict = match wait {
                        Wait::ForRefresh(until) => Verdict::Unreachable { until },
                        Wait::ForLogin | Wait::None => Verdict::Expired,
                    };
                    self.tell(slot, Happening::PassedOver { verdict });
                    self.roster.change(slot, |member| member.wait = wait);
                }
            }
        }
        (self.without_credential(id, lease), None)
    }

    /// The credential that is next for a request, and why.
    fn candidate(&mut self, lease: &Lease, prefers: Option<Slot>) -> Option<(Slot, Choice)> {
        let now = self.now;
        let model = lease.request.model.as_deref();
        let verdict = |slot: Slot, member: &Member| match member.model_cooldown(model, now) {
            _ if lease.progress.has_failed(slot) => Some(Verdict::Failed),
            Some(cooldown) => Some(Verdict::CoolingDownForModel {
                model: cooldown.model.clone(),
                until: cooldown.until,
                cause: cooldown.cause,
            }),
            None => None,
        };
        let fits = |slot: Slot| self.roster.get(slot).is_some_and(|member| verdict(slot, member).is_none());
        if let Some(slot) = prefers.filter(|slot| self.roster.is_available(*slot) && fits(*slot)) {
            return Some((slot, Choice::Retry));
        }
        if let Some(key) = &lease.request.affinity {
            let affinity = Affinity::new(key, &self.policy.affinity);
            if let Some(slot) = self.roster.by_affinity(&affinity, |slot, member| verdict(slot, member).is_none()) {
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
        for (slot, verdict) in passed_over.into_iter().take(MOST_PASSED_OVER) {
            self.tell(slot, Happening::PassedOver { verdict });
        }
        next.map(|slot| (slot, Choice::Strategy { strategy: self.roster.strategy() }))
    }

    /// Lets a request go with a credential.
    fn send(&mut self, id: LeaseId, mut lease: Lease, slot: Slot, by: Choice) -> NextMove {
        self.sent = Sent(self.sent.0.saturating_add(1));
        if by != Choice::Retry {
            lease.progress.retries = 0;
        }
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
        lease.phase = Phase::Sent(Sending { slot, key_changes, sent: self.sent, is_probe });
        lease.ends_at = self.now.saturating_add(Duration::from_millis(self.policy.lease_ms));
        self.leases.insert(id, lease);
        self.tell(slot, Happening::Chosen { lease: id, by });
        NextMove::Use { lease: id, credential: self.id(slot) }
    }

    /// Takes a lease back whose request is no longer under way.
    fn end_sending(&mut self, id: LeaseId) -> Option<(Lease, Sending)> {
        let Some(Phase::Sent(sending)) = self.leases.get(id).map(|lease| &lease.phase) else { return None };
        let sending = *sending;
        self.end_of(id, &sending);
        self.leases.take(id).map(|lease| (lease, sending))
    }

    /// A credential is free of a request; if it was on probe with it, it is to be tried again.
    fn end_of(&mut self, id: LeaseId, sending: &Sending) {
        self.roster.end(sending.slot);
        let runs = |member: &Member| member.health.probe == Probe::Running(id);
        if sending.is_probe && self.roster.get(sending.slot).is_some_and(runs) {
            self.roster.change(sending.slot, |member| member.health.probe = Probe::Due);
        }
    }

    fn after_failure(
        &mut self,
        id: LeaseId,
        mut lease: Lease,
        sending: Sending,
        diagnosis: &Diagnosis,
        status: Option<i64>,
    ) -> Answer {
        let slot = sending.slot;
        let rule = *self.policy.rule(diagnosis.kind);
        if rule.action != Action::GiveUp && self.has_another_key(&sending) {
            // It was refreshed or replaced while the request was under way.
            let next = self.leases.next_id();
            return self.advance(next, lease, Some(slot));
        }
        // What rests is not worth a refresh now, unless this is the request that tries it.
        let is_tried =
            sending.is_probe || !self.roster.get(slot).is_some_and(|member| member.is_cooling_down(self.now));
        if rule.refresh && is_tried && !lease.progress.refreshed.contains(&slot) && self.is_refreshable(slot) {
            return self.refresh_first(id, lease, slot);
        }
        if matches!(rule.action, Action::CoolDown | Action::MarkDead) && self.is_answered(&sending) {
            // It was sent before the credential rested, and that rest is over.
            let next = self.leases.next_id();
            return self.advance(next, lease, Some(slot));
        }
        let model = lease.request.model.clone();
        let rests_until = self.record_failure(lease.progress.origin, &sending, model.as_deref(), diagnosis, status);
        match rule.action {
            Action::GiveUp => (NextMove::GiveUp { reason: diagnosis.kind }, None),
            Action::Wait => {
                let delay = self.retry_delay(&rule, diagnosis, lease.progress.outages);
                let until = self.now.saturating_add(delay);
                lease.progress.outages = lease.progress.outages.saturating_add(1);
                match self.can_wait(&lease, until) {
                    true => (self.retry(id, lease, slot, until), None),
                    false => (NextMove::Exhausted { retry_at: Some(until) }, None),
                }
            }
            Action::CoolDown | Action::CoolDownModel | Action::MarkDead | Action::Rotate => {
                let is_dead = self.roster.get(slot).is_none_or(|member| member.cooldown() == Cooldown::Dead);
                if lease.progress.retries < rule.retries
                    && !is_dead
                    && let Some(until) = self.retry_at(&lease, rests_until, &rule, diagnosis)
                {
                    lease.progress.retries = lease.progress.retries.saturating_add(1);
                    return (self.retry(id, lease, slot, until), None);
                }
                lease.progress.retries = 0;
                let can_pass = rule.action == Action::CoolDown || rests_until.is_some();
                lease.progress.failed.push(Failed { slot, can_pass });
                self.revert_unconfirmed(&mut lease.progress, slot, model.as_deref(), diagnosis);
                let next = self.leases.next_id();
                self.advance(next, lease, None)
            }
        }
    }

    /// When a request may try the same credential again, if that is soon enough to wait for.
    fn retry_at(
        &mut self,
        lease: &Lease,
        rests_until: Option<Timestamp>,
        rule: &Rule,
        diagnosis: &Diagnosis,
    ) -> Option<Timestamp> {
        let until = match rests_until {
            Some(until) => until,
            None => self.now.saturating_add(self.retry_delay(rule, diagnosis, lease.progress.retries)),
        };
        let is_soon = until.since(self.now) <= Duration::from_millis(rule.max_retry_delay_ms);
        (is_soon && self.can_wait(lease, until)).then_some(until)
    }

    /// How long a request waits before it is tried again with a credential that does not cooldown.
    fn retry_delay(&mut self, rule: &Rule, diagnosis: &Diagnosis, retries: u32) -> Duration {
        let doubled = rule.retry_delay_ms.saturating_mul(2_u64.saturating_pow(retries)).min(rule.max_retry_delay_ms);
        let asked = diagnosis.hint.filter(|_| rule.hints).map(|hint| millis(hint.until.since(self.now)));
        let delay = asked.map_or(doubled, |asked| asked.clamp(rule.min_hint_ms, rule.max_hint_ms).max(doubled));
        let most = delay.saturating_mul(u64::from(self.policy.jitter_percent)) / 100;
        let chance = self.random.below(u32::try_from(most).unwrap_or(u32::MAX));
        Duration::from_millis(delay.saturating_add(u64::from(chance)))
    }

    fn retry(&mut self, id: LeaseId, lease: Lease, slot: Slot, until: Timestamp) -> NextMove {
        self.park(id, lease, until, Some(slot));
        NextMove::Retry { lease: id, credential: self.id(slot), until }
    }

    fn refresh_first(&mut self, id: LeaseId, mut lease: Lease, slot: Slot) -> Answer {
        let (intent, started) = self.start_refresh(slot);
        if !lease.progress.refreshed.contains(&slot) {
            lease.progress.refreshed.push(slot);
        }
        self.tell(slot, Happening::AwaitsRefresh { intent });
        self.park(id, lease, self.now, Some(slot));
        (NextMove::Refresh { lease: id, credential: self.id(slot), intent }, started)
    }

    /// The move of a request that no credential can serve now.
    fn without_credential(&mut self, id: LeaseId, mut lease: Lease) -> NextMove {
        if self.roster.is_empty() {
            return NextMove::Empty;
        }
        let outlook = self.outlook(&lease);
        let after = |millis| self.now.saturating_add(Duration::from_millis(millis));
        let recheck = outlook.is_held.then(|| after(self.policy.recheck_ms));
        // A request that failed everywhere comes back less and less often.
        let can_return = lease.progress.failed.iter().any(|failed| failed.can_pass);
        let doubled = self.policy.recheck_ms.saturating_mul(2_u64.saturating_pow(lease.progress.returns));
        let again = outlook.has_failed.then(|| after(doubled));
        let soonest = [outlook.back_at, recheck, again].into_iter().flatten().min();
        match soonest.map(|until| if can_return { until.max(after(doubled)) } else { until }) {
            Some(until) if self.can_wait(&lease, until) => {
                if can_return {
                    lease.progress.failed.retain(|failed| !failed.can_pass);
                    lease.progress.returns = lease.progress.returns.saturating_add(1);
                }
                self.park(id, lease, until, None);
                NextMove::Wait { lease: id, until }
            }
            Some(until) => NextMove::Exhausted { retry_at: Some(outlook.back_at.unwrap_or(until)) },
            None => match lease.progress.last_failure {
                Some(reason) if lease.progress.failed.iter().any(|failed| self.roster.is_available(failed.slot)) => {
                    NextMove::GiveUp { reason }
                }
                _ => NextMove::Exhausted { retry_at: None },
            },
        }
    }

    /// What a request can wait for that no credential can serve now.
    fn outlook(&self, lease: &Lease) -> RetryOutlook {
        let mut outlook = RetryOutlook::default();
        for (slot, member) in self.roster.iter() {
            let failed = lease.progress.failed.iter().rfind(|failed| failed.slot == slot);
            let cap = self.roster.cap(member);
            let is_out = !self.roster.could_serve(member) || failed.is_some_and(|failed| !failed.can_pass);
            match member.back_at(lease.request.model.as_deref(), self.now) {
                _ if is_out => {}
                Some(back) => outlook.back_at = Some(outlook.back_at.map_or(back, |earlier| earlier.min(back))),
                None if failed.is_some() => outlook.has_failed = true,
                None => {
                    let is_full = cap.is_some_and(|cap| member.in_flight >= cap);
                    outlook.is_held |= is_full || matches!(member.health.probe, Probe::Running(_));
                }
            }
        }
        outlook
    }

    fn park(&mut self, id: LeaseId, mut lease: Lease, until: Timestamp, prefers: Option<Slot>) {
        lease.phase = Phase::Waiting { since: self.now, prefers };
        lease.ends_at = until.max(self.now).saturating_add(Duration::from_millis(self.policy.lease_ms));
        self.leases.insert(id, lease);
    }

    fn can_wait(&self, lease: &Lease, until: Timestamp) -> bool {
        let longer = millis(until.since(self.now)).max(1);
        lease.progress.waited_ms.saturating_add(longer) <= self.patience(lease)
    }

    fn patience(&self, lease: &Lease) -> u64 {
        lease.request.patience_ms.unwrap_or(self.policy.patience_ms)
    }

    /// Whether a failure tells nothing new of a credential that does not cooldown.
    fn is_answered(&self, sending: &Sending) -> bool {
        self.roster
            .get(sending.slot)
            .is_some_and(|member| sending.sent <= member.health.stale_up_to && !member.is_cooling_down(self.now))
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

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
