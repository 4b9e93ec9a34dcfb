//! Anthropic ("API overview: Authentication"; logins, their sources and their refresh: the reference).

use serde_json::json;

use super::{
    auth_style::{AuthStyle, BEARER, SecretKind},
    provider::{Fields, GENERIC, KeptLogin, LoginPlace, Provider},
};
use crate::oauth::flow::{RefreshFlow, TokenDates, TokenEnd, TokenServer};

pub(super) static PROVIDER: Provider = Provider {
    id: "anthropic",
    aliases: &["claude"],
    name: "Anthropic",
    hosts: &["api.anthropic.com"],
    base_url: Some("https://api.anthropic.com"),
    key_variables: &["ANTHROPIC_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_API_KEY"],
    key_auth: AuthStyle::headers(&[("x-api-key", "")]),
    // Anthropic's TypeScript client, `lib/credentials`: requests with an OAuth token carry this value.
    login_auth: AuthStyle { append: &[("anthropic-beta", "oauth-2025-04-20")], ..BEARER },
    // The reference; `claude setup-token` makes `sk-ant-oat…`. Keys of the Admin API (`sk-ant-admin…`) are no logins.
    secret_prefixes: &[
        ("sk-ant-api", SecretKind::Key),
        ("sk-ant-admin", SecretKind::Key),
        ("sk-ant-oat", SecretKind::Login),
    ],
    discovered_kind: SecretKind::Login,
    refresh: Some(RefreshFlow {
        server: TokenServer::Fixed("https://platform.claude.com"),
        other_server: Some("https://console.anthropic.com"),
        path: "/v1/oauth/token",
        key_exchange: None,
        client_id: "9d1c250a-e61b-44d9-88ed-5944d1962f5e",
        json_sources: &["hermes_pkce"],
        timeout_ms: 10_000,
        token_end: TokenEnd::Row,
        sets: TokenDates::ExpiresAtMs,
        final_codes: &[],
    }),
    kept_logins: &[
        KeptLogin { source: "hermes_pkce", place: LoginPlace::File, row: login_row },
        KeptLogin { source: "claude_code", place: LoginPlace::File, row: login_row },
    ],
    source_ranking: &[
        "env:ANTHROPIC_TOKEN",
        "env:CLAUDE_CODE_OAUTH_TOKEN",
        "hermes_pkce",
        "claude_code",
        "env:ANTHROPIC_API_KEY",
    ],
    ..GENERIC
};

/// Reads `accessToken`, `refreshToken` and `expiresAt` (milliseconds).
fn login_row(login: &Fields) -> Option<Fields> {
    login.get("accessToken")?.as_str().filter(|token| !token.is_empty())?;
    let row = json!({
        "access_token": login.get("accessToken"),
        "refresh_token": login.get("refreshToken"),
        "expires_at_ms": login.get("expiresAt"),
    });
    row.as_object().cloned()
}
