//! Random scripts: stored rows, sources and inputs, well-formed and hostile.

use credential_pool::{Outcome, Request, Response, Strategy as PoolStrategy};
use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Map, Value, json};

use crate::host::{DAY, HOUR, SECOND, START};

#[derive(Clone, Debug)]
pub struct Script {
    pub key: &'static str,
    pub rows: Vec<Value>,
    pub sources: Value,
    pub seed: [u8; 32],
    pub inputs: Vec<(Jump, Input)>,
}

/// How the clock moves before an input.
#[derive(Clone, Copy, Debug)]
pub enum Jump {
    By(i64),
    To(i64),
}

impl Jump {
    pub fn from(self, now: i64) -> i64 {
        match self {
            Self::By(millis) => now.saturating_add(millis),
            Self::To(at) => at,
        }
    }
}

#[derive(Clone, Debug)]
pub enum Input {
    Select,
    Rotate(Which, Option<i64>),
    RotateCurrent(Option<i64>),
    Refresh(Which),
    MarkUsed(Which),
    /// Writes the oldest `Persist`, or reports that the write failed.
    Write {
        succeeds: bool,
    },
    /// Settles the oldest refresh.
    SettleRefresh(Outcome),
    /// Settles an intent with an outcome that may not fit it.
    SettleWrongly(u64, Outcome),
    Tick,
    TickAtWake,
    Flush,
    SignOff,
    Sync,
    Claim,
    Add(Map<String, Value>),
    Update(Which, Map<String, Value>),
    Remove(Which),
    MoveTo(Which, usize),
    Reset(Option<Which>),
    SetStrategy(PoolStrategy),
    SetPolicy(Value),
    Lease(Request),
    /// Resumes a lease, counted back from the latest.
    Resume(usize),
    Report(usize, Response),
    Release(usize),
}

/// A credential of the pool by its place, or an unknown credential.
#[derive(Clone, Copy, Debug)]
pub enum Which {
    Place(usize),
    Unknown,
}

pub fn script() -> impl Strategy<Value = Script> {
    let key = select(vec!["openrouter", "anthropic", "openai-codex", "nous", "huggingface", "custom:box"]);
    (key, vec(row(), 0..7), sources(), any::<[u8; 32]>(), vec((jump(), input()), 0..40))
        .prop_map(|(key, rows, sources, seed, inputs)| Script { key, rows, sources, seed, inputs })
}

fn row() -> impl Strategy<Value = Value> {
    prop_oneof![8 => fields().prop_map(Value::Object), 1 => hostile()]
}

/// Fields of a row: mostly well-formed, sometimes of a wrong type.
fn fields() -> impl Strategy<Value = Map<String, Value>> {
    let field = (select(FIELDS.to_vec()), prop_oneof![12 => Just(None), 1 => hostile().prop_map(Some)], any::<u32>());
    vec(field, 3..14).prop_map(|fields| {
        let well_formed = |(name, hostile, n): (&str, Option<Value>, u32)| {
            (name.to_owned(), hostile.unwrap_or_else(|| plausible(name, i64::from(n))))
        };
        fields.into_iter().map(well_formed).collect()
    })
}

const FIELDS: [&str; 28] = [
    "id",
    "label",
    "auth_type",
    "auth_type",
    "priority",
    "source",
    "access_token",
    "access_token",
    "refresh_token",
    "refresh_token",
    "last_status",
    "last_status_at",
    "last_error_code",
    "base_url",
    "expires_at_ms",
    "agent_key",
    "request_count",
    "turn",
    "tls",
    "inference_base_url",
    "mine",
    "expires_at",
    "last_error_reason",
    "last_error_message",
    "last_error_reset_at",
    "model_cooldowns",
    "weight",
    "max_in_flight",
];

