//! `build`: the artefacts that the project ships.

use std::process::ExitCode;

use anyhow::Result;
use clap::ValueEnum;

use crate::{command_line, package};

/// Artefacts that are built together.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Artefacts {
    /// The npm packages and the page
    Npm,
    /// The component
    Component,
    /// All of them, with their sizes
    All,
}

/// Builds artefacts.
///
/// # Errors
///
/// If a step fails.
pub(crate) fn run(artefacts: Artefacts) -> Result<ExitCode> {
    if artefacts != Artefacts::Component {
        command_line::build()?;
    }
    if artefacts != Artefacts::Npm {
        package::component()?;
    }
    if artefacts == Artefacts::All {
        eprint!("{}", package::sizes()?);
    }
    Ok(ExitCode::SUCCESS)
}
