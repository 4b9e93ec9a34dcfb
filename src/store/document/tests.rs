//! Reading, changing and checking documents.

use serde_json::json;

use super::*;
use crate::{
    credential::row_fields::RowFields,
    error::{ProblemCode, Severity},
    stamp::Stamp,
    store::{change::Edit, check::check},
    strategy::Strategy,
    time::Timestamp,
};

const NOW: Timestamp = Timestamp::from_millis(1_775_757_580_000);

/// As the reference writes it.
const REFERENCE: &str = r#"{
  "version": 1,
  "providers": {},
  "credential_pool": {
    "openrouter": [
      {
        "id": "a1b2c3",
        "label": "caf\u00e9",
        "access_token": "sk-one",
        "last_status": null,
        "last_status_at": null,
        "last_error_code": null,
        "request_count": 1.0,
        "mine": 12345678901234567890123
      }
    ]
  },
  "updated_at": "2026-04-09T18:00:00+00:00"
}
"#;

fn pool() -> PoolKey {
    PoolKey::parse("openrouter").unwrap()
}

/// Changes of one host, one after the other.
fn changes(edits: &[Edit]) -> Vec<Change> {
    let stamps = (1..).map(|at| Stamp { at, host: "h".into() });
    stamps.zip(edits).map(|(by, edit)| Change { by, edit: edit.clone() }).collect()
}

fn used(id: &str) -> Edit {
    Edit::Used { id: id.into(), count: 1, turn: None }
}

fn remove(id: &str) -> Edit {
    Edit::Remove { id: id.into() }
}

fn add(row: Value) -> Edit {
    Edit::Add { row: RowFields(row.as_object().unwrap().clone()) }
}

fn suppress(source: &str) -> Edit {
    Edit::Suppress { source: Source::from(source.to_owned()) }
}

fn unsuppress(source: &str) -> Edit {
    Edit::Unsuppress { source: Source::from(source.to_owned()) }
}

fn random() -> Edit {
    Edit::SetStrategy { strategy: Strategy::Random }
}

fn set_policy(policy: Value) -> Edit {
    Edit::SetPolicy { policy }
}

#[test]
fn an_empty_document_is_the_reference_s_initial_document() {
    let text = Document::empty().to_text();
    assert_eq!(text, "{\n  \"version\": 1,\n  \"providers\": {},\n  \"credential_pool\": {}\n}\n");
    assert_eq!(check(&text, NOW), []);
}

