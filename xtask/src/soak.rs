//! `soak`: the properties and the simulator with many cases and new seeds, and the tests of many processes, in rounds.

use std::{
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

use anyhow::Result;

use crate::{
    command::{cargo, tests},
    count::Count,
    package,
    schedule::Failed,
    workspace,
};

/// Runs rounds until the time is over; at least one round. Ends with a line of counts.
///
/// # Errors
///
/// If the component, which the properties compare with the core, cannot be built.
pub(crate) fn run(minutes: u64) -> Result<ExitCode> {
    package::npm_package()?;
    package::component()?;
    let started = Instant::now();
    let length = Duration::from_secs(minutes.saturating_mul(60));
    let mut total = Count::default();
    for number in 1_u32.. {
        println!("▸ round {number}: {CASES} cases of each property, new seeds for the simulator");
        let begun = Instant::now();
        match round(number) {
            Ok(count) => {
                println!("✔ round {number}: {} passed in {:.1} s", count.passed, begun.elapsed().as_secs_f64());
                total.add(count);
            }
            Err(error) => {
                println!("✘ round {number}: failed after {:.1} s\n\n{error:#}\n", begun.elapsed().as_secs_f64());
                total.add(Failed::count_of(&error));
            }
        }
        if total.failed > 0 || started.elapsed() >= length {
            break;
        }
    }
    println!("{} passed, {} failed", total.passed, total.failed);
    Ok(if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Cases of each property in a round. The gate runs 256 to 2,000.
const CASES: u32 = 20_000;

/// The test programs that have properties, and the simulator.
const PROGRAMS: [&str; 6] = ["document", "editor", "login", "pool", "replays", "simulator"];

fn round(number: u32) -> Result<Count> {
    let mut command = cargo(&["test"]);
    command.args(PROGRAMS.map(|program| format!("--test={program}")));
    // Proptest draws new seeds in each run; the simulator derives its seeds from the round's number.
    command
        .envs([("PROPTEST_CASES", CASES), ("SIMULATOR_ROUND", number)].map(|(name, value)| (name, value.to_string())));
    let mut count = tests(command, Count::of_cargo)?;
    let mut node = Command::new("node");
    node.args(["--test", "--test-reporter=spec"]).args(PROCESSES).current_dir(workspace::root());
    node.env("STORE_ROUNDS", STORE_ROUNDS);
    count.add(tests(node, Count::of_node)?);
    Ok(count)
}

/// The tests of many processes that share a store.
const PROCESSES: [&str; 3] = [
    "tests/js/stores/processes.node.test.mjs",
    "tests/js/stores/redis.node.test.mjs",
    "tests/js/stores/refresh.node.test.mjs",
];

/// Factor of their numbers of writes, kills and refreshes.
const STORE_ROUNDS: &str = "8";
