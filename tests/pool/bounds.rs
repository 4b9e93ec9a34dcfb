//! Bounds: every request ends, and one request cools down one credential at most.

use credential_pool::{Explained, FailureKind, LIMITS, NextMove, PoolKey, Request, Response, State, Verdict, diagnose};
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Value, json};

use crate::{
    host::{HOUR, Host, START, after, key, login, tokens},
    script::response,
};

/// Attempts of a request per credential: the first, its retries, and one more after a refresh.
const ATTEMPTS_EACH: usize = 4;

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(300), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_request_without_patience_makes_a_few_attempts_per_credential_at_most(
        keys in 0_usize..12, answers in vec(failure(), 1..20), policy in usable_policy(), affinity in any::<bool>(),
    ) {
        let mut host = open(keys, &policy);
        let affinity = affinity.then(|| "session".to_owned());
        let request = Request { model: Some("m".to_owned()), affinity, patience_ms: Some(0) };
        let run = serve(&mut host, request, &answers);
        prop_assert!(run.attempts <= (keys + 1) * ATTEMPTS_EACH, "{} attempts with {} credentials", run.attempts, keys + 1);
    }

    /// Whatever a hint announces and however patient the request is: a second attempt is the retry that the policy counts,
    /// or follows an announced end.
    #[test]
    fn a_request_asks_each_credential_at_most_twice_for_a_reason(
        keys in 0_usize..12, answer in failure(), patience_s in 0_u64..6_000,
    ) {
        let kind = diagnose(&answer, &PoolKey::parse("anthropic").unwrap(), None, START).kind;
        prop_assume!(kind != FailureKind::Transient);
        let mut host = open(keys, &json!({}));
        let request = Request { model: Some("m".to_owned()), patience_ms: Some(patience_s * 1000), ..Request::default() };
        let run = serve(&mut host, request, &[answer]);
        let after_refresh = 1;
        prop_assert!(run.attempts <= 2 * (keys + 1) + after_refresh, "{} attempts, {} credentials", run.attempts, keys + 1);
        if matches!(kind, FailureKind::Unauthorized | FailureKind::Revoked) {
            prop_assert!(host.now.since(START).is_zero() || run.attempts > keys + 1, "waited without an announced end");
        }
    }

    #[test]
    fn a_request_ends_with_its_patience(
        keys in 0_usize..12, answers in vec(failure(), 1..20), policy in usable_policy(), patience_s in 1_u64..600,
    ) {
        let mut host = open(keys, &policy);
        let start = host.now;
        let request = Request { patience_ms: Some(patience_s * 1000), ..Request::default() };
        let run = serve(&mut host, request, &answers);
        prop_assert!(run.moves < 2_000, "{} moves", run.moves);
        prop_assert!(host.now.since(start).as_secs() <= patience_s, "the request waited longer than its patience");
    }

    #[test]
    fn one_bad_request_cools_down_one_credential_for_its_model_at_most(
        keys in 1_usize..12, answer in unhinted_fault_of_a_model(), patience_ms in select(vec![0, 60_000, 600_000]),
    ) {
        let mut host = open(keys, &json!({}));
        let request = Request { model: Some("m".to_owned()), patience_ms: Some(patience_ms), ..Request::default() };
        serve(&mut host, request.clone(), &[answer]);
        let explanation = host.pool.explain(&request, host.now);
        let is_unavailable = |explained: &&Explained| {
            matches!(explained.verdict, Verdict::CoolingDownForModel { .. } | Verdict::CoolingDown { .. } | Verdict::Dead { .. })
        };
        prop_assert!(explanation.credentials.iter().filter(is_unavailable).count() <= 1, "{explanation:?}");
    }

    #[test]
    fn one_bad_request_cools_down_one_credential_at_most(
        keys in 1_usize..12, patience_ms in select(vec![0, 60_000, 600_000]),
    ) {
        let mut host = open(keys, &json!({}));
        let answer = Response { status: Some(429), ..Response::default() };
        serve(&mut host, Request { patience_ms: Some(patience_ms), ..Request::default() }, &[answer]);
        let entries = host.pool.entries(host.now);
        let unavailable = entries.iter().filter(|entry| entry.state != State::Available && entry.id.as_str() != "login");
        prop_assert!(unavailable.count() <= 1, "{entries:?}");
    }

    #[test]
    fn successive_requests_cool_down_every_credential_that_fails_all_of_them(
        keys in 1_usize..8, answer in unhinted_fault_of_a_credential(),
    ) {
        let mut host = open(keys, &json!({}));
        for _ in 0..2 * keys + 6 {
            serve(&mut host, Request { patience_ms: Some(2_000), ..Request::default() }, std::slice::from_ref(&answer));
        }
        let is_available = host.pool.entries(host.now).iter().any(|entry| entry.state == State::Available);
        prop_assert!(!is_available, "{:?}", host.pool.entries(host.now));
    }
}

