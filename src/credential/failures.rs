//! Failure fields of a row beside the status: reason, message, end of the cooldown, cooldowns per model.
//!
//! These fields stay in [`Credential::other`], so that values written by other programs are preserved.

use serde_json::{Map, Value};

use super::Credential;
use crate::time::{Timestamp, UnixSeconds};

const REASON: &str = "last_error_reason";
const MESSAGE: &str = "last_error_message";
const RESET_AT: &str = "last_error_reset_at";
const MODEL_COOLDOWNS: &str = "model_cooldowns";

impl Credential {
    /// Returns the stored end of the cooldown; `None` if the row has none or it cannot be read.
    pub(crate) fn reset_at(&self) -> Option<Timestamp> {
        moment(self.other.get(RESET_AT)?.as_f64()?)
    }

    /// Returns the stored end of the cooldown as the number in the row.
    pub(crate) fn reset_at_as_stored(&self) -> Option<f64> {
        self.reset_at().and_then(|_| self.other.get(RESET_AT)?.as_f64())
    }

    /// Returns the stored reason of the failure; `None` if it is missing or not text.
    pub(crate) fn error_reason(&self) -> Option<&str> {
        self.other.get(REASON)?.as_str()
    }

    /// Returns whether the row has an error message, or a reason or end that cannot be read.
    pub(crate) fn has_opaque_failure_fields(&self) -> bool {
        let has = |name| self.other.get(name).is_some_and(|value| !value.is_null());
        has(MESSAGE) || has(REASON) != self.error_reason().is_some() || has(RESET_AT) != self.reset_at().is_some()
    }

    /// Returns the models with a cooldown, current or past, each with the end of the cooldown.
    pub(crate) fn model_cooldowns(&self) -> impl Iterator<Item = (&str, Timestamp)> {
        let entries = self.other.get(MODEL_COOLDOWNS).and_then(Value::as_object).into_iter().flatten();
        entries.filter_map(|(model, entry)| Some((model.as_str(), end(entry)?)))
    }

    /// Sets reason and end, and deletes the error message, which describes an earlier failure.
    pub(crate) fn set_failure(&mut self, reason: Option<&str>, reset_at: Option<UnixSeconds>) {
        let reset_at = reset_at.map(|at| Value::from(at.as_f64()));
        for (name, value) in [(REASON, reason.map(Value::from)), (MESSAGE, None), (RESET_AT, reset_at)] {
            match value {
                Some(value) => self.other.insert(name.to_owned(), value),
                None if self.other.get(name).is_some_and(Value::is_null) => None,
                None => self.other.shift_remove(name),
            };
        }
    }

    /// Returns the end of the cooldown for a model; `None` if there is none.
    pub(crate) fn model_cooldown_end(&self, model: &str) -> Option<Timestamp> {
        end(self.other.get(MODEL_COOLDOWNS)?.get(model)?)
    }

    /// Sets the end of the cooldown for a model, or deletes the cooldown if `until` is `None`. An entry without a
    /// readable end is kept.
    pub(crate) fn set_model_cooldown(&mut self, model: &str, until: Option<UnixSeconds>) {
        let held = self.model_cooldown_end(model);
        match until {
            Some(until) if held == moment(until.as_f64()) => {}
            Some(until) => match self.other.entry(MODEL_COOLDOWNS).or_insert(Value::Null) {
                Value::Object(cooldowns) => {
                    cooldowns.insert(model.to_owned(), until.as_f64().into());
                }
                unreadable => *unreadable = Map::from_iter([(model.to_owned(), until.as_f64().into())]).into(),
            },
            None => {
                let Some(Value::Object(cooldowns)) = self.other.get_mut(MODEL_COOLDOWNS) else { return };
                if held.is_some() {
                    cooldowns.shift_remove(model);
                }
                if cooldowns.is_empty() {
                    self.other.shift_remove(MODEL_COOLDOWNS);
                }
            }
        }
    }
}

/// Returns the end of a cooldown that a change sets.
pub(crate) fn cooldown_end(until: UnixSeconds) -> Option<Timestamp> {
    moment(until.as_f64())
}

/// Returns the end of a model's cooldown: a moment, or an object with the field `until` or `reset_at`.
fn end(entry: &Value) -> Option<Timestamp> {
    let named = || ["until", "reset_at"].iter().find_map(|name| entry.get(name)?.as_f64());
    moment(entry.as_f64().or_else(named)?)
}

/// Returns a moment given in seconds, or in milliseconds if the number as seconds would lie more than 30,000 years
/// ahead. `None` for 0 and negative numbers: an unknown moment is stored as 0.
fn moment(number: f64) -> Option<Timestamp> {
    const MAX_SECONDS: f64 = 1e12;
    let seconds = if number > MAX_SECONDS { number / 1e3 } else { number };
    UnixSeconds::new(seconds).filter(|seconds| *seconds > UnixSeconds::EPOCH).map(UnixSeconds::to_timestamp)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::pool_key::PoolKey;

    fn parse(row: Value) -> Credential {
        Credential::parse(&row, &PoolKey::parse("openrouter").unwrap()).unwrap().1
    }

    #[test]
    fn a_moment_is_in_seconds_or_else_in_milliseconds() {
        let cases = [
            (json!(1_775_757_580), Some(1_775_757_580_000)),
            (json!(1_775_757_580.463), Some(1_775_757_580_463)),
            (json!(1_775_757_580_463_i64), Some(1_775_757_580_463)),
            (json!(1e12), Some(1_000_000_000_000_000)),
            (json!(1e308), Some(i64::MAX)),
            (json!(0), None),
            (json!(-1), None),
            (json!("1775757580"), None),
            (json!("2026-04-09T18:00:00Z"), None),
            (json!({ "until": 1 }), None),
            (json!(null), None),
        ];
        for (stored, expected) in cases {
            let credential = parse(json!({ "last_error_reset_at": stored }));
            assert_eq!(credential.reset_at().map(Timestamp::as_millis), expected, "{stored}");
        }
    }

    #[test]
    fn a_reason_is_text() {
        assert_eq!(parse(json!({ "last_error_reason": "rate_limited" })).error_reason(), Some("rate_limited"));
        for other in [json!(null), json!(7), json!(["quota"])] {
            assert_eq!(parse(json!({ "last_error_reason": other })).error_reason(), None);
        }
    }

    #[test]
    fn the_end_of_a_model_s_cooldown_is_a_moment_or_in_an_object() {
        let cooldowns = json!({
            "a": 10, "b": { "until": 20, "why": "quota" }, "c": { "reset_at": 3e12 }, "d": { "until": "x", "reset_at": 40 },
            "e": null, "f": "later", "g": [1], "h": {}, "i": 0,
        });
        let row = json!({ "model_cooldowns": cooldowns });
        let credential = parse(row);
        let read: Vec<_> = credential.model_cooldowns().map(|(model, until)| (model, until.as_millis())).collect();
        assert_eq!(read, [("a", 10_000), ("b", 20_000), ("c", 3_000_000_000_000), ("d", 40_000)]);
        assert_eq!(credential.to_row()["model_cooldowns"], cooldowns, "unchanged");
        for other in [json!(null), json!(7), json!("a"), json!([["a", 1]])] {
            assert_eq!(parse(json!({ "model_cooldowns": other })).model_cooldowns().count(), 0);
        }
    }
}
