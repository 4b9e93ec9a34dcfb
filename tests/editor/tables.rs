//! What holds for every edit: what it leaves behind for other hosts, what it depends on, how deep it may nest.

use credential_pool::{Document, Edited, Editor, ErrorCode};
use serde_json::{Value, json};

use crate::{START, after, open};

const TEXT: &str = r#"{"credential_pool": {
  "openrouter": [{"id": "a", "access_token": "sk-a", "last_status": "dead"}, {"id": "b"}],
  "zai": [{"id": "c"}]
}}"#;

/// One of each kind, with what `credential_pool_merges` tells other hosts of it.
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
fn every_edit_tells_other_hosts_of_itself_and_of_no_other_pool() {
    for (edit, place) in edits() {
        let mut editor = open(TEXT);
        editor.edit("openrouter", &parsed(&edit), START).unwrap();
        let text: Value = serde_json::from_str(&editor.text()).unwrap();
        let merges = text["credential_pool_merges"].as_object().unwrap();
        assert_eq!(merges.keys().collect::<Vec<_>>(), ["openrouter"], "{edit}");
        let at = merges["openrouter"].pointer(place).and_then(Value::as_i64).unwrap_or_else(|| panic!("{merges:?}"));
        // In microseconds; a few edits of one moment follow each other.
        assert!((1..10).contains(&(at - START.as_millis() * 1000)), "{edit}: {at}");
    }
}

#[test]
fn the_same_seed_and_moment_make_the_same_text_and_others_make_others() {
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
fn what_is_no_edit_is_refused() {
    let deep = format!(r#"{{"type": "add", "row": {{"x": {}}}}}"#, "[".repeat(200) + &"]".repeat(200));
    for text in
        ["", " ", "null", "[]", "7", r#""add""#, r#"["add"]"#, "{\"type\": \"reset\"} x", "{'type': 'reset'}", &deep]
    {
        let refused = Edited::parse(text).err().unwrap_or_else(|| panic!("{text} is taken for an edit"));
        assert_eq!((refused.code, refused.pointer.as_deref()), (ErrorCode::InvalidArgument, Some("/edit")), "{text}");
    }
}

/// The deepest that can be read again is taken, and what is deeper leaves everything as it was.
#[test]
fn what_nests_too_deep_to_be_read_again_is_refused() {
    let nested = |levels: usize| (0..levels).fold(json!(0), |inner, _| json!([inner]));
    let mut levels_taken = 0;
    for levels in 100..130 {
        let mut editor = open(TEXT);
        let table = editor.pool("openrouter", START).unwrap();
        let fields = json!({ "deep": nested(levels) }).as_object().unwrap().clone();
        match editor.edit("openrouter", &Edited::Update { id: "a".into(), fields }, START) {
            Ok(()) => {
                assert!(Document::parse(&editor.text()).is_ok(), "{levels} levels");
                assert_eq!(levels_taken + 1, if levels_taken == 0 { 1 } else { levels }, "no gap");
                levels_taken = levels;
            }
            Err(error) => {
                assert_eq!(error.code, ErrorCode::InvalidRow);
                assert_eq!(editor.text(), TEXT);
                assert_eq!(editor.pool("openrouter", START).unwrap(), table);
                editor.edit("openrouter", &Edited::Remove { id: "a".into() }, START).unwrap();
            }
        }
    }
    assert!((100..129).contains(&levels_taken), "{levels_taken} levels are taken");
}

fn parsed(edit: &Value) -> Edited {
    Edited::parse(&edit.to_string()).unwrap()
}
