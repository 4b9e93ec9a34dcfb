//! `serve`: the page, on this machine.

use std::process::ExitCode;

use anyhow::Result;

use crate::{page, run, workspace};

/// Builds the page and serves it until it is interrupted.
///
/// # Errors
///
/// If it cannot be built.
pub(crate) fn run(port: u16) -> Result<ExitCode> {
    page::build()?;
    run::replaced_by(workspace::npm_tool("sirv-cli/bin.js").arg(workspace::root().join("www/dist")).args([
        "--no-clear",
        "--host",
        "127.0.0.1",
        "--port",
        &port.to_string(),
    ]))
}
