//! Together AI ("Quickstart"; variables: its Python client).

use super::provider::{GENERIC, Provider};

pub(super) static PROVIDER: Provider = Provider {
    id: "together",
    aliases: &["togetherai", "together-ai"],
    name: "Together AI",
    hosts: &["api.together.xyz", "api.together.ai"],
    base_url: Some("https://api.together.xyz/v1"),
    key_variables: &["TOGETHER_API_KEY"],
    base_url_variable: Some("TOGETHER_BASE_URL"),
    ..GENERIC
};
