//! Edits of rows: each is recorded as a change in the outbox, and each step hands new changes to the host.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::{
    credential::{
        Credential, Status,
        borrowed::blank_secrets,
        row_fields::{RowFields, split_token_fields},
    },
    error::Error,
    failure::FailureKind,
    id::CredentialId,
    policy::BorrowedSecrets,
    secret::Fingerprint,
    step::{Intent, Step},
    store::{
        change::Edit,
        merge::row::{CausalContext, tokens_of},
    },
    strategy::Strategy,
    time::{Timestamp, UnixSeconds},
};

use super::{
    Pool,
    member::{Health, Member},
    slot::Slot,
    status::{NewStatus, TokensBy},
    unknown_credential,
};

impl Pool {
    /// Completes a step: changes to persist come before a refresh. While a write is under way, changes wait for its
    /// settlement, and no longer than use counts.
    pub(super) fn step<T>(&mut self, value: T, refresh: Option<Intent>) -> Step<T> {
        let mut intents = Vec::new();
        if self.outbox.is_waiting() {
            self.flush_by(self.now.saturating_add(FLUSH_AFTER));
        } else if self.outbox.has_new_changes() {
            self.write_uses();
            intents.push(self.outbox.persist());
            self.flush_at = None;
        }
        intents.extend(refresh);
        Step { value, intents, events: std::mem::take(&mut self.events), wake: self.wake() }
    }

    /// Completes a step with all unsaved changes.
    pub(super) fn flush_step(&mut self, refresh: Option<Intent>) -> Step<()> {
        self.write_uses();
        self.flush_at = None;
        let unsaved = self.outbox.has_unsaved().then(|| self.outbox.persist());
        let intents = unsaved.into_iter().chain(refresh).collect();
        Step { value: (), intents, events: std::mem::take(&mut self.events), wake: self.wake() }
    }

    /// Completes the last step of a host: all unsaved changes, and the sign-off.
    pub(super) fn sign_off_step(&mut self) -> Step<()> {
        self.write_uses();
        self.outbox.sign_off();
        self.flush_step(None)
    }

    pub(super) fn flush_by(&mut self, at: Timestamp) {
        self.flush_at = Some(self.flush_at.map_or(at, |earlier| earlier.min(at)));
    }

    /// Schedules the first unsaved use of a member to be written.
    pub(super) fn note_use(&mut self, slot: Slot) {
        self.used.push(slot);
        if self.flush_at.is_none() {
            self.flush_at = Some(self.now.saturating_add(FLUSH_AFTER));
        }
    }

    /// Records unsaved uses as changes. While writes fail, uses accumulate in the members' counters, so that the outbox
    /// does not grow.
    fn write_uses(&mut self) {
        const MAX_UNSAVED: usize = 256;
        if self.failed_writes > 0 && self.outbox.unsaved().len() >= MAX_UNSAVED {
            return;
        }
        for slot in std::mem::take(&mut self.used) {
            if let Some((count, turn)) = self.roster.take_unsaved_use(slot) {
                self.outbox.record(Edit::Used { id: self.id(slot), count, turn });
            }
        }
    }

    /// Applies an edit to a member's row and records the edit as a change.
    pub(super) fn commit(&mut self, slot: Slot, edit: Edit) {
        let pool = self.roster.pool().clone();
        let token = |pool: &Self| pool.roster.get(slot).map(|member| member.credential.token_fingerprint());
        let before = token(self);
        self.roster.edit(slot, |credential| edit.apply_to(credential, &pool));
        let is_new_token = token(self) != before;
        let is_borrowed = self.roster.get(slot).is_some_and(|member| member.credential.is_stored_as_fingerprint());
        let mut stored = edit.clone();
        if let (true, Edit::Tokens { set, .. }) = (is_borrowed, &mut stored) {
            blank_secrets(&mut set.0);
        }
        let by = self.outbox.record(stored);
        self.roster.change(slot, |member| member.observe_edit(by, &edit, is_new_token));
    }

