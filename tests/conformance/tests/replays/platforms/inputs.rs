//! Random calls: every input of the core, and some malformed calls.

use proptest::{
    collection::vec,
    option::weighted,
    prelude::*,
    sample::{Index, select},
};
use serde_json::{Value, json};

use super::{
    Input,
    values::{
        any_value, config, now, number, outcome, place, policy, request, response, row, seed, source, sources, status,
        strategy, text,
    },
};

pub(super) const VIEWS: [&str; 5] = ["rows", "setAside", "outstanding", "wake", "policy"];

pub(super) fn opening() -> impl Strategy<Value = Input> {
    let key = prop_oneof![
        4 => select(vec!["anthropic", "openai-codex", "nous", "openrouter", "custom:x"]).prop_map(str::to_owned),
        1 => text(),
    ];
    let stored = (vec(row(), 0..6), vec(source(), 0..2), weighted(0.5, strategy()), weighted(0.3, policy()));
    (key, stored, sources(), seed(), now()).prop_map(|(key, stored, sources, seed, now)| {
        let (rows, suppressed, strategy, policy) = stored;
        let stored = json!({ "rows": rows, "suppressedSources": suppressed, "strategy": strategy, "policy": policy });
        Input::new("open", json!({ "key": key, "stored": stored, "sources": sources, "seed": seed, "now": now }))
    })
}

pub(super) fn input() -> impl Strategy<Value = Input> {
    prop_oneof![
        30 => on_pool(),
        20 => on_leases(),
        3 => Just(Input::Persist),
        2 => on_documents(),
        4 => on_logins(),
        1 => opening(),
        1 => any::<String>().prop_map(Input::Text),
        1 => (select(CALLS.to_vec()), any_value()).prop_map(|(name, args)| Input::new(name, args)),
    ]
}

const CALLS: [&str; 18] = [
    "open",
    "close",
    "select",
    "rotate",
    "lease",
    "report",
    "settle",
    "sync",
    "claim",
    "add",
    "update",
    "moveTo",
    "reset",
    "setPolicy",
    "readPolicy",
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
        1 => row().prop_map(|row| ("sync", json!({ "stored": { "rows": [row] } }))),
        2 => Just(("claim", json!({}))),
        3 => row().prop_map(|row| ("add", json!({ "row": row }))),
        2 => row().prop_map(|row| ("update", json!({ "fields": row }))),
        1 => Just(("remove", json!({}))),
        2 => place().prop_map(|place| ("moveTo", json!({ "place": place }))),
        2 => Just(("reset", json!({}))),
        1 => strategy().prop_map(|strategy| ("setStrategy", json!({ "strategy": strategy }))),
        1 => policy().prop_map(|policy| ("setPolicy", json!({ "policy": policy }))),
        1 => select(vec!["key", "strategy", "hasCredentials", "current", "close"]).prop_map(|name| (name, json!({}))),
        2 => select(vec!["peek", "entries", "runtime"]).prop_map(|name| (name, json!({}))),
        1 => select(VIEWS.to_vec()).prop_map(|name| (name, json!({}))),
    ];
    (call, pool_number(), now(), any::<Index>(), any::<Index>()).prop_map(
        |((name, mut args), pool, now, id, intent)| {
            const TAKE_AN_ID: [&str; 7] = ["rotate", "refresh", "markUsed", "update", "remove", "moveTo", "runtime"];
            const TAKE_NO_TIME: [&str; 12] = [
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
                "policy",
            ];
            args["pool"] = pool;
            if !TAKE_NO_TIME.contains(&name) {
                args["now"] = now;
            }
            let takes_an_id = TAKE_AN_ID.contains(&name) || (name == "reset" && id.index(2) == 0);
            Input::Call {
                name,
                args,
                id: takes_an_id.then_some(id),
                intent: ["settle", "claim"].contains(&name).then_some(intent),
                lease: None,
                later: None,
            }
        },
    )
}

/// Every input of a request.
fn base_url() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => select(vec!["https://open.bigmodel.cn", "https://API.MiniMax.io:443/v1", "https://z.ai@x.test"])
            .prop_map(str::to_owned),
        1 => text(),
    ]
}

