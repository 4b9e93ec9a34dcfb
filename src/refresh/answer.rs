//! What a provider answered to a request of a refresh: new tokens, a refusal for good, or nothing
//! that helps now.
//!
//! # When a refresh token is sent again
//!
//! A refresh token works once, and providers end a login whose token comes a second time (RFC 9700,
//! section 4.14.2). So an answer decides whether the same token may go out again:
//!
//! - *The provider did not exchange it*: any status but a success, a success that tells of an error,
//!   and a page for browsers, which is of something before the token endpoint. The token is as good
//!   as it was. The provider's other address is asked at once, if there is one.
//! - *No answer came.* Most often no connection was made, and for that the other address is there. If
//!   the answer was lost on its way, its tokens are lost whatever is done next: nothing that waits
//!   could save them. The other address is asked at once.
//! - *A success whose tokens cannot be read* has most likely spent the token. To send it again now
//!   could end the access token, which still works. So it is not sent again before that has ended,
//!   when nothing is left to lose; the other address is not asked.
//! - *Too many requests* (429) is about the login or the host, not the address: the other one would be
//!   a way around it. The token goes out again when the provider says so.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{Flow, Leg, Sets, flow};
use crate::{
    credential::row_fields::RowFields,
    failure::{self, FailureKind, Response, diagnose},
    provider::PoolKey,
    time::Timestamp,
};

/// What an answer leads to.
#[derive(Debug, PartialEq)]
pub(crate) enum Judgement {
    /// These fields are set, and another request follows or none.
    Tokens { set: RowFields, then: Option<Leg> },
    /// This request follows.
    Ask(Leg),
    /// Only a new login helps; the status of the answer.
    Over { status: u16 },
    /// Nothing came of it. It may be tried again then, if the provider says when.
    Later { at: Option<Timestamp> },
    /// The refresh token may be spent, and its tokens are lost.
    Lost,
}

/// Judges what a provider answered to a request of a refresh; none if no answer came.
pub(crate) fn judge(response: Option<&Response>, leg: Leg, pool: &PoolKey, now: Timestamp) -> Judgement {
    let Some(flow) = flow(pool) else { return Judgement::Later { at: None } };
    let Some((response, status)) = response.and_then(|response| Some((response, response.status?))) else {
        return not_exchanged(flow, leg, None);
    };
    let body = Body::of(&response.body);
    let is_success = (200..300).contains(&status);
    if is_success && let Some(fields) = body.fields() {
        match leg {
            Leg::Tokens | Leg::TokensElsewhere => {
                if let Some(set) = tokens(fields, flow.sets, now) {
                    return Judgement::Tokens { set, then: flow.key_path.map(|_| Leg::Key) };
                }
            }
            Leg::Key | Leg::KeyAlone => {
                if let Some(set) = key(fields, now) {
                    return Judgement::Tokens { set, then: None };
                }
            }
        }
    }
    let spends_refresh_token = matches!(leg, Leg::Tokens | Leg::TokensElsewhere);
    let codes = body.codes();
    if is_success && spends_refresh_token && codes.is_empty() && !body.is_page() {
        return Judgement::Lost;
    }
    let diagnosis = diagnose(response, pool, now);
    let at = diagnosis.hint.map(|hint| believed(hint.until, now));
    let can_be_final = spends_refresh_token && status != 429 && (is_success || (400..500).contains(&status));
    let is_final = |code: &String| FINAL_CODES.contains(&code.as_str()) || flow.final_codes.contains(&code.as_str());
    match status {
        _ if can_be_final && (codes.iter().any(is_final) || diagnosis.kind == FailureKind::Revoked) => {
            Judgement::Over { status }
        }
        429 => Judgement::Later { at },
        // The access token that the row had is not accepted: then a new one is needed after all.
        400..500 if leg == Leg::KeyAlone => Judgement::Ask(Leg::Tokens),
        _ => not_exchanged(flow, leg, at),
    }
}

