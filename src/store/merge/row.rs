//! Merge metadata of one row, and the application of a change to the row.

use serde_json::{Map, Value};

use crate::{
    credential::{
        Credential,
        failures::cooldown_end,
        fields::POOL_MANAGED_FIELDS,
        row_fields::RowFields,
        token_fields::{TOKEN_FIELDS, is_token_field},
    },
    pool_key::PoolKey,
    secret::Fingerprint,
    sorted::Sorted,
    stamp::Stamp,
    store::change::{Edit, Generation},
    time::{Timestamp, UnixSeconds},
};

use super::{
    cooldowns::{Cooldowns, RowStatus},
    record::{Fields, Record, field, record, unless_empty},
};

/// Causal context of a row: the state that a pool refers to in its changes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct CausalContext {
    /// Stamps of the active cooldowns.
    pub(crate) cooldowns: Vec<Stamp>,
    /// Stamps of the active cooldowns by model.
    pub(crate) model_cooldowns: Sorted<String, Vec<Stamp>>,
    pub(crate) generation: Generation,
    /// Claim on the row's current token.
    pub(crate) claim: Option<Stamp>,
}

/// Merge metadata of one row.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RowMerge {
    /// Stamp of the earliest addition, whose fields the row has.
    added: Option<Stamp>,
    /// Stamp of the latest addition, if there was more than one.
    found: Option<Stamp>,
    /// Stamp of the last time that the source was without the row's secret.
    absent: Option<Stamp>,
    /// Tombstone: stamp of the last removal.
    removed: Option<Stamp>,
    /// Stamp of the last write per field.
    fields: Sorted<String, Stamp>,
    tokens: Option<Tokens>,
    claim: Option<Claim>,
    status: Option<StatusMerge>,
    models: Sorted<String, Cooldowns<Timestamp>>,
}

/// Origin of a row's tokens.
#[derive(Clone, Debug, PartialEq)]
struct Tokens {
    /// Fingerprint of the tokens. If the row has others, another program has written the row.
    token: Fingerprint,
    generation: Generation,
    by: Stamp,
}

/// Claim on a token: the right to spend it.
#[derive(Clone, Debug, PartialEq)]
struct Claim {
    token: Fingerprint,
    by: Stamp,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct StatusMerge {
    cooldowns: Cooldowns<RowStatus>,
    /// Status while no cooldown is active: a last-writer-wins register.
    base: RowStatus,
    /// Stamp of the last write of `base`.
    by: Option<Stamp>,
    /// Stamp of the last reset: cooldowns with earlier stamps are over.
    reset: Option<Stamp>,
}

impl RowMerge {
    /// Returns the metadata of a new row.
    pub(crate) fn added(by: &Stamp, token: Option<Fingerprint>) -> Self {
        let tokens = token.map(|token| Tokens { token, generation: Generation::default(), by: by.clone() });
        Self { added: Some(by.clone()), tokens, ..Self::default() }
    }

    /// Leaves a tombstone and drops all other metadata.
    pub(crate) fn remove(&mut self, by: &Stamp) {
        let removed = self.removed.take().max(Some(by.clone()));
        *self = Self { removed, ..Self::default() };
    }

    pub(crate) fn is_removed(&self) -> bool {
        self.removed.is_some()
    }

    /// Records that the row's source has no secret.
    pub(crate) fn mark_absent(&mut self, by: &Stamp) {
        by.supersede(&mut self.absent);
    }

    /// Returns whether the row's source had no secret when a host looked last.
    pub(crate) fn is_absent(&self) -> bool {
        self.absent.is_some() && self.absent.as_ref() > self.last_found()
    }

    /// Returns whether the row's secret is older than the time at which its source was without the secret.
    pub(crate) fn has_absent_secret(&self) -> bool {
        self.absent.as_ref().is_some_and(|absent| self.tokens.as_ref().is_some_and(|tokens| tokens.by < *absent))
    }

    /// Returns the stamp by which rows are ordered: of the addition, or of the last one if the row was absent.
    pub(crate) fn place(&self) -> Option<&Stamp> {
        self.absent.as_ref().map_or(self.added.as_ref(), |_| self.last_found())
    }

    fn last_found(&self) -> Option<&Stamp> {
        self.found.as_ref().max(self.added.as_ref())
    }

