//! A host's clock that is wrong for a while.

use credential_pool::{NextMove, Request, Response, State, Step};
use serde_json::json;

use crate::host::{DAY, HOUR, Host, MINUTE, SECOND, after};

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
