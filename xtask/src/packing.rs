//! The npm packages as npm packs them: their metadata and types, and an installation from the packed files alone.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::{count::Count, run, setup, workspace};

/// Packs both packages, checks what is in them, and runs the command line where nothing else is installed.
///
/// # Errors
///
/// If a check fails.
pub(crate) fn test() -> Result<Count> {
    let folder = workspace::target()?.join("xtask");
    fs::create_dir_all(&folder)?;
    let core = pack(&workspace::package(), &folder)?;
    let command_line = pack(&workspace::command_line(), &folder)?;
    for tarball in [&core, &command_line] {
        run::output(workspace::npm_tool("publint/src/cli.js").arg(tarball).arg("--strict"))?;
    }
    run::output(attw(&core).arg("--no-definitely-typed"))?;
    installed(&core, &command_line, &folder.join("installed"))?;
    Ok(Count { passed: 4, ..Count::default() })
}

fn pack(package: &Path, folder: &Path) -> Result<PathBuf> {
    let name = run::output(
        setup::npm()
            .args(["pack", "--ignore-scripts", "--loglevel=error", "--pack-destination"])
            .arg(folder)
            .current_dir(package),
    )?;
    Ok(folder.join(name.trim()))
}

/// The library has modules only, and entries that are no code. The command line has no entry to import.
fn attw(tarball: &Path) -> Command {
    let mut attw = workspace::npm_tool("@arethetypeswrong/cli/dist/index.js");
    attw.arg(tarball).args([
        "--profile=esm-only",
        "--no-emoji",
        "--exclude-entrypoints",
        "component.wasm",
        "core.wasm",
    ]);
    attw
}

/// Installs both packages in an empty folder, where the command line must find the library by its version.
fn installed(core: &Path, command_line: &Path, folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    fs::write(folder.join("package.json"), r#"{ "private": true }"#)?;
    let install = ["install", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"];
    run::output(setup::npm().args(install).args([core, command_line]).current_dir(folder))?;
    let copies = fs::read_dir(folder.join("node_modules/credential-pool-cli"))?
        .filter_map(Result::ok)
        .any(|entry| entry.file_name() == "node_modules" && entry.path().join("credential-pool").exists());
    ensure!(!copies, "npm installed a second credential-pool: the version that the command line asks for is another");

    let command = |arguments: &[&str]| {
        let mut npx = Command::new(if cfg!(windows) { "npx.cmd" } else { "npx" });
        npx.args(["--no", "--", "credential-pool"]).args(arguments).current_dir(folder);
        run::output(&mut npx).context("the command line does not run as it is installed")
    };
    let version = command(&["--version"])?;
    ensure!(version.trim() == env!("CARGO_PKG_VERSION"), "`credential-pool --version` answers {version}");
    let document = folder.join("auth.json");
    let listed = command(&["list", "--document", &document.to_string_lossy()])?;
    ensure!(listed.starts_with("no credentials in "), "`credential-pool list` answers {listed}");
    let page = folder.join("node_modules/credential-pool-cli/dist/page/index.html");
    ensure!(page.is_file(), "credential-pool-cli has no page");
    let is_small = !folder.join("node_modules/credential-pool/dist/page").exists();
    ensure!(is_small, "credential-pool has a page, which belongs to credential-pool-cli");
    Ok(())
}
