//! OAuth refresh (RFC 6749, section 6): when a login's token is due, and the requests that refresh it. `judgement` judges
//! the answers.

pub(crate) mod judgement;
#[cfg(test)]
mod tests;

use std::time::Duration;

use form_urlencoded::Serializer;
use serde_json::{Value, json};

use crate::{
    credential::{AuthType, Credential, row_fields::RowFields, token_fields::is_token_field},
    error::{Error, ErrorCode, Problem, pointer_step},
    http_request::HttpRequest,
    jwt,
    oauth::{
        flow::{Leg, RefreshFlow, TokenDates, TokenEnd, TokenServer},
        token_answer,
    },
    pool_key::PoolKey,
    providers::refresh_flow,
    secret::Secret,
    time::{Timestamp, date},
};

/// Time before its end at which a token is refreshed, in milliseconds (the reference).
pub(crate) const SKEW_MS: i64 = 120_000;

/// Returns the end of the login's access token; `None` if the row does not tell it.
pub(crate) fn expires_at(credential: &Credential, pool: &PoolKey) -> Option<Timestamp> {
    if credential.auth_type != AuthType::OAuth {
        return None;
    }
    match refresh_flow(pool).map_or(TokenEnd::Row, |flow| flow.token_end) {
        TokenEnd::Row => credential.expires_at_ms.filter(|millis| *millis != 0).map(Timestamp::from_millis),
        TokenEnd::Claim => jwt::expires_at(credential.access_token.expose()),
        TokenEnd::Unknown => None,
    }
}

/// Returns the moment until which a login serves after a refresh without a result; `None` if the row does not tell it.
/// Where requests carry a key, the key's end counts.
pub(crate) fn serves_until(credential: &Credential, pool: &PoolKey) -> Option<Timestamp> {
    let has_key = || credential.agent_key.as_ref().is_some_and(|key| !key.is_empty());
    let key_end =
        || refresh_flow(pool)?.key_exchange.filter(|_| has_key()).and(date_of(credential, "agent_key_expires_at"));
    expires_at(credential, pool).or_else(key_end)
}

/// Returns whether the pool can refresh the credential.
pub(crate) fn is_refreshable(credential: &Credential, pool: &PoolKey) -> bool {
    refreshed_by(credential, pool).is_ok()
}

/// Returns the first step of a refresh. A refresh that nobody forced keeps a good access token.
pub(crate) fn first_leg(credential: &Credential, pool: &PoolKey, now: Timestamp, is_forced: bool) -> Leg {
    let soon = now.saturating_add(Duration::from_millis(SKEW_MS.unsigned_abs()));
    let is_good = || {
        token_answer::is_token(credential.access_token.expose())
            && date_of(credential, "expires_at").is_some_and(|end| soon < end)
    };
    if needs_key(pool) && !is_forced && is_good() { Leg::KeyAlone } else { Leg::Tokens }
}

