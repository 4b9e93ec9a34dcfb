//! A host of the pool: it keeps a document, carries out intents, and runs the operations of a trace.

use std::collections::VecDeque;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    compare,
    difference::Finding,
    face::{CallError, Face},
    trace::{Environment, Op, Refresh, Row, Script, Step},
};

/// The host of a trace's pool.
pub(crate) struct Host<'a> {
    face: &'a mut dyn Face,
    script: &'a Script,
    /// Text of the document, which is the store.
    document: String,
    env: &'a Environment,
    /// Number of the open pool.
    pool: Option<u64>,
    now: i64,
    /// Recorded refreshes of this step without an intent so far, with the pool's ids.
    refreshes: Vec<(String, &'a Refresh)>,
    new_ids: Vec<String>,
    findings: Vec<Finding>,
}

impl<'a> Host<'a> {
    pub(crate) fn new(face: &'a mut dyn Face, script: &'a Script) -> Self {
        let document = json!({
            "version": 1,
            "providers": script.providers,
            "credential_pool": { &script.pool: script.stored },
        });
        Self {
            face,
            script,
            document: document.to_string(),
            env: &script.env,
            pool: None,
            now: 0,
            refreshes: Vec::new(),
            new_ids: Vec::new(),
            findings: Vec::new(),
        }
    }

    /// Runs the operation of a step, and returns its answer in the reference's form with the pool's ids. `ours`
    /// translates an id of the reference to the pool's.
    pub(crate) fn run(&mut self, step: &'a Step, ours: impl Fn(&str) -> String) -> Result<Value, CallError> {
        self.now = step.at_ms;
        self.refreshes = step.refreshes.iter().map(|refresh| (ours(&refresh.id), refresh)).collect();
        let answer = self.run_op(&step.op, &ours);
        let unasked = std::mem::take(&mut self.refreshes);
        self.findings.extend(unasked.into_iter().map(|(_, refresh)| {
            Finding::new(format!("refreshes/{}", refresh.id), Some(&json!({ "ok": refresh.ok })), None)
        }));
        answer
    }

    /// Flushes and closes the pool, if it is open, and compares its rows with the document.
    pub(crate) fn close(&mut self) -> Result<(), CallError> {
        if self.pool.is_some() {
            self.step::<Value>("flush", json!({ "pool": self.pool, "now": self.now }))?;
            let rows = self.rows()?;
            self.findings.extend(compare::stored(&self.script.pool, &rows, &self.document_rows()?));
            self.face.call("close", json!({ "pool": self.pool }))?;
            self.pool = None;
        }
        Ok(())
    }

    /// Returns the pool's rows.
    pub(crate) fn rows(&mut self) -> Result<Vec<Row>, CallError> {
        self.ask("rows", json!({ "pool": self.pool }))
    }

    /// Returns the key and the base URL of a request with this credential.
    pub(crate) fn runtime(&mut self, id: &str) -> Result<(String, Option<String>), CallError> {
        let runtime: Runtime = self.ask("runtime", json!({ "pool": self.pool, "id": id }))?;
        Ok((runtime.key, runtime.base_url))
    }

    /// Returns the ids of rows that were added since the last call, in order of creation.
    pub(crate) fn take_new_ids(&mut self) -> Vec<String> {
        std::mem::take(&mut self.new_ids)
    }

    /// Returns the differences since the last call other than answers and rows.
    pub(crate) fn take_findings(&mut self) -> Vec<Finding> {
        std::mem::take(&mut self.findings)
    }

    fn run_op(&mut self, op: &'a Op, ours: &impl Fn(&str) -> String) -> Result<Value, CallError> {
        let (pool, now) = (self.pool, self.now);
        match op {
            Op::Load { env } => self.load(env.as_ref()),
            Op::Select => self.select(),
            Op::Peek => self.face.call("peek", json!({ "pool": pool, "now": now })),
            Op::Current => self.face.call("current", json!({ "pool": pool })),
            Op::MarkUsed { id } => match id.as_deref().map(ours).map_or_else(|| self.current(), |id| Ok(Some(id)))? {
                Some(id) => Ok(self.step("markUsed", json!({ "pool": pool, "id": id }))?.value),
                None => Ok(Value::Null),
            },
            Op::Rotate { status } => self.rotate(*status),
            Op::Refresh => self.refresh(),
            Op::Reset => Ok(self.step("reset", json!({ "pool": pool, "now": now }))?.value),
            Op::Remove { index, id } => self.remove(*index, id.as_deref().map(ours)),
            Op::Add { row } => Ok(self.step("add", json!({ "pool": pool, "row": row, "now": now }))?.value),
        }
    }

