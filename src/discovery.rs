//! Credentials that a host shows the pool: environment, logins and configuration.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    credential::{Source, row_fields::RowFields},
    jwt,
    provider::{PoolKey, ProviderKind},
};

/// What the host shows the pool for discovery; [`wanted`] says what a pool looks at.
///
/// What is not shown (`None`) is neither discovered nor missed: rows that came from there stay.
/// What is shown and empty is: rows that came from there are pruned.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Sources {
    /// Environment variables by name.
    pub env: Option<BTreeMap<String, String>>,
    /// The host's configuration: `credential_pool_strategies`, `credential_pool_policies`,
    /// `custom_providers`, `model`.
    pub config: Option<Map<String, Value>>,
    /// Logins that other programs keep in files, by source (`hermes_pkce`, `claude_code`); each
    /// with `accessToken`, `refreshToken` and `expiresAt` (milliseconds), or null.
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

/// What a pool looks at, so that a host need not show it everything it has.
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

/// What the pool with this key looks at.
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
    if let Some(provider) = pool.provider().filter(|provider| provider.kind == ProviderKind::ApiKey) {
        wanted.env.extend(provider.key_variables);
        wanted.env.extend(provider.base_url_variable);
    }
    for login in LOGINS.iter().filter(|login| login.provider == pool.as_str()) {
        match login.kept {
            Kept::InFile => wanted.file_logins.push(login.source),
            Kept::InDocument => wanted.document_logins.push(login.provider),
        }
    }
    wanted
}

/// The pool of the custom endpoint with this base URL, by the configuration's `custom_providers`.
pub fn pool_key_for_base_url(base_url: &str, config: &Map<String, Value>) -> Option<PoolKey> {
    let wanted = trimmed_url(base_url);
    custom_providers(config)
        .find(|(_, entry)| !wanted.is_empty() && trimmed_url(text(entry, "base_url")) == wanted)
        .map(|(name, _)| PoolKey::custom(name))
}

/// The strategy that the configuration names for the pool, as it stands there.
pub(crate) fn configured_strategy<'a>(sources: &'a Sources, pool: &PoolKey) -> Option<&'a Value> {
    sources.config.as_ref()?.get(STRATEGIES)?.get(pool.as_str())
}

/// The policy that the configuration holds for the pool, as it stands there.
pub(crate) fn configured_policy<'a>(sources: &'a Sources, pool: &PoolKey) -> Option<&'a Value> {
    sources.config.as_ref()?.get(POLICIES)?.get(pool.as_str())
}

/// A credential that was discovered.
pub(crate) struct Found {
    pub(crate) source: Source,
    /// The fields of its row; those that are null say nothing.
    pub(crate) fields: RowFields,
}

/// All credentials of a pool that the host shows, in the order in which they join it.
pub(crate) fn discover(pool: &PoolKey, sources: &Sources) -> Vec<Found> {
    match pool.is_custom() {
        true => from_config(pool, sources).into_iter().chain(from_model(pool, sources)).collect(),
        false => from_logins(pool, sources).chain(from_environment(pool, sources)).collect(),
    }
}

/// Whether the host shows the place that `source` comes from, so that its absence means something.
pub(crate) fn is_shown(source: &Source, sources: &Sources) -> bool {
    let kept = LOGINS.iter().find(|login| login.source == source.as_str()).map(|login| login.kept);
    match kept {
        Some(Kept::InFile) => sources.file_logins.is_some(),
        Some(Kept::InDocument) => sources.document_logins.is_some(),
        None if source.as_str().starts_with("env:") => sources.env.is_some(),
        None => sources.config.is_some(),
    }
}

/// The place of a source in the ranking of anthropic's discovered credentials.
pub(crate) fn anthropic_rank(source: &Source) -> usize {
    const RANKING: [&str; 5] =
        ["env:ANTHROPIC_TOKEN", "env:CLAUDE_CODE_OAUTH_TOKEN", "hermes_pkce", "claude_code", "env:ANTHROPIC_API_KEY"];
    RANKING.iter().position(|ranked| *ranked == source.as_str()).unwrap_or(RANKING.len())
}

const STRATEGIES: &str = "credential_pool_strategies";
const POLICIES: &str = "credential_pool_policies";
const CUSTOM_PROVIDERS: &str = "custom_providers";
const MODEL: &str = "model";

/// A login that somebody else keeps.
struct Login {
    provider: &'static str,
    source: &'static str,
    kept: Kept,
    /// The fields of its row, or none if nobody is logged in.
    fields: fn(&Map<String, Value>) -> Option<RowFields>,
}

#[derive(Clone, Copy)]
enum Kept {
    InFile,
    InDocument,
}

