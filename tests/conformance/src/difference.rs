//! Differences from the recording, and the report of them.

use std::{collections::BTreeSet, fmt};

use serde_json::Value;

/// A difference from the recording, with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Name of the trace.
    pub trace: String,
    /// Index of the step, from 0; `None` if the trace has no steps.
    pub step: Option<usize>,
    /// Name of the step's operation.
    pub op: &'static str,
    /// The differing value.
    pub finding: Finding,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, ", self.trace)?;
        match self.step {
            Some(step) => write!(f, "step {step} ({}): ", self.op)?,
            None => write!(f, "{}: ", self.op)?,
        }
        self.finding.fmt(f)
    }
}

/// A differing value, field or row.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Path of the value.
    pub field: String,
    /// The recorded value; `None` if nothing was recorded.
    pub expected: Option<Value>,
    /// The pool's value; `None` if the pool has none.
    pub got: Option<Value>,
}

impl Finding {
    pub(crate) fn new(field: impl Into<String>, expected: Option<&Value>, got: Option<&Value>) -> Self {
        Self { field: field.into(), expected: expected.cloned(), got: got.cloned() }
    }

    /// Returns the finding with its path below `parent`.
    pub(crate) fn under(self, parent: &str) -> Self {
        Self { field: format!("{parent}/{}", self.field), ..self }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Option<Value>| value.as_ref().map_or_else(|| "nothing".to_owned(), Value::to_string);
        write!(f, "{}: expected {}, got {}", self.field, shown(&self.expected), shown(&self.got))
    }
}

/// Result of replaying traces.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Number of traces.
    pub traces: usize,
    /// Number of steps of all traces.
    pub steps: usize,
    /// All differences, in the order of the traces.
    pub differences: Vec<Difference>,
}

impl Report {
    /// Returns the number of differing steps; a trace without steps counts as a single step.
    pub fn differing(&self) -> usize {
        let places = self.differences.iter().map(|difference| (&difference.trace, difference.step));
        places.collect::<BTreeSet<_>>().len()
    }

    /// Returns the first difference of each trace; later differences are often its consequences.
    pub fn firsts(&self) -> impl Iterator<Item = &Difference> {
        let mut last = None;
        self.differences.iter().filter(move |difference| last.replace(&difference.trace) != Some(&difference.trace))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} traces, {} steps, {} differ", self.traces, self.steps, self.differing())
    }
}
