//! The imports of a file.

use std::{collections::BTreeMap, path::PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Attribute, Field, ImplItem, Item, ItemMod, ItemUse, Macro, Path, Stmt, TraitItem, UseTree, Variant, Visibility,
    visit::{self, Visit},
};

use super::modules::{SourceFile, Tree, is_for_tests};

/// Returns the other files that a file imports from, each with the path of one import.
pub(super) fn imports(tree: &Tree, file: &SourceFile) -> BTreeMap<PathBuf, String> {
    let mut visitor = Imports { tree, file, module: file.module.clone(), found: BTreeMap::new() };
    visitor.visit_file(&file.syntax);
    visitor.found
}

struct Imports<'a> {
    tree: &'a Tree,
    file: &'a SourceFile,
    /// The module around the current place, which may be a module inside the file.
    module: Vec<String>,
    found: BTreeMap<PathBuf, String>,
}

impl Imports<'_> {
    /// Notes the file of the last module on a path; a path into another crate has none.
    fn note(&mut self, path: &[String]) {
        let mut segments = path.iter().peekable();
        let mut module = self.module.clone();
        match segments.peek().map(|first| first.as_str()) {
            Some("crate") => {
                module.clear();
                segments.next();
            }
            Some("self") => drop(segments.next()),
            Some("super") => {
                while segments.next_if(|segment| *segment == "super").is_some() {
                    module.pop();
                }
            }
            Some(child) => {
                module.push(child.to_owned());
                if self.tree.file_of(&module).is_none() {
                    return;
                }
                segments.next();
            }
            None => return,
        }
        for segment in segments {
            module.push(segment.clone());
            if self.tree.file_of(&module).is_none() {
                module.pop();
                break;
            }
        }
        if let Some(target) = self.tree.file_of(&module).filter(|target| *target != self.file.path) {
            self.found.entry(target.to_owned()).or_insert_with(|| path.join("::"));
        }
    }

    fn note_use(&mut self, tree: &UseTree, before: &mut Vec<String>) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.note_use(&path.tree, before);
                before.pop();
            }
            // `use a::{self}` imports `a`.
            UseTree::Name(name) if name.ident == "self" && !before.is_empty() => self.note(before),
            UseTree::Name(name) => self.note_item(before, name.ident.to_string()),
            UseTree::Rename(rename) => self.note_item(before, rename.ident.to_string()),
            UseTree::Glob(_) => self.note(before),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.note_use(tree, before)),
        }
    }

    fn note_item(&mut self, before: &mut Vec<String>, name: String) {
        before.push(name);
        self.note(before);
        before.pop();
    }

    /// Notes the paths among tokens that syn does not parse, and in literals if they hold code.
    fn note_tokens(&mut self, tokens: TokenStream, literals_are_code: bool) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0_u32;
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons = colons.saturating_add(1),
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.note_loose(&path);
                        path.clear();
                    }
                    // After `::` at the start of a path comes another crate.
                    if colons != 2 || !path.is_empty() {
                        path.push(ident.to_string());
                    }
                    colons = 0;
                }
                other => {
                    self.note_loose(&path);
                    path.clear();
                    colons = 0;
                    match other {
                        TokenTree::Group(group) => self.note_tokens(group.stream(), literals_are_code),
                        TokenTree::Literal(literal) if literals_are_code => {
                            let text = literal.to_string();
                            let path = text.trim_matches('"').split("::").map(str::to_owned).collect::<Vec<_>>();
                            self.note_loose(&path);
                        }
                        TokenTree::Literal(_) | TokenTree::Ident(_) | TokenTree::Punct(_) => {}
                    }
                }
            }
        }
        self.note_loose(&path);
    }

    /// Notes a path outside of a `use`: a single name is a local one.
    fn note_loose(&mut self, path: &[String]) {
        if path.len() > 1 {
            self.note(path);
        }
    }
}

impl<'ast> Visit<'ast> for Imports<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_for_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let attributes = match item {
            ImplItem::Const(item) => &item.attrs,
            ImplItem::Fn(item) => &item.attrs,
            ImplItem::Type(item) => &item.attrs,
            ImplItem::Macro(item) => &item.attrs,
            _ => return visit::visit_impl_item(self, item),
        };
        if !is_for_tests(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_trait_item(&mut self, item: &'ast TraitItem) {
        if !matches!(item, TraitItem::Fn(item) if is_for_tests(&item.attrs)) {
            visit::visit_trait_item(self, item);
        }
    }

    fn visit_field(&mut self, field: &'ast Field) {
        if !is_for_tests(&field.attrs) {
            visit::visit_field(self, field);
        }
    }

    fn visit_variant(&mut self, variant: &'ast Variant) {
        if !is_for_tests(&variant.attrs) {
            visit::visit_variant(self, variant);
        }
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        if !matches!(statement, Stmt::Local(local) if is_for_tests(&local.attrs)) {
            visit::visit_stmt(self, statement);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        self.module.push(module.ident.to_string());
        visit::visit_item_mod(self, module);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if item.leading_colon.is_none() {
            self.note_use(&item.tree, &mut Vec::new());
        }
    }

    fn visit_path(&mut self, path: &'ast Path) {
        if path.leading_colon.is_none() {
            let segments: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            self.note_loose(&segments);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.note_tokens(call.tokens.clone(), false);
        visit::visit_macro(self, call);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.note_tokens(list.tokens.clone(), true);
        }
    }

    /// `pub(in crate::a)` imports nothing.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
