//! Properties of edits of random documents: an edit has its documented effect, and changes nothing else.

use std::collections::BTreeMap;

use credential_pool::{Document, Edited, Editor, PoolHealth, PoolTable, State, Timestamp, locate};
use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Map, Value, json};

use crate::{START, after, open};

const POOL: &str = "openrouter";

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_edit_has_its_effect_and_changes_nothing_else(
        text in document(),
        edits in vec((edit(), 0_i64..7_200_000), 1..12),
    ) {
        let mut editor = open(&text);
        prop_assert_eq!(editor.text(), text.clone());
        let mut latest = START;
        let known = ids(&editor.pool(POOL, START).unwrap());
        for (draft, millis) in edits {
            let now = after(millis);
            latest = latest.max(now);
            let (before, kept) = (editor.pool(POOL, now).unwrap(), kept(&mut editor, now));
            let text = editor.text();
            let edit = draft.at(&before);
            let validated = editor.validate(POOL, &edit, now);
            prop_assert_eq!(editor.text(), text.clone(), "validating changes nothing");
            prop_assert_eq!(editor.pool(POOL, now).unwrap(), before.clone(), "validating changes nothing");
            let done = editor.edit(POOL, &edit, now);
            prop_assert_eq!(&validated, &done);
            let written = editor.text();
            prop_assert!(Document::parse(&written).is_ok(), "{}", written);
            let after = editor.pool(POOL, now).unwrap();
            match done {
                Ok(()) => check_effect(&edit, &before, &after)?,
                Err(_) => {
                    prop_assert_eq!(&written, &text);
                    prop_assert_eq!(&after, &before);
                }
            }
            for (place, text) in self::kept(&mut editor, now) {
                let stays = (is_place(&place) || known.contains(&place)) && !draft.is_about(&place);
                if let Some(was) = kept.get(&place).filter(|_| stays) {
                    prop_assert_eq!(&text, was, "{} in {}", place, written);
                }
            }
        }
        let mut again = open(&editor.text());
        prop_assert_eq!(again.pool(POOL, latest).unwrap(), editor.pool(POOL, latest).unwrap());
        prop_assert_eq!(again.pools(latest), editor.pools(latest));
        prop_assert_eq!(again.text(), editor.text());
    }

    #[test]
    fn a_summary_counts_the_states_in_the_table_at_any_time(
        text in document(),
        views in vec((-7_200_000_i64..7_200_000, option::weighted(0.3, edit())), 1..20),
    ) {
        let mut editor = open(&text);
        for (millis, draft) in views {
            let now = after(millis);
            if let Some(draft) = draft {
                let edit = draft.at(&editor.pool(POOL, now).unwrap());
                let _: Result<(), _> = editor.edit(POOL, &edit, now);
            }
            for summary in editor.pools(now) {
                let table = editor.pool(&summary.key, now).unwrap();
                prop_assert_eq!(summary.health, Some(counted(&table)));
                let ends = table.credentials.iter().filter_map(|shown| shown.entry.state.until());
                prop_assert_eq!(summary.next_at, ends.min());
            }
        }
    }

    #[test]
    fn any_text_is_opened_or_refused(
        text in prop_oneof![any::<String>(), any_section(), "[\\[\\]{}:,\"0-9a-z \\\\]{0,40}"],
        draft in edit(),
        now in any::<i64>(),
    ) {
        let now = Timestamp::from_millis(now);
        if let Ok(mut editor) = Editor::open(&text, [1; 32]) {
            for summary in editor.pools(now) {
                let table = editor.pool(&summary.key, now);
                let is_read = table.is_ok_and(|table| table.key == summary.key);
                prop_assert_eq!(summary.health.is_some(), is_read);
            }
            prop_assert_eq!(editor.text(), text.clone());
            let edit = draft.at(&editor.pool(POOL, now).unwrap());
            match editor.edit(POOL, &edit, now) {
                Ok(()) => prop_assert!(Document::parse(&editor.text()).is_ok()),
                Err(_) => prop_assert_eq!(editor.text(), text),
            }
        }
    }

    #[test]
    fn any_edit_is_read_or_refused(text in any::<String>(), json in json_text(), kind in select(KINDS.to_vec())) {
        let _: Result<Edited, _> = Edited::parse(&text);
        let _: Result<Edited, _> = Edited::parse(&format!(
            r#"{{"type": "{kind}", "id": {json}, "row": {json}, "fields": {json}, "place": {json}, "name": {json}}}"#
        ));
    }
}

