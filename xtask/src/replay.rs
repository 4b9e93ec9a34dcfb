//! `replay`: recorded traces, through each face of the pool.

use std::{
    path::Path,
    process::{Command, ExitCode},
};

use anyhow::Result;
use clap::ValueEnum;

use crate::{package, run, workspace};

/// A face of the pool.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Through {
    /// The Rust library
    Native,
    /// The npm package, in Node
    Wasm,
    /// The component, in wasmtime
    Component,
    /// All three
    All,
}

/// Replays a file of traces; the exit code is that of the replay.
///
/// # Errors
///
/// If something cannot be built or started.
pub(crate) fn run(file: &Path, through: Through) -> Result<ExitCode> {
    if matches!(through, Through::Wasm | Through::All) {
        package::npm_package()?;
    }
    if matches!(through, Through::Component | Through::All) {
        package::component()?;
    }
    run::shown(&mut build_command())?;
    run::replaced_by(&mut command(file, through)?)
}

/// Returns the command that builds the replay. It selects the same crates as `cargo test`, and with them the same
/// features of their dependencies, so that both share what they compile.
pub(crate) fn build_command() -> Command {
    let mut cargo = workspace::cargo();
    cargo.args(["build", "--bin=conformance"]);
    cargo
}

/// The replay as a command, where the caller is. It must have been built.
///
/// # Errors
///
/// If cargo does not tell where.
pub(crate) fn command(file: &Path, through: Through) -> Result<Command> {
    let mut replay = Command::new(workspace::built("conformance")?);
    replay.arg(file).arg("--through").arg(through.name());
    Ok(replay)
}

impl Through {
    fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Wasm => "wasm",
            Self::Component => "component",
            Self::All => "all",
        }
    }
}
