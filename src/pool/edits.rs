//! Every edit of the rows, each taken down as a change, and the step that hands changes out.

use serde_json::{Map, Value, json};

use crate::{
    change::{Change, RowFields},
    credential::{Credential, CredentialId, Status},
    error::Error,
    step::{Intent, Step},
    strategy::Strategy,
    time::{Timestamp, UnixSeconds},
};

use super::{FLUSH_AFTER, Pool, roster::Slot, unknown_credential};

impl Pool {
    /// The pool keeps the latest time it has seen.
    pub(super) fn observe(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
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
        Step { value, intents, wake: self.wake() }
    }

    /// An answer with everything that is unsaved.
    pub(super) fn flush_step(&mut self, refresh: Option<Intent>) -> Step<()> {
        self.write_uses();
        self.flush_at = None;
        let unsaved = self.ledger.has_unsaved().then(|| self.ledger.persist());
        Step { value: (), intents: unsaved.into_iter().chain(refresh).collect(), wake: self.wake() }
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

    /// Sets a member's status, unless it is what the member has.
    pub(super) fn set_status(
        &mut self,
        slot: Slot,
        status: Option<Status>,
        at: Option<Timestamp>,
        error_code: Option<i64>,
    ) {
        let Some(member) = self.roster.get(slot) else { return };
        let held = &member.credential;
        let at = at.map(UnixSeconds::from);
        if (&held.last_status, held.last_status_at, held.last_error_code) != (&status, at, error_code) {
            // A cooldown that another host began after this one ended must survive; one of a reset
            // or a new failure must not.
            let is_recovery = status == Some(Status::Ok);
            let now = (!is_recovery).then(|| UnixSeconds::from(self.now));
            let supersedes = held.last_status_at.max(now);
            let id = held.id.clone();
            self.commit(slot, Change::Status { id, status, at, error_code, supersedes });
        }
    }

    /// Sets fields of a member's row; a new secret starts fresh.
    pub(super) fn set(&mut self, slot: Slot, fields: Map<String, Value>) {
        let secret =
            |pool: &Self| pool.roster.get(slot).map(|member| member.credential.runtime_key(pool.roster.pool()).clone());
        let before = secret(self);
        self.commit(slot, Change::Edit { id: self.id(slot), set: RowFields(fields) });
        if secret(self) != before {
            self.set_status(slot, None, None, None);
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
        members.sort_by_key(|(_, member)| Strategy::FillFirst.rank(&member.credential));
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
