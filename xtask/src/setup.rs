//! Tools that the machine must have. A missing tool is installed where that is possible; otherwise the error names it.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

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

/// Returns the compiler that lints what it compiles.
///
/// # Errors
///
/// If rustc does not tell where it is.
pub(crate) fn clippy_driver() -> Result<PathBuf> {
    let sysroot = run::output(Command::new("rustc").args(["--print", "sysroot"]))?;
    let driver = Path::new(sysroot.trim()).join("bin/clippy-driver").with_extension(env::consts::EXE_EXTENSION);
    Ok(if driver.is_file() { driver } else { "clippy-driver".into() })
}

/// Makes sure that there is a Node that is new enough.
///
/// # Errors
///
/// If not: xtask installs no Node.
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

/// Makes sure that the npm packages of a folder's lock file are installed.
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

/// Makes sure that there are a Redis, a Chromium and a Firefox to test with.
///
/// # Errors
///
/// If one is missing and cannot be installed: only root can, where there is apt-get.
pub(crate) fn debian_packages() -> Result<()> {
    let missing: Vec<_> = [redis(), chromium(), firefox()].into_iter().flatten().collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = missing.iter().map(|missing| missing.package).collect();
    eprintln!("set-up: installing {}", names.join(", "));
    let installed = apt_get(&["update"])
        .and_then(|()| apt_get(&[&["install", "--yes", "--no-install-recommends"], names.as_slice()].concat()));
    installed.with_context(|| missing.iter().map(|missing| missing.advice.as_str()).collect::<Vec<_>>().join("; "))
}

/// npm, which is a batch file on Windows.
pub(crate) fn npm() -> Command {
    Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" })
}

/// A program that is not on this machine.
struct Missing {
    /// Debian's package of the program.
    package: &'static str,
    /// Instructions for a person, where apt-get cannot install the package.
    advice: String,
}

/// Returns `None` if there is a Redis, which the tests start and stop themselves.
fn redis() -> Option<Missing> {
    let is_there = |program: &str| run::output(Command::new(program).arg("--version")).is_ok();
    let is_missing = !is_there("redis-server") && !is_there("valkey-server");
    is_missing.then(|| Missing {
        package: "redis-server",
        advice: "there is no Redis to test with: install redis-server (7 or later) or valkey-server".to_owned(),
    })
}

fn chromium() -> Option<Missing> {
    browser("chromium", "/usr/bin/chromium", "CHROMIUM")
}

fn firefox() -> Option<Missing> {
    browser("firefox-esr", "/usr/bin/firefox-esr", "FIREFOX")
}

/// Returns `None` if Debian's browser is there, or the browser that the variable names.
fn browser(package: &'static str, path: &str, variable: &str) -> Option<Missing> {
    let named = env::var(variable).ok();
    let is_missing = !Path::new(named.as_deref().unwrap_or(path)).is_file();
    is_missing.then(|| Missing {
        package,
        advice: format!(
            "the page cannot be tested: install Debian's {package}, or name a browser of its kind in {variable}"
        ),
    })
}

/// Runs apt-get. While another process holds a lock of the package manager, waits for it, up to ten minutes.
fn apt_get(arguments: &[&str]) -> Result<()> {
    const LONGEST: Duration = Duration::from_secs(600);
    const PAUSE: Duration = Duration::from_secs(2);
    let started = Instant::now();
    loop {
        // Without RUNLEVEL the package of a server starts a service that nobody needs.
        let done = run::output(
            Command::new("apt-get")
                .args(["-o", &format!("DPkg::Lock::Timeout={}", LONGEST.as_secs())])
                .args(arguments)
                .envs([("DEBIAN_FRONTEND", "noninteractive"), ("RUNLEVEL", "1"), ("LC_ALL", "C")]),
        );
        // The option covers the lock of dpkg alone; those of the lists and of the archive fail at once.
        match done {
            Err(error) if is_locked(&error.to_string()) && started.elapsed() < LONGEST => thread::sleep(PAUSE),
            done => return done.map(drop),
        }
    }
}

/// Returns whether apt-get failed since another process holds one of its locks.
fn is_locked(output: &str) -> bool {
    output.lines().any(|line| line.starts_with("E: Could not get lock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_of_another_process_is_told_from_other_failures() {
        let locked = [
            "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 4242 (apt-get)\n\
             N: Be aware that removing the lock file is not a solution and may break your system.\n\
             E: Unable to lock directory /var/lib/apt/lists/",
            "Reading package lists...\n\
             E: Could not get lock /var/cache/apt/archives/lock. It is held by process 7 (apt-get)",
        ];
        assert!(locked.iter().all(|output| is_locked(output)));
        let others = [
            "E: Unable to locate package chromium",
            "E: Could not open lock file /var/lib/dpkg/lock-frontend - open (13: Permission denied)",
        ];
        assert!(!others.iter().any(|output| is_locked(output)));
    }
}
