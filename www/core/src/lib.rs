//! Page face: a document in an editor. Arguments and answers are text, which keeps the wasm small.
//!
//! Converts values and makes no decisions. Answers are JSON in the shapes of the package; thrown values are the JSON of
//! an error. The page loads two builds: a reader first, and the whole face (feature `editing`) with the first edit.

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

/// Document in the editor.
#[wasm_bindgen(js_name = DocumentEditor)]
pub struct PageEditor(Editor);

#[wasm_bindgen(js_class = "DocumentEditor")]
impl PageEditor {
    /// Reads a document's text. The same text and the same seed of 32 bytes give the same ids.
    pub fn open(text: &str, seed: &[u8]) -> Result<Self, JsValue> {
        let seed = seed
            .try_into()
            .map_err(|_| thrown(&Error::new(ErrorCode::InvalidArgument, "a seed has 32 bytes").at("/seed")))?;
        Editor::open(text, seed).map(Self).map_err(|error| thrown(&error))
    }

    /// Returns a summary of all pools.
    pub fn pools(&mut self, now: f64) -> Answer {
        json(&self.0.pools(moment(now)))
    }

    /// Returns a pool as a table.
    pub fn pool(&mut self, key: &str, now: f64) -> Answer {
        answer(self.0.pool(key, moment(now)))
    }

    /// Returns a secret field of a credential.
    pub fn reveal(&mut self, key: &str, id: &str, field: &str, now: f64) -> Answer {
        self.0.reveal(key, &CredentialId::from(id), field, moment(now)).map_err(|error| thrown(&error))
    }
}

/// Returns the text of a document without credentials.
#[wasm_bindgen(js_name = emptyDocument)]
pub fn empty_document() -> String {
    Document::EMPTY.to_owned()
}

/// Returns the number of problems of a document's text.
#[wasm_bindgen(js_name = countProblems)]
pub fn count_problems(text: &str, now: f64) -> usize {
    check(text, moment(now)).len()
}

fn moment(millis: f64) -> Timestamp {
    #[expect(clippy::cast_possible_truncation, reason = "the value of `Date.now`, an integer; other values saturate")]
    Timestamp::from_millis(millis as i64)
}

fn answer<T: Serialize>(value: Result<T, Error>) -> Answer {
    value.map_err(|error| thrown(&error)).and_then(|value| json(&value))
}

fn json(value: &impl Serialize) -> Answer {
    serde_json::to_string(value).map_err(|_| JsValue::from("the answer has no JSON form; report this as a bug"))
}

fn thrown(error: &Error) -> JsValue {
    serde_json::to_string(error).unwrap_or_default().into()
}
