//! The page, in `www/dist`: `serve` serves it, and the command line ships a copy.

use anyhow::Result;

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
    })
}

/// What of `www` the page is made of.
const INPUTS: [&str; 8] =
    ["index.html", "package-lock.json", "public", "src", "tsconfig.json", "vite.config.ts", "wasm", "wasm-reader"];
