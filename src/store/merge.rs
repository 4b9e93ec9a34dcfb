//! Merge metadata: what a store has to know of earlier changes to take in later ones.
//!
//! Each host's changes reach a store in the order in which they were made, since every intent holds all
//! changes that no earlier intent is known to have saved. So one stamp per host tells which of its changes
//! a store has. For what several hosts may change at once, the store keeps the stamp of the last change.
//! Metadata older than one day is dropped: hosts sync at least daily, so no older change can still arrive.

pub(crate) mod cooldowns;
mod record;
pub(crate) mod row;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use serde_json::Value;

use record::{Fields, Record, record, unless_empty};
use row::{CausalContext, RowMerge};

use crate::{
    credential::Credential,
    id::CredentialId,
    sorted::Sorted,
    stamp::{HostId, Stamp},
};

/// What a store has to know of earlier changes to take in later ones. Holds no secret; a document
/// keeps it under `credential_pool_merges`.
///
/// What cannot be read counts as nothing known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Merge {
    /// The last change of each host that the store has, in microseconds.
    pub(super) hosts: Sorted<HostId, u64>,
    pub(super) strategy: Option<Stamp>,
    pub(super) policy: Option<Stamp>,
    pub(super) sources: Sorted<String, Stamp>,
    pub(super) rows: Sorted<String, Box<RowMerge>>,
}

impl Merge {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What is known as it was stored; nothing, if it cannot be read.
    pub(crate) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::of(&Value::deserialize(deserializer)?).unwrap_or_default())
    }

    /// What is known, of what was stored as this; none if it cannot be read.
    pub(crate) fn of(stored: &Value) -> Option<Self> {
        Record::read(stored)
    }

    /// What is known, as it is stored.
    pub(crate) fn to_value(&self) -> Value {
        Record::write(self)
    }

    /// The latest change of any host, in microseconds.
    pub(crate) fn latest(&self) -> u64 {
        // Beyond the year 2255 a number is not exact in JavaScript: no host of ours has written it.
        const EXACT: u64 = 1 << 53;
        self.hosts.iter().map(|(_, at)| *at).filter(|at| *at < EXACT).max().unwrap_or(0)
    }

    /// Whether the store has a change.
    pub(crate) fn has(&self, by: &Stamp) -> bool {
        self.hosts.get(&by.host).is_some_and(|at| by.at <= *at)
    }

    /// What a pool has to know of a row to change it.
    pub(crate) fn context(&self, credential: &Credential) -> CausalContext {
        self.rows
            .get(credential.id.as_str())
            .map_or_else(|| RowMerge::default().context(credential), |row| row.context(credential))
    }

    /// Returns whether a change comes for the first time, and notes that the store has it.
    pub(super) fn take_in(&mut self, by: &Stamp) -> bool {
        let is_new = !self.has(by);
        if is_new {
            self.hosts.insert(by.host.clone(), by.at);
        }
        is_new
    }

    pub(super) fn row(&mut self, id: &CredentialId) -> &mut RowMerge {
        self.rows.entry(id.as_str())
    }

    pub(super) fn forget(&mut self, is_there: impl Fn(&str) -> bool) {
        const KEPT_US: u64 = 24 * 60 * 60 * 1_000_000;
        // One host whose clock is far ahead must not make all others' changes old.
        let (mut first, mut second) = (None, None);
        for (_, at) in self.hosts.iter() {
            second = second.max(first.min(Some(*at)));
            first = first.max(Some(*at));
        }
        let since = second.or(first).unwrap_or(0).saturating_sub(KEPT_US);
        let is_recent = |by: &Stamp| by.at >= since;
        self.hosts.retain(|_, at| *at >= since);
        self.strategy.take_if(|by| !is_recent(by));
        self.policy.take_if(|by| !is_recent(by));
        self.sources.retain(|_, by| is_recent(by));
        self.rows.retain(|id, row| {
            row.forget(is_recent, is_there(id));
            **row != RowMerge::default()
        });
    }
}

impl Serialize for Merge {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Merge {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let unreadable = || D::Error::custom("this is not what a store knows of earlier changes");
        Self::of(&Value::deserialize(deserializer)?).ok_or_else(unreadable)
    }
}

impl Record for Merge {
    fn read(value: &Value) -> Option<Self> {
        let fields = Fields::of(value)?;
        Some(Self {
            hosts: fields.read_or_default("hosts")?,
            strategy: fields.read_or_default("strategy")?,
            policy: fields.read_or_default("policy")?,
            sources: fields.read_or_default("sources")?,
            rows: fields.read_or_default("rows")?,
        })
    }

    fn write(&self) -> Value {
        record(vec![
            unless_empty("hosts", &self.hosts),
            unless_empty("strategy", &self.strategy),
            unless_empty("policy", &self.policy),
            unless_empty("sources", &self.sources),
            unless_empty("rows", &self.rows),
        ])
    }
}
