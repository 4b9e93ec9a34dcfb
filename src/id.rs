//! Ids of credentials, intents and leases.

use std::{borrow::Borrow, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{pool_key::PoolKey, secret::Fingerprint};

/// Id of a credential, unique within its pool.
///
/// `Debug` prints the id only if a program seems to have generated the id: people paste keys into every field.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CredentialId(Arc<str>);

impl CredentialId {
    /// Returns the id as it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Derives an id from a pool key and a name: on every host the same id, unless that id is taken. Attempts are numbered,
    /// and begin with `attempt`, which becomes the number after the last: many rows of one name cost an attempt each.
    pub(crate) fn derived_from(
        pool: &PoolKey,
        name: &[&str],
        attempt: &mut u32,
        is_taken: &dyn Fn(&str) -> bool,
    ) -> Self {
        let mut made = (*attempt..).map(|attempt| {
            let name = format!("{} {} {attempt}", pool.as_str(), name.join(" "));
            let id = Fingerprint::of(name.as_bytes()).digits().chars().take(6).collect::<String>();
            (attempt.saturating_add(1), id)
        });
        let (next, id) = made.find(|(_, id)| !is_taken(id)).unwrap_or_default();
        *attempt = next;
        id.into()
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
        let has_generated_form = self.0.len() <= 36 && self.0.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
        f.write_str(if has_generated_form { &self.0 } else { "[custom id]" })
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

/// Id of an intent, unique within its pool: numbers from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IntentId(pub(crate) u64);

impl IntentId {
    /// Returns the id with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for IntentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Id of a lease, unique within its pool: numbers from 1. Each attempt of a request has a new lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LeaseId(pub(crate) u64);

impl LeaseId {
    /// Returns the id with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for LeaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
