//! Keys as people paste them: cleaned where that is plain, refused or never chosen where no request can carry them.

use credential_pool::{ErrorCode, ProblemCode, Request, State, Verdict};
use serde_json::{Map, Value, json};

use crate::host::{Host, START, key};

/// Keys that no request can carry.
const UNUSABLE: [&str; 7] =
    ["sk-1\nsk-2", "sk-1\n", "sk\u{0}", "sk-\u{201c}1\u{201d}", "\u{feff}sk-1", "sk 1", "schlüssel"];

fn fields(fields: Value) -> Map<String, Value> {
    fields.as_object().unwrap().clone()
}

#[test]
fn a_key_that_no_request_can_carry_is_never_chosen_and_says_why() {
    for unusable in UNUSABLE {
        let bad = json!({ "id": "bad", "access_token": unusable, "priority": 0 });
        let mut host = Host::open("openrouter", json!([bad, key("good", 1)]));
        let problems: Vec<_> =
            host.opened.problems.iter().map(|problem| (problem.code, problem.pointer.as_str())).collect();
        assert_eq!(problems, [(ProblemCode::InvalidSecret, "/credential_pool/openrouter/0/access_token")]);
        assert_eq!(host.state("bad"), State::UnusableSecret, "{unusable:?}");
        assert_eq!([host.serves(), host.serves()], [Some("good".to_owned()), Some("good".to_owned())]);
        let explained = host.pool.explain(&Request::default(), START).credentials;
        assert_eq!(explained[0].verdict, Verdict::UnusableSecret);
        assert_eq!(explained[0].to_string(), "bad has a key that no request can carry; copy the key again");
        assert_eq!(host.row("bad")["access_token"], unusable, "the document keeps its text");
    }
}

#[test]
fn a_new_key_makes_the_credential_usable() {
    let mut host = Host::open("openrouter", json!([{ "id": "a", "access_token": "sk-1\n" }]));
    assert_eq!(host.serves(), None);
    let step = host.pool.update(&"a".into(), &fields(json!({ "access_token": " export X='sk-2'\n" })), START).unwrap();
    host.carry_out(step);
    assert_eq!((host.serves().as_deref(), host.row("a")["access_token"].as_str()), (Some("a"), Some("sk-2")));
}

#[test]
fn what_is_pasted_is_cleaned_or_refused() {
    for (pasted, expected) in [
        ("sk-1", Some("sk-1")),
        (" sk-1\n", Some("sk-1")),
        ("\u{feff}'sk-1'", Some("sk-1")),
        ("export OPENROUTER_API_KEY=\"sk-1\"", Some("sk-1")),
        ("Authorization: Bearer sk-1", Some("sk-1")),
        ("sk-1 sk-2", None),
        ("sk-1,sk-2", None),
        ("sk-\u{2019}1", None),
    ] {
        for field in ["access_token", "agent_key"] {
            let mut host = Host::open("nous", json!([]));
            match host.pool.add(&fields(json!({ field: pasted })), START) {
                Ok(step) => {
                    let id = host.carry_out(step);
                    assert_eq!(host.row(id.as_str())[field].as_str(), expected, "{pasted:?}");
                }
                Err(error) => {
                    assert_eq!((expected, error.code), (None, ErrorCode::InvalidRow), "{pasted:?}");
                    assert_eq!(error.pointer, Some(format!("/{field}")));
                    assert!(!error.to_string().contains("sk-"), "{error}");
                }
            }
        }
    }
}

#[test]
fn keys_of_the_environment_and_the_configuration_are_cleaned() {
    for (key, sources) in [
        ("openrouter", json!({ "env": { "OPENROUTER_API_KEY": "\"sk-1\"" } })),
        ("openrouter", json!({ "env": { "OPENROUTER_API_KEY": "\u{feff}sk-1\r\n" } })),
        ("openrouter", json!({ "env": { "OPENROUTER_API_KEY": "OPENROUTER_API_KEY=sk-1" } })),
        (
            "custom:box",
            json!({ "config": { "custom_providers": [{ "name": "box", "base_url": "http://b.test", "api_key": "'sk-1'" }] } }),
        ),
    ] {
        let host = Host::open_with(key, json!([]), sources);
        let keys: Vec<_> = host.pool.rows().into_iter().map(|row| row["access_token"].clone()).collect();
        assert_eq!(keys, ["sk-1"], "{key}");
    }
}
