//! OpenCode Go, at the host of OpenCode Zen.

use super::{
    opencode_zen,
    provider::{GENERIC, Provider},
};

pub(super) static PROVIDER: Provider = Provider {
    id: "opencode-go",
    name: "OpenCode Go",
    base_url: Some("https://opencode.ai/zen/go/v1"),
    key_variables: &["OPENCODE_GO_API_KEY"],
    base_url_variable: Some("OPENCODE_GO_BASE_URL"),
    rules: opencode_zen::RULES,
    ..GENERIC
};
