//! The harness detects differences: no corrupted recording replays without one.

use conformance::{
    Face, Trace,
    face::{CallError, native::Native},
    replay,
};
use serde_json::{Map, Value, json};

use crate::reference;

/// Corrupts a place of a trace; returns `None` if the trace has no such place. The number selects among several places.
type Mutation = fn(&mut Value, usize) -> Option<()>;

const MUTATIONS: [(&str, Mutation); 20] = [
    ("a value", |trace, nth| set(pick(steps_with(trace, "value"), nth)?.get_mut("value")?, json!("no such answer"))),
    ("an id for null", |trace, nth| {
        let is_null = |step: &&mut Value| step["value"].is_null() && step["op"] != "mark_used";
        set(
            pick(steps_with(trace, "value").into_iter().filter(is_null).collect(), nth)?.get_mut("value")?,
            json!("abc"),
        )
    }),
    ("null for an id", |trace, nth| {
        let is_id = |step: &&mut Value| step["value"].is_string();
        set(pick(steps_with(trace, "value").into_iter().filter(is_id).collect(), nth)?.get_mut("value")?, Value::Null)
    }),
    ("no allowed choice", |trace, nth| {
        let has_choice = |step: &&mut Value| step["value_in"] != json!([]);
        let steps = steps_with(trace, "value_in").into_iter().filter(has_choice).collect();
        set(pick(steps, nth)?.get_mut("value_in")?, json!([]))
    }),
    ("last_status", |trace, nth| set_field(trace, nth, "last_status", json!("dead"))),
    ("last_status_at", |trace, nth| set_field(trace, nth, "last_status_at", json!(1.5))),
    ("request_count", |trace, nth| set_field(trace, nth, "request_count", json!(77))),
    ("base_url", |trace, nth| set_field(trace, nth, "base_url", json!("https://elsewhere.test"))),
    ("refresh_token", |trace, nth| set_field(trace, nth, "refresh_token", json!("rt-other"))),
    ("a missing field", |trace, nth| {
        let row = row(trace, nth)?;
        let fields: Vec<_> = row.keys().filter(|name| *name != "priority").cloned().collect();
        row.remove(pick(fields, nth)?.as_str()).map(drop)
    }),
    ("a surplus field of the reference", |trace, nth| {
        let row = row(trace, nth)?;
        (!row.contains_key("scope")).then(|| row.insert("scope".to_owned(), Value::Null)).map(drop)
    }),
    ("a surplus unknown field", |trace, nth| {
        row(trace, nth)?.insert("colour".to_owned(), json!("red"));
        Some(())
    }),
    ("a missing row", |trace, nth| {
        let entries = pick(entries(trace), nth)?;
        (!entries.is_empty()).then(|| entries.remove(nth % entries.len())).map(drop)
    }),
    ("a surplus row", |trace, nth| {
        let entries = pick(entries(trace), nth)?;
        let mut row = entries.first()?.clone();
        row["id"] = json!("abcdef");
        entries.push(row);
        Some(())
    }),
    ("a key", |trace, nth| set(pick(runtimes(trace), nth)?.get_mut(0)?, json!("sk-other"))),
    ("a base URL", |trace, nth| set(pick(runtimes(trace), nth)?.get_mut(1)?, json!("https://elsewhere.test"))),
    ("a missing runtime", |trace, nth| {
        let runtime = pick(steps_with(trace, "runtime"), nth)?["runtime"].as_object_mut()?;
        let id = pick(runtime.keys().cloned().collect(), nth)?;
        runtime.remove(&id).map(drop)
    }),
    ("a missing refresh", |trace, nth| {
        pick(steps_with(trace, "refreshes"), nth)?["refreshes"].as_array_mut()?.pop().map(drop)
    }),
    ("a pool key for a base URL", |trace, nth| {
        let keys = trace.get_mut("pool_key_for_base_url")?.as_object_mut()?;
        set(pick(keys.values_mut().collect(), nth)?, json!("custom:elsewhere"))
    }),
    ("custom pools", |trace, _| trace.get_mut("custom_pools")?.as_array_mut()?.pop().map(drop)),
];

#[test]
fn no_corrupted_recording_replays() {
    let traces: Vec<Value> = serde_json::from_str(&reference()).unwrap();
    for (kind, (name, mutate)) in MUTATIONS.into_iter().enumerate() {
        let mut corrupted = 0;
        // Each kind of corruption uses a different third of the traces.
        for (nth, trace) in traces.iter().enumerate().skip(kind % 3).step_by(3) {
            let mut trace = trace.clone();
            if mutate(&mut trace, nth).is_some() {
                corrupted += 1;
                assert_ne!(differences(&trace, &mut Native::default()), 0, "{name} of {}", trace["name"]);
            }
        }
        assert!(corrupted >= 3, "{name}: only {corrupted} traces have such a place");
    }
}

