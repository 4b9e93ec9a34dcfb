//! OAuth refresh: when a login's token is due, the requests that refresh it, and the flows of all
//! providers. `answer` reads and judges what a provider said.

mod answer;
#[cfg(test)]
mod tests;

use std::time::Duration;

use form_urlencoded::Serializer;
use serde_json::{Value, json};

use crate::{
    credential::{AuthType, Credential, fields::TOKEN_FIELDS, row_fields::RowFields},
    error::{Error, ErrorCode, Problem, pointer_step},
    failure, jwt,
    provider::PoolKey,
    secret::Secret,
    step::HttpRequest,
    time::Timestamp,
};

pub(crate) use answer::{Body, Judgement, judge, seconds, text};

/// How long before its end a token is refreshed, in milliseconds.
pub(crate) const SKEW_MS: i64 = 120_000;

/// One request of a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leg {
    /// For new tokens.
    Tokens,
    /// For the same, at the provider's other address.
    TokensElsewhere,
    /// For a key, with the access token that this refresh brought.
    Key,
    /// For a key, with the access token that the row had: this refresh brought none.
    KeyAlone,
}

/// When the login's access token ends, as far as the row tells.
pub(crate) fn expires_at(credential: &Credential, pool: &PoolKey) -> Option<Timestamp> {
    let flow = flow(pool).filter(|_| credential.auth_type == AuthType::OAuth)?;
    match flow.end {
        TokenEnd::InRow => credential.expires_at_ms.filter(|millis| *millis != 0).map(Timestamp::from_millis),
        TokenEnd::InToken => jwt::expires_at(credential.access_token.expose()),
        TokenEnd::Untold => None,
    }
}

/// Until when a login serves that a refresh has just brought nothing for: where requests carry a key,
/// that is until the key's end.
pub(crate) fn serves_until(credential: &Credential, pool: &PoolKey) -> Option<Timestamp> {
    let has_key = || credential.agent_key.as_ref().is_some_and(|key| !key.is_empty());
    let key_end = || flow(pool)?.key_path.filter(|_| has_key()).and(date(credential, "agent_key_expires_at"));
    expires_at(credential, pool).or_else(key_end)
}

/// Whether the pool can refresh the credential at all.
pub(crate) fn is_refreshable(credential: &Credential, pool: &PoolKey) -> bool {
    refreshed_by(credential, pool).is_ok()
}

/// The request that a refresh begins with. One that nobody forced leaves a good access token alone.
pub(crate) fn first_leg(credential: &Credential, pool: &PoolKey, now: Timestamp, is_forced: bool) -> Leg {
    let soon = now.saturating_add(Duration::from_millis(SKEW_MS.unsigned_abs()));
    let is_good = || {
        answer::is_token(credential.access_token.expose())
            && date(credential, "expires_at").is_some_and(|end| soon < end)
    };
    if needs_key(pool) && !is_forced && is_good() { Leg::KeyAlone } else { Leg::Tokens }
}

/// A request that refreshes a login, made from what its row says now.
///
/// # Errors
///
/// [`ErrorCode::NotRefreshable`] and [`ErrorCode::RefreshUnsupported`].
pub(crate) fn request(credential: &Credential, pool: &PoolKey, leg: Leg) -> Result<HttpRequest, Error> {
    let (refresh_token, flow) = refreshed_by(credential, pool)?;
    let own = match flow.base_url {
        BaseUrl::Fixed(url) => url,
        BaseUrl::Portal(url) => credential.portal_base_url.as_deref().filter(|own| !own.is_empty()).unwrap_or(url),
    };
    let (base, path) = match leg {
        Leg::Tokens => (own, flow.path),
        Leg::TokensElsewhere => (flow.other_base_url.unwrap_or(own), flow.path),
        Leg::Key | Leg::KeyAlone => (own, flow.key_path.unwrap_or(flow.path)),
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
            (JSON, json!({ "min_ttl_seconds": KEY_LASTS_S }).to_string())
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

/// What a credential is refreshed by.
fn refreshed_by<'a>(credential: &'a Credential, pool: &PoolKey) -> Result<(&'a Secret, &'static Flow), Error> {
    let refresh_token = credential.refresh_token.as_ref().filter(|token| !token.is_empty());
    let (AuthType::OAuth, Some(refresh_token)) = (&credential.auth_type, refresh_token) else {
        return Err(Error::new(
            ErrorCode::NotRefreshable,
            "only an OAuth login with a refresh token can be refreshed; replace the key or log in again",
        ));
    };
    let flow = flow(pool).ok_or_else(|| {
        Error::new(
            ErrorCode::RefreshUnsupported,
            "the pool does not know how logins of this provider are refreshed; log in again, or refresh the login \
             yourself and hand its new tokens to `update`",
        )
    })?;
    Ok((refresh_token, flow))
}

/// The fields that the tokens of a new login set, as a refresh will set them later; none if there are none that could
/// be used.
pub(crate) fn tokens(answer: &serde_json::Map<String, Value>, pool: &PoolKey, now: Timestamp) -> Option<RowFields> {
    answer::tokens(answer, flow(pool).map_or(Sets::ObtainedAt, |flow| flow.sets), now)
}

/// Whether requests carry a key that the access token is exchanged for.
pub(crate) fn needs_key(pool: &PoolKey) -> bool {
    flow(pool).is_some_and(|flow| flow.key_path.is_some())
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
    if let Some(name) = fields.keys().find(|name| !TOKEN_FIELDS.contains(&name.as_str())) {
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

/// How long after the `attempts`th refresh in a row that brought nothing the next one waits.
pub(crate) fn backoff(attempts: u32) -> Duration {
    const FIRST: Duration = Duration::from_secs(5);
    const LONGEST: Duration = Duration::from_secs(300);
    FIRST.saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1))).min(LONGEST)
}

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";
/// How long a key that is asked for should last at least, in seconds.
const KEY_LASTS_S: u32 = 1_800;

