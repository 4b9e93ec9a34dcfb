//! OpenAI ("API reference: Authentication"; variables: its Python client).

use super::provider::{GENERIC, Provider};

pub(super) static PROVIDER: Provider = Provider {
    id: "openai",
    name: "OpenAI",
    hosts: &["api.openai.com"],
    base_url: Some("https://api.openai.com/v1"),
    key_variables: &["OPENAI_API_KEY"],
    base_url_variable: Some("OPENAI_BASE_URL"),
    ..GENERIC
};
