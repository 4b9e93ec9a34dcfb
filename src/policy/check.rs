//! Range checks: values that a policy of the right shape must not have.

use serde_json::Value;

use super::{Action, Policy, Rule, settings::setting};
use crate::{
    error::{Error, ErrorCode},
    failure::FailureKind,
};

/// Checks the values of a policy. The pointer of an error names a setting of `given`, the settings that differ from the
/// preset.
pub(super) fn check(policy: &Policy, given: &Value) -> Result<(), Error> {
    all_hold(&general(policy), "", given)?;
    for kind in FailureKind::ALL {
        all_hold(&of_rule(policy.rule(kind)), &format!("/failures/{}", kind.name()), given)?;
    }
    Ok(())
}

fn all_hold(claims: &[Claim], place: &str, given: &Value) -> Result<(), Error> {
    match claims.iter().find(|claim| !claim.holds) {
        Some(claim) => Err(Error::new(ErrorCode::InvalidPolicy, claim.message).at(claim.pointer_into(given, place))),
        None => Ok(()),
    }
}

/// Condition that a policy must fulfil.
struct Claim {
    holds: bool,
    /// Settings that the condition involves, the most likely culprit first.
    settings: &'static [&'static str],
    message: &'static str,
}

impl Claim {
    const fn new(holds: bool, settings: &'static [&'static str], message: &'static str) -> Self {
        Self { holds, settings, message }
    }

    /// Returns a pointer to the first of the settings that `given` contains, else to the first setting.
    fn pointer_into(&self, given: &Value, place: &str) -> String {
        let mut pointers = self.settings.iter().map(|name| format!("{place}/{name}"));
        let first = pointers.next().unwrap_or_default();
        match setting(given, &first) {
            Some(_) => first,
            None => pointers.find(|pointer| setting(given, pointer).is_some()).unwrap_or(first),
        }
    }
}

const LONGEST_MS: u64 = 10 * 365 * 24 * 60 * 60 * 1_000;
const TOO_LONG: &str = "a time must be at most 10 years, in milliseconds; make it shorter";

fn general(policy: &Policy) -> [Claim; 12] {
    let Policy { max_in_flight: limit, affinity, .. } = policy;
    let at_least_one = |limit: Option<u32>| limit.is_none_or(|limit| limit >= 1);
    [
        Claim::new(policy.lease_ms >= 1_000, &["lease_ms"], "a lease must last at least 1000 ms; raise `lease_ms`"),
        Claim::new(policy.lease_ms <= LONGEST_MS, &["lease_ms"], TOO_LONG),
        Claim::new(policy.patience_ms <= LONGEST_MS, &["patience_ms"], TOO_LONG),
        Claim::new(policy.recheck_ms >= 10, &["recheck_ms"], "a request must wait at least 10 ms; raise `recheck_ms`"),
        Claim::new(policy.recheck_ms <= LONGEST_MS, &["recheck_ms"], TOO_LONG),
        Claim::new(
            policy.sole_cooldown_ms.is_none_or(|cooldown| cooldown <= LONGEST_MS),
            &["sole_cooldown_ms"],
            TOO_LONG,
        ),
        Claim::new(
            policy.jitter_percent <= 100,
            &["jitter_percent"],
            "jitter must be at most 100 percent; lower `jitter_percent`",
        ),
        Claim::new(
            at_least_one(limit.soft),
            &["max_in_flight/soft"],
            "a limit must be at least 1, or null for no limit; raise `soft`",
        ),
        Claim::new(
            at_least_one(limit.hard),
            &["max_in_flight/hard"],
            "a limit must be at least 1, or null for no limit; raise `hard`",
        ),
        Claim::new(
            limit.soft.zip(limit.hard).is_none_or(|(soft, hard)| soft <= hard),
            &["max_in_flight/soft", "max_in_flight/hard"],
            "`soft` must be at most `hard`; lower `soft` or raise `hard`",
        ),
        Claim::new(
            affinity.max_load_percent >= 100,
            &["affinity/max_load_percent"],
            "a credential needs at least its share of the load, 100 percent; raise `max_load_percent`",
        ),
        Claim::new(
            affinity.min_in_flight >= 1,
            &["affinity/min_in_flight"],
            "a credential needs at least 1 request in flight; raise `min_in_flight`",
        ),
    ]
}

fn of_rule(rule: &Rule) -> [Claim; 14] {
    let within = |ms: u64, setting| Claim::new(ms <= LONGEST_MS, setting, TOO_LONG);
    let waits = rule.action == Action::Wait;
    [
        within(rule.retry_delay_ms, &["retry_delay_ms"]),
        within(rule.max_retry_delay_ms, &["max_retry_delay_ms"]),
        within(rule.min_hint_ms, &["min_hint_ms"]),
        within(rule.max_hint_ms, &["max_hint_ms"]),
        within(rule.cooldown_ms.unwrap_or(0), &["cooldown_ms"]),
        within(rule.max_cooldown_ms, &["max_cooldown_ms"]),
        within(rule.probe_interval_ms.unwrap_or(0), &["probe_interval_ms"]),
        Claim::new(rule.retries <= 10, &["retries"], "a credential can be retried at most 10 times; lower `retries`"),
        Claim::new(
            !waits || rule.retry_delay_ms >= 1,
            &["retry_delay_ms", "action"],
            "the action `wait` needs a `retry_delay_ms` of at least 1; raise the delay or use another action",
        ),
        Claim::new(
            !(waits || rule.retries > 0) || rule.retry_delay_ms <= rule.max_retry_delay_ms,
            &["retry_delay_ms", "max_retry_delay_ms", "retries", "action"],
            "`retry_delay_ms` must be at most `max_retry_delay_ms`; lower the first or raise the second",
        ),
        Claim::new(
            !rule.hints || rule.max_hint_ms >= 1,
            &["max_hint_ms", "hints"],
            "`hints` need a `max_hint_ms` of at least 1; raise `max_hint_ms` or set `hints` to false",
        ),
        Claim::new(
            !rule.hints || rule.min_hint_ms <= rule.max_hint_ms,
            &["min_hint_ms", "max_hint_ms", "hints"],
            "`min_hint_ms` must be at most `max_hint_ms`; lower the first or raise the second",
        ),
        Claim::new(
            rule.cooldown_ms.is_none_or(|cooldown| cooldown >= 1 && cooldown <= rule.max_cooldown_ms),
            &["cooldown_ms", "max_cooldown_ms"],
            "`cooldown_ms` must be at least 1 and at most `max_cooldown_ms`, or null; change either setting",
        ),
        Claim::new(
            rule.probe_interval_ms.is_none_or(|probe| probe >= 1_000),
            &["probe_interval_ms"],
            "probes need an interval of at least 1000 ms; raise `probe_interval_ms`, or set it to null for no probes",
        ),
    ]
}
