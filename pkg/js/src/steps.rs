//! The steps that a host asks for with every request.

use js_sys::{Object, Reflect};
use rustc_hash::FxHashMap;
use wasm_bindgen::prelude::*;

use credential_pool::{CredentialId, Selection, Step, Wake};

use super::values::{Answer, write};

/// Answers of the hot path, made once: a selection without intents and events is the same frozen
/// object until the wake changes.
#[derive(Default)]
pub(super) struct Steps {
    selections: FxHashMap<CredentialId, (Option<Wake>, JsValue)>,
    nothing: Option<(Option<Wake>, JsValue)>,
}

impl Steps {
    pub(super) fn selection(&mut self, step: &Step<Selection>) -> Answer {
        let Selection::Selected { credential } = &step.value else { return write(step) };
        if !is_quiet(step) {
            return write(step);
        }
        match self.selections.get(credential) {
            Some((wake, made)) if *wake == step.wake => Ok(made.clone()),
            _ => {
                let made = frozen(write(step)?);
                self.selections.insert(credential.clone(), (step.wake, made.clone()));
                Ok(made)
            }
        }
    }

    pub(super) fn nothing(&mut self, step: &Step<()>) -> Answer {
        match &self.nothing {
            Some((wake, made)) if *wake == step.wake && is_quiet(step) => Ok(made.clone()),
            _ => {
                let made = frozen(write(step)?);
                self.nothing = is_quiet(step).then(|| (step.wake, made.clone()));
                Ok(made)
            }
        }
    }
}

/// Whether the step is all in its value and its wake, so that the next one can be the very same.
fn is_quiet<T>(step: &Step<T>) -> bool {
    step.intents.is_empty() && step.events.is_empty()
}

fn frozen(step: JsValue) -> JsValue {
    for name in ["value", "intents", "events", "wake"] {
        if let Ok(part) = Reflect::get(&step, &name.into())
            && let Some(part) = part.dyn_ref::<Object>()
        {
            Object::freeze(part);
        }
    }
    Object::freeze(step.unchecked_ref::<Object>());
    step
}
