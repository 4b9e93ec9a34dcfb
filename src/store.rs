//! Storage for hosts and editors: the stored state of a pool, changes and their merge, the document, its check, fixes
//! and masking.

pub(crate) mod apply;
pub(crate) mod change;
pub(crate) mod check;
pub(crate) mod document;
pub(crate) mod fix;
pub(crate) mod locate;
pub(crate) mod masking;
pub(crate) mod merge;
mod raw;
pub(crate) mod refusal;
mod rewrite;
mod section;
pub(crate) mod span;
pub(crate) mod stored;
