//! The table of providers: lookups, and that a file and a line are all that a provider needs.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::{
    CredentialId, FailureKind, LoginConfig, Pool, Response, Sources, Stored, Timestamp, diagnose, discovery::wanted,
};

const NOW: Timestamp = Timestamp::from_millis(1_785_398_299_000);

fn key(key: &str) -> PoolKey {
    PoolKey::parse(key).unwrap()
}

/// Opens a pool without rows of its own, with these sources.
fn discovered(pool: &str, sources: Value) -> Pool {
    let sources: Sources = serde_json::from_value(sources).unwrap();
    Pool::open(key(pool), &Stored::default(), &sources, [7; 32], NOW).0
}

/// Returns the JSON of a row's runtime.
fn runtime(pool: &str, row: Value) -> Value {
    let stored = Stored { rows: vec![row], ..Stored::default() };
    let (pool, _) = Pool::open(key(pool), &stored, &Sources::default(), [7; 32], NOW);
    serde_json::to_value(pool.runtime(&"a".into()).unwrap()).unwrap()
}

#[test]
fn a_file_and_a_line_are_all_that_a_provider_needs() {
    let seen = wanted(&key("made-up"));
    assert_eq!(seen.env, ["MADE_UP_KEY", "MADE_UP_TOKEN", "MADE_UP_URL"]);
    assert_eq!((seen.file_logins, seen.document_logins), (vec!["made_up_cli"], vec![]));

    let pool = discovered(
        "made-up",
        json!({
            "env": { "MADE_UP_KEY": "mu-login-1", "MADE_UP_TOKEN": "plain", "MADE_UP_URL": "https://eu.made-up.test/v1/" },
            "fileLogins": { "made_up_cli": { "token": "at", "end": NOW.as_millis() + 3_600_000 } },
        }),
    );
    let rows: Vec<_> =
        pool.entries(NOW).into_iter().map(|row| (row.source.as_str().to_owned(), row.auth_type)).collect();
    let expected = [("made_up_cli", "oauth"), ("env:MADE_UP_TOKEN", "api_key"), ("env:MADE_UP_KEY", "oauth")]
        .map(|(source, kind)| (source.to_owned(), kind.to_owned()));
    assert_eq!(rows, expected, "by the provider's ranking");
    assert_eq!(pool.entries(NOW)[1].base_url.as_deref(), Some("https://eu.made-up.test/v1"));

    let with_key = runtime("made-up", json!({ "id": "a", "access_token": "k" }));
    assert_eq!(with_key["auth"]["headers"], json!([["x-made-up-key", "Key k"]]));
    assert_eq!(with_key["auth"]["query"], json!([["made-up-key", "k"]]));
    let at_host = json!({ "id": "a", "access_token": "mu-login-2", "base_url": "https://EU.made-up.test:8443/v1" });
    let with_login = runtime("custom:mine", at_host);
    assert_eq!(with_login["auth"]["headers"], json!([["authorization", "Bearer mu-login-2"]]));
    assert_eq!(with_login["auth"]["append"], json!([["made-up-features", "logins"]]));
    let others = runtime("openrouter", json!({ "id": "a", "access_token": "k" }));
    let removed = |place: &str| others["auth"]["remove"][place].as_array().unwrap().clone();
    assert!(["x-made-up-key", "x-made-up-session"].iter().all(|name| removed("headers").contains(&json!(name))));
    assert!(removed("query").contains(&json!("made-up-key")));

    let empty = Response { status: Some(400), body: r#"{"code":"mu_empty"}"#.to_owned(), ..Response::default() };
    let kind = |pool, base_url| diagnose(&empty, &key(pool), base_url, NOW).kind;
    assert_eq!(kind("made-up", None), FailureKind::Quota);
    assert_eq!(kind("custom:mine", Some("https://api.made-up.test/v1")), FailureKind::Quota);
    assert_eq!(kind("custom:mine", None), FailureKind::RequestFault);
    let dated = "Too many requests, resets at 2026-07-30 08:00:00";
    let limited = Response { status: Some(429), body: dated.to_owned(), ..Response::default() };
    let hint = diagnose(&limited, &key("made-up"), None, NOW).hint.unwrap();
    assert_eq!(hint.until, Timestamp::from_millis(1_785_402_000_000), "the zone is an hour behind UTC");

    let facts = providers().into_iter().find(|facts| facts.id == "made-up").unwrap();
    assert_eq!((facts.name, facts.logs_in, facts.refreshes), ("Made Up", true, true));
    assert!(LoginConfig::of(&key("made-up"), None, None).is_ok());
    let login = json!({
        "id": "a", "auth_type": "oauth", "access_token": "at", "refresh_token": "rt", "expires_at_ms": NOW.as_millis(),
    });
    let stored = Stored { rows: vec![login], ..Stored::default() };
    let (mut pool, _) = Pool::open(key("made-up"), &stored, &Sources::default(), [7; 32], NOW);
    let step = pool.refresh(&CredentialId::from("a"), NOW).unwrap();
    let asked = step.intents.iter().find_map(|intent| match intent {
        crate::Intent::Refresh { request, .. } => Some(request.url.clone()),
        crate::Intent::Persist { .. } => None,
    });
    assert_eq!(asked.as_deref(), Some("https://login.made-up.test/token"));
}

#[test]
fn an_alias_discovers_and_refreshes_nothing_that_its_id_does() {
    let sources = json!({
        "env": { "MADE_UP_KEY": "k" },
        "fileLogins": { "made_up_cli": { "token": "at" } },
    });
    let pool = discovered("invented", sources);
    assert_eq!((pool.key().as_str(), pool.has_credentials()), ("invented", false));
    let seen = wanted(&key("invented"));
    assert_eq!((seen.env, seen.file_logins, seen.document_logins), (vec![], vec![], vec![]));
    for provider in all() {
        for alias in provider.aliases {
            assert!(by_id(&key(alias)).is_none() && refresh_flow(&key(alias)).is_none(), "{alias}");
        }
    }
    let by_alias = runtime("invented", json!({ "id": "a", "access_token": "k" }));
    assert_eq!(by_alias["auth"]["headers"], json!([["x-made-up-key", "Key k"]]), "rules and authentication hold");
}

#[test]
fn keys_and_hosts_name_one_provider_each() {
    let (mut keys, mut hosts) = (BTreeSet::new(), BTreeSet::new());
    for provider in all() {
        for name in provider.aliases.iter().chain([&provider.id]) {
            assert!(keys.insert(*name), "{name} names two providers");
            assert_eq!(PoolKey::parse(name).unwrap().as_str(), *name);
            assert_eq!(of(&key(name), None).id, provider.id);
        }
        for host in provider.hosts {
            assert!(hosts.insert(*host), "{host} belongs to two providers");
            assert_eq!(*host, host.to_lowercase());
        }
        assert!(!provider.name.is_empty());
        assert!(provider.base_url.is_some() || provider.base_url_variable.is_some(), "{}", provider.id);
    }
}

#[test]
fn names_of_headers_are_in_lower_case() {
    for provider in all() {
        let under = provider.key_auth_under.iter().map(|(_, style)| *style);
        for style in under.chain([provider.key_auth, provider.login_auth]) {
            let names = style.headers.iter().map(|(name, _)| *name).chain(style.claims.iter().map(|(name, _)| *name));
            for name in names.chain(style.append.iter().map(|(name, _)| *name)) {
                assert_eq!(name, name.to_lowercase(), "{}", provider.id);
            }
        }
    }
}

#[test]
fn a_provider_is_found_by_the_host_of_its_own_base_url() {
    for provider in all().filter(|provider| !["copilot-acp", "kimi-coding", "opencode-go"].contains(&provider.id)) {
        let Some(base_url) = provider.base_url else { continue };
        assert_eq!(of(&PoolKey::custom("mine"), Some(base_url)).id, provider.id);
    }
    // These share a host with a provider that has the same rules there.
    let at = |id: &str| of(&PoolKey::custom("mine"), by_id(&key(id)).unwrap().base_url).id;
    assert_eq!((at("kimi-coding"), at("opencode-go"), at("copilot-acp")), ("moonshot", "opencode-zen", ""));
}

#[test]
fn a_host_is_a_domain_or_a_subdomain_of_it() {
    let found = |url: &str| of(&PoolKey::custom("mine"), Some(url)).id;
    for (url, expected) in [
        ("https://open.bigmodel.cn/api/paas/v4", "zai"),
        ("https://BigModel.CN", "zai"),
        ("https://bigmodel.cn.:443/", "zai"),
        ("https://eu-west-1.api.x.ai/v1", "xai"),
        ("https://mine.openai.azure.com/openai/v1", "azure-openai"),
        ("https://bedrock-runtime.us-east-1.amazonaws.com", "bedrock"),
        ("https://bedrock-mantle.eu-central-1.api.aws/v1", "bedrock"),
        ("https://coding-intl.dashscope.aliyuncs.com/v1", "alibaba"),
        // Nothing but the host counts.
        ("https://evilbigmodel.cn", ""),
        ("https://bigmodel.cn.evil.test", ""),
        ("https://open.bigmodel.cn@evil.test/", ""),
        ("https://evil.test/open.bigmodel.cn", ""),
        ("https://evil.test?https://open.bigmodel.cn", ""),
        ("https://s3.us-east-1.amazonaws.com", ""),
        ("https://bedrock-runtime.amazonaws.com", ""),
        ("https://bedrock-runtime..amazonaws.com", ""),
        ("https://bedrock-runtime.a.b.amazonaws.com", ""),
        ("open.bigmodel.cn", ""),
        ("", ""),
    ] {
        assert_eq!(found(url), expected, "{url}");
    }
    assert_eq!(of(&key("nobody"), Some("https://api.groq.com")).id, "groq", "a key that no provider has");
    assert_eq!(of(&key("openrouter"), Some("https://api.groq.com")).id, "openrouter", "the pool goes first");
    assert_eq!(of(&key("nobody"), None).id, "");
}
