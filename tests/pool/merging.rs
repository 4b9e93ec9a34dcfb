//! Merge: the changes of two hosts give the same row in every order of arrival and with repetitions.

use credential_pool::{Change, Document, Intent, Pool, PoolKey, ProblemCode, Sources, Stored, Timestamp, apply};
use serde_json::{Value, json};

use crate::host::{Host, START, key};

/// A change that a host made at a time.
fn by(host: &str, at: u64, edit: Value) -> Change {
    let mut change = json!({ "by": { "at": at, "host": host }, "id": "a" });
    change.as_object_mut().unwrap().extend(edit.as_object().unwrap().clone());
    let read: Change = serde_json::from_value(change).unwrap();
    let written = serde_json::to_value(&read).unwrap();
    assert_eq!(serde_json::from_value::<Change>(written).unwrap(), read);
    read
}

fn stamp(host: &str, at: u64) -> Value {
    json!({ "at": at, "host": host })
}

/// A cooldown that starts at `at`, in seconds; `more` has its end and reason.
fn cools_down(at: f64, more: Value) -> Value {
    let mut edit = json!({ "type": "status", "status": "exhausted", "at": at, "errorCode": 429 });
    edit.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    edit
}

fn dies(token: &str) -> Value {
    let token = credential_pool::Secret::new(token).fingerprint();
    json!({ "type": "status", "status": "dead", "at": 5.0, "errorCode": 401, "reason": "revoked", "token": token })
}

fn recovers(ends: Value) -> Value {
    json!({ "type": "status", "status": "ok", "at": null, "errorCode": null, "ends": ends })
}

fn resets() -> Value {
    json!({ "type": "status", "status": null, "at": null, "errorCode": null, "endsEarlier": true })
}

fn cools_down_for(model: &str, until: impl Into<Option<f64>>, ends: Value) -> Value {
    json!({ "type": "model_cooldown", "model": model, "until": until.into(), "ends": ends })
}

fn tokens(generation: (u32, u32), spent: &str, access: &str) -> Value {
    let (edits, refreshes) = generation;
    let replaces = (!spent.is_empty()).then(|| credential_pool::Secret::new(spent).fingerprint());
    json!({
        "type": "tokens", "replaces": replaces, "generation": { "edits": edits, "refreshes": refreshes },
        "set": { "access_token": access, "refresh_token": format!("r-{access}"), "expires_at_ms": null },
    })
}

fn adds(id: &str, source: &str, label: &str) -> Value {
    json!({ "type": "add", "row": { "id": id, "source": source, "label": label, "access_token": "k" } })
}

fn sets(fields: Value) -> Value {
    json!({ "type": "set", "set": fields })
}

/// Returns the store after these changes.
fn after(stored: &Stored, changes: &[Change]) -> Stored {
    let mut stored = stored.clone();
    apply(&mut stored, changes, &PoolKey::parse("openrouter").unwrap());
    let kept: Stored = serde_json::from_value(serde_json::to_value(&stored).unwrap()).unwrap();
    assert!(kept == stored, "the store survives writing and reading");
    stored
}

