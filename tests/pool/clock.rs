//! A host's clock that is wrong for a while.

use credential_pool::{NextMove, Outcome, Request, Response, State, Step, Stored};
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Value, json};

use crate::host::{DAY, HOUR, Host, MINUTE, SECOND, START, after, key, login, readable_rows};

#[test]
fn a_restart_moves_a_cooldown_back_that_a_clock_ahead_made() {
    for ahead in [HOUR, 7 * HOUR, 25 * DAY] {
        let mut host = two_keys();
        host.now = after(ahead);
        limit(&mut host, "30");
        host.now = after(MINUTE);
        host.reopen();
        assert_eq!(cools_down_for(&host), 30 * SECOND, "{ahead} ms ahead");
    }
}

#[test]
fn a_running_pool_moves_a_cooldown_back_that_a_clock_ahead_made() {
    for ahead in [6 * MINUTE, HOUR, 7 * HOUR, 25 * DAY] {
        let mut host = two_keys();
        host.now = after(ahead);
        limit(&mut host, "30");
        host.now = after(SECOND);
        lease(&mut host);
        assert_eq!(cools_down_for(&host), 30 * SECOND, "{ahead} ms ahead");
        assert_eq!(host.row("a")["last_error_reset_at"].as_f64(), Some(seconds(31 * SECOND)), "in the store as well");
    }
}

#[test]
fn a_pool_that_was_opened_with_a_clock_ahead_waits_no_longer_than_it_should() {
    let mut host = two_keys();
    host = Host::open_stored("openrouter", host.stored, json!({}), after(2 * HOUR));
    host.now = after(MINUTE);
    limit(&mut host, "30");
    assert_eq!(cools_down_for(&host), 30 * SECOND);
}

#[test]
fn the_latest_time_holds_when_a_clock_goes_back_by_up_to_five_minutes() {
    let mut host = two_keys();
    host.now = after(5 * MINUTE);
    limit(&mut host, "30");
    host.now = after(0);
    let step = host.pool.tick(host.now);
    host.carry_out(step);
    host.now = after(5 * MINUTE);
    assert_eq!(cools_down_for(&host), 30 * SECOND);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(300), failure_persistence: None, ..ProptestConfig::default() })]

    /// The pool under test is compared with a pool whose clock was right all the time.
    #[test]
    fn after_its_clock_returned_a_pool_decides_as_if_the_clock_had_been_right(
        ahead in 6 * MINUTE..3 * HOUR, wrong in vec(request(), 1..12), later in vec(request(), 0..6),
    ) {
        let rows = vec![key("a", 0), key("b", 1), key("c", 2), login("l", 3, after(-HOUR))];
        let open = || Host::open_stored("anthropic", Stored { rows: rows.clone(), ..Stored::default() }, json!({}), after(0));
        let (mut right, mut host) = (open(), open());
        let mut at = 0;
        for request in &wrong {
            at += request.after_ms;
            (right.now, host.now) = (after(at), after(at + ahead));
            serve(&mut right, request);
            serve(&mut host, request);
        }
        host.now = after(at);
        check_same(&mut host, &mut right)?;
        for request in &later {
            at += request.after_ms;
            (right.now, host.now) = (after(at), after(at));
            prop_assert_eq!(serve(&mut host, request), serve(&mut right, request));
            check_same(&mut host, &mut right)?;
        }
    }
}

/// A request and the answer that all its attempts get.
#[derive(Clone, Debug)]
struct Asked {
    after_ms: i64,
    model: Option<&'static str>,
    answer: (i64, Option<&'static str>, &'static str),
}

