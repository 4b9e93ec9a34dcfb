//! Inputs beyond the limits are refused with `too_large`, change nothing, and say what to do.

use credential_pool::{
    Document, Error, ErrorCode, LIMITS, Outcome, Pool, PoolKey, ProblemCode, Request, Response, Sources, Stored, check,
};
use serde_json::{Value, json};

use crate::host::{HOUR, Host, START, after, key, login};

#[test]
fn a_response_beyond_a_limit_is_refused_and_its_beginning_is_judged() {
    let mut host = Host::open("anthropic", json!([key("a", 0), key("b", 1)]));
    let _ = host.pool.lease(Request::default(), host.now);
    let lease = serde_json::from_value(json!(1)).unwrap();
    let limited = |headers: usize, body: usize| Response {
        status: Some(429),
        headers: vec![("retry-after".to_owned(), "1".repeat(headers))],
        body: "x".repeat(body),
    };
    let most = LIMITS.response_header_bytes - "retry-after".len();
    for (response, pointer, remedy) in [
        (limited(1, LIMITS.response_body_bytes + 1), "/body", "report the beginning of the body"),
        (limited(most + 1, 0), "/headers", "report those that tell of limits"),
    ] {
        let error = host.pool.report(lease, &response, host.now).unwrap_err();
        is_too_large(&error, Some(pointer), remedy);
    }
    let within = limited(most, LIMITS.response_body_bytes);
    assert!(host.pool.report(lease, &within, host.now).is_ok());
}

#[test]
fn the_answer_to_a_refresh_beyond_a_limit_leaves_the_intent_open() {
    let mut host = Host::open("anthropic", json!([login("a", 0, after(HOUR))]));
    let _ = host.pool.refresh(&"a".into(), host.now).unwrap();
    let intent = host.pool.outstanding().last().unwrap().id();
    let answer = |bytes| Outcome::Response { status: 200, headers: Vec::new(), body: "x".repeat(bytes) };
    let error = host.pool.settle(intent, answer(LIMITS.response_body_bytes + 1), host.now).unwrap_err();
    is_too_large(&error, Some("/body"), "report the beginning of the body");
    assert!(host.pool.settle(intent, answer(10), host.now).is_ok());
}

#[test]
fn a_document_and_a_pool_have_a_most_of_rows() {
    let text = |rows: usize| {
        let rows = vec!["{}"; rows].join(",");
        format!(r#"{{"version": 1, "credential_pool": {{"zai": [{rows}]}}}}"#)
    };
    assert!(Document::parse(&text(LIMITS.rows)).is_ok());
    let beyond = text(LIMITS.rows + 1);
    is_too_large(&Document::parse(&beyond).unwrap_err(), Some(""), "remove credentials that serve no more");
    assert_eq!(check(&beyond, START)[0].code, ProblemCode::TooLarge);
    let stored = Stored { rows: vec![Value::Null; LIMITS.rows + 1], ..Stored::default() };
    is_too_large(&stored.within_limits().unwrap_err(), Some("/rows"), "remove credentials that serve no more");
}

#[test]
fn a_document_has_a_most_of_bytes_and_levels() {
    let long = " ".repeat(LIMITS.document_bytes + 1);
    is_too_large(&Document::parse(&long).unwrap_err(), Some(""), "divide its pools");
    let levels = |count: usize| format!(r#"{{"mine": {}{}}}"#, "[".repeat(count), "]".repeat(count));
    assert!(Document::parse(&levels(LIMITS.nesting - 1)).is_ok());
    is_too_large(&Document::parse(&levels(LIMITS.nesting)).unwrap_err(), Some(""), "reduce the nesting");
}

/// Each row of one name costs one attempt at an id: this took minutes.
#[test]
fn rows_without_ids_cost_an_attempt_each() {
    let stored = Stored { rows: vec![json!({}); 500], ..Stored::default() };
    let zai = PoolKey::parse("zai").unwrap();
    let (pool, _) = Pool::open(zai, &stored, &Sources::default(), [7; 32], START);
    let ids: std::collections::BTreeSet<_> = pool.entries(START).into_iter().map(|entry| entry.id).collect();
    assert_eq!(ids.len(), 500);
}

fn is_too_large(error: &Error, pointer: Option<&str>, remedy: &str) {
    assert_eq!((error.code, error.pointer.as_deref()), (ErrorCode::TooLarge, pointer), "{error}");
    assert!(error.message.contains("limit") || error.message.contains("more than"), "{error}");
    assert!(error.message.contains(remedy), "{error}");
}
