//! Subset of a row's fields in their stored form.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{fields::FIELDS, token_fields::is_token_field};

/// Fields of a row in their stored form, secrets included. `Debug` shows the names of known fields, and no value.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RowFields(pub Map<String, Value>);

impl fmt::Debug for RowFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = FIELDS.iter().map(|field| field.name).filter(|name| self.0.contains_key(*name));
        f.debug_set().entries(known).finish()
    }
}

/// Splits fields into the fields that a refresh sets, and all others.
pub(crate) fn split_token_fields(fields: &Map<String, Value>) -> (Map<String, Value>, Map<String, Value>) {
    fields.iter().map(|(name, value)| (name.clone(), value.clone())).partition(|(name, _)| is_token_field(name))
}