const KINDS: [&str; 8] = ["add", "duplicate", "update", "remove", "move", "reset", "strategy", "policy"];

/// Checks the effect of an edit in the table.
fn check_effect(edit: &Edited, before: &PoolTable, after: &PoolTable) -> Result<(), TestCaseError> {
    let mut expected = ids(before);
    let place_of = |id: &str| before.credentials.iter().position(|shown| shown.entry.id.as_str() == id).unwrap();
    let mut is_numbered = false;
    match edit {
        Edited::Add { row } => {
            let added = after.credentials.last().unwrap();
            prop_assert!(row.get("id").and_then(Value::as_str).is_none_or(|id| added.entry.id.as_str() == id));
            prop_assert!(!expected.contains(&added.entry.id.as_str().to_owned()));
            expected.push(added.entry.id.as_str().to_owned());
        }
        Edited::Duplicate { id, .. } => {
            let place = place_of(id.as_str());
            let (original, copy) = (&before.credentials[place], &after.credentials[place + 1]);
            prop_assert_eq!(&copy.entry.label, &format!("{} copy", original.entry.label));
            prop_assert_eq!((copy.entry.source.as_str(), copy.entry.request_count), ("manual", 0));
            prop_assert_eq!(&copy.secrets, &original.secrets);
            prop_assert_eq!(copy.failure, None);
            prop_assert!(!copy.is_borrowed);
            let is_available = matches!(copy.entry.state, State::Available);
            prop_assert_eq!(is_available, copy.secrets.contains(&"access_token"));
            expected.insert(place + 1, copy.entry.id.as_str().to_owned());
            is_numbered = true;
        }
        Edited::Update { fields, .. } if fields.contains_key("priority") => {
            expected = ids(after);
            prop_assert_eq!(sorted(ids(before)), sorted(ids(after)));
        }
        Edited::Update { .. } | Edited::Strategy { .. } | Edited::Policy { .. } => {}
        Edited::Remove { id } => {
            expected.remove(place_of(id.as_str()));
            is_numbered = true;
        }
        Edited::Move { id, place } => {
            let moved = expected.remove(place_of(id.as_str()));
            expected.insert((*place).min(expected.len()), moved);
            is_numbered = true;
        }
        Edited::Reset { id } => {
            let is_reset =
                |shown: &&credential_pool::ShownCredential| id.as_ref().is_none_or(|id| shown.entry.id == *id);
            for shown in after.credentials.iter().filter(is_reset) {
                prop_assert_eq!(matches!(shown.entry.state, State::Available), shown.secrets.contains(&"access_token"));
            }
        }
    }
    prop_assert_eq!(ids(after), expected);
    prop_assert_eq!(after.set_aside, before.set_aside);
    if is_numbered {
        let priorities: Vec<_> = after.credentials.iter().map(|shown| shown.entry.priority).collect();
        prop_assert_eq!(priorities, (0_i64..).take(after.credentials.len()).collect::<Vec<_>>());
    }
    Ok(())
}

