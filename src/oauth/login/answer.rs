//! Answers of a provider to a login: to its requests, and in the redirect of the browser.

use std::time::Duration;

use form_urlencoded::parse;
use serde_json::{Map, Value};

use super::moves::{
    Ending,
    LoginFailure::{Denied, Expired, Misconfigured, Refused, Unreachable},
    LoginMove,
};
use crate::{
    failure::{Response, diagnose},
    oauth::token_answer::{Body, seconds, text},
    pool_key::PoolKey,
    secret::Secret,
    time::Timestamp,
    web_address::is_safe_url,
};

/// Answer to a request.
pub(super) enum Reply {
    /// Success, with the fields of the body.
    Fields(Map<String, Value>),
    /// The person has not finished (`authorization_pending`).
    Pending,
    /// The person has not finished and the polls come too fast (`slow_down`): the interval and the moment of the next
    /// poll, where the provider names them.
    SlowDown { interval: Option<Duration>, at: Option<Timestamp> },
    /// No effect or no answer; `at` is the moment of the next attempt, if the provider names one.
    Nothing { at: Option<Timestamp> },
    /// Success without a readable body.
    Unreadable,
    /// Refusal, with its error codes.
    Refused { codes: Vec<String> },
}

/// Reads an answer. Some providers report errors with a status of success.
pub(super) fn read(response: &Response, pool: &PoolKey, now: Timestamp) -> Reply {
    let Some(status) = response.status else { return Reply::Nothing { at: None } };
    let body = Body::of(&response.body);
    let codes = body.codes();
    let says = |code: &str| codes.iter().any(|said| said == code);
    let at = || diagnose(response, pool, None, now).hint.map(|hint| hint.until);
    match status {
        _ if says("authorization_pending") => Reply::Pending,
        _ if says("slow_down") => {
            let interval = body.fields().and_then(interval);
            Reply::SlowDown { interval, at: at() }
        }
        408 | 429 | 500.. => Reply::Nothing { at: at() },
        _ if codes.iter().any(|code| DOWN.contains(&code.as_str())) => Reply::Nothing { at: at() },
        200..300 if codes.is_empty() => match body {
            Body::Fields(fields) => Reply::Fields(fields),
            // A proxy's page.
            Body::Page => Reply::Nothing { at: None },
            Body::Unreadable => Reply::Unreadable,
        },
        _ => Reply::Refused { codes },
    }
}

/// Answer of the device authorization endpoint (RFC 8628, section 3.2).
pub(super) struct Device {
    pub(super) device_code: Secret,
    pub(super) user_code: String,
    pub(super) verification_uri: String,
    pub(super) verification_uri_complete: Option<String>,
    pub(super) interval: Duration,
    pub(super) expires_at: Timestamp,
}

/// Reads the answer of the device authorization endpoint; `None` if it lacks what a person needs.
pub(super) fn device(fields: &Map<String, Value>, now: Timestamp) -> Option<Device> {
    /// RFC 8628, section 3.5.
    const INTERVAL: Duration = Duration::from_secs(5);
    /// Lifetime in seconds where the answer tells none although it must, and the longest one.
    const LASTS: i64 = 15 * 60;
    const LONGEST: i64 = 60 * 60;
    let url = |name| text(fields, name).filter(|url| is_safe_url(url)).map(str::to_owned);
    let lasts = seconds(fields, "expires_in").unwrap_or(LASTS).clamp(1, LONGEST);
    Some(Device {
        device_code: Secret::new(text(fields, "device_code")?),
        user_code: text(fields, "user_code").filter(|code| code.chars().count() <= 64)?.to_owned(),
        // Providers that began before the RFC use the second name.
        verification_uri: url("verification_uri").or_else(|| url("verification_url"))?,
        verification_uri_complete: url("verification_uri_complete"),
        interval: interval(fields).unwrap_or(INTERVAL),
        expires_at: now.saturating_add(Duration::from_secs(lasts.unsigned_abs())),
    })
}

