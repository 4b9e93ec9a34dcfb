//! Fixes of JSON syntax: an extra comma, a missing comma, quote or closing bracket.

use super::repair::Fix;
use crate::store::{raw, span::Splice};

/// Returns the first repair that makes the text JSON; empty if there is none.
pub(super) fn fixes(text: &str) -> Vec<Fix> {
    let Some(fault) = raw::fault(text) else { return Vec::new() };
    let scan = Scan::of(text);
    let cuts = || scan.commas.iter().map(|at| splice(*at, at.saturating_add(1), ""));
    let end = text.trim_end().len();
    let close = || splice(end, end, &scan.missing);
    let before = text.get(..fault.span.from).unwrap_or_default().trim_end();
    let line_end = before.trim_end_matches([',', ' ', '\t']).len();
    let candidates = [
        ("Delete the comma at the end", cuts().collect()),
        ("Close the open brackets at the end", vec![close()]),
        ("Close the open brackets at the end", cuts().chain([close()]).collect()),
        ("Add the missing comma", vec![splice(before.len(), before.len(), ",")]),
        ("Add the missing quote", vec![splice(line_end, line_end, "\"")]),
    ];
    let fits = |fix: &Fix| raw::fault(&fix.apply(text)).is_none();
    candidates.into_iter().filter_map(|(label, edits)| Fix::new(label, edits)).filter(fits).take(1).collect()
}

fn splice(from: usize, to: usize, text: &str) -> Splice {
    Splice { from, to, text: text.to_owned() }
}

/// Syntax errors of a text.
struct Scan {
    /// Positions of trailing commas.
    commas: Vec<usize>,
    /// Text that closes all open strings, lists and objects at the end.
    missing: String,
}

impl Scan {
    fn of(text: &str) -> Self {
        let mut open: Vec<(u8, usize)> = Vec::new();
        let (mut commas, mut comma) = (Vec::new(), None);
        let (mut is_quoted, mut is_escaped) = (false, false);
        for (at, byte) in text.bytes().enumerate() {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' if is_quoted => is_escaped = true,
                b'"' => (is_quoted, comma) = (!is_quoted, None),
                _ if is_quoted => {}
                b',' => comma = Some(at),
                b'{' | b'[' => {
                    open.push((byte, at));
                    comma = None;
                }
                b'}' | b']' => {
                    open.pop();
                    commas.extend(comma.take());
                }
                b' ' | b'\t' | b'\r' | b'\n' => {}
                _ => comma = None,
            }
        }
        commas.extend(comma);
        let mut missing = String::from(if is_quoted { "\"" } else { "" });
        let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
        for (bracket, at) in open.iter().rev() {
            let (before, inside) = text.split_at_checked(*at).unwrap_or_default();
            let is_on_lines = inside.trim_end().contains('\n');
            if is_on_lines {
                let line = before.rsplit('\n').next().unwrap_or_default();
                let indent = line.len().saturating_sub(line.trim_start_matches([' ', '\t']).len());
                missing.push_str(newline);
                missing.push_str(line.get(..indent).unwrap_or_default());
            }
            missing.push(if *bracket == b'{' { '}' } else { ']' });
        }
        Self { commas, missing }
    }
}
