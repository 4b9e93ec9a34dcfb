//! Import circles between the files of a crate: strongly connected components of the graph of imports.
//!
//! An edge leads from a file that imports an item to the file of the item's module. An import is a `use`, or a path that
//! starts with `crate`, `super`, `self` or a child module; a re-export is an item of the module that re-exports it. A
//! declaration `mod child;` is no edge, and code for tests does not count.

mod imports;
mod modules;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use petgraph::{algo::tarjan_scc, graphmap::DiGraphMap};
use serde_json::Value;

use crate::{count::Count, run, workspace};

use imports::imports;
use modules::Tree;

/// Fails if files of a crate of the workspace import each other in a circle.
///
/// # Errors
///
/// Names the files of each circle, and their imports of each other.
pub(crate) fn test() -> Result<Count> {
    let roots = roots()?;
    ensure!(!roots.is_empty(), "cargo metadata names no crate");
    let mut report = String::new();
    for root in &roots {
        let read = |path: &Path| fs::read_to_string(path).ok();
        let graph = graph(&Tree::read(root, &read)?);
        for circle in circles(&graph) {
            describe(&mut report, &circle, &graph)?;
        }
    }
    ensure!(report.is_empty(), "files import each other in a circle: move what both need below them\n{report}");
    Ok(Count::ONE)
}

/// Returns the root file of each library and of each program in the workspace.
fn roots() -> Result<BTreeSet<PathBuf>> {
    let metadata = run::output(workspace::cargo().args(["metadata", "--format-version=1", "--no-deps"]))?;
    let metadata: Value = serde_json::from_str(&metadata).context("cargo metadata answers no JSON")?;
    let list = |value: &Value, name| value.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let targets = list(&metadata, "packages").into_iter().flat_map(|package| list(&package, "targets"));
    let is_shipped = |target: &Value| {
        let kinds = list(target, "kind");
        kinds.iter().filter_map(Value::as_str).any(|kind| kind.ends_with("lib") || kind == "bin")
    };
    let sources = targets.filter(is_shipped).filter_map(|target| Some(target.get("src_path")?.as_str()?.into()));
    Ok(sources.collect())
}

/// For each file, the files that it imports from, each with the path of one import.
type Graph = BTreeMap<PathBuf, BTreeMap<PathBuf, String>>;

fn graph(tree: &Tree) -> Graph {
    let mut graph = Graph::new();
    for file in tree.files() {
        graph.insert(file.path.clone(), imports(tree, file));
    }
    graph
}

/// Returns the sets of files that import each other, directly or through others of the set.
fn circles(graph: &Graph) -> Vec<BTreeSet<&Path>> {
    let edges = graph.iter().flat_map(|(from, to)| to.keys().map(move |to| (from.as_path(), to.as_path())));
    let components = tarjan_scc(&DiGraphMap::<&Path, ()>::from_edges(edges));
    let mut circles: Vec<BTreeSet<_>> = components.into_iter().map(|files| files.into_iter().collect()).collect();
    circles.retain(|files| files.len() > 1);
    circles.sort();
    circles
}