#[test]
fn a_recorded_refresh_without_an_intent_is_detected() {
    let mut trace = trace_named("rotation-2");
    trace["steps"][1]["refreshes"] = json!([{ "id": "abcdef", "ok": false }]);
    assert_ne!(differences(&trace, &mut Native::default()), 0);
}

#[test]
fn a_different_order_of_rows_is_detected() {
    let mut swapped = 0;
    for mut trace in serde_json::from_str::<Vec<Value>>(&reference()).unwrap() {
        let is_round_robin = trace["config"].to_string().to_lowercase().contains("round_robin");
        for entries in entries(&mut trace) {
            entries.reverse();
            swapped += usize::from(entries.len() > 1 && !is_round_robin);
        }
        let Ok(Trace::Script(script)) = serde_json::from_value(trace.clone()) else { continue };
        let expects_same = script.is_round_robin()
            || script.steps.iter().all(|step| step.entries.as_ref().is_none_or(|rows| rows.len() < 2));
        assert_eq!(differences(&trace, &mut Native::default()) == 0, expects_same, "{}", trace["name"]);
    }
    assert!(swapped > 0);
}

/// A face whose document ignores changes.
struct WithoutWrites(Native);

impl Face for WithoutWrites {
    fn exchange(&mut self, call: &str) -> Result<String, CallError> {
        let parsed: Value = serde_json::from_str(call).unwrap();
        match parsed["call"].as_str() {
            Some("applyToDocument") => {
                Ok(json!({ "ok": { "text": parsed["args"]["text"], "refused": [] } }).to_string())
            }
            _ => self.0.exchange(call),
        }
    }
}

#[test]
fn an_unwritten_change_is_detected() {
    let traces: Vec<Value> = serde_json::from_str(&reference()).unwrap();
    let changing = traces.iter().filter(|trace| trace["steps"].to_string().contains("rotate"));
    for trace in changing.take(20) {
        assert_ne!(differences(trace, &mut WithoutWrites(Native::default())), 0, "{}", trace["name"]);
    }
}

/// A face that answers with empty text.
struct Silent;

impl Face for Silent {
    fn exchange(&mut self, _: &str) -> Result<String, CallError> {
        Ok(String::new())
    }
}

#[test]
fn a_face_that_does_not_answer_is_detected() {
    for trace in serde_json::from_str::<Vec<Value>>(&reference()).unwrap() {
        assert_ne!(differences(&trace, &mut Silent), 0, "{}", trace["name"]);
    }
}

fn differences(trace: &Value, face: &mut dyn Face) -> usize {
    let trace: Trace = serde_json::from_value(trace.clone()).unwrap();
    replay(&trace, face).len()
}

fn trace_named(name: &str) -> Value {
    let traces: Vec<Value> = serde_json::from_str(&reference()).unwrap();
    traces.into_iter().find(|trace| trace["name"] == name).unwrap()
}

fn pick<T>(places: Vec<T>, nth: usize) -> Option<T> {
    let count = places.len();
    places.into_iter().nth(nth.checked_rem(count)?)
}

fn set(place: &mut Value, value: Value) -> Option<()> {
    (*place != value).then(|| *place = value)
}

/// Sets a field in a row that has the field.
fn set_field(trace: &mut Value, nth: usize, name: &str, value: Value) -> Option<()> {
    let rows = entries(trace).into_iter().flatten().filter(|row| row.get(name).is_some_and(|held| *held != value));
    set(&mut pick(rows.collect(), nth)?[name], value)
}

fn row(trace: &mut Value, nth: usize) -> Option<&mut Map<String, Value>> {
    pick(entries(trace).into_iter().flatten().collect(), nth)?.as_object_mut()
}

fn runtimes(trace: &mut Value) -> Vec<&mut Value> {
    let all = steps_with(trace, "runtime").into_iter().filter_map(|step| step["runtime"].as_object_mut());
    all.flat_map(Map::values_mut).collect()
}

fn entries(trace: &mut Value) -> Vec<&mut Vec<Value>> {
    steps_with(trace, "entries").into_iter().filter_map(|step| step["entries"].as_array_mut()).collect()
}

fn steps_with<'a>(trace: &'a mut Value, name: &str) -> Vec<&'a mut Value> {
    let steps = trace.get_mut("steps").and_then(Value::as_array_mut);
    steps.into_iter().flatten().filter(|step| step.get(name).is_some()).collect()
}
