//! Discovery: credentials that a host shows the pool in its environment, in logins of other programs and in its
//! configuration.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    credential::{Source, row_fields::RowFields},
    jwt,
    pool_key::PoolKey,
    providers::{
        self,
        auth_style::SecretKind,
        provider::{KeptLogin, LoginPlace},
    },
    secret::text::cleaned,
};

/// Places that the host shows the pool for discovery; [`wanted`] names the parts that a pool reads.
///
/// A place that is not shown (`None`) is neither searched nor missed: its rows stay. A place that is shown and empty is
/// missed: its rows leave the pool, except logins whose tokens live in their rows, and are remembered without their secrets
/// until they are found again.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Sources {
    /// Environment variables by name.
    pub env: Option<BTreeMap<String, String>>,
    /// The host's configuration: `credential_pool_strategies`, `credential_pool_policies`,
    /// `custom_providers`, `model`.
    pub config: Option<Map<String, Value>>,
    /// Logins that other programs keep in files, by source, such as `claude_code`; each as the program keeps it
    /// (`accessToken`, `refreshToken` and `expiresAt` in milliseconds), or null.
    pub file_logins: Option<BTreeMap<String, Value>>,
    /// The document's `providers`: logins by provider id.
    pub document_logins: Option<Map<String, Value>>,
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources")
            .field("env", &self.env.is_some())
            .field("config", &self.config.is_some())
            .field("file_logins", &self.file_logins.is_some())
            .field("document_logins", &self.document_logins.is_some())
            .finish()
    }
}

/// Parts of the sources that a pool reads, so that a host need not show everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Wanted {
    /// Names of environment variables.
    pub env: Vec<&'static str>,
    /// Keys of the host's configuration.
    pub config: Vec<&'static str>,
    /// Logins in files, by source.
    pub file_logins: Vec<&'static str>,
    /// Logins in the document's `providers`, by provider id.
    pub document_logins: Vec<&'static str>,
}

/// Returns the parts of the sources that the pool with this key reads.
///
/// ```
/// use credential_pool::{PoolKey, wanted};
///
/// assert_eq!(wanted(&PoolKey::parse("huggingface")?).env, ["HF_TOKEN", "HF_BASE_URL"]);
/// # Ok::<(), credential_pool::Error>(())
/// ```
pub fn wanted(pool: &PoolKey) -> Wanted {
    let mut wanted = Wanted { config: vec![STRATEGIES, POLICIES], ..Wanted::default() };
    if pool.is_custom() {
        wanted.config.extend([CUSTOM_PROVIDERS, MODEL]);
    }
    let Some(provider) = providers::by_id(pool) else { return wanted };
    if !provider.key_variables.is_empty() {
        wanted.env.extend(provider.key_variables);
        wanted.env.extend(provider.base_url_variable);
    }
    for login in provider.kept_logins {
        match login.place {
            LoginPlace::File => wanted.file_logins.push(login.source),
            LoginPlace::Document => wanted.document_logins.push(provider.id),
        }
    }
    wanted
}

/// Returns the pool of the custom endpoint with this base URL, by the configuration's `custom_providers`; `None` if no
/// entry has the URL.
pub fn pool_key_for_base_url(base_url: &str, config: &Map<String, Value>) -> Option<PoolKey> {
    let wanted = trimmed_url(base_url);
    custom_providers(config)
        .find(|(_, entry)| !wanted.is_empty() && trimmed_url(text(entry, "base_url")) == wanted)
        .map(|(name, _)| PoolKey::custom(name))
}

/// Returns the strategy that the configuration names for the pool; `None` if it names none.
pub(crate) fn configured_strategy<'a>(sources: &'a Sources, pool: &PoolKey) -> Option<&'a Value> {
    sources.config.as_ref()?.get(STRATEGIES)?.get(pool.as_str())
}

/// Returns the policy that the configuration holds for the pool; `None` if it holds none.
pub(crate) fn configured_policy<'a>(sources: &'a Sources, pool: &PoolKey) -> Option<&'a Value> {
    sources.config.as_ref()?.get(POLICIES)?.get(pool.as_str())
}

/// Discovered credential.
pub(crate) struct Found {
    pub(crate) source: Source,
    /// Fields of its row, without nulls.
    pub(crate) fields: RowFields,
}

/// Returns all credentials that the host shows for a pool, in the order in which they join it.
pub(crate) fn discover(pool: &PoolKey, sources: &Sources) -> Vec<Found> {
    match pool.is_custom() {
        true => from_config(pool, sources).into_iter().chain(from_model(pool, sources)).collect(),
        false => from_logins(pool, sources).chain(from_environment(pool, sources)).collect(),
    }
}

/// Returns whether the host shows the place that `source` comes from, so that its absence means something.
pub(crate) fn is_shown(source: &Source, sources: &Sources) -> bool {
    match providers::kept_login(source.as_str()).map(|login| login.place) {
        Some(LoginPlace::File) => sources.file_logins.is_some(),
        Some(LoginPlace::Document) => sources.document_logins.is_some(),
        None if source.as_str().starts_with("env:") => sources.env.is_some(),
        None => sources.config.is_some(),
    }
}

const STRATEGIES: &str = "credential_pool_strategies";
const POLICIES: &str = "credential_pool_policies";
const CUSTOM_PROVIDERS: &str = "custom_providers";
const MODEL: &str = "model";

