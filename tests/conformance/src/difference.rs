//! What differs from the reference, and how that is told.

use std::{collections::BTreeSet, fmt};

use serde_json::Value;

/// One thing that is not as it was recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// In which trace.
    pub trace: String,
    /// In which of its steps, from 0; none if it has no steps.
    pub step: Option<usize>,
    /// What was done in that step.
    pub op: &'static str,
    /// What differs.
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

/// What differs: a value, a field, a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Which one, as a path of names.
    pub field: String,
    /// What was recorded; none if there was nothing.
    pub expected: Option<Value>,
    /// What the pool has; none if there is nothing.
    pub got: Option<Value>,
}

impl Finding {
    pub(crate) fn new(field: impl Into<String>, expected: Option<&Value>, got: Option<&Value>) -> Self {
        Self { field: field.into(), expected: expected.cloned(), got: got.cloned() }
    }

    /// The same finding, seen from further up.
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

/// What came of replaying traces.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// How many traces.
    pub traces: usize,
    /// How many steps they have.
    pub steps: usize,
    /// All that differs, in the order of the traces.
    pub differences: Vec<Difference>,
}

impl Report {
    /// How many steps differ; a trace without steps counts as one.
    pub fn differing(&self) -> usize {
        let places = self.differences.iter().map(|difference| (&difference.trace, difference.step));
        places.collect::<BTreeSet<_>>().len()
    }

    /// The first difference of each trace: what follows it is often its consequence.
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
