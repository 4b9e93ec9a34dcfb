//! Cache of the steps on the hot path.

use js_sys::{Object, Reflect};
use rustc_hash::FxHashMap;
use wasm_bindgen::prelude::*;

use credential_pool::{CredentialId, Selection, Step, Wake};

use super::values::{Answer, write};

/// Cache of steps without intents and events: the same frozen object is returned until the wake changes.
#[derive(Default)]
pub(super) struct StepCache {
    selections: FxHashMap<CredentialId, (Option<Wake>, JsValue)>,
    empty: Option<(Option<Wake>, JsValue)>,
}

impl StepCache {
    pub(super) fn selection(&mut self, step: &Step<Selection>) -> Answer {
        let Selection::Selected { credential } = &step.value else { return write(step) };
        if !is_cacheable(step) {
            return write(step);
        }
        match self.selections.get(credential) {
            Some((wake, cached)) if *wake == step.wake => Ok(cached.clone()),
            _ => {
                let object = frozen(write(step)?);
                self.selections.insert(credential.clone(), (step.wake, object.clone()));
                Ok(object)
            }
        }
    }

    pub(super) fn empty(&mut self, step: &Step<()>) -> Answer {
        match &self.empty {
            Some((wake, cached)) if *wake == step.wake && is_cacheable(step) => Ok(cached.clone()),
            _ => {
                let object = frozen(write(step)?);
                self.empty = is_cacheable(step).then(|| (step.wake, object.clone()));
                Ok(object)
            }
        }
    }
}

/// Returns whether the step consists of value and wake alone.
fn is_cacheable<T>(step: &Step<T>) -> bool {
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
