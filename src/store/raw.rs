//! JSON text, parsed one level at a time, so that unknown parts keep their bytes.

use std::str::Chars;

use serde::de::IgnoredAny;
use serde_json::{Value, error::Category};

use super::{section::POOLS, span::Span};
use crate::{
    error::{Problem, ProblemCode},
    limits::LIMITS,
};

/// Reads JSON of any shape, within the limits of a document. The problem names line and column.
pub(super) fn parse(text: &str) -> Result<Value, Problem> {
    LIMITS.check_document(text, POOLS).map_err(|error| Problem::error(ProblemCode::TooLarge, "", error.message))?;
    match fault(text) {
        Some(fault) => Err(Problem::error(fault.code, "", fault.message)),
        None => Ok(value(without_bom(text).trim())),
    }
}

/// Syntax error of a text, or the place where its nesting exceeds the limit.
pub(super) struct Fault {
    pub(super) code: ProblemCode,
    pub(super) message: String,
    /// One character, or the empty end of the text.
    pub(super) span: Span,
}

/// Returns the first syntax error of a text; `None` if the text is JSON.
pub(super) fn fault(text: &str) -> Option<Fault> {
    let json = without_bom(text);
    let end = Span { from: text.len(), to: text.len() };
    if json.trim().is_empty() {
        let message = "an empty file is no document: restore its content, or delete the file if there was none";
        return Some(Fault { code: ProblemCode::NotJson, message: message.to_owned(), span: end });
    }
    if let Err(error) = serde_json::from_str::<IgnoredAny>(json) {
        let place = place(json, error.line(), error.column());
        return Some(match error.classify() {
            Category::Eof => Fault {
                code: ProblemCode::NotJson,
                message: format!("the document ends too early, at {place}: restore or complete the text"),
                span: end,
            },
            _ => Fault {
                code: ProblemCode::NotJson,
                message: format!("the document is not JSON at {place}: correct the text there"),
                span: character(text, json, error.line(), error.column()),
            },
        });
    }
    too_deep(json).map(|(line, column)| Fault {
        code: ProblemCode::TooLarge,
        message: format!(
            "the document is nested more than {} levels deep at {}: reduce the nesting there",
            LIMITS.nesting,
            place(json, line, column)
        ),
        span: character(text, json, line, column),
    })
}

/// Returns the value of a JSON text.
///
/// Accepts all of JSON's grammar: a number beyond the largest float becomes the largest float, an unpaired surrogate
/// becomes U+FFFD.
pub(super) fn value(raw: &str) -> Value {
    match Container::read(raw) {
        Some(Container { is_object: true, items, .. }) => {
            Value::Object(items.iter().map(|item| (text(item.key), value(item.value))).collect())
        }
        Some(Container { items, .. }) => Value::Array(items.iter().map(|item| value(item.value)).collect()),
        None => scalar(raw),
    }
}

/// Returns the content of a JSON string.
pub(super) fn text(raw: &str) -> String {
    let quoted = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')).unwrap_or_default();
    if !quoted.contains('\\') {
        return quoted.to_owned();
    }
    let mut units = Vec::with_capacity(quoted.len());
    let mut rest = quoted.chars();
    while let Some(char) = rest.next() {
        match if char == '\\' { escaped(&mut rest) } else { Escaped::Char(char) } {
            Escaped::Char(char) => units.extend_from_slice(char.encode_utf16(&mut [0; 2])),
            Escaped::Unit(unit) => units.push(unit),
        }
    }
    // As many as the bytes of an unpaired surrogate.
    const UNPAIRED: &str = "\u{fffd}\u{fffd}\u{fffd}";
    char::decode_utf16(units).fold(String::new(), |mut text, char| {
        match char {
            Ok(char) => text.push(char),
            Err(_) => text.push_str(UNPAIRED),
        }
        text
    })
}

enum Escaped {
    Char(char),
    /// UTF-16 code unit, perhaps an unpaired surrogate.
    Unit(u16),
}

/// Reads the part of an escape after the backslash.
fn escaped(rest: &mut Chars<'_>) -> Escaped {
    Escaped::Char(match rest.next() {
        Some('b') => '\u{8}',
        Some('f') => '\u{c}',
        Some('n') => '\n',
        Some('r') => '\r',
        Some('t') => '\t',
        Some('u') => {
            let digits = rest.by_ref().take(4).filter_map(|digit| digit.to_digit(16));
            let unit = digits.fold(0_u32, |unit, digit| (unit << 4) | digit);
            return Escaped::Unit(u16::try_from(unit).unwrap_or_default());
        }
        other => other.unwrap_or_default(),
    })
}

/// Returns `text` without a byte order mark.
pub(super) fn without_bom(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// One level of a list or object. Its text is the opening bracket, the four parts of each item, the trail and the
/// closing bracket.
pub(super) struct Container<'a> {
    pub(super) is_object: bool,
    pub(super) items: Vec<Item<'a>>,
    /// Whitespace before the closing bracket.
    pub(super) trail: &'a str,
}

