//! OAuth refresh: when a login's token is due, and the request that refreshes it.

use std::time::Duration;

use form_urlencoded::Serializer;
use serde_json::{Value, json};

use crate::{
    credential::{AuthType, Credential},
    error::{Error, ErrorCode, Problem, pointer_step},
    jwt,
    provider::PoolKey,
    step::HttpRequest,
    time::Timestamp,
};

/// How long before its end a token is refreshed, in milliseconds.
pub(crate) const SKEW_MS: i64 = 120_000;

/// Fields of a row that a refresh may set.
const TOKEN_FIELDS: [&str; 16] = [
    "access_token",
    "refresh_token",
    "expires_at",
    "expires_at_ms",
    "expires_in",
    "obtained_at",
    "last_refresh",
    "token_type",
    "scope",
    "inference_base_url",
    "agent_key",
    "agent_key_expires_at",
    "agent_key_id",
    "agent_key_expires_in",
    "agent_key_reused",
    "agent_key_obtained_at",
];

/// When the login's access token ends, as far as the row tells.
pub(crate) fn expires_at(credential: &Credential, pool: &PoolKey) -> Option<Timestamp> {
    let flow = flow(pool).filter(|_| credential.auth_type == AuthType::OAuth)?;
    match flow.end {
        TokenEnd::InRow => credential.expires_at_ms.filter(|millis| *millis != 0).map(Timestamp::from_millis),
        TokenEnd::InToken => jwt::expires_at(credential.access_token.expose()),
        TokenEnd::Untold => None,
    }
}

/// Whether the pool can refresh the credential at all.
pub(crate) fn is_refreshable(credential: &Credential, pool: &PoolKey) -> bool {
    request(credential, pool).is_ok()
}

/// The request that refreshes a login.
///
/// # Errors
///
/// [`ErrorCode::NotRefreshable`] and [`ErrorCode::RefreshUnsupported`].
pub(crate) fn request(credential: &Credential, pool: &PoolKey) -> Result<HttpRequest, Error> {
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
    let base = match flow.base_url {
        BaseUrl::Fixed(url) => url,
        BaseUrl::Portal(url) => credential.portal_base_url.as_deref().filter(|own| !own.is_empty()).unwrap_or(url),
    };
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token.expose()),
        ("client_id", credential.client_id.as_deref().filter(|own| !own.is_empty()).unwrap_or(flow.client_id)),
    ];
    let (content_type, body) = match flow.json_sources.iter().any(|end| credential.source.as_str().ends_with(end)) {
        true => {
            ("application/json", json!(fields.into_iter().collect::<std::collections::BTreeMap<_, _>>()).to_string())
        }
        false => ("application/x-www-form-urlencoded", Serializer::new(String::new()).extend_pairs(fields).finish()),
    };
    Ok(HttpRequest {
        method: "POST",
        url: format!("{}{}", base.trim_end_matches('/'), flow.path),
        headers: vec![("Accept", "application/json".to_owned()), ("Content-Type", content_type.to_owned())],
        body,
        timeout_ms: flow.timeout_ms,
    })
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

/// How long after the `attempts`th unanswered refresh in a row the next one waits.
pub(crate) fn backoff(attempts: u32) -> Duration {
    const FIRST: Duration = Duration::from_secs(5);
    const LONGEST: Duration = Duration::from_secs(300);
    FIRST.saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1))).min(LONGEST)
}

/// How logins of a provider are refreshed.
struct Flow {
    pool: &'static str,
    base_url: BaseUrl,
    path: &'static str,
    /// Used where the row has none of its own.
    client_id: &'static str,
    /// Logins whose source ends so take JSON; all others a form.
    json_sources: &'static [&'static str],
    timeout_ms: u32,
    end: TokenEnd,
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
    /// Nothing that selection goes by: such a login is refreshed when the host asks for it.
    Untold,
}

const FLOWS: [Flow; 3] = [
    Flow {
        pool: "anthropic",
        base_url: BaseUrl::Fixed("https://platform.claude.com"),
        path: "/v1/oauth/token",
        client_id: "9d1c250a-e61b-44d9-88ed-5944d1962f5e",
        json_sources: &["hermes_pkce"],
        timeout_ms: 10_000,
        end: TokenEnd::InRow,
    },
    Flow {
        pool: "openai-codex",
        base_url: BaseUrl::Fixed("https://auth.openai.com"),
        path: "/oauth/token",
        client_id: "app_EMoamEEZ73f0CkXaXp7hrann",
        json_sources: &[],
        timeout_ms: 20_000,
        end: TokenEnd::InToken,
    },
    Flow {
        pool: "nous",
        base_url: BaseUrl::Portal("https://portal.nousresearch.com"),
        path: "/api/oauth/token",
        client_id: "hermes-cli",
        json_sources: &[],
        timeout_ms: 15_000,
        end: TokenEnd::Untold,
    },
];

fn flow(pool: &PoolKey) -> Option<&'static Flow> {
    FLOWS.iter().find(|flow| flow.pool == pool.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(pool: &str, row: Value) -> (Credential, PoolKey) {
        let pool = PoolKey::parse(pool).unwrap();
        (Credential::parse(&row, &pool).unwrap().1, pool)
    }

    #[test]
    fn each_provider_is_asked_its_own_way() {
        let row =
            |source| json!({ "auth_type": "oauth", "source": source, "access_token": "at", "refresh_token": "r t&" });
        let mut asked = Vec::new();
        for (pool, source) in [
            ("anthropic", "claude_code"),
            ("anthropic", "manual:hermes_pkce"),
            ("openai-codex", "device_code"),
            ("nous", "device_code"),
        ] {
            let (credential, pool) = login(pool, row(source));
            let request = request(&credential, &pool).unwrap();
            asked.push(format!("{} {} {}", request.url, request.timeout_ms, request.body));
        }
        assert_eq!(
            asked,
            [
                "https://platform.claude.com/v1/oauth/token 10000 grant_type=refresh_token&refresh_token=r+t%26&\
                 client_id=9d1c250a-e61b-44d9-88ed-5944d1962f5e",
                "https://platform.claude.com/v1/oauth/token 10000 {\"client_id\":\"9d1c250a-e61b-44d9-88ed-5944d1962f5e\",\
                 \"grant_type\":\"refresh_token\",\"refresh_token\":\"r t&\"}",
                "https://auth.openai.com/oauth/token 20000 grant_type=refresh_token&refresh_token=r+t%26&\
                 client_id=app_EMoamEEZ73f0CkXaXp7hrann",
                "https://portal.nousresearch.com/api/oauth/token 15000 grant_type=refresh_token&\
                 refresh_token=r+t%26&client_id=hermes-cli",
            ]
        );
    }

    #[test]
    fn the_row_s_own_client_and_portal_go_first() {
        let (credential, pool) = login(
            "nous",
            json!({ "auth_type": "oauth", "refresh_token": "rt", "client_id": "mine", "portal_base_url": "http://p.test/" }),
        );
        let request = request(&credential, &pool).unwrap();
        assert_eq!(request.url, "http://p.test/api/oauth/token");
        assert!(request.body.ends_with("client_id=mine"));
    }

    #[test]
    fn waits_between_unanswered_refreshes_double_up_to_five_minutes() {
        assert_eq!([1, 2, 3, 7, 40, u32::MAX].map(|n| backoff(n).as_secs()), [5, 10, 20, 300, 300, 300]);
    }
}
