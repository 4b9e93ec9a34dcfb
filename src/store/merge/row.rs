//! What a store knows of earlier changes of one row, and how a later one comes together with them.

use serde_json::Value;

use crate::{
    credential::{
        Credential,
        failures::cooldown_end,
        row_fields::{RowFields, split_token_fields},
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
    cooldowns::{Cooldowns, ToldStatus},
    record::{Fields, Record, field, record, unless_empty},
};

/// What a pool has to know of a row to change it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct CausalContext {
    /// The changes that began the cooldowns that hold.
    pub(crate) cooldowns: Vec<Stamp>,
    /// The same, by model.
    pub(crate) model_cooldowns: Sorted<String, Vec<Stamp>>,
    pub(crate) generation: Generation,
    /// Who claims the token that the row holds.
    pub(crate) claim: Option<Stamp>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RowMerge {
    added: Option<Stamp>,
    removed: Option<Stamp>,
    /// Who set a field last.
    fields: Sorted<String, Stamp>,
    tokens: Option<Tokens>,
    claim: Option<Claim>,
    status: Option<StatusMerge>,
    models: Sorted<String, Cooldowns<Timestamp>>,
}

/// Where the tokens of a row came from.
#[derive(Clone, Debug, PartialEq)]
struct Tokens {
    /// Theirs: if the row has others, another program has written them.
    token: Fingerprint,
    generation: Generation,
    by: Stamp,
}

/// Who spends a token, or was about to.
#[derive(Clone, Debug, PartialEq)]
struct Claim {
    token: Option<Fingerprint>,
    by: Stamp,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct StatusMerge {
    cooldowns: Cooldowns<ToldStatus>,
    /// What the row tells while no rest holds.
    otherwise: ToldStatus,
    /// Who said so.
    by: Option<Stamp>,
    /// The last reset: cooldowns that began earlier are over.
    reset: Option<Stamp>,
}

impl Record for RowMerge {
    fn read(value: &Value) -> Option<Self> {
        let fields = Fields::of(value)?;
        Some(Self {
            added: fields.read_or_default("added")?,
            removed: fields.read_or_default("removed")?,
            fields: fields.read_or_default("fields")?,
            tokens: fields.read_or_default("tokens")?,
            claim: fields.read_or_default("claim")?,
            status: fields.read_or_default("status")?,
            models: fields.read_or_default("models")?,
        })
    }

    fn write(&self) -> Value {
        record(vec![
            unless_empty("added", &self.added),
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
        Some(Self { token: fields.read_or_default("token")?, by: fields.read("by")? })
    }

    fn write(&self) -> Value {
        record(vec![unless_empty("token", &self.token), field("by", &self.by)])
    }
}

impl Record for StatusMerge {
    fn read(value: &Value) -> Option<Self> {
        let fields = Fields::of(value)?;
        Some(Self {
            cooldowns: fields.read_or_default("cooldowns")?,
            otherwise: fields.read_or_default("otherwise")?,
            by: fields.read_or_default("by")?,
            reset: fields.read_or_default("reset")?,
        })
    }

    fn write(&self) -> Value {
        record(vec![
            unless_empty("cooldowns", &self.cooldowns),
            field("otherwise", &self.otherwise),
            unless_empty("by", &self.by),
            unless_empty("reset", &self.reset),
        ])
    }
}

impl RowMerge {
    pub(crate) fn added(by: &Stamp, token: Option<Fingerprint>) -> Self {
        let tokens = token.map(|token| Tokens { token, generation: Generation::default(), by: by.clone() });
        Self { added: Some(by.clone()), tokens, ..Self::default() }
    }

    /// The row is gone: nothing else is known of it any more.
    pub(crate) fn remove(&mut self, by: &Stamp) {
        let removed = self.removed.take().max(Some(by.clone()));
        *self = Self { removed, ..Self::default() };
    }

    pub(crate) fn is_added_after(&self, by: &Stamp) -> bool {
        self.added.as_ref().is_some_and(|added| by < added)
    }

    pub(crate) fn is_removed_after(&self, by: &Stamp) -> bool {
        self.removed.as_ref().is_some_and(|removed| by < removed)
    }

    pub(crate) fn context(&self, credential: &Credential) -> CausalContext {
        let told = ToldStatus::of(credential);
        let no_cooldowns = Cooldowns::default();
        let cooldowns = self.status.as_ref().map_or(&no_cooldowns, |status| &status.cooldowns);
        let token = credential.token_fingerprint();
        let stamps_of = |model: &str, until: Timestamp| {
            let held = self.models.get(model).cloned().unwrap_or_default();
            stamps(held.holding(Some(until)))
        };
        CausalContext {
            cooldowns: stamps(cooldowns.holding(told.is_cooldown().then_some(told))),
            model_cooldowns: credential
                .model_cooldowns()
                .map(|(model, until)| (model.to_owned(), stamps_of(model, until)))
                .collect(),
            generation: self.generation(),
            claim: self
                .claim
                .as_ref()
                .filter(|claim| claim.token.as_ref() == Some(&token))
                .map(|claim| claim.by.clone()),
        }
    }

    /// One change of the row's fields.
    pub(crate) fn take_in(&mut self, credential: &mut Credential, by: &Stamp, edit: &Edit, pool: &PoolKey) {
        match edit {
            Edit::Set { set, .. } => self.set(credential, by, set, pool),
            Edit::Tokens { replaces, generation, .. } => {
                if self.is_due(credential, by, replaces.as_ref(), *generation) {
                    self.take_tokens(credential, by, *generation, edit, pool);
                }
            }
            Edit::Status { ends, .. } => self.take_status(credential, by, ends, edit, pool),
            Edit::ModelCooldown { model, until, ends, .. } => {
                let cooldowns = self.models.entry(model);
                let mut holding = cooldowns.holding(credential.model_end(model));
                holding.retain(|(began, _)| !ends.contains(began));
                holding.extend(until.and_then(cooldown_end).map(|until| (by.clone(), until)));
                let shown = cooldowns.keep(holding).map(UnixSeconds::from);
                credential.cool_down_model(model, shown);
            }
            Edit::Claim { token, .. } => {
                if self.claim.as_ref().is_none_or(|held| held.by < *by) {
                    self.claim = Some(Claim { token: token.clone(), by: by.clone() });
                }
            }
            Edit::Used { .. } => edit.apply_to(credential, pool),
            Edit::Add { .. }
            | Edit::Remove { .. }
            | Edit::Identify { .. }
            | Edit::Suppress { .. }
            | Edit::Unsuppress { .. }
            | Edit::SetStrategy { .. }
            | Edit::SetPolicy { .. } => {}
        }
    }

    /// Another host found the same credential, and adds it as well.
    pub(crate) fn found_too(&mut self, credential: &mut Credential, by: &Stamp, row: &RowFields, pool: &PoolKey) {
        const NOT_FOUND: [&str; 5] = ["id", "last_status", "last_status_at", "last_error_code", "request_count"];
        if self.added.is_none() {
            return;
        }
        let (tokens, mut set) = split_token_fields(&row.0);
        set.retain(|name, _| !NOT_FOUND.contains(&name.as_str()));
        let id = credential.id.clone();
        let tokens = Edit::Tokens { id, replaces: None, generation: Generation::default(), set: RowFields(tokens) };
        self.set(credential, by, &RowFields(set), pool);
        self.take_in(credential, by, &tokens, pool);
        self.added = self.added.take().map(|added| added.min(by.clone()));
    }

    /// Drops what nobody argues about any more.
    pub(crate) fn forget(&mut self, is_recent: impl Fn(&Stamp) -> bool, is_there: bool) {
        self.removed.take_if(|by| !is_recent(by));
        if !is_there {
            *self = Self { removed: self.removed.take(), ..Self::default() };
            return;
        }
        self.added.take_if(|by| !is_recent(by));
        self.fields.retain(|_, by| is_recent(by));
        self.tokens.take_if(|tokens| !is_recent(&tokens.by));
        self.claim.take_if(|claim| claim.token.is_none() && !is_recent(&claim.by));
        self.status.take_if(|status| status.cooldowns.is_empty() && status.by.as_ref().is_none_or(|by| !is_recent(by)));
        self.models.retain(|_, cooldowns| !cooldowns.is_empty());
    }

    fn generation(&self) -> Generation {
        self.tokens.as_ref().map(|tokens| tokens.generation).unwrap_or_default()
    }

    fn set(&mut self, credential: &mut Credential, by: &Stamp, set: &RowFields, pool: &PoolKey) {
        let mut later = set.0.clone();
        later.retain(|name, _| {
            let of_tokens = || self.tokens.as_ref().filter(|_| is_token_field(name)).map(|tokens| &tokens.by);
            let mut last = self.fields.get(name).max(of_tokens()).or(self.added.as_ref()).cloned();
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

    /// Whether tokens are newer than those in the row.
    fn is_due(&self, credential: &Credential, by: &Stamp, replaces: Option<&Fingerprint>, new: Generation) -> bool {
        let held = credential.token_fingerprint();
        let known = self.tokens.as_ref().filter(|tokens| tokens.token == held);
        match known.map(|tokens| (tokens.generation, &tokens.by)) {
            Some(known) => known < (new, by),
            None => replaces.is_none_or(|replaces| *replaces == held),
        }
    }

    fn take_tokens(
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
        self.claim.take_if(|claim| claim.token.as_ref() != Some(&token) || claim.token == *replaces);
        self.tokens = Some(Tokens { token, generation, by: by.clone() });
        let told = ToldStatus::of(credential);
        if told.is_cooldown() && credential.token_fingerprint() != before {
            let status = self.status.get_or_insert_default();
            let mut holding = status.cooldowns.holding(Some(told));
            holding.retain(|(_, told)| !told.is_about_the_token());
            let shown = status.cooldowns.keep(holding);
            shown.as_ref().unwrap_or(&status.otherwise).write(credential);
        }
    }

    fn take_status(&mut self, credential: &mut Credential, by: &Stamp, ends: &[Stamp], edit: &Edit, pool: &PoolKey) {
        let Edit::Status { ends_earlier, token, .. } = edit else { return };
        let new = {
            let mut told = credential.clone();
            edit.apply_to(&mut told, pool);
            ToldStatus::of(&told)
        };
        let shown = ToldStatus::of(credential);
        let status = self.status.get_or_insert_default();
        let mut holding = status.cooldowns.holding(shown.is_cooldown().then(|| shown.clone()));
        if !shown.is_cooldown() {
            status.otherwise = shown;
        }
        holding.retain(|(began, _)| !ends.contains(began));
        if *ends_earlier {
            by.supersede(&mut status.reset);
        }
        let is_of_another_token = token.as_ref().is_some_and(|token| *token != credential.token_fingerprint());
        if new.is_cooldown() {
            holding.extend((!is_of_another_token).then(|| (by.clone(), new)));
        } else if by.supersede(&mut status.by) {
            status.otherwise = new;
        }
        if let Some(reset) = &status.reset {
            holding.retain(|(began, _)| began >= reset);
        }
        let shown = status.cooldowns.keep(holding);
        shown.as_ref().unwrap_or(&status.otherwise).write(credential);
    }
}

fn stamps<T>(holding: Vec<(Stamp, T)>) -> Vec<Stamp> {
    holding.into_iter().map(|(by, _)| by).collect()
}

/// All fields that a refresh sets, as they would be stored; those that the row does not have are null.
pub(crate) fn tokens_of(credential: &Credential) -> RowFields {
    let row = credential.to_row();
    let fields = TOKEN_FIELDS.iter();
    RowFields(fields.map(|name| ((*name).to_owned(), row.get(*name).cloned().unwrap_or(Value::Null))).collect())
}
