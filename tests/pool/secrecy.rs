//! A canary secret in every field never appears in `Debug`, errors or problems.

use std::fmt::Debug;

use credential_pool::{Failure, Intent, IntentId, Outcome, Pool, PoolKey, Sources, Stored};
use credential_pool_protocol::Session;
use serde_json::{Map, Value, json};

use crate::host::{START, tokens};

const CANARY: &str = "sk-canary-5f2d";

const TEXT_FIELDS: [&str; 21] = [
    "id",
    "label",
    "auth_type",
    "source",
    "access_token",
    "refresh_token",
    "last_status",
    "base_url",
    "expires_at",
    "last_refresh",
    "inference_base_url",
    "agent_key",
    "agent_key_expires_at",
    "token_type",
    "client_id",
    "portal_base_url",
    "last_error_reason",
    "last_error_message",
    "last_error_reset_at",
    "model_cooldowns",
    "of_one_s_own",
];

const NUMBER_FIELDS: [&str; 8] = [
    "priority",
    "last_status_at",
    "last_error_code",
    "expires_at_ms",
    "request_count",
    "turn",
    "weight",
    "max_in_flight",
];

/// Collects all output that a person may see.
#[derive(Default)]
struct Shown(String);

impl Shown {
    fn debug(&mut self, thing: impl Debug) {
        self.0.push_str(&format!("{thing:?} {thing:#?}\n"));
    }

    fn text(&mut self, thing: impl ToString) {
        self.0.push_str(&thing.to_string());
        self.0.push('\n');
    }

    fn check(&self) {
        if let Some(at) = self.0.find(CANARY) {
            panic!("the canary was shown: …{}…", &self.0[at.saturating_sub(200)..at + CANARY.len()]);
        }
    }
}

fn row_of(fields: &[&str]) -> Map<String, Value> {
    fields.iter().map(|field| ((*field).to_owned(), json!(CANARY))).collect()
}

/// Answers of a token endpoint with the canary in every place.
fn provider_answers() -> Vec<Outcome> {
    let answer = |status: u16, body: Value| {
        let headers = json!([["Retry-After", CANARY], [CANARY, CANARY]]);
        serde_json::from_value(
            json!({ "type": "response", "status": status, "headers": headers, "body": body.to_string() }),
        )
        .unwrap()
    };
    let tokens = json!({ "access_token": CANARY, "refresh_token": CANARY, "api_key": CANARY, "scope": CANARY, "expires_in": CANARY });
    vec![
        answer(503, json!(CANARY)),
        answer(200, tokens.clone()),
        answer(200, tokens),
        answer(400, json!({ "error": CANARY, "error_description": CANARY })),
        answer(401, json!({ "error": { "code": "invalid_grant", "message": CANARY } })),
        Outcome::Unreachable,
    ]
}

