//! The page's face: a document under a person's hands, as text in and text out, so that little has to be loaded.
//!
//! Converts, and decides nothing. Answers are JSON in the shapes of the package; what is thrown is an error's JSON.
//! The page loads it twice: first what only reads, and all of it when a person begins to edit.

use serde::Serialize;
use wasm_bindgen::prelude::*;

use credential_pool::{CredentialId, Document, Editor, Error, ErrorCode, Timestamp, check};

#[cfg(feature = "editing")]
mod editing;
#[cfg(feature = "editing")]
mod text;
#[cfg(feature = "editing")]
mod utf16;

type Answer = Result<String, JsValue>;

/// A document that a person looks at, and may edit.
#[wasm_bindgen(js_name = DocumentEditor)]
pub struct PageEditor(Editor);

#[wasm_bindgen(js_class = "DocumentEditor")]
impl PageEditor {
    /// Reads a document's text. Whoever reads the same text again with the same seed of 32 bytes finds the same ids.
    pub fn open(text: &str, seed: &[u8]) -> Result<Self, JsValue> {
        let seed = seed
            .try_into()
            .map_err(|_| thrown(&Error::new(ErrorCode::InvalidArgument, "a seed has 32 bytes").at("/seed")))?;
        Editor::open(text, seed).map(Self).map_err(|error| thrown(&error))
    }

    /// All pools at a glance.
    pub fn pools(&mut self, now: f64) -> Answer {
        json(&self.0.pools(moment(now)))
    }

    /// One pool as a table.
    pub fn pool(&mut self, key: &str, now: f64) -> Answer {
        answer(self.0.pool(key, moment(now)))
    }

    /// A secret field of a credential.
    pub fn reveal(&mut self, key: &str, id: &str, field: &str, now: f64) -> Answer {
        self.0.reveal(key, &CredentialId::from(id), field, moment(now)).map_err(|error| thrown(&error))
    }
}

/// The text of a document without credentials.
#[wasm_bindgen(js_name = emptyDocument)]
pub fn empty_document() -> String {
    Document::EMPTY.to_owned()
}

/// How much in a document's text a person should look at.
#[wasm_bindgen(js_name = countProblems)]
pub fn count_problems(text: &str, now: f64) -> usize {
    check(text, moment(now)).len()
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
