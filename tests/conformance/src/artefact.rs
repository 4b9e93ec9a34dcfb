//! Paths of build results and of this crate's files.

use std::path::PathBuf;

use anyhow::{Result, ensure};

/// The component.
pub(crate) const COMPONENT: &str = "pkg/dist/credential_pool.component.wasm";
/// The npm package's entry for Node.
pub(crate) const NODE_ENTRY: &str = "pkg/dist/node.js";
/// The host of the Node face.
pub(crate) const NODE_HOST: &str = "tests/conformance/node.mjs";

/// Returns the path of a file in the workspace.
pub(crate) fn path(file: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(file)
}

/// Returns the path of a file that `cargo xtask build` makes.
///
/// # Errors
///
/// If it was not built.
pub(crate) fn built(file: &str) -> Result<PathBuf> {
    let path = path(file);
    ensure!(path.is_file(), "{file} is missing: run `cargo xtask build` first");
    Ok(path)
}
