//! Random arguments: mostly well-formed, with values of real hosts and providers.

use proptest::{collection::vec, option::weighted, prelude::*, sample::select};
use serde_json::{Map, Value, json};

use super::NOW;

pub(super) fn request() -> impl Strategy<Value = Value> {
    let model = weighted(0.5, select(vec!["small", "large", ""]));
    let affinity = weighted(0.5, prop_oneof![4 => select(vec!["one", "two"]).prop_map(str::to_owned), 1 => text()]);
    let patience = weighted(0.3, prop_oneof![3 => (0..120_000_u64).prop_map(Value::from), 1 => number()]);
    let request = (model, affinity, patience).prop_map(
        |(model, affinity, patience)| json!({ "model": model, "affinity": affinity, "patienceMs": patience }),
    );
    prop_oneof![6 => request, 2 => Just(Value::Null), 1 => any_value()]
}

/// Answers of providers: real, incomplete and malformed.
pub(super) fn response() -> impl Strategy<Value = Value> {
    let answers = vec![
        json!({ "status": 200, "body": r#"{"choices":[{"message":{"role":"assistant","content":"hi"}}]}"# }),
        json!({ "status": 200, "body": r#"data: {"error":{"type":"overloaded_error","message":"Overloaded"}}"# }),
        json!({ "status": 429, "headers": [["Retry-After", "12"]] }),
        json!({ "status": 429, "headers": [["retry-after-ms", "1250"]], "body": "slow down" }),
        json!({ "status": 429, "body": r#"{"error":{"type":"rate_limit_error","message":"Number of requests exceeded"}}"# }),
        json!({ "status": 429, "body": r#"{"error":{"code":"insufficient_quota","message":"You exceeded your current quota"}}"# }),
        json!({ "status": 402, "body": r#"{"error":{"code":402,"message":"Insufficient credits"}}"# }),
        json!({ "status": 401, "body": r#"{"error":{"type":"authentication_error","message":"invalid x-api-key"}}"# }),
        json!({ "status": 403, "body": r#"{"error":{"message":"You do not have access to this model"}}"# }),
        json!({ "status": 404, "body": r#"{"error":{"code":"model_not_found","message":"The model does not exist"}}"# }),
        json!({ "status": 400, "body": r#"{"error":{"type":"invalid_request_error","message":"prompt is too long"}}"# }),
        json!({ "status": 503, "headers": [["Retry-After", "Thu, 09 Apr 2026 18:00:00 GMT"]] }),
        json!({ "status": 418 }),
        json!({}),
    ];
    let odd = (weighted(0.8, select(vec![200, 401, 402, 403, 404, 429, 500, 529])), text(), text()).prop_map(
        |(status, header, body)| json!({ "status": status, "headers": [["Retry-After", header]], "body": body }),
    );
    prop_oneof![12 => select(answers), 2 => odd, 1 => any_value()]
}

pub(super) fn policy() -> impl Strategy<Value = Value> {
    let policies = vec![
        json!({ "preset": "adaptive" }),
        json!({ "preset": "reference" }),
        json!({ "half_open": false, "jitter_percent": 0, "sole_cooldown_ms": null }),
        json!({ "max_in_flight": { "soft": 1, "hard": 2 }, "lease_ms": 30_000 }),
        json!({ "failures": { "quota": { "cooldown_ms": 600_000, "probe_interval_ms": null } } }),
        json!({ "failures": { "unknown": { "action": "mark_dead" }, "rate_limited": { "action": "cool_down_model" } } }),
        json!({ "preset": "strict" }),
    ];
    let number = number()
        .prop_map(|number| json!({ "patience_ms": number, "failures": { "quota": { "cooldown_ms": number } } }));
    prop_oneof![8 => select(policies), 1 => number, 1 => any_value()]
}

/// A stored row, sometimes with foreign fields.
pub(super) fn row() -> impl Strategy<Value = Value> {
    let identity = (
        weighted(0.8, select(vec!["a1b2c3", "d4e5f6", "0a0b0c", ""])),
        weighted(0.5, text()),
        weighted(0.9, select(vec!["api_key", "oauth", "oauth", "else"])),
        weighted(0.9, -2..4_i64),
        weighted(0.9, source()),
        weighted(0.9, token()),
        weighted(0.5, token()),
    );
    let identity = identity.prop_map(|(id, label, auth_type, priority, source, access_token, refresh_token)| {
        json!({
            "id": id, "label": label, "auth_type": auth_type, "priority": priority, "source": source,
            "access_token": access_token, "refresh_token": refresh_token,
        })
    });
    let state = (
        weighted(0.5, select(vec!["ok", "exhausted", "exhausted", "dead", "odd"])),
        weighted(0.5, prop_oneof![seconds(), number()]),
        weighted(0.5, status()),
        weighted(0.5, now()),
        weighted(0.5, prop_oneof![Just(json!(0)), Just(json!(3)), number()]),
        weighted(0.2, number()),
        weighted(0.3, text()),
    );
    let state = state.prop_map(|(last_status, at, code, expires_at_ms, request_count, turn, base_url)| {
        json!({
            "last_status": last_status, "last_status_at": at, "last_error_code": code,
            "expires_at_ms": expires_at_ms, "request_count": request_count, "turn": turn, "base_url": base_url,
        })
    });
    let limits = (
        weighted(0.2, select(vec!["rate_limited", "quota", "odd"])),
        weighted(0.2, prop_oneof![seconds(), number()]),
        weighted(0.2, (select(vec!["small", "large"]), seconds())),
        weighted(0.2, prop_oneof![Just(json!(3)), number()]),
        weighted(0.2, prop_oneof![Just(json!(1)), number()]),
    );
    let limits = limits.prop_map(|(reason, reset_at, model, weight, max_in_flight)| {
        json!({
            "last_error_reason": reason, "last_error_reset_at": reset_at, "weight": weight,
            "max_in_flight": max_in_flight, "model_cooldowns": model.map(|(model, until)| json!({ model: until })),
        })
    });
    let odd = weighted(0.15, (prop_oneof![text(), select(FIELDS.to_vec()).prop_map(str::to_owned)], any_value()));
    (identity, state, limits, odd).prop_map(|(mut row, state, limits, odd)| {
        if let (Value::Object(row), Value::Object(state), Value::Object(limits)) = (&mut row, state, limits) {
            row.extend(state);
            row.extend(limits);
            row.retain(|_, value| !value.is_null());
            row.extend(odd);
        }
        row
    })
}

pub(super) const FIELDS: [&str; 12] = [
    "id",
    "label",
    "priority",
    "access_token",
    "last_status_at",
    "expires_at",
    "agent_key",
    "inference_base_url",
    "request_count",
    "tls",
    "last_error_message",
    "model_cooldowns",
];

pub(super) fn sources() -> impl Strategy<Value = Value> {
    let name = select(vec!["ANTHROPIC_TOKEN", "ANTHROPIC_API_KEY", "OPENROUTER_API_KEY", "OTHER"]);
    let env = vec((name, prop_oneof![token().prop_map(str::to_owned), text()]), 0..3)
        .prop_map(|env| env.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect::<Map<_, _>>());
    let login = || {
        prop_oneof![
            2 => (token(), weighted(0.7, token()), now()).prop_map(|(access, refresh, expires)| {
                json!({ "accessToken": access, "refreshToken": refresh, "expiresAt": expires })
            }),
            1 => any_value(),
        ]
    };
    let nous = (token(), any_value()).prop_map(|(token, tls)| json!({ "access_token": token, "tls": tls }));
    (weighted(0.6, env), weighted(0.6, config()), weighted(0.6, (login(), login())), weighted(0.6, nous)).prop_map(
        |(env, config, files, nous)| {
            json!({
                "env": env,
                "config": config,
                "fileLogins": files.map(|(pkce, code)| json!({ "hermes_pkce": pkce, "claude_code": code })),
                "documentLogins": nous.map(|nous| json!({ "nous": nous })),
            })
        },
    )
}

pub(super) fn config() -> impl Strategy<Value = Value> {
    let custom = (select(vec!["x", " X ", "y"]), text(), weighted(0.7, token()));
    (weighted(0.7, strategy()), vec(custom, 0..3), weighted(0.2, any_value())).prop_map(|(strategy, custom, model)| {
        let custom =
            custom.into_iter().map(|(name, url, key)| json!({ "name": name, "base_url": url, "api_key": key }));
        json!({
            "credential_pool_strategies": { "anthropic": strategy, "openrouter": strategy, "nous": strategy },
            "custom_providers": custom.collect::<Vec<_>>(),
            "model": model,
        })
    })
}

pub(super) fn outcome() -> impl Strategy<Value = Value> {
    let tokens = (token(), weighted(0.5, token()), weighted(0.5, now()), weighted(0.1, (text(), any_value())))
        .prop_map(|(access, refresh, expires, odd)| {
            let mut set = json!({ "access_token": access, "refresh_token": refresh, "expires_at_ms": expires });
            if let (Some((name, value)), Value::Object(set)) = (odd, &mut set) {
                set.insert(name, value);
            }
            json!({ "type": "tokens", "set": set })
        });
    let plain =
        select(vec!["saved", "saved", "failed", "refused", "unreachable"]).prop_map(|name| json!({ "type": name }));
    prop_oneof![4 => plain, 3 => tokens, 5 => token_response(), 1 => any_value()]
}

/// Answers of token endpoints, also malformed.
fn token_response() -> impl Strategy<Value = Value> {
    let granted =
        (token(), weighted(0.5, token()), weighted(0.7, number()), weighted(0.2, any_value())).prop_map(
            |(access, refresh, lasts, odd)| {
                json!({
                    "access_token": access, "refresh_token": refresh, "expires_in": lasts, "scope": odd,
                    "api_key": access, "expires_at": "2026-04-09T19:00:00+00:00", "inference_base_url": "https://x.test/v1/",
                })
            },
        );
    let refused =
        select(vec!["invalid_grant", "invalid_request", "refresh_token_reused", "slow_down"]).prop_flat_map(|code| {
            select(vec![json!({ "error": code }), json!({ "error": { "code": code, "message": "no" } })])
        });
    let body = prop_oneof![
        4 => granted.prop_map(|body| body.to_string()),
        3 => refused.prop_map(|body| body.to_string()),
        1 => text(),
        1 => any_value().prop_map(|body| body.to_string()),
        1 => Just("<html>".to_owned()),
    ];
    (select(vec![200, 200, 200, 400, 401, 404, 429, 503]), weighted(0.3, text()), body).prop_map(
        |(status, after, body)| {
            let headers: Vec<_> = after.into_iter().map(|after| json!(["Retry-After", after])).collect();
            json!({ "type": "response", "status": status, "headers": headers, "body": body })
        },
    )
}

/// Times: mostly near [`NOW`]; also earlier, far away and at the limits of the number type.
pub(super) fn now() -> impl Strategy<Value = Value> {
    const DAY: i64 = 86_400_000;
    prop_oneof![
        8 => (NOW - 200_000..NOW + 200_000).prop_map(Value::from),
        6 => (NOW..NOW + 3 * DAY).prop_map(Value::from),
        3 => (NOW - 3 * DAY..NOW).prop_map(Value::from),
        1 => select(vec![i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX]).prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
    ]
}

pub(super) fn seconds() -> impl Strategy<Value = Value> {
    (NOW - 90_000_000..NOW + 10_000_000).prop_map(|millis| json!(millis as f64 / 1000.0))
}

pub(super) fn place() -> impl Strategy<Value = Value> {
    const BEYOND_32_BITS: u64 = 1 << 32;
    prop_oneof![4 => (0..6_u64).prop_map(Value::from), 1 => Just(json!(BEYOND_32_BITS)), 1 => number()]
}

pub(super) fn status() -> impl Strategy<Value = Value> {
    prop_oneof![6 => select(vec![429, 402, 401, 500, 0]).prop_map(Value::from), 1 => any::<i64>().prop_map(Value::from)]
}

/// Secrets; among them JSON Web Tokens: with a person's address, and with an expiry near [`NOW`].
pub(super) fn token() -> impl Strategy<Value = &'static str> {
    select(vec![
        "sk-first",
        "sk-second",
        "sk-ant-api-third",
        "",
        "e30.eyJlbWFpbCI6Im1lQGV4YW1wbGUudGVzdCJ9.e30",
        "e30.eyJleHAiOjE3NzU3NTc1ODB9.e30",
        "e30.eyJleHAiOjFlOTl9.e30",
    ])
}

pub(super) fn source() -> impl Strategy<Value = &'static str> {
    select(vec![
        "manual",
        " Manual:CLI",
        "env:ANTHROPIC_TOKEN",
        "env:OPENROUTER_API_KEY",
        "hermes_pkce",
        "claude_code",
        "device_code",
        "config:x",
        "model_config",
        "elsewhere",
    ])
}

pub(super) fn strategy() -> impl Strategy<Value = String> {
    let names = vec!["fill_first", "round_robin", "random", "least_used", "least_in_flight", " Round_Robin "];
    prop_oneof![8 => select(names).prop_map(str::to_owned), 1 => text()]
}

pub(super) fn seed() -> impl Strategy<Value = String> {
    prop_oneof![30 => "[0-9a-f]{64}", 1 => "[0-9A-F]{60,68}", 1 => text()]
}

pub(super) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-z]{0,6}",
        1 => any::<String>(),
        1 => (0..300_usize).prop_map(|depth| "[".repeat(depth)),
        1 => select(vec!["\u{2028}\0\u{feff}", "İ ß ǅ", " \u{85}trim\u{a0} ", "https://x.test/v1//"]).prop_map(str::to_owned),
    ]
}

pub(super) fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        select(vec![0.0, -0.0, 1.5, 5e-324, 1e-7, 1e21, 1e308, -1e308, 9_007_199_254_740_993.0]).prop_map(Value::from),
        select(vec![0, 1, -1, i64::MIN, i64::MAX, 1 << 53]).prop_map(Value::from),
    ]
}

pub(super) fn any_value() -> impl Strategy<Value = Value> {
    let leaf =
        prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), number(), text().prop_map(Value::from),];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((text(), inner), 0..4).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}
