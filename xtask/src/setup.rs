//! What the machine must have: it is installed where that can be done, and named where not.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, bail};

use crate::{run, stamp::Inputs, workspace};

/// The target of all wasm.
pub(crate) const WASM: &str = "wasm32-unknown-unknown";

const OLDEST_NODE: u32 = 20;

/// Makes sure that Rust can build for wasm.
///
/// # Errors
///
/// If it cannot, and rustup is not there to change that.
pub(crate) fn wasm_target() -> Result<()> {
    let sysroot = run::output(Command::new("rustc").args(["--print", "sysroot"]))?;
    if Path::new(sysroot.trim()).join("lib/rustlib").join(WASM).is_dir() {
        return Ok(());
    }
    eprintln!("set-up: adding Rust's target {WASM}");
    run::output(Command::new("rustup").args(["target", "add", WASM])).map(drop).with_context(|| {
        format!("Rust cannot build for {WASM} yet: install rustup, or your system's package with that target")
    })
}

/// Makes sure that cargo has `fmt` and `clippy`.
///
/// # Errors
///
/// If it has not, and rustup is not there to change that.
pub(crate) fn rust_components() -> Result<()> {
    for (subcommand, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if run::output(workspace::cargo().args([subcommand, "--version"])).is_err() {
            eprintln!("set-up: adding {component}");
            run::output(Command::new("rustup").args(["component", "add", component])).with_context(|| {
                format!("cargo has no `{subcommand}`: install rustup, or your system's {component}")
            })?;
        }
    }
    Ok(())
}

/// Makes sure that there is a Node that is new enough.
///
/// # Errors
///
/// If not: it is not for us to install.
pub(crate) fn node() -> Result<()> {
    let install = || format!("install Node {OLDEST_NODE} or later, with npm");
    let version = run::output(Command::new("node").arg("--version")).with_context(install)?;
    let version = version.trim();
    let major = version.trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    match major {
        Some(OLDEST_NODE..) => Ok(()),
        _ => bail!("Node {version} is too old: {}", install()),
    }
}

/// Makes sure that the npm packages are installed which a folder's lock file pins.
///
/// # Errors
///
/// If there is no npm, or it cannot install them.
pub(crate) fn npm_packages(folder: &str) -> Result<()> {
    let folder_path = workspace::root().join(folder);
    let installed = folder_path.join("node_modules");
    Inputs::default().path(&folder_path.join("package.json"))?.path(&folder_path.join("package-lock.json"))?.make(
        &installed.join(".installed"),
        &[],
        || {
            eprintln!("set-up: installing the npm packages of {folder}");
            run::output(npm().args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(&folder_path))
                .map(drop)
                .context("the npm packages cannot be installed; Node's npm is needed for it")
        },
    )
}

/// Makes sure that there is a Redis, which the tests start and stop themselves.
///
/// # Errors
///
/// If there is none, and it cannot be installed: only root can, where there is apt-get.
pub(crate) fn redis() -> Result<()> {
    if is_there("redis-server") || is_there("valkey-server") {
        return Ok(());
    }
    debian_package("redis-server")
        .context("there is no Redis to test with: install redis-server (7 or later) or valkey-server")
}

/// Makes sure that there is a Chromium, in which the page is tested.
///
/// # Errors
///
/// If there is none, and it cannot be installed: only root can, where there is apt-get.
pub(crate) fn chromium() -> Result<()> {
    browser("chromium", "/usr/bin/chromium", "CHROMIUM")
}

/// Makes sure that there is a Firefox, in which the page is tested as well.
///
/// # Errors
///
/// If there is none, and it cannot be installed: only root can, where there is apt-get.
pub(crate) fn firefox() -> Result<()> {
    browser("firefox-esr", "/usr/bin/firefox-esr", "FIREFOX")
}

/// One of Debian's browsers, unless the variable names another.
fn browser(package: &str, path: &str, variable: &str) -> Result<()> {
    let named = std::env::var(variable).ok();
    if Path::new(named.as_deref().unwrap_or(path)).is_file() {
        return Ok(());
    }
    debian_package(package).with_context(|| {
        format!("the page cannot be tested: install Debian's {package}, or name a browser of its kind in {variable}")
    })
}

fn is_there(program: &str) -> bool {
    run::output(Command::new(program).arg("--version")).is_ok()
}

fn debian_package(name: &str) -> Result<()> {
    eprintln!("set-up: installing {name}");
    // Without RUNLEVEL the package of a server starts a service that nobody needs.
    let apt = |arguments: &[&str]| {
        run::output(
            Command::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1"),
        )
    };
    apt(&["update"])?;
    apt(&["install", "--yes", "--no-install-recommends", name]).map(drop)
}

/// npm, which is a batch file on Windows.
pub(crate) fn npm() -> Command {
    Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" })
}
