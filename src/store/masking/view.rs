//! Masks for short texts of people in views: labels, ids, sources. People paste keys into every field.

use std::borrow::Cow;

use super::{
    mask,
    secret_index::{MIN_LENGTH, SecretIndex},
    secret_patterns,
};
use crate::{secret::Secret, store::span::Span};

/// Masks texts that match a pattern of secrets or contain a known secret.
pub(crate) struct Masking(SecretIndex);

impl Masking {
    /// Knows these secrets, beside the patterns.
    pub(crate) fn of<'a>(secrets: impl Iterator<Item = &'a Secret>) -> Self {
        let mut index = SecretIndex::default();
        secrets.for_each(|secret| index.add(secret.expose()));
        Self(index.sorted())
    }

    /// Returns the text as people may see it.
    pub(crate) fn shown<'a>(&self, text: &'a str) -> Cow<'a, str> {
        shown(text, self.0.occurs_in(text, false))
    }
}

/// Returns the id of a credential with these secrets as people may see it.
pub(crate) fn shown_id<'a>(id: &'a str, mut secrets: impl Iterator<Item = &'a Secret>) -> Cow<'a, str> {
    let is_copy = |secret: &Secret| secret.expose().len() >= MIN_LENGTH && id.contains(secret.expose());
    shown(id, id.len() >= MIN_LENGTH && secrets.any(is_copy))
}

fn shown(text: &str, holds_known: bool) -> Cow<'_, str> {
    let mut found = Vec::new();
    match holds_known {
        true => found.push(Span { from: 0, to: text.len() }),
        false => secret_patterns::find(text, 0, &mut found),
    }
    if found.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(mask(text, &found)) }
}
