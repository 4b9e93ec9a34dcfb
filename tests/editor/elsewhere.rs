//! Edits of a document that other programs write to at the same time: edits that are carried out again on the latest
//! text, and secrets that were renewed meanwhile.

use credential_pool::{CredentialId, Edited, Editor};
use serde_json::{Value, json};

use crate::{START, after, open};

fn text(rows: &Value) -> String {
    serde_json::to_string_pretty(&json!({ "credential_pool": { "nous": rows } })).unwrap()
}

fn ids(editor: &mut Editor) -> Vec<String> {
    let table = editor.pool("nous", START).unwrap();
    table.credentials.iter().map(|shown| shown.entry.id.as_str().to_owned()).collect()
}

#[test]
fn edits_with_their_own_ids_make_the_same_credentials_on_every_text() {
    let mine = text(&json!([{ "id": "a", "access_token": "sk-a" }]));
    let latest = text(&json!([{ "id": "z", "access_token": "sk-z" }, { "id": "a", "access_token": "sk-a2" }]));
    let mut editor = Editor::open(&mine, [1; 32]).unwrap();
    let [copy, new] = [editor.new_id("nous", START).unwrap(), editor.new_id("nous", START).unwrap()];
    assert_ne!(copy, new);
    let row = json!({ "id": new, "access_token": "sk-new" }).as_object().unwrap().clone();
    let edits = [
        Edited::Duplicate { id: "a".into(), copy: Some(copy.clone()) },
        Edited::Add { row },
        Edited::Move { id: new.clone(), place: 0 },
    ];
    for (text, seed, expected) in
        [(mine, 2, vec![new.as_str(), "a", copy.as_str()]), (latest, 3, vec![new.as_str(), "z", "a", copy.as_str()])]
    {
        let mut editor = Editor::open(&text, [seed; 32]).unwrap();
        for edit in &edits {
            editor.edit("nous", edit, after(1)).unwrap();
        }
        assert_eq!(ids(&mut editor), expected);
    }
}

#[test]
fn renewed_secrets_stay_renewed_and_typed_secrets_stay_typed() {
    const NONE: Value = Value::Null;
    // access and refresh token: as the person opened them, as they are now in the person's text, as others left them
    let cases = [
        ("untouched", ["at1", "rt1"], ["at1", "rt1"], ["at1", "rt1"], ["at1", "rt1"]),
        ("renewed elsewhere", ["at1", "rt1"], ["at1", "rt1"], ["at2", "rt2"], ["at2", "rt2"]),
        ("typed here", ["at1", "rt1"], ["at9", "rt9"], ["at1", "rt1"], ["at9", "rt9"]),
        ("typed here, renewed elsewhere", ["at1", "rt1"], ["at9", "rt9"], ["at2", "rt2"], ["at9", "rt9"]),
    ];
    for (case, base, ours, theirs, expected) in cases {
        let login = |[access_token, refresh_token]: [&str; 2], expires: Value, label: &str| {
            text(&json!([{ "id": "a", "label": label, "auth_type": "oauth", "access_token": access_token,
                "refresh_token": refresh_token, "expires_at_ms": expires }]))
        };
        let mut editor = open(&login(ours, json!(1000), "mine"));
        editor
            .keep_renewed_secrets(&login(base, json!(1000), "was"), &login(theirs, json!(2000), "theirs"), START)
            .unwrap();
        let id = CredentialId::from("a");
        let mut held = |field| editor.reveal("nous", &id, field, START).unwrap();
        assert_eq!([held("access_token"), held("refresh_token")], expected, "{case}");
        let shown = &editor.pool("nous", START).unwrap().credentials[0];
        assert_eq!(shown.entry.label, "mine", "{case}");
        let is_renewed = expected == theirs && ours != theirs;
        assert_eq!(shown.expires_at_ms, Some(if is_renewed { 2000 } else { 1000 }), "{case}");
    }
    // Without a readable base the secrets of the latest text stay.
    let mut editor = open(&text(&json!([{ "id": "a", "access_token": "old", "refresh_token": NONE }])));
    editor.keep_renewed_secrets("{", &text(&json!([{ "id": "a", "access_token": "new" }])), START).unwrap();
    assert_eq!(editor.reveal("nous", &"a".into(), "access_token", START).unwrap(), "new");
    // Rows that only one text has are left alone.
    let mut editor = open(&text(&json!([{ "id": "b", "access_token": "b" }])));
    let before = editor.text();
    editor.keep_renewed_secrets(&before, &text(&json!([{ "id": "c", "access_token": "c" }])), START).unwrap();
    assert_eq!(editor.text(), before);
}
