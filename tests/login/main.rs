//! Logins through the public API: transcripts of providers' answers and of a login's moves.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod properties;
mod secrecy;
mod transcripts;

use credential_pool::{Login, LoginConfig, LoginMove, PoolKey, Response, Timestamp};
use serde_json::{Value, json};

/// 2026-04-09T17:59:40.463Z.
const START: Timestamp = Timestamp::from_millis(1_775_757_580_463);

/// A made-up provider with both flows.
fn both() -> Value {
    json!({
        "client_id": "mine",
        "scope": "use offline",
        "device_authorization_url": "https://a.test/device",
        "authorization_url": "https://a.test/authorize?v=1",
        "token_url": "https://a.test/token",
    })
}

/// A login of a pool that is configured so.
fn start(key: &str, login: &Value, seed: u8) -> (Login, LoginMove) {
    let key = PoolKey::parse(key).unwrap();
    let config = match login {
        Value::Null => json!({}),
        login => json!({ "credential_pool_logins": { key.as_str(): login } }),
    };
    Login::start(LoginConfig::of(&key, config.as_object(), None).unwrap(), [seed; 32], START)
}

fn after(millis: i64) -> Timestamp {
    Timestamp::from_millis(START.as_millis() + millis)
}

fn response(status: u16, body: &str) -> Response {
    Response { status: Some(status), headers: Vec::new(), body: body.to_owned() }
}
