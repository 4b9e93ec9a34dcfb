//! JSON text, read one level at a time, so that what is not understood can be carried as it was written.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Number, Value, error::Category, value::RawValue};

use super::locate::Span;
use crate::error::{Problem, ProblemCode};

/// How many levels of lists and objects a document may have; `serde_json`, with which hosts read
/// it too, allows no more.
pub(super) const MAX_DEPTH: usize = 127;

/// Reads JSON of any shape, or says what is wrong with it and where.
pub(super) fn parse(text: &str) -> Result<Value, Problem> {
    match fault(text) {
        Some(fault) => Err(Problem::error(ProblemCode::NotJson, "", fault.message)),
        None => Ok(value(without_bom(text).trim())),
    }
}

/// What is wrong with a text that is not JSON.
pub(super) struct Fault {
    pub(super) message: String,
    /// One character, or the empty end of the text.
    pub(super) span: Span,
}

/// Why a text cannot be read as JSON, if it cannot.
pub(super) fn fault(text: &str) -> Option<Fault> {
    let json = without_bom(text);
    let end = Span { from: text.len(), to: text.len() };
    if json.trim().is_empty() {
        let message = "an empty file is no document: restore it, or delete it if there is nothing to lose";
        return Some(Fault { message: message.to_owned(), span: end });
    }
    if let Err(error) = serde_json::from_str::<&RawValue>(json) {
        let place = place(json, error.line(), error.column());
        return Some(match error.classify() {
            Category::Eof => {
                Fault { message: format!("the document ends too early, at {place}: restore or complete it"), span: end }
            }
            _ => Fault {
                message: format!("the document is not JSON at {place}: correct it there"),
                span: character(text, json, error.line(), error.column()),
            },
        });
    }
    too_deep(json).map(|(line, column)| Fault {
        message: format!(
            "the document is nested more than {MAX_DEPTH} levels deep at {}: store less there",
            place(json, line, column)
        ),
        span: character(text, json, line, column),
    })
}

/// The value of a JSON text.
///
/// Nothing that JSON's grammar allows is refused: a number beyond the largest float counts as that,
/// and half a surrogate pair as U+FFFD.
pub(super) fn value(raw: &str) -> Value {
    match Container::read(raw) {
        Some(Container { is_object: true, items, .. }) => {
            Value::Object(items.iter().map(|item| (text(item.key), value(item.value))).collect())
        }
        Some(Container { items, .. }) => Value::Array(items.iter().map(|item| value(item.value)).collect()),
        None => scalar(raw),
    }
}

/// The text that a JSON string stands for.
pub(super) fn text(raw: &str) -> String {
    serde_json::from_str(raw).map_or_else(|_| String::new(), |Lossy(text)| text)
}

/// `text` without a byte order mark.
pub(super) fn without_bom(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// A list or an object, one level of it. Its text is the bracket, each item's four parts in turn,
/// the trail and the other bracket.
pub(super) struct Container<'a> {
    pub(super) is_object: bool,
    pub(super) items: Vec<Item<'a>>,
    /// The whitespace before the closing bracket.
    pub(super) trail: &'a str,
}

/// An element of a list or a member of an object.
pub(super) struct Item<'a> {
    /// What stands before it: whitespace, and from the second item on a comma.
    pub(super) gap: &'a str,
    /// A member's name, quotes and all; empty in a list.
    pub(super) key: &'a str,
    /// What stands between name and value: a colon and whitespace; empty in a list.
    pub(super) colon: &'a str,
    pub(super) value: &'a str,
}

