//! Borrowed secrets: under the policy `fingerprint` the store holds a fingerprint, by which the secret is found again.

use credential_pool::{
    Failure, Intent, NextMove, Outcome, Pool, PoolKey, Request, Selection, Settled, Sources, State, Step, Stored, apply,
};
use serde_json::{Value, json};

use crate::host::{HOUR, START, after};

/// A host, and the store that it writes to.
struct Host {
    pool: Pool,
    stored: Stored,
}

fn open(key: &str, stored: Stored, sources: &Value) -> Host {
    let sources: Sources = serde_json::from_value(sources.clone()).unwrap();
    let (pool, step) = Pool::open(PoolKey::parse(key).unwrap(), &stored, &sources, [7; 32], START);
    let mut host = Host { pool, stored };
    host.write(step);
    host
}

impl Host {
    fn write<T>(&mut self, step: Step<T>) -> T {
        for intent in step.intents {
            if let Intent::Persist { id, changes } = intent {
                apply(&mut self.stored, &changes, self.pool.key());
                let settled = self.pool.settle(id, Outcome::Saved, START).unwrap();
                self.write(settled);
            }
        }
        step.value
    }

    fn row(&self) -> &Value {
        &self.stored.rows[0]
    }

    fn key(&self) -> String {
        let id = self.row()["id"].as_str().unwrap().into();
        self.pool.runtime(&id).unwrap().key.to_owned()
    }
}

fn env(policy: &str, key: &str) -> Value {
    json!({
        "env": { "HF_TOKEN": key },
        "config": { "credential_pool_policies": { "huggingface": { "borrowed_secrets": policy } } },
    })
}

#[test]
fn an_environment_key_is_stored_as_its_fingerprint_and_found_again() {
    let mut host = open("huggingface", Stored::default(), &env("fingerprint", "hf-canary"));
    assert_eq!(host.key(), "hf-canary");
    let id = host.row()["id"].as_str().unwrap().into();
    let step = host.pool.mark_used(&id).unwrap();
    host.write(step);
    let step = host.pool.rotate(&id, Failure::status(429), START).unwrap();
    host.write(step);
    let stored = serde_json::to_string(&host.stored).unwrap();
    assert!(!stored.contains("canary"), "{stored}");
    assert!(host.row()["secret_fingerprint"].as_str().unwrap().starts_with("sha256:"));
    assert_eq!(Value::Object(host.pool.rows()[0].clone()), *host.row(), "the pool's rows equal the stored rows");

    let again = open("huggingface", host.stored.clone(), &env("fingerprint", "hf-canary"));
    assert_eq!((again.key().as_str(), &again.row()["request_count"]), ("hf-canary", &json!(1)));
    assert_eq!(again.row()["last_status"], "exhausted", "the same key still cools down");
    assert!(again.stored == host.stored, "opening writes nothing");

    let replaced = open("huggingface", host.stored.clone(), &env("fingerprint", "hf-other"));
    assert_eq!(
        (replaced.key().as_str(), &replaced.row()["last_status"]),
        ("hf-other", &Value::Null),
        "another key has no cooldown"
    );
    assert_ne!(replaced.row()["secret_fingerprint"], host.row()["secret_fingerprint"]);
}

#[test]
fn a_host_without_the_environment_keeps_the_row_and_does_not_choose_it() {
    let host = open("huggingface", Stored::default(), &env("fingerprint", "hf-canary"));
    let mut blind = open("huggingface", host.stored.clone(), &json!({}));
    assert!(matches!(blind.pool.lease(Request::default(), START).value, NextMove::Exhausted { .. }));
    assert_eq!(blind.pool.entries(START)[0].state, State::NoSecret);
    let id = host.row()["id"].as_str().unwrap().into();
    let label = json!({ "label": "mine", "base_url": "https://a.test" });
    let step = blind.pool.update(&id, label.as_object().unwrap(), START).unwrap();
    blind.write(step);

    // The host with the key takes in the edits of other hosts.
    let mut host = host;
    let step = host.pool.sync(&blind.stored, None, START);
    host.write(step);
    assert_eq!((host.key().as_str(), &host.pool.rows()[0]["label"]), ("hf-canary", &json!("mine")));
    assert!(matches!(host.pool.select(START).value, Selection::Selected { .. }));
}

