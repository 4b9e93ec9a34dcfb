//! Recorded sessions of the reference. `tests/traces/README.md` describes every field.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value};

/// A stored row of a pool.
pub type Row = Map<String, Value>;

/// Key and base URL of a request, by credential id.
pub type Runtimes = BTreeMap<String, (String, Option<String>)>;

/// A recorded session.
#[derive(Clone, Debug)]
pub enum Trace {
    /// A pool and a script of operations on it.
    Script(Script),
    /// Base URLs and custom pools, with their pool keys.
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

    /// Name of the trace.
    pub fn name(&self) -> &str {
        match self {
            Self::Script(script) => &script.name,
            Self::Names(names) => &names.name,
        }
    }

    /// Number of operations.
    pub fn step_count(&self) -> usize {
        match self {
            Self::Script(script) => script.steps.len(),
            Self::Names(_) => 0,
        }
    }
}

/// Stored rows and sources of a pool, and a script of operations.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// Name of the trace.
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
    /// Returns whether the strategy is round_robin, under which the reference rewrites priorities and the pool does not.
    pub fn is_round_robin(&self) -> bool {
        let strategies = self.config.get("credential_pool_strategies");
        let strategy = strategies.and_then(|strategies| strategies.get(&self.pool)).and_then(Value::as_str);
        strategy.is_some_and(|strategy| strategy.trim().to_lowercase() == "round_robin")
    }
}

/// Environment variables by name.
pub type Environment = BTreeMap<String, String>;

/// An operation, with the reference's answer and rows after it.
#[derive(Clone, Debug, Deserialize)]
pub struct Step {
    /// The time, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// The operation.
    #[serde(flatten)]
    pub op: Op,
    /// The answer.
    #[serde(flatten)]
    pub answer: Answer,
    /// Refreshes that the reference made in this step.
    #[serde(default)]
    pub refreshes: Vec<Refresh>,
    /// Random bytes of each id created in this step, in hex.
    #[serde(default)]
    pub draws: Vec<String>,
    /// All rows after the step, in order of priority; `None` if unchanged.
    #[serde(default)]
    pub entries: Option<Vec<Row>>,
    /// Key and base URL of each credential; `None` if unchanged.
    #[serde(default)]
    pub runtime: Option<Runtimes>,
}

/// An operation of a step.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Op {
    /// Open the pool again from the document.
    Load {
        /// New environment; `None` if unchanged.
        env: Option<Environment>,
    },
    /// Choose the next credential.
    Select,
    /// Look up the credential that would be selected.
    Peek,
    /// Look up the credential that was selected last.
    Current,
    /// Count a use.
    MarkUsed {
        /// Id of the credential; `None` for the current credential.
        id: Option<String>,
    },
    /// Cool the current credential down, then select.
    Rotate {
        /// The HTTP status of the failure.
        status: Option<i64>,
    },
    /// Refresh the current credential, due or not.
    Refresh,
    /// End every cooldown.
    Reset,
    /// Remove a credential.
    Remove {
        /// Its place in order of priority, from 1.
        index: usize,
        /// Its id; `None` if no credential has that place.
        id: Option<String>,
    },
    /// Add a credential.
    Add {
        /// Its row.
        row: Row,
    },
}

impl Op {
    /// Returns the operation's name in traces.
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

/// The reference's answer.
#[derive(Clone, Debug)]
pub enum Answer {
    /// This value.
    Is(Value),
    /// A random choice among these ids; null if there are none.
    OneOf(Vec<String>),
}

impl Answer {
    /// Returns the answer as the trace has it.
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
    /// Id of the credential.
    pub id: String,
    /// Whether the provider granted new tokens; otherwise it refused.
    pub ok: bool,
    /// Fields that the new tokens set.
    #[serde(default)]
    pub set: Row,
}

/// Lookups of pool keys, with the reference's answers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Names {
    /// Name of the trace.
    pub name: String,
    /// The host's configuration.
    pub config: Map<String, Value>,
    /// The pools of a document.
    pub credential_pool: Map<String, Value>,
    /// Pool key or null, by base URL.
    pub pool_key_for_base_url: BTreeMap<String, Value>,
    /// Custom pools of the document that have rows.
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
