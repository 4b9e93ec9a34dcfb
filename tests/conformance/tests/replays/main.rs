//! Every face replays the recording, the harness detects corrupted recordings, and all platforms give the same bytes.

#![cfg(test)]
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "this is a host: it does IO")]

use std::sync::OnceLock;

use conformance::face::component::{Compiled, ComponentFace};

mod command;
mod faces;
mod mutations;
mod platforms;

/// The component, compiled once for all tests.
fn component() -> ComponentFace {
    static COMPILED: OnceLock<Compiled> = OnceLock::new();
    COMPILED.get_or_init(|| Compiled::load().unwrap()).instance().unwrap()
}

const REFERENCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../traces/reference.json");

fn reference() -> String {
    std::fs::read_to_string(REFERENCE).unwrap()
}
