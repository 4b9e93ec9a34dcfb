//! Authentication of requests as data: what to set, and all other places of authentication to remove, so that a request
//! never carries two secrets.

use std::{collections::BTreeSet, fmt, sync::LazyLock};

use serde::Serialize;
use serde_json::Value;

use crate::{
    credential::{AuthType, Credential},
    jwt,
    pool_key::PoolKey,
    providers::{
        self,
        auth_style::{AuthStyle, SecretKind},
        provider::{GENERIC, Provider},
    },
    web_address,
};

/// Authentication of a request. A host applies it to a request in this order: `remove`, then `headers` and `query`, then
/// `append`. `Debug` shows names alone.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Auth {
    /// Headers to set: name in lower case, and value.
    pub headers: Vec<(&'static str, String)>,
    /// Values that list headers must hold beside the request's own (RFC 9110, section 5.6.1): name in lower case, and
    /// value.
    pub append: Vec<(&'static str, &'static str)>,
    /// Query parameters to set: name, and value.
    pub query: Vec<(&'static str, String)>,
    /// Places of authentication that the request must not use.
    pub remove: AuthRemoval,
}

/// Places of authentication that a request must not use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthRemoval {
    /// Names of headers, in lower case.
    pub headers: Vec<&'static str>,
    /// Names of query parameters.
    pub query: Vec<&'static str>,
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |pairs: &[(&'static str, String)]| pairs.iter().map(|(name, _)| *name).collect::<Vec<_>>();
        f.debug_struct("Auth")
            .field("headers", &names(&self.headers))
            .field("append", &self.append)
            .field("query", &names(&self.query))
            .field("remove", &self.remove)
            .finish()
    }
}

/// Returns the authentication of a request with this credential.
pub(crate) fn auth(credential: &Credential, pool: &PoolKey) -> Auth {
    let base_url = credential.runtime_base_url(pool);
    let secret = credential.runtime_key(pool).expose();
    let style = style(providers::of(pool, base_url), credential, secret, base_url);
    let claims = if style.claims.is_empty() { Value::Null } else { Value::Object(jwt::claims(secret)) };
    let told = |(name, path): &(&'static str, &[&str])| {
        let claim = path.iter().try_fold(&claims, |value, step| value.get(step))?;
        Some((*name, claim.as_str().filter(|claim| !claim.is_empty() && !claim.contains(char::is_control))?.to_owned()))
    };
    let carried = style.headers.iter().map(|(name, before)| (*name, format!("{before}{secret}")));
    let headers: Vec<_> = carried.chain(style.claims.iter().filter_map(told)).collect();
    let query: Vec<_> = style.query.iter().map(|name| (*name, secret.to_owned())).collect();
    let is_set = |name: &&str, set: &[(&str, String)]| set.iter().any(|(held, _)| held == name);
    let remove = AuthRemoval {
        headers: PLACES.headers.iter().copied().filter(|name| !is_set(name, &headers)).collect(),
        query: PLACES.query.iter().copied().filter(|name| !is_set(name, &query)).collect(),
    };
    Auth { headers, append: style.append.to_vec(), query, remove }
}

/// Returns the style of a provider for a credential: by the kind that the secret's prefix tells, else by the row's
/// `auth_type`.
fn style(
    provider: &'static Provider,
    credential: &Credential,
    secret: &str,
    base_url: Option<&str>,
) -> &'static AuthStyle {
    let stored = match credential.auth_type {
        AuthType::OAuth => SecretKind::Login,
        AuthType::ApiKey | AuthType::Other(_) => SecretKind::Key,
    };
    let has_segment = |segment: &str| base_url.is_some_and(|url| web_address::has_path_segment(url, segment));
    match provider.told_kind(secret).unwrap_or(stored) {
        SecretKind::Login => &provider.login_auth,
        SecretKind::Key => {
            let under = provider.key_auth_under.iter().find(|(segment, _)| has_segment(segment));
            under.map_or(&provider.key_auth, |(_, style)| style)
        }
    }
}

/// Places where any provider looks for a secret, sorted.
static PLACES: LazyLock<AuthRemoval> = LazyLock::new(|| {
    let (mut headers, mut query) = (BTreeSet::new(), BTreeSet::new());
    for provider in providers::all().chain([&GENERIC]) {
        let under = provider.key_auth_under.iter().map(|(_, style)| style);
        for style in under.chain([&provider.key_auth, &provider.login_auth]) {
            headers.extend(style.headers.iter().map(|(name, _)| *name));
            headers.extend(style.claims.iter().map(|(name, _)| *name));
            query.extend(style.query);
        }
        headers.extend(provider.other_auth_places.headers);
        query.extend(provider.other_auth_places.query);
    }
    AuthRemoval { headers: headers.into_iter().collect(), query: query.into_iter().collect() }
});