#[test]
fn no_debug_shows_a_secret() {
    let mut row = row_of(&TEXT_FIELDS);
    row["auth_type"] = json!("oauth");
    let mut wrong = row.clone();
    wrong.insert("priority".to_owned(), json!(CANARY));
    let stored = Stored {
        rows: vec![json!(row), json!(row), json!(wrong), json!(CANARY)],
        strategy: Some(CANARY.to_owned()),
        policy: Some(json!({ "preset": CANARY })),
        ..Stored::default()
    };
    let sources: Sources = serde_json::from_value(json!({
        "env": { "ANTHROPIC_TOKEN": CANARY },
        "fileLogins": { "claude_code": { "accessToken": CANARY, "refreshToken": CANARY, "expiresAt": CANARY } },
        "documentLogins": { "nous": { "access_token": CANARY, "priority": CANARY } },
        "config": {
            "credential_pool_strategies": { "anthropic": CANARY },
            "credential_pool_policies": { "anthropic": { "preset": CANARY } },
        },
    }))
    .unwrap();

    let mut shown = Shown::default();
    for key in ["anthropic", "nous", "custom:box"] {
        let key = PoolKey::parse(key).unwrap();
        let (mut pool, step) = Pool::open(key.clone(), &stored, &sources, [7; 32], START);
        shown.debug((&key, &stored, &sources, &step));
        for row in pool.rows() {
            let id = row["id"].as_str().unwrap().into();
            shown.debug(pool.credential(&id));
            shown.debug(pool.runtime(&id));
            for outcome in provider_answers() {
                match pool.refresh(&id, START) {
                    Ok(step) => {
                        shown.debug(&step);
                        shown.debug(&outcome);
                        let settled = pool.settle(step.value.intent, outcome, START).unwrap();
                        shown.text(settled.events.iter().map(|event| event.what.to_string()).collect::<String>());
                        shown.debug(settled);
                    }
                    Err(error) => shown.text(error),
                }
            }
            shown.debug(pool.rotate(&id, Failure::status(401), START));
        }
        for intent in pool.outstanding() {
            let outcome = match intent {
                Intent::Persist { .. } => Outcome::Failed,
                Intent::Refresh { .. } => tokens(json!({ "access_token": CANARY, "scope": CANARY })),
            };
            shown.debug((&intent, &outcome));
            shown.debug(pool.settle(intent.id(), outcome, START));
        }
        shown.debug(pool.add(&row_of(&["label", "access_token", "of_one_s_own"]), START));
        shown.debug(pool.flush(START));
        shown.debug((&pool, pool.entries(START), pool.outstanding()));
    }
    shown.check();
}

#[test]
fn no_error_shows_a_secret() {
    let stored = Stored { rows: vec![json!(row_of(&TEXT_FIELDS))], ..Stored::default() };
    let (mut pool, _) = Pool::open(PoolKey::parse("nous").unwrap(), &stored, &Sources::default(), [7; 32], START);
    let held = CANARY.into();
    let mut shown = Shown::default();
    let mut error = |error: credential_pool::Error| {
        shown.debug(&error);
        shown.text(&error);
        shown.text(serde_json::to_string(&error).unwrap());
    };
    for field in TEXT_FIELDS.into_iter().chain(NUMBER_FIELDS) {
        let wrong = Map::from_iter([(field.to_owned(), json!({ CANARY: CANARY }))]);
        pool.add(&wrong, START).err().into_iter().for_each(&mut error);
        pool.update(&held, &wrong, START).err().into_iter().for_each(&mut error);
        let wrong = Map::from_iter([(field.to_owned(), json!(CANARY))]);
        pool.add(&wrong, START).err().into_iter().for_each(&mut error);
    }
    let unknown = format!("{CANARY}-2").as_str().into();
    error(pool.rotate(&unknown, Failure::default(), START).unwrap_err());
    error(pool.refresh(&held, START).unwrap_err());
    error(pool.settle(IntentId::new(99), tokens(json!({ "access_token": CANARY })), START).unwrap_err());
    error(credential_pool::Strategy::parse(CANARY).unwrap_err());
    for policy in [
        json!(CANARY),
        json!({ "preset": CANARY }),
        json!({ "lease_ms": CANARY }),
        json!({ "failures": { "quota": { "action": CANARY, "cooldown_ms": { CANARY: CANARY } } } }),
    ] {
        error(credential_pool::Policy::parse(&policy).unwrap_err());
    }
    error(credential_pool::Document::parse(&format!("{{\"credential_pool\": \"{CANARY}\"}}")).unwrap_err());
    error(credential_pool::Document::parse(&format!("{{\"{CANARY}\": {CANARY}")).unwrap_err());
    shown.check();
}