    fn load(&mut self, env: Option<&'a Environment>) -> Result<Value, CallError> {
        self.env = env.unwrap_or(self.env);
        self.close()?;
        let script = self.script;
        let reading: Reading = self.ask("readDocument", json!({ "text": self.document, "key": script.pool }))?;
        let opened = self.face.call(
            "open",
            json!({
                "key": script.pool,
                "stored": reading.stored,
                "sources": {
                    "env": self.env,
                    "config": script.config,
                    "fileLogins": { "hermes_pkce": script.hermes_pkce, "claude_code": script.claude_code },
                    "documentLogins": reading.document_logins,
                },
                "seed": SEED,
                "now": self.now,
            }),
        )?;
        let Opening { pool, step } = parsed("open", opened)?;
        self.pool = Some(pool);
        self.carry_out(step.intents)?;
        let Opened { has_credentials } = step.value;
        Ok(has_credentials.into())
    }

    fn select(&mut self) -> Result<Value, CallError> {
        let done = self.step("select", json!({ "pool": self.pool, "now": self.now }))?;
        self.selected(done.value)
    }

    /// Selects again while the selection waits for a refresh.
    fn selected(&mut self, mut selection: Selection) -> Result<Value, CallError> {
        for _ in 0..MOST_REFRESHES {
            match selection {
                Selection::Selected { credential } => return Ok(credential.into()),
                Selection::Exhausted | Selection::Empty => return Ok(Value::Null),
                Selection::Refreshing => {
                    selection = self.step("select", json!({ "pool": self.pool, "now": self.now }))?.value;
                }
            }
        }
        Err(CallError::broken("every selection asks for another refresh"))
    }

    /// Rotates the current credential. Without a current credential the reference selects one and cools it down, which
    /// the pool does not do: then this only selects. No trace has that case.
    fn rotate(&mut self, status: Option<i64>) -> Result<Value, CallError> {
        let Some(current) = self.current()? else { return self.select() };
        let args = json!({ "pool": self.pool, "id": current, "failure": { "status": status }, "now": self.now });
        let done = self.step("rotate", args)?;
        self.selected(done.value)
    }

    fn refresh(&mut self) -> Result<Value, CallError> {
        let Some(current) = self.current()? else { return Ok(Value::Null) };
        let args = json!({ "pool": self.pool, "id": current, "now": self.now });
        let done: Done<Value> = self.step("refresh", args)?;
        match done.settled.contains(&Settled::Refreshed) {
            true => Ok(current.into()),
            false => Ok(Value::Null),
        }
    }

    /// Removes a credential by its place, or by id under round_robin, where the orders differ.
    fn remove(&mut self, index: usize, id: Option<String>) -> Result<Value, CallError> {
        let removed = match self.script.is_round_robin() {
            true => id,
            false => {
                let place = index.checked_sub(1);
                let rows = self.rows()?;
                place.and_then(|place| rows.get(place)?.get("id")?.as_str().map(str::to_owned))
            }
        };
        let Some(id) = removed else { return Ok(Value::Null) };
        self.step::<Value>("remove", json!({ "pool": self.pool, "id": id, "now": self.now }))?;
        Ok(id.into())
    }

    fn current(&mut self) -> Result<Option<String>, CallError> {
        self.ask("current", json!({ "pool": self.pool }))
    }

    /// Calls an input, and carries out its intents.
    fn step<T: DeserializeOwned>(&mut self, name: &str, args: Value) -> Result<Done<T>, CallError> {
        let step: StepAnswer<T> = self.ask(name, args)?;
        Ok(Done { value: step.value, settled: self.carry_out(step.intents)? })
    }

