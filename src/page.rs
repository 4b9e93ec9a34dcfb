//! The page's face: a document under a person's hands, as text in and text out, so that little has to be loaded.
//!
//! Converts, and decides nothing. Answers are JSON in the shapes of the package; what is thrown is an error's JSON.

use serde::Serialize;
use wasm_bindgen::prelude::*;

use crate::{CredentialId, Edited, Editor, Error, ErrorCode, Timestamp};

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
