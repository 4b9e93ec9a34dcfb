//! Value in the text of a document, with the list or object that contains it.

use crate::store::{
    locate::unescaped,
    raw::{self, Container, Item},
    span::{Span, Splice},
};

/// Value at a JSON pointer.
pub(super) struct Place<'a> {
    text: &'a str,
    pub(super) value: &'a str,
    pub(super) span: Span,
    /// Containing list or object; `None` for the root.
    parent: Option<Parent<'a>>,
}

struct Parent<'a> {
    container: Container<'a>,
    /// Index of the value among the items.
    at: usize,
}

/// Returns the reference tokens of a JSON pointer (RFC 6901); `None` if the pointer is invalid.
pub(super) fn steps(pointer: &str) -> Option<Vec<String>> {
    match pointer.is_empty() {
        true => Some(Vec::new()),
        false => pointer.strip_prefix('/')?.split('/').map(unescaped).collect(),
    }
}

impl<'a> Place<'a> {
    /// Returns the value that the steps lead to in a JSON text. Of duplicate names the last counts.
    pub(super) fn at(text: &'a str, steps: &[String]) -> Option<Self> {
        let root = raw::without_bom(text).trim();
        steps
            .iter()
            .try_fold(Self { text, value: root, span: span(text, root), parent: None }, |place, step| place.item(step))
    }

    /// Returns the member with this name, or the element with this index.
    pub(super) fn item(&self, step: &str) -> Option<Self> {
        let container = Container::read(self.value)?;
        let at = match container.is_object {
            true => container.items.iter().rposition(|item| raw::text(item.key) == step),
            false => step.parse().ok().filter(|at: &usize| at.to_string() == step),
        }?;
        let value = container.items.get(at)?.value;
        let text = self.text;
        Some(Self { text, value, span: span(text, value), parent: Some(Parent { container, at }) })
    }

    pub(super) fn replaced(&self, text: String) -> Splice {
        Splice { from: self.span.from, to: self.span.to, text }
    }

    pub(super) fn before(&self, text: &str) -> Splice {
        Splice { from: self.span.from, to: self.span.from, text: text.to_owned() }
    }

    pub(super) fn behind(&self, text: &str) -> Splice {
        Splice { from: self.span.to, to: self.span.to, text: text.to_owned() }
    }

    /// Deletes the item and all members of the same name: an earlier duplicate would count otherwise.
    pub(super) fn deleted(&self) -> Vec<Splice> {
        let Some(Parent { container, at }) = &self.parent else { return Vec::new() };
        let namesakes = container.namesakes(*at);
        without(self.text, container, &namesakes)
    }

    /// Renames the member and all members of the same name.
    pub(super) fn renamed(&self, name: &str) -> Vec<Splice> {
        let Some(Parent { container, at }) = &self.parent else { return Vec::new() };
        let keys = container.namesakes(*at).into_iter().filter_map(|at| Some(container.items.get(at)?.key));
        let name = serde_json::Value::from(name).to_string();
        keys.map(|key| span(self.text, key))
            .map(|key| Splice { from: key.from, to: key.to, text: name.clone() })
            .collect()
    }

    /// Inserts a member before all others of this object.
    pub(super) fn with_first(&self, name: &str, value: &str) -> Splice {
        let from = self.span.from.saturating_add(1);
        let Some(container) = Container::read(self.value).filter(|container| !container.items.is_empty()) else {
            let to = self.span.to.saturating_sub(1);
            return Splice { from, to, text: format!("{name}: {value}") };
        };
        let first = container.items.first();
        let gap = first.map_or("", |first| first.gap);
        let colon = first.map_or(": ", |first| first.colon);
        let comma = match container.items.get(1) {
            Some(second) => second.gap.to_owned(),
            None if gap.contains('\n') => format!(",{gap}"),
            None if colon == ":" => ",".to_owned(),
            None => ", ".to_owned(),
        };
        let from = from.saturating_add(gap.len());
        Splice { from, to: from, text: format!("{name}{colon}{value}{comma}") }
    }
}

impl Container<'_> {
    /// Returns the indexes of all items with the same name, this item included.
    fn namesakes(&self, at: usize) -> Vec<usize> {
        let name = self.items.get(at).map(|item| raw::text(item.key));
        let has_name = |item: &Item<'_>| Some(raw::text(item.key)) == name;
        let all = self.items.iter().enumerate();
        all.filter(|(other, item)| *other == at || (self.is_object && has_name(item))).map(|(at, _)| at).collect()
    }
}

/// Deletes all members of a name but the last, in every object that the steps lead to, also inside values that do not
/// count.
pub(super) fn without_duplicates(text: &str, steps: &[String]) -> Vec<Splice> {
    let Some((name, outer)) = steps.split_last() else { return Vec::new() };
    let mut values = vec![raw::without_bom(text).trim()];
    for step in outer {
        let containers = values.into_iter().filter_map(Container::read);
        values = containers
            .flat_map(|container| {
                let is_object = container.is_object;
                container.items.into_iter().enumerate().filter_map(move |(at, item)| {
                    let is_match = if is_object { raw::text(item.key) == *step } else { at.to_string() == *step };
                    is_match.then_some(item.value)
                })
            })
            .collect();
    }
    let mut edits = Vec::new();
    for container in values.into_iter().filter_map(Container::read).filter(|container| container.is_object) {
        let last = container.items.iter().rposition(|item| raw::text(item.key) == *name);
        let mut namesakes = last.map(|last| container.namesakes(last)).unwrap_or_default();
        namesakes.pop();
        edits.extend(without(text, &container, &namesakes));
    }
    edits
}

/// Deletes items of a list or object, with their commas and lines.
fn without(text: &str, container: &Container<'_>, deleted: &[usize]) -> Vec<Splice> {
    let Some(first) = container.items.first() else { return Vec::new() };
    let begin = |item: &Item<'_>| span(text, if container.is_object { item.key } else { item.value }).from;
    let end = |item: &Item<'_>| span(text, item.value).to;
    let cut = |from, to| Splice { from, to, text: String::new() };
    let mut edits: Vec<Splice> = Vec::new();
    // Deleted items at the front are cut up to the first item that is kept.
    let front = (0..container.items.len()).take_while(|at| deleted.contains(at)).count();
    match container.items.get(front) {
        _ if front == 0 => {}
        Some(kept) => edits.push(cut(begin(first), begin(kept))),
        None => {
            let to = container.items.last().map_or(0, end).saturating_add(container.trail.len());
            return vec![cut(begin(first).saturating_sub(first.gap.len()), to)];
        }
    }
    for item in deleted.iter().filter(|at| **at > front).filter_map(|at| container.items.get(*at)) {
        let from = begin(item).saturating_sub(item.gap.len());
        match edits.last_mut().filter(|last| last.to == from) {
            Some(last) => last.to = end(item),
            None => edits.push(cut(from, end(item))),
        }
    }
    edits
}

/// Returns the position of `part`, a slice of `text`.
fn span(text: &str, part: &str) -> Span {
    let from = part.as_ptr().addr().saturating_sub(text.as_ptr().addr()).min(text.len());
    Span { from, to: from.saturating_add(part.len()).min(text.len()) }
}
