//! Answers of token endpoints (RFC 6749, sections 5.1 and 5.2): their bodies, and the fields of a row that tokens set.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::flow::TokenDates;
use crate::{
    credential::row_fields::RowFields,
    time::{Timestamp, date},
};

/// Body of an answer.
pub(crate) enum Body {
    /// A JSON object.
    Fields(Map<String, Value>),
    /// A page for browsers.
    Page,
    /// Anything else.
    Unreadable,
}

impl Body {
    /// Reads the body of an answer.
    pub(crate) fn of(text: &str) -> Self {
        /// Bytes of the longest body of a token endpoint.
        const LONGEST: usize = 1 << 20;
        let text = text.trim_start_matches('\u{feff}').trim();
        match text {
            _ if text.starts_with('<') => Self::Page,
            _ if text.len() > LONGEST => Self::Unreadable,
            _ => serde_json::from_str(text).map_or(Self::Unreadable, Self::Fields),
        }
    }

    /// Returns the fields of an object; `None` of any other body.
    pub(crate) fn fields(&self) -> Option<&Map<String, Value>> {
        match self {
            Self::Fields(fields) => Some(fields),
            Self::Page | Self::Unreadable => None,
        }
    }

    /// Returns whether the body is a page for browsers.
    pub(crate) fn is_page(&self) -> bool {
        matches!(self, Self::Page)
    }

    /// Returns error codes in lower case: of `{ error: "code" }`, of `{ error: { code, type } }`, and of a `code` beside
    /// the error.
    pub(crate) fn codes(&self) -> Vec<String> {
        let Some(fields) = self.fields() else { return Vec::new() };
        let error = fields.get("error");
        let inner = |name| error.and_then(|error| error.get(name));
        let held = [error, inner("code"), inner("type"), fields.get("code")];
        held.into_iter().flatten().filter_map(Value::as_str).map(|code| code.trim().to_ascii_lowercase()).collect()
    }
}

/// Returns the fields that new tokens set; `None` if the answer has no usable access token.
pub(super) fn tokens(answer: &Map<String, Value>, sets: TokenDates, now: Timestamp) -> Option<RowFields> {
    let access_token = text(answer, "access_token").filter(|token| is_token(token))?;
    let mut set = Map::new();
    set.insert("access_token".to_owned(), access_token.into());
    // Without a new refresh token the old one stays.
    copy(answer, "refresh_token", &mut set);
    match sets {
        TokenDates::ExpiresAtMs => {
            /// Lifetime where the answer tells none, in seconds (the reference).
            const AN_HOUR: i64 = 3_600;
            let end = after(now, lifetime(answer).unwrap_or(AN_HOUR));
            set.insert("expires_at_ms".to_owned(), end.as_millis().into());
        }
        TokenDates::LastRefresh => {
            set.insert("last_refresh".to_owned(), now.to_utc().into());
        }
        TokenDates::ObtainedAt => {
            let seconds = lifetime(answer);
            set.insert("obtained_at".to_owned(), now.to_utc().into());
            // Null removes the end of the earlier token.
            set.insert("expires_in".to_owned(), json!(seconds));
            set.insert("expires_at".to_owned(), json!(seconds.map(|seconds| after(now, seconds).to_utc())));
            copy(answer, "token_type", &mut set);
            copy(answer, "scope", &mut set);
            copy_url(answer, &mut set);
        }
    }
    Some(RowFields(set))
}

/// Returns the fields that a new key sets; `None` if the answer has no usable key.
pub(super) fn key(answer: &Map<String, Value>, now: Timestamp) -> Option<RowFields> {
    let key = text(answer, "api_key").filter(|key| is_token(key))?;
    let told = || {
        let end = date::parse_utc(answer.get("expires_at")?.as_str()?)?;
        i64::try_from(end.since(now).as_secs()).ok().map(sane)
    };
    let seconds = lifetime(answer).or_else(told);
    let set = json!({
        "agent_key": key,
        "agent_key_id": text(answer, "key_id"),
        "agent_key_expires_in": seconds,
        "agent_key_expires_at": seconds.map(|seconds| after(now, seconds).to_utc()),
        "agent_key_reused": answer.get("reused").and_then(Value::as_bool).unwrap_or(false),
        "agent_key_obtained_at": now.to_utc(),
    });
    let Value::Object(mut set) = set else { return None };
    copy_url(answer, &mut set);
    Some(RowFields(set))
}

/// Returns whether a request can carry this token: visible ASCII (RFC 6750, section 2.1).
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Returns `expires_in`, bounded; `None` if the answer does not tell it.
fn lifetime(answer: &Map<String, Value>) -> Option<i64> {
    seconds(answer, "expires_in").map(sane)
}

/// Returns a field that holds seconds, as a number or a number in quotes; `None` if it holds neither.
pub(super) fn seconds(answer: &Map<String, Value>, name: &str) -> Option<i64> {
    let given = answer.get(name)?;
    let seconds = given.as_f64().or_else(|| given.as_str()?.trim().parse().ok()).filter(|seconds| !seconds.is_nan())?;
    #[expect(clippy::cast_possible_truncation, reason = "a float beyond i64 becomes its end, which is far enough")]
    Some(seconds as i64)
}

/// Bounds a lifetime in seconds: at least a minute, since the pool would do nothing but refresh otherwise, and at most a
/// year.
fn sane(seconds: i64) -> i64 {
    seconds.clamp(60, 365 * 24 * 60 * 60)
}

fn after(now: Timestamp, seconds: i64) -> Timestamp {
    now.saturating_add(Duration::from_secs(seconds.unsigned_abs()))
}

/// Returns a field that holds text without control characters; `None` if it holds none.
pub(super) fn text<'a>(answer: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    let text = answer.get(name)?.as_str()?.trim();
    (!text.is_empty() && !text.contains(char::is_control)).then_some(text)
}

fn copy(answer: &Map<String, Value>, name: &str, set: &mut Map<String, Value>) {
    if let Some(text) = text(answer, name) {
        set.insert(name.to_owned(), text.into());
    }
}

/// Copies the address of later requests. They carry the key, so no address but HTTPS is taken.
fn copy_url(answer: &Map<String, Value>, set: &mut Map<String, Value>) {
    const NAME: &str = "inference_base_url";
    let is_url = |url: &&str| url.starts_with("https://") && !url.contains(char::is_whitespace);
    if let Some(url) = text(answer, NAME).filter(is_url) {
        set.insert(NAME.to_owned(), url.trim_end_matches('/').into());
    }
}
