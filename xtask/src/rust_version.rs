//! The `rust-version` of the published crate against the locked versions of its dependencies.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::{count::Count, run, workspace};

/// Fails if a locked dependency of the published crate, or its edition, needs a newer Rust than its `rust-version`.
///
/// # Errors
///
/// Names the crate that needs more, and the version to declare.
pub(crate) fn test() -> Result<Count> {
    let metadata = run::output(workspace::cargo().args(["metadata", "--format-version=1", "--locked"]))?;
    let metadata = serde_json::from_str(&metadata).context("cargo metadata answers no JSON")?;
    check(&metadata, "credential-pool").map(|()| Count::ONE)
}

fn check(metadata: &Value, published: &str) -> Result<()> {
    let packages: Vec<_> = list(metadata, "/packages").map(Package::read).collect::<Result<_>>()?;
    let of_id = |id: &str| packages.iter().find(|package| package.id == id);
    let root = packages.iter().find(|package| package.name == published).context("the crate is not there")?;
    let declared = root.needs.with_context(|| format!("{published} declares no rust-version"))?;
    ensure!(
        declared >= root.edition,
        "{published} declares Rust {declared}, but its edition needs {}: set `rust-version` in Cargo.toml",
        root.edition
    );
    let needed = dependencies(metadata, root.id);
    let newest = needed.iter().filter_map(|id| of_id(id)).max_by_key(|package| package.needs);
    match newest {
        Some(Package { name, version, needs: Some(needs), .. }) if *needs > declared => bail!(
            "{published} declares Rust {declared}, but {name} {version} needs {needs}: set `rust-version` in \
             Cargo.toml to {needs}, or lock an older {name}"
        ),
        _ => Ok(()),
    }
}

/// The fields of a package in cargo's metadata that this check reads.
struct Package<'a> {
    id: &'a str,
    name: &'a str,
    version: &'a str,
    /// The declared `rust-version`.
    needs: Option<Version>,
    /// The first Rust with the package's edition.
    edition: Version,
}

impl<'a> Package<'a> {
    fn read(package: &'a Value) -> Result<Self> {
        let text = |field: &str| {
            package.get(field).and_then(Value::as_str).with_context(|| format!("a package without `{field}`"))
        };
        let needs = package.get("rust_version").and_then(Value::as_str).map(Version::parse).transpose()?;
        let edition = match text("edition")? {
            "2015" => Version([1, 0, 0]),
            "2018" => Version([1, 31, 0]),
            "2021" => Version([1, 56, 0]),
            "2024" => Version([1, 85, 0]),
            other => bail!("edition {other} is not known here: add it to xtask/src/rust_version.rs"),
        };
        Ok(Self { id: text("id")?, name: text("name")?, version: text("version")?, needs, edition })
    }
}

/// A version of Rust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version([u32; 3]);

impl Version {
    /// Reads `1.89` or `1.89.0`.
    fn parse(text: &str) -> Result<Self> {
        let mut version = [0; 3];
        let mut numbers = text.split('.');
        for (place, number) in version.iter_mut().zip(&mut numbers) {
            *place = number.parse().with_context(|| format!("`{text}` is no version of Rust"))?;
        }
        ensure!(numbers.next().is_none(), "`{text}` is no version of Rust");
        Ok(Self(version))
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self([major, minor, patch]) = self;
        match patch {
            0 => write!(f, "{major}.{minor}"),
            _ => write!(f, "{major}.{minor}.{patch}"),
        }
    }
}

/// The ids of all normal dependencies of a package, direct and indirect, on every platform.
fn dependencies<'a>(metadata: &'a Value, root: &'a str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open = vec![root];
    while let Some(id) = open.pop() {
        let node = list(metadata, "/resolve/nodes").find(|node| node.get("id").is_some_and(|it| it == id));
        let edges = node.into_iter().flat_map(|node| list(node, "/deps"));
        let normal = edges.filter(|edge| list(edge, "/dep_kinds").any(|kind| kind.get("kind") == Some(&Value::Null)));
        open.extend(normal.filter_map(|edge| edge.get("pkg")?.as_str()).filter(|id| found.insert(*id)));
    }
    found
}

fn list<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// `pool` depends on `direct`, that on `deep`; `tool` is for tests alone.
    fn metadata(pool: &str, deep: &str) -> Value {
        let package = |name: &str, rust_version: Value, edition: &str| json!({ "id": name, "name": name, "version": "1.0.0", "rust_version": rust_version, "edition": edition });
        let edge = |to: &str, kind: Value| json!({ "pkg": to, "dep_kinds": [{ "kind": kind }] });
        json!({
            "packages": [
                package("pool", json!(pool), "2024"),
                package("direct", Value::Null, "2021"),
                package("deep", json!(deep), "2021"),
                package("tool", json!("1.99"), "2021"),
            ],
            "resolve": { "nodes": [
                { "id": "pool", "deps": [edge("direct", Value::Null), edge("tool", json!("dev"))] },
                { "id": "direct", "deps": [edge("deep", Value::Null)] },
                { "id": "deep", "deps": [edge("tool", json!("build"))] },
                { "id": "tool", "deps": [] },
            ] },
        })
    }

    #[test]
    fn a_version_that_all_dependencies_allow_passes() -> Result<()> {
        check(&metadata("1.89", "1.89.0"), "pool")?;
        check(&metadata("1.90", "1.9"), "pool")
    }

    #[test]
    fn a_dependency_that_needs_a_newer_rust_is_named() {
        let failed = check(&metadata("1.88", "1.89.1"), "pool").map_err(|error| error.to_string());
        assert!(failed.is_err_and(|text| text.contains("declares Rust 1.88, but deep 1.0.0 needs 1.89.1")));
    }

    #[test]
    fn an_edition_needs_a_rust_too() {
        let failed = check(&metadata("1.84", "1.60"), "pool").map_err(|error| error.to_string());
        assert!(failed.is_err_and(|text| text.contains("its edition needs 1.85")));
    }
}