fn from_logins<'a>(pool: &'a PoolKey, sources: &'a Sources) -> impl Iterator<Item = Found> + 'a {
    let provider = providers::by_id(pool);
    let logins =
        provider.into_iter().flat_map(|provider| provider.kept_logins.iter().map(|login| (provider.id, login)));
    logins.filter_map(|(provider, KeptLogin { source, place, row })| {
        let kept = match place {
            LoginPlace::File => sources.file_logins.as_ref()?.get(*source)?,
            LoginPlace::Document => sources.document_logins.as_ref()?.get(provider)?,
        };
        let mut fields = row(kept.as_object()?)?;
        fields.insert("auth_type".to_owned(), "oauth".into());
        let label = jwt::label(text(&fields, "access_token"), source);
        fields.insert("label".to_owned(), label.into());
        Some(found((*source).to_owned(), RowFields(fields)))
    })
}

fn from_environment(pool: &PoolKey, sources: &Sources) -> Vec<Found> {
    let (Some(env), Some(provider)) = (&sources.env, providers::by_id(pool)) else { return Vec::new() };
    let variable = |name: &str| env.get(name).map_or("", |value| cleaned(value));
    let base_url = match provider.base_url_variable.map(variable).map(trimmed_url) {
        Some(url) if !url.is_empty() => Some(url),
        _ => provider.base_url,
    };
    let mut all = Vec::new();
    for name in provider.key_variables {
        let key = variable(name);
        if !key.is_empty() {
            let auth_type = match provider.told_kind(key).unwrap_or(provider.discovered_kind) {
                SecretKind::Login => "oauth",
                SecretKind::Key => "api_key",
            };
            let fields = json!({ "auth_type": auth_type, "access_token": key, "base_url": base_url, "label": name });
            all.push(found(format!("env:{name}"), object(fields)));
        }
    }
    all
}

fn from_config(pool: &PoolKey, sources: &Sources) -> Option<Found> {
    let (name, entry) = custom_providers(sources.config.as_ref()?).find(|(name, _)| PoolKey::custom(name) == *pool)?;
    let key = cleaned(text(entry, "api_key"));
    let source = format!("config:{}", name.trim());
    let label = if name.trim().is_empty() { &source } else { name.trim() };
    let base_url = trimmed_url(text(entry, "base_url"));
    (!key.is_empty()).then(|| found(source.clone(), key_row(key, base_url, label)))
}

fn from_model(pool: &PoolKey, sources: &Sources) -> Option<Found> {
    let config = sources.config.as_ref()?;
    let model = config.get(MODEL)?.as_object()?;
    let key = ["api_key", "api"].into_iter().map(|name| cleaned(text(model, name))).find(|key| !key.is_empty())?;
    let base_url = trimmed_url(text(model, "base_url"));
    let is_ours = text(model, "provider").trim().to_lowercase() == "custom"
        && pool_key_for_base_url(base_url, config).as_ref() == Some(pool);
    is_ours.then(|| found("model_config".to_owned(), key_row(key, base_url, "model_config")))
}

/// Returns the well-formed entries of `custom_providers`, with their names.
fn custom_providers(config: &Map<String, Value>) -> impl Iterator<Item = (&str, &Map<String, Value>)> {
    config
        .get(CUSTOM_PROVIDERS)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some((entry.get("name")?.as_str()?, entry.as_object()?)))
}

fn found(source: String, mut fields: RowFields) -> Found {
    fields.0.retain(|_, value| !value.is_null());
    fields.0.insert("source".to_owned(), source.as_str().into());
    Found { source: source.into(), fields }
}

fn key_row(key: &str, base_url: &str, label: &str) -> RowFields {
    object(json!({ "auth_type": "api_key", "access_token": key, "base_url": base_url, "label": label }))
}

fn object(value: Value) -> RowFields {
    match value {
        Value::Object(fields) => RowFields(fields),
        _ => RowFields::default(),
    }
}

fn text<'a>(map: &'a Map<String, Value>, name: &str) -> &'a str {
    map.get(name).and_then(Value::as_str).unwrap_or("")
}

fn trimmed_url(url: &str) -> &str {
    url.trim().trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_found_under_the_pool_s_key_as_it_stands_there() {
        let zai = PoolKey::parse("zai").unwrap();
        let cases = [
            (json!({}), None),
            (json!({ "config": {} }), None),
            (json!({ "config": { "credential_pool_policies": 7 } }), None),
            (json!({ "config": { "credential_pool_policies": { "nous": {} } } }), None),
            (json!({ "config": { "credential_pool_policies": { "zai": null } } }), Some(json!(null))),
            (
                json!({ "config": { "credential_pool_policies": { "zai": { "lease_ms": 1 } } } }),
                Some(json!({ "lease_ms": 1 })),
            ),
        ];
        for (sources, expected) in cases {
            let read: Sources = serde_json::from_value(sources.clone()).unwrap();
            assert_eq!(configured_policy(&read, &zai).cloned(), expected, "{sources}");
        }
        for key in ["zai", "custom:box"] {
            let config = wanted(&PoolKey::parse(key).unwrap()).config;
            assert_eq!(config.get(..2), Some(["credential_pool_strategies", "credential_pool_policies"].as_slice()));
        }
    }
}
