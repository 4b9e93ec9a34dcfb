//! Secrets that belong to someone else: a row may keep a fingerprint in their place.

use serde_json::{Map, Value};

use super::Credential;
use crate::secret::Fingerprint;

/// The field of a row that stands in for its secrets. It stays in [`Credential::other`].
const FINGERPRINT: &str = "secret_fingerprint";

/// The secrets that a row leaves out then, each with what stands there.
const SECRETS: [(&str, Value); 3] =
    [("access_token", Value::String(String::new())), ("refresh_token", Value::Null), ("agent_key", Value::Null)];

impl Credential {
    /// Whether the row is stored without its secrets.
    pub(crate) fn is_stored_as_fingerprint(&self) -> bool {
        self.other.get(FINGERPRINT).is_some_and(Value::is_string)
    }

    /// Stores the row with its secrets from now on, or without. One that is read without them stays as it is.
    pub(crate) fn store_as_fingerprint(&mut self, is_left_out: bool) {
        if self.token().is_empty() {
            return;
        }
        match is_left_out {
            true => self.other.insert(FINGERPRINT.to_owned(), self.token().fingerprint().as_str().into()),
            false => self.other.shift_remove(FINGERPRINT),
        };
    }

    /// Names the token that a refresh spends, also where the row is read without it.
    pub(crate) fn token_fingerprint(&self) -> Fingerprint {
        let stored = || self.other.get(FINGERPRINT).and_then(Value::as_str).map(Fingerprint::from_stored);
        let token = self.token();
        stored().filter(|_| token.is_empty()).unwrap_or_else(|| token.fingerprint())
    }

    /// Whether the row was read without its secrets, and these are they.
    pub(crate) fn misses(&self, found: &Self) -> bool {
        self.is_stored_as_fingerprint()
            && self.token().is_empty()
            && self.token_fingerprint() == found.token().fingerprint()
    }

    /// Takes in the secrets that the row was read without.
    pub(crate) fn take_secrets_of(&mut self, found: &Self) {
        self.access_token = found.access_token.clone();
        self.refresh_token.clone_from(&found.refresh_token);
        self.agent_key.clone_from(&found.agent_key);
    }

    /// The row as a store keeps it.
    pub(crate) fn to_stored_row(&self) -> Map<String, Value> {
        let mut row = self.to_row();
        if self.is_stored_as_fingerprint() {
            leave_out_secrets(&mut row);
            row.retain(|name, value| !value.is_null() || !is_optional(name));
        }
        row
    }
}

/// Puts what stands in for them in the place of secrets.
pub(crate) fn leave_out_secrets(fields: &mut Map<String, Value>) {
    for (name, instead) in SECRETS {
        if fields.contains_key(name) {
            fields.insert(name.to_owned(), instead);
        }
    }
}

fn is_optional(name: &str) -> bool {
    SECRETS.iter().any(|(secret, instead)| *secret == name && instead.is_null())
}
