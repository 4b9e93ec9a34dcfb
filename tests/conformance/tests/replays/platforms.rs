//! The same document, seed and inputs give the same bytes natively and in the component.

use conformance::face::{Face, component::ComponentFace, native::Native};
use proptest::{
    collection::vec,
    option::weighted,
    prelude::*,
    sample::{Index, select},
};
use serde_json::{Map, Value, json};

use crate::component;

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_component_answers_the_bytes_of_the_native_core(opening in opening(), inputs in vec(input(), 0..40)) {
        let mut session = Session::start();
        session.both_answer(&opening)?;
        session.both_answer(&Input::new("rows", json!({ "pool": 1 })))?;
        for input in &inputs {
            session.both_answer(input)?;
        }
        session.both_answer(&Input::new("entries", json!({ "pool": 1, "now": NOW })))?;
        for look in LOOKS {
            session.both_answer(&Input::new(look, json!({ "pool": 1 })))?;
        }
    }
}

/// A call, with places for what only the session knows.
#[derive(Clone, Debug)]
enum Input {
    Call {
        name: &'static str,
        args: Value,
        id: Option<Index>,
        intent: Option<Index>,
    },
    /// Writes the changes that were handed out last into the session's document.
    Persist,
    /// Text that may be no call at all.
    Text(String),
}

impl Input {
    fn new(name: &'static str, args: Value) -> Self {
        Self::Call { name, args, id: None, intent: None }
    }
}

/// A native session and one in the component, and what they told so far.
struct Session {
    native: Native,
    component: ComponentFace,
    ids: Vec<Value>,
    intents: Vec<Value>,
    changes: Value,
    document: Value,
}

