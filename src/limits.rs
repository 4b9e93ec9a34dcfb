//! Limits of what the pool reads.

use serde::Serialize;

/// Most that the pool reads of an input. A host need not read more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Bytes of a response's body that are judged; the rest is ignored.
    pub response_body_bytes: usize,
}

/// The limits of this pool.
pub const LIMITS: Limits = Limits { response_body_bytes: 64 * 1024 };

/// Returns the start of a text of at most this number of bytes, cut between characters.
pub(crate) fn start(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}
