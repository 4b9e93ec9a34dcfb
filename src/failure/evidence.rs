//! An answer, read once: the contents of its headers and its body, in lower case.

use serde_json::Value;

use super::{hint_fields::row_of, response::Response, rule::Rule};
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
        match parse(body) {
            Some(value) if is_success => {
                for path in ERRORS_OF_A_SUCCESS {
                    let at = path.iter().try_fold(&value, |value, name| first(value).get(name));
                    self.read(path.last().map_or("", |name| *name), "", at.unwrap_or(&Value::Null), 0);
                }
            }
            Some(value) => self.read("", "", &value, 0),
            None => {}
        }
        if !is_success && self.codes.is_empty() && self.text.is_empty() {
            self.text = lower(body);
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
            _ if MESSAGES.contains(&name) => match text.trim_start().starts_with('{').then(|| parse(text)).flatten() {
                Some(inner) => self.read("", name, &inner, depth),
                None => self.add_text(text),
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

    fn add_code(&mut self, code: &str) {
        if self.codes.len() < MOST_CODES {
            self.codes.push(lower(code.split(':').next().unwrap_or_default().trim()));
        }
    }

    fn add_text(&mut self, text: &str) {
        if self.text.len() < LONGEST_TEXT {
            self.text.push_str(&lower(text));
            self.text.push('\n');
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
const CODES: [&str; 12] = [
    "code",
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
const MESSAGES: [&str; 9] =
    ["message", "msg", "error", "errors", "detail", "errormessage", "errordescription", "statusmsg", "title"];
/// Fields whose `model` is the limited one (Google's `ErrorInfo` and `QuotaFailure`).
const MODEL_HOLDERS: [&str; 2] = ["metadata", "quotadimensions"];
/// Places of the error in an answer that began well: OpenAI's and Anthropic's streams and
/// OpenRouter ("Errors"), MiniMax ("Error codes"), OpenAI's Responses, a choice of OpenRouter's.
const ERRORS_OF_A_SUCCESS: [&[&str]; 5] =
    [&["error"], &["errors"], &["base_resp"], &["response", "error"], &["choices", "error"]];

const LONGEST_TEXT: usize = 16 << 10;
const DEEPEST: u8 = 16;
const MOST_HEADERS: usize = 256;
const MOST_CODES: usize = 64;

/// Returns the first JSON object in `text`; `None` if there is none. Some hosts put a sentence or a stream's field name
/// before the object.
fn parse(text: &str) -> Option<Value> {
    let object = text.get(text.find('{')?..).filter(|object| object.len() <= LIMITS.response_body_bytes)?;
    serde_json::Deserializer::from_str(object).into_iter::<Value>().next()?.ok()
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
