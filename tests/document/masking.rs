//! Masking: secrets in a text are covered, and all else is readable.

use credential_pool::{masked, secrets};
use proptest::prelude::*;

fn covered(text: &str) -> Vec<&str> {
    secrets(text).iter().map(|span| text.get(span.from..span.to).unwrap()).collect()
}

#[test]
fn secrets_are_covered_and_the_rest_is_readable() {
    let key = "sk-or-v1-0123456789abcdef";
    let cases: Vec<(String, Vec<&str>)> = vec![
        // By name.
        (r#"{"id": "a1b2c3", "access_token": "one", "refresh_token": "", "agent_key": null, "secret": true}"#.into(), vec!["one"]),
        (r#"{"tokens": {"id_token": "a", "x": ["b", 7], "scope": "all", "expires_at": 5}, "y": "c"}"#.into(), vec!["a", "b", "7"]),
        (r#"{"claudeAiOauth": {"accessToken": "a", "expiresAt": 5}, "OPENAI_API_KEY": "b"}"#.into(), vec!["a", "b"]),
        (r#"{"type": "oauth", "refresh": "r", "access": "a", "expires": 7}"#.into(), vec!["r", "a"]),
        (r#"{"pin_password": 1234, "max_tokens": 5, "prompt_tokens": 7, "token_type": "Bearer"}"#.into(), vec!["1234"]),
        (
            r#"{"agent_key_id": "x", "agent_key_expires_at": 1, "key_env": "A_KEY", "secret_fingerprint": "sha256:0123456789abcdef", "token_url": "https://x/token"}"#.into(),
            vec![],
        ),
        (r#"{"api\u005fkey": "\u0061\"b"}"#.into(), vec![r#"\u0061\"b"#]),
        // Names of pools, and merge metadata.
        (r#"{"credential_pool": {"custom:my-key": [{"id": "a", "label": "b", "api_key": "c"}]}, "credential_pool_strategies": {"custom:my-key": "random"}}"#.into(), vec!["c"]),
        (r#"{"credential_pool_merges": {"zai": {"rows": {"a": {"fields": {"access_token": {"at": 5, "host": "h"}}, "tokens": {"token": "sha256:0123456789abcdef"}}}}}}"#.into(), vec![]),
        // By form.
        (format!(r#"{{"label": "work ({key})", "{key}": 1, "model": "xai-grok-4-fast-reasoning", "id": "disk-encryption-status"}}"#), vec![key, key]),
        (r#"{"error": "Bearer abcdefghijklmnop0 is wrong", "jwt-like": "eyJhbGciOiJIUzI1NiJ9.e30.abc"}"#.into(), vec!["abcdefghijklmnop0", "eyJhbGciOiJIUzI1NiJ9.e30.abc"]),
        (r#"{"base_url": "https://me:pass@x.test/v1?model=m&api_key=k1&x=2", "plain": "https://x.test:8080/v1?a=b"}"#.into(), vec!["pass", "k1"]),
        // A copy of another secret.
        (r#"{"label": "mine: 12345678", "access_token": "12345678", "short": "abc", "password": "abc"}"#.into(), vec!["mine: 12345678", "12345678", "abc"]),
        (r#"{"last_error_message": "no 1234\u00356789 here", "access_token": "123456789"}"#.into(), vec![r"no 1234\u00356789 here", "123456789"]),
        // Malformed text.
        ("{\"access_token\": \"one\n \"label\": \"x\"}".into(), vec!["one"]),
        ("{\"access_token\": one\", \n \"label\": \"x\"}".into(), vec!["one"]),
        ("{\"access_token: \"one\", \n \"label\": \"x\"}".into(), vec!["one"]),
        ("{\"access_token\" \"one\" \n \"label\": \"x\" \"token\": 'two'".into(), vec!["one", "'two'"]),
        ("{access_token: one, label: x".into(), vec!["one"]),
        ("{\"private_key\": \"one\ntwo,2\nthree\", \"label\": \"x\"}".into(), vec!["one", "two,2", "three"]),
        ("]}\"password\": \"one\\".into(), vec!["one\\"]),
    ];
    for (text, expected) in cases {
        assert_eq!(covered(&text), expected, "{text}");
    }
}

#[test]
fn a_masked_text_shows_that_a_secret_changed() {
    let shown = |key: &str| masked(&format!("{{\"id\": \"a\", \"key\": \"{key}\"}}"));
    assert_eq!(shown("abc"), "{\"id\": \"a\", \"key\": \"•••••••• ba7816\"}");
    assert_eq!(shown("\\u0061bc"), shown("abc"), "the same secret in another spelling");
    assert_ne!(shown("abd"), shown("abc"));
}

const CANARY: &str = "Kanarienvogel77";

/// Documents with the canary in every place of a secret, in several layouts.
fn with_canaries() -> impl Strategy<Value = String> {
    let field = super::select(&[
        r#""access_token": "Kanarienvogel77""#,
        r#""refreshToken" : "Kanarienvogel77""#,
        r#""OPENROUTER_API_KEY":"Kanarienvogel77""#,
        r#""label": "my Kanarienvogel77!""#,
        r#""last_error_message": "é \"Kanarienvogel77\" 🗝""#,
        r#""Kanarienvogel77": 1"#,
        r#""tokens": {"x": ["Kanarienvogel77"], "priority": 3}"#,
        r#""base_url": "https://me:Kanarienvogel77@x.test""#,
        r#""priority": 3"#,
        r#""source": "manual""#,
    ]);
    (prop::collection::vec(field, 0..8), super::select(&[", ", ",", ",\n    ", ",\r\n\t"])).prop_map(|(fields, comma)| {
        let fields = fields.join(&comma);
        format!(
            "\u{feff}{{\"credential_pool\": {{\"é\": [{{\"id\": \"a\"{comma}\"api_key\": \"{CANARY}\"{comma}{fields}}}]}}{comma}\"version\": 1}}"
        )
    })
}

proptest! {
    #[test]
    fn no_masked_text_shows_the_canary(text in with_canaries()) {
        prop_assert!(!masked(&text).contains(CANARY), "{}\n{}", text, masked(&text));
    }

    #[test]
    fn no_masked_text_with_a_missing_mark_shows_the_canary(text in with_canaries(), at in any::<prop::sample::Index>()) {
        let marks: Vec<_> = text.char_indices().filter(|(_, c)| "{}[]:,\"".contains(*c)).map(|(at, _)| at).collect();
        let mut text = text;
        text.remove(marks[at.index(marks.len())]);
        prop_assert!(!masked(&text).contains(CANARY), "{}\n{}", text, masked(&text));
    }

    #[test]
    fn no_masked_text_that_is_cut_off_shows_the_canary(text in with_canaries(), at in any::<prop::sample::Index>()) {
        let ends: Vec<_> = text.char_indices().map(|(at, _)| at).collect();
        let text = text.get(..ends[at.index(ends.len())]).unwrap();
        prop_assert!(!masked(text).contains(CANARY), "{}\n{}", text, masked(text));
    }

    #[test]
    fn spans_ascend_on_character_boundaries(text in prop_oneof![
        any::<String>(),
        "([\\[\\]{}:,\"a-c=é🗝 \\\\\n]|\"token\"|://|sk-|Bearer |password=|@|\\\\u0061){0,40}",
    ]) {
        let mut before = 0;
        for span in secrets(&text) {
            prop_assert!(before <= span.from && span.from < span.to, "{:?}", text);
            prop_assert!(text.get(span.from..span.to).is_some(), "{:?}", text);
            before = span.to;
        }
        masked(&text);
    }
}
