//! A canary in everything that a provider says never appears where people look.

use credential_pool::{LoginConfig, LoginMove, PoolKey};
use credential_pool_protocol::Session;
use serde_json::json;

use crate::{START, after, both, response, start};

const CANARY: &str = "canary5f2d";

#[test]
fn no_debug_shows_a_secret() {
    let mut shown = String::new();
    let device = json!({
        "device_code": CANARY, "user_code": CANARY, "verification_uri": format!("https://a.test/{CANARY}"),
        "verification_uri_complete": format!("https://a.test/?{CANARY}"),
    });
    let tokens = json!({ "access_token": CANARY, "refresh_token": CANARY, "id_token": CANARY, "scope": CANARY });
    let mut config = both();
    config["flow"] = json!("device_code");
    for field in ["client_id", "scope"] {
        config[field] = json!(CANARY);
    }
    config["parameters"] = json!({ "audience": CANARY });
    let key = PoolKey::parse("custom:a").unwrap();
    let logins = json!({ "credential_pool_logins": { "custom:a": config } });
    shown += &format!("{:?}", LoginConfig::of(&key, logins.as_object(), None));
    let (mut login, first) = start("custom:a", &config, 7);
    let moves = [
        Ok(first),
        login.answer(&response(200, &device.to_string()), START),
        login.resume(after(5_000)),
        login.answer(&response(200, &tokens.to_string()), after(5_000)),
    ];
    assert!(matches!(moves.last(), Some(Ok(LoginMove::Done { row })) if row.0["access_token"] == CANARY));
    shown += &format!("{login:?} {login:#?} {moves:?} {moves:#?}");

    let (mut login, first) = start("custom:a", &both(), 7);
    let visit = login.listening(81, START).unwrap();
    let LoginMove::Visit { url, .. } = &visit else { panic!("{visit:?}") };
    let state = url.split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let moves = [
        Ok(first),
        login.redirected(&format!("/callback?code={CANARY}&state={CANARY}"), START),
        login.redirected(&format!("/callback?code={CANARY}&state={state}"), START),
        login.answer(&response(400, &json!({ "error": CANARY, "error_description": CANARY }).to_string()), START),
    ];
    shown += &format!("{login:?} {visit:?} {visit:#?} {moves:?} {moves:#?}");
    assert!(!shown.contains(CANARY) && !shown.contains(&state), "{shown}");
}

#[test]
fn no_refusal_shows_what_a_provider_or_a_host_wrote() {
    let mut session = Session::default();
    let mut shown = String::new();
    let start = |login: serde_json::Value| {
        let config = json!({ "credential_pool_logins": { "custom:a": login } });
        json!({ "call": "startLogin", "args": { "key": "custom:a", "config": config, "seed": "07".repeat(32), "now": 0 } })
    };
    let mut config = both();
    config["flow"] = json!("device_code");
    session.call(&start(config).to_string());
    for call in [
        start(json!(CANARY)),
        start(json!({ "client_id": CANARY, "token_url": CANARY })),
        start(json!({ "client_id": CANARY, "token_url": "https://a.test", "client_secret": CANARY })),
        json!({ "call": "startLogin", "args": { "key": CANARY, "seed": "07".repeat(32), "now": 0 } }),
        json!({ "call": "startLogin", "args": { "key": "nous", "flow": CANARY, "seed": "07".repeat(32), "now": 0 } }),
        json!({ "call": "answerLogin", "args": { "login": 1, "response": { "status": 200, "body": [CANARY] }, "now": 0 } }),
        json!({ "call": "loginRedirected", "args": { "login": 1, "url": CANARY, "now": 0 } }),
        json!({ "call": "loginListening", "args": { "login": 1, "port": CANARY, "now": 0 } }),
        json!({ "call": "resumeLogin", "args": { "login": 9, "now": 0 } }),
    ] {
        let answer = session.call(&call.to_string());
        assert!(answer.starts_with(r#"{"error""#), "{call}: {answer}");
        shown += &answer;
    }
    let failed = json!({ "status": 400, "body": json!({ "error": CANARY, "error_description": CANARY }).to_string() });
    shown += &session
        .call(&json!({ "call": "answerLogin", "args": { "login": 1, "response": failed, "now": 0 } }).to_string());
    assert!(shown.contains(r#"{"ok":{"type":"failed","reason":"refused""#), "{shown}");
    assert!(!shown.contains(CANARY), "{shown}");
}
