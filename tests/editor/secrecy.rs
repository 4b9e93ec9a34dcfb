//! A canary in every secret of a document appears in `reveal` and in the text, and nowhere else.

use credential_pool::{Edited, Editor};
use serde_json::{Value, json};

use crate::{START, open};

const CANARY: &str = "canary5f2d";

#[test]
fn no_debug_output_and_no_view_has_a_secret() {
    let text = json!({
        "providers": { "nous": { "access_token": CANARY } },
        "credential_pool": {
            "nous": [
                {
                    "id": "a", "access_token": CANARY, "refresh_token": CANARY, "agent_key": CANARY,
                    "last_error_message": CANARY, "unknown": CANARY, "agent_key_id": CANARY,
                },
                { "access_token": format!("{CANARY}2") },
                { "id": "c", "label": 7, "access_token": CANARY },
            ],
        },
    });
    let secret = || json!({ "access_token": format!("{CANARY}3"), "refresh_token": CANARY, "agent_key": CANARY });
    let edits = [
        json!({ "type": "add", "row": secret() }),
        json!({ "type": "add", "row": { "access_token": [CANARY] } }),
        json!({ "type": "update", "id": "a", "fields": secret() }),
        json!({ "type": "update", "id": CANARY, "fields": secret() }),
        json!({ "type": "update", "id": "a", "fields": { "refresh_token": [CANARY] } }),
        json!({ "type": "duplicate", "id": "a" }),
        json!({ "type": "strategy", "name": CANARY }),
        json!({ "type": "policy", "policy": { "preset": CANARY } }),
        json!({ "type": "reset" }),
        json!({ "type": CANARY }),
    ];
    let mut editor = open(&text.to_string());
    let mut shown = observed(&mut editor);
    for edit in edits {
        match Edited::parse(&edit.to_string()) {
            Ok(edit) => {
                shown += &format!("{:?}", editor.validate("nous", &edit, START));
                shown += &format!("{:?}", editor.edit("nous", &edit, START));
            }
            Err(error) => shown += &format!("{error:?} {error}"),
        }
        shown += &observed(&mut editor);
    }
    shown += &format!("{:?}", editor.reveal("nous", &CANARY.into(), CANARY, START));
    shown += &format!("{:?}", Editor::open(&format!(r#"{{"{CANARY}": {CANARY}"#), [7; 32]));
    shown += &format!("{:?}", Editor::open(&format!(r#"{{"credential_pool": "{CANARY}"}}"#), [7; 32]));
    assert!(!shown.contains(CANARY), "{shown}");
    assert_eq!(editor.reveal("nous", &"a".into(), "access_token", START).unwrap(), format!("{CANARY}3"));
    assert!(editor.text().contains(CANARY));
}

/// Returns the views that a page gets, and the debug output that a log may get.
fn observed(editor: &mut Editor) -> String {
    let (table, pools) = (editor.pool("nous", START).unwrap(), editor.pools(START));
    let (table_json, pools_json) = (serde_json::to_value(&table).unwrap(), serde_json::to_value(&pools).unwrap());
    assert!(matches!(table_json["credentials"], Value::Array(_)));
    format!("{editor:?} {editor:#?} {table:?} {table:#?} {pools:?} {table_json} {pools_json}")
}
