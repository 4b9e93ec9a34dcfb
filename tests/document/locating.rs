//! Locating: from JSON pointers to places in the text.

use credential_pool::{Span, fault, locate, locate_all};
use proptest::prelude::*;
use serde_json::Value;

fn part(text: &str, span: Span) -> &str {
    text.get(span.from..span.to).unwrap()
}

#[test]
fn a_pointer_locates_a_value_and_its_name() {
    let text = "\u{feff} {\"é\": [1, {\"a/b\": \"x\\\"]\", \"m~n\" :null}], \"\\u0061\": {\"b\": 1, \"c\": 2}, \"a\":{\"c\" : 3.5} , \"\": true}\n";
    let cases = [
        ("", Some((text.trim_start_matches('\u{feff}').trim(), None))),
        ("/é", Some((r#"[1, {"a/b": "x\"]", "m~n" :null}]"#, Some("\"é\"")))),
        ("/é/0", Some(("1", None))),
        ("/é/1/a~1b", Some((r#""x\"]""#, Some("\"a/b\"")))),
        ("/é/1/m~0n", Some(("null", Some("\"m~n\"")))),
        // Of duplicate names the last one counts.
        ("/a/c", Some(("3.5", Some("\"c\"")))),
        ("/a/b", None),
        ("/", Some(("true", Some("\"\"")))),
        ("/é/00", None),
        ("/é/2", None),
        ("/é/-", None),
        ("/é/0/x", None),
        ("/x", None),
        ("a", None),
        ("/~2", None),
    ];
    let pointers: Vec<_> = cases.iter().map(|(pointer, _)| *pointer).collect();
    let all = locate_all(text, &pointers);
    for ((pointer, expected), found) in cases.into_iter().zip(all) {
        let shown = found.map(|found| (part(text, found.value), found.name.map(|name| part(text, name))));
        assert_eq!(shown, expected, "{pointer}");
        assert_eq!(locate(text, pointer), found);
    }
    assert_eq!(locate("{\"a\": 1", "/a"), None, "malformed text has no locations");
}

#[test]
fn a_syntax_fault_is_a_character_or_the_end() {
    let cases = [
        ("{\n  \"é\": sk-x\n}", Some("s")),
        ("\u{feff}{\"é\": é}", Some("é")),
        ("[1,]", Some("]")),
        ("{} {}", Some("{")),
        ("[1", Some("")),
        ("\"a", Some("")),
        ("", Some("")),
        ("\u{feff} ", Some("")),
        ("[1]", None),
    ];
    for (text, expected) in cases {
        assert_eq!(fault(text).map(|span| part(text, span)), expected, "{text}");
    }
    let end = fault("[1").unwrap();
    assert_eq!((end.from, end.to), (2, 2));
}

proptest! {
    #[test]
    fn every_value_is_located(text in super::json_text()) {
        let text = format!("\u{feff} {{\"é\": {text}}}");
        let mut pointers = vec![String::new()];
        for levels in 0..3 {
            let deepest: Vec<_> = pointers.iter().filter(|pointer| pointer.matches('/').count() == levels).cloned().collect();
            for step in ["0", "1", "2", "a", "id", "é"] {
                pointers.extend(deepest.iter().map(|pointer| format!("{pointer}/{step}")));
            }
        }
        // Text that serde_json cannot read as a value is skipped.
        if let Ok(root) = serde_json::from_str::<Value>(text.trim_start_matches('\u{feff}')) {
            let all: Vec<_> = pointers.iter().map(String::as_str).collect();
            for (pointer, found) in pointers.iter().zip(locate_all(&text, &all)) {
                let value = found.map(|found| serde_json::from_str::<Value>(part(&text, found.value)).unwrap());
                prop_assert_eq!(value.as_ref(), root.pointer(pointer), "{} in {}", pointer, text);
            }
        }
    }

    #[test]
    fn a_syntax_fault_lies_on_character_boundaries(text in prop_oneof![any::<String>(), "[\\[\\]{}:,\"0-9é🗝 \\\\\n]{0,40}"]) {
        if let Some(span) = fault(&text) {
            prop_assert!(part(&text, span).chars().count() <= 1);
        }
        locate(&text, "/a/0");
    }
}
