//! Replays traces through a face, and compares after each step.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    compare::{self, Order},
    difference::{Difference, Finding, Report},
    face::{CallError, Face},
    host::Host,
    ids::Ids,
    trace::{Names, Op, Row, Runtimes, Script, Step, Trace},
};

/// Replays all traces through a face.
pub fn replay_all(traces: &[Trace], face: &mut dyn Face) -> Report {
    let mut report = Report { traces: traces.len(), ..Report::default() };
    for trace in traces {
        report.steps = report.steps.saturating_add(trace.step_count());
        report.differences.extend(replay(trace, face));
    }
    report
}

/// Replays a trace through a face; returns the differences from the recording.
pub fn replay(trace: &Trace, face: &mut dyn Face) -> Vec<Difference> {
    match trace {
        Trace::Script(script) => Replay::new(script, face).run(),
        Trace::Names(names) => replay_names(names, face),
    }
}

struct Replay<'a> {
    script: &'a Script,
    host: Host<'a>,
    ids: Ids,
    order: Order,
    /// Rows, as they were recorded last.
    rows: &'a [Row],
    /// Keys and base URLs, as they were recorded last.
    runtimes: Option<&'a Runtimes>,
    differences: Vec<Difference>,
}

impl<'a> Replay<'a> {
    fn new(script: &'a Script, face: &'a mut dyn Face) -> Self {
        Self {
            script,
            host: Host::new(face, script),
            ids: Ids::default(),
            order: if script.is_round_robin() { Order::Own } else { Order::Same },
            rows: &script.stored,
            runtimes: None,
            differences: Vec::new(),
        }
    }

    fn run(mut self) -> Vec<Difference> {
        for (index, step) in self.script.steps.iter().enumerate() {
            let findings = self.step(step);
            self.record(index, step.op.name(), findings);
        }
        let end = self.host.close().err().map(|error| failed("close", None, &error));
        let findings = self.host.take_findings().into_iter().chain(end).collect();
        self.record(self.script.steps.len(), "end", findings);
        self.differences
    }

    fn step(&mut self, step: &'a Step) -> Vec<Finding> {
        let answer = self.host.run(step, |theirs| self.ids.ours(theirs).to_owned());
        self.pair_ids(step);
        self.rows = step.entries.as_deref().unwrap_or(self.rows);
        self.runtimes = step.runtime.as_ref().or(self.runtimes);
        let mut findings = self.host.take_findings();
        findings.extend(self.compare_answer(step, answer));
        findings.extend(self.compare_rows());
        findings.extend(self.compare_runtimes());
        findings
    }

    /// Pairs the reference's new ids with the pool's, in order of creation.
    fn pair_ids(&mut self, step: &Step) {
        let given = match &step.op {
            Op::Add { row } => row.get("id").and_then(Value::as_str),
            _ => None,
        };
        let [before, after] = [Some(self.rows), step.entries.as_deref()].map(ids);
        let theirs =
            step.draws.iter().filter_map(|draw| draw.get(..6)).filter(|id| after.contains(id) && !before.contains(id));
        let ours = self.host.take_new_ids();
        for (ours, theirs) in ours.iter().filter(|id| given != Some(id)).zip(theirs) {
            self.ids.pair(ours, theirs);
        }
    }

    fn compare_answer(&self, step: &Step, answer: Result<Value, CallError>) -> Option<Finding> {
        match answer {
            Ok(Value::String(id)) => compare::answer(&step.answer, &self.ids.theirs(&id).into()),
            Ok(value) => compare::answer(&step.answer, &value),
            Err(error) => Some(failed("value", Some(&step.answer.to_value()), &error)),
        }
    }

    fn compare_rows(&mut self) -> Vec<Finding> {
        match self.host.rows() {
            Ok(rows) => compare::rows(self.rows, &self.with_their_ids(rows), self.order),
            Err(error) => vec![failed("entries", None, &error)],
        }
    }

    fn compare_runtimes(&mut self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (id, expected) in self.runtimes.into_iter().flatten() {
            let place = format!("runtime/{id}");
            match self.host.runtime(self.ids.ours(id)) {
                Ok(got) if got == *expected => {}
                Ok(got) => findings.push(Finding::new(place, Some(&json!(expected)), Some(&json!(got)))),
                Err(error) => findings.push(failed(&place, Some(&json!(expected)), &error)),
            }
        }
        let is_recorded = |id: &&str| self.runtimes.is_none_or(|runtimes| runtimes.contains_key(*id));
        let surplus = ids(Some(self.rows)).into_iter().filter(|id| !is_recorded(id));
        findings.extend(surplus.map(|id| Finding::new(format!("runtime/{id}"), None, Some(&"a row".into()))));
        findings
    }

    fn with_their_ids(&self, mut rows: Vec<Row>) -> Vec<Row> {
        for row in &mut rows {
            if let Some(Value::String(id)) = row.get_mut("id") {
                *id = self.ids.theirs(id).to_owned();
            }
        }
        rows
    }

    fn record(&mut self, step: usize, op: &'static str, findings: Vec<Finding>) {
        let trace = &self.script.name;
        self.differences.extend(findings.into_iter().map(|finding| Difference {
            trace: trace.clone(),
            step: Some(step),
            op,
            finding,
        }));
    }
}

fn replay_names(names: &Names, face: &mut dyn Face) -> Vec<Difference> {
    let mut findings = Vec::new();
    let mut compare = |field: String, expected: Value, got: Result<Value, CallError>| match got {
        Ok(got) if compare::same(&expected, &got) => {}
        Ok(got) => findings.push(Finding::new(field, Some(&expected), Some(&got))),
        Err(error) => findings.push(failed(&field, Some(&expected), &error)),
    };
    for (url, key) in &names.pool_key_for_base_url {
        let got = face.call("poolKeyForBaseUrl", json!({ "baseUrl": url, "config": names.config }));
        compare(format!("pool_key_for_base_url/{url}"), key.clone(), got);
    }
    let document = json!({ "version": 1, "providers": {}, "credential_pool": names.credential_pool });
    let got = face.call("customPools", json!({ "text": document.to_string() }));
    compare("custom_pools".to_owned(), json!(names.custom_pools), got);
    let place = |finding| Difference { trace: names.name.clone(), step: None, op: "names", finding };
    findings.into_iter().map(place).collect()
}

fn ids(rows: Option<&[Row]>) -> BTreeSet<&str> {
    rows.into_iter().flatten().filter_map(|row| row.get("id")?.as_str()).collect()
}

fn failed(field: &str, expected: Option<&Value>, error: &CallError) -> Finding {
    Finding::new(field, expected, Some(&error.to_string().into()))
}
