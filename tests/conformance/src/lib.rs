//! Replays recorded sessions of the reference through every face of the pool, and reports each difference.
//!
//! A [`Trace`] is a recorded session; `tests/traces/README.md` describes its format. A
//! [`Face`] is one way to reach the core: natively, through the Node package, through the
//! component. [`replay`] drives a trace through a face as a host would, with a document as its
//! store, and returns every [`Difference`] from the recording.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "this is a host: it does IO")]

mod artefact;
mod compare;
mod difference;
pub mod face;
mod host;
mod ids;
mod replay;
pub mod trace;

pub use difference::{Difference, Report};
pub use face::Face;
pub use replay::{replay, replay_all};
pub use trace::Trace;
