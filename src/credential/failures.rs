//! What a row tells of its failures, beside the status: why, until when, and for which models.
//!
//! These fields stay in [`Credential::other`]: what another program wrote there comes back as it was.

use serde_json::{Map, Value};

use super::Credential;
use crate::time::{Timestamp, UnixSeconds};

const REASON: &str = "last_error_reason";
const MESSAGE: &str = "last_error_message";
const RESET_AT: &str = "last_error_reset_at";
const MODEL_COOLDOWNS: &str = "model_cooldowns";

impl Credential {
    /// When the provider takes requests again, as far as the row knows.
    pub(crate) fn reset_at(&self) -> Option<Timestamp> {
        moment(self.other.get(RESET_AT)?.as_f64()?)
    }

    /// The same moment as the number that was stored.
    pub(crate) fn reset_at_as_stored(&self) -> Option<f64> {
        self.reset_at().and_then(|_| self.other.get(RESET_AT)?.as_f64())
    }

    /// What went wrong, as it was stored.
    pub(crate) fn error_reason(&self) -> Option<&str> {
        self.other.get(REASON)?.as_str()
    }

    /// Whether there is a message of what went wrong, or a reason or an end that cannot be read.
    pub(crate) fn tells_more_of_failures(&self) -> bool {
        let has = |name| self.other.contains_key(name);
        has(MESSAGE) || has(REASON) != self.error_reason().is_some() || has(RESET_AT) != self.reset_at().is_some()
    }

    /// The models for which the credential rests or rested, each with the end of the rest.
    pub(crate) fn model_cooldowns(&self) -> impl Iterator<Item = (&str, Timestamp)> {
        let entries = self.other.get(MODEL_COOLDOWNS).and_then(Value::as_object).into_iter().flatten();
        entries.filter_map(|(model, entry)| Some((model.as_str(), end(entry)?)))
    }

    /// Sets what belongs to a status; a message tells of an earlier failure, so it goes.
    pub(crate) fn set_failure(&mut self, reason: Option<&str>, reset_at: Option<UnixSeconds>) {
        let reset_at = reset_at.map(|at| Value::from(at.as_f64()));
        for (name, value) in [(REASON, reason.map(Value::from)), (MESSAGE, None), (RESET_AT, reset_at)] {
            match value {
                Some(value) => self.other.insert(name.to_owned(), value),
                None => self.other.shift_remove(name),
            };
        }
    }

    /// Until when the credential rests for a model.
    pub(crate) fn model_end(&self, model: &str) -> Option<Timestamp> {
        end(self.other.get(MODEL_COOLDOWNS)?.get(model)?)
    }

    /// The credential rests for a model until then, or no longer. What tells no end stays.
    pub(crate) fn cool_down_model(&mut self, model: &str, until: Option<UnixSeconds>) {
        let held = self.model_end(model);
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

/// The end of a model's rest, as a change tells it.
pub(crate) fn cooldown_end(until: UnixSeconds) -> Option<Timestamp> {
    moment(until.as_f64())
}

/// The end of a model's rest: a moment, or an object that names one.
fn end(entry: &Value) -> Option<Timestamp> {
    let named = || ["until", "reset_at"].iter().find_map(|name| entry.get(name)?.as_f64());
    moment(entry.as_f64().or_else(named)?)
}

/// A moment in seconds, or, if it would lie more than 30,000 years ahead, in milliseconds. As
/// elsewhere, 0 says that nobody knows.
fn moment(number: f64) -> Option<Timestamp> {
    const MOST_SECONDS: f64 = 1e12;
    let seconds = if number > MOST_SECONDS { number / 1e3 } else { number };
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
    fn models_rest_until_a_moment_or_what_an_object_names() {
        let cooldowns = json!({
            "a": 10, "b": { "until": 20, "why": "quota" }, "c": { "reset_at": 3e12 }, "d": { "until": "x", "reset_at": 40 },
            "e": null, "f": "later", "g": [1], "h": {}, "i": 0,
        });
        let row = json!({ "model_cooldowns": cooldowns });
        let credential = parse(row);
        let read: Vec<_> = credential.model_cooldowns().map(|(model, until)| (model, until.as_millis())).collect();
        assert_eq!(read, [("a", 10_000), ("b", 20_000), ("c", 3_000_000_000_000), ("d", 40_000)]);
        assert_eq!(credential.to_row()["model_cooldowns"], cooldowns, "comes back as it was");
        for other in [json!(null), json!(7), json!("a"), json!([["a", 1]])] {
            assert_eq!(parse(json!({ "model_cooldowns": other })).model_cooldowns().count(), 0);
        }
    }
}