impl Session {
    fn start() -> Self {
        Self {
            native: Native::default(),
            component: component(),
            ids: vec!["nobody".into()],
            intents: vec![json!(u64::MAX)],
            changes: json!([]),
            document: json!(r#"{ "version": 1, "credential_pool": { "anthropic": [] } }"#),
        }
    }

    fn both_answer(&mut self, input: &Input) -> Result<(), TestCaseError> {
        let call = self.text(input);
        let native = self.native.exchange(&call).unwrap();
        let component = self.component.exchange(&call).unwrap();
        prop_assert_eq!(&native, &component, "{}", call);
        self.learn(&serde_json::from_str(&native).unwrap());
        Ok(())
    }

    fn text(&self, input: &Input) -> String {
        match input {
            Input::Call { name, args, id, intent } => {
                let mut args = args.clone();
                if let Some(id) = id {
                    args["id"] = id.get(&self.ids).clone();
                }
                if let Some(intent) = intent {
                    args["intent"] = intent.get(&self.intents).clone();
                }
                json!({ "call": name, "args": args }).to_string()
            }
            Input::Persist => {
                let args = json!({ "text": self.document, "key": "anthropic", "changes": self.changes });
                json!({ "call": "applyToDocument", "args": args }).to_string()
            }
            Input::Text(text) => text.clone(),
        }
    }

    fn learn(&mut self, answer: &Value) {
        if answer["ok"].is_string() && answer["ok"].as_str().is_some_and(|text| text.contains("credential_pool")) {
            self.document = answer["ok"].clone();
        }
        let rows = answer["ok"].as_array().into_iter().flatten();
        self.ids.extend(rows.filter_map(|row| row.get("id").filter(|id| id.is_string()).cloned()));
        for intent in answer.pointer("/ok/intents").and_then(Value::as_array).into_iter().flatten() {
            self.intents.push(intent["id"].clone());
            for change in intent["changes"].as_array().into_iter().flatten() {
                self.ids.extend([change.get("id"), change.pointer("/row/id")].into_iter().flatten().cloned());
            }
            if intent["type"] == "persist" {
                self.changes = intent["changes"].clone();
            }
        }
    }
}

const NOW: i64 = 1_775_757_580_463;

const LOOKS: [&str; 4] = ["rows", "setAside", "outstanding", "wake"];

fn opening() -> impl Strategy<Value = Input> {
    let key = prop_oneof![
        4 => select(vec!["anthropic", "openai-codex", "nous", "openrouter", "custom:x"]).prop_map(str::to_owned),
        1 => text(),
    ];
    let stored = (vec(row(), 0..6), vec(source(), 0..2), weighted(0.5, strategy()));
    (key, stored, sources(), seed(), now()).prop_map(|(key, (rows, suppressed, strategy), sources, seed, now)| {
        let stored = json!({ "rows": rows, "suppressedSources": suppressed, "strategy": strategy });
        Input::new("open", json!({ "key": key, "stored": stored, "sources": sources, "seed": seed, "now": now }))
    })
}

fn input() -> impl Strategy<Value = Input> {
    prop_oneof![
        30 => on_pool(),
        3 => Just(Input::Persist),
        2 => on_documents(),
        1 => opening(),
        1 => any::<String>().prop_map(Input::Text),
        1 => (select(CALLS.to_vec()), any_value()).prop_map(|(name, args)| Input::new(name, args)),
    ]
}

const CALLS: [&str; 12] = [
    "open",
    "close",
    "select",
    "rotate",
    "settle",
    "add",
    "update",
    "moveTo",
    "reset",
    "applyChanges",
    "checkDocument",
    "nothing",
];

/// Every input of a pool.
fn on_pool() -> impl Strategy<Value = Input> {
    let call = prop_oneof![
        6 => Just(("select", json!({}))),
        4 => weighted(0.8, status()).prop_map(|status| ("rotate", json!({ "failure": { "status": status } }))),
        2 => Just(("refresh", json!({}))),
        4 => Just(("markUsed", json!({}))),
        6 => outcome().prop_map(|outcome| ("settle", json!({ "outcome": outcome }))),
        2 => select(vec!["tick", "flush"]).prop_map(|name| (name, json!({}))),
        3 => row().prop_map(|row| ("add", json!({ "row": row }))),
        2 => row().prop_map(|row| ("update", json!({ "fields": row }))),
        1 => Just(("remove", json!({}))),
        2 => place().prop_map(|place| ("moveTo", json!({ "place": place }))),
        2 => Just(("reset", json!({}))),
        1 => strategy().prop_map(|strategy| ("setStrategy", json!({ "strategy": strategy }))),
        1 => select(vec!["key", "strategy", "hasCredentials", "current", "close"]).prop_map(|name| (name, json!({}))),
        2 => select(vec!["peek", "entries", "runtime"]).prop_map(|name| (name, json!({}))),
        1 => select(LOOKS.to_vec()).prop_map(|name| (name, json!({}))),
    ];
    let pool = prop_oneof![30 => Just(json!(1)), 1 => Just(json!(2)), 1 => number()];
    (call, pool, now(), any::<Index>(), any::<Index>()).prop_map(|((name, mut args), pool, now, id, intent)| {
        const TAKE_AN_ID: [&str; 7] = ["rotate", "refresh", "markUsed", "update", "remove", "moveTo", "runtime"];
        const TAKE_NO_TIME: [&str; 11] = [
            "markUsed",
            "close",
            "key",
            "strategy",
            "hasCredentials",
            "current",
            "runtime",
            "rows",
            "setAside",
            "outstanding",
            "wake",
        ];
        args["pool"] = pool;
        if !TAKE_NO_TIME.contains(&name) {
            args["now"] = now;
        }
        let is_one = TAKE_AN_ID.contains(&name) || (name == "reset" && id.index(2) == 0);
        Input::Call { name, args, id: is_one.then_some(id), intent: (name == "settle").then_some(intent) }
    })
}

/// What needs no pool.
fn on_documents() -> impl Strategy<Value = Input> {
    let document = prop_oneof![
        3 => (vec(row(), 0..4), any_value()).prop_map(|(rows, other)| {
            json!({ "version": 1, "credential_pool": { "anthropic": rows, "custom:x": rows }, "other": other }).to_string()
        }),
        1 => any_value().prop_map(|document| document.to_string()),
        1 => text(),
    ];
    let name = select(vec!["readDocument", "checkDocument", "pools", "customPools"]);
    prop_oneof![
        4 => (document, name, now()).prop_map(|(text, name, now)| {
            Input::new(name, match name {
                "readDocument" => json!({ "text": text, "key": "anthropic" }),
                "checkDocument" => json!({ "text": text, "now": now }),
                _ => json!({ "text": text }),
            })
        }),
        2 => (select(vec![400, 401, 403, 429, 500]), text(), text(), now()).prop_map(|(status, header, body, now)| {
            let response = json!({ "status": status, "headers": [["Retry-After", header]], "body": body });
            Input::new("diagnose", json!({ "key": "anthropic", "response": response, "now": now }))
        }),
        1 => text().prop_map(|key| Input::new("wanted", json!({ "key": key }))),
        1 => (text(), config()).prop_map(|(url, config)| {
            Input::new("poolKeyForBaseUrl", json!({ "baseUrl": url, "config": config }))
        }),
        1 => Just(Input::new("emptyDocument", json!({}))),
    ]
}

/// A row as it is stored, now and then with fields that do not belong into one.
fn row() -> impl Strategy<Value = Value> {
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
    let odd = weighted(0.15, (prop_oneof![text(), select(FIELDS.to_vec()).prop_map(str::to_owned)], any_value()));
    (identity, state, odd).prop_map(|(mut row, state, odd)| {
        if let (Value::Object(row), Value::Object(state)) = (&mut row, state) {
            row.extend(state);
            row.retain(|_, value| !value.is_null());
            row.extend(odd);
        }
        row
    })
}

const FIELDS: [&str; 10] = [
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
];

fn sources() -> impl Strategy<Value = Value> {
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

fn config() -> impl Strategy<Value = Value> {
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

fn outcome() -> impl Strategy<Value = Value> {
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
    prop_oneof![4 => plain, 3 => tokens, 1 => any_value()]
}

/// Mostly near one moment; also backwards, far away and at the ends of what a number can be.
fn now() -> impl Strategy<Value = Value> {
    const DAY: i64 = 86_400_000;
    prop_oneof![
        8 => (NOW - 200_000..NOW + 200_000).prop_map(Value::from),
        6 => (NOW..NOW + 3 * DAY).prop_map(Value::from),
        3 => (NOW - 3 * DAY..NOW).prop_map(Value::from),
        1 => select(vec![i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX]).prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
    ]
}

fn seconds() -> impl Strategy<Value = Value> {
    (NOW - 90_000_000..NOW + 10_000_000).prop_map(|millis| json!(millis as f64 / 1000.0))
}

fn place() -> impl Strategy<Value = Value> {
    const BEYOND_32_BITS: u64 = 1 << 32;
    prop_oneof![4 => (0..6_u64).prop_map(Value::from), 1 => Just(json!(BEYOND_32_BITS)), 1 => number()]
}

fn status() -> impl Strategy<Value = Value> {
    prop_oneof![6 => select(vec![429, 402, 401, 500, 0]).prop_map(Value::from), 1 => any::<i64>().prop_map(Value::from)]
}

/// JSON Web Tokens among them: one of a person, one that ends near [`NOW`].
fn token() -> impl Strategy<Value = &'static str> {
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

fn source() -> impl Strategy<Value = &'static str> {
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

fn strategy() -> impl Strategy<Value = String> {
    let names = vec!["fill_first", "round_robin", "random", "least_used", " Round_Robin "];
    prop_oneof![8 => select(names).prop_map(str::to_owned), 1 => text()]
}

fn seed() -> impl Strategy<Value = String> {
    prop_oneof![30 => "[0-9a-f]{64}", 1 => "[0-9A-F]{60,68}", 1 => text()]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-z]{0,6}",
        1 => any::<String>(),
        1 => (0..300_usize).prop_map(|depth| "[".repeat(depth)),
        1 => select(vec!["\u{2028}\0\u{feff}", "İ ß ǅ", " \u{85}trim\u{a0} ", "https://x.test/v1//"]).prop_map(str::to_owned),
    ]
}

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        select(vec![0.0, -0.0, 1.5, 5e-324, 1e-7, 1e21, 1e308, -1e308, 9_007_199_254_740_993.0]).prop_map(Value::from),
        select(vec![0, 1, -1, i64::MIN, i64::MAX, 1 << 53]).prop_map(Value::from),
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf =
        prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), number(), text().prop_map(Value::from),];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((text(), inner), 0..4).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}
