//! `demo`: an agent host in Node, on the package as it was just built.

use std::{
    path::PathBuf,
    process::{Command, ExitCode},
};

use anyhow::Result;

use crate::{command_line, package, run, workspace};

/// How the demo runs.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The `auth.json` to run on, which the demo writes to; without it, one is made in a temporary folder
    #[arg(long, value_name = "PATH")]
    document: Option<PathBuf>,
    /// Prints the summary as JSON
    #[arg(long)]
    json: bool,
    /// Serves the page on the document then, until Ctrl-C
    #[arg(long, conflicts_with = "json")]
    page: bool,
}

/// Runs the demo.
///
/// # Errors
///
/// If it cannot be built or started; it reports its own troubles.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    match options.page {
        true => command_line::build()?,
        false => package::npm_package()?,
    }
    let mut node = Command::new("node");
    node.arg(workspace::root().join("tests/demo/main.mjs"));
    if let Some(document) = &options.document {
        node.arg("--document").arg(document);
    }
    if options.json {
        node.arg("--json");
    }
    if options.page {
        node.arg("--page");
    }
    run::replaced_by(&mut node)
}