#[test]
fn the_order_of_arrival_does_not_matter() {
    // Stamp of a cooldown that another program stored, which started in second 50.
    let unknown = stamp("", 50_000_000);
    let exhausted = json!({
        "last_status": "exhausted", "last_status_at": 50.0, "last_error_reason": "quota", "last_error_reset_at": 900.0,
        "model_cooldowns": { "m": 300.0, "odd": [1] },
    });
    let cases = [
        // Title, stored fields, the changes of one host and of the other, fields of the merged row.
        (
            "a short cooldown does not replace a longer cooldown that its host did not know of",
            json!({}),
            vec![by("A", 1, cools_down(100.0, json!({ "reason": "quota", "resetAt": 900.0 })))],
            vec![by("B", 2, cools_down(200.0, json!({ "reason": "rate_limited", "resetAt": 260.0 })))],
            json!({ "last_status": "exhausted", "last_status_at": 100.0, "last_error_reason": "quota", "last_error_reset_at": 900.0 }),
        ),
        (
            "a recovery does not end a cooldown that its host did not know of",
            json!({}),
            vec![
                by("A", 1, cools_down(100.0, json!({ "resetAt": 900.0 }))),
                by("A", 3, recovers(json!([stamp("A", 1)]))),
            ],
            vec![by("B", 2, cools_down(200.0, json!({ "resetAt": 260.0 })))],
            json!({ "last_status": "exhausted", "last_status_at": 200.0, "last_error_reset_at": 260.0 }),
        ),
        (
            "a host may end a cooldown of another host that it knows of",
            exhausted.clone(),
            vec![by("A", 1, cools_down(100.0, json!({ "ends": [unknown], "resetAt": 120.0 })))],
            vec![by("B", 2, sets(json!({ "label": "x" })))],
            json!({
                "last_status": "exhausted", "last_status_at": 100.0, "last_error_reset_at": 120.0, "label": "x",
                "model_cooldowns": { "m": 300.0, "odd": [1] },
            }),
        ),
        (
            "a reset ends the earlier cooldowns of other hosts",
            json!({}),
            vec![by("A", 9, resets())],
            vec![by("B", 2, cools_down(200.0, json!({ "resetAt": 900.0 })))],
            json!({}),
        ),
        (
            "a reset does not end later cooldowns",
            json!({}),
            vec![by("A", 9, resets())],
            vec![by("B", 12, cools_down(400.0, json!({ "resetAt": 900.0 })))],
            json!({ "last_status": "exhausted", "last_status_at": 400.0, "last_error_reset_at": 900.0 }),
        ),
        (
            "of a reset and a recovery the later status stays",
            exhausted.clone(),
            vec![by("A", 60_000_000, resets())],
            vec![by("B", 2, recovers(json!([unknown])))],
            json!({ "model_cooldowns": { "m": 300.0, "odd": [1] } }),
        ),
        (
            "only a reset or new tokens revive a dead credential",
            json!({ "access_token": "k" }),
            vec![by("A", 1, dies("k"))],
            vec![by("B", 2, cools_down(9.0, json!({ "resetAt": 20.0 }))), by("B", 3, recovers(json!([stamp("B", 2)])))],
            json!({ "last_status": "dead", "last_status_at": 5.0, "last_error_reason": "revoked" }),
        ),
        (
            "a replaced token that is dead does not mark the new token dead",
            json!({ "access_token": "k0", "refresh_token": "r-k0" }),
            vec![by("A", 1, tokens((0, 1), "r-k0", "k1"))],
            vec![by("B", 2, dies("r-k0"))],
            json!({ "access_token": "k1", "refresh_token": "r-k1" }),
        ),
        (
            "of two cooldowns for a model the later end stays",
            json!({}),
            vec![by("A", 1, cools_down_for("m", 500.0, json!([])))],
            vec![by("B", 2, cools_down_for("m", 300.0, json!([]))), by("B", 3, cools_down_for("n", 400.0, json!([])))],
            json!({ "model_cooldowns": { "m": 500.0, "n": 400.0 } }),
        ),
        (
            "the end of a cooldown for a model keeps a shorter cooldown that its host did not know of",
            json!({ "model_cooldowns": { "m": 300 } }),
            vec![by("A", 1, cools_down_for("m", None, json!([stamp("", 300_000_000)])))],
            vec![by("B", 2, cools_down_for("m", 200.0, json!([])))],
            json!({ "model_cooldowns": { "m": 200.0 } }),
        ),
        (
            "unreadable entries of model_cooldowns stay",
            exhausted,
            vec![
                by("A", 1, cools_down_for("m", None, json!([stamp("", 300_000_000)]))),
                by("A", 2, recovers(json!([unknown]))),
            ],
            vec![by("B", 3, cools_down_for("odd", None, json!([])))],
            json!({ "last_status": "ok", "model_cooldowns": { "odd": [1] } }),
        ),
        (
            "of each field the later edit stays",
            json!({}),
            vec![by("A", 1, sets(json!({ "label": "one", "base_url": "https://one" })))],
            vec![by("B", 2, sets(json!({ "label": "two", "weight": 3 })))],
            json!({ "label": "two", "base_url": "https://one", "weight": 3 }),
        ),
        (
            "a late refresh of an earlier generation does not replace newer tokens",
            json!({ "access_token": "k0", "refresh_token": "r-k0" }),
            vec![by("A", 1, tokens((0, 1), "r-k0", "k1")), by("A", 2, tokens((0, 2), "r-k1", "k2"))],
            vec![by("B", 9, tokens((0, 1), "r-k0", "late"))],
            json!({ "access_token": "k2", "refresh_token": "r-k2" }),
        ),
        (
            "a login that a person replaced stays when a refresh of the old tokens arrives",
            json!({ "access_token": "k0", "refresh_token": "r-k0" }),
            vec![by("A", 1, tokens((1, 0), "", "mine"))],
            vec![by("B", 9, tokens((0, 1), "r-k0", "k1")), by("B", 10, tokens((0, 2), "r-k1", "k2"))],
            json!({ "access_token": "mine", "refresh_token": "r-mine" }),
        ),
        (
            "counts add up, and the later turn stays",
            json!({ "request_count": 5 }),
            vec![
                by("A", 1, json!({ "type": "used", "count": 2, "turn": 7 })),
                by("A", 2, json!({ "type": "used", "count": 1 })),
            ],
            vec![by("B", 1, json!({ "type": "used", "count": 4, "turn": 6 }))],
            json!({ "request_count": 12, "turn": 7 }),
        ),
    ];
    for (title, stored_fields, one, other, expected) in cases {
        let mut row = json!({ "id": "a", "label": "a", "access_token": "k" });
        row.as_object_mut().unwrap().extend(stored_fields.as_object().unwrap().clone());
        let mut expected_row = json!({ "label": "a", "access_token": "k" });
        expected_row.as_object_mut().unwrap().extend(expected.as_object().unwrap().clone());
        let stored = Stored { rows: vec![row], ..Stored::default() };
        let orders = [
            [one.clone(), other.clone()].concat(),
            [other.clone(), one.clone()].concat(),
            [one.clone(), one.clone(), other.clone(), one, other].concat(),
        ];
        for changes in orders {
            let result = after(&stored, &changes);
            assert_eq!(fields(&result.rows[0]), fields(&expected_row), "{title}: {changes:?}");
            assert!(after(&result, &changes) == result, "{title}: applying the changes again changes nothing");
        }
    }
}