    /// Carries out intents and their follow-up intents; returns the settlements.
    fn carry_out(&mut self, intents: Vec<Intent>) -> Result<Vec<Settled>, CallError> {
        let mut left = VecDeque::from(intents);
        let mut all = Vec::new();
        while let Some(intent) = left.pop_front() {
            let (id, outcome) = match intent {
                Intent::Persist { id, changes } => (id, self.persist(changes)?),
                Intent::Refresh { id, credential } => (id, self.recorded_refresh(&credential)),
            };
            let args = json!({ "pool": self.pool, "intent": id, "outcome": outcome, "now": self.now });
            let step: StepAnswer<Settled> = self.ask("settle", args)?;
            all.push(step.value);
            left.extend(step.intents);
            if all.len() > MOST_INTENTS {
                return Err(CallError::broken("every settled intent leads to another intent"));
            }
        }
        Ok(all)
    }

    fn persist(&mut self, changes: Vec<Value>) -> Result<Value, CallError> {
        for change in &changes {
            let new_id = match change.get("type").and_then(Value::as_str) {
                Some("add") => change.pointer("/row/id"),
                Some("identify") => change.get("id"),
                _ => None,
            };
            self.new_ids.extend(new_id.and_then(Value::as_str).map(str::to_owned));
        }
        let args = json!({ "text": self.document, "key": self.script.pool, "changes": changes });
        let applied: Applied = self.ask("applyToDocument", args)?;
        let refused = applied.refused.into_iter();
        self.findings.extend(refused.map(|refusal| Finding::new("document/refused", None, Some(&refusal))));
        self.document = applied.text;
        Ok(json!({ "type": "saved" }))
    }

    /// Returns the outcome of a refresh, as it was recorded for this step.
    fn recorded_refresh(&mut self, credential: &str) -> Value {
        let place = self.refreshes.iter().position(|(id, _)| id == credential);
        match place.map(|place| self.refreshes.remove(place)) {
            Some((_, Refresh { ok: true, set, .. })) => json!({ "type": "tokens", "set": set }),
            Some(_) => json!({ "type": "refused" }),
            None => {
                self.findings.push(Finding::new(format!("refreshes/{credential}"), None, Some(&json!("asked for"))));
                json!({ "type": "unreachable" })
            }
        }
    }

    fn document_rows(&self) -> Result<Vec<Row>, CallError> {
        let document: Value = serde_json::from_str(&self.document).map_err(CallError::broken)?;
        let rows = document.get("credential_pool").and_then(|pools| pools.get(&self.script.pool));
        parsed("the document", rows.cloned().unwrap_or_else(|| json!([])))
    }

    fn ask<T: DeserializeOwned>(&mut self, name: &str, args: Value) -> Result<T, CallError> {
        parsed(name, self.face.call(name, args)?)
    }
}

const SEED: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
/// Limit of refreshes in a selection; no pool of a trace has as many logins.
const MOST_REFRESHES: usize = 20;
/// Limit of intents in a step.
const MOST_INTENTS: usize = 100;

fn parsed<T: DeserializeOwned>(name: &str, answer: Value) -> Result<T, CallError> {
    serde_json::from_value(answer)
        .map_err(|error| CallError::broken(format!("{name} has an unexpected shape: {error}")))
}

/// Answer of an input, and the settlements of its intents.
struct Done<T> {
    value: T,
    settled: Vec<Settled>,
}

#[derive(Deserialize)]
struct StepAnswer<T> {
    value: T,
    intents: Vec<Intent>,
}

#[derive(Deserialize)]
struct Applied {
    text: String,
    refused: Vec<Value>,
}

#[derive(Deserialize)]
struct Opening {
    pool: u64,
    #[serde(flatten)]
    step: StepAnswer<Opened>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Opened {
    has_credentials: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reading {
    stored: Value,
    document_logins: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Runtime {
    key: String,
    base_url: Option<String>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Selection {
    Selected { credential: String },
    Refreshing,
    Exhausted,
    Empty,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Intent {
    Persist { id: u64, changes: Vec<Value> },
    Refresh { id: u64, credential: String },
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Settled {
    Saved,
    Unsaved,
    Refreshed,
    Continues,
    CoolingDown,
    Dead,
    Unrefreshed,
    Gone,
}
