//! Vercel's AI Gateway.

use super::provider::{GENERIC, Provider};

pub(super) static PROVIDER: Provider = Provider {
    id: "ai-gateway",
    aliases: &["vercel"],
    name: "AI Gateway",
    hosts: &["ai-gateway.vercel.sh"],
    base_url: Some("https://ai-gateway.vercel.sh/v1"),
    key_variables: &["AI_GATEWAY_API_KEY"],
    base_url_variable: Some("AI_GATEWAY_BASE_URL"),
    ..GENERIC
};
