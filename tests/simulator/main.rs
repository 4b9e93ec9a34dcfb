//! A simulation of whole days: sessions that share a pool, providers that limit them, a clock that jumps from
//! event to event.
//!
//! `world` is the clock, `provider` the truth, `told` what the pool can know of it, `sessions` who asks, `host` who
//! carries out what the pool says, `report` what came of it. The tests are in `promises` and `comparison`, and
//! `pretenders` has pools that are bad on purpose, so that the simulation is known to see it.
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
mod dice;
mod host;
mod meter;
mod pretenders;
mod promises;
mod provider;
mod report;
mod scenario;
mod sessions;
mod told;
mod world;
