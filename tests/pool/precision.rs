//! Precision: successes and ordinary 400s, in the shapes that providers document, are no failure of the credential,
//! whatever they talk about.

use credential_pool::{Diagnosis, FailureKind, PoolKey, Response, Timestamp, diagnose};
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp::from_millis(1_785_398_299_000);

/// Texts of models and users about failures.
const TALK: [&str; 7] = [
    "You exceeded your current quota, please check your plan and billing details.",
    "Error 401: invalid API key. {\"error\":{\"code\":\"invalid_api_key\"}}",
    "Your account balance is insufficient, please recharge.",
    "weekly limit reached; resets at 2026-08-01",
    "The token has been revoked and your account was deactivated.",
    "额度已用尽,请充值。令牌已过期。",
    "HTTP 429 {\"error\":{\"message\":\"quota exceeded\"}}",
];

/// Returns the documented forms of a success with this text.
fn successes(text: &str) -> Vec<String> {
    let chunk = |value: Value| format!("data: {value}\n\n");
    vec![
        json!({"id":"c","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":text},"finish_reason":"stop"}],"usage":{"total_tokens":9}}).to_string(),
        chunk(json!({"id":"c","object":"chat.completion.chunk","choices":[{"delta":{"content":text}}]})) + "data: [DONE]\n\n",
        json!({"id":"r","object":"response","status":"completed","error":null,"incomplete_details":null,"output":[{"type":"message","content":[{"type":"output_text","text":text}]}]}).to_string(),
        format!("event: response.output_text.delta\n{}", chunk(json!({"type":"response.output_text.delta","delta":text}))),
        json!({"id":"m","type":"message","role":"assistant","content":[{"type":"text","text":text}],"stop_reason":"end_turn"}).to_string(),
        format!("event: content_block_delta\n{}", chunk(json!({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":text}}))),
        json!({"candidates":[{"content":{"parts":[{"text":text}],"role":"model"},"finishReason":"STOP"}],"usageMetadata":{"totalTokenCount":3}}).to_string(),
        json!([{"candidates":[{"content":{"parts":[{"text":text}]}}]}]).to_string(),
        json!({"output":{"message":{"role":"assistant","content":[{"text":text}]}},"stopReason":"end_turn","usage":{}}).to_string(),
        json!({"model":"m","message":{"role":"assistant","content":text},"done":true}).to_string(),
        json!({"id":"c","choices":[{"messages":[{"text":text}]}],"base_resp":{"status_code":0,"status_msg":"success"}}).to_string(),
        json!({"code":200,"msg":"success","success":true,"data":{"text":text}}).to_string(),
        json!({"generation":{"text":text},"error":{}, "errors":[]}).to_string(),
    ]
}

/// Returns the documented forms of a 400 with this message.
fn ordinary_400s(message: &str) -> [String; 4] {
    [
        json!({"error":{"message":message,"type":"invalid_request_error","param":null,"code":null}}).to_string(),
        json!({"type":"error","error":{"type":"invalid_request_error","message":message},"request_id":"req_1"})
            .to_string(),
        json!({"error":{"code":400,"message":message,"status":"INVALID_ARGUMENT"}}).to_string(),
        json!({"__type":"ValidationException","message":message}).to_string(),
    ]
}

fn judge(status: u16, body: &str, pool: &str) -> Diagnosis {
    let response = Response { status: Some(status), body: body.to_owned(), ..Response::default() };
    diagnose(&response, &PoolKey::parse(pool).unwrap(), None, NOW)
}

#[test]
fn no_success_and_no_ordinary_400_is_the_credential_s_failure() {
    let blamed = [FailureKind::Quota, FailureKind::Unauthorized, FailureKind::Revoked, FailureKind::RateLimited];
    let mut bodies: Vec<(u16, String)> = Vec::new();
    bodies.extend(TALK.into_iter().flat_map(successes).map(|body| (200, body)));
    let messages = include_str!("failures/requests.txt").lines().filter_map(|line| line.rsplit_once(" | "));
    bodies.extend(messages.flat_map(|(message, _)| ordinary_400s(message)).map(|body| (400, body)));
    let pools = ["custom:box", "anthropic", "openai", "gemini", "bedrock", "openrouter", "groq", "deepseek"];
    let wrong: Vec<_> = bodies
        .iter()
        .flat_map(|(status, body)| pools.map(|pool| (status, body, pool, judge(*status, body, pool).kind)))
        .filter(|(.., kind)| blamed.contains(kind))
        .map(|(status, body, pool, kind)| format!("{kind:?} {pool} {status} {body}"))
        .collect();
    assert!(bodies.len() >= 200, "{}", bodies.len());
    assert!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), bodies.len(), wrong.join("\n"));
}
