//! Settings of a policy in their order: a visitor reads settings over a preset, or writes all settings.
//!
//! `serde` derives the same for readers of a whole policy. For reading over a preset, with a pointer to the invalid
//! setting, its derived code would be an eighth of the wasm.

use serde_json::{Map, Value};

use super::{Action, BorrowedSecrets, Policy, Preset, Rule};
use crate::{credential::fields::count, error::pointer_step};

/// Returns the setting at a pointer, if present. No setting's name needs an escape.
pub(super) fn setting<'a>(policy: &'a Value, pointer: &str) -> Option<&'a Value> {
    pointer.split('/').skip(1).try_fold(policy, |settings, name| settings.get(name))
}

/// Sets the `given` settings of a policy. The error is a pointer to the first unreadable or unknown setting.
pub(super) fn read(policy: &mut Policy, given: &Map<String, Value>) -> Result<(), String> {
    let mut reader = Reader { given, known: Vec::new(), wrong: None };
    of_policy(policy, &mut reader);
    reader.end()
}

/// Returns a policy with every setting.
pub(super) fn write(policy: &Policy) -> Value {
    let mut writer = Writer(Map::new());
    of_policy(&mut policy.clone(), &mut writer);
    Value::Object(writer.0)
}

/// Visitor of settings.
trait Visitor {
    fn setting(&mut self, name: &'static str, setting: Setting<'_>);
    fn section(&mut self, name: &'static str, settings: &mut dyn FnMut(&mut dyn Visitor));
}

enum Setting<'a> {
    Flag(&'a mut bool),
    Small(&'a mut u32),
    SmallOrNull(&'a mut Option<u32>),
    Count(&'a mut u64),
    CountOrNull(&'a mut Option<u64>),
    Action(&'a mut Action),
    Preset(&'a mut Preset),
    BorrowedSecrets(&'a mut BorrowedSecrets),
}

fn of_policy(policy: &mut Policy, visitor: &mut dyn Visitor) {
    visitor.setting("preset", Setting::Preset(&mut policy.preset));
    visitor.setting("lease_ms", Setting::Count(&mut policy.lease_ms));
    visitor.setting("patience_ms", Setting::Count(&mut policy.patience_ms));
    visitor.setting("recheck_ms", Setting::Count(&mut policy.recheck_ms));
    visitor.setting("sole_cooldown_ms", Setting::CountOrNull(&mut policy.sole_cooldown_ms));
    visitor.setting("half_open", Setting::Flag(&mut policy.half_open));
    visitor.setting("revert", Setting::Flag(&mut policy.revert));
    visitor.setting("jitter_percent", Setting::Small(&mut policy.jitter_percent));
    visitor.section("max_in_flight", &mut |visitor| {
        visitor.setting("soft", Setting::SmallOrNull(&mut policy.max_in_flight.soft));
        visitor.setting("hard", Setting::SmallOrNull(&mut policy.max_in_flight.hard));
    });
    visitor.section("affinity", &mut |visitor| {
        visitor.setting("max_load_percent", Setting::Small(&mut policy.affinity.max_load_percent));
        visitor.setting("min_in_flight", Setting::Small(&mut policy.affinity.min_in_flight));
    });
    visitor.setting("borrowed_secrets", Setting::BorrowedSecrets(&mut policy.borrowed_secrets));
    visitor.section("failures", &mut |visitor| {
        let rules = &mut policy.failures;
        for (name, rule) in [
            ("transient", &mut rules.transient),
            ("rate_limited", &mut rules.rate_limited),
            ("quota", &mut rules.quota),
            ("unauthorized", &mut rules.unauthorized),
            ("revoked", &mut rules.revoked),
            ("forbidden", &mut rules.forbidden),
            ("model_gone", &mut rules.model_gone),
            ("request_fault", &mut rules.request_fault),
            ("unknown", &mut rules.unknown),
        ] {
            visitor.section(name, &mut |visitor| of_rule(rule, visitor));
        }
    });
}

fn of_rule(rule: &mut Rule, visitor: &mut dyn Visitor) {
    visitor.setting("action", Setting::Action(&mut rule.action));
    visitor.setting("refresh", Setting::Flag(&mut rule.refresh));
    visitor.setting("retries", Setting::Small(&mut rule.retries));
    visitor.setting("retry_delay_ms", Setting::Count(&mut rule.retry_delay_ms));
    visitor.setting("max_retry_delay_ms", Setting::Count(&mut rule.max_retry_delay_ms));
    visitor.setting("hints", Setting::Flag(&mut rule.hints));
    visitor.setting("min_hint_ms", Setting::Count(&mut rule.min_hint_ms));
    visitor.setting("max_hint_ms", Setting::Count(&mut rule.max_hint_ms));
    visitor.setting("cooldown_ms", Setting::CountOrNull(&mut rule.cooldown_ms));
    visitor.setting("max_cooldown_ms", Setting::Count(&mut rule.max_cooldown_ms));
    visitor.setting("probe_interval_ms", Setting::CountOrNull(&mut rule.probe_interval_ms));
}

impl Setting<'_> {
    /// Sets the value; `None` if the value has the wrong shape.
    fn set(self, value: &Value) -> Option<()> {
        let small = || count(value).and_then(|count| u32::try_from(count).ok());
        match self {
            Self::Flag(flag) => *flag = value.as_bool()?,
            Self::Small(target) => *target = small()?,
            Self::SmallOrNull(target) if value.is_null() => *target = None,
            Self::SmallOrNull(target) => *target = Some(small()?),
            Self::Count(target) => *target = count(value)?,
            Self::CountOrNull(target) if value.is_null() => *target = None,
            Self::CountOrNull(target) => *target = Some(count(value)?),
            Self::Action(target) => {
                *target = Action::ALL.into_iter().find(|action| value.as_str() == Some(action.name()))?;
            }
            Self::Preset(target) => *target = Preset::named(value)?,
            Self::BorrowedSecrets(target) => {
                *target = BorrowedSecrets::ALL.into_iter().find(|known| value.as_str() == Some(known.name()))?;
            }
        }
        Some(())
    }

    fn value(self) -> Value {
        match self {
            Self::Flag(flag) => (*flag).into(),
            Self::Small(count) => (*count).into(),
            Self::SmallOrNull(count) => count.map_or(Value::Null, Value::from),
            Self::Count(count) => (*count).into(),
            Self::CountOrNull(count) => count.map_or(Value::Null, Value::from),
            Self::Action(action) => action.name().into(),
            Self::Preset(preset) => preset.name().into(),
            Self::BorrowedSecrets(borrowed) => borrowed.name().into(),
        }
    }
}

/// Reader of one level of settings.
struct Reader<'a> {
    given: &'a Map<String, Value>,
    known: Vec<&'static str>,
    /// Pointer to the first unreadable setting.
    wrong: Option<String>,
}

impl Reader<'_> {
    /// Returns a pointer to the first unreadable or unknown setting as the error.
    fn end(self) -> Result<(), String> {
        let unknown = || self.given.keys().find(|name| !self.known.contains(&name.as_str()));
        self.wrong.or_else(|| unknown().map(|name| pointer_step(name))).map_or(Ok(()), Err)
    }
}

impl Visitor for Reader<'_> {
    fn setting(&mut self, name: &'static str, setting: Setting<'_>) {
        self.known.push(name);
        if let Some(value) = self.given.get(name)
            && setting.set(value).is_none()
        {
            self.wrong.get_or_insert_with(|| pointer_step(name));
        }
    }

    fn section(&mut self, name: &'static str, settings: &mut dyn FnMut(&mut dyn Visitor)) {
        self.known.push(name);
        let read = match self.given.get(name) {
            None => return,
            Some(Value::Object(given)) => {
                let mut inner = Reader { given, known: Vec::new(), wrong: None };
                settings(&mut inner);
                inner.end()
            }
            Some(_) => Err(String::new()),
        };
        if let Err(pointer) = read {
            self.wrong.get_or_insert_with(|| pointer_step(name) + &pointer);
        }
    }
}

struct Writer(Map<String, Value>);

impl Visitor for Writer {
    fn setting(&mut self, name: &'static str, setting: Setting<'_>) {
        self.0.insert(name.to_owned(), setting.value());
    }

    fn section(&mut self, name: &'static str, settings: &mut dyn FnMut(&mut dyn Visitor)) {
        let mut inner = Self(Map::new());
        settings(&mut inner);
        self.0.insert(name.to_owned(), Value::Object(inner.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_policy_is_the_same_for_those_who_read_it_by_serde() {
        for preset in Preset::ALL {
            let policy = Policy::of(preset);
            let whole = write(&policy);
            assert_eq!(serde_json::to_string(&policy).unwrap(), whole.to_string());
            assert_eq!(serde_json::from_value::<Policy>(whole.clone()).unwrap(), policy);
            let mut read_over = Policy::of(Preset::Adaptive);
            read(&mut read_over, whole.as_object().unwrap()).unwrap();
            assert_eq!(read_over, policy);
        }
        for action in Action::ALL {
            assert_eq!(serde_json::to_value(action).unwrap(), action.name());
        }
        for borrowed in BorrowedSecrets::ALL {
            assert_eq!(serde_json::to_value(borrowed).unwrap(), borrowed.name());
        }
    }
}
