//! Leases: live leases with their deadlines, and expired leases whose reports may still arrive.

use std::time::Duration;

use rustc_hash::FxHashMap;

use crate::{
    error::{Error, ErrorCode},
    failure::FailureKind,
    id::LeaseId,
    lease::Request,
    time::Timestamp,
};

use super::{
    deadlines::{DeadlineQueue, QueueKey},
    member::AttemptNumber,
    slot::Slot,
};

/// Every lease that the pool has not forgotten.
#[derive(Clone, Debug, Default)]
pub(super) struct Leases {
    last: u64,
    live: FxHashMap<LeaseId, Lease>,
    /// Number of live leases that wait.
    waiting: usize,
    /// Expiry of the live leases.
    ends: DeadlineQueue<LeaseId>,
    /// Leases that expired while an attempt was in flight.
    expired: FxHashMap<LeaseId, ExpiredLease>,
    /// Times at which expired leases are forgotten.
    expired_ends: DeadlineQueue<LeaseId>,
}

/// A request, from its selection to its end.
#[derive(Clone, Debug)]
pub(super) struct Lease {
    pub(super) request: Request,
    pub(super) progress: Progress,
    pub(super) phase: Phase,
    pub(super) ends_at: Timestamp,
}

/// Phase of a request.
#[derive(Clone, Debug)]
pub(super) enum Phase {
    /// An attempt is in flight.
    InFlight(Attempt),
    /// The request waits since this moment, and prefers this credential when it resumes.
    Waiting { since: Timestamp, preferred: Option<Slot> },
}

/// One attempt of a request with a credential.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt {
    pub(super) slot: Slot,
    /// Number of key changes of the credential when the attempt began.
    pub(super) key_changes: u32,
    pub(super) number: AttemptNumber,
    /// Whether the attempt is the probe of a half-open credential.
    pub(super) is_probe: bool,
    /// Whether the attempt is the scout of an outage.
    pub(super) is_scout: bool,
}

/// Attempts and waits of a request so far.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    /// First lease of the request.
    pub(super) origin: LeaseId,
    /// Failed attempts, by credential and reason.
    failures: Vec<FailedAttempts>,
    /// Logins that were refreshed for the request.
    pub(super) refreshed: Vec<Slot>,
    /// Number of failures of the provider that the request met.
    pub(super) outages: u32,
    /// Credential with which the provider failed the request repeatedly: the next attempt tries others first.
    pub(super) avoided: Option<Slot>,
    /// Sum of all waits, in milliseconds.
    pub(super) waited_ms: u64,
    pub(super) last_failure: Option<FailureKind>,
    /// Last cooldown that only this request reported.
    pub(super) unconfirmed: Option<UnconfirmedCooldown>,
}

/// Failed attempts of a request with one credential for one reason.
#[derive(Clone, Copy, Debug)]
struct FailedAttempts {
    slot: Slot,
    /// Reason; `None` if the credential was not tried, since a refresh brought no token that serves.
    kind: Option<FailureKind>,
    count: u32,
    again: Again,
}

/// Whether a request tries a credential again that failed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// The request may retry the credential.
    Now,
    /// The request may retry the credential once its cooldown is over, whose end the provider announced.
    AfterCooldown,
    Never,
}

/// A cooldown that only one request reported.
#[derive(Clone, Copy, Debug)]
pub(super) struct UnconfirmedCooldown {
    pub(super) slot: Slot,
    pub(super) kind: FailureKind,
}

/// A lease that expired while an attempt was in flight.
#[derive(Clone, Debug)]
pub(super) struct ExpiredLease {
    pub(super) request: Request,
    pub(super) origin: LeaseId,
    pub(super) attempt: Attempt,
    /// Time until which a report is accepted.
    pub(super) until: Timestamp,
}

/// State of a lease that an input names.
pub(super) enum LeaseState {
    InFlight,
    Waiting,
    Expired,
}

impl QueueKey for LeaseId {
    fn number(self) -> u64 {
        self.0
    }

    fn of_number(number: u64) -> Self {
        Self(number)
    }
}

impl Leases {
    pub(super) fn next_id(&mut self) -> LeaseId {
        self.last = self.last.saturating_add(1);
        LeaseId(self.last)
    }

    pub(super) fn insert(&mut self, id: LeaseId, lease: Lease) {
        self.ends.insert(lease.ends_at, id);
        self.waiting = self.waiting.saturating_add(usize::from(lease.is_waiting()));
        self.live.insert(id, lease);
    }

