//! The table of providers. A provider is one file of data here and one line in [`PROVIDERS`].
//!
//! A pool's provider is found by the pool key. Where no provider has this id, failure rules and authentication are found by
//! the host of the credential's base URL, else by an alias. Discovery, refresh and login go by the id alone: a secret is
//! looked for and spent in a single pool.

mod ai_gateway;
mod alibaba;
mod anthropic;
pub(crate) mod auth_style;
mod azure_openai;
mod bedrock;
mod cerebras;
mod cohere;
mod copilot;
mod copilot_acp;
mod deepseek;
mod fireworks;
mod gemini;
mod groq;
mod huggingface;
mod kilocode;
mod kimi_coding;
#[cfg(test)]
mod made_up;
mod minimax;
mod minimax_cn;
mod mistral;
mod moonshot;
mod nous;
mod ollama_cloud;
mod openai;
mod openai_codex;
mod opencode_go;
mod opencode_zen;
mod openrouter;
mod perplexity;
pub(crate) mod provider;
mod siliconflow;
#[cfg(test)]
mod tests;
mod together;
mod xai;
mod zai;

use std::sync::LazyLock;

use serde::Serialize;

use crate::{
    oauth::flow::{LoginEndpoints, RefreshFlow, TokenServer},
    pool_key::PoolKey,
    sorted::Sorted,
    web_address,
};
use provider::{Carried, GENERIC, KeptLogin, Provider};

/// All providers.
static PROVIDERS: &[&Provider] = &[
    &nous::PROVIDER,
    &openai_codex::PROVIDER,
    &copilot::PROVIDER,
    &copilot_acp::PROVIDER,
    &zai::PROVIDER,
    &kimi_coding::PROVIDER,
    &minimax::PROVIDER,
    &anthropic::PROVIDER,
    &alibaba::PROVIDER,
    &minimax_cn::PROVIDER,
    &deepseek::PROVIDER,
    &ai_gateway::PROVIDER,
    &opencode_zen::PROVIDER,
    &opencode_go::PROVIDER,
    &kilocode::PROVIDER,
    &huggingface::PROVIDER,
    &openrouter::PROVIDER,
    &openai::PROVIDER,
    &gemini::PROVIDER,
    &groq::PROVIDER,
    &mistral::PROVIDER,
    &xai::PROVIDER,
    &together::PROVIDER,
    &fireworks::PROVIDER,
    &cerebras::PROVIDER,
    &cohere::PROVIDER,
    &perplexity::PROVIDER,
    &azure_openai::PROVIDER,
    &bedrock::PROVIDER,
    &ollama_cloud::PROVIDER,
    &siliconflow::PROVIDER,
    &moonshot::PROVIDER,
    #[cfg(test)]
    &made_up::PROVIDER,
];

/// Facts of a provider for people who add a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProviderFacts {
    /// Pool key.
    pub id: &'static str,
    /// Other pool keys of the same provider.
    pub aliases: &'static [&'static str],
    /// Name for people.
    pub name: &'static str,
    /// Base URL; `None` if each account has its own.
    pub base_url: Option<&'static str>,
    /// Environment variables that may hold its keys, in the order of discovery.
    pub key_variables: &'static [&'static str],
    /// Environment variable that overrides the base URL.
    pub base_url_variable: Option<&'static str>,
    /// Whether a [`Login`](crate::Login) needs no configuration.
    pub logs_in: bool,
    /// Whether the pool refreshes its logins.
    pub refreshes: bool,
}

/// Returns the facts of all providers, by id.
///
/// ```
/// let all = credential_pool::providers();
/// let groq = all.iter().find(|provider| provider.id == "groq").unwrap();
/// assert_eq!((groq.name, groq.key_variables), ("Groq", ["GROQ_API_KEY"].as_slice()));
/// ```
pub fn providers() -> Vec<ProviderFacts> {
    let facts = |provider: &Provider| ProviderFacts {
        id: provider.id,
        aliases: provider.aliases,
        name: provider.name,
        base_url: provider.base_url,
        key_variables: provider.key_variables,
        base_url_variable: provider.base_url_variable,
        logs_in: provider.login.is_some(),
        refreshes: provider.refresh.is_some(),
    };
    let mut all: Vec<_> = all().map(facts).collect();
    all.sort_unstable_by_key(|facts| facts.id);
    all
}

/// Returns all providers.
pub(crate) fn all() -> impl Iterator<Item = &'static Provider> {
    PROVIDERS.iter().copied()
}

/// Returns the provider with this id; `None` if no provider has it.
///
/// An alias is no id: of two pools that discover or refresh the same login, each would spend its refresh token.
pub(crate) fn by_id(pool: &PoolKey) -> Option<&'static Provider> {
    /// Providers by id: rows ask by the hundred thousand.
    static BY_ID: LazyLock<Sorted<&str, &Provider>> = LazyLock::new(|| {
        let mut by_id = Sorted::default();
        for provider in all() {
            by_id.insert(provider.id, provider);
        }
        by_id
    });
    BY_ID.get(pool.as_str()).copied()
}

/// Returns the provider of a credential: by the pool's id, else by the host of the base URL, else by an alias, else the
/// generic provider.
pub(crate) fn of(pool: &PoolKey, base_url: Option<&str>) -> &'static Provider {
    by_id(pool)
        .or_else(|| by_host(&web_address::host(base_url?)?))
        .or_else(|| by_alias(pool.as_str()))
        .unwrap_or(&GENERIC)
}

/// Returns the refresh flow of a pool's logins; `None` if the pool cannot refresh them.
pub(crate) fn refresh_flow(pool: &PoolKey) -> Option<&'static RefreshFlow> {
    by_id(pool)?.refresh.as_ref()
}

/// Returns the provider's own login; `None` if it offers none.
pub(crate) fn login_endpoints(pool: &PoolKey) -> Option<&'static LoginEndpoints> {
    by_id(pool)?.login.as_ref()
}

/// Returns whether the keys of a pool's logins come from a portal that each row may name.
pub(crate) fn has_portal(pool: &PoolKey) -> bool {
    refresh_flow(pool).is_some_and(|flow| matches!(flow.server, TokenServer::Portal(_)))
}

/// Returns whether requests of a pool carry the agent key of a row that has one.
pub(crate) fn carries_agent_key(pool: &PoolKey) -> bool {
    by_id(pool).is_some_and(|provider| provider.carries == Carried::AgentKey)
}

/// Returns the ranking of the sources of a pool's discovered credentials; empty if they keep their order.
pub(crate) fn source_ranking(pool: &PoolKey) -> &'static [&'static str] {
    by_id(pool).map_or(&[], |provider| provider.source_ranking)
}

/// Returns the login of another program that has this source; `None` if no program's login has it.
pub(crate) fn kept_login(source: &str) -> Option<&'static KeptLogin> {
    all().flat_map(|provider| provider.kept_logins).find(|login| login.source == source)
}

/// Returns the provider with this alias; `None` if no provider has it.
fn by_alias(key: &str) -> Option<&'static Provider> {
    all().find(|provider| provider.aliases.contains(&key))
}

/// Returns the provider that serves this host; `None` if no provider does.
fn by_host(host: &str) -> Option<&'static Provider> {
    all().find(|provider| provider.hosts.iter().any(|domain| is_within(host, domain)))
}

/// Returns whether a host is the domain or a subdomain of it. The label `*` of a domain stands for any label.
fn is_within(host: &str, domain: &str) -> bool {
    let mut labels = host.rsplit('.');
    domain
        .rsplit('.')
        .all(|wanted| labels.next().is_some_and(|label| label == wanted || wanted == "*" && !label.is_empty()))
}
