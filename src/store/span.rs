//! Ranges of a text and their replacement, in byte offsets on character boundaries.

use serde::Serialize;

/// Half-open range of a text, in byte offsets on character boundaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Span {
    /// First byte.
    pub from: usize,
    /// End, exclusive.
    pub to: usize,
}

/// Replacement of a range of a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Splice {
    /// First byte of the replaced range.
    pub from: usize,
    /// End of the replaced range, exclusive.
    pub to: usize,
    /// New text of the range.
    pub text: String,
}
