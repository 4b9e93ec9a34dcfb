//! GitHub Copilot through a program on this machine, which speaks the Agent Client Protocol.

use super::provider::{GENERIC, Provider};

pub(super) static PROVIDER: Provider = Provider {
    id: "copilot-acp",
    name: "GitHub Copilot ACP",
    base_url: Some("acp://copilot"),
    base_url_variable: Some("COPILOT_ACP_BASE_URL"),
    ..GENERIC
};
