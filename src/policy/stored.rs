//! A policy as it is stored: its preset, and the settings that differ from the preset.

use serde_json::{Map, Value};

use super::{
    Policy, Preset, check,
    settings::{self, setting},
};
use crate::error::{Error, ErrorCode};

impl Policy {
    /// Parses a stored policy: a preset, by default `adaptive`, and the settings that differ from the preset.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidPolicy`], with a pointer into `value`.
    pub fn parse(value: &Value) -> Result<Self, Error> {
        let Value::Object(given) = value else {
            let message = "a policy must be an object, such as `{ \"preset\": \"adaptive\" }`; correct it or delete it";
            return Err(Error::new(ErrorCode::InvalidPolicy, message).at(""));
        };
        let preset = match given.get("preset") {
            Some(name) => Preset::named(name).ok_or_else(|| wrong_shape(&Value::Null, "/preset"))?,
            None => Preset::default(),
        };
        let mut policy = Self::of(preset);
        settings::read(&mut policy, given).map_err(|pointer| wrong_shape(&Self::of(preset).to_json(), &pointer))?;
        check::check(&policy, value)?;
        Ok(policy)
    }

    /// Returns the policy as it is stored: its preset and the settings that differ from the preset.
    pub fn to_value(&self) -> Value {
        let mut stored = Map::from_iter([("preset".to_owned(), Value::from(self.preset.name()))]);
        if let Some(Value::Object(differing)) = difference(&Self::of(self.preset).to_json(), &self.to_json()) {
            stored.extend(differing);
        }
        Value::Object(stored)
    }

    /// Returns the whole policy, with every setting.
    fn to_json(&self) -> Value {
        settings::write(self)
    }
}

/// Returns the settings of `wanted` that differ from `whole`; `None` if the two are equal.
fn difference(whole: &Value, wanted: &Value) -> Option<Value> {
    let (Value::Object(whole), Value::Object(wanted)) = (whole, wanted) else {
        return (whole != wanted).then(|| wanted.clone());
    };
    let differing: Map<_, _> = wanted
        .iter()
        .filter_map(|(name, wanted)| Some((name.clone(), difference(whole.get(name).unwrap_or(&Value::Null), wanted)?)))
        .collect();
    (!differing.is_empty()).then_some(Value::Object(differing))
}

/// Makes the error for an unreadable setting. `whole` is a policy with every setting.
fn wrong_shape(whole: &Value, pointer: &str) -> Error {
    const NULLABLE: [&str; 5] = ["sole_cooldown_ms", "cooldown_ms", "probe_interval_ms", "soft", "hard"];
    let name = pointer.rsplit('/').next().unwrap_or_default();
    let message = match (name, setting(whole, pointer)) {
        _ if pointer == "/preset" => "no preset has this name; use `adaptive` or `reference`",
        (_, None) => "no policy has a setting of this name; correct the name or delete it",
        ("action", _) => {
            "no action has this name; use `cool_down`, `cool_down_model`, `mark_dead`, `rotate`, `wait` or `give_up`"
        }
        (_, Some(Value::Object(_))) => "this must be an object of settings: `{…}`; correct it or delete it",
        (_, Some(Value::Bool(_))) => "this must be `true` or `false`, without quotes; correct it or delete it",
        (name, Some(_)) if NULLABLE.contains(&name) => {
            "this must be a whole number from 0 up, not too large and without quotes, or null; correct it or delete it"
        }
        (_, Some(_)) => {
            "this must be a whole number from 0 up, not too large and without quotes; correct it or delete it"
        }
    };
    Error::new(ErrorCode::InvalidPolicy, message).at(pointer)
}
