//! Stored policies: valid and invalid input, and the written form.

use credential_pool::{Action, ErrorCode, Policy, Preset};
use serde_json::{Value, json};

const TEN_YEARS_MS: u64 = 315_360_000_000;

#[test]
fn the_name_of_a_preset_is_read_as_that_preset() {
    let cases = [
        (json!({}), Policy::adaptive()),
        (json!({ "preset": "adaptive" }), Policy::adaptive()),
        (json!({ "preset": "reference" }), Policy::reference()),
        (json!({ "preset": "reference", "failures": { "quota": {} }, "affinity": {} }), Policy::reference()),
    ];
    for (stored, expected) in cases {
        assert_eq!(Policy::parse(&stored).unwrap(), expected, "{stored}");
    }
    assert_eq!(Policy::default(), Policy::of(Preset::Adaptive));
    assert_eq!(Policy::adaptive().to_value(), json!({ "preset": "adaptive" }));
    assert_eq!(Policy::reference().to_value(), json!({ "preset": "reference" }));
}

#[test]
fn a_policy_is_written_as_its_difference_from_the_preset() {
    let cases = [
        // Input, and its written form.
        (json!({ "lease_ms": 1_000 }), json!({ "preset": "adaptive", "lease_ms": 1_000 })),
        (json!({ "lease_ms": 600_000, "jitter_percent": 20 }), json!({ "preset": "adaptive" })),
        (json!({ "sole_cooldown_ms": null }), json!({ "preset": "adaptive", "sole_cooldown_ms": null })),
        (json!({ "patience_ms": 0.0 }), json!({ "preset": "adaptive", "patience_ms": 0 })),
        (
            json!({ "failures": { "quota": { "cooldown_ms": null, "probe_interval_ms": null, "hints": true } } }),
            json!({ "preset": "adaptive", "failures": { "quota": { "cooldown_ms": null, "probe_interval_ms": null } } }),
        ),
        (
            json!({ "preset": "reference", "failures": { "forbidden": { "action": "rotate" }, "quota": { "retries": 0 } } }),
            json!({ "preset": "reference", "failures": { "forbidden": { "action": "rotate" } } }),
        ),
        (
            json!({ "preset": "reference", "sole_cooldown_ms": 5, "max_in_flight": { "soft": 2, "hard": null } }),
            json!({ "preset": "reference", "sole_cooldown_ms": 5, "max_in_flight": { "soft": 2 } }),
        ),
    ];
    for (read, written) in cases {
        let policy = Policy::parse(&read).unwrap();
        assert_eq!(policy.to_value(), written, "{read}");
        assert_eq!(Policy::parse(&written).unwrap(), policy, "{read}");
    }
}

#[test]
fn a_policy_built_in_code_survives_writing_and_reading() {
    let mut policy = Policy::reference();
    policy.half_open = true;
    policy.sole_cooldown_ms = Some(7);
    policy.max_in_flight.hard = Some(3);
    policy.failures.quota = Policy::adaptive().failures.quota;
    policy.failures.forbidden.action = Action::CoolDownModel;
    assert_eq!(Policy::parse(&policy.to_value()).unwrap(), policy);
}

