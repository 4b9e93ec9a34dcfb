//! `serve`: the page, on this machine.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};

use crate::{package, run, workspace};

/// Serves the page until it is interrupted.
///
/// # Errors
///
/// If there is no page.
pub(crate) fn run(port: u16) -> Result<ExitCode> {
    let page = page().context("there is no page to serve: neither www/dist nor www has an index.html")?;
    package::npm_package()?;
    run::replaced_by(workspace::npm_tool("sirv-cli/bin.js").arg(page).args([
        "--dev",
        "--no-clear",
        "--host",
        "127.0.0.1",
        "--port",
        &port.to_string(),
    ]))
}

fn page() -> Option<PathBuf> {
    ["www/dist", "www"]
        .map(|folder| workspace::root().join(folder))
        .into_iter()
        .find(|it| it.join("index.html").is_file())
}
