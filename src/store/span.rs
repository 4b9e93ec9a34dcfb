//! Parts of a text, by byte offsets on character boundaries.

use serde::Serialize;

/// Part of a text as byte offsets, on character boundaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Span {
    /// Where it begins.
    pub from: usize,
    /// Where what comes behind it begins.
    pub to: usize,
}

/// A part of a text that is replaced, in bytes, on the bounds of characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Splice {
    /// Where the part begins.
    pub from: usize,
    /// Where what comes behind it begins.
    pub to: usize,
    /// What stands there from now on.
    pub text: String,
}
