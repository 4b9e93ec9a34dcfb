//! Stamps: logical timestamps that give all changes of all hosts a total order.

use serde::{Deserialize, Serialize};

use crate::secret::Fingerprint;

/// Time and host of a change. By the order of stamps, all hosts agree on the last change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Stamp {
    /// Time in microseconds since the Unix epoch: later than every stamp that the host had made or read, and therefore
    /// possibly ahead of the clock.
    pub at: u64,
    /// Host that made the change.
    pub host: HostId,
}

/// Id of an open pool among all hosts that share a store, derived from the pool's seed.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HostId(String);

impl HostId {
    pub(crate) fn of(seed: &[u8; 32]) -> Self {
        let mut named = b"credential-pool host ".to_vec();
        named.extend(seed);
        Self(Fingerprint::of(&named).digits().to_owned())
    }
}

impl AsRef<str> for HostId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<&str> for HostId {
    fn from(id: &str) -> Self {
        Self(id.to_owned())
    }
}

impl Stamp {
    /// Bounds a time that was read from a store. A time that no host of this library writes, since it is not exact in
    /// JavaScript (beyond the year 2255), counts as the earliest: it wins over no change.
    pub(crate) fn bounded(at: u64) -> u64 {
        const EXACT: u64 = 1 << 53;
        if at < EXACT { at } else { 0 }
    }

    /// Returns whether this stamp is of the same host as `latest`, and not later. The changes of a host reach a store in
    /// order, so a causal context names the latest stamp of a host for all earlier ones.
    pub(crate) fn is_covered_by(&self, latest: &Self) -> bool {
        self.host == latest.host && self.at <= latest.at
    }

    /// Returns whether a change with this stamp ends what `began`, by its causal context `ends`. A host knows its own
    /// changes.
    pub(crate) fn ends(&self, ends: &[Self], began: &Self) -> bool {
        began.is_covered_by(self) || ends.iter().any(|known| began.is_covered_by(known))
    }

    /// Replaces `last` if this stamp is later. Returns whether it was: the later change wins.
    pub(crate) fn supersede(&self, last: &mut Option<Self>) -> bool {
        let is_later = last.as_ref().is_none_or(|last| last < self);
        if is_later {
            *last = Some(self.clone());
        }
        is_later
    }
}
