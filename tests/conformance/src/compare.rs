//! Comparison of the pool's answers and rows with the recording.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{
    difference::Finding,
    trace::{Answer, Row},
};

/// Whether the order of rows is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Rows must have the same order and the same priorities.
    Same,
    /// Neither is compared: under round_robin the reference rewrites priorities, and the pool stores turns.
    Own,
}

/// Compares an answer with the reference's; returns `None` if they agree.
pub(crate) fn answer(expected: &Answer, got: &Value) -> Option<Finding> {
    match expected {
        Answer::Is(value) => (!same(value, got)).then(|| Finding::new("value", Some(value), Some(got))),
        Answer::OneOf(ids) => {
            let is_allowed = match got {
                Value::Null => ids.is_empty(),
                Value::String(id) => ids.contains(id),
                _ => false,
            };
            (!is_allowed).then(|| Finding::new("value_in", Some(&json!(ids)), Some(got)))
        }
    }
}

/// Returns the differences between the recorded rows and the pool's rows, which already have the reference's ids.
pub(crate) fn rows(expected: &[Row], got: &[Row], order: Order) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut unmatched: Vec<_> = got.iter().collect();
    for row in expected {
        let place = unmatched.iter().position(|candidate| candidate.get("id") == row.get("id"));
        match place.map(|place| unmatched.remove(place)) {
            Some(match_) => {
                let fields = differing(row, match_, |name| is_compared(name, row, order));
                findings.extend(fields.into_iter().map(|finding| finding.under(&id(row))));
            }
            None => findings.push(Finding::new(id(row), Some(&json!(row)), None)),
        }
    }
    findings.extend(unmatched.into_iter().map(|surplus| Finding::new(id(surplus), None, Some(&json!(surplus)))));
    if findings.is_empty() && order == Order::Same {
        let [expected, got] = [expected, got].map(|rows| rows.iter().map(id).collect::<Vec<_>>());
        if expected != got {
            findings.push(Finding::new("order", Some(&json!(expected)), Some(&json!(got))));
        }
    }
    findings.into_iter().map(|finding| finding.under("entries")).collect()
}

/// Returns the differences between the pool's rows and the rows in its document; a missing
/// field has its default.
pub(crate) fn stored(pool: &str, rows: &[Row], document: &[Row]) -> Vec<Finding> {
    let by_id = |rows: &[Row]| rows.iter().map(|row| (id(row), filled(row, pool))).collect::<BTreeMap<_, _>>();
    let [rows, document] = [by_id(rows), by_id(document)];
    let mut findings = Vec::new();
    for (id, row) in &rows {
        match document.get(id) {
            Some(stored) => {
                let fields = differing(row, stored, |_| true);
                findings.extend(fields.into_iter().map(|finding| finding.under(id)));
            }
            None => findings.push(Finding::new(id, Some(&json!(row)), None)),
        }
    }
    let surplus = document.iter().filter(|(id, _)| !rows.contains_key(*id));
    findings.extend(surplus.map(|(id, row)| Finding::new(id, None, Some(&json!(row)))));
    findings.into_iter().map(|finding| finding.under("document")).collect()
}

/// Returns whether two values are equal; numbers are compared by value, so 1 equals 1.0.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

/// Fields that the reference writes.
const REFERENCE_FIELDS: [&str; 29] = [
    "id",
    "label",
    "auth_type",
    "priority",
    "source",
    "access_token",
    "refresh_token",
    "last_status",
    "last_status_at",
    "last_error_code",
    "base_url",
    "expires_at",
    "expires_at_ms",
    "last_refresh",
    "inference_base_url",
    "agent_key",
    "agent_key_expires_at",
    "request_count",
    "token_type",
    "scope",
    "client_id",
    "portal_base_url",
    "obtained_at",
    "expires_in",
    "agent_key_id",
    "agent_key_expires_in",
    "agent_key_reused",
    "agent_key_obtained_at",
    "tls",
];

/// Returns whether a field is compared: recorded fields and fields that the reference writes are, the pool's own are not.
fn is_compared(name: &str, expected: &Row, order: Order) -> bool {
    match name {
        "priority" => order == Order::Same,
        _ => expected.contains_key(name) || REFERENCE_FIELDS.contains(&name),
    }
}

/// Returns the differing fields among the compared ones.
fn differing(expected: &Row, got: &Row, is_compared: impl Fn(&str) -> bool) -> Vec<Finding> {
    let ours_alone = got.keys().filter(|name| !expected.contains_key(*name));
    let names = expected.keys().chain(ours_alone).filter(|name| is_compared(name));
    names
        .map(|name| (name, expected.get(name), got.get(name)))
        .filter(|(_, expected, got)| match (expected, got) {
            (Some(expected), Some(got)) => !same(expected, got),
            _ => true,
        })
        .map(|(name, expected, got)| Finding::new(name, expected, got))
        .collect()
}

/// Returns the row without nulls, and with the defaults of missing fields.
fn filled(row: &Row, pool: &str) -> Row {
    let label = row.get("source").cloned().unwrap_or_else(|| pool.into());
    let defaults = [
        ("label", label),
        ("auth_type", "api_key".into()),
        ("priority", 0.into()),
        ("source", "manual".into()),
        ("access_token", "".into()),
        ("request_count", 0.into()),
        ("turn", 0.into()),
    ];
    let mut filled: Map<_, _> = row.clone();
    filled.retain(|_, value| !value.is_null());
    for (name, default) in defaults {
        filled.entry(name).or_insert(default);
    }
    filled
}

fn id(row: &Row) -> String {
    row.get("id").and_then(Value::as_str).unwrap_or("a row without an id").to_owned()
}