    pub(crate) fn context(&self, credential: &Credential) -> CausalContext {
        let status = RowStatus::of(credential);
        let no_cooldowns = Cooldowns::default();
        let cooldowns = self.status.as_ref().map_or(&no_cooldowns, |status| &status.cooldowns);
        let token = credential.token_fingerprint();
        let stamps_of = |model: &str, until: Timestamp| {
            let cooldowns = self.models.get(model).cloned().unwrap_or_default();
            stamps(cooldowns.active(Some(until)))
        };
        CausalContext {
            cooldowns: stamps(cooldowns.active(status.is_cooldown().then_some(status))),
            model_cooldowns: credential
                .model_cooldowns()
                .map(|(model, until)| (model.to_owned(), stamps_of(model, until)))
                .collect(),
            generation: self.generation(),
            claim: self.claim.as_ref().filter(|claim| claim.token == token).map(|claim| claim.by.clone()),
        }
    }

    /// Applies an edit of the row's fields.
    pub(crate) fn apply(&mut self, credential: &mut Credential, by: &Stamp, edit: &Edit, pool: &PoolKey) {
        match edit {
            Edit::Set { set, .. } => self.set_fields(credential, by, set, pool),
            Edit::Tokens { replaces, generation, .. } => {
                if self.is_newer(credential, by, replaces.as_ref(), *generation) {
                    self.set_tokens(credential, by, *generation, edit, pool);
                }
            }
            Edit::Status { ends, .. } => self.set_status(credential, by, ends, edit, pool),
            Edit::ModelCooldown { model, until, ends, .. } => {
                let cooldowns = self.models.entry(model);
                let mut active = cooldowns.active(credential.model_cooldown_end(model));
                active.retain(|(began, _)| !by.ends(ends, began));
                active.extend(until.and_then(cooldown_end).map(|until| (by.clone(), until)));
                let visible = cooldowns.replace(active).map(UnixSeconds::from);
                credential.set_model_cooldown(model, visible);
            }
            Edit::Claim { token, .. } => {
                let held = credential.token_fingerprint();
                if *token == held && self.claim.as_ref().is_none_or(|claim| claim.token != held) {
                    self.claim = Some(Claim { token: held, by: by.clone() });
                }
            }
            Edit::Release { claim, .. } => {
                self.claim.take_if(|held| held.by.is_covered_by(claim));
            }
            Edit::Used { .. } => edit.apply_to(credential, pool),
            Edit::Add { .. }
            | Edit::Remove { .. }
            | Edit::MarkAbsent { .. }
            | Edit::Identify { .. }
            | Edit::Suppress { .. }
            | Edit::Unsuppress { .. }
            | Edit::SetStrategy { .. }
            | Edit::SetPolicy { .. }
            | Edit::SignOff => {}
        }
    }

    /// Merges the addition of a row that exists: another host discovered the same credential. Of the additions the
    /// earliest gives the fields that nobody has set, whatever the order of arrival; the latest tokens stay.
    pub(crate) fn add_concurrently(
        &mut self,
        credential: &mut Credential,
        by: &Stamp,
        row: &RowFields,
        pool: &PoolKey,
    ) {
        self.found = self.last_found().max(Some(by)).cloned();
        let Some(added) = self.added.clone() else { return };
        let Ok((_, other)) = Credential::parse(&Value::Object(row.0.clone()), pool) else { return };
        if *by < added {
            self.added = Some(by.clone());
            let is_of_addition = |name: &str| {
                !is_token_field(name) && !POOL_MANAGED_FIELDS.contains(&name) && self.fields.get(name).is_none()
            };
            let names = credential.to_row().into_iter().map(|(name, _)| (name, Value::Null));
            let mut fields: Map<_, _> = names.chain(row.0.clone()).collect();
            fields.retain(|name, _| is_of_addition(name));
            if let Ok(first) = credential.with(&fields, pool) {
                *credential = first;
            }
        }
        credential.turn = credential.turn.max(other.turn);
        let id = credential.id.clone();
        let tokens = Edit::Tokens { id, replaces: None, generation: Generation::default(), set: tokens_of(&other) };
        self.apply(credential, by, &tokens, pool);
    }

