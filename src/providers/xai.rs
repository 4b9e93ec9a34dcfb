//! xAI ("REST API reference" and "Regional endpoints", which are subdomains; `XAI_BASE_URL`: the reference's later versions).

use super::provider::{GENERIC, Provider};

pub(super) static PROVIDER: Provider = Provider {
    id: "xai",
    aliases: &["x-ai", "grok"],
    name: "xAI",
    hosts: &["api.x.ai"],
    base_url: Some("https://api.x.ai/v1"),
    key_variables: &["XAI_API_KEY"],
    base_url_variable: Some("XAI_BASE_URL"),
    ..GENERIC
};
