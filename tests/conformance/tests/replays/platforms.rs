//! The same document, seed and inputs give the same bytes natively and in the component.

use conformance::face::{Face, component::ComponentFace, native::Native};
use proptest::{collection::vec, prelude::*, sample::Index};
use serde_json::{Value, json};

use crate::component;

mod inputs;
mod values;

use inputs::{VIEWS, input, opening};

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 2, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_component_answers_the_bytes_of_the_native_core(opening in opening(), inputs in vec(input(), 0..40)) {
        let mut session = Session::start();
        session.both_answer(&opening)?;
        session.both_answer(&Input::new("rows", json!({ "pool": 1 })))?;
        for input in &inputs {
            session.both_answer(input)?;
        }
        session.both_answer(&Input::new("entries", json!({ "pool": 1, "now": NOW })))?;
        for view in VIEWS {
            session.both_answer(&Input::new(view, json!({ "pool": 1 })))?;
        }
    }
}

/// A call, whose ids, intents, leases and times the session fills in.
#[derive(Clone, Debug)]
enum Input {
    Call {
        name: &'static str,
        args: Value,
        id: Option<Index>,
        intent: Option<Index>,
        lease: Option<Index>,
        /// Milliseconds after the latest call.
        later: Option<i64>,
    },
    /// Writes the changes of the latest persist intent to the session's document.
    Persist,
    /// Arbitrary text.
    Text(String),
}

impl Input {
    fn new(name: &'static str, args: Value) -> Self {
        Self::Call { name, args, id: None, intent: None, lease: None, later: None }
    }
}

/// A native session and a component session, with the ids, leases and intents of their answers.
struct Session {
    native: Native,
    component: ComponentFace,
    ids: Vec<Value>,
    intents: Vec<Value>,
    leases: Vec<Value>,
    latest: i64,
    changes: Value,
    document: Value,
}

impl Session {
    fn start() -> Self {
        Self {
            native: Native::default(),
            component: component(),
            ids: vec!["unknown".into()],
            intents: vec![json!(u64::MAX)],
            leases: vec![json!(u64::MAX)],
            latest: NOW,
            changes: json!([]),
            document: json!(r#"{ "version": 1, "credential_pool": { "anthropic": [] } }"#),
        }
    }

    fn both_answer(&mut self, input: &Input) -> Result<(), TestCaseError> {
        let call = self.text(input);
        let native = self.native.exchange(&call).unwrap();
        let component = self.component.exchange(&call).unwrap();
        prop_assert_eq!(&native, &component, "{}", call);
        let call: Value = serde_json::from_str(&call).unwrap_or_default();
        self.latest = call.pointer("/args/now").and_then(Value::as_i64).map_or(self.latest, |now| now.max(self.latest));
        self.learn(&serde_json::from_str(&native).unwrap());
        Ok(())
    }

    fn text(&self, input: &Input) -> String {
        match input {
            Input::Call { name, args, id, intent, lease, later } => {
                let mut args = args.clone();
                if let Some(id) = id {
                    args["id"] = id.get(&self.ids).clone();
                }
                if let Some(intent) = intent {
                    args["intent"] = intent.get(&self.intents).clone();
                }
                if let Some(lease) = lease {
                    args["lease"] = recent(lease, &self.leases).clone();
                }
                if let Some(later) = later {
                    args["now"] = self.latest.saturating_add(*later).into();
                }
                json!({ "call": name, "args": args }).to_string()
            }
            Input::Persist => {
                let args = json!({ "text": self.document, "key": "anthropic", "changes": self.changes });
                json!({ "call": "applyToDocument", "args": args }).to_string()
            }
            Input::Text(text) => text.clone(),
        }
    }

    fn learn(&mut self, answer: &Value) {
        let text = answer.pointer("/ok/text").unwrap_or(&answer["ok"]);
        if text.as_str().is_some_and(|text| text.contains("credential_pool")) {
            self.document = text.clone();
        }
        self.leases.extend(answer.pointer("/ok/value/lease").cloned());
        let rows = answer["ok"].as_array().into_iter().flatten();
        self.ids.extend(rows.filter_map(|row| row.get("id").filter(|id| id.is_string()).cloned()));
        for intent in answer.pointer("/ok/intents").and_then(Value::as_array).into_iter().flatten() {
            self.intents.push(intent["id"].clone());
            for change in intent["changes"].as_array().into_iter().flatten() {
                self.ids.extend([change.get("id"), change.pointer("/row/id")].into_iter().flatten().cloned());
            }
            if intent["type"] == "persist" {
                self.changes = intent["changes"].clone();
            }
        }
    }
}

/// Picks among the three latest values, so that requests are followed to their end.
fn recent<'a>(index: &Index, values: &'a [Value]) -> &'a Value {
    index.get(values.last_chunk::<3>().map_or(values, |last| last))
}

const NOW: i64 = 1_775_757_580_463;