    /// Calls back with the time of each stamp.
    pub(super) fn each_time(&self, each: &mut impl FnMut(u64)) {
        let single = [&self.added, &self.found, &self.absent, &self.removed];
        single.into_iter().flatten().for_each(|by| each(by.at));
        self.fields.iter().for_each(|(_, by)| each(by.at));
        self.tokens.iter().for_each(|tokens| each(tokens.by.at));
        self.claim.iter().for_each(|claim| each(claim.by.at));
        if let Some(status) = &self.status {
            [&status.by, &status.reset].into_iter().flatten().for_each(|by| each(by.at));
            status.cooldowns.each_time(each);
        }
        self.models.iter().for_each(|(_, cooldowns)| cooldowns.each_time(each));
    }

    /// Drops metadata that is not recent; of a removed row, all but a recent tombstone.
    pub(crate) fn compact(&mut self, is_recent: impl Fn(&Stamp) -> bool, is_present: bool) {
        self.removed.take_if(|by| !is_recent(by));
        if !is_present {
            *self = Self { removed: self.removed.take(), ..Self::default() };
            return;
        }
        for by in [&mut self.added, &mut self.found, &mut self.absent] {
            by.take_if(|by| !is_recent(by));
        }
        self.fields.retain(|_, by| is_recent(by));
        self.tokens.take_if(|tokens| !is_recent(&tokens.by));
        self.status.take_if(|status| status.cooldowns.is_empty() && status.by.as_ref().is_none_or(|by| !is_recent(by)));
        self.models.retain(|_, cooldowns| !cooldowns.is_empty());
    }

    fn generation(&self) -> Generation {
        self.tokens.as_ref().map(|tokens| tokens.generation).unwrap_or_default()
    }

    /// Sets the fields whose last write is earlier.
    fn set_fields(&mut self, credential: &mut Credential, by: &Stamp, set: &RowFields, pool: &PoolKey) {
        let mut later = set.0.clone();
        later.retain(|name, _| {
            let of_tokens = || self.tokens.as_ref().filter(|_| is_token_field(name)).map(|tokens| &tokens.by);
            let mut last = self.fields.get(name).max(of_tokens()).cloned();
            let is_later = by.supersede(&mut last);
            if is_later {
                self.fields.insert(name.clone(), by.clone());
            }
            is_later
        });
        if let Ok(edited) = credential.with(&later, pool) {
            *credential = edited;
        }
    }

    /// Returns whether new tokens supersede the tokens in the row.
    fn is_newer(&self, credential: &Credential, by: &Stamp, replaces: Option<&Fingerprint>, new: Generation) -> bool {
        let held = credential.token_fingerprint();
        let known = self.tokens.as_ref().filter(|tokens| tokens.token == held);
        match known.map(|tokens| (tokens.generation, &tokens.by)) {
            Some(known) => known < (new, by),
            None => replaces.is_none_or(|replaces| *replaces == held),
        }
    }

    /// Sets new tokens, and ends claims and cooldowns that were about the old tokens.
    fn set_tokens(
        &mut self,
        credential: &mut Credential,
        by: &Stamp,
        generation: Generation,
        edit: &Edit,
        pool: &PoolKey,
    ) {
        let before = credential.token_fingerprint();
        let mut later = edit.clone();
        if let Edit::Tokens { set, .. } = &mut later {
            set.0.retain(|name, _| self.fields.get(name).is_none_or(|set| set < by));
        }
        later.apply_to(credential, pool);
        let token = credential.token_fingerprint();
        let Edit::Tokens { replaces, .. } = edit else { return };
        self.claim.take_if(|claim| claim.token != token || Some(&claim.token) == replaces.as_ref());
        self.tokens = Some(Tokens { token, generation, by: by.clone() });
        let visible = RowStatus::of(credential);
        if visible.is_cooldown() && credential.token_fingerprint() != before {
            let status = self.status.get_or_insert_default();
            let mut active = status.cooldowns.active(Some(visible));
            active.retain(|(_, cooldown)| !cooldown.is_about_the_token());
            let visible = status.cooldowns.replace(active);
            visible.as_ref().unwrap_or(&status.base).write(credential);
        }
    }

