//! Outages: a provider fails for every credential. One request at a time, the scout, probes the provider with exponential
//! backoff. All other requests wait, and are admitted in steps once a scout was served.

use std::time::Duration;

use crate::{id::LeaseId, time::Timestamp};

use super::{member::AttemptNumber, ramp::Ramp, slot::Slot};

/// Faults of providers that the pool knows of. There are few: an entry ends with the first served request.
#[derive(Clone, Debug, Default)]
pub(super) struct Outages {
    faults: Vec<Fault>,
}

/// Requests that a fault concerns: those to one base URL for one model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scope {
    pub(super) base_url: Option<String>,
    pub(super) model: Option<String>,
}

/// Failed attempt that shows a fault of the provider.
pub(super) struct FaultReport {
    pub(super) slot: Slot,
    /// First lease of the request.
    pub(super) origin: LeaseId,
    pub(super) attempt: AttemptNumber,
    pub(super) is_scout: bool,
    /// Whether another credential could serve requests of the scope.
    pub(super) has_others: bool,
    /// Whether all credentials that could serve are in the scope.
    pub(super) is_everywhere: bool,
}

/// Provider's fault as the pool knows it after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FaultState {
    /// A failure, which a retry may mend.
    Suspected,
    /// An outage that this failure began.
    Began,
    /// An outage that goes on; the number of scouts that failed.
    GoesOn { probes: u32 },
}

/// Reason why a request must not start yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// The next scout starts, or the ramp admits more requests, at this time.
    Until(Timestamp),
    /// A scout is in flight.
    Scout,
}

#[derive(Clone, Debug)]
struct Fault {
    scope: Scope,
    phase: Phase,
}

#[derive(Clone, Debug)]
enum Phase {
    /// Failures since the last served request.
    Suspected(Suspicion),
    /// Only a scout is sent.
    Outage(Outage),
    /// A scout was served.
    Recovering {
        ramp: Ramp,
        /// Last attempt before the recovery: failures of attempts up to this number belong to the outage.
        stale_up_to: AttemptNumber,
        is_everywhere: bool,
    },
}

#[derive(Clone, Debug)]
struct Suspicion {
    failures: u32,
    first: (Slot, LeaseId),
    has_other_request: bool,
    last_at: Timestamp,
}

#[derive(Clone, Debug)]
struct Outage {
    /// Number of scouts that failed.
    probes: u32,
    probe_at: Timestamp,
    /// Start of the last attempt.
    sent_at: Timestamp,
    scout: Option<Scout>,
    /// Credentials that met the fault, up to a maximum: a scout tries others first.
    failed: Vec<Slot>,
    is_everywhere: bool,
}

#[derive(Clone, Copy, Debug)]
struct Scout {
    lease: LeaseId,
    since: Timestamp,
}

/// Time without a failure after which a suspicion ends.
const SUSPICION: Duration = Duration::from_secs(30);
/// Number of failures in a row, without a served request between them, that are an outage whichever credential met them.
const RETRY_BUDGET: u32 = 8;
/// Time after which a scout that has no answer yet no longer holds others back: long answers are usual.
const SCOUT_PATIENCE: Duration = Duration::from_secs(8);
/// Shortest time between attempts of requests that can wait no longer.
const LAST_ATTEMPTS_EVERY: Duration = Duration::from_secs(1);
const MAX_FAULTS: usize = 64;
const MAX_FAILED: usize = 16;

impl Outages {
    pub(super) fn is_empty(&self) -> bool {
        self.faults.is_empty()
    }

    /// Takes in a failed attempt.
    pub(super) fn failed(&mut self, scope: Scope, report: &FaultReport, now: Timestamp) -> FaultState {
        self.faults.retain(|fault| !fault.is_over(now));
        let Some(fault) = self.faults.iter_mut().find(|fault| fault.scope == scope) else {
            if self.faults.len() >= MAX_FAULTS {
                self.faults.remove(0);
            }
            let first = (report.slot, report.origin);
            let suspicion = Suspicion { failures: 1, first, has_other_request: false, last_at: now };
            self.faults.push(Fault { scope, phase: Phase::Suspected(suspicion) });
            return FaultState::Suspected;
        };
        match &mut fault.phase {
            Phase::Suspected(suspicion) => {
                suspicion.failures = suspicion.failures.saturating_add(1);
                suspicion.has_other_request |= suspicion.first.1 != report.origin;
                suspicion.last_at = now;
                let is_outage = suspicion.first.0 != report.slot
                    || (suspicion.has_other_request && !report.has_others)
                    || suspicion.failures >= RETRY_BUDGET;
                if !is_outage {
                    return FaultState::Suspected;
                }
                let mut failed = vec![suspicion.first.0];
                failed.extend(Some(report.slot).filter(|slot| *slot != suspicion.first.0));
                fault.phase = Phase::Outage(Outage::new(failed, report, now));
                FaultState::Began
            }
            Phase::Outage(outage) => {
                if report.is_scout {
                    outage.probes = outage.probes.saturating_add(1);
                    outage.is_everywhere = report.is_everywhere;
                }
                if !outage.failed.contains(&report.slot) && outage.failed.len() < MAX_FAILED {
                    outage.failed.push(report.slot);
                }
                FaultState::GoesOn { probes: outage.probes }
            }
            Phase::Recovering { stale_up_to, .. } if report.attempt <= *stale_up_to => FaultState::Suspected,
            Phase::Recovering { .. } => {
                fault.phase = Phase::Outage(Outage::new(vec![report.slot], report, now));
                FaultState::Began
            }
        }
    }

