//! `test`: everything, in the order in which it is cheapest to fail.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::Instant,
};

use anyhow::{Context, Result, bail};

use crate::{
    circles, command_line,
    count::Count,
    package, packing, purity, readme,
    replay::{self, Through},
    run, setup, workspace,
};

/// Runs everything, and ends with one line of counts.
///
/// # Errors
///
/// Never: what fails is shown and counted.
pub(crate) fn run() -> Result<ExitCode> {
    let mut suite = Suite::default();
    let done = all(&mut suite);
    if let Err(error) = &done {
        println!("\n{error:#}\n");
    }
    println!("{} passed, {} failed", suite.count.passed, suite.count.failed);
    Ok(if done.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn all(suite: &mut Suite) -> Result<()> {
    suite.part("set-up", set_up)?;

    suite.check("formatting", cargo(&["fmt", "--all", "--check"]))?;
    suite.part("dependencies of the core", purity::test)?;
    suite.check("lints", clippy(&["--all-targets"]))?;
    suite.check("lints of the faces", clippy(&[JS, COMPONENT, PAGE, WASM]))?;
    suite.check("lints of the page's reader", clippy(&["--no-default-features", PAGE, WASM]))?;
    suite.check("documentation", with_strict_docs(cargo(&["doc", "--no-deps"])))?;
    suite.part("no import circles in TypeScript", circles::test)?;
    suite.part("build", || package::build().and_then(|()| command_line::build()).map(|()| Count::ONE))?;

    suite.tests("Rust tests, with those in the documentation", cargo(&["test"]), Count::of_cargo)?;
    suite.tests("JavaScript tests in Node", node_test(&js_tests("tests/js")?), Count::of_node)?;
    suite.tests("JavaScript tests in Deno", deno_test(&for_every_host(js_tests("tests/js")?)), Count::of_deno)?;
    suite.tests("the page, in Chromium", node_test(&js_tests("tests/page")?), Count::of_node)?;
    suite.tests("the page, in Firefox", in_firefox(&for_every_browser(js_tests("tests/page")?)), Count::of_node)?;
    suite.part("types", types)?;
    suite.part("the packages as npm packs them", packing::test)?;
    suite.part("the examples of the README files", readme::test)?;
    suite.part("replay through all faces", replay)?;
    suite.tests("the demo", node_test(&js_tests("tests/demo")?), Count::of_node)
}

/// Counts what passed, says what runs, and stops at the first failure.
#[derive(Default)]
struct Suite {
    count: Count,
}

impl Suite {
    /// A command that is one test.
    fn check(&mut self, name: &str, command: Command) -> Result<()> {
        self.part(name, || run::output(&mut uncoloured(command)).map(|_| Count::ONE))
    }

    /// A command that runs tests, and how it counts them.
    fn tests(&mut self, name: &str, command: Command, count: fn(&str) -> Count) -> Result<()> {
        self.part(name, || {
            let mut command = uncoloured(command);
            let output = run::captured(&mut command)?;
            let text = run::text(&output);
            let count = count(&text);
            let trouble = match count {
                _ if !output.status.success() => format!("failed ({})", output.status),
                Count { failed: 1.., .. } => "has failed tests".to_owned(),
                Count { skipped: 1.., .. } => "skipped tests: each must run, or go".to_owned(),
                Count { passed: 0, .. } => "ran no test".to_owned(),
                Count { .. } => return Ok(count),
            };
            let report = format!("`{}` {trouble}\n{text}", run::line(&command));
            bail!(Failed { count: Count { failed: count.failed.max(1), ..count }, report })
        })
    }

    fn part(&mut self, name: &str, work: impl FnOnce() -> Result<Count>) -> Result<()> {
        println!("▸ {name}");
        io::stdout().flush()?;
        let started = Instant::now();
        let done = work();
        let seconds = started.elapsed().as_secs_f64();
        match done {
            Ok(count) => {
                println!("  {} passed in {seconds:.1} s", count.passed);
                self.count.add(count);
                Ok(())
            }
            Err(error) => {
                println!("  failed after {seconds:.1} s");
                let failed = error.downcast_ref::<Failed>();
                self.count.add(failed.map_or(Count { failed: 1, ..Count::default() }, |it| it.count));
                Err(error)
            }
        }
    }
}

/// Tests that failed, and all that they wrote.
#[derive(Debug)]
struct Failed {
    count: Count,
    report: String,
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.report)
    }
}

