//! The presets: what a policy is, as long as nobody wrote another one.

use super::{Action, AffinityPolicy, BorrowedSecrets, MaxInFlight, Policy, Preset, Rule, Rules};

impl Policy {
    /// The preset `adaptive`.
    pub fn adaptive() -> Self {
        Self {
            preset: Preset::Adaptive,
            lease_ms: 10 * MINUTE,
            patience_ms: MINUTE,
            recheck_ms: 250,
            sole_rest_ms: Some(MINUTE),
            half_open: true,
            take_back: true,
            jitter_percent: 20,
            max_in_flight: MaxInFlight::default(),
            affinity: AffinityPolicy { max_load_percent: 125, min_in_flight: 4 },
            borrowed_secrets: BorrowedSecrets::Stored,
            failures: Rules {
                transient: Rule { hints: true, ceiling_ms: MINUTE, ..OUTAGE },
                rate_limited: Rule { retries: 1, retry_ms: SECOND, longest_retry_ms: 2 * SECOND, ..LIMIT },
                quota: Rule {
                    floor_ms: MINUTE,
                    ceiling_ms: 7 * DAY,
                    rest_ms: Some(HOUR),
                    longest_rest_ms: DAY,
                    probe_ms: Some(15 * MINUTE),
                    ..LIMIT
                },
                unauthorized: Rule { refresh: true, rest_ms: Some(5 * MINUTE), ..LIMIT },
                revoked: Rule { action: Action::Retire, ..GIVE_UP },
                forbidden: Rule {
                    action: Action::RestModel,
                    rest_ms: Some(12 * HOUR),
                    longest_rest_ms: 2 * DAY,
                    ceiling_ms: 2 * DAY,
                    ..LIMIT
                },
                model_gone: GIVE_UP,
                request_fault: GIVE_UP,
                unknown: Rule {
                    action: Action::Rotate,
                    retries: 1,
                    retry_ms: SECOND,
                    longest_retry_ms: 8 * SECOND,
                    hints: true,
                    ceiling_ms: MINUTE,
                    ..GIVE_UP
                },
            },
        }
    }

    /// The preset `reference`.
    pub fn reference() -> Self {
        let rest = Rule { action: Action::Rest, ..GIVE_UP };
        Self {
            preset: Preset::Reference,
            sole_rest_ms: None,
            half_open: false,
            take_back: false,
            jitter_percent: 0,
            failures: Rules {
                transient: OUTAGE,
                rate_limited: Rule { retries: 1, ..rest },
                quota: rest,
                unauthorized: Rule { refresh: true, ..rest },
                revoked: Rule { refresh: true, ..rest },
                forbidden: GIVE_UP,
                model_gone: GIVE_UP,
                request_fault: GIVE_UP,
                unknown: GIVE_UP,
            },
            ..Self::adaptive()
        }
    }

    /// A preset.
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
    retry_ms: 0,
    longest_retry_ms: 0,
    hints: false,
    floor_ms: 0,
    ceiling_ms: 0,
    rest_ms: None,
    longest_rest_ms: 0,
    probe_ms: None,
};

/// What every credential would meet.
const OUTAGE: Rule = Rule { action: Action::Wait, retry_ms: SECOND / 2, longest_retry_ms: 8 * SECOND, ..GIVE_UP };

/// What a credential meets and rests for, as the provider says or longer each time.
const LIMIT: Rule = Rule {
    action: Action::Rest,
    hints: true,
    floor_ms: SECOND,
    ceiling_ms: HOUR,
    rest_ms: Some(30 * SECOND),
    longest_rest_ms: HOUR,
    ..GIVE_UP
};