#[test]
fn models_that_end_users_name_do_not_grow_a_row() {
    let mut host = Host::open("anthropic", json!([key("a", 0)]));
    let denied = r#"{"error":{"type":"permission_error","message":"no access to this model"}}"#;
    let answer = Response { status: Some(403), body: denied.to_owned(), ..Response::default() };
    let mut changes = Vec::new();
    for number in 0..300 {
        let before = host.changes.len();
        let name = if number % 3 == 0 { "x".repeat(300) } else { format!("model-{number}") };
        serve(&mut host, Request { model: Some(name), ..Request::default() }, std::slice::from_ref(&answer));
        changes.push(host.changes.len() - before);
    }
    let models = host.row("a")["model_cooldowns"].as_object().unwrap();
    assert_eq!(models.len(), LIMITS.models_per_credential);
    assert!(models.keys().all(|name| name.len() <= LIMITS.model_name_bytes));
    assert!(changes.iter().all(|changes| *changes <= 8), "a request's work does not grow: {changes:?}");
}

struct Run {
    moves: usize,
    attempts: usize,
}

/// A pool of keys and one login.
fn open(keys: usize, policy: &Value) -> Host {
    let mut rows: Vec<_> = (0..keys).map(|n| key(&format!("k{n}"), n as i64)).collect();
    rows.push(login("login", keys as i64, after(100 * HOUR)));
    let config = json!({ "credential_pool_policies": { "anthropic": policy } });
    Host::open_with("anthropic", Value::Array(rows), json!({ "config": config }))
}

/// Follows a request to its end; attempts get the answers in turn, repeated.
fn serve(host: &mut Host, request: Request, answers: &[Response]) -> Run {
    let mut run = Run { moves: 0, attempts: 0 };
    let mut answers = answers.iter().cycle();
    let step = host.pool.lease(request, host.now);
    let mut next = host.carry_out(step);
    loop {
        run.moves += 1;
        assert!(run.moves < 10_000, "the request does not end");
        let step = match next {
            NextMove::Use { lease, .. } => {
                run.attempts += 1;
                host.pool.report(lease, answers.next().unwrap(), host.now)
            }
            NextMove::Retry { lease, until, .. } | NextMove::Wait { lease, until } => {
                assert!(until >= host.now);
                host.now = until;
                host.pool.resume(lease, host.now)
            }
            NextMove::Refresh { lease, .. } => {
                let end = host.now.as_millis() + HOUR;
                host.settle_refresh(tokens(
                    json!({ "access_token": format!("at-{}", run.moves), "expires_at_ms": end }),
                ));
                host.pool.resume(lease, host.now)
            }
            _ => return run,
        };
        next = host.carry_out(step.unwrap());
    }
}

fn failure() -> impl Strategy<Value = Response> {
    response().prop_filter("failures only", |response| response.status != Some(200))
}

fn unhinted_fault_of_a_model() -> impl Strategy<Value = Response> {
    let answer = |status, body: &str| Response { status: Some(status), body: body.to_owned(), ..Response::default() };
    select(vec![
        answer(403, r#"{"error":{"type":"permission_error","message":"no access to this model"}}"#),
        answer(
            429,
            r#"{"error":{"message":"Rate limit reached for model `m` in organization o on requests per min"}}"#,
        ),
    ])
}

fn unhinted_fault_of_a_credential() -> impl Strategy<Value = Response> {
    let answer = |status, body: &str| Response { status: Some(status), body: body.to_owned(), ..Response::default() };
    select(vec![
        answer(429, ""),
        answer(402, ""),
        answer(401, ""),
        answer(401, r#"{"error":{"code":"account_deactivated","message":"deactivated"}}"#),
        answer(429, r#"{"error":{"code":"insufficient_quota","message":"You exceeded your current quota"}}"#),
    ])
}

fn usable_policy() -> impl Strategy<Value = Value> {
    select(vec![
        json!({}),
        json!({ "preset": "reference" }),
        json!({ "half_open": false }),
        json!({ "revert": false }),
        json!({ "max_in_flight": { "soft": 1, "hard": 1 } }),
        json!({ "failures": { "rate_limited": { "retries": 0, "cooldown_ms": 1 } } }),
        json!({ "failures": { "rate_limited": { "action": "rotate" }, "quota": { "action": "rotate" } } }),
        json!({ "failures": { "transient": { "action": "cool_down", "cooldown_ms": 1, "max_cooldown_ms": 1 } } }),
    ])
}
