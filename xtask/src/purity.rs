//! The core touches no clock, no randomness and no IO, and neither does anything it depends on.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};

use crate::{count::Count, run, workspace};

/// Fails if the core without features depends on a crate that nobody has looked at, or if somebody
/// has looked at one that is no longer there.
///
/// # Errors
///
/// Names those crates.
pub(crate) fn test() -> Result<Count> {
    let tree = run::output(workspace::cargo().args([
        "tree",
        "--locked",
        "--package=credential-pool",
        "--no-default-features",
        "--edges=normal,no-proc-macro",
        "--target=all",
        "--prefix=none",
        "--format={p}",
    ]))?;
    let found: BTreeSet<_> = tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let known: BTreeSet<_> = PURE.iter().map(|(name, _)| *name).chain(["credential-pool"]).collect();
    let unknown: Vec<_> = found.difference(&known).copied().collect();
    ensure!(
        unknown.is_empty(),
        "the core depends on {}: make sure that they touch no clock, no randomness and no IO, and say so in \
         xtask/src/purity.rs, or do without them",
        unknown.join(", ")
    );
    let gone: Vec<_> = known.difference(&found).copied().collect();
    ensure!(gone.is_empty(), "the core no longer depends on {}: take them out of xtask/src/purity.rs", gone.join(", "));
    Ok(Count::ONE)
}

/// Everything the core depends on, and why that is harmless.
const PURE: [(&str, &str); 34] = [
    ("base64", "text to bytes"),
    ("block-buffer", "of sha2: gathers bytes to blocks"),
    ("cfg-if", "of sha2: a macro"),
    ("cpufeatures", "of sha2 and rand_chacha: asks the processor what it can do"),
    ("crypto-common", "of sha2: traits; its randomness is a feature that is off"),
    ("deranged", "of time: numbers in a range"),
    ("digest", "of sha2: traits"),
    ("equivalent", "of indexmap: a trait"),
    ("foldhash", "of serde_json: hashes; its maps keep their order"),
    ("form_urlencoded", "text to text"),
    ("hashbrown", "of indexmap: maps in memory"),
    ("hybrid-array", "of sha2: arrays"),
    ("indexmap", "of serde_json: maps that keep their order"),
    ("itoa", "of serde_json: numbers to text"),
    ("libc", "of cpufeatures on ARM: asks the system what the processor can do"),
    ("libm", "logarithms that are the same on every platform"),
    ("memchr", "of serde_json: finds bytes"),
    ("num-conv", "of time: numbers to numbers"),
    ("percent-encoding", "of form_urlencoded: text to text"),
    ("powerfmt", "of time: text to text"),
    ("ppv-lite86", "of rand_chacha: arithmetic"),
    ("rand_chacha", "numbers from a seed that the host gives"),
    ("rand_core", "of rand_chacha: traits; the system's randomness is a crate of its own"),
    ("rustc-hash", "hashes without a random seed"),
    ("serde", "values to data"),
    ("serde_core", "of serde"),
    ("serde_json", "data to text, in memory"),
    ("sha2", "bytes to bytes"),
    ("time", "days to seconds; its clock is a feature that is off"),
    ("time-core", "of time: arithmetic"),
    ("typenum", "of sha2: numbers as types"),
    ("uuid", "bytes to ids; its randomness and clock are features that are off"),
    ("zerocopy", "of ppv-lite86: bytes as values"),
    ("zmij", "of serde_json: numbers to text"),
];
