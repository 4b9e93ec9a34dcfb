//! Sections of a document: names, and shapes of their entries.

use serde_json::Value;

use crate::error::{Problem, ProblemCode, pointer_step};

pub(super) const LOGINS: &str = "providers";
pub(super) const POOLS: &str = "credential_pool";
pub(super) const ABSENT: &str = "credential_pool_absent";
pub(super) const SUPPRESSED: &str = "suppressed_sources";
pub(super) const STRATEGIES: &str = "credential_pool_strategies";
pub(super) const POLICIES: &str = "credential_pool_policies";
pub(super) const MERGES: &str = "credential_pool_merges";

/// Shape of a section's entries. Null counts as absent.
pub(super) struct EntryShape {
    pub(super) section: &'static str,
    pub(super) fits: fn(&Value) -> bool,
    /// Description of the shape in messages.
    pub(super) expected: &'static str,
}

pub(super) const LIST_OF_ROWS: EntryShape =
    EntryShape { section: POOLS, fits: Value::is_array, expected: "a list of credentials: `[…]`" };
pub(super) const LIST_OF_ABSENT_ROWS: EntryShape =
    EntryShape { section: ABSENT, fits: Value::is_array, expected: "a list of credentials: `[…]`" };
pub(super) const LIST_OF_SOURCES: EntryShape =
    EntryShape { section: SUPPRESSED, fits: Value::is_array, expected: "a list of sources: `[…]`" };
pub(super) const STRATEGY: EntryShape =
    EntryShape { section: STRATEGIES, fits: Value::is_string, expected: "a strategy's name in quotes" };
pub(super) const POLICY: EntryShape =
    EntryShape { section: POLICIES, fits: Value::is_object, expected: "a policy: `{…}`" };

pub(super) const MERGE: EntryShape =
    EntryShape { section: MERGES, fits: Value::is_object, expected: "merge metadata: `{…}`" };

impl EntryShape {
    pub(super) fn section_problem(&self, section: &Value) -> Option<Problem> {
        (!section.is_null() && !section.is_object()).then(|| not_an_object(self.section))
    }

    pub(super) fn entry_problem(&self, key: &str, entry: &Value) -> Option<Problem> {
        (!entry.is_null() && !(self.fits)(entry)).then(|| {
            Problem::error(
                ProblemCode::WrongType,
                pointer_step(self.section) + &pointer_step(key),
                format!("an entry of `{}` must be {}; correct or delete the entry", self.section, self.expected),
            )
        })
    }
}

pub(super) fn not_an_object(section: &str) -> Problem {
    Problem::error(
        ProblemCode::WrongType,
        pointer_step(section),
        format!("`{section}` must be an object: `{{…}}`; correct or delete the section"),
    )
}
