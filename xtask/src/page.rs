//! The page, in `www/dist`: what `serve` serves and what the package carries for `credential-pool edit`.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use crate::{
    package::{self, Face, Made},
    run, setup,
    stamp::Inputs,
    workspace,
};

/// Builds the page.
///
/// # Errors
///
/// If a step fails.
pub(crate) fn build() -> Result<()> {
    // The simulator runs on the package itself.
    package::npm_package()?;
    setup::npm_packages("www")?;
    let www = workspace::root().join("www");
    for (features, folder) in [(&[][..], "wasm-reader"), (&["editing"], "wasm")] {
        package::glue(&Face {
            package: "credential-pool-page",
            features,
            made: Made::Small,
            folder: www.join(folder),
        })?;
    }

    let mut inputs = Inputs::default().path(&workspace::dist().join("credential_pool_bg.wasm"))?;
    for input in INPUTS {
        inputs = inputs.path(&www.join(input))?;
    }
    let dist = www.join("dist");
    inputs.make(&www.join("node_modules/.page.stamp"), &[&dist.join("index.html")], || {
        eprintln!("build: the page");
        run::output(workspace::page_tool("typescript/bin/tsc").arg("--noEmit"))?;
        run::output(workspace::page_tool("vite/bin/vite.js").args(["build", "--logLevel", "warn"])).map(drop)
    })?;
    copy_into_package(&dist)
}

/// What of `www` the page is made of.
const INPUTS: [&str; 8] =
    ["index.html", "package-lock.json", "public", "src", "tsconfig.json", "vite.config.ts", "wasm", "wasm-reader"];

/// `credential-pool edit` serves it from there.
fn copy_into_package(dist: &Path) -> Result<()> {
    let target = workspace::dist().join("page");
    if target.exists() {
        fs::remove_dir_all(&target)?;
    }
    copy(dist, &target).context("cannot copy the page into the package")
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