fn describe(report: &mut String, circle: &BTreeSet<&Path>, graph: &Graph) -> Result<()> {
    let shown = |path: &Path| path.strip_prefix(workspace::root()).unwrap_or(path).display().to_string();
    writeln!(report, "- {}", circle.iter().map(|path| shown(path)).collect::<Vec<_>>().join(", "))?;
    for from in circle {
        for (to, import) in graph.get(*from).into_iter().flatten().filter(|(to, _)| circle.contains(to.as_path())) {
            writeln!(report, "    {} imports {import} from {}", shown(from), shown(to))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the circles of a made-up crate, each as the names of its files.
    fn circles_of(files: &[(&str, &str)]) -> Result<Vec<String>> {
        let read =
            |path: &Path| files.iter().find(|(name, _)| Path::new(name) == path).map(|(_, text)| (*text).to_owned());
        let graph = graph(&Tree::read(Path::new("lib.rs"), &read)?);
        let named = |circle: &BTreeSet<&Path>| circle.iter().map(|it| it.display().to_string()).collect::<Vec<_>>();
        Ok(circles(&graph).iter().map(|circle| named(circle).join(" ")).collect())
    }

    const NONE: [&str; 0] = [];

    #[test]
    fn layers_are_no_circle() -> Result<()> {
        let found = circles_of(&[
            ("lib.rs", "mod ground; mod middle; mod top; pub use top::Top;"),
            ("ground.rs", "pub struct Id;"),
            ("middle.rs", "use crate::ground::Id; pub struct Middle(Id);"),
            ("top.rs", "use super::{ground::Id, middle::Middle}; pub struct Top(Id, Middle);"),
        ])?;
        assert_eq!(found, NONE);
        Ok(())
    }

    #[test]
    fn a_circle_that_is_put_in_is_found() -> Result<()> {
        let found = circles_of(&[
            ("lib.rs", "mod a; mod b; mod c; mod d;"),
            ("a.rs", "use crate::b::B; pub struct A(B);"),
            ("b.rs", "pub struct B; fn f() -> crate::c::C { todo() }"),
            ("c.rs", "use crate::{d::D, a}; pub struct C(a::A, D);"),
            ("d.rs", "pub struct D;"),
        ])?;
        assert_eq!(found, ["a.rs b.rs c.rs"]);
        Ok(())
    }

    #[test]
    fn folders_and_modules_in_a_file_are_followed() -> Result<()> {
        let found = circles_of(&[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "mod inner { pub mod deep; use super::X; } pub struct X;"),
            ("a/inner/deep.rs", "use crate::b::Y; pub struct Z(Y);"),
            ("b/mod.rs", "mod c;"),
            ("b/c.rs", "type Z = crate::a::inner::deep::Z; pub struct Y;"),
        ])?;
        assert_eq!(found, NONE, "b/mod.rs re-exports, but imports nothing");
        let found = circles_of(&[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "mod inner { pub mod deep; } "),
            ("a/inner/deep.rs", "use crate::b::Y; pub struct Z(Y);"),
            ("b/mod.rs", "mod c; pub use c::Y;"),
            ("b/c.rs", "type Z = crate::a::inner::deep::Z; pub struct Y;"),
        ])?;
        assert_eq!(found, ["a/inner/deep.rs b/c.rs b/mod.rs"], "a re-export counts as an import");
        Ok(())
    }

    #[test]
    fn a_parent_and_a_child_that_import_each_other_are_a_circle() -> Result<()> {
        let ring = [("lib.rs", "mod a;"), ("a/b.rs", "pub fn g() { super::f() }")];
        for parent in [
            "mod b; pub use b::g; pub fn f() {}",
            "mod b; pub fn f() { b::g() }",
            "mod b; pub fn f() { vec![self::b::g()]; }",
        ] {
            assert_eq!(circles_of(&[ring[0], ring[1], ("a.rs", parent)])?, ["a/b.rs a.rs"], "{parent}");
        }
        assert_eq!(
            circles_of(&[ring[0], ring[1], ("a.rs", "mod b; pub fn f() {}")])?,
            NONE,
            "a declaration is no import"
        );
        Ok(())
    }

    #[test]
    fn paths_in_macros_and_attributes_count() -> Result<()> {
        for import in [
            "fn f() { println!(\"{}\", crate::b::B) }",
            "struct A { #[serde(with = \"crate::b\")] a: u8 }",
            "#[derive(crate::b::B)] struct A;",
        ] {
            let found = circles_of(&[("lib.rs", "mod a; mod b;"), ("a.rs", import), ("b.rs", "pub use crate::a::*;")])?;
            assert_eq!(found, ["a.rs b.rs"], "{import}");
        }
        Ok(())
    }

    #[test]
    fn tests_visibility_and_other_crates_do_not_count() -> Result<()> {
        for code in [
            "#[cfg(test)] mod tests { use crate::b::B; }",
            "#[cfg(test)] mod tests; pub struct A;",
            "#[cfg(test)] use crate::b::B;",
            "impl A { #[cfg(test)] fn f() -> crate::b::B {} }",
            "pub(in crate::b) struct A;",
            "use ::b::B;",
            "/// [`crate::b::B`]\nstruct A;",
        ] {
            let found = circles_of(&[
                ("lib.rs", "mod a; mod b;"),
                ("a.rs", code),
                ("a/tests.rs", "use crate::b::B;"),
                ("b.rs", "use crate::a::A; pub struct B(A);"),
            ])?;
            assert_eq!(found, NONE, "{code}");
        }
        Ok(())
    }

    #[test]
    fn a_module_without_a_file_is_an_error() {
        let failed = circles_of(&[("lib.rs", "mod a;")]).map_err(|error| error.to_string());
        assert!(failed.is_err_and(|text| text.contains("lib.rs declares the module `a`")));
    }
}
