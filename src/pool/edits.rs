//! Every edit of the rows, each taken down as a change, and the step that hands changes out.

use serde_json::{Map, Value, json};

use crate::{
    change::{Change, RowFields},
    credential::{Credential, CredentialId, Status},
    error::Error,
    failure::FailureKind,
    step::{Intent, Step},
    strategy::Strategy,
    time::{Timestamp, UnixSeconds},
};

use super::{FLUSH_AFTER, Pool, member::Health, roster::Slot, unknown_credential};

/// What a row says of how a credential is doing; by default nothing, as after a reset.
#[derive(Default)]
pub(super) struct NewStatus {
    pub(super) status: Option<Status>,
    pub(super) at: Option<Timestamp>,
    pub(super) error_code: Option<i64>,
    pub(super) reason: Option<FailureKind>,
    pub(super) reset_at: Option<Timestamp>,
}

impl NewStatus {
    /// It has rested enough, or proved that it serves.
    pub(super) fn ok() -> Self {
        Self { status: Some(Status::Ok), ..Self::default() }
    }
}

impl Pool {
    /// The pool keeps the latest time it has seen. Leases that have run out by then end.
    pub(super) fn observe(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        self.end_leases_that_ran_out();
    }

    /// An answer, with whatever has to be written down before whatever has to be refreshed.
    pub(super) fn step<T>(&mut self, value: T, refresh: Option<Intent>) -> Step<T> {
        let mut intents = Vec::new();
        if self.ledger.has_news() {
            self.write_uses();
            intents.push(self.ledger.persist());
            self.flush_at = None;
        }
        intents.extend(refresh);
        Step { value, intents, events: std::mem::take(&mut self.events), wake: self.wake() }
    }

    /// An answer with everything that is unsaved.
    pub(super) fn flush_step(&mut self, refresh: Option<Intent>) -> Step<()> {
        self.write_uses();
        self.flush_at = None;
        let unsaved = self.ledger.has_unsaved().then(|| self.ledger.persist());
        let intents = unsaved.into_iter().chain(refresh).collect();
        Step { value: (), intents, events: std::mem::take(&mut self.events), wake: self.wake() }
    }

    pub(super) fn flush_by(&mut self, at: Timestamp) {
        self.flush_at = Some(self.flush_at.map_or(at, |earlier| earlier.min(at)));
    }

    /// A member has a use that no change tells of yet.
    pub(super) fn note_use(&mut self, slot: Slot) {
        self.used.push(slot);
        if self.flush_at.is_none() {
            self.flush_at = Some(self.now.saturating_add(FLUSH_AFTER));
        }
    }

    fn write_uses(&mut self) {
        for slot in std::mem::take(&mut self.used) {
            if let Some((count, turn)) = self.roster.take_unsaved_use(slot) {
                self.ledger.record(Change::Used { id: self.id(slot), count, turn });
            }
        }
    }

    /// Makes a change of a member's row, and takes it down.
    pub(super) fn commit(&mut self, slot: Slot, change: Change) {
        let pool = self.roster.pool().clone();
        self.roster.edit(slot, |credential| change.apply_to(credential, &pool));
        self.ledger.record(change);
    }

    /// Sets a member's status, unless it is what the member has. What reports have taught of the
    /// old one is forgotten.
    pub(super) fn set_status(&mut self, slot: Slot, new: NewStatus) {
        let heard_up_to = self.sent;
        self.roster.change(slot, |member| member.health = Health { heard_up_to, ..Health::default() });
        let Some(member) = self.roster.get(slot) else { return };
        let held = &member.credential;
        let (at, reset_at) = (new.at.map(UnixSeconds::from), new.reset_at.map(UnixSeconds::from));
        let is_the_same = (&held.last_status, held.last_status_at, held.last_error_code)
            == (&new.status, at, new.error_code)
            && held.reset_at() == new.reset_at
            && held.error_reason() == new.reason.map(FailureKind::name);
        if is_the_same {
            return;
        }
        // A cooldown that another host began after this one ended must survive; one of a reset
        // or a new failure must not.
        let is_recovery = new.status == Some(Status::Ok);
        let now = (!is_recovery).then(|| UnixSeconds::from(self.now));
        let supersedes = held.last_status_at.max(now);
        let (id, NewStatus { status, error_code, reason, .. }) = (held.id.clone(), new);
        self.commit(slot, Change::Status { id, status, at, error_code, reason, reset_at, supersedes });
    }

    /// Sets fields of a member's row; a new secret starts fresh.
    pub(super) fn set(&mut self, slot: Slot, fields: Map<String, Value>) {
        let secret =
            |pool: &Self| pool.roster.get(slot).map(|member| member.credential.runtime_key(pool.roster.pool()).clone());
        let before = secret(self);
        self.commit(slot, Change::Edit { id: self.id(slot), set: RowFields(fields) });
        if secret(self) != before {
            self.forget_failures(slot);
            self.set_status(slot, NewStatus::default());
        }
    }

    /// Takes a credential in behind all others.
    pub(super) fn join(&mut self, mut credential: Credential) -> Slot {
        credential.priority = self.roster.back_priority();
        credential.turn = match self.roster.back_turn() {
            1 => 0,
            turn => turn,
        };
        self.ledger.record(Change::Add { row: RowFields(credential.to_row()) });
        self.roster.insert(credential)
    }

    pub(super) fn drop_member(&mut self, slot: Slot) {
        let id = self.id(slot);
        self.roster.remove(slot);
        self.used.retain(|used| *used != slot);
        self.current = self.current.filter(|current| *current != slot);
        self.removed.insert(id.clone());
        self.ledger.record(Change::Remove { id });
    }

    /// Numbers priorities from 0 in this order.
    pub(super) fn number(&mut self, order: &[Slot]) {
        for (priority, slot) in (0_i64..).zip(order) {
            if self.roster.get(*slot).is_some_and(|member| member.credential.priority != priority) {
                let set = json!({ "priority": priority }).as_object().cloned().unwrap_or_default();
                self.commit(*slot, Change::Edit { id: self.id(*slot), set: RowFields(set) });
            }
        }
    }

    pub(super) fn by_priority(&self) -> Vec<Slot> {
        let mut members: Vec<_> = self.roster.iter().collect();
        members.sort_by_key(|(_, member)| Strategy::FillFirst.rank(&member.credential, 0));
        members.into_iter().map(|(slot, _)| slot).collect()
    }

    pub(super) fn find(&self, id: &CredentialId) -> Result<Slot, Error> {
        self.roster.slot(id.as_str()).ok_or_else(unknown_credential)
    }

    pub(super) fn id(&self, slot: Slot) -> CredentialId {
        self.roster.get(slot).map_or_else(|| CredentialId::from(""), |member| member.credential.id.clone())
    }

    pub(super) fn new_id(&mut self) -> CredentialId {
        loop {
            let id = self.random.short_id();
            if !self.is_taken(&id) {
                return id.into();
            }
        }
    }

    /// Whether a row of the pool has or had this id, also one that cannot be read.
    pub(super) fn is_taken(&self, id: &str) -> bool {
        let has_id = |row: &Value| row.get("id").and_then(Value::as_str) == Some(id);
        self.roster.slot(id).is_some() || self.removed.contains(id) || self.set_aside.iter().any(has_id)
    }
}
