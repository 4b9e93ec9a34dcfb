//! Positions of JSON values in a text, by JSON pointer (RFC 6901).

use rustc_hash::FxHashMap;
use serde::Serialize;

use super::{raw, span::Span};

/// Position of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Located {
    /// Span of the value, with its quotes or brackets.
    pub value: Span,
    /// Span of the member's name, with its quotes; `None` for list elements and the root.
    pub name: Option<Span>,
}

/// Returns the position of the value at a JSON pointer (RFC 6901). Of duplicate names the last counts. `None` if there
/// is no such value, or the text is not JSON.
///
/// ```
/// use credential_pool::locate;
///
/// let text = r#"{"credential_pool": {"zai": [{"id": "a1b2c3"}]}}"#;
/// let id = locate(text, "/credential_pool/zai/0/id").unwrap();
/// assert_eq!(text.get(id.value.from..id.value.to), Some(r#""a1b2c3""#));
/// assert_eq!(locate(text, "/credential_pool/zai/1"), None);
/// ```
pub fn locate(text: &str, pointer: &str) -> Option<Located> {
    locate_all(text, &[pointer]).pop().flatten()
}

/// Returns the position of the value at each pointer, as [`locate`] does, in one pass over the text.
///
/// ```
/// use credential_pool::locate_all;
///
/// let found = locate_all("[1, 22]", &["/1", "/2", ""]);
/// let begins: Vec<_> = found.iter().map(|found| found.map(|found| found.value.from)).collect();
/// assert_eq!(begins, [Some(4), None, Some(0)]);
/// ```
pub fn locate_all(text: &str, pointers: &[&str]) -> Vec<Option<Located>> {
    let mut tree = PointerTree { nodes: vec![Node::default()], visits: 0 };
    let ends: Vec<_> = pointers.iter().map(|pointer| tree.add(pointer)).collect();
    if raw::fault(text).is_none() {
        walk(text, &mut tree);
    }
    ends.into_iter().map(|end| tree.found(end?)).collect()
}

/// Returns the position of the first syntax error: the character at which parsing fails, or the empty end of a text
/// that ends too early. `None` if the text is JSON.
///
/// ```
/// use credential_pool::{Span, fault};
///
/// assert_eq!(fault(r#"{"é": x}"#), Some(Span { from: 7, to: 8 }));
/// assert_eq!(fault("[1, 2"), Some(Span { from: 5, to: 5 }));
/// assert_eq!(fault("[1, 2]"), None);
/// ```
pub fn fault(text: &str) -> Option<Span> {
    raw::fault(text).map(|fault| fault.span)
}

/// Prefix tree of the pointers to locate. The first node is the root.
struct PointerTree {
    nodes: Vec<Node>,
    /// Number of values visited at all nodes.
    visits: usize,
}

#[derive(Default)]
struct Node {
    children: FxHashMap<String, usize>,
    parent: usize,
    found: Option<Located>,
    /// Number of the last visit of this node.
    visit: usize,
    /// Number of the parent's visit at that time. A later visit of the parent is a duplicate name and makes the value
    /// void.
    parent_visit: usize,
}

impl PointerTree {
    /// Adds a pointer and returns its node; `None` if the pointer is invalid.
    fn add(&mut self, pointer: &str) -> Option<usize> {
        let mut at = 0;
        if pointer.is_empty() {
            return Some(at);
        }
        for step in pointer.strip_prefix('/')?.split('/') {
            let name = unescaped(step)?;
            let new = self.nodes.len();
            let next = *self.nodes.get_mut(at)?.children.entry(name).or_insert(new);
            if next == new {
                self.nodes.push(Node { parent: at, ..Node::default() });
            }
            at = next;
        }
        Some(at)
    }

    /// Records that a value of a node begins.
    fn visit(&mut self, node: usize) {
        self.visits = self.visits.saturating_add(1);
        let visit = self.visits;
        let parent = self.nodes.get(node).map_or(0, |node| node.parent);
        let parent_visit = self.nodes.get(parent).map_or(0, |parent| parent.visit);
        if let Some(node) = self.nodes.get_mut(node) {
            (node.visit, node.parent_visit) = (visit, parent_visit);
        }
    }