    /// Returns the number of requests that wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    pub(super) fn take(&mut self, id: LeaseId) -> Option<Lease> {
        let lease = self.live.remove(&id)?;
        self.ends.remove(lease.ends_at, id);
        self.waiting = self.waiting.saturating_sub(usize::from(lease.is_waiting()));
        Some(lease)
    }

    pub(super) fn get(&self, id: LeaseId) -> Option<&Lease> {
        self.live.get(&id)
    }

    /// Returns the attempt of a lease, expired leases included; `None` if the lease waits or is unknown.
    pub(super) fn attempt(&self, id: LeaseId) -> Option<&Attempt> {
        match self.live.get(&id).map(|lease| &lease.phase) {
            Some(Phase::InFlight(attempt)) => Some(attempt),
            Some(Phase::Waiting { .. }) => None,
            None => self.expired.get(&id).map(|expired| &expired.attempt),
        }
    }

    pub(super) fn find(&self, id: LeaseId) -> Result<LeaseState, Error> {
        match self.live.get(&id).map(|lease| &lease.phase) {
            Some(Phase::InFlight(_)) => Ok(LeaseState::InFlight),
            Some(Phase::Waiting { .. }) => Ok(LeaseState::Waiting),
            None if self.expired.contains_key(&id) => Ok(LeaseState::Expired),
            None if (1..=self.last).contains(&id.0) => Err(Error::new(
                ErrorCode::LeaseEnded,
                "this lease has ended; use the lease of the latest answer, and report each attempt once",
            )),
            None => Err(Error::new(
                ErrorCode::UnknownLease,
                "the pool never handed out this lease; use the lease that `lease`, `resume` or `report` returned",
            )),
        }
    }

    /// Returns the expiry of the next live lease to expire; `None` without live leases.
    pub(super) fn next_end(&self) -> Option<Timestamp> {
        self.ends.first().map(|(at, _)| at)
    }

    /// Takes the next live lease that has expired; `None` if no lease has.
    pub(super) fn expire_next(&mut self, now: Timestamp) -> Option<(LeaseId, Lease)> {
        let (_, id) = self.ends.first().filter(|(at, _)| *at <= now)?;
        self.take(id).map(|lease| (id, lease))
    }

    /// Moves the ends of leases back that began, for `length`, in the wrong future.
    pub(super) fn move_back(&mut self, now: Timestamp, jump: Duration, length: Duration) {
        for (id, lease) in &mut self.live {
            let since = match &lease.phase {
                Phase::InFlight(_) => lease.ends_at.saturating_sub(length),
                Phase::Waiting { since, .. } => *since,
            };
            if since <= now {
                continue;
            }
            self.ends.remove(lease.ends_at, *id);
            lease.ends_at = lease.ends_at.saturating_sub(jump);
            self.ends.insert(lease.ends_at, *id);
            if let Phase::Waiting { since, .. } = &mut lease.phase {
                *since = since.saturating_sub(jump);
            }
        }
    }

    pub(super) fn remember_expired(&mut self, id: LeaseId, late: ExpiredLease) {
        self.expired_ends.insert(late.until, id);
        self.expired.insert(id, late);
    }

    pub(super) fn take_expired(&mut self, id: LeaseId) -> Option<ExpiredLease> {
        let late = self.expired.remove(&id)?;
        self.expired_ends.remove(late.until, id);
        Some(late)
    }

    pub(super) fn forget_expired(&mut self, now: Timestamp) {
        while let Some((at, id)) = self.expired_ends.first().filter(|(at, _)| *at <= now) {
            self.expired_ends.remove(at, id);
            self.expired.remove(&id);
        }
    }
}

impl Lease {
    fn is_waiting(&self) -> bool {
        matches!(self.phase, Phase::Waiting { .. })
    }

    /// Reduces an expired lease to the part that a late report needs.
    pub(super) fn into_expired(self, attempt: Attempt, until: Timestamp) -> ExpiredLease {
        ExpiredLease { request: self.request, origin: self.progress.origin, attempt, until }
    }
}

impl Progress {
    pub(super) fn of(origin: LeaseId) -> Self {
        Self {
            origin,
            failures: Vec::new(),
            refreshed: Vec::new(),
            outages: 0,
            avoided: None,
            waited_ms: 0,
            last_failure: None,
            unconfirmed: None,
        }
    }

    /// Counts a failed attempt; returns the number of attempts that failed with this credential for this reason.
    pub(super) fn count_failure(&mut self, slot: Slot, kind: Option<FailureKind>) -> u32 {
        let same = |failed: &&mut FailedAttempts| failed.slot == slot && failed.kind == kind;
        match self.failures.iter_mut().find(same) {
            Some(failed) => {
                failed.count = failed.count.saturating_add(1);
                failed.count
            }
            None => {
                self.failures.push(FailedAttempts { slot, kind, count: 1, again: Again::Now });
                1
            }
        }
    }

    /// Sets whether the request tries a credential again that failed it.
    pub(super) fn set_again(&mut self, slot: Slot, again: Again) {
        for failed in self.failures.iter_mut().filter(|failed| failed.slot == slot) {
            failed.again = again;
        }
    }

    /// Returns whether the request tries a credential again; `None` if the credential has not failed the request.
    pub(super) fn again(&self, slot: Slot) -> Option<Again> {
        self.failures.iter().find(|failed| failed.slot == slot).map(|failed| failed.again)
    }

    /// Lets the request return to the credentials whose cooldowns it waits for.
    pub(super) fn return_after_wait(&mut self) {
        for failed in self.failures.iter_mut().filter(|failed| failed.again == Again::AfterCooldown) {
            failed.again = Again::Now;
        }
    }

    /// Returns the credentials that failed the request.
    pub(super) fn failed(&self) -> impl Iterator<Item = Slot> {
        self.failures.iter().map(|failed| failed.slot)
    }

    /// Returns whether the request must not use a credential that failed it.
    pub(super) fn has_failed(&self, slot: Slot) -> bool {
        self.again(slot).is_some_and(|again| again != Again::Now)
    }
}
