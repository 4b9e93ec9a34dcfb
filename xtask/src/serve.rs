//! `serve`: the page, on this machine.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::{page, run, setup, workspace};

/// Builds the page and serves it until it is interrupted, on a port or on any that is free.
///
/// # Errors
///
/// If it cannot be built.
pub(crate) fn run(port: Option<u16>) -> Result<ExitCode> {
    page::build()?;
    setup::npm_packages("pkg/cli")?;
    let mut node = Command::new("node");
    // In the folder of the command line, whose static server the script uses.
    node.args(["--input-type=module", "--eval", include_str!("serve.mjs"), "--"])
        .arg(workspace::root().join("www/dist"))
        .args(port.map(|port| port.to_string()))
        .current_dir(workspace::command_line());
    run::replaced_by(&mut node)
}
