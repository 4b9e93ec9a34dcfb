//! Changes of two hosts end in the same row, whichever arrives first.

use credential_pool::{Change, PoolKey, Stored, apply};
use serde_json::{Value, json};

fn status(at: f64, more: Value) -> Value {
    let code = if more == json!({}) { 500 } else { 429 };
    let mut change =
        json!({ "type": "status", "id": "a", "status": "exhausted", "at": at, "errorCode": code, "supersedes": at });
    change.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    change
}

fn recovered(supersedes: f64) -> Value {
    json!({ "type": "status", "id": "a", "status": "ok", "at": null, "errorCode": null, "supersedes": supersedes })
}

fn rests(model: &str, until: f64) -> Value {
    json!({ "type": "model_cooldown", "id": "a", "model": model, "until": until, "supersedes": null })
}

fn is_over(model: &str, supersedes: impl Into<Option<f64>>) -> Value {
    json!({ "type": "model_cooldown", "id": "a", "model": model, "until": null, "supersedes": supersedes.into() })
}

/// What the store holds after these changes.
fn after(stored: &Stored, changes: &[&Value]) -> Stored {
    let mut stored = stored.clone();
    let read = |change: &&Value| serde_json::from_value::<Change>((*change).clone()).unwrap();
    let changes: Vec<_> = changes.iter().map(read).collect();
    for (change, written) in changes.iter().zip(serde_json::to_value(&changes).unwrap().as_array().unwrap()) {
        assert_eq!(&serde_json::from_value::<Change>(written.clone()).unwrap(), change);
    }
    apply(&mut stored, &changes, &PoolKey::parse("openrouter").unwrap());
    stored
}

/// A row's fields that tell of failures; those that are null or not there left out.
fn failures(row: &Value) -> Value {
    const NAMES: [&str; 6] = [
        "last_status",
        "last_status_at",
        "last_error_reason",
        "last_error_message",
        "last_error_reset_at",
        "model_cooldowns",
    ];
    let told = NAMES.into_iter().filter(|name| !row[*name].is_null());
    told.map(|name| (name.to_owned(), row[name].clone())).collect()
}

