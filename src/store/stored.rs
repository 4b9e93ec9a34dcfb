//! What a store keeps of one pool.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::merge::Merge;
use crate::credential::Source;

/// What a store keeps of one pool.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Stored {
    /// The rows, each as it was stored; those that cannot be read are kept as they are.
    pub rows: Vec<Value>,
    /// Sources that discovery leaves alone, because somebody removed their credential.
    pub suppressed_sources: Vec<Source>,
    /// The pool's strategy, as it was stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<String>,
    /// The pool's [`Policy`](crate::Policy), as it was stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Value>,
    /// What [`apply`](crate::apply) has to know of earlier changes.
    #[serde(skip_serializing_if = "Merge::is_empty", deserialize_with = "Merge::read")]
    pub merge: Merge,
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored").field("rows", &self.rows.len()).finish_non_exhaustive()
    }
}