fn on_leases() -> impl Strategy<Value = Input> {
    let call = prop_oneof![
        4 => request().prop_map(|request| ("lease", json!({ "request": request }))),
        4 => Just(("resume", json!({}))),
        8 => response().prop_map(|response| ("report", json!({ "response": response }))),
        1 => Just(("release", json!({}))),
        2 => request().prop_map(|request| ("explain", json!({ "request": request }))),
    ];
    let later = prop_oneof![4 => (0..3_000_i64).prop_map(Some), 2 => (0..90_000_i64).prop_map(Some), 1 => Just(None)];
    (call, pool_number(), later, now(), any::<Index>()).prop_map(|((name, mut args), pool, later, now, lease)| {
        args["pool"] = pool;
        args["now"] = now;
        let takes_a_lease = ["resume", "report", "release"].contains(&name);
        Input::Call { name, args, id: None, intent: None, lease: takes_a_lease.then_some(lease), later }
    })
}

fn pool_number() -> impl Strategy<Value = Value> {
    prop_oneof![30 => Just(json!(1)), 1 => Just(json!(2)), 1 => number()]
}

/// Every input of a login.
fn on_logins() -> impl Strategy<Value = Input> {
    let config = json!({ "credential_pool_logins": { "custom:x": {
        "client_id": "c", "scope": "s", "device_authorization_url": "https://a.test/d", "token_url": "https://a.test/t",
        "authorization_url": "https://a.test/a",
    } } });
    let device = json!({ "device_code": "dc", "user_code": "A", "verification_uri": "https://a.test", "interval": 2 });
    let token = json!({ "access_token": "at", "refresh_token": "rt", "expires_in": 60 });
    let bodies = vec![device, token, json!({ "error": "authorization_pending" }), json!({ "error": "slow_down" })];
    let flow = select(vec![json!("device_code"), json!("authorization_code"), Value::Null]);
    let answer = (select(vec![200, 400, 429, 503]), select(bodies));
    let call = prop_oneof![
        2 => (select(vec!["nous", "custom:x"]), flow, seed()).prop_map(move |(key, flow, seed)| {
            ("startLogin", json!({ "key": key, "config": config, "flow": flow, "seed": seed }))
        }),
        6 => answer.prop_map(|(status, body)| {
            ("answerLogin", json!({ "response": { "status": status, "body": body.to_string() } }))
        }),
        4 => Just(("resumeLogin", json!({}))),
        2 => any::<u16>().prop_map(|port| ("loginListening", json!({ "port": port }))),
        1 => text().prop_map(|url| ("loginRedirected", json!({ "url": url }))),
        1 => Just(("closeLogin", json!({}))),
    ];
    let later = prop_oneof![3 => (0..20_000_i64).prop_map(Some), 1 => (0..900_000_i64).prop_map(Some)];
    (call, 1_u32..3, later).prop_map(|((name, mut args), login, later)| {
        if name != "startLogin" {
            args["login"] = json!(login);
        }
        let later = later.filter(|_| name != "closeLogin");
        Input::Call { name, args, id: None, intent: None, lease: None, later }
    })
}

/// Every function without a pool.
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
        1 => (select(vec!["1113", "1008", "1302"]), weighted(0.8, base_url()), now()).prop_map(|(code, base_url, now)| {
            let response = json!({ "status": 429, "body": json!({ "error": { "code": code } }).to_string() });
            Input::new("diagnose", json!({ "key": "custom:x", "response": response, "baseUrl": base_url, "now": now }))
        }),
        1 => Just(Input::new("providers", json!({}))),
        1 => policy().prop_map(|policy| Input::new("readPolicy", json!({ "policy": policy }))),
        1 => text().prop_map(|key| Input::new("wanted", json!({ "key": key }))),
        1 => (text(), config()).prop_map(|(url, config)| {
            Input::new("poolKeyForBaseUrl", json!({ "baseUrl": url, "config": config }))
        }),
        1 => Just(Input::new("emptyDocument", json!({}))),
    ]
}