/// All logins that are discovered, in the order in which they join their pool.
const LOGINS: [Login; 4] = [
    Login { provider: "anthropic", source: "hermes_pkce", kept: Kept::InFile, fields: file_login },
    Login { provider: "anthropic", source: "claude_code", kept: Kept::InFile, fields: file_login },
    Login { provider: "nous", source: "device_code", kept: Kept::InDocument, fields: nous_login },
    Login { provider: "openai-codex", source: "device_code", kept: Kept::InDocument, fields: codex_login },
];

fn from_logins<'a>(pool: &'a PoolKey, sources: &'a Sources) -> impl Iterator<Item = Found> + 'a {
    LOGINS.iter().filter(|login| login.provider == pool.as_str()).filter_map(|login| {
        let kept = match login.kept {
            Kept::InFile => sources.file_logins.as_ref()?.get(login.source)?,
            Kept::InDocument => sources.document_logins.as_ref()?.get(login.provider)?,
        };
        let mut fields = (login.fields)(kept.as_object()?)?;
        fields.0.insert("auth_type".to_owned(), "oauth".into());
        let label = jwt::label(text(&fields.0, "access_token"), login.source);
        fields.0.insert("label".to_owned(), label.into());
        Some(found(login.source.to_owned(), fields))
    })
}

fn file_login(login: &Map<String, Value>) -> Option<RowFields> {
    let field = |name| login.get(name).cloned().unwrap_or_default();
    (!text(login, "accessToken").is_empty()).then(|| {
        object(json!({
            "access_token": field("accessToken"),
            "refresh_token": field("refreshToken"),
            "expires_at_ms": field("expiresAt"),
        }))
    })
}

fn nous_login(login: &Map<String, Value>) -> Option<RowFields> {
    const COPIED: [&str; 10] = [
        "access_token",
        "refresh_token",
        "expires_at",
        "token_type",
        "scope",
        "client_id",
        "portal_base_url",
        "inference_base_url",
        "agent_key",
        "agent_key_expires_at",
    ];
    let tls = login.get("tls").filter(|tls| tls.is_object()).map(|tls| ("tls", tls));
    let copied = COPIED.into_iter().filter_map(|name| Some((name, login.get(name)?)));
    let fields: Map<_, _> = copied.chain(tls).map(|(name, value)| (name.to_owned(), value.clone())).collect();
    (!fields.is_empty()).then_some(RowFields(fields))
}

fn codex_login(login: &Map<String, Value>) -> Option<RowFields> {
    let tokens = login.get("tokens")?.as_object()?;
    (!text(tokens, "access_token").is_empty()).then(|| {
        object(json!({
            "access_token": tokens.get("access_token"),
            "refresh_token": tokens.get("refresh_token"),
            "base_url": "https://chatgpt.com/backend-api/codex",
            "last_refresh": login.get("last_refresh"),
        }))
    })
}

fn from_environment(pool: &PoolKey, sources: &Sources) -> Vec<Found> {
    let (Some(env), Some(provider)) = (&sources.env, pool.provider()) else { return Vec::new() };
    if provider.kind != ProviderKind::ApiKey {
        return Vec::new();
    }
    let variable = |name: &str| env.get(name).map_or("", |value| value.trim());
    let base_url = match provider.base_url_variable.map(variable).map(trimmed_url) {
        Some(url) if !url.is_empty() => url,
        _ => provider.base_url,
    };
    let mut all = Vec::new();
    for name in provider.key_variables {
        let key = variable(name);
        if !key.is_empty() {
            let is_login = pool.is_anthropic() && !key.starts_with("sk-ant-api");
            let auth_type = if is_login { "oauth" } else { "api_key" };
            let fields = json!({ "auth_type": auth_type, "access_token": key, "base_url": base_url, "label": name });
            all.push(found(format!("env:{name}"), object(fields)));
        }
    }
    all
}

fn from_config(pool: &PoolKey, sources: &Sources) -> Option<Found> {
    let (name, entry) = custom_providers(sources.config.as_ref()?).find(|(name, _)| PoolKey::custom(name) == *pool)?;
    let key = text(entry, "api_key").trim();
    let source = format!("config:{}", name.trim());
    let label = if name.trim().is_empty() { &source } else { name.trim() };
    let base_url = trimmed_url(text(entry, "base_url"));
    (!key.is_empty()).then(|| found(source.clone(), key_row(key, base_url, label)))
}

fn from_model(pool: &PoolKey, sources: &Sources) -> Option<Found> {
    let config = sources.config.as_ref()?;
    let model = config.get(MODEL)?.as_object()?;
    let key = ["api_key", "api"].into_iter().map(|name| text(model, name).trim()).find(|key| !key.is_empty())?;
    let base_url = trimmed_url(text(model, "base_url"));
    let is_ours = text(model, "provider").trim().to_lowercase() == "custom"
        && pool_key_for_base_url(base_url, config).as_ref() == Some(pool);
    is_ours.then(|| found("model_config".to_owned(), key_row(key, base_url, "model_config")))
}

/// The well-formed entries of `custom_providers`, with their names.
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