fn plausible(name: &str, n: i64) -> Value {
    let near = START.as_millis() + n % (2 * DAY) - DAY;
    match name {
        "auth_type" => json!(["api_key", "oauth", "oauth"][n as usize % 3]),
        "priority" | "turn" => json!(n % 5),
        "request_count" => json!(n % 9),
        "source" => {
            json!(["manual", "manual:cli", "env:HF_TOKEN", "config:Box", "claude_code", "device_code"][n as usize % 6])
        }
        "last_status" => json!(["ok", "exhausted", "exhausted", "dead", "weird"][n as usize % 5]),
        "last_status_at" => json!(near as f64 / 1000.0),
        "last_error_reason" => json!(["rate_limited", "quota", "weird"][n as usize % 3]),
        "last_error_reset_at" if n % 3 == 0 => json!(near),
        "last_error_reset_at" => json!(near as f64 / 1000.0),
        "model_cooldowns" => json!({ "small": near / 1000, "large": { "until": near }, "odd": [n] }),
        "weight" => json!(n % 4 + 1),
        "max_in_flight" => json!(n % 4),
        "last_error_code" => json!([429, 402, 401, 500][n as usize % 4]),
        "expires_at_ms" => json!(near),
        "tls" => json!({ "insecure": false }),
        "access_token" if n % 4 == 0 => jwt(near / 1000),
        "id" | "access_token" | "refresh_token" | "agent_key" => json!(format!("{name}-{}", n % 6)),
        _ => json!(format!("{name} {n}")),
    }
}

fn jwt(expires_at: i64) -> Value {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    json!(format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(json!({ "exp": expires_at }).to_string())))
}

fn hostile() -> impl Strategy<Value = Value> {
    select(vec![
        json!(null),
        json!(true),
        json!(""),
        json!("3"),
        json!("2026-04-02T00:00:00Z"),
        json!([]),
        json!({}),
        json!([[[[{ "a": [1] }]]]]),
        json!(-1),
        json!(1.5),
        json!(1e308),
        json!(-1e308),
        json!(i64::MIN),
        json!(i64::MAX),
        json!(u64::MAX),
        json!("\u{0}\u{1F511}\u{202E}"),
        json!("__proto__"),
    ])
}

fn sources() -> impl Strategy<Value = Value> {
    let env = option::of(select(vec![
        json!({}),
        json!({ "HF_TOKEN": " hf-1 " }),
        json!({ "ANTHROPIC_TOKEN": "t", "HF_TOKEN": "" }),
    ]));
    let config = option::of(select(vec![
        json!({}),
        json!({ "credential_pool_strategies": { "openrouter": "round_robin", "anthropic": " LEAST_USED ", "nous": 7 } }),
        json!({ "custom_providers": [null, 7, { "name": "Box", "base_url": "http://b.test/", "api_key": "k" }],
                "model": { "provider": "custom", "base_url": "http://b.test", "api": "m" } }),
        json!({ "credential_pool_policies": {
            "huggingface": { "borrowed_secrets": "fingerprint" }, "anthropic": { "borrowed_secrets": "fingerprint" },
            "openai-codex": { "borrowed_secrets": "fingerprint" }, "nous": { "borrowed_secrets": "fingerprint" },
        } }),
    ]));
    let login = json!({ "accessToken": "at", "refreshToken": "rt", "expiresAt": START.as_millis() + HOUR });
    let files = option::of(select(vec![
        json!({}),
        json!({ "claude_code": login }),
        json!({ "hermes_pkce": null, "claude_code": { "accessToken": 7 } }),
    ]));
    let document = option::of(select(vec![
        json!({}),
        json!({ "nous": { "access_token": "at", "priority": [] }, "openai-codex": { "tokens": { "access_token": "at" } } }),
    ]));
    (env, config, files, document).prop_map(|(env, config, file_logins, document_logins)| {
        json!({ "env": env, "config": config, "fileLogins": file_logins, "documentLogins": document_logins })
    })
}

fn jump() -> impl Strategy<Value = Jump> {
    prop_oneof![
        6 => select(vec![0, 1, SECOND, 10 * SECOND, 59 * SECOND]).prop_map(Jump::By),
        4 => select(vec![HOUR - 1, HOUR, DAY, 2 * DAY]).prop_map(Jump::By),
        1 => (-2 * DAY..0).prop_map(Jump::By),
        1 => select(vec![i64::MIN, -1, 0, START.as_millis()]).prop_map(Jump::To),
    ]
}

