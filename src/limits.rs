//! Limits of what the pool reads.

use serde::Serialize;

/// Most that the pool reads of an input. A host need not read more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Bytes of a response's body. A longer body is no provider's error: its beginning is judged as text.
    pub response_body_bytes: usize,
    /// Models with a cooldown that a row remembers. Of more models, the cooldowns that end first are forgotten.
    pub models_per_credential: usize,
    /// Bytes of the name of a model with a cooldown. Of a model with a longer name, no cooldown is remembered.
    pub model_name_bytes: usize,
}

/// The limits of this pool.
pub const LIMITS: Limits = Limits { response_body_bytes: 1 << 20, models_per_credential: 64, model_name_bytes: 256 };