/// Returns the text of everything that edits must keep, by pointer or id: foreign parts of the document and of rows, rows
/// of other pools, and unreadable rows.
fn kept(editor: &mut Editor, now: Timestamp) -> BTreeMap<String, String> {
    let text = editor.text();
    let at = |pointer: &str| locate(&text, pointer).map(|found| text[found.value.from..found.value.to].to_owned());
    let mut kept = BTreeMap::new();
    for pointer in ["/mine", "/providers", "/credential_pool/zai", "/credential_pool_policies/zai"] {
        kept.insert(pointer.to_owned(), at(pointer).unwrap());
    }
    let mut unseen = (0..).map_while(|place| at(&format!("/credential_pool/{POOL}/{place}"))).collect::<Vec<_>>();
    for shown in editor.pool(POOL, now).unwrap().credentials {
        if let Some(pointer) = shown.pointer {
            let row = at(&pointer).unwrap();
            unseen.retain(|unseen| *unseen != row);
            if let Some(mine) = at(&format!("{pointer}/mine")) {
                kept.insert(shown.entry.id.as_str().to_owned(), mine);
            }
        }
    }
    unseen.retain(|row| row.contains("\"label\": 7") || !row.starts_with('{'));
    kept.insert("/set aside".to_owned(), unseen.join("\n"));
    kept
}

/// Returns whether this is a pointer into the document, and not the id of a row.
fn is_place(kept: &str) -> bool {
    kept.starts_with('/')
}

fn ids(table: &PoolTable) -> Vec<String> {
    table.credentials.iter().map(|shown| shown.entry.id.as_str().to_owned()).collect()
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}

fn counted(table: &PoolTable) -> PoolHealth {
    let count = |fits: fn(&State) -> bool| table.credentials.iter().filter(|shown| fits(&shown.entry.state)).count();
    PoolHealth {
        available: count(|state| matches!(state, State::Available)),
        cooling_down: count(|state| state.until().is_some()),
        unavailable: count(|state| {
            matches!(state, State::Expired | State::NoSecret | State::UnusableSecret | State::Dead)
        }),
        set_aside: table.set_aside,
    }
}

/// An edit that is not yet bound to the credentials of a table.
#[derive(Clone, Debug)]
struct Draft {
    kind: &'static str,
    /// Place of the credential in the table; beyond the end an unknown id.
    which: usize,
    place: usize,
    fields: Map<String, Value>,
    setting: usize,
}

impl Draft {
    fn at(&self, table: &PoolTable) -> Edited {
        let chosen = table.credentials.get(self.which % (table.credentials.len() + 1));
        let id = chosen.map_or_else(|| "none".into(), |shown| shown.entry.id.clone());
        match self.kind {
            "add" => Edited::Add { row: self.fields.clone() },
            "duplicate" => Edited::Duplicate { id, copy: None },
            "update" => Edited::Update { id, fields: self.fields.clone() },
            "remove" => Edited::Remove { id },
            "move" => Edited::Move { id, place: self.place },
            "reset" => Edited::Reset { id: chosen.map(|shown| shown.entry.id.clone()) },
            "strategy" => {
                let names = ["fill_first", "round_robin", "least_used", "best"];
                Edited::Strategy { name: names[self.setting].to_owned() }
            }
            _ => {
                let policies =
                    [json!({}), json!({ "preset": "reference" }), json!({ "lease_ms": 9_000 }), json!({ "a": 1 })];
                Edited::Policy { policy: policies[self.setting].clone() }
            }
        }
    }

    /// Returns whether the edit may change this kept part.
    fn is_about(&self, kept: &str) -> bool {
        self.kind == "update" && self.fields.contains_key("mine") && !is_place(kept)
    }
}

fn edit() -> impl Strategy<Value = Draft> {
    let field = prop_oneof![
        select(vec!["x", "é \"y\""]).prop_map(|label| ("label", json!(label))),
        select(vec!["sk-a", "sk-n", ""]).prop_map(|token| ("access_token", json!(token))),
        select(vec![json!("rt-n"), Value::Null]).prop_map(|token| ("refresh_token", token)),
        select(vec![json!(2), json!(0), Value::Null]).prop_map(|weight| ("weight", weight)),
        select(vec![json!(0), json!(1.0), json!(-3), json!("1")]).prop_map(|priority| ("priority", priority)),
        select(vec![json!([1.5]), Value::Null]).prop_map(|mine| ("mine", mine)),
        select(vec![json!("new"), json!("a"), json!(7)]).prop_map(|id| ("id", id)),
        Just(("last_status", json!("dead"))),
    ];
    let fields = vec(field, 0..3).prop_map(|fields| fields.into_iter().map(|(name, value)| (name.to_owned(), value)));
    (select(KINDS.to_vec()), 0_usize..8, 0_usize..8, fields, 0_usize..4).prop_map(
        |(kind, which, place, fields, setting)| Draft { kind, which, place, fields: fields.collect(), setting },
    )
}

