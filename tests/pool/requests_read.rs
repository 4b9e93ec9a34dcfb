//! Requests as clients send them: the model and the affinity that `read_request` finds.

use credential_pool::read_request;

fn headers(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn the_model_stands_in_the_path_or_the_body() {
    let table = [
        ("https://api.openai.com/v1/chat/completions", r#"{"model":"gpt-5"}"#, Some("gpt-5")),
        ("chat/completions", r#"{"model":"openai/gpt-5"}"#, Some("openai/gpt-5")),
        ("https://api.anthropic.com/v1/messages", r#"{"model":"claude-sonnet-4"}"#, Some("claude-sonnet-4")),
        ("v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse", "{}", Some("gemini-2.5-pro")),
        ("https://x/publishers/anthropic/models/claude-opus@1:rawPredict", "{}", Some("claude-opus@1")),
        ("https://bedrock/model/anthropic.claude-v2%3A1/invoke", "{}", Some("anthropic.claude-v2:1")),
        ("https://a.openai.azure.com/openai/deployments/my-gpt/chat/completions?api-version=1", "{}", Some("my-gpt")),
        ("https://api.openai.com/v1/models", "", None),
        ("https://api.openai.com/v1/embeddings", "not JSON", None),
        ("https://api.openai.com/v1/embeddings", r#"{"model":7}"#, None),
    ];
    for (url, body, model) in table {
        assert_eq!(read_request(url, &[], body).model.as_deref(), model, "{url}");
    }
}

#[test]
fn the_affinity_is_the_first_session_that_is_named() {
    let all = headers(&[("X-Claude-Code-Session-Id", "one"), ("Session_ID", "three"), ("x-session-affinity", "four")]);
    let body = r#"{"metadata":{"user_id":"user_1_account__session_two"},"prompt_cache_key":"five","conversation":{"id":"six"},
        "previous_response_id":"seven","input":"Hello"}"#;
    let affinity = |headers: &[(String, String)], body: &str| read_request("", headers, body).affinity;
    assert_eq!(affinity(&all, body).as_deref(), Some("one"));
    assert_eq!(affinity(&all[1..], body).as_deref(), Some("two"));
    assert_eq!(affinity(&all[1..], &body.replace("metadata", "_")).as_deref(), Some("three"));
    assert_eq!(affinity(&all[2..], &body.replace("metadata", "_")).as_deref(), Some("four"));
    let body = body.replace("metadata", "_");
    assert_eq!(affinity(&[], &body).as_deref(), Some("five"));
    let body = body.replace("prompt_cache_key", "_");
    assert_eq!(affinity(&[], &body).as_deref(), Some("six"));
    let body = body.replace("conversation", "_");
    assert_eq!(affinity(&[], &body).as_deref(), Some("seven"));
    let json = r#"{"metadata":{"user_id":"{\"device_id\":\"d\",\"session_id\":\"s\"}"}}"#;
    assert_eq!(affinity(&[], json).as_deref(), Some("s"));
}

#[test]
fn without_a_session_the_beginning_of_the_conversation_is_its_affinity() {
    let affinity = |body: &str| read_request("", &[], body).affinity;
    let same = [
        (
            r#"{"messages":[{"role":"system","content":"s"},{"role":"user","content":"a"}]}"#,
            r#"{"messages":[{"role":"system","content":"s"},{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}"#,
        ),
        (
            r#"{"system":"s","messages":[{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]}]}"#,
            r#"{"system":"s","messages":[{"role":"user","content":[{"type":"text","text":"a"}]},{"role":"assistant","content":"b"}]}"#,
        ),
        (
            r#"{"contents":[{"parts":[{"text":"a"}]}]}"#,
            r#"{"contents":[{"parts":[{"text":"a"}]},{"role":"model","parts":[{"text":"b"}]}]}"#,
        ),
        (
            r#"{"instructions":"t","input":[{"role":"user","content":"a"}]}"#,
            r#"{"instructions":"t","input":[{"role":"user","content":"a"},{"role":"user","content":"c"}]}"#,
        ),
    ];
    let mut seen = Vec::new();
    for (first, later) in same {
        let found = affinity(first);
        assert!(found.is_some(), "{first}");
        assert_eq!(found, affinity(later), "{first}");
        assert!(!seen.contains(&found), "{first}");
        seen.push(found);
    }
    for nothing in ["", "[]", "{}", r#"{"messages":[]}"#, r#"{"input":[1]}"#] {
        assert_eq!(affinity(nothing), None, "{nothing}");
    }
}
