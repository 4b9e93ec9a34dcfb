//! The outbox: unsaved changes are persisted again until a write is settled as saved, and applying them twice is harmless.

use credential_pool::{Failure, Intent, Outcome, Pool, PoolKey, Sources, Step, Stored, Timestamp, apply};
use serde_json::json;

use crate::host::{HOUR, START, after, key, login, tokens};

/// A pool whose host writes in order and has not settled any write yet.
struct Unsettled {
    pool: Pool,
    stored: Stored,
    written: Vec<Intent>,
}

impl Unsettled {
    fn open(key: &str, stored: Stored, sources: serde_json::Value) -> Self {
        let sources: Sources = serde_json::from_value(sources).unwrap();
        let (pool, step) = Pool::open(PoolKey::parse(key).unwrap(), &stored, &sources, [7; 32], START);
        let mut host = Self { pool, stored, written: Vec::new() };
        host.write(step);
        host
    }

    fn write<T>(&mut self, step: Step<T>) -> T {
        for intent in step.intents {
            if let Intent::Persist { changes, .. } = &intent {
                apply(&mut self.stored, changes, self.pool.key());
                self.written.push(intent);
            }
        }
        step.value
    }

    fn settle_all(&mut self, outcome: &Outcome) {
        for intent in std::mem::take(&mut self.written) {
            let step = self.pool.settle(intent.id(), outcome.clone(), START).unwrap();
            self.write(step);
        }
    }
}

#[test]
fn a_use_count_is_persisted_once_while_its_write_is_not_settled() {
    let stored = Stored { rows: vec![key("a", 0), key("b", 1)], ..Stored::default() };
    let mut host = Unsettled::open("openrouter", stored, json!({}));
    for _ in 0..3 {
        let step = host.pool.mark_used(&"a".into()).unwrap();
        host.write(step);
    }
    let step = host.pool.rotate(&"a".into(), Failure::status(429), START).unwrap();
    host.write(step);
    let step = host.pool.rotate(&"b".into(), Failure::status(429), START).unwrap();
    host.write(step);
    assert_eq!(host.written.len(), 2);
    assert_eq!(host.stored.rows[0]["request_count"], 3);
    assert_eq!(host.stored.rows[0]["last_error_code"], 429);
}

#[test]
fn a_failed_write_is_repeated_at_the_wake() {
    let stored = Stored { rows: vec![key("a", 0), key("b", 1)], ..Stored::default() };
    let mut host = Unsettled::open("openrouter", stored, json!({}));
    let _ = host.pool.mark_used(&"a".into()).unwrap();
    let failed = host.pool.rotate(&"a".into(), Failure::status(429), START).unwrap();
    let settled = host.pool.settle(failed.intents[0].id(), Outcome::Failed, START).unwrap();
    assert_eq!(settled.intents, [], "no immediate retry, which would overload a full disk");
    let wake = settled.wake.unwrap();
    assert_eq!(wake.at.since(START).as_secs(), 1);
    let step = host.pool.tick(wake.at);
    host.write(step);
    assert_eq!(host.stored.rows[0]["request_count"], 1);
    assert_eq!(host.stored.rows[0]["last_status"], "exhausted");
    host.settle_all(&Outcome::Saved);
    assert_eq!(host.pool.flush(START).intents, [], "the outbox is empty");
}

#[test]
fn tokens_after_an_unsaved_edit_survive_a_repeated_write_of_both() {
    let row = json!({
        "id": "a", "source": "device_code", "auth_type": "oauth", "access_token": "old", "refresh_token": "rt",
    });
    let login = json!({ "tokens": { "access_token": "found" } });
    let stored = Stored { rows: vec![row], ..Stored::default() };
    let mut host = Unsettled::open("openai-codex", stored, json!({ "documentLogins": { "openai-codex": login } }));
    assert_eq!(host.stored.rows[0]["access_token"], "found");
    let step = host.pool.refresh(&"a".into(), START).unwrap();
    let refreshing = host.write(step);
    let granted = tokens(json!({ "access_token": "new", "refresh_token": "rt-2" }));
    let step = host.pool.settle(refreshing.intent, granted, START).unwrap();
    host.write(step);
    let later = Timestamp::from_millis(START.as_millis() + 1);
    let step = host.pool.rotate(&"a".into(), Failure::status(429), later).unwrap();
    host.write(step);
    assert_eq!(host.written.len(), 3);
    assert_eq!(host.stored.rows[0]["access_token"], "new");
    assert_eq!(host.stored.rows[0]["refresh_token"], "rt-2");
}

#[test]
fn tokens_after_an_unsaved_edit_of_their_expiry_survive_a_repeated_write_of_both() {
    let stored = Stored { rows: vec![login("a", 0, after(-HOUR))], ..Stored::default() };
    let mut host = Unsettled::open("anthropic", stored, json!({}));
    let step = host.pool.refresh(&"a".into(), START).unwrap();
    let refreshing = host.write(step);
    let fields = json!({ "expires_at_ms": START.as_millis() - 1 });
    let step = host.pool.update(&"a".into(), fields.as_object().unwrap(), START).unwrap();
    host.write(step);
    let end = after(HOUR).as_millis();
    let granted = tokens(json!({ "access_token": "new", "refresh_token": "rt-2", "expires_at_ms": end }));
    let step = host.pool.settle(refreshing.intent, granted, START).unwrap();
    host.write(step);
    let step = host.pool.reset(None, START).unwrap();
    host.write(step);
    assert_eq!(host.written.len(), 3);
    assert_eq!(host.stored.rows[0]["access_token"], "new");
    assert_eq!(host.stored.rows[0]["expires_at_ms"], end);
}
