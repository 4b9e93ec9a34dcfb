//! Intended differences from the reference: a test for each row of the README's table.

use crate::host::{DAY, HOUR, Host, MINUTE, SECOND, START, after, key, login, tokens};
use credential_pool::{ErrorCode, Failure, Outcome, Selection, State, apply};
use serde_json::json;

fn round_robin() -> serde_json::Value {
    json!({ "config": { "credential_pool_strategies": { "openrouter": "round_robin", "anthropic": "round_robin" } } })
}

#[test]
fn round_robin_keeps_priorities_and_stores_turns() {
    let rows = json!([key("a", 0), key("b", 1), key("c", 2)]);
    let mut host = Host::open_with("openrouter", rows, round_robin());
    let order: Vec<_> = (0..5).map(|_| host.serves().unwrap()).collect();
    assert_eq!(order, ["a", "b", "c", "a", "b"]);

    host.reopen();
    assert_eq!(host.serves().unwrap(), "c", "turns are stored");
    let priorities: Vec<_> = ["a", "b", "c"].map(|id| host.row(id)["priority"].clone()).into();
    assert_eq!(priorities, [0, 1, 2], "priorities are the user's");
}

#[test]
fn round_robin_puts_a_new_row_last_and_keeps_the_turn_of_a_sole_row() {
    let mut host = Host::open_with("openrouter", json!([key("a", 0), key("b", 1)]), round_robin());
    assert_eq!(host.serves().unwrap(), "a");
    let row = key("new", 0).as_object().unwrap().clone();
    let step = host.pool.add(&row, host.now).unwrap();
    host.carry_out(step);
    let order: Vec<_> = (0..4).map(|_| host.serves().unwrap()).collect();
    assert_eq!(order, ["b", "a", "new", "b"]);

    let mut sole = Host::open_with("openrouter", json!([key("a", 0)]), round_robin());
    assert_eq!([sole.serves(), sole.serves()], [Some("a".to_owned()), Some("a".to_owned())]);
    sole.reopen();
    assert!(!sole.row("a").contains_key("turn"));
}

#[test]
fn anthropic_s_source_ranking_keeps_turns() {
    let rows = json!([
        { "id": "env", "source": "env:ANTHROPIC_API_KEY", "access_token": "sk-ant-api-1", "priority": 0 },
        { "id": "hand", "source": "manual", "access_token": "sk-ant-api-2", "priority": 1 },
    ]);
    let mut host = Host::open_with("anthropic", rows, round_robin());
    assert_eq!(host.ids(), ["hand", "env"], "manual rows rank first");
    assert_eq!(host.serves().unwrap(), "hand");
    host.reopen();
    assert_eq!(host.serves().unwrap(), "env", "the turn survives the ranking");
    assert_eq!(host.row("hand")["priority"], 0);
}

#[test]
fn rotate_names_the_credential() {
    let mut host = Host::open("openrouter", json!([key("a", 0), key("b", 1)]));
    assert_eq!(host.pool.current(), None);
    let error = host.pool.rotate(&"unknown".into(), Failure::status(429), host.now).unwrap_err();
    assert_eq!(error.code, ErrorCode::UnknownCredential);
    assert_eq!(host.serves().unwrap(), "a", "no credential cools down");

    assert_eq!(
        host.rotate("b", 429),
        Selection::Selected { credential: "a".into() },
        "the failure counts against the named credential"
    );
}

#[test]
fn use_counts_are_persisted_like_other_changes() {
    let mut host = Host::open("openrouter", json!([key("a", 0)]));
    host.mark_used("a");
    host.mark_used("a");
    assert_eq!(host.changes, [], "the hot path writes nothing");
    let wake = host.pool.wake().unwrap();
    host.now = wake.at;
    let step = host.pool.tick(host.now);
    host.carry_out(step);
    assert_eq!(host.row("a")["request_count"], 2);
}

