//! The editor through its public API: documents, a person's edits, and the text that results.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod elsewhere;
mod properties;
mod replay;
mod secrecy;
mod tables;
mod transcripts;

use credential_pool::{Editor, Timestamp};

/// 2026-04-09T17:59:40.463Z.
const START: Timestamp = Timestamp::from_millis(1_775_757_580_463);

fn after(millis: i64) -> Timestamp {
    Timestamp::from_millis(START.as_millis() + millis)
}

fn open(text: &str) -> Editor {
    Editor::open(text, [7; 32]).unwrap()
}
