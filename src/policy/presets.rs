//! The presets: what a policy is, as long as nobody wrote another one.

use super::{Action, AffinityPolicy, MaxInFlight, Policy, Preset, Rule, Rules};

impl Policy {
    /// The preset `adaptive`.
    pub fn adaptive() -> Self {
        Self::of(Preset::Adaptive)
    }

    /// The preset `reference`.
    pub fn reference() -> Self {
        Self::of(Preset::Reference)
    }

    /// A preset.
    pub fn of(preset: Preset) -> Self {
        const SECOND: u64 = 1_000;
        const MINUTE: u64 = 60 * SECOND;
        const HOUR: u64 = 60 * MINUTE;
        const DAY: u64 = 24 * HOUR;
        let base = Rule {
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
        match preset {
            Preset::Adaptive => {
                let limited = Rule {
                    action: Action::Rest,
                    retries: 1,
                    retry_ms: SECOND,
                    longest_retry_ms: 2 * SECOND,
                    hints: true,
                    floor_ms: SECOND,
                    ceiling_ms: HOUR,
                    rest_ms: Some(30 * SECOND),
                    longest_rest_ms: HOUR,
                    ..base.clone()
                };
                let quiet = Rule { retries: 0, retry_ms: 0, longest_retry_ms: 0, ..limited.clone() };
                Self {
                    preset,
                    lease_ms: 10 * MINUTE,
                    patience_ms: MINUTE,
                    recheck_ms: 250,
                    sole_rest_ms: Some(MINUTE),
                    half_open: true,
                    take_back: true,
                    jitter_percent: 20,
                    max_in_flight: MaxInFlight::default(),
                    affinity: AffinityPolicy { max_load_percent: 125, min_in_flight: 4 },
                    failures: Rules {
                        transient: Rule {
                            action: Action::Wait,
                            retry_ms: SECOND / 2,
                            longest_retry_ms: 8 * SECOND,
                            hints: true,
                            ceiling_ms: MINUTE,
                            ..base.clone()
                        },
                        quota: Rule {
                            floor_ms: MINUTE,
                            ceiling_ms: 7 * DAY,
                            rest_ms: Some(HOUR),
                            longest_rest_ms: DAY,
                            probe_ms: Some(15 * MINUTE),
                            ..quiet.clone()
                        },
                        unauthorized: Rule { refresh: true, rest_ms: Some(5 * MINUTE), ..quiet.clone() },
                        revoked: Rule { action: Action::Retire, ..base.clone() },
                        forbidden: Rule {
                            action: Action::RestModel,
                            rest_ms: Some(12 * HOUR),
                            longest_rest_ms: 2 * DAY,
                            ceiling_ms: 2 * DAY,
                            ..quiet
                        },
                        rate_limited: limited,
                        model_gone: base.clone(),
                        request_fault: base.clone(),
                        unknown: Rule {
                            action: Action::Rotate,
                            retries: 1,
                            retry_ms: SECOND,
                            longest_retry_ms: 8 * SECOND,
                            hints: true,
                            ceiling_ms: MINUTE,
                            ..base
                        },
                    },
                }
            }
            Preset::Reference => {
                let rest = Rule { action: Action::Rest, ..base.clone() };
                Self {
                    preset,
                    lease_ms: 10 * MINUTE,
                    patience_ms: MINUTE,
                    recheck_ms: 250,
                    sole_rest_ms: None,
                    half_open: false,
                    take_back: false,
                    jitter_percent: 0,
                    max_in_flight: MaxInFlight::default(),
                    affinity: AffinityPolicy { max_load_percent: 125, min_in_flight: 4 },
                    failures: Rules {
                        transient: Rule {
                            action: Action::Wait,
                            retry_ms: SECOND / 2,
                            longest_retry_ms: 8 * SECOND,
                            ..base.clone()
                        },
                        rate_limited: Rule { retries: 1, ..rest.clone() },
                        quota: rest.clone(),
                        unauthorized: Rule { refresh: true, ..rest.clone() },
                        revoked: Rule { refresh: true, ..rest },
                        forbidden: base.clone(),
                        model_gone: base.clone(),
                        request_fault: base.clone(),
                        unknown: base,
                    },
                }
            }
        }
    }
}
