//! The module tree of a crate: which file holds which module.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use syn::{Attribute, Item};

/// All modules of a crate that are there without tests.
#[derive(Default)]
pub(super) struct Tree {
    /// The file that holds a module, by the module's path in the crate.
    modules: BTreeMap<Vec<String>, PathBuf>,
    files: Vec<SourceFile>,
}

/// A file of a crate.
pub(super) struct SourceFile {
    pub(super) path: PathBuf,
    /// The path of its module in the crate.
    pub(super) module: Vec<String>,
    pub(super) syntax: syn::File,
}

impl Tree {
    /// Reads a crate from its root file; `read` returns the text of a file, or `None` if there is none.
    pub(super) fn read(root: &Path, read: &dyn Fn(&Path) -> Option<String>) -> Result<Self> {
        let mut tree = Self::default();
        let text = read(root).with_context(|| format!("{} cannot be read", root.display()))?;
        let folder = root.parent().unwrap_or(Path::new(""));
        tree.add_file(root, &text, folder, &[], read)?;
        Ok(tree)
    }

    pub(super) fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// Returns the file of a module; `None` if the path is that of no module.
    pub(super) fn file_of(&self, module: &[String]) -> Option<&Path> {
        self.modules.get(module).map(PathBuf::as_path)
    }

    fn add_file(
        &mut self,
        path: &Path,
        text: &str,
        children: &Path,
        module: &[String],
        read: &dyn Fn(&Path) -> Option<String>,
    ) -> Result<()> {
        let syntax = syn::parse_file(text).with_context(|| format!("{} cannot be parsed", path.display()))?;
        self.modules.insert(module.to_vec(), path.to_owned());
        if !is_for_tests(&syntax.attrs) {
            self.add_children(path, &syntax.items, children, module, read)?;
            self.files.push(SourceFile { path: path.to_owned(), module: module.to_vec(), syntax });
        }
        Ok(())
    }

    fn add_children(
        &mut self,
        path: &Path,
        items: &[Item],
        folder: &Path,
        module: &[String],
        read: &dyn Fn(&Path) -> Option<String>,
    ) -> Result<()> {
        for item in items {
            let Item::Mod(declared) = item else { continue };
            if is_for_tests(&declared.attrs) {
                continue;
            }
            let name = declared.ident.to_string();
            let child = [module, std::slice::from_ref(&name)].concat();
            let folder_of_child = folder.join(&name);
            match &declared.content {
                Some((_, items)) => {
                    self.modules.insert(child.clone(), path.to_owned());
                    self.add_children(path, items, &folder_of_child, &child, read)?;
                }
                None => {
                    let candidates = [folder.join(format!("{name}.rs")), folder_of_child.join("mod.rs")];
                    let Some((file, text)) =
                        candidates.into_iter().find_map(|file| read(&file).map(|text| (file, text)))
                    else {
                        bail!("{} declares the module `{name}`, but it has no file", path.display());
                    };
                    self.add_file(&file, &text, &folder_of_child, &child, read)?;
                }
            }
        }
        Ok(())
    }
}

/// Returns whether attributes have `cfg(test)`.
pub(super) fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
    })
}