/// Parameters of a redirect (RFC 6749, section 4.1.2; RFC 9207).
pub(super) struct Redirected {
    pub(super) state: String,
    pub(super) code: Option<String>,
    pub(super) error: Option<String>,
    pub(super) issuer: Option<String>,
}

/// Reads the address that the browser asked for; `None` if its path is another one or if it repeats a parameter
/// (RFC 6749, section 3.1).
pub(super) fn redirect(url: &str, path: &str) -> Option<Redirected> {
    let url = url.split_once('#').map_or(url, |(url, _)| url);
    let (place, query) = url.split_once('?')?;
    let asked = place
        .split_once("://")
        .map_or(place, |(_, after)| after.find('/').and_then(|at| after.get(at..)).unwrap_or("/"));
    let mut said = [("state", None), ("code", None), ("error", None), ("iss", None)];
    for (name, value) in parse(query.as_bytes()) {
        if let Some((_, held)) = said.iter_mut().find(|(known, _)| *known == name)
            && held.replace(value.into_owned()).is_some()
        {
            return None;
        }
    }
    let [(_, state), (_, code), (_, error), (_, issuer)] = said;
    let code = code.filter(|code| !code.is_empty());
    Some(Redirected { state: state?, code, error, issuer }).filter(|_| asked == path)
}

/// Returns the move that ends a login which the provider refused with these codes.
pub(super) fn refusal<'a>(codes: impl IntoIterator<Item = &'a str>, status: Option<u16>) -> LoginMove {
    const OTHERWISE: Ending = Ending::new(
        Refused,
        "the provider refused the login, and not in words that tell why: check the configuration, and begin another",
    );
    let known = |code: &str| REFUSALS.iter().find(|(known, _)| *known == code).map(|(_, ending)| *ending);
    codes.into_iter().find_map(known).unwrap_or(OTHERWISE).by(status)
}

/// Error codes of a fault of the provider (RFC 6749, section 4.1.2.1).
const DOWN: [&str; 2] = ["server_error", "temporarily_unavailable"];

const DENIED: Ending = Ending::new(Denied, "the login was denied: begin another if that was not meant");
const LATE: Ending = Ending::new(Expired, "the code of this login has ended: begin another, and approve it sooner");
const CLIENT: Ending = Ending::new(
    Misconfigured,
    "the provider does not know this client, or not for this flow: correct `client_id`, or choose the other flow",
);
const SCOPE: Ending = Ending::new(Misconfigured, "the provider does not give this scope: correct `scope`");
const FLOW: Ending = Ending::new(Misconfigured, "the provider does not have this flow: choose the other one");
const REQUEST: Ending = Ending::new(
    Misconfigured,
    "the provider does not accept the request: check its addresses, `client_id`, `scope` and `parameters`",
);
const DOWN_NOW: Ending = Ending::new(Unreachable, "the provider is in trouble: begin another login later");

/// Error codes (RFC 6749, sections 4.1.2.1 and 5.2; RFC 8628, section 3.5; GitHub, Microsoft).
const REFUSALS: [(&str, Ending); 18] = [
    ("access_denied", DENIED),
    ("authorization_declined", DENIED),
    ("login_required", DENIED),
    ("consent_required", DENIED),
    ("expired_token", LATE),
    ("invalid_grant", LATE),
    ("bad_verification_code", LATE),
    ("incorrect_device_code", LATE),
    ("invalid_client", CLIENT),
    ("unauthorized_client", CLIENT),
    ("incorrect_client_credentials", CLIENT),
    ("invalid_scope", SCOPE),
    ("unsupported_grant_type", FLOW),
    ("unsupported_response_type", FLOW),
    ("device_flow_disabled", FLOW),
    ("invalid_request", REQUEST),
    ("server_error", DOWN_NOW),
    ("temporarily_unavailable", DOWN_NOW),
];

/// Returns the interval between polls, at least one second; `None` if the answer tells none.
fn interval(fields: &Map<String, Value>) -> Option<Duration> {
    seconds(fields, "interval").map(|seconds| Duration::from_secs(seconds.max(1).unsigned_abs()))
}