    /// Sets the status, and ends the cooldowns in the causal context of the change.
    fn set_status(&mut self, credential: &mut Credential, by: &Stamp, ends: &[Stamp], edit: &Edit, pool: &PoolKey) {
        let Edit::Status { ends_earlier, token, .. } = edit else { return };
        let new = {
            let mut edited = credential.clone();
            edit.apply_to(&mut edited, pool);
            RowStatus::of(&edited)
        };
        let visible = RowStatus::of(credential);
        let status = self.status.get_or_insert_default();
        let mut active = status.cooldowns.active(visible.is_cooldown().then(|| visible.clone()));
        if !visible.is_cooldown() {
            status.base = visible;
        }
        active.retain(|(began, _)| !by.ends(ends, began));
        if *ends_earlier {
            by.supersede(&mut status.reset);
        }
        let is_of_another_token = token.as_ref().is_some_and(|token| *token != credential.token_fingerprint());
        if new.is_cooldown() {
            active.extend((!is_of_another_token).then(|| (by.clone(), new)));
        } else if by.supersede(&mut status.by) {
            status.base = new;
        }
        if let Some(reset) = &status.reset {
            active.retain(|(began, _)| began >= reset);
        }
        let visible = status.cooldowns.replace(active);
        visible.as_ref().unwrap_or(&status.base).write(credential);
    }
}

fn stamps<T>(active: Vec<(Stamp, T)>) -> Vec<Stamp> {
    active.into_iter().map(|(by, _)| by).collect()
}

/// Returns all token fields in their stored form; null for fields that the row does not have.
pub(crate) fn tokens_of(credential: &Credential) -> RowFields {
    let row = credential.to_row();
    let fields = TOKEN_FIELDS.iter();
    RowFields(fields.map(|name| ((*name).to_owned(), row.get(*name).cloned().unwrap_or(Value::Null))).collect())
}

impl Record for RowMerge {
    fn read(value: &Value) -> Option<Self> {
        let fields = Fields::of(value)?;
        // Documents of earlier versions keep a claim that was given up, without its token.
        let claim = value.get("claim").filter(|claim| claim.get("token").is_some());
        Some(Self {
            added: fields.read_or_default("added")?,
            found: fields.read_or_default("found")?,
            absent: fields.read_or_default("absent")?,
            removed: fields.read_or_default("removed")?,
            fields: fields.read_or_default("fields")?,
            tokens: fields.read_or_default("tokens")?,
            claim: claim.map_or(Some(None), |claim| Claim::read(claim).map(Some))?,
            status: fields.read_or_default("status")?,
            models: fields.read_or_default("models")?,
        })
    }

    fn write(&self) -> Value {
        record(vec![
            unless_empty("added", &self.added),
            unless_empty("found", &self.found),
            unless_empty("absent", &self.absent),
            unless_empty("removed", &self.removed),
            unless_empty("fields", &self.fields),
            unless_empty("tokens", &self.tokens),
            unless_empty("claim", &self.claim),
            unless_empty("status", &self.status),
            unless_empty("models", &self.models),
        ])
    }
}

impl Record for Tokens {
    fn read(value: &Value) -> Option<Self> {
        let fields = Fields::of(value)?;
        Some(Self { token: fields.read("token")?, generation: fields.read("generation")?, by: fields.read("by")? })
    }

    fn write(&self) -> Value {
        record(vec![field("token", &self.token), field("generation", &self.generation), field("by", &self.by)])
    }
}

impl Record for Claim {
    fn read(value: &Value) -> Option<Self> {
        let fields = Fields::of(value)?;
        Some(Self { token: fields.read("token")?, by: fields.read("by")? })
    }

    fn write(&self) -> Value {
        record(vec![field("token", &self.token), field("by", &self.by)])
    }
}

impl Record for StatusMerge {
    fn read(value: &Value) -> Option<Self> {
        let fields = Fields::of(value)?;
        Some(Self {
            cooldowns: fields.read_or_default("cooldowns")?,
            base: fields.read_or_default("otherwise")?,
            by: fields.read_or_default("by")?,
            reset: fields.read_or_default("reset")?,
        })
    }

    fn write(&self) -> Value {
        record(vec![
            unless_empty("cooldowns", &self.cooldowns),
            field("otherwise", &self.base),
            unless_empty("by", &self.by),
            unless_empty("reset", &self.reset),
        ])
    }
}
