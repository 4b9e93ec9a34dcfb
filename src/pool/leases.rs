//! The leases that are under way, and those that ran out and may still be reported.

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
    member::Sent,
    slot::Slot,
};

/// Every lease that the pool has not forgotten.
#[derive(Clone, Debug, Default)]
pub(super) struct Leases {
    last: u64,
    live: FxHashMap<LeaseId, Lease>,
    /// When the live ones run out.
    ends: DeadlineQueue<LeaseId>,
    /// Those that ran out while their request was under way.
    late: FxHashMap<LeaseId, Late>,
    /// When the late ones are forgotten.
    late_ends: DeadlineQueue<LeaseId>,
}

/// One request, from its selection to its end.
#[derive(Clone, Debug)]
pub(super) struct Lease {
    pub(super) request: Request,
    pub(super) progress: Progress,
    pub(super) phase: Phase,
    pub(super) ends_at: Timestamp,
}

/// Where a request is.
#[derive(Clone, Debug)]
pub(super) enum Phase {
    /// The provider has it.
    Sent(Sending),
    /// It waits since then; for this credential, if it can serve.
    Waiting { since: Timestamp, prefers: Option<Slot> },
}

/// A request that is under way with a credential.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sending {
    pub(super) slot: Slot,
    pub(super) key_changes: u32,
    pub(super) sent: Sent,
    /// Whether the credential is on probe with it.
    pub(super) is_probe: bool,
}

/// What a request has been through.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    /// Its first lease.
    pub(super) origin: LeaseId,
    /// Credentials that failed it since it last waited for one.
    pub(super) failed: Vec<Failed>,
    /// How often it came back to credentials that had failed it.
    pub(super) returns: u32,
    /// Logins that were refreshed for it.
    pub(super) refreshed: Vec<Slot>,
    /// Retries in a row with the same credential.
    pub(super) retries: u32,
    /// Faults of the provider that it has waited out.
    pub(super) outages: u32,
    pub(super) waited_ms: u64,
    pub(super) last_failure: Option<FailureKind>,
    /// The last rest that began by its word.
    pub(super) penalty: Option<UnconfirmedCooldown>,
}

/// A credential that failed a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failed {
    pub(super) slot: Slot,
    /// Whether it may serve the request after a while.
    pub(super) can_pass: bool,
}

/// A rest that began by a request's word alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct UnconfirmedCooldown {
    pub(super) slot: Slot,
    pub(super) kind: FailureKind,
}

/// A lease that ran out while its request was under way.
#[derive(Clone, Debug)]
pub(super) struct Late {
    pub(super) request: Request,
    pub(super) origin: LeaseId,
    pub(super) sending: Sending,
    /// Until when a report is still taken in.
    pub(super) until: Timestamp,
}

/// A lease that somebody names.
pub(super) enum Found {
    Sent,
    Waiting,
    Late,
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

    /// Returns the request that a lease has sent, late leases included; `None` if the lease waits or is unknown.
    pub(super) fn sending(&self, id: LeaseId) -> Option<&Sending> {
        match self.live.get(&id).map(|lease| &lease.phase) {
            Some(Phase::Sent(sending)) => Some(sending),
            Some(Phase::Waiting { .. }) => None,
            None => self.late.get(&id).map(|late| &late.sending),
        }
    }

    pub(super) fn find(&self, id: LeaseId) -> Result<Found, Error> {
        match self.live.get(&id).map(|lease| &lease.phase) {
            Some(Phase::Sent(_)) => Ok(Found::Sent),
            Some(Phase::Waiting { .. }) => Ok(Found::Waiting),
            None if self.late.contains_key(&id) => Ok(Found::Late),
            None if (1..=self.last).contains(&id.0) => Err(Error::new(
                ErrorCode::LeaseEnded,
                "this lease has ended; go by the lease in the latest answer, and report each attempt once",
            )),
            None => Err(Error::new(
                ErrorCode::UnknownLease,
                "the pool never handed out this lease; use the one that `lease`, `resume` or `report` answered",
            )),
        }
    }

    /// When the next one runs out.
    pub(super) fn next_end(&self) -> Option<Timestamp> {
        self.ends.first().map(|(at, _)| at)
    }

    /// The next one that has run out.
    pub(super) fn take_run_out(&mut self, now: Timestamp) -> Option<(LeaseId, Lease)> {
        let (_, id) = self.ends.first().filter(|(at, _)| *at <= now)?;
        self.take(id).map(|lease| (id, lease))
    }

    pub(super) fn keep_late(&mut self, id: LeaseId, late: Late) {
        self.late_ends.insert(late.until, id);
        self.late.insert(id, late);
    }

    pub(super) fn take_late(&mut self, id: LeaseId) -> Option<Late> {
        let late = self.late.remove(&id)?;
        self.late_ends.remove(late.until, id);
        Some(late)
    }

    pub(super) fn forget_late(&mut self, now: Timestamp) {
        while let Some((at, id)) = self.late_ends.first().filter(|(at, _)| *at <= now) {
            self.late_ends.remove(at, id);
            self.late.remove(&id);
        }
    }
}

impl Lease {
    /// What is kept of a lease that ran out while its request was under way.
    pub(super) fn late(self, sending: Sending, until: Timestamp) -> Late {
        Late { request: self.request, origin: self.progress.origin, sending, until }
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
            penalty: None,
        }
    }

    pub(super) fn has_failed(&self, slot: Slot) -> bool {
        self.failed.iter().any(|failed| failed.slot == slot)
    }
}
