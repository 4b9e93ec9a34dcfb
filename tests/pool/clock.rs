//! A host's clock that is wrong for a while: what was made in the wrong future comes back with the clock.

use credential_pool::{NextMove, Request, Response, Selection, State, Step};
use serde_json::json;

use crate::host::{DAY, HOUR, Host, MINUTE, SECOND, START, after};

#[test]
fn a_cooldown_of_a_clock_that_stood_ahead_comes_back_with_it() {
    for ahead in [HOUR, 7 * HOUR, 25 * DAY] {
        let mut host = two_keys();
        host.now = after(ahead);
        limit(&mut host, "30");
        assert_eq!(cools_down_for(&host), 30 * SECOND);
        host.now = after(MINUTE);
        let step = host.pool.tick(host.now);
        host.carry_out(step);
        assert_eq!(cools_down_for(&host), 30 * SECOND, "{ahead} ms ahead, running");
        assert_eq!(host.row("a")["last_status_at"], json!(after(MINUTE).as_millis() as f64 / 1000.0));

        let mut host = two_keys();
        host.now = after(ahead);
        limit(&mut host, "30");
        host.now = after(MINUTE);
        host.reopen();
        assert_eq!(cools_down_for(&host), 30 * SECOND, "{ahead} ms ahead, restarted");
    }
}

#[test]
fn a_cooldown_of_another_host_s_clock_is_bounded_when_it_is_read() {
    let mut ahead = two_keys();
    ahead.now = after(7 * HOUR);
    limit(&mut ahead, "30");
    let mut host = two_keys();
    let step = host.pool.sync(&ahead.stored, None, host.now);
    host.carry_out(step);
    assert_eq!(cools_down_for(&host), 30 * SECOND);
}

#[test]
fn a_step_of_some_minutes_is_jitter_and_a_cooldown_from_before_stays() {
    let mut host = two_keys();
    limit(&mut host, "600");
    host.now = after(5 * MINUTE);
    let step = host.pool.tick(host.now);
    host.carry_out(step);
    host.now = START;
    let step = host.pool.tick(host.now);
    host.carry_out(step);
    assert_eq!(cools_down_for(&host), 10 * MINUTE, "the latest time held");

    // Between two right times the clock was wrong, and nothing was made there.
    host.now = after(3 * HOUR);
    let step = host.pool.tick(host.now);
    host.carry_out(step);
    host.now = after(MINUTE);
    assert_eq!(cools_down_for(&host), 9 * MINUTE);
}

#[test]
fn requests_and_waits_go_on_after_the_clock_is_right_again() {
    let mut host = two_keys();
    host.now = after(2 * HOUR);
    let NextMove::Use { lease, .. } = lease(&mut host) else { panic!() };
    host.now = after(MINUTE);
    let step = host.pool.tick(host.now);
    host.carry_out(step);
    let overloaded = Response { status: Some(503), ..Response::default() };
    let step = host.pool.report(lease, &overloaded, host.now).unwrap();
    let NextMove::Retry { until, .. } = take(&mut host, step) else { panic!("the lease lives on") };
    assert!(until.since(host.now).as_secs() < 10, "the next 503 is not waited out for hours");
    assert!(matches!(host.select(), Selection::Selected { .. }));
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