/// A document in a random layout, with a partly malformed pool and with foreign parts.
fn document() -> impl Strategy<Value = String> {
    let layout = (select(vec!["\n", "\r\n", " ", "\n\t "]), select(vec!["", "\u{feff}"]), any::<bool>());
    (json_text(), rows(), rows(), layout).prop_map(|(mine, rows, others, (newline, bom, has_settings))| {
        let settings = match has_settings {
            true => format!("\"credential_pool_strategies\" : {{\"{POOL}\":\"Round_Robin\"}},\n"),
            false => String::new(),
        };
        let text = format!(
            "{{\n\"mine\" : {mine},\n\"providers\":{{\"nous\": {mine}}},\n\"credential_pool\": {{\n\"zai\": {others},\n\
             \"{POOL}\" : {rows}}},\n{settings}\"credential_pool_policies\": {{\"zai\": {{\"lease_ms\": 1e4}}}} }}\n"
        );
        format!("{bom}{}", text.replace('\n', newline))
    })
}

/// Documents whose sections have any shape.
fn any_section() -> impl Strategy<Value = String> {
    (select(vec!["credential_pool", "credential_pool_merges", "credential_pool_strategies"]), json_text(), rows())
        .prop_map(|(section, json, rows)| {
            format!(
                r#"{{"{section}": {{"openrouter": {json}, " ": {rows}, "Zai": {rows}}}, "suppressed_sources": {json}}}"#
            )
        })
}

fn rows() -> impl Strategy<Value = String> {
    let field = prop_oneof![
        select(vec![r#""id": "a""#, r#""id": "b""#, r#""\u0069d": "c""#, r#""id": null"#, r#""id": "d""#]),
        select(vec![r#""access_token": "sk-a""#, r#""access_token":"sk\u002db""#, r#""auth_type": "oauth""#]),
        select(vec![r#""priority": 1.0"#, r#""priority": 7"#, r#""turn": 3"#, r#""request_count": 1e1"#]),
        select(vec![
            r#""last_status": "dead""#,
            r#""last_status": "exhausted", "last_status_at": 1775757570.0, "last_error_code": 429"#,
            r#""last_status": "exhausted", "last_status_at": 1775757500.5, "last_error_reset_at": 1775758000.0"#,
        ]),
        select(vec![r#""source": "env:A""#, r#""secret_fingerprint": "sha256:ba7816bf8f01cfea""#, r#""label": 7"#]),
    ];
    let field =
        prop_oneof![4 => field.prop_map(str::to_owned), 1 => json_text().prop_map(|mine| format!("\"mine\":{mine}"))];
    let row = vec(field, 0..6).prop_map(|fields| format!("{{{}}}", fields.join(" ,")));
    let row = prop_oneof![8 => row, 1 => select(vec!["null", "[ 1.0]", "7"]).prop_map(str::to_owned)];
    (vec(row, 0..5), select(vec![", ", ",", ",\n      "]))
        .prop_map(|(rows, separator)| format!("[{}]", rows.join(separator)))
}

/// JSON in all its forms.
fn json_text() -> impl Strategy<Value = String> {
    let scalar = select(vec![
        "null",
        "-0.0",
        "1.0",
        "1e400",
        "12345678901234567890123",
        r#""\u00e9\/""#,
        r#""\ud800""#,
        r#""]é""#,
    ]);
    scalar.prop_map(str::to_owned).prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(|items| format!("[ {}]", items.join(" ,"))),
            vec((select(vec![r#""a""#, r#""\u0061""#, r#""id""#]), inner), 0..3).prop_map(|members| {
                let members: Vec<_> = members.iter().map(|(name, value)| format!("{name} :{value}")).collect();
                format!("{{{}}}", members.join(" , "))
            }),
        ]
    })
}
