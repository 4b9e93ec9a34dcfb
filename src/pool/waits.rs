//! Waits: what a request waits for, and for how long.

use std::time::Duration;

use crate::{
    failure::Diagnosis,
    id::LeaseId,
    lease::{NextMove, Request},
    policy::Rule,
    time::Timestamp,
};

use super::{
    Pool,
    faults::hold,
    leases::{Again, Lease, Phase},
    member::{Member, Probe},
    outage::Hold,
    requests::millis,
    slot::Slot,
};

/// Events that can make a credential available to a waiting request.
#[derive(Default)]
struct RetryOutlook {
    /// Earliest time at which a cooldown or a refresh delay ends.
    available_at: Option<Timestamp>,
    /// Earliest such time that the request may wait for.
    awaited: Option<Timestamp>,
    /// Whether a credential could serve once another request ends.
    is_held: bool,
}

impl Pool {
    /// Returns the move of a request that no credential can serve now.
    pub(super) fn without_credential(&mut self, id: LeaseId, mut lease: Lease) -> NextMove {
        if self.roster.is_empty() {
            return NextMove::Empty;
        }
        let outlook = self.outlook(&lease);
        let recheck = outlook.is_held.then(|| self.now.saturating_add(Duration::from_millis(self.policy.recheck_ms)));
        match [outlook.awaited, recheck].into_iter().flatten().min() {
            Some(until) if self.can_wait(&lease, until) => {
                lease.progress.return_after_wait();
                self.park(id, lease, until, None);
                NextMove::Wait { lease: id, until }
            }
            soonest => match lease.progress.last_failure {
                // A credential that failed the request serves others: the request is at fault.
                Some(reason)
                    if soonest.is_none()
                        && lease.progress.failed().any(|slot| self.serves_others(slot, &lease.request)) =>
                {
                    NextMove::GiveUp { reason }
                }
                _ => NextMove::Exhausted { retry_at: outlook.available_at.or(soonest) },
            },
        }
    }

    /// Returns whether a credential that failed a request would serve another request for the same model.
    fn serves_others(&self, slot: Slot, request: &Request) -> bool {
        let cools_down = |member: &Member| member.model_cooldown(request.model.as_deref(), self.now).is_some();
        self.roster.is_available(slot) && !self.roster.get(slot).is_some_and(cools_down)
    }

    /// Collects the events for which a request can wait.
    fn outlook(&self, lease: &Lease) -> RetryOutlook {
        let mut outlook = RetryOutlook::default();
        for (slot, member) in self.roster.iter() {
            if !self.roster.could_serve(member) {
                continue;
            }
            let model = lease.request.model.as_deref();
            let again = lease.progress.again(slot);
            match member.available_at(model, self.now) {
                Some(at) => {
                    outlook.available_at = earliest(outlook.available_at, at);
                    if again != Some(Again::Never)
                        && let Some(at) = member.awaited_at(model, self.now)
                    {
                        outlook.awaited = earliest(outlook.awaited, at);
                    }
                }
                None if again.is_none_or(|again| again == Again::Now) => {
                    match hold(&self.roster, &self.outages, member, model, self.now) {
                        Some(Hold::Until(at)) => outlook.awaited = earliest(outlook.awaited, at),
                        Some(Hold::Scout) => outlook.is_held = true,
                        None => {}
                    }
                    let is_full = self.roster.cap(member).is_some_and(|cap| member.in_flight >= cap);
                    outlook.is_held |= is_full || matches!(member.health.probe, Probe::Running(_));
                }
                None => {}
            }
        }
        outlook
    }

    fn held_until(&self, hold: Hold) -> Timestamp {
        let recheck = || self.now.saturating_add(Duration::from_millis(self.policy.recheck_ms));
        hold.until().unwrap_or_else(recheck)
    }

    /// Returns whether a request that is held back can wait no longer, and may start all the same.
    pub(super) fn is_last_attempt(&self, lease: &Lease, hold: Hold) -> bool {
        lease.progress.waited_ms > 0
            && !self.can_wait(lease, self.held_until(hold))
            && self.outages.admits_last_attempt(lease.request.model.as_deref(), self.now)
    }

    /// Returns the move of a request that must not start yet.
    pub(super) fn hold_back(&mut self, id: LeaseId, lease: Lease, hold: Hold) -> NextMove {
        let until = self.held_until(hold);
        match self.can_wait(&lease, until) {
            true => {
                self.park(id, lease, until, None);
                NextMove::Wait { lease: id, until }
            }
            false => NextMove::Exhausted { retry_at: Some(until) },
        }
    }

    pub(super) fn retry(&mut self, id: LeaseId, lease: Lease, slot: Slot, until: Timestamp) -> NextMove {
        self.park(id, lease, until, Some(slot));
        NextMove::Retry { lease: id, credential: self.id(slot), until }
    }

    /// Returns the time at which a request may retry the same credential; `None` if that is beyond the rule's longest
    /// retry delay or the request's patience.
    pub(super) fn retry_at(
        &mut self,
        lease: &Lease,
        cools_down_until: Option<Timestamp>,
        rule: &Rule,
        diagnosis: &Diagnosis,
        attempts: u32,
    ) -> Option<Timestamp> {
        let until = match cools_down_until {
            Some(until) => until,
            None => self.now.saturating_add(self.retry_delay(rule, diagnosis, attempts.saturating_sub(1))),
        };
        let is_soon = until.since(self.now) <= Duration::from_millis(rule.max_retry_delay_ms);
        (is_soon && self.can_wait(lease, until)).then_some(until)
    }

    /// Returns the delay before a retry with a credential that does not cool down: exponential backoff, a hint within
    /// the rule's bounds, and jitter on top.
    pub(super) fn retry_delay(&mut self, rule: &Rule, diagnosis: &Diagnosis, retries: u32) -> Duration {
        let doubled = rule.retry_delay_ms.saturating_mul(2_u64.saturating_pow(retries)).min(rule.max_retry_delay_ms);
        let asked = diagnosis.hint.filter(|_| rule.hints).map(|hint| millis(hint.until.since(self.now)));
        let delay = asked.map_or(doubled, |asked| asked.clamp(rule.min_hint_ms, rule.max_hint_ms).max(doubled));
        let most = delay.saturating_mul(u64::from(self.policy.jitter_percent)) / 100;
        let chance = self.random.below(u32::try_from(most).unwrap_or(u32::MAX));
        Duration::from_millis(delay.saturating_add(u64::from(chance)))
    }

    pub(super) fn park(&mut self, id: LeaseId, mut lease: Lease, until: Timestamp, preferred: Option<Slot>) {
        lease.phase = Phase::Waiting { since: self.now, preferred };
        lease.ends_at = until.max(self.now).saturating_add(Duration::from_millis(self.policy.lease_ms));
        self.leases.insert(id, lease);
    }

    pub(super) fn can_wait(&self, lease: &Lease, until: Timestamp) -> bool {
        let longer = millis(until.since(self.now)).max(1);
        lease.progress.waited_ms.saturating_add(longer) <= self.patience(lease)
    }

    pub(super) fn patience(&self, lease: &Lease) -> u64 {
        lease.request.patience_ms.unwrap_or(self.policy.patience_ms)
    }
}

fn earliest(soonest: Option<Timestamp>, at: Timestamp) -> Option<Timestamp> {
    Some(soonest.map_or(at, |soonest| soonest.min(at)))
}
