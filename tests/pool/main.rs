//! The core through its public API: each test is a host.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod absent;
mod bad_input;
mod borrowed;
mod bounds;
mod clock;
mod differences;
mod discovered;
mod failures;
mod fleets;
mod host;
mod merging;
mod oauth;
mod pasted_keys;
mod policy;
mod precision;
mod properties;
mod providers;
mod refresh_faults;
mod requests_read;
mod rotation;
mod script;
mod secrecy;
mod sharing;
mod spread;
mod too_large;
mod transcripts;
mod two_hosts;
mod writes;
