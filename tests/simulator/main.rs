//! A discrete-event simulation of whole days: sessions that share a pool, a provider that limits each credential, and
//! a clock that jumps from event to event.
//!
//! `world` runs the events, `provider` answers requests, `known_limits` records which limits the pool knows of,
//! `sessions` make requests, `host` carries out intents, `report` counts. The tests are in `guarantees` and
//! `comparison`; `faulty_pools` has pools with known faults, to test that the simulation detects them.
//!
//! `cargo test --release --test simulator -- --nocapture` prints the figures as Markdown.

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

mod answers;
mod clock;
mod comparison;
mod faulty_pools;
mod guarantees;
mod host;
mod known_limits;
mod meter;
mod provider;
mod report;
mod rng;
mod scenario;
mod sessions;
mod world;
