//! Where things are.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::run;

/// The root of the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// The npm package.
pub(crate) fn package() -> PathBuf {
    root().join("pkg")
}

/// The npm package of the command line.
pub(crate) fn command_line() -> PathBuf {
    package().join("cli")
}

/// What the build makes of the npm package.
pub(crate) fn dist() -> PathBuf {
    package().join("dist")
}

/// Cargo, in the root of the workspace.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    cargo
}

/// Node with a script of an npm package that the project's own package needs for its development.
pub(crate) fn npm_tool(script: &str) -> Command {
    let mut node = Command::new("node");
    node.arg(package().join("node_modules").join(script)).current_dir(root());
    node
}

/// Node with a script of an npm package that the page needs for its development, in the page's folder.
pub(crate) fn page_tool(script: &str) -> Command {
    let mut node = Command::new("node");
    let www = root().join("www");
    node.arg(www.join("node_modules").join(script)).current_dir(www);
    node
}

/// Where cargo puts what it builds.
///
/// # Errors
///
/// If cargo does not tell.
pub(crate) fn target() -> Result<PathBuf> {
    let metadata = run::output(cargo().args(["metadata", "--format-version", "1", "--no-deps", "--offline"]))?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata).context("cargo metadata answers no JSON")?;
    let target = metadata.get("target_directory").and_then(serde_json::Value::as_str);
    Ok(target.context("cargo metadata names no target directory")?.into())
}

/// A program that cargo has built for this machine.
///
/// # Errors
///
/// If cargo does not tell where.
pub(crate) fn built(program: &str) -> Result<PathBuf> {
    Ok(target()?.join("debug").join(format!("{program}{}", env::consts::EXE_SUFFIX)))
}