fn request() -> impl Strategy<Value = Asked> {
    let answers = vec![
        (200, None, ""),
        (429, Some("30"), ""),
        (429, Some("4000"), ""),
        (429, None, ""),
        (503, None, ""),
        (402, None, ""),
        (401, None, ""),
        (404, None, r#"{"type":"error","error":{"type":"not_found_error","message":"model: m"}}"#),
    ];
    // The wrong future lasts for less than the clock is ahead: later, its deadlines would look like those of the past.
    let after_ms = select(vec![1, SECOND, 20 * SECOND, 30 * SECOND]);
    (after_ms, select(vec![None, Some("m")]), select(answers)).prop_map(|(after_ms, model, answer)| Asked {
        after_ms,
        model,
        answer,
    })
}

/// Follows a request until it would wait; returns its moves.
fn serve(host: &mut Host, Asked { model, answer: (status, retry_after, body), .. }: &Asked) -> Vec<String> {
    let headers = retry_after.iter().map(|after| ("retry-after".to_owned(), (*after).to_owned())).collect();
    let response = Response { status: u16::try_from(*status).ok(), headers, body: (*body).to_owned() };
    let step = host.pool.lease(Request { model: model.map(str::to_owned), ..Request::default() }, host.now);
    let mut next = take(host, step);
    let mut moves = Vec::new();
    loop {
        moves.push(match &next {
            // The numbers of intents count the writes as well.
            NextMove::Refresh { lease, credential, .. } => format!("Refresh {lease:?} {credential:?}"),
            next => format!("{next:?}"),
        });
        let step = match next {
            NextMove::Use { lease, .. } => host.pool.report(lease, &response, host.now).unwrap(),
            NextMove::Refresh { lease, .. } => {
                if !host.refreshes.is_empty() {
                    host.settle_refresh(Outcome::Unreachable);
                }
                host.pool.resume(lease, host.now).unwrap()
            }
            NextMove::Retry { lease, .. } | NextMove::Wait { lease, .. } => {
                let step = host.pool.release(lease, host.now).unwrap();
                host.carry_out(step);
                return moves;
            }
            _ => return moves,
        };
        next = take(host, step);
    }
}

fn check_same(host: &mut Host, right: &mut Host) -> Result<(), TestCaseError> {
    for host in [&mut *right, &mut *host] {
        let step = host.pool.tick(host.now);
        host.carry_out(step);
        // The pool whose clock went back has written its use counts with the moved deadlines.
        let step = host.pool.flush(host.now);
        host.carry_out(step);
    }
    prop_assert_eq!(host.pool.entries(host.now), right.pool.entries(right.now));
    // Intents have other numbers: the moved deadlines were written.
    let explained = |host: &Host| -> Value {
        let mut explained = json!(host.pool.explain(&Request::default(), host.now));
        explained["next"].as_object_mut().unwrap().remove("intent");
        for credential in explained["credentials"].as_array_mut().unwrap() {
            credential["verdict"].as_object_mut().unwrap().remove("intent");
            credential.as_object_mut().unwrap().remove("text");
        }
        explained
    };
    prop_assert_eq!(explained(host), explained(right));
    prop_assert_eq!(host.pool.wake(), right.pool.wake());
    let rows = |host: &Host| -> Value { json!(readable_rows(&host.stored, &host.key)) };
    prop_assert_eq!(rows(host), rows(right));
    Ok(())
}

fn seconds(after_ms: i64) -> f64 {
    after(after_ms).as_millis() as f64 / 1000.0
}

fn two_keys() -> Host {
    Host::open("openrouter", json!([{ "id": "a", "access_token": "sk-a" }, { "id": "b", "access_token": "sk-b" }]))
}

/// Has the first key refused for too many requests, with this many seconds as `Retry-After`.
fn limit(host: &mut Host, seconds: &str) {
    let NextMove::Use { lease, credential } = lease(host) else { panic!() };
    assert_eq!(credential.as_str(), "a");
    let headers = vec![("retry-after".to_owned(), seconds.to_owned())];
    let limited = Response { status: Some(429), headers, ..Response::default() };
    let step = host.pool.report(lease, &limited, host.now).unwrap();
    let next = take(host, step);
    assert!(matches!(next, NextMove::Use { .. }), "{next:?}");
}

fn lease(host: &mut Host) -> NextMove {
    let step = host.pool.lease(Request::default(), host.now);
    take(host, step)
}

fn take<T: Clone>(host: &mut Host, step: Step<T>) -> T {
    let value = step.value.clone();
    host.carry_out(step);
    value
}

fn cools_down_for(host: &Host) -> i64 {
    match host.state("a") {
        State::CoolingDown { until, .. } => until.as_millis() - host.now.as_millis(),
        state => panic!("{state:?}"),
    }
}

#[test]
fn an_outage_under_a_clock_ahead_holds_nobody_up_once_the_clock_is_right() {
    let mut host = Host::open("openrouter", json!([key("a", 0), key("b", 1)]));
    host.later(2 * HOUR);
    for _ in 0..3 {
        let mut next = lease(&mut host);
        while let NextMove::Use { lease, .. } = next {
            let down = Response { status: Some(503), ..Response::default() };
            let step = host.pool.report(lease, &down, host.now).unwrap();
            next = host.carry_out(step);
            if let NextMove::Retry { lease, until, .. } | NextMove::Wait { lease, until } = next {
                host.now = until;
                let step = host.pool.resume(lease, host.now).unwrap();
                next = host.carry_out(step);
            }
        }
    }
    host.now = START;
    assert!(matches!(lease(&mut host), NextMove::Use { .. }));
    assert!(matches!(lease(&mut host), NextMove::Use { .. }));
}