/// Returns the fields of a row without nulls and without the fields that every row has.
fn fields(row: &Value) -> Value {
    const ALL_HAVE: [&str; 6] = ["id", "auth_type", "priority", "source", "last_error_code", "expires_at_ms"];
    let all = row.as_object().unwrap().iter();
    let is_common = |name: &str, value: &Value| {
        value.is_null() || ALL_HAVE.contains(&name) || (name == "request_count" && *value == 0)
    };
    let kept = all.filter(|(name, value)| !is_common(name, value));
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}

#[test]
fn rows_and_settings_of_a_pool_merge_alike_in_every_order() {
    let add =
        |id: &str, source: &str| json!({ "type": "add", "row": { "id": id, "source": source, "access_token": "k" } });
    let cases = [
        (
            "rows keep the order in which they were added",
            vec![by("A", 1, add("b", "manual")), by("A", 4, add("c", "manual"))],
            vec![by("B", 2, add("d", "manual"))],
            json!({ "ids": ["a", "b", "d", "c"] }),
        ),
        (
            "a credential that two hosts discover is a single row",
            vec![by("A", 1, add("e", "env:X")), by("A", 2, json!({ "id": "e", "type": "used", "count": 2 }))],
            vec![by("B", 3, add("e", "env:X")), by("B", 4, json!({ "id": "e", "type": "used", "count": 3 }))],
            json!({ "ids": ["a", "e"], "uses": 5 }),
        ),
        (
            "of three hosts that discover a credential the first gives label and place",
            vec![by("A", 5, adds("e", "env:X", "A")), by("C", 1, adds("f", "env:Y", "C"))],
            vec![
                by("B", 2, adds("f", "env:Y", "B")),
                by("B", 3, adds("e", "env:X", "B")),
                by("D", 4, adds("e", "env:X", "D")),
            ],
            json!({ "ids": ["a", "f", "e"], "labels": ["C", "B"] }),
        ),
        (
            "a label that a person gave stays, whoever discovers the credential",
            vec![
                by("A", 1, adds("e", "env:X", "A")),
                by("A", 2, json!({ "id": "e", "type": "set", "set": { "label": "mine" } })),
            ],
            vec![by("B", 3, adds("e", "env:X", "B"))],
            json!({ "ids": ["a", "e"], "labels": ["mine"] }),
        ),
        (
            "a row whose source is gone keeps counting, without its secret",
            vec![by("A", 1, adds("e", "env:X", "A")), by("A", 3, json!({ "id": "e", "type": "used", "count": 2 }))],
            vec![by("A", 1, adds("e", "env:X", "A")), by("B", 2, json!({ "id": "e", "type": "mark_absent" }))],
            json!({ "ids": ["a"], "absent": ["e"], "secrets": [""], "uses": 2 }),
        ),
        (
            "a row that is found after its source was gone is back",
            vec![by("A", 1, adds("e", "env:X", "A")), by("A", 3, adds("e", "env:X", "A"))],
            vec![by("B", 1, adds("e", "env:X", "B")), by("B", 2, json!({ "id": "e", "type": "mark_absent" }))],
            json!({ "ids": ["a", "e"], "labels": ["A"], "secrets": ["k"] }),
        ),
        (
            "a removal is final, and ends what is remembered",
            vec![by("A", 1, adds("e", "env:X", "A")), by("A", 2, json!({ "id": "e", "type": "mark_absent" }))],
            vec![
                by("B", 1, adds("e", "env:X", "B")),
                by("B", 3, json!({ "id": "e", "type": "remove" })),
                by("B", 4, adds("e", "env:X", "B")),
            ],
            json!({ "ids": ["a"] }),
        ),
        (
            "an edit does not restore a removed row",
            vec![by("A", 1, json!({ "type": "remove" }))],
            vec![by("B", 2, sets(json!({ "label": "x" }))), by("B", 3, json!({ "type": "used", "count": 1 }))],
            json!({ "ids": [] }),
        ),
        (
            "of strategies, policies and suppressed sources the later change stays",
            vec![
                by("A", 1, json!({ "type": "set_strategy", "strategy": "random" })),
                by("A", 5, json!({ "type": "set_policy", "policy": { "preset": "reference" } })),
                by("A", 6, json!({ "type": "suppress", "source": "env:X" })),
                by("A", 7, json!({ "type": "suppress", "source": "env:Z" })),
            ],
            vec![
                by("B", 2, json!({ "type": "set_strategy", "strategy": "least_used" })),
                by("B", 3, json!({ "type": "set_policy", "policy": { "preset": "adaptive" } })),
                by("B", 4, json!({ "type": "unsuppress", "source": "env:X" })),
                by("B", 8, json!({ "type": "suppress", "source": "env:Y" })),
            ],
            json!({
                "ids": ["a"], "strategy": "least_used", "policy": { "preset": "reference" }, "suppressed": ["env:X", "env:Y", "env:Z"],
            }),
        ),
    ];
    for (title, one, other, expected) in cases {
        let stored = Stored { rows: vec![json!({ "id": "a", "access_token": "k" })], ..Stored::default() };
        for changes in [[one.clone(), other.clone()].concat(), [other, one].concat()] {
            let result = after(&stored, &changes);
            let ids: Vec<_> = result.rows.iter().map(|row| row["id"].clone()).collect();
            let others: Vec<_> = result.rows.iter().skip(1).chain(&result.absent).collect();
            let labels: Vec<_> = others.iter().filter_map(|row| row["label"].as_str()).collect();
            let secrets: Vec<_> = others.iter().filter_map(|row| row["access_token"].as_str()).collect();
            let absent: Vec<_> = result.absent.iter().map(|row| row["id"].clone()).collect();
            let uses: u64 =
                result.rows.iter().chain(&result.absent).filter_map(|row| row["request_count"].as_u64()).sum();
            let mut merged = json!({ "ids": ids });
            let is_expected = |name: &str| expected.get(name).is_some();
            let more = [
                ("labels", is_expected("labels").then(|| json!(labels))),
                ("secrets", is_expected("secrets").then(|| json!(secrets))),
                ("absent", (!absent.is_empty()).then(|| json!(absent))),
                ("uses", (uses > 0).then(|| json!(uses))),
                ("strategy", result.strategy.clone().map(Value::from)),
                ("policy", result.policy.clone()),
                ("suppressed", (!result.suppressed_sources.is_empty()).then(|| json!(result.suppressed_sources))),
            ];
            for (name, value) in more {
                if let Some(value) = value {
                    merged[name] = value;
                }
            }
            assert_eq!(merged, expected, "{title}: {changes:?}");
        }
    }
}

