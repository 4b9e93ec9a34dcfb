//! Fixes: each removes its problem, and changes nothing else.

use credential_pool::{ProblemCode, Timestamp, check, fixes};
use proptest::prelude::*;
use serde_json::Value;

const NOW: Timestamp = Timestamp::from_millis(1_775_757_580_000);

/// A document with several problems of each kind that has a fix.
const MALFORMED: &str = r#"{
  "mine": ["é🗝", 1.0, 1e400],
  "version": 2,
  "version": 2,
  "providers": [],
  "suppressed_sources": {
    "zai": [7, "env:A", 8],
    "nous": "env:B",
    "OpenRouter": []
  },
  "credential_pool_strategies": {
    "zai": "Round-Robin",
    "nous": 5,
    "OpenRouter": "best"
  },
  "credential_pool_policies": {
    "zai": {
      "preset": "x"
    },
    "nous": [],
    "b": {
      "failures": {
        "quota": {
          "cool_down": 1,
          "cooldown_ms": 5
        }
      }
    }
  },
  "credential_pool": {
    " ": [],
    "OpenRouter": [
      {
        "access_token": "k",
        "label": "l",
        "label": "m"
      }
    ],
    "zai": [
      7,
      {
        "id": 7,
        "label": [],
        "priority": "3",
        "access_token": 12,
        "weight": 0,
        "weight": 0
      },
      {
        "id": "a",
        "access_token": "k"
      },
      {
        "id": "a",
        "access_token": "k"
      },
      {
        "id": "a",
        "access_token": "k"
      },
      {},
      {
        "id": null
      },
      {
        "id": "c",
        "access_token": "o",
        "auth_type": "OAuth",
        "refresh_token": "r",
        "last_status": "tired",
        "last_error_code": 429
      },
      {
        "id": "d",
        "access_token": "p",
        "auth_type": "key",
        "last_status": "exhausted",
        "last_status_at": 9775757580.5
      }
    ],
    "nous": {
      "id": "x"
    }
  }
}
"#;

fn layouts() -> Vec<String> {
    let compact: String = MALFORMED.lines().map(str::trim).collect();
    let on_one_line: String = MALFORMED.lines().map(str::trim_start).collect::<Vec<_>>().join(" ");
    vec![
        MALFORMED.to_owned(),
        MALFORMED.replace('\n', "\r\n"),
        MALFORMED.replace("  ", "\t"),
        format!("\u{feff}{MALFORMED}"),
        compact.replace("\": ", "\":"),
        on_one_line,
    ]
}

fn counted(text: &str, code: ProblemCode) -> usize {
    check(text, NOW).iter().filter(|problem| problem.code == code).count()
}

#[test]
fn a_fix_removes_its_problem() {
    use ProblemCode::{NoRefreshToken, UnknownVersion};

    for text in layouts() {
        for problem in check(&text, NOW) {
            let fixes = fixes(&text, problem.code, &problem.pointer);
            let has_none = matches!(problem.code, UnknownVersion | NoRefreshToken);
            assert_eq!(fixes.is_empty(), has_none, "{problem:?}");
            for fix in fixes {
                let fixed = fix.apply(&text);
                let left = counted(&fixed, problem.code);
                assert!(
                    left < counted(&text, problem.code) || reveals_the_next(&problem.pointer),
                    "{problem:?} {fix:?}"
                );
                assert!(
                    check(&fixed, NOW).iter().all(|problem| problem.code != ProblemCode::NotJson),
                    "{fix:?}\n{fixed}"
                );
            }
        }
    }
}

/// Returns whether the fix reveals another problem at the same place: of a policy only the first error is reported.
fn reveals_the_next(pointer: &str) -> bool {
    pointer == "/credential_pool_policies/b/failures/quota/cool_down"
}

#[test]
fn fixes_in_sequence_leave_no_fixable_problem() {
    for text in layouts() {
        let mut text = text;
        for _ in 0..100 {
            let next = check(&text, NOW)
                .into_iter()
                .find_map(|problem| fixes(&text, problem.code, &problem.pointer).into_iter().next());
            match next {
                Some(fix) => text = fix.apply(&text),
                None => break,
            }
        }
        let left: Vec<_> = check(&text, NOW).into_iter().map(|problem| problem.code).collect();
        assert_eq!(left, [ProblemCode::UnknownVersion], "{text}");
        assert!(text.contains("1e400") && text.contains("é🗝"));
    }
}