#[test]
fn the_order_of_arrival_does_not_matter() {
    let quota = json!({ "reason": "quota", "resetAt": 900.0 });
    let limited = json!({ "reason": "rate_limited" });
    let told = json!({
        "last_status": "exhausted", "last_status_at": 50.0, "last_error_reason": "quota", "last_error_reset_at": 90.0,
        "last_error_message": "spent", "model_cooldowns": { "m": 300.0, "odd": [1] },
    });
    let cases = [
        // A row, two changes, what the row tells afterwards.
        (
            json!({}),
            status(100.0, quota.clone()),
            status(200.0, limited.clone()),
            json!({ "last_status": "exhausted", "last_status_at": 200.0, "last_error_reason": "rate_limited" }),
        ),
        (
            json!({ "last_error_message": "old", "last_error_reason": "old", "last_error_reset_at": "old" }),
            status(100.0, json!({})),
            status(200.0, quota.clone()),
            json!({
                "last_status": "exhausted", "last_status_at": 200.0, "last_error_reason": "quota",
                "last_error_reset_at": 900.0,
            }),
        ),
        // A recovery does not end a rest that it did not know.
        (
            told.clone(),
            recovered(50.0),
            status(100.0, quota.clone()),
            json!({
                "last_status": "exhausted", "last_status_at": 100.0, "last_error_reason": "quota",
                "last_error_reset_at": 900.0, "model_cooldowns": { "m": 300.0, "odd": [1] },
            }),
        ),
        (
            told.clone(),
            recovered(50.0),
            rests("n", 400.0),
            json!({ "last_status": "ok", "model_cooldowns": { "m": 300.0, "odd": [1], "n": 400.0 } }),
        ),
        // Of two rests for a model the later end stays.
        (json!({}), rests("m", 300.0), rests("m", 500.0), json!({ "model_cooldowns": { "m": 500.0 } })),
        (json!({}), rests("m", 3e12), rests("m", 2e9), json!({ "model_cooldowns": { "m": 3e12 } })),
        (
            json!({ "model_cooldowns": { "m": { "until": 400, "mine": 1 } } }),
            rests("m", 300.0),
            rests("m", 400.0),
            json!({ "model_cooldowns": { "m": { "until": 400, "mine": 1 } } }),
        ),
        (
            json!({ "model_cooldowns": { "m": "soon", "n": { "reset_at": 7 } } }),
            rests("m", 300.0),
            rests("n", 8.0),
            json!({ "model_cooldowns": { "m": 300.0, "n": 8.0 } }),
        ),
        (json!({ "model_cooldowns": 7 }), rests("m", 3.0), rests("m", 4.0), json!({ "model_cooldowns": { "m": 4.0 } })),
        // An end does not end a rest that it did not know; another model's stays.
        (
            json!({ "model_cooldowns": { "m": 300 } }),
            is_over("m", 300.0),
            rests("m", 500.0),
            json!({ "model_cooldowns": { "m": 500.0 } }),
        ),
        (
            json!({ "model_cooldowns": { "m": 300, "n": 400 } }),
            is_over("m", 300.0),
            is_over("n", 399.0),
            json!({ "model_cooldowns": { "n": 400 } }),
        ),
        (json!({ "model_cooldowns": { "m": 300 } }), is_over("m", 300.0), is_over("m", 200.0), json!({})),
        (json!({ "model_cooldowns": { "m": 300, "n": 1 } }), is_over("m", 300.0), is_over("n", 2.0), json!({})),
        // Without a moment nothing is known, and what cannot be read stays.
        (
            json!({ "model_cooldowns": { "m": 300, "odd": [1] } }),
            is_over("m", None),
            is_over("odd", 900.0),
            json!({ "model_cooldowns": { "m": 300, "odd": [1] } }),
        ),
        (json!({ "model_cooldowns": "x" }), is_over("m", 3.0), is_over("n", None), json!({ "model_cooldowns": "x" })),
        // A status and a model's rest do not touch.
        (
            told,
            status(100.0, limited),
            is_over("m", 300.0),
            json!({
                "last_status": "exhausted", "last_status_at": 100.0, "last_error_reason": "rate_limited",
                "model_cooldowns": { "odd": [1] },
            }),
        ),
    ];
    for (fields, one, other, expected) in cases {
        let mut row = json!({ "id": "a", "access_token": "k" });
        row.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let stored = Stored { rows: vec![row], ..Stored::default() };
        for changes in [[&one, &other], [&other, &one]] {
            let result = after(&stored, &changes);
            assert_eq!(failures(&result.rows[0]), expected, "{fields} after {} and {}", changes[0], changes[1]);
            assert_eq!(after(&result, &changes), result, "a second time nothing changes: {one} and {other}");
        }
    }
}

#[test]
fn a_status_is_read_as_hosts_of_earlier_versions_wrote_it() {
    let change: Change = serde_json::from_value(recovered(5.0)).unwrap();
    assert_eq!(serde_json::to_value(&change).unwrap(), recovered(5.0), "and says no more than it has to");
}

#[test]
fn a_policy_is_kept_as_it_was_set_and_never_shown() {
    let policy = json!({ "preset": "reference", "mine": "sk-canary" });
    let set = json!({ "type": "set_policy", "policy": policy });
    let nothing = json!({ "type": "set_policy", "policy": "sk-canary" });
    assert_eq!(after(&Stored::default(), &[&set, &nothing]).policy, Some(policy));
    let model = rests("sk-canary", 3.0);
    for change in [set, nothing, model] {
        let change: Change = serde_json::from_value(change).unwrap();
        assert!(!format!("{change:?} {change:#?}").contains("canary"), "{change:?}");
    }
}
