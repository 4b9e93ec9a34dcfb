//! Providers through the public API: what a pool of each reads, discovers, and sends as authentication.

use std::collections::BTreeMap;

use credential_pool::{
    FailureKind, NextMove, Pool, PoolKey, Request, Response, Sources, Stored, Timestamp, Wake, WakeReason, providers,
    wanted,
};
use serde_json::{Value, json};

use crate::host::{Host, START, key};

/// Providers that every user has: id, variables of keys, variable of the base URL, base URL, a further base URL at one of
/// the provider's hosts, and the header that carries a key.
const TABLE: &str = "
openai | OPENAI_API_KEY | OPENAI_BASE_URL | https://api.openai.com/v1 | https://eu.api.openai.com/v1 | authorization: Bearer KEY
gemini | GOOGLE_API_KEY GEMINI_API_KEY | GEMINI_BASE_URL | https://generativelanguage.googleapis.com/v1beta | https://generativelanguage.googleapis.com | x-goog-api-key: KEY
groq | GROQ_API_KEY | - | https://api.groq.com/openai/v1 | https://api.groq.com | authorization: Bearer KEY
mistral | MISTRAL_API_KEY | - | https://api.mistral.ai/v1 | https://api.mistral.ai | authorization: Bearer KEY
xai | XAI_API_KEY | XAI_BASE_URL | https://api.x.ai/v1 | https://us-east-1.api.x.ai/v1 | authorization: Bearer KEY
together | TOGETHER_API_KEY | TOGETHER_BASE_URL | https://api.together.xyz/v1 | https://api.together.ai/v1 | authorization: Bearer KEY
fireworks | FIREWORKS_API_KEY | - | https://api.fireworks.ai/inference/v1 | https://api.fireworks.ai | authorization: Bearer KEY
cerebras | CEREBRAS_API_KEY | - | https://api.cerebras.ai/v1 | https://api.cerebras.ai | authorization: Bearer KEY
cohere | CO_API_KEY COHERE_API_KEY | - | https://api.cohere.ai/compatibility/v1 | https://api.cohere.com/v2 | authorization: Bearer KEY
perplexity | PERPLEXITY_API_KEY | PERPLEXITY_BASE_URL | https://api.perplexity.ai | https://api.perplexity.ai/v1 | authorization: Bearer KEY
azure-openai | AZURE_OPENAI_API_KEY | AZURE_OPENAI_ENDPOINT | - | https://mine.openai.azure.com | api-key: KEY
bedrock | AWS_BEARER_TOKEN_BEDROCK | AWS_ENDPOINT_URL_BEDROCK_RUNTIME | - | https://bedrock-runtime.us-east-1.amazonaws.com | authorization: Bearer KEY
ollama-cloud | OLLAMA_API_KEY | - | https://ollama.com/v1 | https://ollama.com/api | authorization: Bearer KEY
siliconflow | SILICONFLOW_API_KEY | - | https://api.siliconflow.com/v1 | https://api.siliconflow.cn/v1 | authorization: Bearer KEY
moonshot | MOONSHOT_API_KEY | - | https://api.moonshot.ai/v1 | https://api.moonshot.cn/v1 | authorization: Bearer KEY
";

#[test]
fn a_pool_reads_and_discovers_its_provider_s_variables() {
    let rows: Vec<_> = TABLE.trim().lines().map(|line| line.split(" | ").collect::<Vec<_>>()).collect();
    assert_eq!(rows.len(), 15);
    for row in rows {
        let [id, key_variables, base_url_variable, base_url, other, auth] = row[..] else { panic!("{row:?}") };
        let key_variables: Vec<_> = key_variables.split(' ').collect();
        let [base_url_variable, base_url] =
            [base_url_variable, base_url].map(|told| Some(told).filter(|it| *it != "-"));
        let pool_key = PoolKey::parse(id).unwrap();
        let variables: Vec<_> = key_variables.iter().copied().chain(base_url_variable).collect();
        assert_eq!(wanted(&pool_key).env, variables, "{id}");

        let mut env: BTreeMap<_, _> = key_variables.iter().map(|name| ((*name).to_owned(), "KEY".to_owned())).collect();
        assert_eq!(bases(&pool_key, &env), vec![base_url.map(str::to_owned); key_variables.len()], "{id}");
        if let Some(variable) = base_url_variable {
            env.insert(variable.to_owned(), format!(" {other}/ "));
            assert_eq!(bases(&pool_key, &env), vec![Some(other.to_owned()); key_variables.len()], "{id}");
        }

        let sent = |pool: &str| auth_of(pool, json!({ "access_token": "KEY", "base_url": other }));
        assert_eq!(sent(id)["headers"], header(auth), "{id}");
        assert_eq!(sent("custom:mine")["headers"], header(auth), "{id} by its host");
    }
}

