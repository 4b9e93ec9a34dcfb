//! `test`: the gate, as parts with declared needs that run side by side.

mod javascript;

use std::{
    env,
    process::{Command, ExitCode},
};

use anyhow::{Context, Result};
use clap::builder::PossibleValue;

use crate::{
    circles,
    command::{cargo, check, tests},
    count::Count,
    packing, purity, readme,
    replay::{self, Through},
    rust_version,
    schedule::{self, Failed, Lane, Moment, Part},
    setup, workspace,
};

/// Runs the named parts and all that they need, or everything, and ends with a line of counts.
///
/// # Errors
///
/// If a name belongs to no part. A part that fails is printed and counted.
pub(crate) fn run(names: &[String]) -> Result<ExitCode> {
    let parts = schedule::selected(&PARTS, names)?;
    let mut total = Count::default();
    let done = schedule::run(&parts, |part, moment| match moment {
        Moment::Started => println!("▸ {}", part.title),
        Moment::Ended { result: Ok(count), took } => {
            println!("✔ {}: {} passed in {:.1} s", part.title, count.passed, took.as_secs_f64());
            total.add(*count);
        }
        Moment::Ended { result: Err(error), took } => {
            println!("✘ {}: failed after {:.1} s\n\n{error:#}\n", part.title, took.as_secs_f64());
            total.add(Failed::count_of(error));
        }
    });
    if let (Err(error), 0) = (&done, total.failed) {
        println!("{error:#}");
        total.failed = 1;
    }
    println!("{} passed, {} failed", total.passed, total.failed);
    Ok(if done.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The names of all parts, for the command line.
pub(crate) fn names() -> impl Iterator<Item = PossibleValue> {
    PARTS.iter().map(|part| PossibleValue::new(part.name).help(part.title))
}

/// All parts. Of those that could start in a lane the first does, so what is cheap or needed by others stands first.
const PARTS: [Part; 26] = [
    part("rust-tools", "set-up: Rust's tools", &[], Lane::Cargo, rust_tools),
    part("npm", "set-up: npm packages", &[], Lane::Npm, npm_packages),
    part("programs", "set-up: Redis and the browsers", &[], Lane::System, programs),
    part("format", "formatting", &["rust-tools"], Lane::Cargo, || check(cargo(&["fmt", "--all", "--check"]))),
    part("purity", "dependencies of the core", &[], Lane::Cargo, purity::test),
    part("rust-version", "the Rust that the locked dependencies need", &[], Lane::Cargo, rust_version::test),
    part("circles-rust", "no import circles in Rust", &[], Lane::Cargo, circles::rust::test),
    part("build", "build of the npm packages and the page", &["rust-tools", "npm"], Lane::Release, || build("npm")),
    // After the packages, for which most parts wait.
    part("component", "build of the component", &["build"], Lane::Release, || build("component")),
    part("lints", "lints, and the build of the Rust tests", &["rust-tools"], Lane::Cargo, || {
        check(linted(&["test", "--no-run"])?)
    }),
    part("lints-wasm", "lints of the faces", &["rust-tools"], Lane::Cargo, || {
        check(clippy(&[JS, COMPONENT, PAGE, WASM]))
    }),
    part("lints-reader", "lints of the page's reader", &["rust-tools"], Lane::Cargo, || {
        check(clippy(&["--no-default-features", PAGE, WASM]))
    }),
    part("xtask", "lints and tests of xtask", &["rust-tools"], Lane::Cargo, || {
        tests(linted(&["test", "--package=xtask"])?, Count::of_cargo)
    }),
    part("rust", "Rust tests, with those in the documentation", &["lints", "build", "component"], Lane::Cargo, || {
        tests(linted(&["test"])?, Count::of_cargo)
    }),
    part("replay", "replay through all faces", &["lints", "build", "component"], Lane::Cargo, replay),
    part("types", "types", &["lints", "build"], Lane::Cargo, javascript::types),
    part("documentation", "documentation", &[], Lane::Cargo, documentation),
    part("node", "JavaScript tests in Node", &["build", "programs"], Lane::JavaScript, javascript::node),
    part("deno", "JavaScript tests in Deno", &["build", "programs"], Lane::JavaScript, javascript::deno),
    part("bun", "JavaScript tests in Bun", &["build", "programs"], Lane::JavaScript, javascript::bun),
    part(
        "circles-typescript",
        "no import circles in TypeScript",
        &["npm"],
        Lane::JavaScript,
        circles::typescript::test,
    ),
    part("packages", "the packages as npm packs them", &["build", "component"], Lane::JavaScript, packing::test),
    part("readme", "the examples of the README files", &["build"], Lane::JavaScript, readme::test),
    part("demo", "the demo", &["build"], Lane::JavaScript, javascript::demo),
    part("chromium", "the page, in Chromium", &["build", "programs"], Lane::Browser, javascript::chromium),
    part("firefox", "the page, in Firefox", &["build", "programs"], Lane::Browser, javascript::firefox),
];

const fn part(
    name: &'static str,
    title: &'static str,
    needs: &'static [&'static str],
    lane: Lane,
    run: fn() -> Result<Count>,
) -> Part {
    Part { name, title, needs, lane, run }
}

const JS: &str = "--package=credential-pool-js";
const COMPONENT: &str = "--package=credential-pool-component";
const PAGE: &str = "--package=credential-pool-page";

/// The crates whose documentation others read.
const DOCUMENTED: [&str; 3] = ["--package=credential-pool", "--package=credential-pool-protocol", PAGE];

const WASM: &str = "--target=wasm32-unknown-unknown";

fn rust_tools() -> Result<Count> {
    setup::rust_components()?;
    setup::wasm_target()?;
    Ok(Count::default())
}

fn npm_packages() -> Result<Count> {
    setup::node()?;
    for folder in ["pkg", "pkg/cli", "tests/js", "www"] {
        setup::npm_packages(folder)?;
    }
    Ok(Count::default())
}

fn programs() -> Result<Count> {
    setup::debian_packages().map(|()| Count::default())
}

/// Builds in a process of its own, so that the progress of the build does not stand between the lines of other parts. The
/// process is this program again, since `cargo xtask` would wait for the parts that lock cargo's folder for development.
fn build(artefacts: &str) -> Result<Count> {
    let mut xtask = Command::new(env::current_exe().context("the path of xtask is not known")?);
    xtask.args(["build", artefacts]);
    check(xtask)
}

fn documentation() -> Result<Count> {
    let mut doc = cargo(&[&["doc", "--no-deps"], &DOCUMENTED[..]].concat());
    doc.env("RUSTDOCFLAGS", "--deny=warnings");
    check(doc)
}

fn replay() -> Result<Count> {
    let traces = workspace::root().join("tests/traces/reference.json");
    check(replay::command(&traces, Through::All)?)
}

/// Returns cargo with clippy as the compiler of the workspace's crates: they are linted while they are compiled, and
/// their dependencies are not checked a second time.
fn linted(arguments: &[&str]) -> Result<Command> {
    let mut cargo = cargo(arguments);
    cargo.env("RUSTC_WORKSPACE_WRAPPER", setup::clippy_driver()?).env("CLIPPY_ARGS", "--deny=warnings");
    Ok(cargo)
}

fn clippy(arguments: &[&str]) -> Command {
    let mut clippy = cargo(&["clippy"]);
    clippy.args(arguments).args(["--", "--deny=warnings"]);
    clippy
}

#[cfg(test)]
mod part_table {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_name_is_there_once_and_every_need_is_a_part() -> Result<()> {
        let names: BTreeSet<_> = PARTS.iter().map(|part| part.name).collect();
        assert_eq!(names.len(), PARTS.len());
        assert_eq!(schedule::selected(&PARTS, &[])?.len(), PARTS.len());
        Ok(())
    }

    #[test]
    fn a_part_brings_its_build_and_its_tools() -> Result<()> {
        let parts = schedule::selected(&PARTS, &["firefox".to_owned()])?;
        let names: Vec<_> = parts.iter().map(|part| part.name).collect();
        assert_eq!(names, ["rust-tools", "npm", "programs", "build", "firefox"]);
        Ok(())
    }
}
