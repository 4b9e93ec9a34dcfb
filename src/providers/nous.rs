//! Nous Portal (the reference). Requests carry a key that the access token is exchanged for.

use serde_json::Value;

use super::provider::{Carried, Fields, GENERIC, KeptLogin, LoginPlace, Provider};
use crate::{
    failure::{
        kind::FailureKind::Unauthorized,
        rule::{On::Only, Rule, Says::Text},
    },
    oauth::flow::{KeyExchange, LoginEndpoints, RefreshFlow, TokenDates, TokenEnd, TokenServer},
};

const PORTAL: &str = "https://portal.nousresearch.com";
const CLIENT_ID: &str = "hermes-cli";

pub(super) static PROVIDER: Provider = Provider {
    id: "nous",
    name: "Nous Portal",
    hosts: &["inference-api.nousresearch.com"],
    base_url: Some("https://inference-api.nousresearch.com/v1"),
    carries: Carried::AgentKey,
    refresh: Some(RefreshFlow {
        server: TokenServer::Portal(PORTAL),
        other_server: None,
        path: "/api/oauth/token",
        key_exchange: Some(KeyExchange { path: "/api/oauth/agent-key", body: r#"{"min_ttl_seconds":1800}"# }),
        client_id: CLIENT_ID,
        json_sources: &[],
        timeout_ms: 15_000,
        token_end: TokenEnd::Unknown,
        sets: TokenDates::ObtainedAt,
        final_codes: &[],
    }),
    login: Some(LoginEndpoints {
        client_id: CLIENT_ID,
        scope: Some("inference:mint_agent_key"),
        device_authorization_url: "https://portal.nousresearch.com/api/oauth/device/code",
        token_url: "https://portal.nousresearch.com/api/oauth/token",
        portal_base_url: Some(PORTAL),
    }),
    kept_logins: &[KeptLogin { source: "device_code", place: LoginPlace::Document, row: login_row }],
    // One answer for three faults: the agent key that ended is the usual one.
    rules: &[Rule::new(Unauthorized, Only(&[401]), Text(&["api key is invalid blocked or out of funds"]))],
    ..GENERIC
};

/// Reads a login whose fields have the names of a row's; `tls` only if it is an object. Without a token there is no
/// login: a login that has ended leaves its URLs behind.
fn login_row(login: &Fields) -> Option<Fields> {
    const COPIED: [&str; 10] = [
        "access_token",
        "refresh_token",
        "expires_at",
        "token_type",
        "scope",
        "client_id",
        "portal_base_url",
        "inference_base_url",
        "agent_key",
        "agent_key_expires_at",
    ];
    let tls = login.get("tls").filter(|tls| tls.is_object()).map(|tls| ("tls", tls));
    let copied = COPIED.into_iter().filter_map(|name| Some((name, login.get(name)?)));
    let row: Fields = copied.chain(tls).map(|(name, value)| (name.to_owned(), value.clone())).collect();
    let is_token = |name: &str| row.get(name).and_then(Value::as_str).is_some_and(|token| !token.is_empty());
    ["access_token", "refresh_token", "agent_key"].into_iter().any(is_token).then_some(row)
}