/// How logins of a provider are refreshed.
struct Flow {
    pool: &'static str,
    base_url: BaseUrl,
    /// Where the same provider listens as well.
    other_base_url: Option<&'static str>,
    path: &'static str,
    /// Where the new access token is exchanged for the key that requests carry.
    key_path: Option<&'static str>,
    /// Used where the row has none of its own.
    client_id: &'static str,
    /// Logins whose source ends so take JSON; all others a form.
    json_sources: &'static [&'static str],
    timeout_ms: u32,
    end: TokenEnd,
    /// Which fields beside the tokens an answer sets.
    sets: Sets,
    /// Error codes that end a login here and not everywhere.
    final_codes: &'static [&'static str],
}

enum BaseUrl {
    Fixed(&'static str),
    /// The row's `portal_base_url`, else this.
    Portal(&'static str),
}

/// What tells when a token ends.
#[derive(Clone, Copy)]
enum TokenEnd {
    /// The row's `expires_at_ms`; 0 means unknown.
    InRow,
    /// The token's own `exp` claim.
    InToken,
    /// Nothing that selection goes by: such a login is refreshed when a request needs it or the host
    /// asks for it.
    Untold,
}

/// Which fields of a row new tokens set beside themselves.
#[derive(Clone, Copy)]
enum Sets {
    /// `expires_at_ms`.
    ExpiresAtMs,
    /// `last_refresh`: the token tells its end itself.
    LastRefresh,
    /// `obtained_at`, `expires_in`, `expires_at`, `token_type`, `scope`, `inference_base_url`.
    ObtainedAt,
}

const FLOWS: [Flow; 3] = [
    Flow {
        pool: "anthropic",
        base_url: BaseUrl::Fixed("https://platform.claude.com"),
        other_base_url: Some("https://console.anthropic.com"),
        path: "/v1/oauth/token",
        key_path: None,
        client_id: "9d1c250a-e61b-44d9-88ed-5944d1962f5e",
        json_sources: &["hermes_pkce"],
        timeout_ms: 10_000,
        end: TokenEnd::InRow,
        sets: Sets::ExpiresAtMs,
        final_codes: &[],
    },
    Flow {
        pool: "openai-codex",
        base_url: BaseUrl::Fixed("https://auth.openai.com"),
        other_base_url: None,
        path: "/oauth/token",
        key_path: None,
        client_id: "app_EMoamEEZ73f0CkXaXp7hrann",
        json_sources: &[],
        timeout_ms: 20_000,
        end: TokenEnd::InToken,
        sets: Sets::LastRefresh,
        final_codes: &["invalid_request"],
    },
    Flow {
        pool: "nous",
        base_url: BaseUrl::Portal("https://portal.nousresearch.com"),
        other_base_url: None,
        path: "/api/oauth/token",
        key_path: Some("/api/oauth/agent-key"),
        client_id: "hermes-cli",
        json_sources: &[],
        timeout_ms: 15_000,
        end: TokenEnd::Untold,
        sets: Sets::ObtainedAt,
        final_codes: &[],
    },
];

fn flow(pool: &PoolKey) -> Option<&'static Flow> {
    FLOWS.iter().find(|flow| flow.pool == pool.as_str())
}

/// The moment that a field of the row names.
fn date(credential: &Credential, field: &str) -> Option<Timestamp> {
    failure::date(credential.other.get(field)?.as_str()?)
}
