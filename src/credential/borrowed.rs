//! Borrowed secrets: a row whose secret lives elsewhere is stored with a fingerprint in place of the secret.

use serde_json::{Map, Value};

use super::{AuthType, Credential};
use crate::secret::{Fingerprint, Secret};

/// Field that replaces the secrets of a row. Kept in [`Credential::other`].
const FINGERPRINT: &str = "secret_fingerprint";

/// Secret fields of a row, each with the value that is stored in its place.
const SECRETS: [(&str, Value); 3] =
    [("access_token", Value::String(String::new())), ("refresh_token", Value::Null), ("agent_key", Value::Null)];

impl Credential {
    /// Returns whether the row is stored without its secrets.
    pub(crate) fn is_stored_as_fingerprint(&self) -> bool {
        self.other.get(FINGERPRINT).is_some_and(Value::is_string)
    }

    /// Sets whether the row is stored without its secrets. No effect while the secrets themselves are missing.
    pub(crate) fn store_as_fingerprint(&mut self, is_borrowed: bool) {
        if self.token().is_empty() {
            return;
        }
        match is_borrowed {
            true => self.other.insert(FINGERPRINT.to_owned(), self.token().fingerprint().as_str().into()),
            false => self.other.shift_remove(FINGERPRINT),
        };
    }

    /// Returns the fingerprint of the token that a refresh spends; the stored fingerprint if the token is missing.
    pub(crate) fn token_fingerprint(&self) -> Fingerprint {
        let stored = || self.other.get(FINGERPRINT).and_then(Value::as_str).map(Fingerprint::from_stored);
        let token = self.token();
        stored().filter(|_| token.is_empty()).unwrap_or_else(|| token.fingerprint())
    }

    /// Returns whether the row was read without its secrets and `found` holds them.
    pub(crate) fn lacks_secrets_of(&self, found: &Self) -> bool {
        self.is_stored_as_fingerprint()
            && self.token().is_empty()
            && self.token_fingerprint() == found.token().fingerprint()
    }

    /// Copies the secrets of `found` into this row.
    pub(crate) fn copy_secrets_of(&mut self, found: &Self) {
        self.access_token = found.access_token.clone();
        self.refresh_token.clone_from(&found.refresh_token);
        self.agent_key.clone_from(&found.agent_key);
    }

    /// Returns whether the row is a login whose tokens live in the row alone: nobody could find them again.
    pub(crate) fn owns_tokens(&self) -> bool {
        self.auth_type == AuthType::OAuth
            && self.refresh_token.as_ref().is_some_and(|token| !token.is_empty())
            && !self.is_stored_as_fingerprint()
    }

    /// Removes the secrets. The fingerprint stays.
    pub(crate) fn blank_secrets(&mut self) {
        self.access_token = Secret::new("");
        (self.refresh_token, self.agent_key) = (None, None);
    }

    /// Returns the row as a store keeps it: borrowed secrets are replaced by their fingerprint.
    pub(crate) fn to_stored_row(&self) -> Map<String, Value> {
        let mut row = self.to_row();
        if self.is_stored_as_fingerprint() {
            blank_secrets(&mut row);
            row.retain(|name, value| !value.is_null() || !is_optional(name));
        }
        row
    }
}

/// Replaces secret fields by the values that are stored in their place.
pub(crate) fn blank_secrets(fields: &mut Map<String, Value>) {
    for (name, placeholder) in SECRETS {
        if fields.contains_key(name) {
            fields.insert(name.to_owned(), placeholder);
        }
    }
}

fn is_optional(name: &str) -> bool {
    SECRETS.iter().any(|(secret, placeholder)| *secret == name && placeholder.is_null())
}
