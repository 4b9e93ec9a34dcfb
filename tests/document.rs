//! Documents: reading, applying changes, and keeping the text that no change touches.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "document/fixing.rs"]
mod fixing;
#[path = "document/locating.rs"]
mod locating;
#[path = "document/masking.rs"]
mod masking;

use credential_pool::{
    Change, Document, Edit, ErrorCode, FailureKind, Generation, Located, PoolKey, RowFields, Secret, Source, Stamp,
    Status, Stored, Strategy as Choice, Timestamp, UnixSeconds, apply, check, locate,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

proptest! {
    #[test]
    fn an_unchanged_document_is_written_byte_for_byte(text in document(json_text(), rows())) {
        prop_assert_eq!(Document::parse(&text).unwrap().to_text(), text);
    }

    #[test]
    fn the_written_document_holds_the_applied_changes(text in document(json_text(), rows()), changes in changes()) {
        let mut document = Document::parse(&text).unwrap();
        let mut expected = document.stored(&pool());
        apply(&mut expected, &changes, &pool());
        prop_assert_eq!(document.apply(&pool(), &changes), []);

        let written = document.to_text();
        let read = Document::parse(&written).unwrap();
        prop_assert_eq!(in_order(read.stored(&pool())), in_order(expected), "{}", written);
        prop_assert_eq!(read.stored(&other_pool()), document.stored(&other_pool()));
        prop_assert_eq!(read.login("nous"), document.login("nous"));
        prop_assert_eq!(read.to_text(), written);
    }

    #[test]
    fn text_that_no_change_touches_is_kept(
        (mine, text) in json_text().prop_flat_map(|mine| (Just(mine.clone()), document(Just(mine), rows()))),
        changes in changes(),
    ) {
        let mut document = Document::parse(&text).unwrap();
        prop_assert_eq!(document.apply(&pool(), &changes), []);
        let written = document.to_text();
        let kept = [format!("\"mine\": {mine}"), format!("\"nous\": {mine}"), format!("\"anthropic\": [{mine}]")];
        for text in kept {
            prop_assert!(written.contains(&text), "{}", written);
        }
    }

    #[test]
    fn a_refused_change_leaves_what_cannot_be_read_as_it_is(text in document(json_text(), json_text()), changes in changes()) {
        let mut document = Document::parse(&text).unwrap();
        let refused = document.apply(&pool(), &changes);
        for refusal in &refused {
            prop_assert_eq!(refusal.error.code, ErrorCode::InvalidDocument);
            let pointer = refusal.error.pointer.as_deref().unwrap();
            let part = |text: &str| {
                let Located { value, .. } = locate(text, pointer)?;
                text.get(value.from..value.to).map(str::to_owned)
            };
            prop_assert_eq!(part(&document.to_text()), part(&text));
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in prop_oneof![any::<String>(), json_text(), "[\\[\\]{}:,\"0-9a-z \\\\]{0,40}"]) {
        let problems = check(&text, Timestamp::from_millis(0));
        match Document::parse(&text) {
            Ok(document) => prop_assert_eq!(document.to_text(), text),
            Err(_) => prop_assert_eq!(problems.len(), 1),
        }
    }
}

fn pool() -> PoolKey {
    PoolKey::parse("openrouter").unwrap()
}

fn other_pool() -> PoolKey {
    PoolKey::parse("anthropic").unwrap()
}

/// A document with `mine` in foreign places, and `rows` as its pool.
fn document(mine: impl Strategy<Value = String>, rows: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    (rows, mine, prop::bool::ANY, prop::sample::select(vec!["\n", "\r\n", ""])).prop_map(
        |(rows, mine, settings, newline)| {
            let settings = match settings {
                true => {
                    "\"suppressed_sources\": {\n\t\"openrouter\": [\"b\", 1.0]\n},\n\
                     \"credential_pool_strategies\": {\"openrouter\": \"Fill_First\"},\n\
                     \"credential_pool_policies\": {\"openrouter\": {\"lease_ms\": 1e4, \"mine\": [1.0]}},\n"
                }
                false => "",
            };
            format!(
                "{{\n  \"mine\": {mine},\n  \"providers\": {{\"nous\": {mine}}},\n  {settings}  \"credential_pool\": {{\n    \
                 \"anthropic\": [{mine}],\n    \"openrouter\": {rows}\n  }}\n}}\n"
            )
            .replace('\n', newline)
        },
    )
}

/// Rows, well-formed and malformed.
fn rows() -> impl Strategy<Value = String> {
    let field = prop_oneof![
        select(&[
            "\"id\": \"a\"",
            "\"id\": \"b\"",
            "\"id\": \"c\"",
            "\"\\u0069d\": \"d\"",
            "\"id\": null",
            "\"id\": 7"
        ]),
        select(&["\"access_token\": \"one\"", "\"access_token\": \"tw\\u006f\"", "\"refresh_token\": \"one\""]),
        select(&["\"request_count\": 1", "\"request_count\": 1e1", "\"priority\": 1.0", "\"turn\": 3"]),
        select(&["\"last_status\": \"exhausted\"", "\"last_status_at\": 5.0", "\"last_status_at\": 1e400"]),
        select(&[
            "\"last_error_reset_at\": 5e0",
            "\"model_cooldowns\": {\"m\": 5e0, \"\\u006e\": {}}",
            "\"weight\": 2.0"
        ]),
        json_text().prop_map(|value| format!("\"mine\": {value}")),
    ];
    let row = prop::collection::vec(field, 0..6).prop_map(|fields| format!("{{{}}}", fields.join(", ")));
    let row = prop_oneof![6 => row, 1 => json_text()];
    (prop::collection::vec(row, 0..5), select(&[", ", ",", ",\n      "]))
        .prop_map(|(rows, separator)| format!("[{}]", rows.join(&separator)))
}

/// JSON text with unusual spellings of numbers, strings and white space.
fn json_text() -> impl Strategy<Value = String> {
    let scalar =
        select(&["null", "-0.0", "1.0", "1e400", "12345678901234567890123", "\"\\u00e9\"", "\"\\ud800\"", "\"]é\""]);
    scalar.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|items| format!("[ {}]", items.join(" ,"))),
            prop::collection::vec((select(&["\"a\"", "\"\\u0061\"", "\"id\""]), inner), 0..3).prop_map(|members| {
                let members: Vec<_> = members.iter().map(|(name, value)| format!("{name} :{value}")).collect();
                format!("{{{}}}", members.join(" , "))
            }),
        ]
    })
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let id = || prop::sample::select(vec!["a", "b", "c", "d", "e"]);
    let source = || prop::sample::select(vec!["a", "b"]).prop_map(|source| Source::from(source.to_owned()));
    let fields = || {
        prop::sample::subsequence(vec!["label", "access_token", "mine", "base_url"], 0..3).prop_map(|names| {
            RowFields(names.into_iter().map(|name| (name.to_owned(), json!("new"))).collect::<Map<_, _>>())
        })
    };
    let one = || Secret::new("one").fingerprint();
    let edit = prop_oneof![
        (id(), fields()).prop_map(|(id, mut row)| {
            row.0.insert("id".to_owned(), id.into());
            Edit::Add { row }
        }),
        id().prop_map(|id| Edit::Remove { id: id.into() }),
        (id(), prop::option::of(id())).prop_map(move |(id, was)| {
            Edit::Identify { id: id.into(), was: was.map(Into::into), fingerprint: one() }
        }),
        (id(), fields()).prop_map(|(id, set)| Edit::Set { id: id.into(), set }),
        (id(), fields()).prop_map(move |(id, set)| Edit::Tokens {
            id: id.into(),
            replaces: Some(one()),
            generation: Generation::default(),
            set
        }),
        (id(), 0.0..9.0, prop::option::of(0.0..9.0)).prop_map(|(id, at, reset_at)| Edit::Status {
            id: id.into(),
            status: Some(Status::Exhausted),
            at: UnixSeconds::new(at),
            error_code: Some(429),
            reason: Some(FailureKind::RateLimited),
            reset_at: reset_at.and_then(UnixSeconds::new),
            ends: Vec::new(),
            ends_earlier: false,
            token: None,
        }),
        (id(), prop::sample::select(vec!["m", "n"]), 0.0..9.0, any::<bool>()).prop_map(|(id, model, end, is_over)| {
            let until = UnixSeconds::new(end).filter(|_| !is_over);
            Edit::ModelCooldown { id: id.into(), model: model.to_owned(), until, ends: Vec::new() }
        }),
        (id(), 0_u64..3, prop::option::of(0_u64..9)).prop_map(|(id, count, turn)| Edit::Used {
            id: id.into(),
            count,
            turn
        }),
        source().prop_map(|source| Edit::Suppress { source }),
        source().prop_map(|source| Edit::Unsuppress { source }),
        Just(Edit::SetStrategy { strategy: Choice::LeastUsed }),
        prop::sample::select(vec![
            json!({ "preset": "reference" }),
            json!({ "lease_ms": 20_000, "mine": [1, 2] }),
            json!(7)
        ])
        .prop_map(|policy| Edit::SetPolicy { policy }),
    ];
    let stamp = (0_u64..9, prop::sample::select(vec!["h", "i"])).prop_map(|(at, host)| Stamp { at, host: host.into() });
    let change = (stamp, edit).prop_map(|(by, edit)| Change { by, edit });
    prop::collection::vec(change, 0..6)
}

fn select(texts: &[&str]) -> impl Strategy<Value = String> + Clone + use<> {
    prop::sample::select(texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
}

/// The stored state, normalized: sources sorted, numbers as floats.
fn in_order(mut stored: Stored) -> Value {
    stored.suppressed_sources.sort_unstable();
    as_floats(json!(stored))
}

/// Converts all numbers to floats, so that 1 equals 1.0.
fn as_floats(value: Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(items) => items.into_iter().map(as_floats).collect(),
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, as_floats(value))).collect(),
        other => other,
    }
}
