//! Rules as data: what an answer must be, and the kind of failure it then is.

use super::kind::FailureKind;

/// Rule of a table. The first rule that fits an answer decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    /// Statuses that the rule is for.
    pub(crate) on: On,
    /// Content that the answer must have.
    pub(crate) says: Says,
    /// Kind of the failure then.
    pub(crate) kind: FailureKind,
}

/// Statuses that a rule is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum On {
    /// Any status, or none.
    Any,
    /// These statuses.
    Only(&'static [u16]),
    /// Statuses from the first to the last.
    Between(u16, u16),
    /// No answer.
    Nothing,
}

/// Content that an answer must have. Everything is in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Says {
    /// Any content.
    Anything,
    /// One of these codes.
    Code(&'static [&'static str]),
    /// A code that contains one of these parts.
    CodeWith(&'static [&'static str]),
    /// One of these patterns in the words of codes and messages: see [`words`](super::words).
    Text(&'static [&'static str]),
    /// A sentence that has a pattern of each group `has`, in any order, and none of `without`.
    Sentence { has: &'static [&'static [&'static str]], without: &'static [&'static str] },
    /// One of these texts in the messages, to the character.
    Literal(&'static [&'static str]),
    /// A header of this name with this value.
    Header(&'static str, &'static str),
    /// A page for browsers.
    Page,
}

impl Rule {
    /// Returns the rule that an answer with one of these statuses and this content is a failure of this kind.
    pub(crate) const fn new(kind: FailureKind, on: On, says: Says) -> Self {
        Self { on, says, kind }
    }
}