/// Whether a request can carry this token: visible ASCII (RFC 6750, section 2.1).
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Error codes that mean of any provider that the login is over (RFC 6749, section 5.2; RFC 6750,
/// section 3.1; OpenAI).
const FINAL_CODES: [&str; 9] = [
    "invalid_grant",
    "invalid_token",
    "unauthorized_client",
    "refresh_token_reused",
    "refresh_token_expired",
    "refresh_token_invalidated",
    "refresh_token_revoked",
    "token_revoked",
    "token_invalidated",
];

/// The login goes on as it was.
fn not_exchanged(flow: &Flow, leg: Leg, at: Option<Timestamp>) -> Judgement {
    match leg {
        Leg::Tokens if flow.other_base_url.is_some() => Judgement::Ask(Leg::TokensElsewhere),
        _ => Judgement::Later { at },
    }
}

/// When a refresh may be tried again by what the provider says, as far as that is believed.
fn believed(until: Timestamp, now: Timestamp) -> Timestamp {
    const SHORTEST: Duration = Duration::from_secs(1);
    const LONGEST: Duration = Duration::from_secs(60 * 60);
    now.saturating_add(until.since(now).clamp(SHORTEST, LONGEST))
}

/// What a body says.
pub(crate) enum Body {
    Fields(Map<String, Value>),
    /// For browsers.
    Page,
    Unreadable,
}

impl Body {
    pub(crate) fn of(text: &str) -> Self {
        /// Longer ones are no answer of a token endpoint.
        const LONGEST: usize = 1 << 20;
        let text = text.trim_start_matches('\u{feff}').trim();
        match text {
            _ if text.starts_with('<') => Self::Page,
            _ if text.len() > LONGEST => Self::Unreadable,
            _ => serde_json::from_str(text).map_or(Self::Unreadable, Self::Fields),
        }
    }

    pub(crate) fn fields(&self) -> Option<&Map<String, Value>> {
        match self {
            Self::Fields(fields) => Some(fields),
            Self::Page | Self::Unreadable => None,
        }
    }

    pub(crate) fn is_page(&self) -> bool {
        matches!(self, Self::Page)
    }

    /// Error codes, in lower case: `{ error: "code" }` and `{ error: { code } }`, and what stands in
    /// their place (`type`, a `code` beside it).
    pub(crate) fn codes(&self) -> Vec<String> {
        let Some(fields) = self.fields() else { return Vec::new() };
        let error = fields.get("error");
        let inner = |name| error.and_then(|error| error.get(name));
        let held = [error, inner("code"), inner("type"), fields.get("code")];
        held.into_iter().flatten().filter_map(Value::as_str).map(|code| code.trim().to_ascii_lowercase()).collect()
    }
}

/// The fields that new tokens set; none if there are none that could be used.
pub(super) fn tokens(answer: &Map<String, Value>, sets: Sets, now: Timestamp) -> Option<RowFields> {
    let access_token = text(answer, "access_token").filter(|token| is_token(token))?;
    let mut set = Map::new();
    set.insert("access_token".to_owned(), access_token.into());
    // Without a new one the old one stays.
    copy(answer, "refresh_token", &mut set);
    match sets {
        Sets::ExpiresAtMs => {
            /// Where the answer does not say (the reference).
            const AN_HOUR: i64 = 3_600;
            let end = after(now, lifetime(answer).unwrap_or(AN_HOUR));
            set.insert("expires_at_ms".to_owned(), end.as_millis().into());
        }
        Sets::LastRefresh => {
            set.insert("last_refresh".to_owned(), now.to_utc().into());
        }
        Sets::ObtainedAt => {
            let seconds = lifetime(answer);
            set.insert("obtained_at".to_owned(), now.to_utc().into());
            // Null takes away what was true of the token before.
            set.insert("expires_in".to_owned(), json!(seconds));
            set.insert("expires_at".to_owned(), json!(seconds.map(|seconds| after(now, seconds).to_utc())));
            copy(answer, "token_type", &mut set);
            copy(answer, "scope", &mut set);
            copy_url(answer, &mut set);
        }
    }
    Some(RowFields(set))
}

/// The fields that a new key sets; none if there is none that could be used.
fn key(answer: &Map<String, Value>, now: Timestamp) -> Option<RowFields> {
    let key = text(answer, "api_key").filter(|key| is_token(key))?;
    let told = || {
        let end = failure::date(answer.get("expires_at")?.as_str()?)?;
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

/// `expires_in`, as far as it is believed.
fn lifetime(answer: &Map<String, Value>) -> Option<i64> {
    seconds(answer, "expires_in").map(sane)
}

/// A field that holds seconds: a number, or one in quotes.
pub(crate) fn seconds(answer: &Map<String, Value>, name: &str) -> Option<i64> {
    let given = answer.get(name)?;
    let seconds = given.as_f64().or_else(|| given.as_str()?.trim().parse().ok()).filter(|seconds| !seconds.is_nan())?;
    #[expect(clippy::cast_possible_truncation, reason = "a float beyond i64 becomes its end, which is far enough")]
    Some(seconds as i64)
}

/// No token ends within a minute, or the pool would do nothing but refresh; none is believed for more
/// than a year.
fn sane(seconds: i64) -> i64 {
    seconds.clamp(60, 365 * 24 * 60 * 60)
}

fn after(now: Timestamp, seconds: i64) -> Timestamp {
    now.saturating_add(Duration::from_secs(seconds.unsigned_abs()))
}

/// A field that holds words: not empty, and nothing in it that ends a line.
pub(crate) fn text<'a>(answer: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    let text = answer.get(name)?.as_str()?.trim();
    (!text.is_empty() && !text.contains(char::is_control)).then_some(text)
}

fn copy(answer: &Map<String, Value>, name: &str, set: &mut Map<String, Value>) {
    if let Some(text) = text(answer, name) {
        set.insert(name.to_owned(), text.into());
    }
}

/// Where requests go from now on. They carry the key, so nothing but HTTPS is followed.
fn copy_url(answer: &Map<String, Value>, set: &mut Map<String, Value>) {
    const NAME: &str = "inference_base_url";
    let is_url = |url: &&str| url.starts_with("https://") && !url.contains(char::is_whitespace);
    if let Some(url) = text(answer, NAME).filter(is_url) {
        set.insert(NAME.to_owned(), url.trim_end_matches('/').into());
    }
}
