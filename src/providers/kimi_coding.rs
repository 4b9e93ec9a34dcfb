//! Kimi's plan for coding. The reference calls it at Moonshot's address, whose host belongs to `moonshot`.

use super::provider::{GENERIC, Provider};

pub(super) static PROVIDER: Provider = Provider {
    id: "kimi-coding",
    aliases: &["kimi"],
    name: "Kimi Code",
    hosts: &["kimi.com"],
    base_url: Some("https://api.moonshot.ai/v1"),
    key_variables: &["KIMI_API_KEY"],
    base_url_variable: Some("KIMI_BASE_URL"),
    ..GENERIC
};
