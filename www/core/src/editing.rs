//! Edits of a document.

use wasm_bindgen::prelude::*;

use super::{Answer, PageEditor, json, moment, thrown};
use credential_pool::{Edited, providers};

/// The facts of all providers, by id, for the form that adds a credential.
#[wasm_bindgen(js_name = providers)]
pub fn all_providers() -> Answer {
    json(&providers())
}

#[wasm_bindgen(js_class = "DocumentEditor")]
impl PageEditor {
    /// Returns the text to write.
    pub fn text(&self) -> String {
        self.0.text()
    }

    /// Applies an edit.
    pub fn edit(&mut self, key: &str, edit: &str, now: f64) -> Result<(), JsValue> {
        let edit = Edited::parse(edit);
        edit.and_then(|edit| self.0.edit(key, &edit, moment(now))).map_err(|error| thrown(&error))
    }

    /// Returns an id for a credential that an edit adds.
    #[wasm_bindgen(js_name = newId)]
    pub fn new_id(&mut self, key: &str, now: f64) -> Answer {
        let id = self.0.new_id(key, moment(now));
        id.map(|id| id.as_str().to_owned()).map_err(|error| thrown(&error))
    }

    /// Takes over the secrets that other programs renewed while a person edited.
    #[wasm_bindgen(js_name = keepRenewedSecrets)]
    pub fn keep_renewed_secrets(&mut self, base: &str, theirs: &str, now: f64) -> Result<(), JsValue> {
        self.0.keep_renewed_secrets(base, theirs, moment(now)).map_err(|error| thrown(&error))
    }

    /// Returns the error of an edit without applying it; `null` if the edit is valid.
    pub fn validate(&mut self, key: &str, edit: &str, now: f64) -> Answer {
        let refused = Edited::parse(edit).and_then(|edit| self.0.validate(key, &edit, moment(now))).err();
        json(&refused)
    }
}
