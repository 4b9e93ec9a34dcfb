//! Moonshot AI ("Moonshot AI Open Platform: Start using the Kimi API"), outside of China at `.ai` and in China at `.cn`.

use super::provider::{GENERIC, Provider};

pub(super) static PROVIDER: Provider = Provider {
    id: "moonshot",
    aliases: &["moonshotai", "moonshot-ai"],
    name: "Moonshot AI",
    hosts: &["api.moonshot.ai", "api.moonshot.cn"],
    base_url: Some("https://api.moonshot.ai/v1"),
    key_variables: &["MOONSHOT_API_KEY"],
    ..GENERIC
};
