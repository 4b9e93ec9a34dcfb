//! Stored state of one pool.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::merge::Merge;
use crate::{credential::Source, error::Error, limits::LIMITS};

/// Stored state of one pool, as a store keeps it.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Stored {
    /// Rows in their stored form, unreadable rows included.
    pub rows: Vec<Value>,
    /// Rows whose borrowed secret is gone from its source, without the secret: what people set and the pool learned, for
    /// the time when the source is found again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<Value>,
    /// Sources excluded from discovery, because a person removed their credential.
    pub suppressed_sources: Vec<Source>,
    /// Name of the pool's strategy, unchecked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<String>,
    /// The pool's [`Policy`](crate::Policy) in its stored form, unchecked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Value>,
    /// Merge metadata of [`apply`](crate::apply).
    #[serde(skip_serializing_if = "Merge::is_empty", deserialize_with = "Merge::read")]
    pub merge: Merge,
}

impl Stored {
    /// Checks the number of rows, for hosts that pass what somebody else stored. A [`Document`](crate::Document) has
    /// checked its rows.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::TooLarge`](crate::ErrorCode::TooLarge).
    pub fn within_limits(&self) -> Result<(), Error> {
        LIMITS.check_rows(self.rows.len().saturating_add(self.absent.len())).map_err(|error| error.at("/rows"))
    }
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored").field("rows", &self.rows.len()).finish_non_exhaustive()
    }
}