#[test]
fn fixed_text_reads_as_if_written_by_hand() {
    let pool = |rows: &str| format!("{{\n  \"credential_pool\": {{\n    \"zai\": {rows}\n  }}\n}}");
    let row = "/credential_pool/zai/0";
    let cases = [
        (
            pool("[{\"access_token\": \"k\"}]"),
            row,
            ProblemCode::MissingId,
            "Assign the id d02ed6",
            pool("[{\"id\": \"d02ed6\", \"access_token\": \"k\"}]"),
        ),
        (
            pool("[\n      {},\n      {\"id\": \"a\"}\n    ]"),
            row,
            ProblemCode::NoSecret,
            "Remove this row",
            pool("[\n      {\"id\": \"a\"}\n    ]"),
        ),
        (
            pool("[{\"id\": \"a\", \"access_token\": \"\\\"k\\\"\"}]"),
            "/credential_pool/zai/0/access_token",
            ProblemCode::InvalidSecret,
            "Leave the key alone",
            pool("[{\"id\": \"a\", \"access_token\": \"k\"}]"),
        ),
        (
            pool("[{\"id\": \"a\", \"access_token\": \"export X=k\\n\"}]"),
            "/credential_pool/zai/0/access_token",
            ProblemCode::InvalidSecret,
            "Leave the key alone",
            pool("[{\"id\": \"a\", \"access_token\": \"k\"}]"),
        ),
        (
            pool("[{\"id\": \"a\", \"access_token\": \"k\\nl\"}, {\"id\": \"b\"}]"),
            "/credential_pool/zai/0/access_token",
            ProblemCode::InvalidSecret,
            "Remove this row",
            pool("[{\"id\": \"b\"}]"),
        ),
        (pool("[\n      {}\n    ]"), row, ProblemCode::NoSecret, "Remove this row", pool("[]")),
        (pool("[ {} , 7 ]"), "/credential_pool/zai/1", ProblemCode::WrongType, "Remove this row", pool("[ {} ]")),
        (
            pool("[{\"id\": 7}]"),
            "/credential_pool/zai/0/id",
            ProblemCode::WrongType,
            "Put the value in quotes",
            pool("[{\"id\": \"7\"}]"),
        ),
        (
            "{\"a\": 1, \"b\": 2, \"a\": 3}".to_owned(),
            "/a",
            ProblemCode::DuplicateKey,
            "Delete all but the last",
            "{\"b\": 2, \"a\": 3}".to_owned(),
        ),
        (
            "{\"credential_pool_strategies\": {\"zai\": \"leastUsed\"}}".to_owned(),
            "/credential_pool_strategies/zai",
            ProblemCode::UnknownStrategy,
            "Use `least_used`",
            "{\"credential_pool_strategies\": {\"zai\": \"least_used\"}}".to_owned(),
        ),
        (
            "{\"a\": [1, 2,],}".to_owned(),
            "",
            ProblemCode::NotJson,
            "Delete the comma at the end",
            "{\"a\": [1, 2]}".to_owned(),
        ),
        (
            "{\"a\": [1, \"x".to_owned(),
            "",
            ProblemCode::NotJson,
            "Close the open brackets at the end",
            "{\"a\": [1, \"x\"]}".to_owned(),
        ),
        (
            "{\n  \"a\": [\n    1,\n".to_owned(),
            "",
            ProblemCode::NotJson,
            "Close the open brackets at the end",
            "{\n  \"a\": [\n    1\n  ]\n}\n".to_owned(),
        ),
        (
            "{\"a\": 1\n \"b\": 2}".to_owned(),
            "",
            ProblemCode::NotJson,
            "Add the missing comma",
            "{\"a\": 1,\n \"b\": 2}".to_owned(),
        ),
        (
            "{\"a\": \"x,\n \"b\": 2}".to_owned(),
            "",
            ProblemCode::NotJson,
            "Add the missing quote",
            "{\"a\": \"x\",\n \"b\": 2}".to_owned(),
        ),
    ];
    for (text, pointer, code, label, expected) in cases {
        let fix = fixes(&text, code, pointer).into_iter().next().unwrap();
        assert_eq!((fix.label.as_ref(), fix.apply(&text)), (label, expected), "{text}");
    }
    for text in ["", "x", "{\"a\": }", "[1 2 3", "{]"] {
        assert_eq!(fixes(text, ProblemCode::NotJson, ""), [], "{text}");
    }
}

proptest! {
    #[test]
    fn fixes_of_any_text_and_pointer_are_within_the_text(
        text in prop_oneof![any::<String>(), "[\\[\\]{}:,\"0-9é🗝 \\\\\n]{0,40}"],
        at in any::<prop::sample::Index>(),
        pointer in "(/(credential_pool|zai|0|1|id|~0|é)){0,5}",
    ) {
        let bounds: Vec<_> = MALFORMED.char_indices().map(|(at, _)| at).collect();
        let (before, after) = MALFORMED.split_at(bounds[at.index(bounds.len())]);
        for text in [text.clone(), format!("{before}{text}{after}"), before.to_owned()] {
            for problem in check(&text, NOW) {
                for fix in fixes(&text, problem.code, &problem.pointer) {
                    fix.apply(&text);
                    prop_assert!(fix.edits.iter().all(|edit| text.get(edit.from..edit.to).is_some()));
                    prop_assert!(fix.edits.is_sorted_by(|one, next| one.to <= next.from));
                }
            }
            for code in [ProblemCode::WrongType, ProblemCode::MissingId, ProblemCode::DuplicateKey, ProblemCode::UnreachablePool] {
                fixes(&text, code, &pointer);
            }
        }
    }

    #[test]
    fn a_fix_keeps_the_rest_of_the_document(text in super::document(super::json_text(), super::rows())) {
        for problem in check(&text, NOW) {
            for fix in fixes(&text, problem.code, &problem.pointer) {
                let fixed = fix.apply(&text);
                if let (Ok(before), Ok(after)) = (serde_json::from_str::<Value>(&text), serde_json::from_str::<Value>(&fixed)) {
                    if !problem.pointer.starts_with("/mine") {
                        prop_assert_eq!(before.get("mine"), after.get("mine"));
                    }
                    prop_assert_eq!(before.pointer("/providers/nous"), after.pointer("/providers/nous"));
                }
            }
        }
    }
}