fn input() -> impl Strategy<Value = Input> {
    let status = || option::of(select(vec![429, 402, 401, 500, i64::MIN]));
    prop_oneof![
        8 => Just(Input::Select),
        2 => (which(), status()).prop_map(|(which, status)| Input::Rotate(which, status)),
        3 => status().prop_map(Input::RotateCurrent),
        2 => which().prop_map(Input::Refresh),
        4 => which().prop_map(Input::MarkUsed),
        6 => prop::bool::weighted(0.7).prop_map(|succeeds| Input::Write { succeeds }),
        4 => outcome().prop_map(Input::SettleRefresh),
        1 => (0_u64..40, outcome()).prop_map(|(intent, outcome)| Input::SettleWrongly(intent, outcome)),
        2 => Just(Input::Tick),
        3 => Just(Input::TickAtWake),
        1 => Just(Input::Flush),
        1 => Just(Input::SignOff),
        2 => Just(Input::Sync),
        1 => Just(Input::Claim),
        2 => fields().prop_map(Input::Add),
        2 => (which(), fields()).prop_map(|(which, fields)| Input::Update(which, fields)),
        1 => which().prop_map(Input::Remove),
        1 => (which(), 0_usize..9).prop_map(|(which, place)| Input::MoveTo(which, place)),
        1 => option::of(which()).prop_map(Input::Reset),
        1 => select(vec![
            PoolStrategy::FillFirst,
            PoolStrategy::RoundRobin,
            PoolStrategy::Random,
            PoolStrategy::LeastUsed,
            PoolStrategy::LeastInFlight,
        ])
        .prop_map(Input::SetStrategy),
        1 => policy().prop_map(Input::SetPolicy),
        8 => request().prop_map(Input::Lease),
        6 => (0_usize..4).prop_map(Input::Resume),
        10 => (0_usize..4, response()).prop_map(|(lease, response)| Input::Report(lease, response)),
        1 => (0_usize..4).prop_map(Input::Release),
    ]
}

