//! What a request to a provider says of its model and its session: in its URL, its headers and its body, in the shapes of
//! OpenAI, Anthropic, Gemini, Bedrock and Azure.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::lease::Request;

/// Reads the model and the affinity of a request, for [`Pool::lease`](crate::Pool::lease). `body` is JSON; any other body
/// tells nothing. Names of headers have any case.
///
/// The model stands in the path (Gemini, Vertex, Bedrock, Azure) or in the body's `model`. The affinity is the first of:
/// the headers `X-Claude-Code-Session-Id`, the session in `metadata.user_id` (Claude Code), `session_id` as a header or a
/// field (Codex), the header `x-session-affinity`, `prompt_cache_key`, `conversation`, `previous_response_id` (OpenAI); else
/// a hash of the system prompt and the first message of the user, with which a prompt cache begins.
///
/// ```
/// let url = "https://bedrock-runtime.us-east-1.amazonaws.com/model/anthropic.claude-v2%3A1/converse";
/// let body = r#"{"system":[{"text":"Be brief."}],"messages":[{"role":"user","content":[{"text":"Hello"}]}]}"#;
/// let read = credential_pool::read_request(url, &[], body);
/// assert_eq!(read.model.as_deref(), Some("anthropic.claude-v2:1"));
///
/// let later = r#"{"system":[{"text":"Be brief."}],"messages":[{"role":"user","content":[{"text":"Hello"}]},
///     {"role":"assistant","content":[{"text":"Hi"}]},{"role":"user","content":[{"text":"And?"}]}]}"#;
/// assert_eq!(credential_pool::read_request(url, &[], later).affinity, read.affinity);
/// ```
pub fn read_request(url: &str, headers: &[(String, String)], body: &str) -> Request {
    let body = match body.len() <= LONGEST_BODY {
        true => serde_json::from_str(body).unwrap_or(Value::Null),
        false => Value::Null,
    };
    let model = model_in_path(url).or_else(|| text(body.get("model")));
    let affinity = session(headers, &body).or_else(|| beginning(&body));
    Request {
        model: model.filter(|model| model.len() <= LONGEST_NAME),
        affinity: affinity.filter(|affinity| affinity.len() <= LONGEST_NAME),
        patience_ms: None,
    }
}

/// Bytes of a body that is read. A longer body says nothing.
const LONGEST_BODY: usize = 32 << 20;
/// Bytes of a model's or a session's name.
const LONGEST_NAME: usize = 512;

/// Returns the model in the path of a URL: behind `models/` (Gemini, Vertex), `model/` (Bedrock) or `deployments/` (Azure).
fn model_in_path(url: &str) -> Option<String> {
    let path = url.split(['?', '#']).next()?;
    let mut segments = path.split('/');
    while let Some(segment) = segments.next() {
        if matches!(segment, "models" | "model" | "deployments") {
            let name = decoded(segments.next()?);
            // Gemini and Vertex put the method behind a colon; Bedrock's names have a colon before their version.
            let name = match name.rsplit_once(':') {
                Some((model, method)) if segment == "models" && method.contains(char::is_alphabetic) => {
                    model.to_owned()
                }
                _ => name,
            };
            return Some(name).filter(|name| !name.is_empty());
        }
    }
    None
}

/// Decodes `%3A`; any other text stays.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        match after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(b'%');
                rest = after;
            }
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// Returns the session that headers or fields name.
fn session(headers: &[(String, String)], body: &Value) -> Option<String> {
    let header = |wanted: &str| {
        let found = headers.iter().find(|(name, value)| name.eq_ignore_ascii_case(wanted) && !value.trim().is_empty());
        found.map(|(_, value)| value.trim().to_owned())
    };
    header("x-claude-code-session-id")
        .or_else(|| user_session(body.get("metadata")?.get("user_id")?.as_str()?))
        .or_else(|| header("session_id"))
        .or_else(|| header("session-id"))
        .or_else(|| text(body.get("session_id")))
        .or_else(|| header("x-session-affinity"))
        .or_else(|| text(body.get("prompt_cache_key")))
        .or_else(|| conversation(body.get("conversation")?))
        .or_else(|| text(body.get("previous_response_id")))
}

/// Returns the session in Claude Code's `user_id`: behind `_session_`, or in the JSON of later versions.
fn user_session(user_id: &str) -> Option<String> {
    if let Some((_, session)) = user_id.rsplit_once("_session_") {
        return Some(session.to_owned()).filter(|session| !session.is_empty());
    }
    text(serde_json::from_str::<Value>(user_id).ok()?.get("session_id"))
}

/// Reads an id, or an object with an id (OpenAI's Responses).
fn conversation(value: &Value) -> Option<String> {
    text(Some(value)).or_else(|| text(value.get("id")))
}

/// Returns a hash of the system prompt and the first message of the user; `None` without such a message.
fn beginning(body: &Value) -> Option<String> {
    const SYSTEM: [&str; 4] = ["system", "systemInstruction", "system_instruction", "instructions"];
    const MESSAGES: [&str; 3] = ["messages", "contents", "input"];
    let messages = MESSAGES.iter().find_map(|name| body.get(name)).or_else(|| body.get("prompt"))?;
    let of_role = |wanted: &[&str]| {
        let all = messages.as_array().into_iter().flatten();
        all.filter(|message| message.get("role").and_then(Value::as_str).is_some_and(|role| wanted.contains(&role)))
            .map(content)
            .next()
    };
    let first = match messages {
        Value::String(text) => Value::from(text.as_str()),
        // Gemini's first content may have no role.
        _ => of_role(&["user"]).or_else(|| {
            messages
                .as_array()?
                .iter()
                .find(|message| message.is_object() && message.get("role").is_none())
                .map(content)
        })?,
    };
    let system = SYSTEM.iter().find_map(|name| body.get(name)).cloned();
    let system = system.or_else(|| of_role(&["system", "developer"])).unwrap_or_default();
    let mut hash = Sha256::new();
    hash.update(system.to_string());
    hash.update([0]);
    hash.update(first.to_string());
    let digest = hash.finalize();
    Some(digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect())
}

/// Returns the content of a message. Marks of the prompt cache move on with the conversation, so they are left out.
fn content(message: &Value) -> Value {
    let mut content = message.get("content").or_else(|| message.get("parts")).unwrap_or(message).clone();
    for part in content.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        part.remove("cache_control");
    }
    content
}

fn text(value: Option<&Value>) -> Option<String> {
    value?.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}