#[test]
fn only_the_login_about_to_be_used_is_refreshed() {
    let rows = json!([login("a", 0, after(-HOUR)), login("b", 1, after(-HOUR)), login("c", 2, after(-HOUR))]);
    let mut host = Host::open("anthropic", rows);
    assert!(matches!(host.select(), Selection::Refreshing { credential, .. } if credential.as_str() == "a"));
    assert!(matches!(host.select(), Selection::Refreshing { credential, .. } if credential.as_str() == "a"));
    assert_eq!(host.refreshes.len(), 1, "a single refresh, of a single login");
    host.settle_refresh(tokens(json!({ "access_token": "new", "expires_at_ms": after(HOUR).as_millis() })));
    assert_eq!(host.serves().unwrap(), "a");
}

#[test]
fn a_login_that_cannot_be_refreshed_serves_until_it_expires() {
    let mut row = login("a", 0, after(MINUTE));
    row["refresh_token"] = json!(null);
    let mut host = Host::open("anthropic", json!([row]));
    assert_eq!(host.serves().unwrap(), "a", "within the two minutes before expiry");
    host.later(MINUTE);
    assert_eq!(host.select(), Selection::Exhausted { retry_at: None });
    assert_eq!(host.state("a"), State::Expired);
}

#[test]
fn an_expiry_of_0_means_unknown() {
    let mut row = login("a", 0, START);
    row["expires_at_ms"] = json!(0);
    let mut host = Host::open("anthropic", json!([row]));
    assert_eq!(host.serves().unwrap(), "a");
    assert!(host.refreshes.is_empty());
}

#[test]
fn an_unreachable_token_endpoint_cools_nothing_down_while_the_token_is_valid() {
    let mut host = Host::open("anthropic", json!([login("a", 0, after(MINUTE))]));
    assert!(matches!(host.select(), Selection::Refreshing { .. }));
    host.settle_refresh(Outcome::Unreachable);
    host.settle_refresh(Outcome::Unreachable);
    assert_eq!(host.serves().unwrap(), "a", "the token is valid for another minute");

    host.later(MINUTE);
    assert!(matches!(host.select(), Selection::Refreshing { .. }));
    host.settle_refresh(Outcome::Unreachable);
    host.settle_refresh(Outcome::Unreachable);
    let Selection::Exhausted { retry_at: Some(retry_at) } = host.select() else { panic!("the token has expired") };
    assert_eq!(retry_at.since(host.now).as_secs(), 10, "a short backoff, twice the first delay");
    assert_eq!(host.row("a").get("last_status"), None, "nothing was written");
    host.now = retry_at;
    assert!(matches!(host.select(), Selection::Refreshing { .. }));
}

