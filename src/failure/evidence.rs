//! An answer, read once: the contents of its headers and its body, in lower case.

use serde_json::Value;

use super::{hint_fields::row_of, response::Response, rule::Rule, words::Words};
use crate::{limits::LIMITS, providers::provider::Provider};

/// Contents of an answer.
#[derive(Default)]
pub(super) struct Evidence<'a> {
    /// Provider that answered; `None` of an answer that a provider hands on.
    provider: Option<&'a Provider>,
    /// HTTP status, or the body's own where the HTTP status is a success or missing; `None` if no answer came.
    pub(super) status: Option<u16>,
    /// Names and values of headers.
    pub(super) headers: Vec<(String, String)>,
    /// Error codes, types, statuses and reasons.
    pub(super) codes: Vec<String>,
    /// Messages for people.
    pub(super) text: String,
    /// Codes and messages as sentences of words.
    pub(super) words: Words,
    /// Messages of the provider behind a provider that resells others.
    pub(super) upstream: String,
    /// Fields that say when the failure is over: their row in `HINT_FIELDS`, and their value.
    pub(super) fields: Vec<(usize, Value)>,
    /// Whether a field names the limited model.
    pub(super) names_model: bool,
    /// Whether the body is a page for browsers: not the provider's error but a proxy's.
    pub(super) is_page: bool,
}

impl<'a> Evidence<'a> {
    /// Reads a provider's answer.
    pub(super) fn of(response: &Response, provider: &'a Provider) -> Self {
        let pairs = response.headers.iter().take(MOST_HEADERS);
        let headers = pairs.map(|(name, value)| (name.to_ascii_lowercase(), lower(value.trim()))).collect();
        let mut evidence = Evidence { provider: Some(provider), headers, ..Evidence::default() };
        if let Some(exception) = evidence.header(AWS_ERROR_TYPE).map(str::to_owned) {
            evidence.add_code(&exception);
        }
        evidence.read_body(response);
        let told = response.status.filter(|status| *status >= 300);
        let body_s = || evidence.codes.iter().find_map(|code| status(code));
        evidence.status = told.or_else(body_s).or(response.status.filter(|status| *status != 0));
        evidence
    }

