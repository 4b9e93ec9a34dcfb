//! OpenRouter.

use super::provider::{GENERIC, Provider};

pub(super) static PROVIDER: Provider = Provider {
    id: "openrouter",
    name: "OpenRouter",
    hosts: &["openrouter.ai"],
    base_url: Some("https://openrouter.ai/api/v1"),
    key_variables: &["OPENROUTER_API_KEY"],
    ..GENERIC
};
