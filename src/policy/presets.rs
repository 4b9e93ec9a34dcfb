//! Presets: the default policies.

use super::{Action, AffinityPolicy, BorrowedSecrets, MaxInFlight, Policy, Preset, Rule, Rules};

impl Policy {
    /// Returns the preset `adaptive`.
    pub fn adaptive() -> Self {
        Self {
            preset: Preset::Adaptive,
            lease_ms: 10 * MINUTE,
            patience_ms: MINUTE,
            recheck_ms: 250,
            sole_cooldown_ms: Some(MINUTE),
            half_open: true,
            revert: true,
            jitter_percent: 20,
            max_in_flight: MaxInFlight::default(),
            affinity: AffinityPolicy { max_load_percent: 125, min_in_flight: 4 },
            borrowed_secrets: BorrowedSecrets::Stored,
            failures: Rules {
                transient: Rule { hints: true, max_hint_ms: MINUTE, ..OUTAGE },
                rate_limited: Rule { retries: 1, retry_delay_ms: SECOND, max_retry_delay_ms: 2 * SECOND, ..LIMIT },
                quota: Rule {
                    min_hint_ms: MINUTE,
                    max_hint_ms: 7 * DAY,
                    cooldown_ms: Some(HOUR),
                    max_cooldown_ms: DAY,
                    probe_interval_ms: Some(15 * MINUTE),
                    ..LIMIT
                },
                unauthorized: Rule { refresh: true, cooldown_ms: Some(5 * MINUTE), ..LIMIT },
                revoked: Rule { action: Action::MarkDead, ..GIVE_UP },
                forbidden: Rule {
                    action: Action::CoolDownModel,
                    cooldown_ms: Some(12 * HOUR),
                    max_cooldown_ms: 2 * DAY,
                    max_hint_ms: 2 * DAY,
                    ..LIMIT
                },
                model_gone: GIVE_UP,
                request_fault: GIVE_UP,
                unknown: Rule {
                    action: Action::Rotate,
                    retries: 1,
                    retry_delay_ms: SECOND,
                    max_retry_delay_ms: 8 * SECOND,
                    hints: true,
                    max_hint_ms: MINUTE,
                    ..GIVE_UP
                },
            },
        }
    }

    /// Returns the preset `reference`.
    pub fn reference() -> Self {
        let cooling_down = Rule { action: Action::CoolDown, ..GIVE_UP };
        Self {
            preset: Preset::Reference,
            sole_cooldown_ms: None,
            half_open: false,
            revert: false,
            jitter_percent: 0,
            failures: Rules {
                transient: OUTAGE,
                rate_limited: Rule { retries: 1, ..cooling_down },
                quota: cooling_down,
                unauthorized: Rule { refresh: true, ..cooling_down },
                revoked: Rule { refresh: true, ..cooling_down },
                forbidden: GIVE_UP,
                model_gone: GIVE_UP,
                request_fault: GIVE_UP,
                unknown: GIVE_UP,
            },
            ..Self::adaptive()
        }
    }

    /// Returns the policy of a preset.
    pub fn of(preset: Preset) -> Self {
        match preset {
            Preset::Adaptive => Self::adaptive(),
            Preset::Reference => Self::reference(),
        }
    }
}

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

const GIVE_UP: Rule = Rule {
    action: Action::GiveUp,
    refresh: false,
    retries: 0,
    retry_delay_ms: 0,
    max_retry_delay_ms: 0,
    hints: false,
    min_hint_ms: 0,
    max_hint_ms: 0,
    cooldown_ms: None,
    max_cooldown_ms: 0,
    probe_interval_ms: None,
};

/// Rule for a failure that every credential would meet.
const OUTAGE: Rule =
    Rule { action: Action::Wait, retry_delay_ms: SECOND / 2, max_retry_delay_ms: 8 * SECOND, ..GIVE_UP };

/// Rule for a failure of one credential, which cools down by hint or by exponential backoff.
const LIMIT: Rule = Rule {
    action: Action::CoolDown,
    hints: true,
    min_hint_ms: SECOND,
    max_hint_ms: HOUR,
    cooldown_ms: Some(30 * SECOND),
    max_cooldown_ms: HOUR,
    ..GIVE_UP
};
