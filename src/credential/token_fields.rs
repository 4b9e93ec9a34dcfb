//! Fields of a row that hold tokens. A refresh sets these and no others.

/// Fields of a row that a refresh may set.
pub(crate) const TOKEN_FIELDS: [&str; 17] = [
    "access_token",
    "refresh_token",
    "expires_at",
    "expires_at_ms",
    "expires_in",
    "obtained_at",
    "last_refresh",
    "token_type",
    "scope",
    "inference_base_url",
    "agent_key",
    "agent_key_expires_at",
    "agent_key_id",
    "agent_key_expires_in",
    "agent_key_reused",
    "agent_key_obtained_at",
    "secret_fingerprint",
];

/// Returns whether a refresh may set this field of a row.
pub(crate) fn is_token_field(field: &str) -> bool {
    TOKEN_FIELDS.contains(&field)
}