impl std::error::Error for Failed {}

const JS: &str = "--package=credential-pool-js";
const COMPONENT: &str = "--package=credential-pool-component";
const PAGE: &str = "--package=credential-pool-page";
const WASM: &str = "--target=wasm32-unknown-unknown";

fn set_up() -> Result<Count> {
    setup::rust_components()?;
    setup::wasm_target()?;
    setup::node()?;
    setup::npm_packages("pkg")?;
    setup::npm_packages("pkg/cli")?;
    setup::npm_packages("tests/js")?;
    setup::npm_packages("www")?;
    setup::redis()?;
    setup::chromium()?;
    setup::firefox()?;
    Ok(Count::default())
}

/// Colours would stand between the words of a summary.
fn uncoloured(mut command: Command) -> Command {
    command.env("NO_COLOR", "1").env("CARGO_TERM_COLOR", "never").env_remove("FORCE_COLOR");
    command
}

fn cargo(arguments: &[&str]) -> Command {
    let mut cargo = workspace::cargo();
    cargo.args(arguments);
    cargo
}

fn clippy(arguments: &[&str]) -> Command {
    let mut clippy = cargo(&["clippy"]);
    clippy.args(arguments).args(["--", "--deny=warnings"]);
    clippy
}

fn with_strict_docs(mut command: Command) -> Command {
    command.env("RUSTDOCFLAGS", "--deny=warnings");
    command
}

/// The test files of a folder and those below it.
fn js_tests(folder: &str) -> Result<Vec<PathBuf>> {
    let mut files = files(&workspace::root().join(folder))?;
    files.retain(|file| file.to_string_lossy().ends_with(".test.mjs"));
    files.sort();
    Ok(files)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        match path.is_dir() {
            true if path.ends_with("node_modules") => {}
            true => found.append(&mut files(&path)?),
            false => found.push(path),
        }
    }
    Ok(found)
}

/// Those that do not say in their name that they are for Node alone.
fn for_every_host(mut files: Vec<PathBuf>) -> Vec<PathBuf> {
    files.retain(|file| !file.to_string_lossy().ends_with(".node.test.mjs"));
    files
}

/// Those that do not say in their name that they ask Chromium what no other browser tells.
fn for_every_browser(files: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut files = for_every_host(files);
    files.retain(|file| !file.to_string_lossy().ends_with(".chromium.test.mjs"));
    files
}

fn node_test(files: &[PathBuf]) -> Command {
    let mut node = Command::new("node");
    node.args(["--test", "--test-reporter=spec"]).args(files).current_dir(workspace::root());
    node
}

fn in_firefox(files: &[PathBuf]) -> Command {
    let mut node = node_test(files);
    node.env("TEST_BROWSER", "firefox");
    node
}

/// Deno reads the folder's package.json, so it runs there.
fn deno_test(files: &[PathBuf]) -> Command {
    let mut deno = Command::new("node");
    deno.arg("node_modules/deno/bin.cjs")
        .args(["test", "--allow-all", "--no-check", "--no-lock", "--quiet"])
        .args(files)
        .current_dir(workspace::root().join("tests/js"))
        .env("DENO_NO_UPDATE_CHECK", "1");
    deno
}

/// The types, against what the pool really answers and against what hosts write.
fn types() -> Result<Count> {
    let folder = workspace::root().join("tests/types");
    let shapes = run::output(&mut Command::new(workspace::built("examples/shapes")?))?;
    fs::write(folder.join("shapes.ts"), shapes)?;
    run::output(workspace::npm_tool("typescript/bin/tsc").arg("--project").arg(folder)).map(|_| Count::ONE)
}

fn replay() -> Result<Count> {
    let traces = workspace::root().join("tests/traces/reference.json");
    run::output(&mut uncoloured(replay::command(&traces, Through::All)?)).map(|_| Count::ONE)
}
