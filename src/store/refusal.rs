//! Refusals: changes that a document could not take.

use serde::Serialize;

use crate::{error::Error, stamp::Stamp};

/// Changes that a [`Document`](crate::Document) could not take for one reason. All other changes were made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// The reason, with the place in the document that a person has to correct.
    #[serde(flatten)]
    pub error: Error,
    /// Stamps of the changes, in their order; empty if only the merge metadata could not be kept: all changes were made
    /// then, but a repetition could not be told from a new change.
    pub changes: Vec<Stamp>,
}