#[test]
fn a_refused_refresh_cools_nothing_down_and_an_invalid_grant_marks_the_login_dead() {
    let answer = |body: &str| Outcome::Response { status: 400, headers: Vec::new(), body: body.to_owned() };
    let mut row = login("a", 0, after(MINUTE));
    row["access_token"] = json!("opaque");
    let mut host = Host::open("openai-codex", json!([row]));
    let step = host.pool.refresh(&"a".into(), host.now).unwrap();
    host.carry_out(step);
    host.settle_refresh(answer(r#"{"error":"slow_down"}"#));
    assert_eq!(host.serves().unwrap(), "a");
    let step = host.pool.refresh(&"a".into(), host.now).unwrap();
    host.carry_out(step);
    host.settle_refresh(answer(r#"{"error":"invalid_grant"}"#));
    assert_eq!((host.serves(), host.state("a")), (None, State::Dead));
    host.reopen();
    assert_eq!(host.state("a"), State::Dead);
}

#[test]
fn a_refresh_token_that_may_be_spent_is_not_sent_again() {
    let answer = |status, body: &str| Outcome::Response { status, headers: Vec::new(), body: body.to_owned() };
    for lost in [Outcome::Lost, answer(200, r#"{"access_to"#), answer(504, "gateway time-out")] {
        let mut host = Host::open("anthropic", json!([login("a", 0, after(MINUTE))]));
        assert!(matches!(host.select(), Selection::Refreshing { .. }));
        host.settle_refresh(lost);
        assert!(host.refreshes.is_empty(), "no other server is asked");
        host.later(MINUTE - 1);
        assert_eq!(host.serves().unwrap(), "a", "the access token serves until it expires");
        host.later(DAY);
        assert_eq!((host.select(), host.state("a")), (Selection::Exhausted { retry_at: None }, State::Expired));
        let step = host.pool.reset(None, host.now).unwrap();
        host.carry_out(step);
        assert!(matches!(host.select(), Selection::Refreshing { .. }), "a person may try it again");
    }
}

#[test]
fn a_forced_refresh_of_an_api_key_is_an_error() {
    let mut host = Host::open("anthropic", json!([key("a", 0)]));
    let error = host.pool.refresh(&"a".into(), host.now).unwrap_err();
    assert_eq!(error.code, ErrorCode::NotRefreshable);
    assert_eq!(host.serves().unwrap(), "a");
}

#[test]
fn a_forced_refresh_without_a_known_flow_is_an_error() {
    let mut host = Host::open("openrouter", json!([login("a", 0, after(HOUR))]));
    let error = host.pool.refresh(&"a".into(), host.now).unwrap_err();
    assert_eq!(error.code, ErrorCode::RefreshUnsupported);
    assert!(host.refreshes.is_empty());
}

#[test]
fn a_cooldown_without_a_start_is_over_and_a_start_in_the_future_is_clamped_to_now() {
    let exhausted = |id: &str, priority, at: serde_json::Value| {
        let mut row = key(id, priority);
        row["last_status"] = json!("exhausted");
        row["last_error_code"] = json!(429);
        row["last_status_at"] = at;
        row
    };
    let a_day_ahead = after(DAY).as_millis() as f64 / 1000.0;
    let rows = json!([
        exhausted("future", 0, json!(a_day_ahead)),
        exhausted("null", 1, json!(null)),
        exhausted("zero", 2, json!(0))
    ]);
    let mut host = Host::open("openrouter", rows);
    assert_eq!(host.serves().unwrap(), "null");
    assert_eq!(host.state("zero"), State::Available);
    let State::CoolingDown { until, .. } = host.state("future") else { panic!("the credential must cool down") };
    assert_eq!(until, after(HOUR), "an hour from now, not from the stored start");
    host.later(HOUR);
    assert_eq!(host.serves().unwrap(), "future");
}

#[test]
fn a_replaced_environment_key_has_no_cooldown() {
    let env = |key: &str| json!({ "env": { "HF_TOKEN": key } });
    let mut host = Host::open_with("huggingface", json!([]), env("hf-old"));
    let id = host.serves().unwrap();
    assert!(matches!(host.rotate(&id, 402), Selection::Exhausted { .. }));
    host.reopen_with(env("hf-old"));
    assert_eq!(host.serves(), None, "the same key still cools down");
    host.reopen_with(env("hf-new"));
    assert_eq!(host.serves(), Some(id));
}

#[test]
fn an_older_token_pair_at_a_login_s_source_does_not_replace_a_newer_pair() {
    let found = |token: &str, expires_at: i64| {
        let login = json!({ "accessToken": format!("at-{token}"), "refreshToken": format!("rt-{token}"), "expiresAt": expires_at });
        json!({ "fileLogins": { "claude_code": login } })
    };
    let mut host = Host::open_with("anthropic", json!([]), found("1", START.as_millis()));
    assert!(matches!(host.select(), Selection::Refreshing { .. }));
    let end = after(HOUR).as_millis();
    let pair = json!({ "access_token": "at-2", "refresh_token": "rt-2", "expires_at_ms": end });
    let id = host.settle_refresh(tokens(pair));
    host.reopen();
    assert_eq!(host.row(&id)["refresh_token"], "rt-2", "the refresh token in the file is spent");
    host.reopen_with(found("3", end + HOUR));
    assert_eq!(host.row(&id)["refresh_token"], "rt-3", "a newer pair in the file is a new login");
}

#[test]
fn a_removed_environment_row_stays_suppressed_until_it_is_added_by_hand() {
    let env = json!({ "env": { "HF_TOKEN": "hf-key" } });
    let mut host = Host::open_with("huggingface", json!([]), env);
    let id = host.serves().unwrap();
    let step = host.pool.remove(&id.as_str().into(), host.now).unwrap();
    host.carry_out(step);
    host.reopen();
    assert!(!host.pool.has_credentials());
    assert_eq!(serde_json::to_value(&host.stored.suppressed_sources).unwrap(), json!(["env:HF_TOKEN"]));

    let row = json!({ "source": "env:HF_TOKEN", "access_token": "hf-key" });
    let step = host.pool.add(row.as_object().unwrap(), host.now).unwrap();
    host.carry_out(step);
    host.reopen();
    assert!(host.pool.has_credentials());
    assert!(host.stored.suppressed_sources.is_empty());
}

#[test]
fn a_borrowed_row_goes_when_its_source_is_gone_and_is_remembered_and_a_login_stays() {
    let row = |id: &str, source: &str| json!({ "id": id, "source": source, "access_token": format!("sk-{id}") });
    let rows = || {
        json!([
            row("hand", "manual"),
            row("other", "another program"),
            row("config", "config:Box"),
            row("model", "model_config"),
            row("env", "env:X"),
            json!({
                "id": "login", "source": "device_code", "auth_type": "oauth", "access_token": "at", "refresh_token": "rt",
            }),
        ])
    };
    let shown = json!({ "env": {}, "config": {}, "fileLogins": {}, "documentLogins": {} });
    let host = Host::open_with("custom:box", rows(), shown);
    assert_eq!(host.ids(), ["hand", "other", "login"]);
    let remembered: Vec<_> = host.stored.absent.iter().map(|row| (&row["id"], &row["access_token"])).collect();
    assert_eq!(json!(remembered), json!([["config", ""], ["env", ""], ["model", ""]]));
    assert_eq!(
        Host::open_with("custom:box", rows(), json!({})).ids().len(),
        6,
        "nothing goes whose place is not shown"
    );
}

#[test]
fn a_row_without_an_id_gets_an_id_once() {
    let twin = json!({ "source": "manual", "access_token": "sk-a" });
    let mut host = Host::open("openrouter", json!([twin, twin]));
    let ids = host.ids();
    assert_eq!(ids.len(), 2);
    assert_ne!(ids[0], ids[1]);
    let stored: Vec<_> = host.stored.rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(stored, ids, "the stored ids equal the pool's ids");
    host.reopen();
    assert_eq!(host.ids(), ids);
}

#[test]
fn a_duplicate_id_is_replaced_in_the_later_row() {
    let mut host = Host::open("openrouter", json!([key("a", 0), key("a", 1), key("b", 2)]));
    let ids = host.ids();
    assert_eq!([ids[0].as_str(), ids[2].as_str()], ["a", "b"]);
    assert_ne!(ids[1], "a");
    assert_eq!(host.opened.problems.len(), 1);
    assert_eq!(host.opened.problems[0].pointer, "/credential_pool/openrouter/1/id");
    host.reopen();
    assert_eq!(host.ids(), ids);
}

#[test]
fn a_row_with_a_new_id_is_changed_under_that_id_at_once() {
    let mut exhausted = json!({ "source": "manual", "access_token": "sk-a", "last_status": "exhausted" });
    exhausted["last_status_at"] = json!(after(DAY).as_millis() as f64 / 1000.0);
    let host = Host::open("openrouter", json!([exhausted]));
    assert_eq!(host.row(&host.ids()[0])["last_status_at"], json!(START.as_millis() as f64 / 1000.0));
}

#[test]
fn an_identify_change_applied_twice_renames_one_row() {
    let mut host = Host::open("openrouter", json!([key("a", 0), key("a", 1)]));
    let given: Vec<_> = host.changes.clone();
    let new = host.ids()[1].clone();
    let step = host.pool.remove(&new.as_str().into(), host.now).unwrap();
    host.carry_out(step);
    apply(&mut host.stored, &given, &host.key);
    assert_eq!(host.stored.rows.len(), 1);
    assert_eq!(host.row("a")["priority"], 0, "the original row keeps its id");

    let mut wrong = key("a", 0);
    wrong["label"] = json!([]);
    let mut host = Host::open("openrouter", json!([wrong, key("a", 0), key("a", 1)]));
    let given: Vec<_> = host.changes.clone();
    let step = host.pool.remove(&host.ids()[1].as_str().into(), host.now).unwrap();
    host.carry_out(step);
    apply(&mut host.stored, &given, &host.key);
    assert_eq!(host.stored.rows[1]["id"], "a", "an unreadable row does not count as the original row");
}

#[test]
fn the_id_of_a_removed_row_is_not_reused() {
    let mut host = Host::open("openrouter", json!([key("a", 0)]));
    let step = host.pool.remove(&"a".into(), host.now).unwrap();
    host.carry_out(step);
    let error = host.pool.add(key("a", 0).as_object().unwrap(), host.now).unwrap_err();
    assert_eq!(error.code, ErrorCode::DuplicateId);
}

#[test]
fn unknown_fields_are_kept() {
    let mut row = key("a", 0);
    row["mine"] = json!({ "deep": [1, null] });
    let mut host = Host::open("openrouter", json!([row]));
    let _ = host.rotate("a", 429);
    assert_eq!(host.row("a")["last_status"], "exhausted");
    assert_eq!(host.row("a")["mine"], json!({ "deep": [1, null] }));
}

#[test]
fn a_row_of_the_wrong_type_is_set_aside_and_the_rest_loads() {
    let mut wrong = key("wrong", 0);
    wrong["priority"] = json!("first");
    let mut host = Host::open("openrouter", json!([wrong, "noise", key("a", 1)]));
    assert_eq!(host.serves().unwrap(), "a");
    let pointers: Vec<_> = host.opened.problems.iter().map(|problem| problem.pointer.as_str()).collect();
    assert_eq!(pointers, ["/credential_pool/openrouter/0/priority", "/credential_pool/openrouter/1"]);
    let _ = host.rotate("a", 429);
    assert_eq!(host.stored.rows[..2], [wrong, json!("noise")], "rows that are set aside stay as they are");
}

#[test]
fn a_row_that_is_set_aside_is_not_changed_in_place_of_a_readable_row_with_its_id() {
    let mut wrong = key("a", 0);
    wrong["priority"] = json!([]);
    let mut host = Host::open("openrouter", json!([wrong, key("a", 1)]));
    let _ = host.rotate("a", 429);
    assert_eq!(host.stored.rows[0], wrong);
    assert_eq!(host.stored.rows[1]["last_status"], "exhausted");
}

#[test]
fn status_and_counts_cannot_be_edited() {
    let mut host = Host::open("openrouter", json!([key("a", 0)]));
    for field in ["id", "last_status", "last_status_at", "last_error_code", "request_count", "turn"] {
        let fields = json!({ field: null });
        let error = host.pool.update(&"a".into(), fields.as_object().unwrap(), host.now).unwrap_err();
        assert_eq!((error.code, error.pointer), (ErrorCode::InvalidRow, Some(format!("/{field}"))));
    }
}

#[test]
fn an_unreadable_document_is_an_error() {
    for text in ["", "{", "[]", "{\"credential_pool\": []}"] {
        let error = credential_pool::Document::parse(text).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidDocument, "{text}");
    }
}

#[test]
fn a_row_without_a_key_is_never_chosen() {
    let mut keyless = key("keyless", 0);
    keyless["access_token"] = json!("");
    let mut host = Host::open("openrouter", json!([keyless]));
    assert_eq!(host.select(), Selection::Exhausted { retry_at: None });
    assert_eq!(host.state("keyless"), State::NoSecret);
}

#[test]
fn all_rows_with_the_failed_secret_cool_down() {
    let (mut twin, other) = (key("twin", 1), key("other", 2));
    twin["access_token"] = json!("sk-a");
    let mut host = Host::open("openrouter", json!([key("a", 0), twin, other]));
    assert_eq!(host.rotate("a", 402), Selection::Selected { credential: "other".into() });
    assert_eq!(host.row("twin")["last_error_code"], 402);
}

#[test]
fn a_refused_refresh_cools_an_expired_login_down_and_a_granted_refresh_persists_its_pair_at_once() {
    let mut host = Host::open("anthropic", json!([login("a", 0, after(-SECOND)), key("b", 1)]));
    assert!(matches!(host.select(), Selection::Refreshing { .. }));
    let pair = json!({ "access_token": "at-2", "refresh_token": "rt-2", "expires_at_ms": after(HOUR).as_millis() });
    host.settle_refresh(tokens(pair));
    assert_eq!(host.row("a")["refresh_token"], "rt-2");
    host.later(2 * HOUR);
    assert!(matches!(host.select(), Selection::Refreshing { .. }));
    host.settle_refresh(Outcome::Refused);
    assert_eq!(host.serves().unwrap(), "b");
    assert_eq!(host.row("a")["last_status"], "exhausted");
}
