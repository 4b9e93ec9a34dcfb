//! Ids: of credentials, intents and leases.

use std::{borrow::Borrow, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{pool_key::PoolKey, secret::Fingerprint};

/// Names a credential within its pool.
///
/// `Debug` shows it only if it looks like one that a program made: people paste keys into the
/// strangest places.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CredentialId(Arc<str>);

impl CredentialId {
    /// The id as it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id that a name within a pool leads to: always the same one, as long as it is free.
    pub(crate) fn made_of(pool: &PoolKey, name: &[&str], is_taken: &dyn Fn(&str) -> bool) -> Self {
        let mut made = (0_u32..).map(|attempt| {
            let name = format!("{} {} {attempt}", pool.as_str(), name.join(" "));
            Fingerprint::of(name.as_bytes()).digits().chars().take(6).collect::<String>()
        });
        made.find(|id| !is_taken(id)).unwrap_or_default().into()
    }
}

impl From<String> for CredentialId {
    fn from(id: String) -> Self {
        Self(id.into())
    }
}

impl From<&str> for CredentialId {
    fn from(id: &str) -> Self {
        Self(id.into())
    }
}

impl Borrow<str> for CredentialId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let looks_made = self.0.len() <= 36 && self.0.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
        f.write_str(if looks_made { &self.0 } else { "[an id of one's own]" })
    }
}

impl Serialize for CredentialId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for CredentialId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

/// Names an intent within its pool. Counts up from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IntentId(pub(crate) u64);

impl IntentId {
    /// The intent with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for IntentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Names a lease within its pool. Counts up from 1; the lease of another attempt is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LeaseId(pub(crate) u64);

impl LeaseId {
    /// The lease with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for LeaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
