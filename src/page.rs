//! The page's face: a document under a person's hands, as text in and text out, so that little has to be loaded.
//!
//! Converts, and decides nothing. Answers are JSON in the shapes of the package; what is thrown is an error's JSON.

use serde::Serialize;
use wasm_bindgen::prelude::*;

use crate::{
    CredentialId, Edited, Editor, Error, ErrorCode, Fix, Problem, Span, Timestamp, check, fault, fixes, locate_all,
    masked, secrets, to_utf16,
};

type Answer = Result<String, JsValue>;

/// A document that a person edits.
#[wasm_bindgen(js_name = DocumentEditor)]
pub struct PageEditor(Editor);

#[wasm_bindgen(js_class = "DocumentEditor")]
impl PageEditor {
    /// Reads a document's text.
    pub fn open(text: &str) -> Result<Self, JsValue> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|_| {
            thrown(&Error::new(ErrorCode::InvalidArgument, "this browser has no `crypto.getRandomValues`"))
        })?;
        Editor::open(text, seed).map(Self).map_err(|error| thrown(&error))
    }

    /// The document as it is to be written.
    pub fn text(&self) -> String {
        self.0.text()
    }

    /// All pools at a glance.
    pub fn pools(&mut self, now: f64) -> Answer {
        json(&self.0.pools(moment(now)))
    }

    /// One pool as a table.
    pub fn pool(&mut self, key: &str, now: f64) -> Answer {
        answer(self.0.pool(key, moment(now)))
    }

    /// Carries out an edit.
    pub fn edit(&mut self, key: &str, edit: &str, now: f64) -> Result<(), JsValue> {
        let edit = Edited::parse(edit);
        edit.and_then(|edit| self.0.edit(key, &edit, moment(now))).map_err(|error| thrown(&error))
    }

    /// The error that an edit would end with, or `null`.
    pub fn validate(&mut self, key: &str, edit: &str, now: f64) -> Answer {
        let refused = Edited::parse(edit).and_then(|edit| self.0.validate(key, &edit, moment(now))).err();
        json(&refused)
    }

    /// A secret field of a credential.
    pub fn reveal(&mut self, key: &str, id: &str, field: &str, now: f64) -> Answer {
        self.0.reveal(key, &CredentialId::from(id), field, moment(now)).map_err(|error| thrown(&error))
    }
}

/// The text of a document without credentials.
#[wasm_bindgen(js_name = emptyDocument)]
pub fn empty_document() -> String {
    crate::Document::empty().to_text()
}

/// Everything in a document's text that a person should look at, each with where it stands and how it can be repaired.
/// Places count in UTF-16, as JavaScript's strings do.
#[wasm_bindgen(js_name = checkText)]
pub fn check_text(text: &str, now: f64) -> Answer {
    let problems = check(text, moment(now));
    // What is no JSON has no place for a pointer.
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

/// How a problem of a text can be repaired, the likeliest first.
#[wasm_bindgen(js_name = fixesOf)]
pub fn fixes_of(text: &str, code: &str, pointer: &str) -> Answer {
    let code = serde_json::from_value(code.into()).map_err(|_| JsValue::from("no such problem is known"))?;
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

/// Where the secrets of a text stand, from and to in turn, in UTF-16; of broken JSON as well.
#[wasm_bindgen(js_name = secretsOf)]
pub fn secrets_of(text: &str) -> Vec<u32> {
    let mut offsets: Vec<_> = secrets(text).iter().flat_map(|span| [span.from, span.to]).collect();
    to_utf16(text, &mut offsets);
    offsets.into_iter().map(|offset| u32::try_from(offset).unwrap_or(u32::MAX)).collect()
}

/// The text with a mark for each secret: the same one for the same secret.
#[wasm_bindgen(js_name = maskedText)]
pub fn masked_text(text: &str) -> String {
    masked(text)
}

/// Where the value at a JSON pointer stands, from and to, in UTF-16; empty if it is not there.
#[wasm_bindgen(js_name = placeOf)]
pub fn place_of(text: &str, pointer: &str) -> Vec<u32> {
    let Some(Some(place)) = locate_all(text, &[pointer]).pop() else { return Vec::new() };
    let mut offsets = [place.value.from, place.value.to];
    to_utf16(text, &mut offsets);
    offsets.into_iter().map(|offset| u32::try_from(offset).unwrap_or(u32::MAX)).collect()
}

/// A problem, and where it stands.
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

fn moment(millis: f64) -> Timestamp {
    #[expect(clippy::cast_possible_truncation, reason = "what `Date.now` answers, and the nearest that there is else")]
    Timestamp::from_millis(millis as i64)
}

fn answer<T: Serialize>(value: Result<T, Error>) -> Answer {
    value.map_err(|error| thrown(&error)).and_then(|value| json(&value))
}

fn json(value: &impl Serialize) -> Answer {
    serde_json::to_string(value).map_err(|_| JsValue::from("the answer is no JSON"))
}

fn thrown(error: &Error) -> JsValue {
    serde_json::to_string(error).unwrap_or_default().into()
}
