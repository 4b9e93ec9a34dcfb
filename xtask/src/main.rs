//! `cargo xtask`: builds, tests, replays, serves and demonstrates the project, with all set-up.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "the core's purity is not for its tools")]

mod build;
mod circles;
mod command;
mod command_line;
mod count;
mod demo;
mod package;
mod packing;
mod page;
mod purity;
mod readme;
mod replay;
mod run;
mod rust_version;
mod schedule;
mod serve;
mod setup;
mod soak;
mod stamp;
mod test;
mod trap;
mod workspace;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand, builder::PossibleValuesParser};

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Demo(options) => demo::run(&options),
        Command::Test { parts } => test::run(&parts),
        Command::Soak { minutes } => soak::run(minutes),
        Command::Build { artefacts } => build::run(artefacts),
        Command::Replay { file, through } => replay::run(&file, through),
        Command::Serve { port } => serve::run(port),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

/// Builds, tests, replays, serves and demonstrates credential-pool. Each command does the set-up it needs.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs an agent host on the pool, against a provider on this machine that limits and refuses
    Demo(demo::Options),
    /// Runs the gate: formatting, lints, tests, builds, types, replay
    Test {
        /// The parts to run, with the parts that they need; without a name, all parts
        #[arg(value_name = "PART", value_parser = PossibleValuesParser::new(test::names()))]
        parts: Vec<String>,
    },
    /// Runs the properties and the simulator with many cases and new seeds, for as long as you like
    Soak {
        /// Minutes after which no further round starts
        #[arg(long, default_value_t = 30)]
        minutes: u64,
    },
    /// Builds the npm package and the component into pkg/dist, the page into www/dist, the command line into pkg/cli/dist
    Build {
        /// The artefacts to build
        #[arg(value_enum, default_value = "all")]
        artefacts: build::Artefacts,
    },
    /// Replays a file of recorded traces and shows where the pool differs
    Replay {
        /// The traces, in the format of tests/traces
        file: PathBuf,
        /// Which face of the pool replays them
        #[arg(long, value_enum, default_value = "all")]
        through: replay::Through,
    },
    /// Serves the page on this machine
    Serve {
        /// The port on 127.0.0.1; without it 8080, or any that is free
        #[arg(long)]
        port: Option<u16>,
    },
}