#[test]
fn edits_of_other_programs_between_changes_are_kept() {
    let stored =
        Stored { rows: vec![json!({ "id": "a", "access_token": "k0", "refresh_token": "r-k0" })], ..Stored::default() };
    let mut stored = after(
        &stored,
        &[by("A", 1, tokens((0, 1), "r-k0", "k1")), by("A", 2, cools_down(5.0, json!({ "resetAt": 90.0 })))],
    );
    // The other program does not know the merge metadata, and leaves it unchanged.
    for (name, value) in [("access_token", "theirs"), ("refresh_token", "r-theirs"), ("last_status", "ok")] {
        stored.rows[0][name] = value.into();
    }
    let late = after(&stored, &[by("B", 3, tokens((0, 2), "r-k1", "k2"))]);
    assert_eq!(late.rows[0]["access_token"], "theirs", "a refresh of replaced tokens is dropped");
    let hidden = by("B", 1, cools_down(6.0, json!({ "resetAt": 80.0 })));
    let recovered = after(&after(&stored, &[hidden]), &[by("C", 9, recovers(json!([])))]);
    assert_eq!(recovered.rows[0]["last_status"], "exhausted", "a cooldown that arrived later stays");
    let next = after(&stored, &[by("B", 3, tokens((0, 2), "r-theirs", "k2"))]);
    assert_eq!((&next.rows[0]["access_token"], &next.rows[0]["last_status"]), (&json!("k2"), &json!("ok")));
}