    /// Returns the provider's own rules.
    pub(super) fn own_rules(&self) -> &'static [Rule] {
        self.provider.map_or(&[], |provider| provider.rules)
    }

    /// Returns the zone of the provider's dates that name none, in minutes ahead of UTC.
    pub(super) fn zone_minutes(&self) -> i64 {
        self.provider.map_or(0, |provider| provider.zone_minutes)
    }

    /// Returns whether the body of a success tells of an error.
    pub(super) fn tells_of_an_error(&self) -> bool {
        // MiniMax gives a success the code 0.
        self.codes.iter().any(|code| code != "0") || (self.codes.is_empty() && !self.text.is_empty())
    }

    /// Returns the value of the first header of this name; `None` if the answer has no such header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(held, _)| held == name).map(|(_, value)| value.as_str())
    }

    fn read_body(&mut self, response: &Response) {
        let body = response.body.trim();
        let is_success = response.status.is_some_and(|status| (200..300).contains(&status));
        self.is_page = body.starts_with('<');
        if self.is_page {
            return;
        }
        if is_success {
            self.read_success(body);
        } else if let Some(value) = parse(body) {
            self.read("", "", &value, 0);
        }
        if !is_success && self.codes.is_empty() && self.text.is_empty() {
            self.add_text(body);
        }
    }

    /// Reads the error in the body of a success: a JSON error, or the first error among a stream's events.
    fn read_success(&mut self, body: &str) {
        if let Some(value) = whole(body) {
            return self.read_event(&value);
        }
        let lines = body.lines().map(|line| line.trim_start().trim_start_matches("data:").trim_start());
        for event in lines.filter(|line| line.starts_with('{')).take(MOST_EVENTS).filter_map(parse) {
            self.read_event(&event);
            if self.tells_of_an_error() {
                return;
            }
        }
    }

    /// Reads the error of a stream's event, or of an answer that is one.
    fn read_event(&mut self, event: &Value) {
        for path in ERRORS_OF_A_SUCCESS {
            let at = path.iter().try_fold(event, |value, name| first(value).get(name));
            self.read(path.last().map_or("", |name| *name), "", at.unwrap_or(&Value::Null), 0);
        }
        let Some(fields) = first(event).as_object() else { return };
        for (name, value) in fields.iter().filter(|(name, _)| name.ends_with("Exception")) {
            self.add_code(name);
            self.read("", name, value, 0);
        }
        // An error that is the whole answer.
        let head = fields.get("header").and_then(Value::as_object).unwrap_or(fields);
        if !self.tells_of_an_error() && is_whole_error(head) {
            head.iter().for_each(|(name, value)| self.read(&plain(name), "", value, 1));
        }
    }

    /// Reads the field `name` of the field `parent`.
    fn read(&mut self, name: &str, parent: &str, value: &Value, depth: u8) {
        let below = depth.saturating_add(1);
        match value {
            _ if depth > DEEPEST => {}
            Value::Object(fields) if name == "headers" => self.add_headers(fields),
            Value::Object(fields) => {
                fields.iter().for_each(|(field, value)| self.read(&plain(field), name, value, below));
            }
            Value::Array(items) => items.iter().for_each(|item| self.read(name, parent, item, below)),
            Value::String(text) => self.read_text(name, parent, text, below),
            Value::Number(number) if CODES.contains(&name) => self.add_code(&number.to_string()),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
        if !value.is_object() && !value.is_array() {
            self.add_field(name, value);
        }
    }

    fn read_text(&mut self, name: &str, parent: &str, text: &str, depth: u8) {
        match name {
            "raw" => self.read_upstream(text, depth),
            "model" => self.names_model |= MODEL_HOLDERS.contains(&parent) && !text.is_empty(),
            _ if MESSAGES.contains(&name) => match parse(text) {
                Some(inner) if inner.as_object().is_some_and(|fields| !fields.is_empty()) => {
                    self.add_text(text.split('{').next().unwrap_or_default());
                    self.read("", name, &inner, depth);
                }
                _ => self.add_text(text),
            },
            _ => {}
        }
        if CODES.contains(&name) {
            self.add_code(text);
        }
    }

    /// Reads the answer of the provider behind this one. Its codes are dropped: they judge the reseller's key.
    fn read_upstream(&mut self, text: &str, depth: u8) {
        let mut upstream = Evidence::default();
        match parse(text) {
            Some(value) => upstream.read("", "", &value, depth),
            None => upstream.text = lower(text),
        }
        self.upstream = upstream.text;
        self.fields.append(&mut upstream.fields);
    }

    fn add_headers(&mut self, fields: &serde_json::Map<String, Value>) {
        for (name, value) in fields.iter().take(MOST_HEADERS) {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            self.headers.push((name.to_ascii_lowercase(), lower(value.trim())));
        }
    }

    /// Adds a code. AWS puts a namespace and `#` before an exception's name, and `:` and an address behind it; the code of a
    /// problem (RFC 9457) is the last segment of its `type`.
    fn add_code(&mut self, code: &str) {
        if self.codes.len() < MOST_CODES && code.len() <= LONGEST_CODE {
            let code = code.trim();
            if code.bytes().any(|byte| byte.is_ascii_alphabetic()) {
                self.words.add_code(code);
            }
            let name = code.rsplit('#').next().unwrap_or(code);
            let name = match name.split_once("://") {
                Some((_, path)) => path.trim_end_matches('/').rsplit('/').next().unwrap_or(path),
                None => name.split(':').next().unwrap_or(name),
            };
            self.codes.push(lower(name.trim()));
        }
    }

    fn add_text(&mut self, text: &str) {
        if self.text.len() < LONGEST_TEXT {
            let text: String = text.chars().take(LONGEST_TEXT).collect();
            self.text.push_str(&lower(&text));
            self.text.push('\n');
            // A name in the place of a message, such as `AppIdNoAuthError`.
            match is_name(text.trim()) {
                true => self.words.add_code(text.trim()),
                false => self.words.add_text(&text),
            }
        }
        if let Some(number) = numbered(text) {
            self.add_code(number);
        }
    }

    fn add_field(&mut self, name: &str, value: &Value) {
        if let Some(row) = row_of(name).filter(|_| self.fields.len() < MOST_CODES) {
            self.fields.push((row, value.clone()));
        }
    }
}