pub fn request() -> impl Strategy<Value = Request> {
    let text = |texts: &[&'static str]| option::of(select(texts.to_vec()).prop_map(str::to_owned));
    let patience = option::of(select(vec![0, 1, 5_000, 600_000, u64::MAX]));
    (text(&["m", "n", ""]), text(&["one", "two", ""]), patience).prop_map(|(model, affinity, patience_ms)| Request {
        model,
        affinity,
        patience_ms,
    })
}

/// Answers of providers: successes and every kind of failure, with and without hints.
pub fn response() -> impl Strategy<Value = Response> {
    let answer = |status: u16, headers: &[(&str, &str)], body: Value| Response {
        status: (status != 0).then_some(status),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: if body.is_null() { String::new() } else { body.to_string() },
    };
    let error = |code: &str, message: &str| json!({ "error": { "code": code, "message": message } });
    select(vec![
        answer(200, &[], Value::Null),
        answer(200, &[], Value::Null),
        answer(200, &[], error("rate_limit_exceeded", "slow down")),
        answer(429, &[], Value::Null),
        answer(429, &[], error("rate_limit_exceeded", "Rate limit reached for model `m` on requests per min")),
        answer(429, &[("Retry-After", "1")], Value::Null),
        answer(429, &[("Retry-After", "40")], Value::Null),
        answer(429, &[("Retry-After", "99999999")], Value::Null),
        answer(429, &[], error("insufficient_quota", "You exceeded your current quota")),
        answer(402, &[], Value::Null),
        answer(401, &[], Value::Null),
        answer(401, &[], error("account_deactivated", "deactivated")),
        answer(403, &[], error("permission_denied", "no access")),
        answer(404, &[], error("model_not_found", "The model `m` does not exist")),
        answer(400, &[], error("invalid_request_error", "bad")),
        answer(503, &[], Value::Null),
        answer(529, &[("Retry-After", "7")], Value::Null),
        answer(302, &[], Value::Null),
        answer(0, &[], Value::Null),
    ])
}

/// Valid policies, and some invalid ones.
pub fn policy() -> impl Strategy<Value = Value> {
    select(vec![
        json!({}),
        json!({ "preset": "reference" }),
        json!({ "half_open": false }),
        json!({ "revert": false, "lease_ms": 1000 }),
        json!({ "max_in_flight": { "soft": 1, "hard": 2 } }),
        json!({ "max_in_flight": { "hard": 1 }, "patience_ms": 0 }),
        json!({ "failures": { "rate_limited": { "retries": 0, "cooldown_ms": 1 } } }),
        json!({ "failures": { "quota": { "probe_interval_ms": 1000, "hints": false } } }),
        json!({ "failures": { "transient": { "action": "cool_down", "cooldown_ms": 60000, "max_cooldown_ms": 60000 } } }),
        json!({ "failures": { "rate_limited": { "cooldown_ms": null, "retries": 10 } } }),
        json!({ "failures": { "rate_limited": { "cooldown_ms": -1 } } }),
        json!({ "borrowed_secrets": "fingerprint" }),
        json!({ "lease_ms": 0 }),
        json!("adaptive"),
    ])
}

fn which() -> impl Strategy<Value = Which> {
    prop_oneof![9 => (0_usize..6).prop_map(Which::Place), 1 => Just(Which::Unknown)]
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let tokens = (0_i64..9, any::<bool>()).prop_map(|(n, rotates)| {
        let mut set = json!({ "access_token": format!("at-{n}"), "expires_at_ms": START.as_millis() + n * HOUR });
        if rotates {
            set["refresh_token"] = json!(format!("rt-{n}"));
        }
        json!({ "type": "tokens", "set": set })
    });
    let wrong = select(vec![
        json!({ "type": "saved" }),
        json!({ "type": "failed" }),
        json!({ "type": "refused" }),
        json!({ "type": "unreachable" }),
        json!({ "type": "tokens", "set": {} }),
        json!({ "type": "tokens", "set": { "access_token": 7 } }),
        json!({ "type": "tokens", "set": { "access_token": "t", "id": "mine" } }),
    ]);
    let outcome = prop_oneof![2 => tokens, 2 => wrong, 5 => token_response()];
    outcome.prop_map(|outcome| serde_json::from_value(outcome).unwrap())
}

/// Answers of token endpoints: tokens and keys, refusals, outages, malformed bodies.
fn token_response() -> impl Strategy<Value = Value> {
    let granted = (0_i64..9, any::<bool>(), hostile(), any::<bool>()).prop_map(|(n, rotates, lasts, is_key)| {
        let mut body = match is_key {
            true => json!({ "api_key": format!("ak-{n}"), "key_id": "k", "expires_in": 1_800 * n }),
            false => json!({ "access_token": format!("at-{n}"), "expires_in": lasts }),
        };
        if rotates {
            body["refresh_token"] = json!(format!("rt-{n}"));
        }
        (200, body.to_string())
    });
    let other = select(vec![
        (200, String::new()),
        (200, "{".to_owned()),
        (200, "<html>".to_owned()),
        (200, json!({ "access_token": "" }).to_string()),
        (302, String::new()),
        (400, json!({ "error": "invalid_grant" }).to_string()),
        (400, json!({ "error": { "code": "invalid_request" } }).to_string()),
        (401, json!({ "error": { "code": "refresh_token_reused", "message": "no" } }).to_string()),
        (403, "<html>".to_owned()),
        (404, String::new()),
        (429, String::new()),
        (429, json!({ "error": { "message": "try again in 90s" } }).to_string()),
        (503, String::new()),
    ]);
    let after = option::of(select(vec!["0", "40", "99999999", "Thu, 09 Apr 2026 18:00:00 GMT"]));
    (prop_oneof![3 => granted, 3 => other], after).prop_map(|((status, body), after)| {
        let headers: Vec<_> = after.into_iter().map(|after| ["Retry-After", after]).collect();
        json!({ "type": "response", "status": status, "headers": headers, "body": body })
    })
}
