//! The npm package `credential-pool-cli`, in `pkg/cli`: the command line, with a copy of the page.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use crate::{package, page, run, setup, stamp::Inputs, workspace};

/// Builds the command line, and all that it depends on.
///
/// # Errors
///
/// If a step fails.
pub(crate) fn build() -> Result<()> {
    // The page is built on the npm package, as the command line is.
    page::build()?;
    setup::npm_packages("pkg/cli")?;
    let folder = workspace::command_line();
    let dist = folder.join("dist");
    Inputs::default()
        .path(&folder.join("src"))?
        .path(&folder.join("tsconfig.json"))?
        .path(&folder.join("package-lock.json"))?
        .path(&workspace::package().join("package-lock.json"))?
        .path(&workspace::package().join("src"))?
        .path(&workspace::dist().join("credential_pool.d.ts"))?
        .make(&folder.join("node_modules/.dist.stamp"), &[&dist.join("cli.js")], || {
            eprintln!("build: the command line");
            // Output of a source file that no longer exists would be shipped.
            remove(&dist)?;
            run::output(workspace::npm_tool("typescript/bin/tsc").arg("--project").arg(&folder)).map(drop)
        })?;
    remove(&dist.join("page"))?;
    copy(&workspace::root().join("www/dist"), &dist.join("page")).context("cannot copy the page into the package")?;
    package::licences(&dist)
}

fn remove(folder: &Path) -> Result<()> {
    match folder.exists() {
        true => fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display())),
        false => Ok(()),
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &target)?,
            false => fs::copy(entry.path(), target).map(drop)?,
        }
    }
    Ok(())
}
