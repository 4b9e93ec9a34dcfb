//! `conformance FILE [--through FACE]`: replays recorded traces and shows the differences.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "this is a host: it does IO")]

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use conformance::{
    Face, Report, Trace,
    face::{component::Compiled, native::Native, node::Node},
    replay_all,
};

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::from(2)
        }
    }
}

/// Replays recorded traces and shows the differences. Exits with 1 if there are any.
#[derive(Parser)]
struct Arguments {
    /// File of recorded traces.
    file: PathBuf,
    /// Face of the pool to replay through.
    #[arg(long, value_enum, default_value_t = Through::All)]
    through: Through,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Through {
    /// The core as a Rust library.
    Native,
    /// The npm package in Node.
    Wasm,
    /// The component in wasmtime.
    Component,
    /// All faces.
    All,
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

    fn faces(self) -> Vec<Self> {
        match self {
            Self::All => vec![Self::Native, Self::Wasm, Self::Component],
            face => vec![face],
        }
    }

    fn start(self) -> Result<Box<dyn Face>> {
        Ok(match self {
            Self::Native | Self::All => Box::new(Native::default()),
            Self::Wasm => Box::new(Node::start()?),
            Self::Component => Box::new(Compiled::load()?.instance()?),
        })
    }
}

/// Replays the traces, prints the reports, and returns whether nothing differs.
fn run(arguments: &Arguments) -> Result<bool> {
    let file = arguments.file.display();
    let text = std::fs::read_to_string(&arguments.file).with_context(|| format!("{file} cannot be read"))?;
    let traces = Trace::read_all(&text).with_context(|| format!("{file} is not a file of traces"))?;
    let mut is_same = true;
    for through in arguments.through.faces() {
        let report = replay_all(&traces, &mut *through.start()?);
        println!("{}: {report}", through.name());
        show_differences(&report);
        is_same &= report.differences.is_empty();
    }
    Ok(is_same)
}

fn show_differences(report: &Report) {
    const MOST_SHOWN: usize = 10;
    for difference in report.firsts().take(MOST_SHOWN) {
        println!("  {difference}");
    }
    let more = report.differences.len().saturating_sub(report.firsts().take(MOST_SHOWN).count());
    if more > 0 {
        println!("  and {more} more differences; of each trace the first is shown");
    }
}
