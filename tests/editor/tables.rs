//! Properties of every kind of edit: its merge metadata, its determinism, and its depth of nesting.

use credential_pool::{Document, Edited, Editor, ErrorCode};
use serde_json::{Value, json};

use crate::{START, after, open};

const TEXT: &str = r#"{"credential_pool": {
  "openrouter": [{"id": "a", "access_token": "sk-a", "last_status": "dead"}, {"id": "b"}],
  "zai": [{"id": "c"}]
}}"#;

/// An edit of each kind, with the place of its stamp in `credential_pool_merges`.
fn edits() -> Vec<(Value, &'static str)> {
    vec![
        (json!({ "type": "add", "row": { "id": "n" } }), "/rows/n/added/at"),
        (json!({ "type": "duplicate", "id": "a" }), "/rows/b/fields/priority/at"),
        (json!({ "type": "update", "id": "a", "fields": { "label": "x" } }), "/rows/a/fields/label/at"),
        (json!({ "type": "update", "id": "a", "fields": { "access_token": "x" } }), "/rows/a/tokens/by/at"),
        (json!({ "type": "remove", "id": "a" }), "/rows/a/removed/at"),
        (json!({ "type": "move", "id": "b", "place": 0 }), "/rows/a/fields/priority/at"),
        (json!({ "type": "reset", "id": "a" }), "/rows/a/status/reset/at"),
        (json!({ "type": "reset" }), "/rows/a/status/reset/at"),
        (json!({ "type": "strategy", "name": "random" }), "/strategy/at"),
        (json!({ "type": "policy", "policy": { "preset": "reference" } }), "/policy/at"),
    ]
}

#[test]
fn every_edit_writes_merge_metadata_of_its_own_pool_only() {
    for (edit, place) in edits() {
        let mut editor = open(TEXT);
        editor.edit("openrouter", &parsed(&edit), START).unwrap();
        let text: Value = serde_json::from_str(&editor.text()).unwrap();
        let merges = text["credential_pool_merges"].as_object().unwrap();
        assert_eq!(merges.keys().collect::<Vec<_>>(), ["openrouter"], "{edit}");
        let at = merges["openrouter"].pointer(place).and_then(Value::as_i64).unwrap_or_else(|| panic!("{merges:?}"));
        // Stamps are in microseconds; edits at the same time get successive stamps.
        assert!((1..10).contains(&(at - START.as_millis() * 1000)), "{edit}: {at}");
    }
}

#[test]
fn the_text_depends_on_seed_and_time_alone() {
    let edited = |seed: u8, millis: i64| {
        let mut editor = Editor::open(TEXT, [seed; 32]).unwrap();
        for (edit, _) in edits() {
            let _: Result<(), _> = editor.edit("openrouter", &parsed(&edit), after(millis));
        }
        editor.text()
    };
    assert_eq!(edited(1, 0), edited(1, 0));
    assert_ne!(edited(1, 0), edited(2, 0));
    assert_ne!(edited(1, 0), edited(1, 1));
}

#[test]
fn a_malformed_edit_is_refused() {
    let deep = format!(r#"{{"type": "add", "row": {{"x": {}}}}}"#, "[".repeat(200) + &"]".repeat(200));
    for text in
        ["", " ", "null", "[]", "7", r#""add""#, r#"["add"]"#, "{\"type\": \"reset\"} x", "{'type': 'reset'}", &deep]
    {
        let refused = Edited::parse(text).err().unwrap_or_else(|| panic!("{text} is accepted as an edit"));
        assert_eq!((refused.code, refused.pointer.as_deref()), (ErrorCode::InvalidArgument, Some("/edit")), "{text}");
    }
}

/// The deepest readable nesting is accepted; a deeper one is an error that changes nothing.
#[test]
fn a_nesting_too_deep_to_be_read_again_is_refused() {
    let nested = |levels: usize| (0..levels).fold(json!(0), |inner, _| json!([inner]));
    let mut levels_accepted = 0;
    for levels in 100..130 {
        let mut editor = open(TEXT);
        let table = editor.pool("openrouter", START).unwrap();
        let fields = json!({ "deep": nested(levels) }).as_object().unwrap().clone();
        match editor.edit("openrouter", &Edited::Update { id: "a".into(), fields }, START) {
            Ok(()) => {
                assert!(Document::parse(&editor.text()).is_ok(), "{levels} levels");
                assert_eq!(levels_accepted + 1, if levels_accepted == 0 { 1 } else { levels }, "no gap");
                levels_accepted = levels;
            }
            Err(error) => {
                assert_eq!(error.code, ErrorCode::InvalidRow);
                assert_eq!(editor.text(), TEXT);
                assert_eq!(editor.pool("openrouter", START).unwrap(), table);
                editor.edit("openrouter", &Edited::Remove { id: "a".into() }, START).unwrap();
            }
        }
    }
    assert!((100..129).contains(&levels_accepted), "{levels_accepted} levels are accepted");
}

fn parsed(edit: &Value) -> Edited {
    Edited::parse(&edit.to_string()).unwrap()
}
