//! A provider that exists in tests of this crate alone: with it the tests show that a file here and a line in the table
//! are all that a provider needs.

use serde_json::json;

use super::{
    auth_style::{AuthStyle, BEARER, SecretKind},
    provider::{AuthPlaces, Fields, GENERIC, KeptLogin, LoginPlace, Provider},
};
use crate::{
    failure::{
        kind::FailureKind::Quota,
        rule::{On::Any, Rule, Says::Code},
    },
    oauth::flow::{LoginEndpoints, RefreshFlow, TokenDates, TokenEnd, TokenServer},
};

pub(super) static PROVIDER: Provider = Provider {
    id: "made-up",
    aliases: &["invented"],
    name: "Made Up",
    hosts: &["made-up.test"],
    base_url: Some("https://api.made-up.test/v1"),
    key_variables: &["MADE_UP_KEY", "MADE_UP_TOKEN"],
    base_url_variable: Some("MADE_UP_URL"),
    key_auth: AuthStyle { query: &["made-up-key"], ..AuthStyle::headers(&[("x-made-up-key", "Key ")]) },
    login_auth: AuthStyle { append: &[("made-up-features", "logins")], ..BEARER },
    other_auth_places: AuthPlaces { headers: &["x-made-up-session"], query: &[] },
    secret_prefixes: &[("mu-login-", SecretKind::Login)],
    refresh: Some(RefreshFlow {
        server: TokenServer::Fixed("https://login.made-up.test"),
        other_server: None,
        path: "/token",
        key_exchange: None,
        client_id: "made-up-client",
        json_sources: &[],
        timeout_ms: 1_000,
        token_end: TokenEnd::Row,
        sets: TokenDates::ExpiresAtMs,
        final_codes: &["made_up_end"],
    }),
    login: Some(LoginEndpoints {
        client_id: "made-up-client",
        scope: None,
        device_authorization_url: "https://login.made-up.test/device",
        token_url: "https://login.made-up.test/token",
        portal_base_url: None,
    }),
    kept_logins: &[KeptLogin { source: "made_up_cli", place: LoginPlace::File, row: login_row }],
    source_ranking: &["made_up_cli", "env:MADE_UP_TOKEN"],
    rules: &[Rule::new(Quota, Any, Code(&["mu_empty"]))],
    zone_minutes: -60,
    ..GENERIC
};

fn login_row(login: &Fields) -> Option<Fields> {
    json!({ "access_token": login.get("token")?, "expires_at_ms": login.get("end") }).as_object().cloned()
}