#[test]
fn only_changed_parts_are_rewritten() {
    let row = |count| {
        format!(
            r#"{{"last_error_code":null, "request_count":{count}, "mine":1e400, "id":"a", "label":"\u00e9", "last_status":null, "last_status_at":1.0, "auth_type":"api_key", "priority":0, "source":"manual", "access_token":""}}"#
        )
    };
    let cases = [
        // A reference-style document: a count, and the defaults that the row did not spell out.
        (
            REFERENCE.to_owned(),
            vec![used("a1b2c3")],
            REFERENCE.replace("\"request_count\": 1.0", "\"request_count\": 2").replace(
                "        \"mine\": 12345678901234567890123\n",
                "        \"mine\": 12345678901234567890123,\n        \"auth_type\": \"api_key\",\n        \"priority\": 0,\n        \"source\": \"manual\"\n",
            ),
        ),
        // The same with Windows line ends and a byte order mark.
        (
            format!("\u{feff}{}", REFERENCE.replace('\n', "\r\n")),
            vec![suppress("env:A")],
            format!("\u{feff}{}", REFERENCE.replace('\n', "\r\n")).replace(
                "+00:00\"\r\n",
                "+00:00\",\r\n  \"suppressed_sources\": {\r\n    \"openrouter\": [\r\n      \"env:A\"\r\n    ]\r\n  }\r\n",
            ),
        ),
        // One field of a row on one line, between unknown fields of every kind.
        (
            format!(r#"{{"x" : [1.0], "credential_pool":{{"y":7, "openrouter":[ {} ]}}}}"#, row("1e1")),
            vec![used("a")],
            format!(r#"{{"x" : [1.0], "credential_pool":{{"y":7, "openrouter":[ {} ]}}}}"#, row("11")),
        ),
        // The last row goes, the pool stays.
        (
            "{\n\t\"credential_pool\": {\n\t\t\"openrouter\": [\n\t\t\t{ \"id\": \"a\" }\n\t\t]\n\t}\n}".to_owned(),
            vec![remove("a")],
            "{\n\t\"credential_pool\": {\n\t\t\"openrouter\": []\n\t}\n}".to_owned(),
        ),
        // A row in the middle goes with its comma.
        (
            r#"{"credential_pool":{"openrouter":[{"id":"a"},{"id":"b"},{"id":"c"}]}}"#.to_owned(),
            vec![remove("b")],
            r#"{"credential_pool":{"openrouter":[{"id":"a"},{"id":"c"}]}}"#.to_owned(),
        ),
        // The first row of a document with tabs.
        (
            "{\n\t\"mine\": {}\n}".to_owned(),
            vec![add(json!({ "id": "a" })), random()],
            "{\n\t\"mine\": {},\n\t\"credential_pool\": {\n\t\t\"openrouter\": [\n\t\t\t{\n\t\t\t\t\"id\": \"a\"\n\t\t\t}\n\t\t]\n\t},\n\t\"credential_pool_strategies\": {\n\t\t\"openrouter\": \"random\"\n\t}\n}".to_owned(),
        ),
        // Null counts as absent; a list keeps values that are not sources.
        (
            r#"{"credential_pool": null, "suppressed_sources": {"openrouter": ["a", 7, "b"]}}"#.to_owned(),
            vec![unsuppress("a"), suppress("c"), random()],
            r#"{"credential_pool": null, "suppressed_sources": {"openrouter": [7, "b", "c"]}, "credential_pool_strategies": {"openrouter": "random"}}"#.to_owned(),
        ),
        // Equal settings of a policy keep their text, as does another pool's policy.
        (
            r#"{"credential_pool_policies": {"zai": {"lease_ms" :1e4}, "openrouter": {"preset":"adaptive", "lease_ms" :1e4}}}"#.to_owned(),
            vec![set_policy(json!({ "preset": "adaptive", "lease_ms": 10_000, "sole_cooldown_ms": null }))],
            r#"{"credential_pool_policies": {"zai": {"lease_ms" :1e4}, "openrouter": {"preset":"adaptive", "lease_ms" :1e4, "sole_cooldown_ms":null}}}"#.to_owned(),
        ),
        (
            r#"{"credential_pool_policies": null}"#.to_owned(),
            vec![set_policy(json!({ "preset": "reference" })), set_policy(json!("no policy"))],
            r#"{"credential_pool_policies": {"openrouter": {"preset": "reference"}}}"#.to_owned(),
        ),
        // Of a duplicate pool key the last counts.
        (
            r#"{"credential_pool":{"openrouter":[{"id":"a"}],"openrouter":[{"id":"a"}]}}"#.to_owned(),
            vec![remove("a")],
            r#"{"credential_pool":{"openrouter":[{"id":"a"}],"openrouter":[]}}"#.to_owned(),
        ),
        // Nothing to do, nothing to put.
        ("{ }".to_owned(), vec![remove("a"), used("a"), unsuppress("a")], "{ }".to_owned()),
    ];
    for (before, edits, expected) in cases {
        let mut document = Document::parse(&before).unwrap();
        assert_eq!(document.to_text(), before);
        assert_eq!(document.apply(&pool(), &changes(&edits)), []);
        let merges = document.root.as_object_mut().and_then(|root| root.shift_remove(MERGES));
        assert!(merges.is_some(), "the document has merge metadata");
        assert_eq!(document.to_text(), expected, "after {edits:?}");
        let again = Document::parse(&expected).unwrap();
        assert_eq!(again.to_text(), expected);
    }
}

#[test]
fn unreadable_content_is_not_overwritten() {
    let row = || add(json!({ "id": "a" }));
    let cases = [
        (r#"{"credential_pool": {"openrouter": {}}}"#, row(), "/credential_pool/openrouter"),
        (r#"{"suppressed_sources": []}"#, suppress("a"), "/suppressed_sources"),
        (r#"{"suppressed_sources": {"openrouter": "a"}}"#, suppress("a"), "/suppressed_sources/openrouter"),
        (r#"{"credential_pool_strategies": "random"}"#, random(), "/credential_pool_strategies"),
        (r#"{"credential_pool_strategies": {"openrouter": 1}}"#, random(), "/credential_pool_strategies/openrouter"),
        (r#"{"credential_pool_policies": []}"#, set_policy(json!({})), "/credential_pool_policies"),
        (
            r#"{"credential_pool_policies": {"openrouter": "x"}}"#,
            set_policy(json!({})),
            "/credential_pool_policies/openrouter",
        ),
        (r#"{"credential_pool_merges": []}"#, row(), "/credential_pool_merges"),
    ];
    for (text, change, pointer) in cases {
        let mut document = Document::parse(text).unwrap();
        let others = [add(json!({ "id": "b" })), used("b"), suppress("env:B"), random(), set_policy(json!({}))];
        let kind = std::mem::discriminant(&change);
        let changes = changes(&[vec![change], others.to_vec()].concat());
        let refused = document.apply(&pool(), &changes);
        let (error, stamps) = (&refused[0].error, &refused[0].changes);
        assert_eq!((error.code, error.pointer.as_deref()), (ErrorCode::InvalidDocument, Some(pointer)));
        assert_eq!(refused.len(), 1);
        let is_row = |edit: &Edit| matches!(edit, Edit::Add { .. } | Edit::Used { .. });
        let is_of_kind = |edit: &Edit| {
            std::mem::discriminant(edit) == kind || pointer == "/credential_pool/openrouter" && is_row(edit)
        };
        let expected = changes.iter().filter(|change| is_of_kind(&change.edit)).map(|change| change.by.clone());
        let expected: Vec<_> = expected.filter(|_| pointer != "/credential_pool_merges").collect();
        assert_eq!(*stamps, expected, "{text}");
        let rest: Vec<_> = changes.iter().filter(|change| !stamps.contains(&change.by)).cloned().collect();
        let mut stored = Document::parse(text).unwrap().stored(&pool());
        apply(&mut stored, &rest, &pool());
        let read = Document::parse(&document.to_text()).unwrap();
        let merge = if pointer == "/credential_pool_merges" { Merge::default() } else { stored.merge };
        assert_eq!(read.stored(&pool()), Stored { merge, ..stored }, "all others are made");
        let place = |document: &Document| document.root.pointer(pointer).cloned();
        assert_eq!(place(&read), place(&Document::parse(text).unwrap()), "what cannot be read stays");

        let mut document = Document::parse(text).unwrap();
        let error = document.apply_whole(&pool(), &changes).unwrap_err();
        assert!(error.message.ends_with("; nothing was changed"), "{error}");
        assert_eq!(document.to_text(), text);
    }
}

#[test]
fn a_document_keeps_the_metadata_that_detects_a_repeated_change() {
    let mut document = Document::parse(r#"{"credential_pool": {"openrouter": [{"id": "a"}]}}"#).unwrap();
    assert_eq!(document.apply(&pool(), &changes(&[used("a")])), []);
    let written = document.to_text();
    assert!(written.ends_with(r#""credential_pool_merges": {"openrouter": {"hosts": {"h": 1}}}}"#), "{written}");
    let mut document = Document::parse(&written).unwrap();
    assert_eq!(document.apply(&pool(), &changes(&[used("a")])), []);
    assert_eq!(document.to_text(), written);

    let unreadable = r#"{"credential_pool_merges": {"openrouter": {"hosts": {"h": "x"}}}}"#;
    let mut document = Document::parse(unreadable).unwrap();
    assert_eq!(document.apply(&pool(), &changes(&[suppress("env:A")])), []);
    assert_eq!(document.stored(&pool()).suppressed_sources.len(), 1, "unreadable metadata counts as empty");
}

#[test]
fn content_that_could_not_be_read_again_is_refused() {
    let nested = |levels: usize| (0..levels).fold(json!(0), |value, _| json!([value]));
    let row = |levels: usize| add(json!({ "id": "a", "mine": nested(levels) }));
    let policy = |levels: usize| set_policy(json!({ "mine": nested(levels) }));
    let mut document = Document::empty();
    let refused = document.apply(&pool(), &changes(&[row(124), policy(125), suppress("env:A")]));
    let reasons: Vec<_> =
        refused.iter().map(|refusal| (refusal.error.code, refusal.error.pointer.as_deref())).collect();
    let expected = [
        (ErrorCode::InvalidRow, Some("/credential_pool/openrouter")),
        (ErrorCode::InvalidPolicy, Some("/credential_pool_policies/openrouter")),
    ];
    assert_eq!(reasons, expected);
    assert_eq!(document.stored(&pool()).suppressed_sources.len(), 1, "the other change is made");

    let mut document = Document::empty();
    assert_eq!(document.apply(&pool(), &changes(&[row(123), policy(124)])), []);
    let text = document.to_text();
    assert_eq!(Document::parse(&text).unwrap().stored(&pool()), document.stored(&pool()));
    serde_json::from_str::<Value>(&text).unwrap();
}

#[test]
fn a_document_lists_its_content() {
    let document = Document::parse(
        r#"{
          "providers": {"nous": {"access_token": "t"}, "openai-codex": null},
          "credential_pool": {"openrouter": [{}, 7], "custom:b": [{}], "custom:a": [{}], "custom:none": [], "zai": {}},
          "suppressed_sources": {"openrouter": ["env:A", 7]},
          "credential_pool_strategies": {"openrouter": " Random "},
          "credential_pool_policies": {"openrouter": {"lease_ms": 1}, "zai": 7}
        }"#,
    )
    .unwrap();
    assert_eq!(document.pools(), ["openrouter", "custom:b", "custom:a", "custom:none", "zai"]);
    assert_eq!(document.custom_pools(), ["custom:a", "custom:b"]);
    assert_eq!(document.login("nous"), Some(&json!({ "access_token": "t" })));
    assert_eq!((document.login("openai-codex"), document.login("zai")), (None, None));
    assert_eq!(document.logins().unwrap().len(), 2);
    let stored = document.stored(&pool());
    assert_eq!(stored.rows, [json!({}), json!(7)]);
    assert_eq!(stored.suppressed_sources, [Source::from("env:A".to_owned())]);
    assert_eq!(stored.strategy.as_deref(), Some(" Random "));
    assert_eq!(stored.policy, Some(json!({ "lease_ms": 1 })), "as it is stored, however wrong");
    assert_eq!(document.stored(&PoolKey::parse("zai").unwrap()), Stored::default());
}

#[test]
fn a_text_that_is_no_document_is_refused_with_the_place() {
    let cases = [
        ("", "", "an empty file"),
        ("\u{feff} \n", "", "an empty file"),
        ("[]", "", "must be an object"),
        ("7", "", "must be an object"),
        (r#"{"credential_pool": []}"#, "/credential_pool", "`credential_pool` must be an object"),
        ("{\n  \"é\": sk-x\n}", "", "line 2, column 8"),
        ("{\n  \"a\": 1", "", "ends too early, at line 2, column 8"),
        ("{} {}", "", "line 1, column 4"),
    ];
    for (text, pointer, message) in cases {
        let error = Document::parse(text).unwrap_err();
        assert_eq!((error.code, error.pointer.as_deref()), (ErrorCode::InvalidDocument, Some(pointer)), "{text}");
        assert!(error.message.contains(message), "{error}");
        assert!(error.message.ends_with("nothing was overwritten"), "{error}");
        assert_eq!(check(text, NOW).len(), 1);
    }
}

#[test]
fn huge_and_deep_documents_do_no_harm() {
    const MANY: usize = 10_000_000;
    let error = |text: &str| Document::parse(text).unwrap_err().message;
    assert!(error(&"[".repeat(MANY)).contains("ends too early"));
    let deep = format!("{{\"a\": \"[\\\"[\",\n \"b\": {}{}}}", "[".repeat(MANY / 2), "]".repeat(MANY / 2));
    assert!(error(&deep).contains("nested more than 127 levels deep at line 2, column 133"), "{}", error(&deep));

    let wide = format!(r#"{{"mine": [[{}[]]], "credential_pool": {{}}}}"#, "[],".repeat(MANY / 10));
    let mut document = Document::parse(&wide).unwrap();
    assert_eq!(document.apply(&pool(), &changes(&[random()])), []);
    let strategy = wide.replace("}}", r#"}, "credential_pool_strategies": {"openrouter": "random"}, "#);
    assert!(document.to_text().starts_with(&strategy));
}

#[test]
fn every_problem_is_found_at_its_place() {
    use ProblemCode::*;
    use Severity::{Error, Warning};

    let pool = |rows: &str| format!(r#"{{"credential_pool": {{"openrouter": {rows}}}}}"#);
    let cases = [
        (r#"{"version": 1.0, "credential_pool": null, "suppressed_sources": null}"#.to_owned(), vec![]),
        (r#"{"version": 2}"#.to_owned(), vec![(UnknownVersion, Warning, "/version")]),
        (
            r#"{"providers": [], "credential_pool_policies": 1, "suppressed_sources": [], "credential_pool_strategies": ""}"#.to_owned(),
            vec![
                (WrongType, Error, "/providers"),
                (WrongType, Error, "/suppressed_sources"),
                (WrongType, Error, "/credential_pool_strategies"),
                (WrongType, Error, "/credential_pool_policies"),
            ],
        ),
        (r#"{"credential_pool": {"custom:a/b~c": {}}}"#.to_owned(), vec![(WrongType, Error, "/credential_pool/custom:a~1b~0c")]),
        (
            r#"{"credential_pool": {" ": [], "OpenRouter": [{}]}}"#.to_owned(),
            vec![
                (UnreachablePool, Warning, "/credential_pool/ "),
                (UnreachablePool, Warning, "/credential_pool/OpenRouter"),
                (MissingId, Warning, "/credential_pool/OpenRouter/0"),
                (NoSecret, Warning, "/credential_pool/OpenRouter/0"),
            ],
        ),
        (
            pool(r#"[7, {"id": "a", "access_token": [], "label": 1}]"#),
            vec![
                (WrongType, Error, "/credential_pool/openrouter/0"),
                (WrongType, Error, "/credential_pool/openrouter/1/label"),
                (WrongType, Error, "/credential_pool/openrouter/1/access_token"),
            ],
        ),
        (
            pool(r#"[{"id": "a", "access_token": "k"}, {"id": "a", "access_token": "k"}, {"id": "b"}, {"id": "c"}]"#),
            vec![
                (DuplicateId, Warning, "/credential_pool/openrouter/1/id"),
                (DuplicateSecret, Warning, "/credential_pool/openrouter/1"),
                (NoSecret, Warning, "/credential_pool/openrouter/2"),
                (NoSecret, Warning, "/credential_pool/openrouter/3"),
            ],
        ),
        (
            pool(r#"[{"id": "a", "access_token": "k", "auth_type": "oauth", "refresh_token": ""}]"#),
            vec![(NoRefreshToken, Warning, "/credential_pool/openrouter/0")],
        ),
        (
            pool(r#"[{"id": "a", "access_token": "k", "auth_type": "OAuth", "last_status": "tired", "last_status_at": 1775757580.001}]"#),
            vec![
                (UnknownAuthType, Warning, "/credential_pool/openrouter/0/auth_type"),
                (UnknownStatus, Warning, "/credential_pool/openrouter/0/last_status"),
                (StatusInFuture, Warning, "/credential_pool/openrouter/0/last_status_at"),
            ],
        ),
        (pool(r#"[{"id": "a", "access_token": "k", "last_status": "dead", "last_status_at": 1775757580.0}]"#), vec![]),
        // A nous login sends its agent key, so that is its secret.
        (
            r#"{"credential_pool": {"nous": [{"id": "a", "agent_key": "k"}, {"id": "b", "access_token": "k"}]}}"#.to_owned(),
            vec![(DuplicateSecret, Warning, "/credential_pool/nous/1")],
        ),
        (
            r#"{"suppressed_sources": {"a": "env:A", "b": ["env:A", null], "c": []}}"#.to_owned(),
            vec![(WrongType, Error, "/suppressed_sources/a"), (WrongType, Error, "/suppressed_sources/b/1")],
        ),
        (
            r#"{"credential_pool_strategies": {"a": 1, "b": "best", "c": " Fill_First "}}"#.to_owned(),
            vec![
                (WrongType, Error, "/credential_pool_strategies/a"),
                (UnknownStrategy, Warning, "/credential_pool_strategies/b"),
            ],
        ),
        (
            r#"{"credential_pool_policies": {"a": [], "b": null, "c": {}, "d": {"preset": "best"}, "e": {"preset": "reference"},
                "f/g": {"failures": {"quota": {"cool_down": 1}}}, "h": {"lease_ms": 0}, "i": {"affinity": {"min_in_flight": "4"}}}}"#
                .to_owned(),
            vec![
                (WrongType, Error, "/credential_pool_policies/a"),
                (InvalidPolicy, Warning, "/credential_pool_policies/d/preset"),
                (InvalidPolicy, Warning, "/credential_pool_policies/f~1g/failures/quota/cool_down"),
                (InvalidPolicy, Warning, "/credential_pool_policies/h/lease_ms"),
                (InvalidPolicy, Warning, "/credential_pool_policies/i/affinity/min_in_flight"),
            ],
        ),
        (
            pool(r#"[{"id": "a", "access_token": "k", "weight": 0, "max_in_flight": 4294967296, "model_cooldowns": 7}]"#),
            vec![
                (WrongType, Error, "/credential_pool/openrouter/0/weight"),
                (WrongType, Error, "/credential_pool/openrouter/0/max_in_flight"),
            ],
        ),
        (
            r#"{"a": [{"é": 1, "\u00e9": 2}], "a": 3}"#.to_owned(),
            vec![(DuplicateKey, Warning, "/a/0/é"), (DuplicateKey, Warning, "/a")],
        ),
        ("{".to_owned(), vec![(NotJson, Error, "")]),
        ("[]".to_owned(), vec![(WrongType, Error, "")]),
        (r#"{"credential_pool": 1}"#.to_owned(), vec![(WrongType, Error, "/credential_pool")]),
    ];
    for (text, expected) in cases {
        let problems = check(&text, NOW);
        let found: Vec<_> =
            problems.iter().map(|problem| (problem.code, problem.severity, problem.pointer.as_str())).collect();
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn a_check_sees_the_document_as_it_would_be_written() {
    let mut document = Document::parse(r#"{"credential_pool": {"openrouter": [{"id": "a", "id": "a"}]}}"#).unwrap();
    assert_eq!(document.check(NOW).last().map(|problem| problem.code), Some(ProblemCode::DuplicateKey));
    assert_eq!(document.apply(&pool(), &changes(&[remove("a")])), []);
    assert_eq!(document.check(NOW), []);
}

#[test]
fn no_value_shows_in_an_error_a_problem_or_debug() {
    let fields = ["id", "label", "auth_type", "source", "access_token", "refresh_token", "last_status", "mine"];
    let texts: Map<_, _> = fields.iter().map(|name| ((*name).to_owned(), json!("canary"))).collect();
    let lists: Map<_, _> = fields.iter().map(|name| ((*name).to_owned(), json!(["canary"]))).collect();
    let whole = json!({
        "version": "canary", "providers": "canary", "updated_at": "canary",
        "credential_pool": { "openrouter": [texts, texts, lists, "canary"], "zai": "canary" },
        "suppressed_sources": { "openrouter": "canary", "zai": ["canary", ["canary"]] },
        "credential_pool_strategies": { "openrouter": "canary", "zai": ["canary"] },
        "credential_pool_policies": { "openrouter": { "preset": "canary" }, "zai": "canary" },
    });
    let text = whole.to_string();
    let mut document = Document::parse(&text).unwrap();
    let zai = PoolKey::parse("zai").unwrap();
    let mut shown = format!("{document:?} {:?} {:?}", document.check(NOW), document.stored(&pool()));
    for change in [add(json!({ "id": "a" })), random(), set_policy(json!({ "preset": "canary" }))] {
        shown += &format!("{change:?}");
        shown += &format!("{:?}", document.apply(&zai, &changes(&[change])));
    }
    for (end, _) in text.char_indices() {
        shown += &format!("{:?}", Document::parse(text.split_at(end).0).unwrap_err());
    }
    for broken in ["canary", r#"{"a": canary}"#, r#"{"canary}"#, r#""canary""#, r#"{"credential_pool": "canary"}"#] {
        shown += &format!("{:?} {:?}", Document::parse(broken).unwrap_err(), check(broken, NOW));
    }
    assert!(!shown.contains("canary"));
}