/// Fields that hold a code, in the form of [`plain`].
const CODES: [&str; 17] = [
    "code",
    "errcode",
    "errorno",
    "errno",
    "retcode",
    "subcode",
    "type",
    "status",
    "reason",
    "error",
    "errorcode",
    "errortype",
    "statuscode",
    "httpcode",
    "limitsource",
    "quotaid",
    "quotalimit",
];
/// Fields that hold a message, in the form of [`plain`].
const MESSAGES: [&str; 12] = [
    "message",
    "msg",
    "error",
    "errors",
    "detail",
    "errormessage",
    "errormsg",
    "errmsg",
    "errordescription",
    "description",
    "statusmsg",
    "title",
];
/// Fields whose `model` is the limited one (Google's `ErrorInfo` and `QuotaFailure`).
const MODEL_HOLDERS: [&str; 2] = ["metadata", "quotadimensions"];
/// Places of the error in an answer that began well: OpenAI's and Anthropic's streams and
/// OpenRouter ("Errors"), MiniMax ("Error codes"), OpenAI's Responses, a choice of OpenRouter's, Volcengine's and Tencent
/// Cloud's.
const ERRORS_OF_A_SUCCESS: [&[&str]; 7] = [
    &["error"],
    &["errors"],
    &["base_resp"],
    &["response", "error"],
    &["choices", "error"],
    &["ResponseMetadata", "Error"],
    &["Response", "Error"],
];
/// Header with the name of AWS' exception.
const AWS_ERROR_TYPE: &str = "x-amzn-errortype";

const LONGEST_TEXT: usize = 16 << 10;
const DEEPEST: u8 = 16;
const MOST_HEADERS: usize = 256;
const MOST_CODES: usize = 64;
const LONGEST_CODE: usize = 512;
const MOST_EVENTS: usize = 4096;

/// Returns the first JSON object in `text`; `None` if there is none. Some hosts put a sentence or a stream's field name
/// before the object.
fn parse(text: &str) -> Option<Value> {
    let object = text.get(text.find('{')?..).filter(|object| object.len() <= LIMITS.response_body_bytes)?;
    serde_json::Deserializer::from_str(object).into_iter::<Value>().next()?.ok()
}

/// Returns the JSON value that is the whole of `text`; `None` if it is no object or list.
fn whole(text: &str) -> Option<Value> {
    (text.starts_with(['{', '[']) && text.len() <= LIMITS.response_body_bytes)
        .then(|| serde_json::from_str(text).ok())
        .flatten()
}

/// Returns whether an object with these fields is an error: one that says so, or a code that is no success's beside a
/// message, and no content (Zhipu, iFlytek, Baidu, DashScope; OpenAI's event `error`).
fn is_whole_error(fields: &serde_json::Map<String, Value>) -> bool {
    const CONTENT: [&str; 8] = ["choices", "content", "candidates", "output", "result", "data", "usage", "model"];
    let has = |names: &[&str], is: fn(&Value) -> bool| {
        fields.iter().any(|(name, value)| names.contains(&plain(name).as_str()) && is(value))
    };
    let says_so = has(&["success"], |value| value.as_bool() == Some(false))
        || has(&["type", "status", "event", "object"], |value| matches!(value.as_str(), Some("error" | "failed")));
    let has_message = has(&["message", "msg", "errormsg", "errmsg", "errormessage"], |value| value.is_string());
    let has_code = has(&["code", "errorcode", "errcode", "statuscode"], |value| match value {
        Value::Number(number) => number.as_i64().is_some_and(|code| code != 0 && !(200..300).contains(&code)),
        Value::String(code) => !SUCCESSES.contains(&code.to_ascii_lowercase().as_str()),
        _ => false,
    });
    let has_content = has(&CONTENT, |value| !value.is_null());
    says_so && (has_message || has_code) || has_message && has_code && !has_content
}

/// Codes of a success.
const SUCCESSES: [&str; 8] = ["", "0", "00000", "200", "ok", "success", "succeeded", "null"];

fn is_name(text: &str) -> bool {
    const LONGEST: usize = 128;
    text.len() <= LONGEST && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}

/// Returns the first item of a list, and any other value unchanged.
fn first(value: &Value) -> &Value {
    value.as_array().and_then(|items| items.first()).unwrap_or(value)
}

/// Returns a field's name in lower case and without `_` and `-`, so that `retry_after` and `retryAfter` are equal.
fn plain(name: &str) -> String {
    name.chars().filter(|char| !matches!(char, '_' | '-')).map(|char| char.to_ascii_lowercase()).collect()
}

fn lower(text: &str) -> String {
    text.chars().take(LONGEST_TEXT).map(|char| char.to_ascii_lowercase()).collect()
}

/// Returns the number in brackets that ends a message, as in `insufficient balance (1008)` (MiniMax); `None` if the
/// message ends otherwise.
fn numbered(text: &str) -> Option<&str> {
    let (_, number) = text.trim_end().strip_suffix(')')?.rsplit_once('(')?;
    (number.len() == 4 && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(number)
}

fn status(code: &str) -> Option<u16> {
    code.parse().ok().filter(|status| (400..600).contains(status))
}
