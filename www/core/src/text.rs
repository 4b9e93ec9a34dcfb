//! Positions in a document's text: problems with their fixes, secrets, values.

use serde::Serialize;
use wasm_bindgen::prelude::*;

use credential_pool::{Fix, Problem, Span, check, fault, fixes, locate_all, masked, secrets};

use super::{Answer, json, moment, utf16::to_utf16};

/// Returns the problems of a document's text, each with its span in UTF-16 code units.
#[wasm_bindgen(js_name = checkText)]
pub fn check_text(text: &str, now: f64) -> Answer {
    let problems = check(text, moment(now));
    // Pointers have no position in a text that is not JSON.
    let fault = fault(text);
    let pointers: Vec<_> = problems.iter().map(|problem| problem.pointer.as_str()).collect();
    let places = locate_all(text, &pointers);
    let mut marked: Vec<_> = problems
        .iter()
        .zip(places)
        .map(|(problem, place)| Marked {
            problem,
            span: fault.or(place.map(|place| place.name.unwrap_or(place.value))).unwrap_or(Span { from: 0, to: 0 }),
        })
        .collect();
    in_utf16(text, marked.iter_mut().map(|marked| &mut marked.span));
    json(&marked)
}

/// Returns the fixes of a problem, the likeliest first.
#[wasm_bindgen(js_name = fixesOf)]
pub fn fixes_of(text: &str, code: &str, pointer: &str) -> Answer {
    let code = serde_json::from_value(code.into()).map_err(|_| JsValue::from("no problem has this code"))?;
    let mut fixes = fixes(text, code, pointer);
    for Fix { edits, .. } in &mut fixes {
        let mut offsets: Vec<_> = edits.iter().flat_map(|edit| [edit.from, edit.to]).collect();
        to_utf16(text, &mut offsets);
        for (edit, offsets) in edits.iter_mut().zip(offsets.chunks_exact(2)) {
            if let [from, to] = offsets {
                (edit.from, edit.to) = (*from, *to);
            }
        }
    }
    json(&fixes)
}

/// Returns the spans of a text's secrets, begin and end in turn, in UTF-16 code units. Accepts broken JSON.
#[wasm_bindgen(js_name = secretsOf)]
pub fn secrets_of(text: &str) -> Vec<u32> {
    let mut offsets: Vec<_> = secrets(text).iter().flat_map(|span| [span.from, span.to]).collect();
    to_utf16(text, &mut offsets);
    offsets.into_iter().map(|offset| u32::try_from(offset).unwrap_or(u32::MAX)).collect()
}

/// Returns the text with masked secrets: equal secrets have equal masks.
#[wasm_bindgen(js_name = maskedText)]
pub fn masked_text(text: &str) -> String {
    masked(text)
}

/// Returns begin and end of the value at a JSON pointer, in UTF-16 code units; empty if there is no such value.
#[wasm_bindgen(js_name = placeOf)]
pub fn place_of(text: &str, pointer: &str) -> Vec<u32> {
    let Some(Some(place)) = locate_all(text, &[pointer]).pop() else { return Vec::new() };
    let mut offsets = [place.value.from, place.value.to];
    to_utf16(text, &mut offsets);
    offsets.into_iter().map(|offset| u32::try_from(offset).unwrap_or(u32::MAX)).collect()
}

/// Problem with its span.
#[derive(Serialize)]
struct Marked<'a> {
    problem: &'a Problem,
    span: Span,
}

fn in_utf16<'a>(text: &str, spans: impl Iterator<Item = &'a mut Span>) {
    let mut spans: Vec<_> = spans.collect();
    let mut ends: Vec<_> = spans.iter().flat_map(|span| [span.from, span.to]).collect();
    ends.sort_unstable();
    ends.dedup();
    let bytes = ends.clone();
    to_utf16(text, &mut ends);
    let unit = |byte: usize| bytes.binary_search(&byte).ok().and_then(|at| ends.get(at).copied()).unwrap_or(byte);
    for span in &mut spans {
        **span = Span { from: unit(span.from), to: unit(span.to) };
    }
}
