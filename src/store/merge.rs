//! Merge metadata: the knowledge of earlier changes that a store needs to apply later ones.
//!
//! Each host's changes reach a store in the order in which they were made, since every intent contains all
//! changes that no earlier intent is known to have saved. So a version vector with one time per host tells which
//! changes a store has. For each last-writer-wins register the store keeps the stamp of the last write.
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

/// Merge metadata of a pool. Contains no secret; a document keeps it under `credential_pool_merges`.
///
/// Unreadable metadata counts as empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Merge {
    /// Version vector: time of the last applied change per host, in microseconds since the Unix epoch.
    pub(super) hosts: Sorted<HostId, u64>,
    pub(super) strategy: Option<Stamp>,
    pub(super) policy: Option<Stamp>,
    pub(super) sources: Sorted<String, Stamp>,
    pub(super) rows: Sorted<String, Box<RowMerge>>,
}

impl Merge {
    /// Returns whether no metadata is kept.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Deserializes stored metadata; empty if it cannot be read.
    pub(crate) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::of(&Value::deserialize(deserializer)?).unwrap_or_default())
    }

    /// Reads stored metadata; `None` if it cannot be read.
    pub(crate) fn of(stored: &Value) -> Option<Self> {
        Record::read(stored)
    }

    /// Returns the stored form.
    pub(crate) fn to_value(&self) -> Value {
        Record::write(self)
    }

    /// Returns the time of the latest applied change of any host, in microseconds since the Unix epoch.
    pub(crate) fn latest(&self) -> u64 {
        // Later times (beyond the year 2255) are not exact in JavaScript, so no host of this library wrote them.
        const EXACT: u64 = 1 << 53;
        self.hosts.iter().map(|(_, at)| *at).filter(|at| *at < EXACT).max().unwrap_or(0)
    }

    /// Returns whether the store has applied a change.
    pub(crate) fn has(&self, by: &Stamp) -> bool {
        self.hosts.get(&by.host).is_some_and(|at| by.at <= *at)
    }

    /// Returns the causal context of a row.
    pub(crate) fn context(&self, credential: &Credential) -> CausalContext {
        self.rows
            .get(credential.id.as_str())
            .map_or_else(|| RowMerge::default().context(credential), |row| row.context(credential))
    }

    /// Records a change as applied. Returns whether it is new.
    pub(super) fn observe(&mut self, by: &Stamp) -> bool {
        let is_new = !self.has(by);
        if is_new {
            self.hosts.insert(by.host.clone(), by.at);
        }
        is_new
    }

    pub(super) fn row(&mut self, id: &CredentialId) -> &mut RowMerge {
        self.rows.entry(id.as_str())
    }

    /// Drops metadata older than one day, and the metadata of rows that are gone.
    pub(super) fn compact(&mut self, is_present: impl Fn(&str) -> bool) {
        const MAX_AGE_US: u64 = 24 * 60 * 60 * 1_000_000;
        // The second latest host sets the age: a single host whose clock is far ahead must not age all other changes.
        let (mut first, mut second) = (None, None);
        for (_, at) in self.hosts.iter() {
            second = second.max(first.min(Some(*at)));
            first = first.max(Some(*at));
        }
        let since = second.or(first).unwrap_or(0).saturating_sub(MAX_AGE_US);
        let is_recent = |by: &Stamp| by.at >= since;
        self.hosts.retain(|_, at| *at >= since);
        self.strategy.take_if(|by| !is_recent(by));
        self.policy.take_if(|by| !is_recent(by));
        self.sources.retain(|_, by| is_recent(by));
        self.rows.retain(|id, row| {
            row.compact(is_recent, is_present(id));
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
        let unreadable =
            || D::Error::custom("this is not merge metadata; pass the value that was stored, or leave it out");
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
