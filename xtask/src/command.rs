//! Commands as parts of the gate.

use std::process::Command;

use anyhow::{Result, bail};

use crate::{count::Count, run, schedule::Failed, workspace};

/// Returns cargo in the workspace, with arguments.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut cargo = workspace::cargo();
    cargo.args(arguments);
    cargo
}

/// Runs a command that is one test.
pub(crate) fn check(command: Command) -> Result<Count> {
    run::output(&mut uncoloured(command)).map(|_| Count::ONE)
}

/// Runs a command that runs tests, and counts them as `count` reads its output.
pub(crate) fn tests(command: Command, count: fn(&str) -> Count) -> Result<Count> {
    let mut command = uncoloured(command);
    let output = run::captured(&mut command)?;
    let text = run::text(&output);
    let count = count(&text);
    let trouble = match count {
        _ if !output.status.success() => format!("failed ({})", output.status),
        Count { failed: 1.., .. } => "has failed tests".to_owned(),
        Count { skipped: 1.., .. } => "skipped tests: each must run, or go".to_owned(),
        Count { passed: 0, .. } => "ran no test".to_owned(),
        Count { .. } => return Ok(count),
    };
    let report = format!("`{}` {trouble}\n{text}", run::line(&command));
    bail!(Failed { count: Count { failed: count.failed.max(1), ..count }, report })
}

/// Switches colours off, which would stand between the words of a summary.
fn uncoloured(mut command: Command) -> Command {
    command.env("NO_COLOR", "1").env("CARGO_TERM_COLOR", "never").env_remove("FORCE_COLOR");
    command
}