    /// Sets a member's status, and resets its health. An unchanged status is not recorded.
    pub(super) fn set_status(&mut self, slot: Slot, new: NewStatus) {
        let stale_up_to = self.last_attempt;
        self.roster.change(slot, |member| member.health = Health { stale_up_to, ..Health::default() });
        let Some(member) = self.roster.get(slot) else { return };
        let credential = &member.credential;
        let (at, reset_at) = (new.at.map(UnixSeconds::from), new.reset_at.map(UnixSeconds::from));
        let is_unchanged = (&credential.last_status, credential.last_status_at, credential.last_error_code)
            == (&new.status, at, new.error_code)
            && credential.reset_at() == new.reset_at
            && credential.error_reason() == new.reason.map(FailureKind::name);
        if is_unchanged {
            return;
        }
        let (id, ends) = (credential.id.clone(), member.context.cooldowns.clone());
        // A reset also ends cooldowns that other hosts have started by now.
        let ends_earlier = new.status.is_none();
        let NewStatus { status, error_code, reason, .. } = new;
        let is_about_the_token =
            status == Some(Status::Dead) || matches!(reason, Some(FailureKind::Unauthorized | FailureKind::Revoked));
        let token: Option<Fingerprint> = is_about_the_token.then(|| credential.token().fingerprint());
        let edit = Edit::Status { id, status, at, error_code, reason, reset_at, ends, ends_earlier, token };
        self.commit(slot, edit);
    }

    /// Sets fields of a member's row. A new secret resets status and health.
    pub(super) fn set_fields(&mut self, slot: Slot, fields: Map<String, Value>, by: TokensBy) {
        let secrets = |pool: &Self| {
            let credential = &pool.roster.get(slot)?.credential;
            Some((credential.runtime_key(pool.roster.pool()).clone(), credential.token().clone()))
        };
        let before = secrets(self);
        // Token fields around unchanged secrets are an edit like other fields.
        let (tokens, others) = match self.has_new_secret(slot, &fields) {
            true => split_token_fields(&fields),
            false => (Map::new(), fields),
        };
        if !others.is_empty() {
            self.commit(slot, Edit::Set { id: self.id(slot), set: RowFields(others) });
        }
        if !tokens.is_empty() {
            self.set_tokens(slot, &tokens, by);
        }
        if secrets(self) != before {
            self.forget_failures(slot);
            self.set_status(slot, NewStatus::default());
        }
    }

    /// Sets the tokens of a member's row.
    pub(super) fn set_tokens(&mut self, slot: Slot, tokens: &Map<String, Value>, by: TokensBy) {
        let Some(member) = self.roster.get(slot) else { return };
        let current = member.context.generation;
        let (generation, replaces) = match by {
            TokensBy::Refresh => (current.refreshed(), Some(member.credential.token_fingerprint())),
            // The same tokens, stored as secret or as fingerprint: a refresh in flight continues.
            TokensBy::Discovery if !self.has_new_secret(slot, tokens) => (current, None),
            TokensBy::Person | TokensBy::Discovery => (current.edited(), None),
        };
        let (was_borrowed, token) = (member.credential.is_stored_as_fingerprint(), member.credential.token().clone());
        if let Ok(mut new) = member.credential.with(tokens, self.roster.pool()) {
            let is_borrowed = match by {
                TokensBy::Discovery => self.is_kept_as_fingerprint(&new),
                // A refresh token that the refresh did not replace is still borrowed.
                TokensBy::Refresh => was_borrowed && *new.token() == token,
                TokensBy::Person => false,
            };
            new.store_as_fingerprint(is_borrowed);
            let id = new.id.clone();
            self.commit(slot, Edit::Tokens { id, replaces, generation, set: tokens_of(&new) });
        }
    }

    /// Returns whether these fields would replace a secret of a member.
    pub(super) fn has_new_secret(&self, slot: Slot, fields: &Map<String, Value>) -> bool {
        let secrets = |credential: &Credential| {
            (credential.access_token.clone(), credential.refresh_token.clone(), credential.agent_key.clone())
        };
        self.roster.get(slot).is_some_and(|member| {
            let new = member.credential.with(fields, self.roster.pool());
            new.is_ok_and(|new| secrets(&new) != secrets(&member.credential))
        })
    }

    /// Returns whether the policy stores a credential's secrets as a fingerprint only.
    pub(super) fn is_kept_as_fingerprint(&self, credential: &Credential) -> bool {
        self.policy.borrowed_secrets == BorrowedSecrets::Fingerprint
            && credential.source.is_discovered()
            && !credential.source.is_manual()
    }

