//! The outbox: unsaved changes are persisted again until a write is settled as saved, and applying them twice is harmless.

use credential_pool::{
    Change, Edit, Failure, Intent, NextMove, Outcome, Pool, PoolKey, Request, Response, Sources, Step, Stored,
    Timestamp, apply,
};
use serde_json::json;

use crate::host::{HOUR, START, after, key, login, tokens};

/// A pool whose host writes in order and has not settled any write yet.
struct Unsettled {
    pool: Pool,
    stored: Stored,
    written: Vec<Intent>,
    /// Numbers of changes of all intents so far.
    handed_out: Vec<usize>,
}

impl Unsettled {
    fn open(key: &str, stored: Stored, sources: serde_json::Value) -> Self {
        let sources: Sources = serde_json::from_value(sources).unwrap();
        let (pool, step) = Pool::open(PoolKey::parse(key).unwrap(), &stored, &sources, [7; 32], START);
        let mut host = Self { pool, stored, written: Vec::new(), handed_out: Vec::new() };
        host.write(step);
        host
    }

    fn write<T>(&mut self, step: Step<T>) -> T {
        for intent in step.intents {
            if let Intent::Persist { changes, .. } = &intent {
                apply(&mut self.stored, changes, self.pool.key());
                self.handed_out.push(changes.len());
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
    assert_eq!(host.written.len(), 1, "the second cooldown waits for the first write");
    host.settle_all(&Outcome::Saved);
    assert_eq!(host.stored.rows[0]["request_count"], 3);
    assert_eq!(host.stored.rows[1]["last_error_code"], 429);
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
    assert_eq!(host.written.len(), 2);
    host.settle_all(&Outcome::Failed);
    let step = host.pool.flush(START);
    host.write(step);
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
    assert_eq!(host.written.len(), 2);
    host.settle_all(&Outcome::Failed);
    let step = host.pool.flush(START);
    host.write(step);
    assert_eq!(host.stored.rows[0]["access_token"], "new");
    assert_eq!(host.stored.rows[0]["expires_at_ms"], end);
}

#[test]
fn changes_wait_while_a_write_is_under_way_and_are_handed_out_once() {
    let mut host = Unsettled::open("openrouter", Stored::default(), json!({}));
    for number in 0..500 {
        let row = json!({ "id": format!("n{number}"), "access_token": format!("sk-{number}") });
        let step = host.pool.add(row.as_object().unwrap(), START).unwrap();
        host.write(step);
    }
    host.settle_all(&Outcome::Saved);
    assert_eq!(host.handed_out, [1, 499], "each change is handed out once, however many are made");
    host.settle_all(&Outcome::Saved);
    assert_eq!(host.stored.rows.len(), 500);
    assert_eq!((host.pool.outstanding(), host.pool.flush(START).intents), (vec![], vec![]));
}

#[test]
fn changes_that_wait_are_handed_out_after_ten_seconds_at_the_latest() {
    let stored = Stored { rows: vec![key("a", 0), key("b", 1)], ..Stored::default() };
    let mut host = Unsettled::open("openrouter", stored, json!({}));
    let _ = host.pool.rotate(&"a".into(), Failure::status(429), START).unwrap();
    let waits = host.pool.rotate(&"b".into(), Failure::status(429), START).unwrap();
    let wake = waits.wake.unwrap();
    assert_eq!((waits.intents.len(), wake.at.since(START).as_secs()), (0, 10));
    let step = host.pool.tick(wake.at);
    host.write(step);
    assert_eq!(host.stored.rows[0]["last_error_code"], 429, "a `persist` holds all unsaved changes");
    assert_eq!(host.stored.rows[1]["last_error_code"], 429);
}

#[test]
fn the_next_write_holds_what_failed_and_what_is_new() {
    let stored = Stored { rows: vec![key("a", 0), key("b", 1)], ..Stored::default() };
    let mut host = Unsettled::open("openrouter", stored, json!({}));
    let label = |host: &mut Unsettled, label: &str| {
        let fields = json!({ "label": label });
        host.pool.update(&"a".into(), fields.as_object().unwrap(), START).unwrap().intents
    };
    let (first, waiting) = (label(&mut host, "1"), label(&mut host, "2"));
    assert_eq!(waiting, []);
    let failed = host.pool.settle(first[0].id(), Outcome::Failed, START).unwrap();
    assert_eq!(failed.intents, [], "no immediate retry");
    assert_eq!(failed.wake.unwrap().at.since(START).as_secs(), 1);
    let labels = changes(&label(&mut host, "3")).into_iter().filter_map(|change| match change.edit {
        Edit::Set { set, .. } => Some(set.0["label"].clone()),
        _ => None,
    });
    assert_eq!(labels.collect::<Vec<_>>(), ["1", "2", "3"]);
}

#[test]
fn however_long_a_store_cannot_be_written_a_row_has_one_unsaved_status() {
    let stored = Stored { rows: vec![key("a", 0), key("b", 1)], ..Stored::default() };
    let mut host = Unsettled::open("openrouter", stored, json!({}));
    let mut sizes = Vec::new();
    for number in 0..400_i64 {
        let now = after(number * HOUR);
        let model = Some(format!("m{}", number % 3));
        let NextMove::Use { lease, .. } = host.pool.lease(Request { model, ..Request::default() }, now).value else {
            panic!("a credential cools down for at most an hour");
        };
        let status = if number % 2 == 0 { 429 } else { 404 };
        let body = r#"{"error":{"code":"model_not_found","message":"no such model"}}"#.to_owned();
        let failed = Response { status: Some(status), body, ..Response::default() };
        let step = host.pool.report(lease, &failed, now).unwrap();
        for intent in &step.intents {
            let _ = host.pool.settle(intent.id(), Outcome::Failed, now).unwrap();
        }
        let _ = host.pool.reset(None, now).map(|step| {
            sizes.push(serde_json::to_string(&step.intents).unwrap().len());
            step.intents
                .iter()
                .map(|intent| host.pool.settle(intent.id(), Outcome::Failed, now).map(drop))
                .collect::<Vec<_>>()
        });
    }
    let (early, late) = (sizes[40..80].iter().max(), sizes[360..].iter().max());
    assert!(late <= early.map(|size| size + 200).as_ref(), "{early:?}, then {late:?} bytes");
}

#[test]
fn a_status_ends_all_that_its_host_may_have_written_before() {
    let stored = Stored { rows: vec![key("a", 0), key("b", 1)], ..Stored::default() };
    let mut host = Unsettled::open("openrouter", stored, json!({}));
    for hour in 0..3 {
        // Of these writes the store took all, and the host knows of none.
        let step = host.pool.rotate(&"a".into(), Failure::status(402), after(hour * HOUR)).unwrap();
        host.write(step);
        host.settle_all(&Outcome::Failed);
    }
    assert_eq!(host.stored.rows[0]["last_status"], "exhausted");
    let step = host.pool.reset(Some(&"a".into()), after(3 * HOUR)).unwrap();
    host.write(step);
    assert_eq!(host.stored.rows[0]["last_status"], json!(null));
}

fn changes(intents: &[Intent]) -> Vec<Change> {
    let changes = |intent: &Intent| match intent {
        Intent::Persist { changes, .. } => changes.clone(),
        Intent::Refresh { .. } => Vec::new(),
    };
    intents.iter().flat_map(changes).collect()
}
