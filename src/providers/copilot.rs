//! GitHub Copilot.

use super::provider::{GENERIC, Provider};

pub(super) static PROVIDER: Provider = Provider {
    id: "copilot",
    aliases: &["github-copilot"],
    name: "GitHub Copilot",
    hosts: &["githubcopilot.com"],
    base_url: Some("https://api.githubcopilot.com"),
    key_variables: &["COPILOT_GITHUB_TOKEN", "GH_TOKEN", "GITHUB_TOKEN"],
    ..GENERIC
};
