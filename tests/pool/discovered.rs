//! Discovery in documents that people and other programs have written: rows twice, logins without tokens, expired logins.

use credential_pool::{Selection, State};
use serde_json::{Value, json};

use crate::host::{HOUR, Host, SECOND, after, login};

#[test]
fn of_two_rows_of_a_source_one_takes_the_new_secret() {
    let row = |id: &str, token: &str| json!({ "id": id, "source": "env:HF_TOKEN", "access_token": token });
    let env = json!({ "env": { "HF_TOKEN": "hf-new" } });
    let mut host = Host::open_with("huggingface", json!([row("a", "hf-old"), row("b", "hf-other")]), env);
    let tokens = |host: &Host| ["a", "b"].map(|id| host.row(id)["access_token"].clone());
    assert_eq!(tokens(&host), ["hf-new", "hf-other"]);
    host.reopen();
    assert_eq!(tokens(&host), ["hf-new", "hf-other"]);

    let env = json!({ "env": { "HF_TOKEN": "hf-other" } });
    host.reopen_with(env);
    assert_eq!(tokens(&host), ["hf-new", "hf-other"], "the row that holds the secret is the source's row");
}

#[test]
fn a_kept_login_without_a_token_is_no_login() {
    let url =
        json!({ "portal_base_url": "https://portal.test", "inference_base_url": "https://api.test", "client_id": "c" });
    let cases = [
        ("nous", json!({ "nous": url })),
        ("nous", json!({ "nous": { "access_token": "", "refresh_token": null } })),
        ("openai-codex", json!({ "openai-codex": { "tokens": { "account_id": "a" }, "last_refresh": "2026-04-02" } })),
    ];
    for (pool, logins) in cases {
        let host = Host::open_with(pool, json!([]), json!({ "documentLogins": logins }));
        assert!(!host.pool.has_credentials(), "{logins}");
    }
    for (name, expected) in [("access_token", "t"), ("refresh_token", "t"), ("agent_key", "t")] {
        let mut kept = url.clone();
        kept[name] = json!(expected);
        let host = Host::open_with("nous", json!([]), json!({ "documentLogins": { "nous": kept } }));
        assert!(host.pool.has_credentials(), "{name}");
    }
}

#[test]
fn a_login_of_a_provider_without_a_refresh_flow_expires_as_its_row_says() {
    for pool in ["openrouter", "custom:box"] {
        let rows = json!([login("a", 0, after(-SECOND)), login("b", 1, after(HOUR))]);
        let mut host = Host::open(pool, rows);
        assert_eq!(host.state("a"), State::Expired, "{pool}");
        assert_eq!(host.serves().as_deref(), Some("b"), "{pool}");
        host.later(HOUR);
        assert_eq!(host.select(), Selection::Exhausted { retry_at: None }, "{pool}");
    }
}

#[test]
fn an_admin_key_is_no_login() {
    let keys = [
        ("sk-ant-admin01-x", "api_key"),
        ("sk-ant-api03-x", "api_key"),
        ("sk-ant-oat01-x", "oauth"),
        ("other", "oauth"),
    ];
    for (key, kind) in keys {
        let host = Host::open_with("anthropic", json!([]), json!({ "env": { "ANTHROPIC_API_KEY": key } }));
        assert_eq!(host.row(&host.ids()[0])["auth_type"], kind, "{key}");
    }
}

#[test]
fn known_fields_that_are_null_stay_null_when_their_row_changes() {
    let row = json!({
        "id": "a", "source": "manual", "access_token": "sk-a", "refresh_token": null, "base_url": null,
        "expires_at": null, "weight": null, "turn": null, "mine": null,
    });
    let mut host = Host::open("openrouter", json!([row]));
    let _ = host.rotate("a", 429);
    let names = ["refresh_token", "base_url", "expires_at", "weight", "turn", "mine"];
    assert_eq!(names.map(|name| host.row("a").get(name).cloned()), names.map(|_| Some(Value::Null)));

    let set = json!({ "base_url": "https://a.test", "refresh_token": null });
    let step = host.pool.update(&"a".into(), set.as_object().unwrap(), host.now).unwrap();
    host.carry_out(step);
    assert_eq!(host.row("a")["base_url"], "https://a.test");
    assert_eq!(host.row("a").get("refresh_token"), None, "an edit to null removes the field");
}