/// Element of a list or member of an object.
pub(super) struct Item<'a> {
    /// Text before the item: whitespace, and from the second item on a comma.
    pub(super) gap: &'a str,
    /// Name of a member, with its quotes; empty in a list.
    pub(super) key: &'a str,
    /// Text between name and value: colon and whitespace; empty in a list.
    pub(super) colon: &'a str,
    pub(super) value: &'a str,
}

impl<'a> Container<'a> {
    /// Reads one level of a JSON text; `None` if the text is neither a list nor an object.
    pub(super) fn read(raw: &'a str) -> Option<Self> {
        let is_object = raw.starts_with('{');
        let mut rest = raw.strip_prefix(['{', '['])?;
        let mut items = Vec::new();
        loop {
            let gap = take(&mut rest, gap_len);
            if matches!(rest, "}" | "]") {
                return Some(Self { is_object, items, trail: gap });
            }
            let (key, colon) = if is_object {
                let key = take(&mut rest, token_len);
                (key, take(&mut rest, gap_len))
            } else {
                ("", "")
            };
            let value = take(&mut rest, token_len);
            if value.is_empty() {
                return None;
            }
            items.push(Item { gap, key, colon, value });
        }
    }
}

/// Splits off and returns the first `len(rest)` bytes of `rest`.
fn take<'a>(rest: &mut &'a str, len: fn(&str) -> usize) -> &'a str {
    let (taken, after) = rest.split_at_checked(len(rest)).unwrap_or_default();
    *rest = after;
    taken
}

/// Returns the length of whitespace, commas and colons at the start of a text.
fn gap_len(text: &str) -> usize {
    text.bytes().take_while(|byte| is_between(*byte)).count()
}

/// Returns the length of the value at the start of a text. The text is valid JSON.
fn token_len(text: &str) -> usize {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'[' | b'{' => depth = depth.saturating_add(1),
            b']' | b'}' if depth > 0 => depth = depth.saturating_sub(1),
            b']' | b'}' => return at,
            _ if depth == 0 && is_between(byte) => return at,
            _ => {}
        }
        if depth == 0 && !quoted && matches!(byte, b'"' | b']' | b'}') {
            return at.saturating_add(1);
        }
    }
    text.len()
}

fn is_between(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b',' | b':')
}

fn scalar(raw: &str) -> Value {
    match raw {
        "null" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ if raw.starts_with('"') => Value::String(text(raw)),
        // Only a number beyond the largest float fails.
        _ => serde_json::from_str(raw).unwrap_or(if raw.starts_with('-') { f64::MIN.into() } else { f64::MAX.into() }),
    }
}

/// Returns line and column (in bytes) of the first bracket beyond [`LIMITS`]; `None` if there is none. The text is
/// valid JSON.
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
        if depth > LIMITS.nesting {
            return Some((line, column));
        }
    }
    None
}

/// Formats a place for people: the column counts characters.
fn place(json: &str, line: usize, column: usize) -> String {
    let shown = json.split('\n').nth(line.saturating_sub(1)).unwrap_or_default();
    let column = shown.char_indices().take_while(|(at, _)| *at < column).count();
    format!("line {line}, column {column}")
}

/// Returns the character of `text` that ends in this column (in bytes) of its JSON.
fn character(text: &str, json: &str, line: usize, column: usize) -> Span {
    let lines = json.split('\n').take(line.saturating_sub(1)).map(|line| line.len().saturating_add(1));
    let bom = text.len().saturating_sub(json.len());
    let behind = lines.fold(bom, usize::saturating_add).saturating_add(column).clamp(bom, text.len());
    let is_bound = |at: &usize| text.is_char_boundary(*at);
    let from = (bom..behind).rev().find(is_bound).unwrap_or(bom);
    let to = (behind..text.len()).find(|at| *at > from && is_bound(at)).unwrap_or(text.len());
    Span { from, to }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_stands_for_the_text_that_serde_json_reads() {
        for raw in [r#""""#, r#""é𝄞""#, r#""\"\\\/\b\f\n\r\t""#, r#""\u00e9\uD834\udd1e \u0000é""#] {
            assert_eq!(text(raw), serde_json::from_str::<String>(raw).unwrap());
        }
        let half = "\u{fffd}".repeat(3);
        for (raw, expected) in [
            (r#""\ud800""#, half.clone()),
            (r#""\udd1e""#, half.clone()),
            (r#""\ud834\ud834\udd1e!""#, format!("{half}𝄞!")),
            (r#""\ud834\n\ud834𝄞""#, format!("{half}\n{half}𝄞")),
        ] {
            assert_eq!(text(raw), expected, "{raw}");
        }
    }
}