#[test]
fn no_refused_call_shows_a_secret() {
    let mut session = Session::default();
    let mut shown = Shown::default();
    for call in [
        CANARY.to_owned(),
        json!(CANARY).to_string(),
        json!({ "call": CANARY }).to_string(),
        json!({ "call": "select", "args": { "pool": CANARY, "now": 0 } }).to_string(),
        json!({ "call": "open", "args": { "key": CANARY, "seed": CANARY, "now": 0 } }).to_string(),
        json!({ "call": "open", "args": { "key": "nous", "seed": "00", "now": 0, "stored": { "rows": CANARY } } })
            .to_string(),
        json!({ "call": "settle", "args": { "pool": 1, "intent": 1, "outcome": { "type": CANARY }, "now": 0 } })
            .to_string(),
        json!({ "call": "settle", "args": { "pool": 1, "intent": 1, "outcome": CANARY, "now": 0 } }).to_string(),
        json!({ "call": "settle", "args": { "pool": 1, "intent": 1, "now": 0,
            "outcome": { "type": "response", "status": CANARY, "body": CANARY } } })
        .to_string(),
    ] {
        shown.text(session.call(&call));
    }
    assert_eq!(shown.0.matches("\"error\"").count(), 9, "{}", shown.0);
    shown.check();
}

#[test]
fn no_problem_shows_a_secret() {
    let mut shown = Shown::default();
    for field in TEXT_FIELDS.into_iter().chain(NUMBER_FIELDS) {
        for value in [json!(CANARY), json!([CANARY])] {
            let row = Map::from_iter([(field.to_owned(), value)]);
            let document = json!({
                "version": CANARY,
                "credential_pool": { "openrouter": [row], "nous": CANARY },
                "credential_pool_strategies": { "openrouter": CANARY },
                "credential_pool_policies": { "openrouter": CANARY, "nous": { "failures": { "quota": CANARY } } },
                "suppressed_sources": { "openrouter": CANARY },
            });
            for problem in credential_pool::check(&document.to_string(), START) {
                shown.debug(&problem);
                shown.text(serde_json::to_string(&problem).unwrap());
            }
        }
    }
    shown.check();
}

/// People paste keys into every field: a label, an id or a source that holds a key is masked wherever it is shown.
#[test]
fn no_view_shows_a_pasted_secret() {
    const KEY: &str = "sk-or-v1-0123456789abcdef";
    /// A key that no pattern knows.
    const OWN: &str = "of-nobodys-form-0123";
    let rows = [
        json!({ "id": KEY, "label": format!("work {KEY}"), "source": format!("manual:{KEY}"), "access_token": "sk-1" }),
        json!({ "id": OWN, "label": "a", "source": "manual", "access_token": OWN }),
        json!({ "id": "c", "label": format!("copy of {OWN}"), "source": OWN, "access_token": "sk-3" }),
    ];
    let stored = Stored { rows: rows.to_vec(), ..Stored::default() };
    let (mut pool, _) = Pool::open(PoolKey::parse("openrouter").unwrap(), &stored, &Sources::default(), [7; 32], START);
    let entries = pool.entries(START);
    let explanation = pool.explain(&credential_pool::Request::default(), START);
    let leased = pool.lease(credential_pool::Request::default(), START);
    let failed = pool.rotate(&KEY.into(), Failure::status(429), START).unwrap();
    let mut shown = String::new();
    for view in [json!(entries), json!(explanation), json!(leased.events), json!(failed.events)] {
        shown.push_str(&view.to_string());
    }
    for line in explanation.credentials {
        shown.push_str(&line.to_string());
    }
    for secret in [KEY, OWN] {
        assert!(!shown.contains(secret), "{secret} was shown: {shown}");
    }
    assert_eq!(entries[0].label, format!("work {}", entries[0].id), "the mask tells secrets apart");
    // A host passes ids on as it has seen them.
    for entry in &entries {
        assert!(pool.runtime(&entry.id).is_ok(), "{}", entry.id);
    }
    let masked = entries[0].id.clone();
    assert!(pool.update(&masked, &Map::from_iter([("label".to_owned(), json!("work"))]), START).is_ok());
    let removed = pool.remove(&masked, START).unwrap();
    let Some(Intent::Persist { changes, .. }) = removed.intents.first() else { panic!("nothing to write") };
    assert!(json!(changes).to_string().contains(KEY), "the document is written with the id that it holds");
}