/// Returns the request of one step of a refresh, made from the login's row.
///
/// # Errors
///
/// [`ErrorCode::NotRefreshable`] and [`ErrorCode::RefreshUnsupported`].
pub(crate) fn request(credential: &Credential, pool: &PoolKey, leg: Leg) -> Result<HttpRequest, Error> {
    let (refresh_token, flow) = refreshed_by(credential, pool)?;
    let own = match flow.server {
        TokenServer::Fixed(url) => url,
        TokenServer::Portal(url) => credential.portal_base_url.as_deref().filter(|own| !own.is_empty()).unwrap_or(url),
    };
    let (base, path) = match leg {
        Leg::Tokens => (own, flow.path),
        Leg::TokensElsewhere => (flow.other_server.unwrap_or(own), flow.path),
        Leg::Key | Leg::KeyAlone => (own, flow.key_exchange.map_or(flow.path, |exchange| exchange.path)),
    };
    let mut headers = vec![("Accept", "application/json".to_owned())];
    let (content_type, body) = match leg {
        Leg::Tokens | Leg::TokensElsewhere => {
            let own_client = credential.client_id.as_deref().filter(|own| !own.is_empty());
            let (token, client) = (refresh_token.expose(), own_client.unwrap_or(flow.client_id));
            match flow.json_sources.iter().any(|end| credential.source.as_str().ends_with(end)) {
                true => {
                    let body = json!({ "client_id": client, "grant_type": "refresh_token", "refresh_token": token });
                    (JSON, body.to_string())
                }
                false => {
                    let fields = [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", client)];
                    (FORM, Serializer::new(String::new()).extend_pairs(fields).finish())
                }
            }
        }
        Leg::Key | Leg::KeyAlone => {
            headers.push(("Authorization", format!("Bearer {}", credential.access_token.expose())));
            (JSON, flow.key_exchange.map_or("", |exchange| exchange.body).to_owned())
        }
    };
    headers.push(("Content-Type", content_type.to_owned()));
    Ok(HttpRequest {
        method: "POST",
        url: format!("{}{path}", base.trim_end_matches('/')),
        headers,
        body,
        timeout_ms: flow.timeout_ms,
    })
}

/// Returns the refresh token of a credential and the flow that spends it.
fn refreshed_by<'a>(credential: &'a Credential, pool: &PoolKey) -> Result<(&'a Secret, &'static RefreshFlow), Error> {
    let refresh_token = credential.refresh_token.as_ref().filter(|token| !token.is_empty());
    let (AuthType::OAuth, Some(refresh_token)) = (&credential.auth_type, refresh_token) else {
        return Err(Error::new(
            ErrorCode::NotRefreshable,
            "only an OAuth login with a refresh token can be refreshed; replace the key or log in again",
        ));
    };
    let flow = refresh_flow(pool).ok_or_else(|| {
        Error::new(
            ErrorCode::RefreshUnsupported,
            "the pool does not know how logins of this provider are refreshed; log in again, or refresh the login \
             yourself and hand its new tokens to `update`",
        )
    })?;
    Ok((refresh_token, flow))
}

/// Returns the fields that the tokens of a new login set, as a later refresh will set them; `None` if the answer has no
/// usable access token.
pub(crate) fn tokens(answer: &serde_json::Map<String, Value>, pool: &PoolKey, now: Timestamp) -> Option<RowFields> {
    token_answer::tokens(answer, refresh_flow(pool).map_or(TokenDates::ObtainedAt, |flow| flow.sets), now)
}

/// Returns whether requests carry a key that the access token is exchanged for.
pub(crate) fn needs_key(pool: &PoolKey) -> bool {
    refresh_flow(pool).is_some_and(|flow| flow.key_exchange.is_some())
}

/// Checks the fields that a host settles a refresh with.
///
/// # Errors
///
/// [`ErrorCode::InvalidArgument`], with a pointer into the outcome.
pub(crate) fn check_tokens(
    credential: &Credential,
    fields: &serde_json::Map<String, Value>,
    pool: &PoolKey,
) -> Result<(), Error> {
    let invalid = |pointer: String, message| Err(Error::new(ErrorCode::InvalidArgument, message).at(pointer));
    if let Some(name) = fields.keys().find(|name| !is_token_field(name)) {
        return invalid(format!("/set{}", pointer_step(name)), "a refresh cannot set this field; use `update`");
    }
    let is_given = |name| fields.get(name).and_then(Value::as_str).is_some_and(|token| !token.is_empty());
    if !is_given("access_token") && !is_given("agent_key") {
        return invalid("/set/access_token".to_owned(), "a refresh must bring a new `access_token` or `agent_key`");
    }
    match credential.with(fields, pool) {
        Ok(_) => Ok(()),
        Err(problems) => match problems.into_iter().next() {
            Some(Problem { pointer, message, .. }) => {
                Err(Error::new(ErrorCode::InvalidArgument, message).at(format!("/set{pointer}")))
            }
            None => Ok(()),
        },
    }
}

/// Returns the wait after the `attempts`th refresh in a row without a result: exponential backoff from 5 s to 5 min.
pub(crate) fn backoff(attempts: u32) -> Duration {
    const FIRST: Duration = Duration::from_secs(5);
    const LONGEST: Duration = Duration::from_secs(300);
    FIRST.saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1))).min(LONGEST)
}

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// Returns the moment that a field of the row names; `None` if it names none.
fn date_of(credential: &Credential, field: &str) -> Option<Timestamp> {
    date::parse_utc(credential.other.get(field)?.as_str()?)
}