#[test]
fn a_changed_borrowed_secrets_policy_applies_at_the_next_open() {
    let whole = open("huggingface", Stored::default(), &env("stored", "hf-canary"));
    assert_eq!(whole.row()["access_token"], "hf-canary");
    let fingerprinted = open("huggingface", whole.stored, &env("fingerprint", "hf-canary"));
    assert!(!serde_json::to_string(&fingerprinted.stored).unwrap().contains("canary"));
    let whole = open("huggingface", fingerprinted.stored, &env("stored", "hf-canary"));
    assert_eq!((&whole.row()["access_token"], &whole.row()["secret_fingerprint"]), (&json!("hf-canary"), &Value::Null));
}

#[test]
fn refreshed_tokens_belong_to_the_pool_and_are_stored() {
    let login = |refresh: &str| {
        json!({
            "fileLogins": { "claude_code": { "accessToken": format!("at-{refresh}"), "refreshToken": refresh, "expiresAt": START.as_millis() } },
            "config": { "credential_pool_policies": { "anthropic": { "borrowed_secrets": "fingerprint" } } },
        })
    };
    let mut host = open("anthropic", Stored::default(), &login("canary"));
    assert!(!serde_json::to_string(&host.stored).unwrap().contains("canary"));
    let Selection::Refreshing { intent, .. } = host.pool.select(START).value else { panic!() };
    let fields = json!({ "access_token": "at-2", "refresh_token": "rt-2", "expires_at_ms": after(HOUR).as_millis() });
    let step = host.pool.settle(intent, crate::host::tokens(fields), START).unwrap();
    assert!(matches!(host.write(step), Settled::Refreshed { .. }));
    assert_eq!((&host.row()["refresh_token"], &host.row()["secret_fingerprint"]), (&json!("rt-2"), &Value::Null));

    // The other program's file still holds the spent pair.
    let again = open("anthropic", host.stored.clone(), &login("canary"));
    assert_eq!(again.key(), "at-2");
    assert_eq!(again.row()["refresh_token"], "rt-2");
}

#[test]
fn no_edit_and_no_refresh_writes_a_borrowed_secret_to_the_store() {
    let mut host = open("huggingface", Stored::default(), &env("fingerprint", "hf-canary"));
    let id = host.row()["id"].as_str().unwrap().into();
    let fields = json!({ "inference_base_url": "https://a.test", "scope": "all" });
    let step = host.pool.update(&id, fields.as_object().unwrap(), START).unwrap();
    host.write(step);
    assert!(!serde_json::to_string(&host.stored).unwrap().contains("canary"));
    assert_eq!((host.key().as_str(), &host.row()["scope"]), ("hf-canary", &json!("all")));

    let login = json!({
        "fileLogins": { "claude_code": { "accessToken": "at-canary", "refreshToken": "rt-canary", "expiresAt": START.as_millis() } },
        "config": { "credential_pool_policies": { "anthropic": { "borrowed_secrets": "fingerprint" } } },
    });
    let mut host = open("anthropic", Stored::default(), &login);
    let Selection::Refreshing { intent, .. } = host.pool.select(START).value else { panic!() };
    let kept = json!({ "access_token": "at-2", "expires_at_ms": after(HOUR).as_millis() });
    let step = host.pool.settle(intent, crate::host::tokens(kept), START).unwrap();
    host.write(step);
    assert!(!serde_json::to_string(&host.stored).unwrap().contains("canary"), "the refresh token is still borrowed");
    assert_eq!(host.key(), "at-2");
}

#[test]
fn a_key_that_a_person_added_is_not_borrowed() {
    let mut host = open("huggingface", Stored::default(), &env("fingerprint", "hf-canary"));
    let row = json!({ "access_token": "sk-mine" });
    let step = host.pool.add(row.as_object().unwrap(), START).unwrap();
    host.write(step);
    assert_eq!(host.stored.rows[1]["access_token"], "sk-mine");
}
