//! OpenAI Codex with a ChatGPT account (login, refresh and base URL: the reference).

use serde_json::json;

use super::{
    auth_style::{AuthStyle, BEARER},
    provider::{Fields, GENERIC, KeptLogin, LoginPlace, Provider},
};
use crate::oauth::flow::{RefreshFlow, TokenDates, TokenEnd, TokenServer};

const BASE_URL: &str = "https://chatgpt.com/backend-api/codex";

pub(super) static PROVIDER: Provider = Provider {
    id: "openai-codex",
    aliases: &["codex"],
    name: "OpenAI Codex",
    hosts: &["chatgpt.com"],
    base_url: Some(BASE_URL),
    // Codex's source, `codex-rs`: requests name the account that the token is for.
    login_auth: AuthStyle {
        claims: &[("chatgpt-account-id", &["https://api.openai.com/auth", "chatgpt_account_id"])],
        ..BEARER
    },
    refresh: Some(RefreshFlow {
        server: TokenServer::Fixed("https://auth.openai.com"),
        other_server: None,
        path: "/oauth/token",
        key_exchange: None,
        client_id: "app_EMoamEEZ73f0CkXaXp7hrann",
        json_sources: &[],
        timeout_ms: 20_000,
        token_end: TokenEnd::Claim,
        sets: TokenDates::LastRefresh,
        final_codes: &["invalid_request"],
    }),
    kept_logins: &[KeptLogin { source: "device_code", place: LoginPlace::Document, row: login_row }],
    ..GENERIC
};

/// Reads `tokens.access_token`, `tokens.refresh_token` and `last_refresh`.
fn login_row(login: &Fields) -> Option<Fields> {
    let tokens = login.get("tokens")?.as_object()?;
    tokens.get("access_token")?.as_str().filter(|token| !token.is_empty())?;
    let row = json!({
        "access_token": tokens.get("access_token"),
        "refresh_token": tokens.get("refresh_token"),
        "base_url": BASE_URL,
        "last_refresh": login.get("last_refresh"),
    });
    row.as_object().cloned()
}
