//! A repair of a problem, as replacements in the text.

use std::borrow::Cow;

use serde::Serialize;

use crate::store::span::Splice;

/// Repair of a problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fix {
    /// Description for people. Contains no value of the document.
    pub label: Cow<'static, str>,
    /// Replacements in ascending order.
    pub edits: Vec<Splice>,
}

impl Fix {
    /// Returns the repaired text.
    pub fn apply(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        for edit in &self.edits {
            out.push_str(text.get(at..edit.from).unwrap_or_default());
            out.push_str(&edit.text);
            at = edit.to;
        }
        out.push_str(text.get(at..).unwrap_or_default());
        out
    }

    pub(super) fn new(label: impl Into<Cow<'static, str>>, mut edits: Vec<Splice>) -> Option<Self> {
        edits.sort_by_key(|edit| (edit.from, edit.to));
        (!edits.is_empty()).then(|| Self { label: label.into(), edits })
    }
}
