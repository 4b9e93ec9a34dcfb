//! Credentials whose source is gone: nothing that cannot be had again is lost. A login stays; of a borrowed secret the
//! document remembers all but the secret, until the source is found again.

use credential_pool::{Document, PoolKey, Sources, State, Stored, apply};
use serde_json::{Value, json};

use crate::host::{DAY, HOUR, Host, MINUTE, START, after};

/// Every place is shown, and holds nothing.
fn nothing() -> Value {
    json!({ "env": {}, "config": {}, "fileLogins": {}, "documentLogins": {} })
}

fn env(key: &str) -> Value {
    json!({ "env": { "HF_TOKEN": key }, "config": {}, "fileLogins": {}, "documentLogins": {} })
}

#[test]
fn a_login_whose_tokens_live_in_the_pool_stays_wherever_its_source_is() {
    let logins = [
        ("openai-codex", "device_code"),
        ("nous", "device_code"),
        ("anthropic", "hermes_pkce"),
        ("anthropic", "claude_code"),
        ("anthropic", "env:CLAUDE_CODE_OAUTH_TOKEN"),
    ];
    for (pool, source) in logins {
        let login = json!({
            "id": "a", "auth_type": "oauth", "source": source, "access_token": "at", "refresh_token": "rt",
        });
        let host = Host::open_with(pool, json!([login]), nothing());
        assert_eq!(host.ids(), ["a"], "{pool} {source}");
        assert_eq!(host.row("a")["refresh_token"], "rt", "{pool} {source}");
    }
}

#[test]
fn the_document_of_a_login_keeps_its_bytes() {
    let text = r#"{"providers":{},"credential_pool":{"openai-codex":[{"id":"a","auth_type":"oauth","source":"device_code","access_token":"at","refresh_token":"rt"}]}}"#;
    let mut document = Document::parse(text).unwrap();
    let key = PoolKey::parse("openai-codex").unwrap();
    let host = Host::open_stored(key.as_str(), document.stored(&key), nothing(), START);
    let _ = document.apply(&key, &host.changes);
    assert_eq!(document.to_text(), text);
}

#[test]
fn a_borrowed_row_comes_back_with_all_that_people_set_and_the_pool_learned() {
    let mut host = Host::open_with("huggingface", json!([]), env("hf-canary"));
    let id = host.serves().unwrap();
    let set = json!({ "label": "of work", "weight": 3, "max_in_flight": 2, "mine": { "deep": [1] } });
    let step = host.pool.update(&id.as_str().into(), set.as_object().unwrap(), host.now).unwrap();
    host.carry_out(step);
    host.mark_used(&id);
    let _ = host.rotate(&id, 402);
    let learned = host.row(&id).clone();

    host.later(MINUTE).reopen_with(nothing());
    assert!(!host.pool.has_credentials(), "the credential is gone");
    let text = serde_json::to_string(&host.stored).unwrap();
    assert!(!text.contains("canary"), "{text}");
    assert!(text.contains("of work"), "{text}");

    host.later(MINUTE).reopen_with(env("hf-canary"));
    let found = host.row(&id);
    for name in learned.keys().filter(|name| *name != "secret_fingerprint") {
        assert_eq!(found.get(name), learned.get(name), "{name}");
    }
    assert!(matches!(host.state(&id), State::CoolingDown { until, .. } if until == after(DAY)));
    assert_eq!(host.stored.rows.len(), 1);
}

#[test]
fn another_secret_of_the_source_comes_back_without_the_cooldown() {
    let mut host = Host::open_with("huggingface", json!([]), env("hf-old"));
    let id = host.serves().unwrap();
    let set = json!({ "label": "of work" });
    let step = host.pool.update(&id.as_str().into(), set.as_object().unwrap(), host.now).unwrap();
    host.carry_out(step);
    let _ = host.rotate(&id, 402);
    host.reopen_with(nothing());
    host.reopen_with(env("hf-new"));
    assert_eq!(host.serves(), Some(id.clone()));
    assert_eq!((&host.row(&id)["label"], &host.row(&id)["access_token"]), (&json!("of work"), &json!("hf-new")));
}

#[test]
fn a_removed_credential_is_not_remembered() {
    let mut host = Host::open_with("huggingface", json!([]), env("hf-key"));
    let id = host.serves().unwrap();
    let step = host.pool.remove(&id.as_str().into(), host.now).unwrap();
    host.carry_out(step);
    host.reopen_with(nothing());
    host.reopen_with(env("hf-key"));
    assert!(!host.pool.has_credentials(), "the source is suppressed");
}

#[test]
fn a_host_that_has_found_the_source_keeps_it_while_another_host_does_not() {
    let mut with = Host::open_with("huggingface", json!([]), env("hf-canary"));
    let id = with.serves().unwrap();
    let without = Host::open_stored("huggingface", with.stored.clone(), nothing(), with.now);
    assert!(without.ids().is_empty());

    with.stored = without.stored;
    let step = with.pool.sync(&with.stored, None, with.now);
    with.carry_out(step);
    assert_eq!(with.serves(), Some(id.clone()));
    assert_eq!(with.row(&id)["access_token"], "hf-canary", "the row is back in the store");
    let step = with.pool.sync(&with.stored, None, with.now);
    with.carry_out(step);
    assert_eq!(with.serves(), Some(id), "and stays there");
}

#[test]
fn a_change_that_arrives_late_is_remembered_with_the_row() {
    let mut host = Host::open_with("huggingface", json!([]), env("hf-canary"));
    let id = host.serves().unwrap();
    let (mut late, _) =
        credential_pool::Pool::open(host.key.clone(), &host.stored, &Sources::default(), [9; 32], after(1));
    let label = json!({ "label": "of work", "scope": "all" });
    let label = late.update(&id.as_str().into(), label.as_object().unwrap(), after(2)).unwrap();
    host.reopen_with(nothing());
    for intent in label.intents {
        if let credential_pool::Intent::Persist { changes, .. } = intent {
            apply(&mut host.stored, &changes, &host.key);
        }
    }
    host.later(HOUR).reopen_with(env("hf-canary"));
    assert_eq!(host.row(&id)["label"], "of work");
}

#[test]
fn absent_rows_stand_in_a_section_of_their_own_that_ends_with_the_last() {
    let key = PoolKey::parse("huggingface").unwrap();
    let mut document = Document::parse("{}").unwrap();
    let mut open = |sources: Value, at: i64| {
        let stored: Stored = document.stored(&key);
        let host = Host::open_stored(key.as_str(), stored, sources, after(at));
        let _ = document.apply(&key, &host.changes);
        serde_json::from_str::<Value>(&document.to_text()).unwrap()
    };
    open(env("hf-canary"), 0);
    let gone = open(nothing(), 1);
    assert_eq!(gone["credential_pool"], json!({ "huggingface": [] }));
    let absent = &gone["credential_pool_absent"]["huggingface"][0];
    assert_eq!((&absent["source"], &absent["access_token"]), (&json!("env:HF_TOKEN"), &json!("")));
    assert!(absent["secret_fingerprint"].is_string());
    let found = open(env("hf-canary"), 2);
    assert_eq!(found.get("credential_pool_absent"), None);
    assert_eq!(found["credential_pool"]["huggingface"][0]["access_token"], "hf-canary");
}
