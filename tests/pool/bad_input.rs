//! Malformed input of every kind is a typed error or a reported problem, and the pool keeps working.

use credential_pool::{
    Document, ErrorCode, PoolKey, Problem, Severity, Sources, Stored, Timestamp, UnixSeconds, check,
};
use credential_pool_protocol::Session;
use serde_json::{Value, json};

use crate::host::{Host, START, key};

fn code(answer: &str) -> String {
    let answer: Value = serde_json::from_str(answer).unwrap();
    answer["error"]["code"].as_str().unwrap_or("no error").to_owned()
}

#[test]
fn a_malformed_call_is_an_error() {
    let mut session = Session::default();
    let seed = "07".repeat(32);
    let open = json!({ "call": "open", "args": { "key": "openrouter", "seed": seed, "now": 0 } }).to_string();
    assert_eq!(code(&session.call(&open)), "no error");
    for call in [
        "",
        "{",
        "null",
        "7",
        "[]",
        "{}",
        "\u{0}",
        r#"{"call":7}"#,
        r#"{"call":"reset"}"#,
        r#"{"call":"obey","args":{}}"#,
        r#"{"call":"select","args":{"pool":1}}"#,
        r#"{"call":"select","args":{"pool":1,"now":"2026-04-02"}}"#,
        r#"{"call":"select","args":{"pool":1,"now":1.5}}"#,
        r#"{"call":"select","args":{"pool":1,"now":1e400}}"#,
        r#"{"call":"select","args":{"pool":9,"now":0}}"#,
        r#"{"call":"select","args":{"pool":1,"now":0,"also":1}}"#,
        r#"{"call":"select","args":{"pool":1,"now":0},"also":1}"#,
        r#"{"call":"open","args":{"key":"x","seed":"07","now":0}}"#,
        r#"{"call":"settle","args":{"pool":1,"intent":-1,"outcome":{"type":"saved"},"now":0}}"#,
    ] {
        assert_eq!(code(&session.call(call)), "invalid_argument", "{call}");
    }
    for call in [
        "[".repeat(10_000_000),
        format!("{}1{}", "[".repeat(5_000_000), "]".repeat(5_000_000)),
        format!(r#"{{"call":{}"#, "{\"a\":".repeat(1_000_000)),
    ] {
        assert_eq!(code(&session.call(&call)), "too_large", "{}", call.chars().take(80).collect::<String>());
    }
    assert_eq!(code(&session.call(r#"{"call":"select","args":{"pool":1,"now":0}}"#)), "no error");
}

#[test]
fn a_deeply_nested_document_is_read_or_refused_and_never_overflows_the_stack() {
    for depth in [100, 1_000, 5_000_000] {
        let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        for text in
            [nested.clone(), format!(r#"{{"mine":{nested}}}"#), format!(r#"{{"credential_pool":{{"x":{nested}}}}}"#)]
        {
            match Document::parse(&text) {
                Ok(document) => assert_eq!(document.to_text(), text),
                Err(error) => assert!(
                    matches!(error.code, ErrorCode::InvalidDocument | ErrorCode::TooLarge),
                    "{depth}: {:?}",
                    error.code
                ),
            }
            assert!(check(&text, START).len() <= 2);
        }
    }
}

#[test]
fn a_wrong_type_in_a_field_sets_the_row_aside_or_is_kept() {
    let fields = [
        "id",
        "label",
        "auth_type",
        "priority",
        "source",
        "access_token",
        "refresh_token",
        "last_status",
        "last_status_at",
        "last_error_code",
        "base_url",
        "expires_at",
        "expires_at_ms",
        "last_refresh",
        "inference_base_url",
        "agent_key",
        "request_count",
        "turn",
        "tls",
        "token_type",
        "client_id",
        "last_error_reason",
        "last_error_message",
        "last_error_reset_at",
        "model_cooldowns",
        "weight",
        "max_in_flight",
        "mine",
    ];
    for field in fields {
        for value in
            [json!(null), json!(true), json!(-1.5), json!("text"), json!([]), json!({ "a": 1 }), json!(u64::MAX)]
        {
            let mut row = key("odd", 0);
            row[field] = value.clone();
            let mut host = Host::open("openrouter", json!([row, key("good", 1)]));
            assert!(host.serves().is_some(), "{field}: {value}");
            let _ = host.rotate("good", 429);
            let is_set_aside = !host.pool.set_aside().is_empty();
            let reports = |problem: &Problem| problem.severity == Severity::Error && problem.pointer.ends_with(field);
            let is_reported = host.opened.problems.iter().any(reports);
            assert_eq!(is_set_aside, is_reported, "{field}: {value}");
            assert!(!is_set_aside || host.stored.rows[0] == row, "{field}: {value}");
        }
    }
}

#[test]
fn malformed_suppressed_sources_and_strategies_do_not_stop_a_pool() {
    let text = json!({
        "credential_pool": { "openrouter": [key("a", 0)] },
        "suppressed_sources": { "openrouter": ["env:X", 7, null, {}] },
        "credential_pool_strategies": { "openrouter": "best" },
    });
    let pool = PoolKey::parse("openrouter").unwrap();
    let stored = Document::parse(&text.to_string()).unwrap().stored(&pool);
    let mut host = Host::open_stored("openrouter", stored, json!({}), START);
    assert_eq!(host.serves().unwrap(), "a");
    assert_eq!(host.opened.problems[0].pointer, "/credential_pool_strategies/openrouter");
}

#[test]
fn the_pool_works_at_the_limits_of_time() {
    let stored = Stored { rows: vec![key("a", 0)], ..Stored::default() };
    for now in [i64::MIN, -1, 1, i64::MAX].map(Timestamp::from_millis) {
        let key = PoolKey::parse("openrouter").unwrap();
        let (mut pool, _) = credential_pool::Pool::open(key, &stored, &Sources::default(), [7; 32], now);
        let step = pool.rotate(&"a".into(), credential_pool::Failure::status(429), now).unwrap();
        assert!(step.wake.is_none_or(|wake| wake.at >= now), "{now:?}: {:?}", step.wake);
        let _ = pool.tick(Timestamp::from_millis(i64::MAX));
    }
    assert_eq!(UnixSeconds::new(f64::NAN), None);
}
