//! Spread of requests over credentials: by weight, and by affinity with few moves.

use std::collections::BTreeMap;

use credential_pool::{NextMove, Request, Response};
use serde_json::{Value, json};

use crate::host::{Host, START};

#[test]
fn affinities_spread_in_proportion_to_weights() {
    let host = host(&[1, 2, 5], "fill_first");
    let shares = shares((0..4_000).map(|n| home(&host, &format!("session {n}"))));
    for (id, weight) in [("k0", 1), ("k1", 2), ("k2", 5)] {
        assert_near(shares[id], 4_000 * weight / 8);
    }
}

#[test]
fn a_cooldown_moves_only_the_sessions_of_its_credential_and_spreads_them() {
    let mut host = host(&[1; 5], "fill_first");
    let sessions: Vec<_> = (0..2_000).map(|n| format!("session {n}")).collect();
    let before: Vec<_> = sessions.iter().map(|session| home(&host, session)).collect();
    host.rotate("k2", 429);
    let after: Vec<_> = sessions.iter().map(|session| home(&host, session)).collect();
    let moved: Vec<_> = before.iter().zip(&after).filter(|(before, after)| before != after).collect();
    assert!(moved.iter().all(|(before, _)| *before == "k2"));
    let moved_to = shares(moved.iter().map(|(_, after)| (*after).clone()));
    assert_eq!(moved_to.len(), 4, "{moved_to:?}");
    host.later(3_600_000);
    let back: Vec<_> = sessions.iter().map(|session| home(&host, session)).collect();
    assert_eq!(back, before, "the sessions return after the cooldown");
}

#[test]
fn a_session_above_the_load_bound_spills_over_to_other_credentials() {
    let mut host = host(&[1; 4], "fill_first");
    let request = || Request { affinity: Some("flood".to_owned()), ..Request::default() };
    let used = (0..400).map(|_| {
        let step = host.pool.lease(request(), START);
        used(&step.value)
    });
    let shares = shares(used);
    assert_eq!(shares.len(), 4);
    assert!(shares.values().all(|share| *share <= 126), "no more than 125 % of its share: {shares:?}");
}

#[test]
fn the_strategy_random_draws_in_proportion_to_weights() {
    let mut host = host(&[1, 3, 6], "random");
    let draws = (0..4_000).map(|_| {
        let step = host.pool.lease(Request::default(), START);
        let id = used(&step.value);
        let NextMove::Use { lease, .. } = step.value else { panic!() };
        let served = Response { status: Some(200), ..Response::default() };
        assert_eq!(host.pool.report(lease, &served, START).unwrap().value, NextMove::Served);
        id
    });
    let shares = shares(draws);
    for (id, weight) in [("k0", 1), ("k1", 3), ("k2", 6)] {
        assert_near(shares[id], 4_000 * weight / 10);
    }
}

/// Opens a pool with a key of each weight.
fn host(weights: &[u32], strategy: &str) -> Host {
    let rows: Vec<Value> = weights
        .iter()
        .enumerate()
        .map(|(n, weight)| json!({ "id": format!("k{n}"), "access_token": format!("sk-{n}"), "weight": weight }))
        .collect();
    let config = json!({ "credential_pool_strategies": { "openrouter": strategy } });
    Host::open_with("openrouter", Value::Array(rows), json!({ "config": config }))
}

/// Returns the credential for a session's next request.
fn home(host: &Host, session: &str) -> String {
    let request = Request { affinity: Some(session.to_owned()), ..Request::default() };
    used(&host.pool.explain(&request, host.now).next)
}

fn used(next: &NextMove) -> String {
    match next {
        NextMove::Use { credential, .. } => credential.as_str().to_owned(),
        other => panic!("{other:?}"),
    }
}

fn shares(ids: impl Iterator<Item = String>) -> BTreeMap<String, usize> {
    let mut shares = BTreeMap::new();
    ids.for_each(|id| *shares.entry(id).or_default() += 1);
    shares
}

fn assert_near(share: usize, expected: usize) {
    assert!(share.abs_diff(expected) * 10 <= expected, "{share} is not near {expected}");
}