#[test]
fn an_invalid_policy_is_an_error_with_a_pointer_and_a_remedy() {
    let quota = |rule: Value| json!({ "failures": { "quota": rule } });
    let cases = [
        // Wrong shape.
        (json!(null), "", "must be an object"),
        (json!("adaptive"), "", "must be an object"),
        (json!([]), "", "must be an object"),
        (json!({ "preset": "best" }), "/preset", "use `adaptive` or `reference`"),
        (json!({ "preset": null }), "/preset", "use `adaptive` or `reference`"),
        (json!({ "preset": 7, "lease_ms": 0 }), "/preset", "use `adaptive` or `reference`"),
        (json!({ "leasems": 1 }), "/leasems", "no policy has a setting of this name"),
        (json!({ "a/b~c": 1 }), "/a~1b~0c", "no policy has a setting of this name"),
        (json!({ "failures": { "quotas": {} } }), "/failures/quotas", "no policy has a setting of this name"),
        (quota(json!({ "preset": "adaptive" })), "/failures/quota/preset", "no policy has a setting of this name"),
        (json!({ "affinity": { "bound": 1 } }), "/affinity/bound", "no policy has a setting of this name"),
        (json!({ "max_in_flight": { "most": 1 } }), "/max_in_flight/most", "no policy has a setting of this name"),
        (json!({ "failures": null }), "/failures", "must be an object"),
        (json!({ "affinity": [] }), "/affinity", "must be an object"),
        (quota(json!("cool_down")), "/failures/quota", "must be an object"),
        (quota(json!({ "action": "sleep" })), "/failures/quota/action", "`give_up`"),
        (quota(json!({ "hints": 1 })), "/failures/quota/hints", "`true` or `false`"),
        (json!({ "half_open": null }), "/half_open", "`true` or `false`"),
        (json!({ "lease_ms": "600000" }), "/lease_ms", "whole number"),
        (json!({ "lease_ms": null }), "/lease_ms", "whole number"),
        (json!({ "lease_ms": 1000.5 }), "/lease_ms", "whole number"),
        (json!({ "lease_ms": -1 }), "/lease_ms", "whole number"),
        (json!({ "jitter_percent": 1e10 }), "/jitter_percent", "not too large"),
        (quota(json!({ "cooldown_ms": {} })), "/failures/quota/cooldown_ms", "or null"),
        (json!({ "max_in_flight": { "soft": true } }), "/max_in_flight/soft", "or null"),
        // Out of range.
        (json!({ "lease_ms": 999 }), "/lease_ms", "at least 1000 ms"),
        (json!({ "lease_ms": TEN_YEARS_MS + 1 }), "/lease_ms", "at most 10 years"),
        (json!({ "patience_ms": u64::MAX }), "/patience_ms", "at most 10 years"),
        (json!({ "recheck_ms": 9 }), "/recheck_ms", "at least 10 ms"),
        (json!({ "recheck_ms": TEN_YEARS_MS + 1 }), "/recheck_ms", "at most 10 years"),
        (json!({ "sole_cooldown_ms": TEN_YEARS_MS + 1 }), "/sole_cooldown_ms", "at most 10 years"),
        (json!({ "jitter_percent": 101 }), "/jitter_percent", "at most 100 percent"),
        (json!({ "affinity": { "max_load_percent": 99 } }), "/affinity/max_load_percent", "100 percent"),
        (json!({ "affinity": { "min_in_flight": 0 } }), "/affinity/min_in_flight", "at least 1 request"),
        (json!({ "max_in_flight": { "hard": 0 } }), "/max_in_flight/hard", "at least 1"),
        (json!({ "max_in_flight": { "soft": 0 } }), "/max_in_flight/soft", "at least 1"),
        (json!({ "max_in_flight": { "soft": 3, "hard": 2 } }), "/max_in_flight/soft", "at most `hard`"),
        (quota(json!({ "retries": 11 })), "/failures/quota/retries", "at most 10 times"),
        (quota(json!({ "probe_interval_ms": 999 })), "/failures/quota/probe_interval_ms", "1000 ms"),
        (quota(json!({ "cooldown_ms": 0 })), "/failures/quota/cooldown_ms", "at least 1"),
        (quota(json!({ "max_hint_ms": TEN_YEARS_MS + 1 })), "/failures/quota/max_hint_ms", "at most 10 years"),
        (quota(json!({ "max_cooldown_ms": TEN_YEARS_MS + 1 })), "/failures/quota/max_cooldown_ms", "at most 10 years"),
        (quota(json!({ "max_hint_ms": 0 })), "/failures/quota/max_hint_ms", "`max_hint_ms` of at least 1"),
        // Two settings that contradict each other: the pointer names the setting that was written.
        (quota(json!({ "cooldown_ms": 86_400_001 })), "/failures/quota/cooldown_ms", "at most `max_cooldown_ms`"),
        (quota(json!({ "max_cooldown_ms": 1 })), "/failures/quota/max_cooldown_ms", "at most `max_cooldown_ms`"),
        (quota(json!({ "min_hint_ms": 604_800_001 })), "/failures/quota/min_hint_ms", "at most `max_hint_ms`"),
        (quota(json!({ "max_hint_ms": 1 })), "/failures/quota/max_hint_ms", "at most `max_hint_ms`"),
        (quota(json!({ "action": "wait" })), "/failures/quota/action", "needs a `retry_delay_ms`"),
        (
            quota(json!({ "retries": 1, "retry_delay_ms": 5 })),
            "/failures/quota/retry_delay_ms",
            "at most `max_retry_delay_ms`",
        ),
        (
            json!({ "failures": { "transient": { "max_retry_delay_ms": 1 } } }),
            "/failures/transient/max_retry_delay_ms",
            "at most `max_retry_delay_ms`",
        ),
        (
            json!({ "preset": "reference", "failures": { "quota": { "hints": true } } }),
            "/failures/quota/hints",
            "`max_hint_ms` of at least 1",
        ),
    ];
    for (stored, pointer, message) in cases {
        let error = Policy::parse(&stored).unwrap_err();
        assert_eq!((error.code, error.pointer.as_deref()), (ErrorCode::InvalidPolicy, Some(pointer)), "{stored}");
        assert!(error.message.contains(message), "{stored}: {error}");
    }
}

#[test]
fn the_limits_of_every_range_are_valid() {
    let cases = [
        json!({ "lease_ms": 1_000, "recheck_ms": 10, "patience_ms": 0, "sole_cooldown_ms": 0, "jitter_percent": 0 }),
        json!({
            "lease_ms": TEN_YEARS_MS, "recheck_ms": TEN_YEARS_MS, "patience_ms": TEN_YEARS_MS,
            "sole_cooldown_ms": TEN_YEARS_MS, "jitter_percent": 100,
        }),
        json!({ "affinity": { "max_load_percent": 100, "min_in_flight": 1 }, "max_in_flight": { "soft": 1, "hard": 1 } }),
        json!({ "failures": { "quota": { "cooldown_ms": 1, "max_cooldown_ms": 1, "probe_interval_ms": 1_000, "retries": 10 } } }),
        json!({ "failures": { "quota": { "hints": false, "min_hint_ms": 5, "max_hint_ms": 0, "retry_delay_ms": 5 } } }),
        json!({ "failures": { "quota": { "action": "wait", "retry_delay_ms": 1, "max_retry_delay_ms": 1 } } }),
    ];
    for stored in cases {
        assert!(Policy::parse(&stored).is_ok(), "{stored}: {:?}", Policy::parse(&stored));
    }
}