    fn set_position(&mut self, node: Option<usize>, located: Located) {
        if let Some(node) = node.and_then(|node| self.nodes.get_mut(node)) {
            node.found = Some(located);
        }
    }

    fn found(&self, node: usize) -> Option<Located> {
        let found = self.nodes.get(node)?.found;
        let mut at = node;
        while at != 0 {
            let node = self.nodes.get(at)?;
            if self.nodes.get(node.parent)?.visit != node.parent_visit {
                return None;
            }
            at = node.parent;
        }
        found
    }
}

/// Decodes a reference token of a JSON pointer; `None` if an escape is invalid.
pub(super) fn unescaped(step: &str) -> Option<String> {
    let mut parts = step.split('~');
    let mut name = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match (part.strip_prefix('0'), part.strip_prefix('1')) {
            (Some(rest), _) => name.extend(["~", rest]),
            (_, Some(rest)) => name.extend(["/", rest]),
            _ => return None,
        }
    }
    Some(name)
}

/// List or object that is being read.
struct OpenContainer {
    is_object: bool,
    node: Option<usize>,
    from: usize,
    /// Name of the member whose value this container is.
    own_name: Option<Span>,
    /// Name of the member that is being read.
    name: Option<Span>,
    index: usize,
}

/// Reads a JSON text once and records the positions of all values in the tree.
fn walk(text: &str, tree: &mut PointerTree) {
    let bytes = text.as_bytes();
    let mut open: Vec<OpenContainer> = Vec::new();
    let mut at = text.len().saturating_sub(raw::without_bom(text).len());
    while let Some(byte) = bytes.get(at) {
        let next = at.saturating_add(1);
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' | b':' => at = next,
            b',' => {
                if let Some(top) = open.last_mut() {
                    (top.name, top.index) = (None, top.index.saturating_add(1));
                }
                at = next;
            }
            b'}' | b']' => {
                if let Some(closed) = open.pop() {
                    let value = Span { from: closed.from, to: next };
                    tree.set_position(closed.node, Located { value, name: closed.own_name });
                }
                at = next;
            }
            b'{' | b'[' => {
                let node = node_of(text, open.last(), tree);
                let own_name = open.last().and_then(|top| top.name);
                let is_object = *byte == b'{';
                open.push(OpenContainer { is_object, node, from: at, own_name, name: None, index: 0 });
                at = next;
            }
            _ => {
                let to = if *byte == b'"' { string_end(bytes, at) } else { scalar_end(bytes, at) };
                let token = Span { from: at, to };
                match open.last_mut() {
                    Some(top) if top.is_object && top.name.is_none() => top.name = Some(token),
                    _ => {
                        let node = node_of(text, open.last(), tree);
                        let name = open.last().and_then(|top| top.name);
                        tree.set_position(node, Located { value: token, name });
                    }
                }
                at = to;
            }
        }
    }
}

/// Returns the node of the value that begins in `parent`; `None` if no pointer leads to the value.
fn node_of(text: &str, parent: Option<&OpenContainer>, tree: &mut PointerTree) -> Option<usize> {
    let node = match parent {
        None => 0,
        Some(parent) => {
            let children = &tree.nodes.get(parent.node?)?.children;
            if children.is_empty() {
                return None;
            }
            match parent.name {
                Some(name) => *children.get(&raw::text(text.get(name.from..name.to)?))?,
                None => *children.get(&parent.index.to_string())?,
            }
        }
    };
    tree.visit(node);
    Some(node)
}

/// Returns the end of the string that begins at `from`.
fn string_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from.saturating_add(1);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at.saturating_add(1),
            b'\\' => at = at.saturating_add(2),
            _ => at = at.saturating_add(1),
        }
    }
    bytes.len()
}

fn scalar_end(bytes: &[u8], from: usize) -> usize {
    let is_end = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r');
    let behind = bytes.get(from..).and_then(|rest| rest.iter().position(is_end));
    behind.map_or(bytes.len(), |length| from.saturating_add(length.max(1)))
}
