//! The parts that run in Node, in Deno and in browsers.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{
    command::{check, tests},
    count::Count,
    run, workspace,
};

/// Tests of the package in Node.
pub(super) fn node() -> Result<Count> {
    tests(node_test(&test_files("tests/js")?), Count::of_node)
}

/// Tests of the package in Deno.
pub(super) fn deno() -> Result<Count> {
    tests(deno_test(&for_every_host(test_files("tests/js")?)), Count::of_deno)
}

/// Tests of the package in Bun.
pub(super) fn bun() -> Result<Count> {
    tests(bun_test(&for_every_host(test_files("tests/js")?)), Count::of_bun)
}

/// Tests of the page in Chromium.
pub(super) fn chromium() -> Result<Count> {
    tests(node_test(&test_files("tests/page")?), Count::of_node)
}

/// Tests of the page in Firefox.
pub(super) fn firefox() -> Result<Count> {
    let mut node = node_test(&for_every_browser(test_files("tests/page")?));
    node.env("TEST_BROWSER", "firefox");
    tests(node, Count::of_node)
}

/// Tests of the demo.
pub(super) fn demo() -> Result<Count> {
    tests(node_test(&test_files("tests/demo")?), Count::of_node)
}

/// Checks the types against answers of the pool, as the example `shapes` prints them, and against programs of hosts.
pub(super) fn types() -> Result<Count> {
    let folder = workspace::root().join("tests/types");
    let shapes = run::output(&mut Command::new(workspace::built("examples/shapes")?))?;
    fs::write(folder.join("shapes.ts"), shapes)?;
    let mut compiler = workspace::npm_tool("typescript/bin/tsc");
    compiler.arg("--project").arg(folder);
    check(compiler)
}

fn node_test(files: &[PathBuf]) -> Command {
    let mut node = Command::new("node");
    node.args(["--test", "--test-reporter=spec"]).args(files).current_dir(workspace::root());
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

/// Bun's npm package holds the program under this name on every system.
fn bun_test(files: &[PathBuf]) -> Command {
    let folder = workspace::root().join("tests/js");
    let mut bun = Command::new(folder.join("node_modules/bun/bin/bun.exe"));
    bun.args(["test", "--isolate", "--timeout=60000"]).args(files).current_dir(folder);
    bun
}

/// Returns the test files of a folder and of the folders in it.
fn test_files(folder: &str) -> Result<Vec<PathBuf>> {
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

/// Leaves out the files that are for Node alone, as their names say.
fn for_every_host(mut files: Vec<PathBuf>) -> Vec<PathBuf> {
    files.retain(|file| !file.to_string_lossy().ends_with(".node.test.mjs"));
    files
}

/// Leaves out the files that need Node alone or features of Chromium, as their names say.
fn for_every_browser(files: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut files = for_every_host(files);
    files.retain(|file| !file.to_string_lossy().ends_with(".chromium.test.mjs"));
    files
}