#[test]
fn merge_metadata_older_than_a_day_is_dropped() {
    const DAY: u64 = 24 * 60 * 60 * 1_000_000;
    let stored = Stored { rows: vec![json!({ "id": "a", "access_token": "k" })], ..Stored::default() };
    let early = [
        by("A", 1, sets(json!({ "label": "x" }))),
        by("A", 2, json!({ "type": "suppress", "source": "env:X" })),
        by("A", 3, cools_down(5.0, json!({ "resetAt": 9e9 }))),
        by("A", 4, recovers(json!([stamp("A", 3)]))),
    ];
    let stored = after(&stored, &early);
    let used = |host, at| by(host, at, json!({ "type": "used", "count": 1 }));
    let hour = DAY / 24;
    let ahead = after(&stored, &[used("B", DAY + 9)]);
    assert!(after(&ahead, &early) == ahead, "a single host may have a wrong clock");
    let gap = after(&ahead, &[used("C", DAY + 8)]);
    assert!(after(&gap, &early) == gap, "a gap of more than a day may be a wrong clock of several hosts");
    let late = after(&stored, &[used("D", hour), used("B", DAY + hour), used("C", DAY + hour - 1)]);
    let hosts = json!({ "B": DAY + hour, "C": DAY + hour - 1, "D": hour });
    assert_eq!(serde_json::to_value(&late.merge).unwrap(), json!({ "hosts": hosts }), "without a gap it is age");
}

