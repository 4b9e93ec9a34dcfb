//! Judgement of answers: whose fault a failure is, and when the provider says that it is over.
//!
//! `evidence` reads an answer, `headers` its headers. `rules` judges it, a provider's own rules before the general ones, their `phrases` and
//! their `shapes`, over text that `words` normalises.
//! `hint` finds the moment at which the failure is over, in the fields of `hint_fields` among other places. `judge`
//! puts the parts together. `kind`, `rule`, `response` and `diagnosis` are the types.

mod diagnosis;
mod evidence;
pub(crate) mod headers;
mod hint;
mod hint_fields;
mod judge;
pub(crate) mod kind;
mod phrases;
mod response;
pub(crate) mod rule;
mod rules;
mod shapes;
mod words;

pub use diagnosis::{Diagnosis, Hint, HintSource};
pub use headers::Headers;
pub use judge::diagnose;
pub(crate) use judge::failure;
pub use kind::{FailureKind, Fault};
pub use response::Response;