#[test]
fn authentication_is_the_provider_s_for_the_kind_of_secret() {
    let codex =
        format!("e30.{}.c2ln", "eyJodHRwczovL2FwaS5vcGVuYWkuY29tL2F1dGgiOnsiY2hhdGdwdF9hY2NvdW50X2lkIjoiYWNjLTEifX0");
    let oauth_beta = json!([["anthropic-beta", "oauth-2025-04-20"]]);
    let gemini = "https://generativelanguage.googleapis.com/v1beta/openai/";
    for (pool, row, headers, append) in [
        ("anthropic", json!({ "access_token": "sk-ant-api03-k" }), json!([["x-api-key", "sk-ant-api03-k"]]), json!([])),
        ("anthropic", json!({ "access_token": "k" }), json!([["x-api-key", "k"]]), json!([])),
        (
            "anthropic",
            json!({ "access_token": "sk-ant-oat01-t" }),
            json!([["authorization", "Bearer sk-ant-oat01-t"]]),
            oauth_beta.clone(),
        ),
        (
            "anthropic",
            json!({ "access_token": "t", "auth_type": "oauth" }),
            json!([["authorization", "Bearer t"]]),
            oauth_beta,
        ),
        (
            "anthropic",
            json!({ "access_token": "sk-ant-api03-k", "auth_type": "oauth" }),
            json!([["x-api-key", "sk-ant-api03-k"]]),
            json!([]),
        ),
        ("gemini", json!({ "access_token": "k" }), json!([["x-goog-api-key", "k"]]), json!([])),
        (
            "gemini",
            json!({ "access_token": "t", "auth_type": "oauth" }),
            json!([["authorization", "Bearer t"]]),
            json!([]),
        ),
        (
            "gemini",
            json!({ "access_token": "k", "base_url": gemini }),
            json!([["authorization", "Bearer k"]]),
            json!([]),
        ),
        (
            "custom:google",
            json!({ "access_token": "k", "base_url": gemini }),
            json!([["authorization", "Bearer k"]]),
            json!([]),
        ),
        ("azure", json!({ "access_token": "k" }), json!([["api-key", "k"]]), json!([])),
        (
            "azure",
            json!({ "access_token": "t", "auth_type": "oauth" }),
            json!([["authorization", "Bearer t"]]),
            json!([]),
        ),
        (
            "openai-codex",
            json!({ "access_token": codex, "auth_type": "oauth" }),
            json!([["authorization", format!("Bearer {codex}")], ["chatgpt-account-id", "acc-1"]]),
            json!([]),
        ),
        (
            "openai-codex",
            json!({ "access_token": "t", "auth_type": "oauth" }),
            json!([["authorization", "Bearer t"]]),
            json!([]),
        ),
        (
            "nous",
            json!({ "access_token": "t", "agent_key": "ak", "auth_type": "oauth" }),
            json!([["authorization", "Bearer ak"]]),
            json!([]),
        ),
        (
            "custom:box",
            json!({ "access_token": "k", "base_url": "http://127.0.0.1:8080/v1" }),
            json!([["authorization", "Bearer k"]]),
            json!([]),
        ),
        (
            "custom:claude",
            json!({ "access_token": "k", "base_url": "https://api.anthropic.com" }),
            json!([["x-api-key", "k"]]),
            json!([]),
        ),
        ("nobody", json!({ "access_token": "k" }), json!([["authorization", "Bearer k"]]), json!([])),
    ] {
        let auth = auth_of(pool, row.clone());
        assert_eq!(
            (&auth["headers"], &auth["append"], &auth["query"]),
            (&headers, &append, &json!([])),
            "{pool}: {row}"
        );
    }
}

#[test]
fn every_other_place_of_authentication_is_removed() {
    let all = ["api-key", "authorization", "chatgpt-account-id", "x-api-key", "x-goog-api-key"];
    for provider in providers() {
        for auth_type in ["api_key", "oauth"] {
            let auth = auth_of(provider.id, json!({ "access_token": "k", "auth_type": auth_type }));
            let set: Vec<_> =
                auth["headers"].as_array().unwrap().iter().map(|pair| pair[0].as_str().unwrap()).collect();
            let rest: Vec<_> = all.into_iter().filter(|name| !set.contains(name)).collect();
            assert_eq!(auth["remove"]["headers"], json!(rest), "{}", provider.id);
            assert_eq!(auth["remove"]["query"], json!(["access_token", "api-key", "key"]), "{}", provider.id);
        }
    }
}