#[test]
fn a_stamp_from_the_far_future_hides_no_later_change_and_forgets_nothing() {
    let year_2100 = "4102444800000000";
    for at in [year_2100, "9007199254740991", "9007199254740992", "18446744073709551615", "1e300"] {
        let text = format!(
            r#"{{"credential_pool": {{"openrouter": [{{"id": "a", "access_token": "k", "label": "old"}}]}},
                "credential_pool_merges": {{"openrouter": {{"hosts": {{"X": {at}, "Y": {at}, "Z": 7}}, "strategy": {{"at": {at}, "host": "X"}},
                "rows": {{"a": {{"fields": {{"label": {{"at": {at}, "host": "X"}}}}}}}}}}}}}}"#
        );
        let key = PoolKey::parse("openrouter").unwrap();
        let mut document = Document::parse(&text).unwrap();
        let mut host = Host::open_stored(key.as_str(), document.stored(&key), json!({}), START);
        let edit = json!({ "label": "new" });
        let step = host.pool.update(&"a".into(), edit.as_object().unwrap(), host.now).unwrap();
        host.carry_out(step);
        let step = host.pool.set_strategy(credential_pool::Strategy::Random, host.now);
        host.carry_out(step);
        let seen = by("Z", 7, json!({ "type": "used", "count": 5 }));
        for _ in 0..2 {
            assert_eq!(document.apply(&key, &[host.changes.clone(), vec![seen.clone()]].concat()), [], "{at}");
            document = Document::parse(&document.to_text()).unwrap();
            let stored = document.stored(&key);
            assert_eq!((&stored.rows[0]["label"], stored.strategy.as_deref()), (&json!("new"), Some("random")), "{at}");
            assert_eq!(stored.rows[0].get("request_count").filter(|count| **count != 0), None, "{at}: counted once");
        }

        let mut text = text;
        let found = |text: &str| {
            let problems = credential_pool::check(text, START).into_iter();
            problems.filter(|problem| problem.code == ProblemCode::StampInFuture).collect::<Vec<_>>()
        };
        assert_eq!(found(&text).len(), 4, "{at}");
        while let Some(problem) = found(&text).first() {
            text = credential_pool::fixes(&text, problem.code, &problem.pointer)[0].apply(&text);
        }
        assert!(!text.contains(at));
    }
}

#[test]
fn a_policy_is_kept_as_it_was_set_and_never_printed() {
    let policy = json!({ "preset": "reference", "mine": "sk-canary" });
    let set = by("A", 1, json!({ "type": "set_policy", "policy": policy }));
    let nothing = by("A", 2, json!({ "type": "set_policy", "policy": "sk-canary" }));
    let model = by("A", 3, cools_down_for("sk-canary", 3.0, json!([])));
    assert_eq!(after(&Stored::default(), &[set.clone(), nothing.clone()]).policy, Some(policy));
    for change in [set, nothing, model] {
        assert!(!format!("{change:?} {change:#?}").contains("canary"), "{change:?}");
    }
}

#[test]
fn processes_that_sign_off_leave_nothing_that_grows_and_count_once() {
    let pool_key = PoolKey::parse("openrouter").unwrap();
    let mut store = Stored { rows: vec![key("a", 0)], ..Stored::default() };
    let mut sizes = Vec::new();
    for number in 0..300_u32 {
        let mut seed = [0; 32];
        seed[..4].copy_from_slice(&number.to_le_bytes());
        let now = Timestamp::from_millis(START.as_millis() + i64::from(number) * 1000);
        let (mut pool, _) = Pool::open(pool_key.clone(), &store, &Sources::default(), seed, now);
        let _ = pool.mark_used(&"a".into()).unwrap();
        let step = pool.sign_off(now);
        let [Intent::Persist { changes, .. }] = &step.intents[..] else { panic!("{:?}", step.intents) };
        apply(&mut store, changes, &pool_key);
        // The write was repeated, since its outcome was uncertain.
        apply(&mut store, changes, &pool_key);
        sizes.push(serde_json::to_string(&store.merge).unwrap().len());
    }
    assert_eq!(store.rows[0]["request_count"], 300);
    assert_eq!(sizes[100..].iter().max(), sizes[100..].iter().min(), "the record of the hosts does not grow");
}

#[test]
fn a_host_that_made_no_change_signs_off_without_a_write() {
    let store = Stored { rows: vec![key("a", 0)], ..Stored::default() };
    let (mut pool, opened) =
        Pool::open(PoolKey::parse("openrouter").unwrap(), &store, &Sources::default(), [7; 32], START);
    assert_eq!((opened.intents, pool.sign_off(START).intents), (vec![], vec![]));
}