    /// Adds a credential after all others.
    pub(super) fn add_member(&mut self, mut credential: Credential) -> Slot {
        credential.priority = self.roster.next_priority();
        credential.turn = match self.roster.next_turn() {
            1 => 0,
            turn => turn,
        };
        self.outbox.record(Edit::Add { row: RowFields(credential.to_stored_row()) });
        self.roster.insert(credential)
    }

    pub(super) fn remove_member(&mut self, slot: Slot) {
        let id = self.id(slot);
        self.forget_member(slot);
        self.outbox.record(Edit::Remove { id });
    }

    /// Moves a member whose source is gone to the absent rows.
    pub(super) fn mark_absent(&mut self, slot: Slot) {
        let id = self.id(slot);
        if let Some((count, turn)) = self.roster.take_unsaved_use(slot) {
            self.outbox.record(Edit::Used { id: id.clone(), count, turn });
        }
        if let Some(member) = self.roster.get(slot) {
            let (mut credential, context) = (member.credential.clone(), member.context.clone());
            credential.store_as_fingerprint(true);
            credential.blank_secrets();
            self.absent.push((context, credential));
        }
        self.forget_member(slot);
        self.outbox.record(Edit::MarkAbsent { id });
    }

    /// Adds an absent row again.
    pub(super) fn restore(&mut self, credential: Credential, context: CausalContext) -> Slot {
        self.outbox.record(Edit::Add { row: RowFields(credential.to_stored_row()) });
        let slot = self.roster.insert(credential);
        self.roster.change(slot, |member| member.context = context);
        self.plan_probe(slot);
        slot
    }

    pub(super) fn forget_member(&mut self, slot: Slot) {
        self.roster.remove(slot);
        self.used.retain(|used| *used != slot);
        self.current = self.current.filter(|current| *current != slot);
    }

    /// Sets priorities, from 0 in this order.
    pub(super) fn set_priorities(&mut self, order: &[Slot]) {
        for (priority, slot) in (0_i64..).zip(order) {
            if self.roster.get(*slot).is_some_and(|member| member.credential.priority != priority) {
                let set = json!({ "priority": priority }).as_object().cloned().unwrap_or_default();
                self.commit(*slot, Edit::Set { id: self.id(*slot), set: RowFields(set) });
            }
        }
    }

    pub(super) fn by_priority(&self) -> Vec<Slot> {
        let rank = |member: &Member| Strategy::FillFirst.rank(&member.credential, 0);
        self.roster.sorted(&|one, other| rank(one).cmp(&rank(other))).into_iter().map(|(slot, _)| slot).collect()
    }

    /// Finds a credential by its id, or by the id as views show it.
    pub(super) fn find(&self, id: &CredentialId) -> Result<Slot, Error> {
        let by_masked_id = || {
            let mut members = self.roster.iter();
            members.find(|(_, member)| member.masked_id.as_ref() == Some(id)).map(|(slot, _)| slot)
        };
        self.roster.slot(id.as_str()).or_else(by_masked_id).ok_or_else(unknown_credential)
    }

    pub(super) fn id(&self, slot: Slot) -> CredentialId {
        self.roster.get(slot).map_or_else(|| CredentialId::from(""), |member| member.credential.id.clone())
    }

    /// Derives a credential's id from a name, so that all hosts give the credential the same id. Begins with `attempt`,
    /// which becomes the number after the last.
    pub(super) fn id_of(&self, name: &[&str], attempt: &mut u32) -> CredentialId {
        CredentialId::derived_from(self.key(), name, attempt, &|id| {
            self.roster.slot(id).is_some() || self.is_set_aside(id) || self.removed.contains(id)
        })
    }

    pub(crate) fn new_id(&mut self) -> CredentialId {
        loop {
            let id = self.random.short_id();
            if !self.is_taken(&id) {
                return id.into();
            }
        }
    }

    /// Returns whether a row of the pool, readable or not, has or had this id.
    pub(super) fn is_taken(&self, id: &str) -> bool {
        let is_absent = || self.absent.iter().any(|(_, absent)| absent.id.as_str() == id);
        self.roster.knows(id) || self.is_set_aside(id) || self.removed.contains(id) || is_absent()
    }

    fn is_set_aside(&self, id: &str) -> bool {
        self.set_aside.iter().any(|row| row.get("id").and_then(Value::as_str) == Some(id))
    }
}

/// Time for which use counts are gathered before they are written.
const FLUSH_AFTER: Duration = Duration::from_secs(10);
