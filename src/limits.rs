//! Limits of what the pool reads and keeps.

use serde::Serialize;

/// Most that the pool reads of an input and keeps. An input beyond a limit is refused with
/// [`ErrorCode::TooLarge`](crate::ErrorCode::TooLarge), before it is parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Bytes of a document's text.
    pub document_bytes: usize,
    /// Rows of a document, of all its pools together, and of a pool.
    pub rows: usize,
    /// Levels of lists and objects in each other, of a document and of every other JSON text.
    pub nesting: usize,
    /// Bytes of a response's body. A host need not read more: the beginning of a longer body is judged as text.
    pub response_body_bytes: usize,
    /// Bytes of all names and values of a response's headers.
    pub response_header_bytes: usize,
    /// Models that a credential remembers with a cooldown of their own. Of more, those that end last stay.
    pub models_per_credential: usize,
    /// Bytes of the name of a model that a credential remembers.
    pub model_name_bytes: usize,
    /// Bytes of a call's text, of the WebAssembly component.
    pub call_bytes: usize,
    /// JSON values in a call, of the WebAssembly component: in its text, and in the text of a document that it passes.
    pub call_values: usize,
}

/// The limits of this pool.
pub const LIMITS: Limits = Limits {
    document_bytes: 64 << 20,
    rows: 100_000,
    // The limit of `serde_json`, with which hosts read documents too.
    nesting: 127,
    response_body_bytes: 1 << 20,
    response_header_bytes: 256 << 10,
    models_per_credential: 64,
    model_name_bytes: 256,
    call_bytes: 4 << 20,
    call_values: 200_000,
};
