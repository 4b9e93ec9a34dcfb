//! Merge metadata: the knowledge of earlier changes that a store needs to apply later ones.
//!
//! Each host's changes reach a store in the order in which they were made, since every intent contains all
//! changes that no earlier intent is known to have saved. So a version vector with one time per host tells which
//! changes a store has. For each last-writer-wins register the store keeps the stamp of the last write.
//! Metadata older than one day is dropped: hosts sync at least daily, so no older change can still arrive. The clocks
//! of hosts tell the age, and a clock may be wrong: [`eras`].

pub(crate) mod cooldowns;
mod eras;
mod record;
pub(crate) mod row;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use serde_json::Value;

use eras::Eras;
use record::{Fields, Record, record, unless_empty};
use row::{CausalContext, RowMerge};

use crate::{
    credential::Credential,
    id::CredentialId,
    sorted::Sorted,
    stamp::{HostId, Stamp},
};

/// Number of hosts that signed off and are remembered. Their last changes may still be under way, or come again.
const MAX_DONE: usize = 64;

/// Merge metadata of a pool. Contains no secret; a document keeps it under `credential_pool_merges`.
///
/// Unreadable metadata counts as empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Merge {
    /// Version vector: time of the last applied change per host, in microseconds since the Unix epoch.
    pub(super) hosts: Sorted<HostId, u64>,
    /// The same of the hosts that signed off last: a change of theirs that arrives again has no effect.
    pub(super) done: Sorted<HostId, u64>,
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

    /// Returns the latest time of all stamps, in microseconds since the Unix epoch. A host's changes get later stamps, so
    /// that a stamp from a clock that is ahead wins over no later change.
    pub(crate) fn latest(&self) -> u64 {
        let mut latest = 0;
        self.each_time(&mut |at| latest = latest.max(at));
        latest
    }

    /// Returns the ids of removed rows, which are not given again.
    pub(crate) fn removed_ids(&self) -> impl Iterator<Item = &str> {
        self.rows.iter().filter(|(_, row)| row.is_removed()).map(|(id, _)| id.as_str())
    }

    /// Returns whether the store has applied a change.
    pub(crate) fn has(&self, by: &Stamp) -> bool {
        [&self.hosts, &self.done].into_iter().filter_map(|hosts| hosts.get(&by.host)).any(|at| by.at <= *at)
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
            self.done.remove(&by.host);
            self.hosts.insert(by.host.clone(), by.at);
        }
        is_new
    }

    /// Records that a host makes no further changes.
    pub(super) fn sign_off(&mut self, by: &Stamp) {
        self.hosts.remove(&by.host);
        self.done.insert(by.host.clone(), by.at);
    }

    pub(super) fn row(&mut self, id: &CredentialId) -> &mut RowMerge {
        self.rows.entry(id.as_str())
    }

    /// Drops metadata older than one day, and the metadata of rows that are gone.
    pub(super) fn compact(&mut self, is_present: impl Fn(&str) -> bool) {
        let hosts = self.hosts.iter().chain(self.done.iter()).map(|(_, at)| *at);
        let eras = Eras::of(&|each| self.each_time(&mut |at| each(at)), hosts);
        let is_recent = |by: &Stamp| eras.is_recent(by.at);
        self.hosts.retain(|_, at| eras.is_recent(*at));
        let mut latest: Vec<_> = self.done.iter().map(|(_, at)| *at).collect();
        latest.sort_unstable_by(|one, other| other.cmp(one));
        let since = latest.get(MAX_DONE).map_or(0, |at| at.saturating_add(1));
        self.done.retain(|_, at| since <= *at && eras.is_recent(*at));
        self.strategy.take_if(|by| !is_recent(by));
        self.policy.take_if(|by| !is_recent(by));
        self.sources.retain(|_, by| is_recent(by));
        self.rows.retain(|id, row| {
            row.compact(is_recent, is_present(id));
            **row != RowMerge::default()
        });
    }

    /// Calls back with the time of each stamp, and of each host's last change.
    fn each_time(&self, each: &mut impl FnMut(u64)) {
        self.hosts.iter().chain(self.done.iter()).for_each(|(_, at)| each(*at));
        [&self.strategy, &self.policy].into_iter().flatten().for_each(|by| each(by.at));
        self.sources.iter().for_each(|(_, by)| each(by.at));
        self.rows.iter().for_each(|(_, row)| row.each_time(each));
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
        let bounded = |hosts: Sorted<HostId, u64>| -> Sorted<HostId, u64> {
            hosts.iter().map(|(host, at)| (host.clone(), Stamp::bounded(*at))).collect()
        };
        Some(Self {
            hosts: bounded(fields.read_or_default("hosts")?),
            done: bounded(fields.read_or_default("done")?),
            strategy: fields.read_or_default("strategy")?,
            policy: fields.read_or_default("policy")?,
            sources: fields.read_or_default("sources")?,
            rows: fields.read_or_default("rows")?,
        })
    }

    fn write(&self) -> Value {
        record(vec![
            unless_empty("hosts", &self.hosts),
            unless_empty("done", &self.done),
            unless_empty("strategy", &self.strategy),
            unless_empty("policy", &self.policy),
            unless_empty("sources", &self.sources),
            unless_empty("rows", &self.rows),
        ])
    }
}
