use serde_json::{Value, json};

use super::*;

fn login(pool: &str, row: Value) -> (Credential, PoolKey) {
    let pool = PoolKey::parse(pool).unwrap();
    (Credential::parse(&row, &pool).unwrap().1, pool)
}

#[test]
fn each_provider_is_asked_its_own_way() {
    let row = |source| json!({ "auth_type": "oauth", "source": source, "access_token": "at", "refresh_token": "r t&" });
    let mut asked = Vec::new();
    for (pool, source) in [
        ("anthropic", "claude_code"),
        ("anthropic", "manual:hermes_pkce"),
        ("openai-codex", "device_code"),
        ("nous", "device_code"),
    ] {
        let (credential, pool) = login(pool, row(source));
        let request = request(&credential, &pool, Leg::Tokens).unwrap();
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
    let request = request(&credential, &pool, Leg::Tokens).unwrap();
    assert_eq!(request.url, "http://p.test/api/oauth/token");
    assert!(request.body.ends_with("client_id=mine"));
}

#[test]
fn waits_between_unanswered_refreshes_double_up_to_five_minutes() {
    assert_eq!([1, 2, 3, 7, 40, u32::MAX].map(|n| backoff(n).as_secs()), [5, 10, 20, 300, 300, 300]);
}
