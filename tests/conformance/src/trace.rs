//! What the reference did, as it was recorded. `tests/traces/README.md` describes every field.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value};

/// A row of a pool, as it is stored.
pub type Row = Map<String, Value>;

/// For each id, the key and the base URL that a request would use.
pub type Runtimes = BTreeMap<String, (String, Option<String>)>;

/// One recorded session.
#[derive(Clone, Debug)]
pub enum Trace {
    /// A pool and a script of operations on it.
    Script(Script),
    /// Questions about the names of pools.
    Names(Names),
}

impl Trace {
    /// Reads a file of traces.
    ///
    /// # Errors
    ///
    /// If the text is not an array of traces.
    pub fn read_all(text: &str) -> Result<Vec<Self>> {
        serde_json::from_str(text).context("this is not an array of traces")
    }

    /// What the trace is called.
    pub fn name(&self) -> &str {
        match self {
            Self::Script(script) => &script.name,
            Self::Names(names) => &names.name,
        }
    }

    /// How many operations it holds.
    pub fn step_count(&self) -> usize {
        match self {
            Self::Script(script) => script.steps.len(),
            Self::Names(_) => 0,
        }
    }
}

/// A pool's stored rows and surroundings, and a script of operations.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// What the trace is called.
    pub name: String,
    /// The pool key.
    pub pool: String,
    /// The host's configuration.
    pub config: Map<String, Value>,
    /// The environment at the start.
    pub env: Environment,
    /// The document's logins.
    pub providers: Map<String, Value>,
    /// A login found in a file.
    pub hermes_pkce: Value,
    /// A login found in a file.
    pub claude_code: Value,
    /// The rows in the document before the first step.
    pub stored: Vec<Row>,
    /// The operations, in their order.
    pub steps: Vec<Step>,
}

impl Script {
    /// Whether the pool takes turns. The reference then rewrites priorities, and the pool does not.
    pub fn is_round_robin(&self) -> bool {
        let strategies = self.config.get("credential_pool_strategies");
        let strategy = strategies.and_then(|strategies| strategies.get(&self.pool)).and_then(Value::as_str);
        strategy.is_some_and(|strategy| strategy.trim().to_lowercase() == "round_robin")
    }
}

/// Environment variables by name.
pub type Environment = BTreeMap<String, String>;

/// One operation, what the reference answered, and how its rows looked afterwards.
#[derive(Clone, Debug, Deserialize)]
pub struct Step {
    /// The time, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// What was done.
    #[serde(flatten)]
    pub op: Op,
    /// The answer.
    #[serde(flatten)]
    pub answer: Answer,
    /// How the refreshes ended that the reference made during this step.
    #[serde(default)]
    pub refreshes: Vec<Refresh>,
    /// The random bytes behind each id that was made in this step, as hex.
    #[serde(default)]
    pub draws: Vec<String>,
    /// All rows afterwards, in order of priority; none if they are as before.
    #[serde(default)]
    pub entries: Option<Vec<Row>>,
    /// What a request would use; none if it is as before.
    #[serde(default)]
    pub runtime: Option<Runtimes>,
}

/// What is done in a step.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Op {
    /// Open the pool anew from what was persisted.
    Load {
        /// The environment from now on; none if it is as before.
        env: Option<Environment>,
    },
    /// Choose the next credential.
    Select,
    /// Which one would serve.
    Peek,
    /// Which one was selected last.
    Current,
    /// Count a use.
    MarkUsed {
        /// Of which credential; none for the current one.
        id: Option<String>,
    },
    /// Bench the current one, then select.
    Rotate {
        /// The HTTP status of the failure.
        status: Option<i64>,
    },
    /// Refresh the current one, due or not.
    Refresh,
    /// End every rest.
    Reset,
    /// Take a credential out.
    Remove {
        /// Its place in order of priority, from 1.
        index: usize,
        /// Its id; none if no credential has that place.
        id: Option<String>,
    },
    /// Put a credential in.
    Add {
        /// Its row.
        row: Row,
    },
}

impl Op {
    /// What the trace calls it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Load { .. } => "load",
            Self::Select => "select",
            Self::Peek => "peek",
            Self::Current => "current",
            Self::MarkUsed { .. } => "mark_used",
            Self::Rotate { .. } => "rotate",
            Self::Refresh => "refresh",
            Self::Reset => "reset",
            Self::Remove { .. } => "remove",
            Self::Add { .. } => "add",
        }
    }
}

/// What the reference answered.
#[derive(Clone, Debug)]
pub enum Answer {
    /// This.
    Is(Value),
    /// One of these ids, by chance; null if there are none.
    OneOf(Vec<String>),
}

impl Answer {
    /// As the trace has it.
    pub(crate) fn to_value(&self) -> Value {
        match self {
            Self::Is(value) => value.clone(),
            Self::OneOf(ids) => ids.as_slice().into(),
        }
    }
}

/// A refresh that the reference made.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    /// Of which credential.
    pub id: String,
    /// Whether the provider gave new tokens; if not, it refused.
    pub ok: bool,
    /// The fields that the new tokens set.
    #[serde(default)]
    pub set: Row,
}

/// Questions about the names of pools, and what the reference answered.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Names {
    /// What the trace is called.
    pub name: String,
    /// The host's configuration.
    pub config: Map<String, Value>,
    /// The pools of a document.
    pub credential_pool: Map<String, Value>,
    /// For each base URL, the key of its pool or null.
    pub pool_key_for_base_url: BTreeMap<String, Value>,
    /// The custom pools of the document that hold rows.
    pub custom_pools: Vec<String>,
}

impl<'de> Deserialize<'de> for Trace {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let trace = Value::deserialize(deserializer)?;
        let name = trace.get("name").and_then(Value::as_str).unwrap_or("without a name").to_owned();
        let read = match trace.get("steps") {
            Some(_) => serde_json::from_value(trace).map(Self::Script),
            None => serde_json::from_value(trace).map(Self::Names),
        };
        read.map_err(|error| de::Error::custom(format!("trace {name}: {error}")))
    }
}

impl<'de> Deserialize<'de> for Answer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut step = Map::deserialize(deserializer)?;
        match (step.remove("value"), step.remove("value_in")) {
            (Some(value), None) => Ok(Self::Is(value)),
            (None, Some(ids)) => serde_json::from_value(ids).map(Self::OneOf).map_err(de::Error::custom),
            _ => Err(de::Error::custom("a step has either `value` or `value_in`")),
        }
    }
}
