//! Kilo Code.

use super::provider::{GENERIC, Provider};

pub(super) static PROVIDER: Provider = Provider {
    id: "kilocode",
    aliases: &["kilo"],
    name: "Kilo Code",
    hosts: &["api.kilo.ai"],
    base_url: Some("https://api.kilo.ai/api/gateway"),
    key_variables: &["KILOCODE_API_KEY"],
    base_url_variable: Some("KILOCODE_BASE_URL"),
    ..GENERIC
};
