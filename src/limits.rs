//! Limits of what the pool reads.

use serde::Serialize;

/// Most that the pool reads of an input. A host need not read more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Bytes of a response's body. A longer body is no provider's error: its beginning is judged as text.
    pub response_body_bytes: usize,
}

/// The limits of this pool.
pub const LIMITS: Limits = Limits { response_body_bytes: 1 << 20 };