    /// Sets the time of the next scout.
    pub(super) fn probe_at(&mut self, scope: &Scope, at: Timestamp) {
        if let Some(Phase::Outage(outage)) = self.phase(scope) {
            outage.probe_at = outage.probe_at.max(at);
        }
    }

    /// Takes in a served request; returns whether it ended an outage.
    pub(super) fn served(
        &mut self,
        scope: &Scope,
        is_scout: bool,
        last_attempt: AttemptNumber,
        now: Timestamp,
    ) -> bool {
        let Some(place) = self.faults.iter().position(|fault| fault.scope == *scope) else { return false };
        let Some(fault) = self.faults.get_mut(place) else { return false };
        match &fault.phase {
            Phase::Suspected(_) => {
                self.faults.remove(place);
                false
            }
            // Without entries, requests need not look for a fault.
            Phase::Recovering { ramp, .. } if ramp.is_over(now) => {
                self.faults.remove(place);
                false
            }
            Phase::Recovering { .. } => false,
            Phase::Outage(outage) if is_scout => {
                let is_everywhere = outage.is_everywhere;
                fault.phase = Phase::Recovering { ramp: Ramp::new(now), stale_up_to: last_attempt, is_everywhere };
                true
            }
            Phase::Outage(_) => false,
        }
    }

    /// Counts the start of an attempt; returns whether the attempt is the scout of an outage.
    pub(super) fn begin(&mut self, scope: &Scope, lease: LeaseId, now: Timestamp) -> bool {
        match self.phase(scope) {
            Some(Phase::Outage(outage)) => {
                outage.sent_at = now;
                outage.scout = Some(Scout { lease, since: now });
                true
            }
            Some(Phase::Recovering { ramp, .. }) => {
                ramp.admit();
                false
            }
            Some(Phase::Suspected(_)) | None => false,
        }
    }

    /// Ends the attempt of a scout: the next request may be the scout.
    pub(super) fn end_scout(&mut self, lease: LeaseId) {
        for fault in &mut self.faults {
            if let Phase::Outage(outage) = &mut fault.phase {
                outage.scout.take_if(|scout| scout.lease == lease);
            }
        }
    }

    /// Returns the reason why a request to `base_url` for `model` must not start yet; `None` if it may.
    pub(super) fn hold(&self, base_url: Option<&str>, model: Option<&str>, now: Timestamp) -> Option<Hold> {
        self.faults.iter().find(|fault| fault.scope.covers(base_url, model))?.hold(now)
    }

    /// Returns the reason why no request for `model` must start yet, whichever credential would serve it.
    pub(super) fn hold_everywhere(&self, model: Option<&str>, now: Timestamp) -> Option<Hold> {
        let is_everywhere = |phase: &Phase| match phase {
            Phase::Suspected(_) => false,
            Phase::Outage(Outage { is_everywhere, .. }) | Phase::Recovering { is_everywhere, .. } => *is_everywhere,
        };
        let mut faults = self.faults.iter().filter(|fault| fault.scope.model.as_deref() == model);
        faults.find(|fault| is_everywhere(&fault.phase))?.hold(now)
    }

    /// Returns whether a request for `model` that can wait no longer may start all the same: it would end without an
    /// attempt while the provider may serve again.
    pub(super) fn admits_last_attempt(&self, model: Option<&str>, now: Timestamp) -> bool {
        let mut faults = self.faults.iter().filter(|fault| fault.scope.model.as_deref() == model);
        faults.all(|fault| match &fault.phase {
            Phase::Suspected(_) | Phase::Recovering { .. } => true,
            Phase::Outage(outage) => now.since(outage.sent_at) >= LAST_ATTEMPTS_EVERY,
        })
    }

    /// Returns whether a credential met the fault of an outage for `model`: a scout tries others first.
    pub(super) fn has_met(&self, slot: Slot, model: Option<&str>) -> bool {
        let mut faults = self.faults.iter().filter(|fault| fault.scope.model.as_deref() == model);
        faults.any(|fault| matches!(&fault.phase, Phase::Outage(outage) if outage.failed.contains(&slot)))
    }

    fn phase(&mut self, scope: &Scope) -> Option<&mut Phase> {
        self.faults.iter_mut().find(|fault| fault.scope == *scope).map(|fault| &mut fault.phase)
    }
}

impl Hold {
    /// Returns the time at which the request may start; `None` if that depends on the scout.
    pub(super) const fn until(self) -> Option<Timestamp> {
        match self {
            Self::Until(at) => Some(at),
            Self::Scout => None,
        }
    }
}

impl Scope {
    fn covers(&self, base_url: Option<&str>, model: Option<&str>) -> bool {
        self.model.as_deref() == model && self.base_url.as_deref() == base_url
    }
}

impl Fault {
    fn is_over(&self, now: Timestamp) -> bool {
        match &self.phase {
            Phase::Suspected(suspicion) => now.since(suspicion.last_at) >= SUSPICION,
            Phase::Outage(_) => false,
            Phase::Recovering { ramp, .. } => ramp.is_over(now),
        }
    }

    fn hold(&self, now: Timestamp) -> Option<Hold> {
        match &self.phase {
            Phase::Suspected(_) => None,
            Phase::Outage(Outage { scout: Some(scout), .. }) if now.since(scout.since) < SCOUT_PATIENCE => {
                Some(Hold::Scout)
            }
            Phase::Outage(outage) => Some(outage.probe_at).filter(|at| now < *at).map(Hold::Until),
            Phase::Recovering { ramp, .. } => ramp.held_until(now).map(Hold::Until),
        }
    }
}

impl Outage {
    fn new(failed: Vec<Slot>, report: &FaultReport, now: Timestamp) -> Self {
        Self { probes: 0, probe_at: now, sent_at: now, scout: None, failed, is_everywhere: report.is_everywhere }
    }
}
