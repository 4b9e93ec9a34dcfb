//! DeepSeek.

use super::provider::{GENERIC, Provider};

pub(super) static PROVIDER: Provider = Provider {
    id: "deepseek",
    name: "DeepSeek",
    hosts: &["api.deepseek.com"],
    base_url: Some("https://api.deepseek.com/v1"),
    key_variables: &["DEEPSEEK_API_KEY"],
    base_url_variable: Some("DEEPSEEK_BASE_URL"),
    ..GENERIC
};
