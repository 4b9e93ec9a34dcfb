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
}

/// Attempts and waits of a request so far.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    /// First lease of the request.
    pub(super) origin: LeaseId,
    /// Credentials that failed the request since its last wait for a failed credential.
    pub(super) failed: Vec<FailedCredential>,
    /// Number of times that the request returned to credentials that had failed it.
    pub(super) returns: u32,
    /// Logins that were refreshed for the request.
    pub(super) refreshed: Vec<Slot>,
    /// Number of retries in a row with the same credential.
    pub(super) retries: u32,
    /// Number of waits after failures that every credential would meet.
    pub(super) outages: u32,
    /// Sum of all waits, in milliseconds.
    pub(super) waited_ms: u64,
    pub(super) last_failure: Option<FailureKind>,
    /// Last cooldown that only this request reported.
    pub(super) unconfirmed: Option<UnconfirmedCooldown>,
}

/// A credential that failed a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct FailedCredential {
    pub(super) slot: Slot,
    /// Whether the credential may serve the request later.
    pub(super) is_temporary: bool,
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
        self.live.insert(id, lease);
    }

    pub(super) fn take(&mut self, id: LeaseId) -> Option<Lease> {
        let lease = self.live.remove(&id)?;
        self.ends.remove(lease.ends_at, id);
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
    /// Reduces an expired lease to the part that a late report needs.
    pub(super) fn into_expired(self, attempt: Attempt, until: Timestamp) -> ExpiredLease {
        ExpiredLease { request: self.request, origin: self.progress.origin, attempt, until }
    }
}

impl Progress {
    pub(super) fn of(origin: LeaseId) -> Self {
        Self {
            origin,
            failed: Vec::new(),
            returns: 0,
            refreshed: Vec::new(),
            retries: 0,
            outages: 0,
            waited_ms: 0,
            last_failure: None,
            unconfirmed: None,
        }
    }

    pub(super) fn has_failed(&self, slot: Slot) -> bool {
        self.failed.iter().any(|failed| failed.slot == slot)
    }
}
