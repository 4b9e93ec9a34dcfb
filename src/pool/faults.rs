//! Faults of a provider: what failures and served requests say of an outage, and whom it holds back.

use crate::{
    event::{Cause, Happening},
    failure::Diagnosis,
    id::LeaseId,
    policy::Rule,
    time::Timestamp,
};

use super::{
    Pool,
    leases::{Attempt, Lease},
    member::Member,
    outage::{FaultReport, FaultState, Hold, Outages, Scope},
    roster::Roster,
    slot::Slot,
};

impl Pool {
    /// Takes in a failure of the provider; returns whether the failure is part of an outage.
    pub(super) fn note_fault(
        &mut self,
        lease: &Lease,
        attempt: &Attempt,
        rule: &Rule,
        diagnosis: &Diagnosis,
        status: Option<i64>,
    ) -> bool {
        let hint = diagnosis.hint.filter(|_| rule.hints).map(|hint| hint.source);
        let cause = Cause { kind: Some(diagnosis.kind), status, at: Some(self.now), hint };
        let Some(scope) = self.scope(attempt.slot, lease.request.model.as_deref()) else { return false };
        let report = FaultReport {
            slot: attempt.slot,
            origin: lease.progress.origin,
            attempt: attempt.number,
            is_scout: attempt.is_scout,
            has_others: self.others(attempt.slot).any(|member| self.is_in(&scope, member)),
            is_everywhere: self.others(attempt.slot).all(|member| self.is_in(&scope, member)),
        };
        let state = self.outages.failed(scope.clone(), &report, self.now);
        let probes = match state {
            FaultState::Suspected => return false,
            FaultState::Began => 0,
            FaultState::GoesOn { probes } => probes,
        };
        // Attempts that were sent before the outage say nothing new.
        if attempt.is_scout || state == FaultState::Began {
            let probe_at = self.now.saturating_add(self.retry_delay(rule, diagnosis, probes));
            self.outages.probe_at(&scope, probe_at);
            self.emit(attempt.slot, Happening::Outage { probe_at, cause });
        }
        true
    }

    /// Takes in a served request, which ends a fault of the provider.
    pub(super) fn end_fault(&mut self, attempt: &Attempt, model: Option<&str>) {
        if self.outages.is_empty() {
            return;
        }
        let Some(scope) = self.scope(attempt.slot, model) else { return };
        if self.outages.served(&scope, attempt.is_scout, self.last_attempt, self.now) {
            self.emit(attempt.slot, Happening::OutageOver);
        }
    }

    /// Counts the start of an attempt; returns whether it is the scout of an outage.
    pub(super) fn begin_in_outage(&mut self, slot: Slot, lease: LeaseId, model: Option<&str>) -> bool {
        if self.roster.get(slot).is_some_and(|member| member.health.ramp.is_some()) {
            let now = self.now;
            self.roster.change(slot, |member| {
                member.health.ramp.take_if(|ramp| ramp.is_over(now));
                if let Some(ramp) = &mut member.health.ramp {
                    ramp.admit();
                }
            });
        }
        if self.outages.is_empty() {
            return false;
        }
        let scope = self.scope(slot, model);
        scope.is_some_and(|scope| self.outages.begin(&scope, lease, self.now))
    }

    /// Returns whether another credential could serve.
    pub(super) fn has_others(&self, slot: Slot) -> bool {
        self.others(slot).next().is_some()
    }

    fn others(&self, slot: Slot) -> impl Iterator<Item = &Member> {
        let others =
            self.roster.iter().filter(move |(other, member)| *other != slot && self.roster.could_serve(member));
        others.map(|(_, member)| member)
    }

    fn is_in(&self, scope: &Scope, member: &Member) -> bool {
        member.credential.runtime_base_url(self.roster.pool()) == scope.base_url.as_deref()
    }

    fn scope(&self, slot: Slot, model: Option<&str>) -> Option<Scope> {
        let member = self.roster.get(slot)?;
        let base_url = member.credential.runtime_base_url(self.roster.pool()).map(str::to_owned);
        Some(Scope { base_url, model: model.map(str::to_owned) })
    }
}

/// Returns the reason why a request for `model` must not start yet with a member: an outage of the provider, or the ramp
/// after a cooldown.
pub(super) fn hold(
    roster: &Roster,
    outages: &Outages,
    member: &Member,
    model: Option<&str>,
    now: Timestamp,
) -> Option<Hold> {
    let by_ramp = || member.health.ramp.and_then(|ramp| ramp.held_until(now)).map(Hold::Until);
    if outages.is_empty() {
        return by_ramp();
    }
    outages.hold(member.credential.runtime_base_url(roster.pool()), model, now).or_else(by_ramp)
}
