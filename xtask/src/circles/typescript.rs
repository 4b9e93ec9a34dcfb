//! Import circles between TypeScript modules, found by dependency-cruiser.

use anyhow::Result;

use crate::{count::Count, run, workspace};

/// The folders without circles. Type imports count as imports.
const FOLDERS: [&str; 3] = ["pkg/src", "pkg/cli/src", "www/src"];

/// Checks that no modules import each other in a circle, and that no room of `pkg/src` imports a room above it.
///
/// # Errors
///
/// If there is a circle: its files are named.
pub(crate) fn test() -> Result<Count> {
    let mut cruise = workspace::npm_tool("dependency-cruiser/bin/dependency-cruise.mjs");
    run::output(cruise.args(["--config", "xtask/src/circles/typescript.cjs"]).args(FOLDERS)).map(|_| Count::ONE)
}