#[test]
fn a_report_is_judged_by_the_provider_at_the_credential_s_base_url() {
    let spent = Response { status: Some(429), body: r#"{"error":{"code":"1113"}}"#.to_owned(), ..Response::default() };
    for (base_url, expected) in [
        (Some("https://open.bigmodel.cn/api/paas/v4"), FailureKind::Quota),
        (Some("https://box.test/v1"), FailureKind::RateLimited),
        (None, FailureKind::RateLimited),
    ] {
        let mut row = key("a", 0);
        row["base_url"] = json!(base_url);
        let mut host = Host::open("custom:bigmodel", json!([row]));
        let step = host.pool.lease(Request::default(), host.now);
        let NextMove::Use { lease, .. } = host.carry_out(step) else { panic!("the key serves") };
        let step = host.pool.report(lease, &spent, host.now).unwrap();
        let told = step.events.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        let name = match expected {
            FailureKind::Quota => "quota",
            _ => "rate",
        };
        assert!(told.contains(name), "{base_url:?}: {told}");
    }
}

#[test]
fn a_late_report_is_judged_by_the_base_url_as_well() {
    let mut row = key("a", 0);
    row["base_url"] = json!("https://open.bigmodel.cn/api/paas/v4");
    let mut host = Host::open("custom:bigmodel", json!([row]));
    let step = host.pool.lease(Request::default(), host.now);
    let NextMove::Use { lease, .. } = host.carry_out(step) else { panic!("the key serves") };
    let until = loop {
        let Wake { at, reason } = host.pool.wake().unwrap();
        let step = host.pool.tick(at);
        host.carry_out(step);
        if reason == WakeReason::LeaseEnds {
            break at;
        }
    };
    let locked = Response { status: Some(429), body: r#"{"error":{"code":"1112"}}"#.to_owned(), ..Response::default() };
    let step = host.pool.report(lease, &locked, until).unwrap();
    assert_eq!(step.value, NextMove::Late { served: false });
    host.carry_out(step);
    assert_eq!(host.row("a")["last_error_reason"], "revoked");
}

#[test]
fn facts_of_providers_come_as_json() {
    let all = serde_json::to_value(providers()).unwrap();
    let ids: Vec<_> = all.as_array().unwrap().iter().map(|facts| facts["id"].as_str().unwrap()).collect();
    assert!(ids.is_sorted() && ids.len() == 32, "{ids:?}");
    let of = |id: &str| all.as_array().unwrap().iter().find(|facts| facts["id"] == id).unwrap().clone();
    assert_eq!(
        of("nous"),
        json!({
            "id": "nous", "aliases": [], "name": "Nous Portal", "baseUrl": "https://inference-api.nousresearch.com/v1",
            "keyVariables": [], "baseUrlVariable": null, "logsIn": true, "refreshes": true,
        })
    );
    assert_eq!(of("azure-openai")["baseUrl"], Value::Null);
    assert_eq!((&of("anthropic")["logsIn"], &of("anthropic")["refreshes"]), (&json!(false), &json!(true)));
}

/// The base URLs of the rows that a pool discovers.
fn bases(key: &PoolKey, env: &BTreeMap<String, String>) -> Vec<Option<String>> {
    let sources = Sources { env: Some(env.clone()), ..Sources::default() };
    let (pool, _) = Pool::open(key.clone(), &Stored::default(), &sources, [7; 32], START);
    pool.entries(START).into_iter().map(|entry| entry.base_url).collect()
}

/// The authentication of a pool's only row, as JSON.
fn auth_of(pool: &str, mut row: Value) -> Value {
    row["id"] = json!("a");
    let stored = Stored { rows: vec![row], ..Stored::default() };
    let now = Timestamp::from_millis(0);
    let (pool, _) = Pool::open(PoolKey::parse(pool).unwrap(), &stored, &Sources::default(), [7; 32], now);
    let runtime = pool.runtime(&"a".into()).unwrap();
    let shown = format!("{:?} {runtime:?}", runtime.auth);
    assert!(!shown.contains("Bearer") && !shown.contains(&format!("\"{}\"", runtime.key)), "{shown}");
    serde_json::to_value(&runtime.auth).unwrap()
}

fn header(text: &str) -> Value {
    let (name, value) = text.split_once(": ").unwrap();
    json!([[name, value]])
}