impl<'a> Container<'a> {
    /// Reads one level of a JSON text; none if it is neither a list nor an object.
    pub(super) fn read(raw: &'a str) -> Option<Self> {
        let (is_object, mut rest) = match raw.strip_prefix('{') {
            Some(rest) => (true, rest),
            None => (false, raw.strip_prefix('[')?),
        };
        let items = if is_object {
            let Members(members) = serde_json::from_str(raw).ok()?;
            members.into_iter().map(|(key, value)| Item::member(&mut rest, key, value)).collect()
        } else {
            let elements: Vec<&RawValue> = serde_json::from_str(raw).ok()?;
            elements.into_iter().map(|value| Item::element(&mut rest, value)).collect()
        };
        Some(Self { is_object, items, trail: rest.strip_suffix(['}', ']'])? })
    }
}

impl<'a> Item<'a> {
    fn member(rest: &mut &'a str, key: &'a RawValue, value: &'a RawValue) -> Self {
        let gap = advance(rest, key);
        Self { gap, key: key.get(), colon: advance(rest, value), value: value.get() }
    }

    fn element(rest: &mut &'a str, value: &'a RawValue) -> Self {
        Self { gap: advance(rest, value), key: "", colon: "", value: value.get() }
    }
}

/// Moves `rest` behind the `token` that comes next, and answers what stood before it.
fn advance<'a>(rest: &mut &'a str, token: &RawValue) -> &'a str {
    let at = rest.find(|c| !matches!(c, ' ' | '\t' | '\n' | '\r' | ',' | ':')).unwrap_or(rest.len());
    let (gap, after) = rest.split_at_checked(at).unwrap_or_default();
    *rest = after.strip_prefix(token.get()).unwrap_or_default();
    gap
}

fn scalar(raw: &str) -> Value {
    match raw {
        "null" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ if raw.starts_with('"') => Value::String(text(raw)),
        _ => serde_json::from_str::<Number>(raw).map_or_else(|_| largest(raw), Value::Number),
    }
}

/// The float that stands for a number beyond all of them.
fn largest(raw: &str) -> Value {
    raw.parse::<f64>().map_or(Value::Null, |float| float.clamp(f64::MIN, f64::MAX).into())
}

/// The members of an object in their order, duplicates and all.
struct Members<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;

        impl<'de> Visitor<'de> for Each {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Each)
    }
}

/// A JSON string, also one that is no Unicode.
struct Lossy(String);

impl<'de> Deserialize<'de> for Lossy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;

        impl Visitor<'_> for Bytes {
            type Value = Lossy;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Self::Value, E> {
                Ok(Lossy(String::from_utf8_lossy(bytes).into_owned()))
            }
        }

        deserializer.deserialize_bytes(Bytes)
    }
}

/// Line and column (in bytes) of the first bracket that is one too many. The text is valid JSON.
fn too_deep(json: &str) -> Option<(usize, usize)> {
    let (mut depth, mut line, mut column) = (0_usize, 1_usize, 0_usize);
    let (mut quoted, mut escaped) = (false, false);
    for byte in json.bytes() {
        column = column.saturating_add(1);
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => depth = depth.saturating_add(1),
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            b'\n' => (line, column) = (line.saturating_add(1), 0),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Some((line, column));
        }
    }
    None
}

/// A place for people, who count characters and not bytes.
fn place(json: &str, line: usize, column: usize) -> String {
    let shown = json.split('\n').nth(line.saturating_sub(1)).unwrap_or_default();
    let column = shown.char_indices().take_while(|(at, _)| *at < column).count();
    format!("line {line}, column {column}")
}

/// The character of `text` that ends in this column (in bytes) of its JSON.
fn character(text: &str, json: &str, line: usize, column: usize) -> Span {
    let lines = json.split('\n').take(line.saturating_sub(1)).map(|line| line.len().saturating_add(1));
    let bom = text.len().saturating_sub(json.len());
    let behind = lines.fold(bom, usize::saturating_add).saturating_add(column).clamp(bom, text.len());
    let is_bound = |at: &usize| text.is_char_boundary(*at);
    let from = (bom..behind).rev().find(is_bound).unwrap_or(bom);
    let to = (behind..text.len()).find(|at| *at > from && is_bound(at)).unwrap_or(text.len());
    Span { from, to }
}
