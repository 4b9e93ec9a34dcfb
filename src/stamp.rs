//! Stamps: who made a change, and when. A total order over all changes of all hosts.

use serde::{Deserialize, Serialize};

use crate::secret::Fingerprint;

/// Who made a change, and when. Ordered by time, the hosts of one pool agree on what came last.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Stamp {
    /// In microseconds since the Unix epoch: later than all that the host had made or seen by then, so that it may run
    /// ahead of the clock.
    pub at: u64,
    /// Which host.
    pub host: HostId,
}

/// Names a pool that a host has open, among all that share a store: made from the seed that the
/// pool was opened with.
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
    /// Replaces `last` if this stamp is later. Returns whether it was: the later change wins.
    pub(crate) fn supersede(&self, last: &mut Option<Self>) -> bool {
        let is_later = last.as_ref().is_none_or(|last| last < self);
        if is_later {
            *last = Some(self.clone());
        }
        is_later
    }
}
