//! Prints what the pool really answers, as TypeScript: compiled against the package's types, it
//! proves that those are exact. Every answer there is must occur.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a check that cannot go on fails")]

use std::collections::BTreeSet;

use credential_pool_protocol::Session;
use serde_json::{Value, json};

const NOW: i64 = 1_775_757_580_463;
const HOUR: i64 = 3_600_000;

/// The type of each call's answer.
const TYPES: [(&str, &str); 47] = [
    ("open", "Step<Opened> & { pool: number }"),
    ("select", "Step<Selection>"),
    ("rotate", "Step<Selection>"),
    ("refresh", "Step<Refreshing>"),
    ("markUsed", "Step<null>"),
    ("lease", "Step<NextMove>"),
    ("resume", "Step<NextMove>"),
    ("report", "Step<NextMove>"),
    ("release", "Step<null>"),
    ("settle", "Step<Settled>"),
    ("tick", "Step<null>"),
    ("flush", "Step<null>"),
    ("signOff", "Step<null>"),
    ("sync", "Step<Opened>"),
    ("claim", "Step<Claim>"),
    ("add", "Step<string>"),
    ("update", "Step<null>"),
    ("remove", "Step<null>"),
    ("moveTo", "Step<null>"),
    ("reset", "Step<number>"),
    ("setStrategy", "Step<null>"),
    ("setPolicy", "Step<null>"),
    ("key", "string"),
    ("strategy", "Strategy"),
    ("policy", "Policy"),
    ("hasCredentials", "boolean"),
    ("current", "string | null"),
    ("entries", "Entry[]"),
    ("explain", "Explanation"),
    ("runtime", "Runtime"),
    ("address", "string"),
    ("limits", "Limits"),
    ("rows", "Row[]"),
    ("outstanding", "Intent[]"),
    ("diagnose", "Diagnosis"),
    ("readRequest", "LeaseRequest"),
    ("readPolicy", "ResolvedPolicy"),
    ("wanted", "Wanted"),
    ("providers", "ProviderFacts[]"),
    ("readDocument", "Reading"),
    ("applyChanges", "Stored"),
    ("checkDocument", "Problem[]"),
    ("startLogin", "{ login: number; move: LoginMove }"),
    ("answerLogin", "LoginMove"),
    ("resumeLogin", "LoginMove"),
    ("loginListening", "LoginMove"),
    ("loginRedirected", "LoginMove"),
];

/// Every tag that an answer can carry; with the field it stands in, if others share its name.
const TAGS: [&str; 91] = [
    "add",
    "available",
    "cooling_down",
    "continues",
    "dead",
    "value.dead",
    "claim",
    "release",
    "confirm",
    "value.lost",
    "set",
    "send",
    "empty",
    "exhausted",
    "gone",
    "identify",
    "persist",
    "refresh",
    "refreshed",
    "refreshing",
    "remove",
    "saved",
    "selected",
    "set_strategy",
    "status",
    "suppress",
    "tokens",
    "unrefreshed",
    "unsaved",
    "unsuppress",
    "used",
    "cooldown_ends",
    "token_due",
    "unsaved_changes",
    "lease_ends",
    "model_cooldown",
    "set_policy",
    "sign_off",
    "use",
    "retry",
    "wait",
    "give_up",
    "served",
    "late",
    "value.refresh",
    "next.use",
    "next.wait",
    "chosen",
    "passed_over",
    "cooling_down",
    "marked_dead",
    "recovered",
    "reverted",
    "awaits_refresh",
    "what.refreshed",
    "refresh_interrupted",
    "refresh_lost",
    "outage",
    "outage_over",
    "lease_expired",
    "strategy",
    "affinity",
    "by.retry",
    "verdict.chosen",
    "verdict.available",
    "verdict.dead",
    "verdict.expired",
    "verdict.failed",
    "verdict.no_secret",
    "verdict.unusable_secret",
    "verdict.unreachable",
    "cooling_down",
    "cooling_down_for_model",
    "half_open",
    "verdict.held",
    "at_cap",
    "due_for_refresh",
    "move.send",
    "show",
    "listen",
    "visit",
    ".wait",
    "done",
    "failed",
    ".denied",
    ".expired",
    ".unreachable",
    ".misconfigured",
    ".refused",
    ".unreadable",
    ".wrong_issuer",
];

fn main() {
    let mut shapes = Shapes::default();
    shapes.administer();
    shapes.refresh();
    shapes.share();
    shapes.serve();
    shapes.fail();
    shapes.survive_an_outage();
    shapes.wait();
    shapes.sign_in();
    shapes.look();
    shapes.log_in();
    shapes.print();
}

#[derive(Default)]
struct Shapes {
    session: Session,
    answers: Vec<(&'static str, Value)>,
}

impl Shapes {
    fn administer(&mut self) {
        let rows = json!([
            { "id": "a", "access_token": "sk-a", "mine": [1] },
            { "access_token": "sk-b" },
            { "id": "dead", "access_token": "sk-c", "last_status": "dead" },
            { "id": "keyless" },
            { "id": "unusable", "access_token": "sk-d\n" },
            "noise",
        ]);
        let env = json!({ "HF_TOKEN": "hf-1" });
        let pool = self.open("huggingface", &rows, &json!({ "env": env }));
        self.pool_call("select", pool, json!({}));
        self.pool_call("markUsed", pool, json!({ "id": "a" }));
        self.pool_call("setStrategy", pool, json!({ "strategy": "round_robin" }));
        self.pool_call("select", pool, json!({}));
        self.pool_call("select", pool, json!({}));
        self.pool_call("tick", pool, json!({ "now": NOW + HOUR }));
        self.pool_call("rotate", pool, json!({ "id": "a", "failure": { "status": 429 } }));
        self.pool_call("rotate", pool, json!({ "id": "a", "failure": {} }));
        let added = self.pool_call("add", pool, json!({ "row": { "access_token": "sk-d", "turn": 7 } }));
        let added = added["value"].as_str().unwrap().to_owned();
        self.pool_call("update", pool, json!({ "id": added, "fields": { "label": "new", "scope": null } }));
        self.pool_call("moveTo", pool, json!({ "id": added, "place": 0 }));
        self.pool_call("remove", pool, json!({ "id": added }));
        let discovered = self.pool_call("entries", pool, json!({}));
        let of_env = |entry: &&Value| entry["source"] == "env:HF_TOKEN";
        let discovered = discovered.as_array().unwrap().iter().find(of_env).unwrap()["id"].clone();
        self.pool_call("remove", pool, json!({ "id": discovered }));
        self.pool_call("add", pool, json!({ "row": { "source": "env:HF_TOKEN", "access_token": "hf-1" } }));
        self.pool_call("settle", pool, json!({ "intent": 1, "outcome": { "type": "failed" } }));
        self.pool_call("flush", pool, json!({}));
        let last = self.pool_call("outstanding", pool, json!({})).as_array().unwrap().last().unwrap()["id"].clone();
        self.pool_call("settle", pool, json!({ "intent": last, "outcome": { "type": "saved" } }));
        self.pool_call("reset", pool, json!({ "id": null }));
        self.pool_call("signOff", pool, json!({}));
        for call in ["key", "strategy", "hasCredentials", "current", "rows"] {
            self.call(call, json!({ "pool": pool }));
        }
        self.call("runtime", json!({ "pool": pool, "id": "a" }));
        let endpoints = json!({ "baseUrl": "https://h.test/v1" });
        self.call("address", json!({ "pool": pool, "id": "a", "url": "chat", "endpoints": endpoints }));
        self.call("limits", json!({}));
        let empty = self.open("openrouter", &json!([]), &json!({}));
        self.pool_call("select", empty, json!({}));
    }

    fn refresh(&mut self) {
        let pool = self.open("anthropic", &json!([login("a", NOW + HOUR), login("b", NOW)]), &json!({}));
        self.pool_call("select", pool, json!({}));
        let mut settle = |id: &str, outcome: Value| {
            let intent = self.pool_call("refresh", pool, json!({ "id": id }))["value"]["intent"].clone();
            self.pool_call("settle", pool, json!({ "intent": intent, "outcome": outcome }));
        };
        let answer = |status: u16, body: Value| json!({ "type": "response", "status": status, "headers": [["Retry-After", "12"]], "body": body.to_string() });
        settle("b", json!({ "type": "unreachable" }));
        settle("a", json!({ "type": "lost" }));
        settle("b", answer(503, json!({})));
        settle("b", answer(200, json!({ "access_token": "at-2", "refresh_token": "rt-2", "expires_in": 60 })));
        settle("b", answer(400, json!({ "error": "invalid_grant" })));
        settle("a", json!({ "type": "tokens", "set": { "access_token": "at-2", "expires_at_ms": NOW + 2 * HOUR } }));
        settle("a", json!({ "type": "refused" }));
        self.pool_call("select", pool, json!({}));
        self.pool_call("entries", pool, json!({}));
        let intent = self.pool_call("refresh", pool, json!({ "id": "b" }))["value"]["intent"].clone();
        self.pool_call("remove", pool, json!({ "id": "b" }));
        self.pool_call("settle", pool, json!({ "intent": intent, "outcome": { "type": "refused" } }));
        let due = self.open("anthropic", &json!([login("a", NOW)]), &json!({}));
        self.pool_call("select", due, json!({}));
    }

    /// A request through limits to another credential, and the probe after the rest.
    /// Two hosts with one login, the first of which dies while it refreshes.
    fn share(&mut self) {
        let rows = json!([login("a", NOW)]);
        let [first, second] = [(); 2].map(|()| self.open("anthropic", &rows, &json!({})));
        let [one, other] =
            [first, second].map(|pool| self.pool_call("select", pool, json!({}))["value"]["intent"].clone());
        let claimed = self.pool_call("claim", first, json!({ "intent": one }));
        let changes = claimed["intents"][0]["changes"].clone();
        let stored =
            self.call("applyChanges", json!({ "key": "anthropic", "stored": { "rows": rows }, "changes": changes }));
        self.pool_call("sync", first, json!({ "stored": stored, "sources": { "env": {} } }));
        self.pool_call("claim", first, json!({ "intent": one }));
        self.pool_call("reset", first, json!({}));
        self.pool_call("sync", second, json!({ "stored": stored }));
        self.pool_call("claim", second, json!({ "intent": other }));
        let later = NOW + HOUR;
        let again = self.pool_call("select", second, json!({ "now": later }))["value"]["intent"].clone();
        self.pool_call("claim", second, json!({ "intent": again, "now": later }));
    }

    fn serve(&mut self) {
        let pool = self.open("openrouter", &keys(["a", "b"]), &json!({}));
        self.pool_call("explain", pool, json!({}));
        let used = self.pool_call("lease", pool, json!({}))["value"].clone();
        let retry = self.report(pool, &used, &limited(), NOW);
        let used = self.resume(pool, &retry);
        let other =
            self.report(pool, &used, &json!({ "status": 429, "headers": [["Retry-After", "12"]] }), NOW + 2_000);
        self.pool_call("explain", pool, json!({ "now": NOW + 2_000 }));
        self.report(pool, &other, &served(), NOW + 2_000);
        let saved = self.pool_call("flush", pool, json!({ "now": NOW + 2_000 }))["intents"].clone();
        for intent in saved.as_array().unwrap() {
            self.pool_call("settle", pool, json!({ "intent": intent["id"], "outcome": { "type": "saved" } }));
        }
        self.pool_call("explain", pool, json!({ "now": NOW + 20_000 }));
        let probe = self.pool_call("lease", pool, json!({ "now": NOW + 20_000 }))["value"].clone();
        self.pool_call("explain", pool, json!({ "now": NOW + 20_000 }));
        self.report(pool, &probe, &served(), NOW + 20_000);
        let used = self.pool_call("lease", pool, json!({ "request": { "affinity": "mine" } }))["value"].clone();
        self.pool_call("release", pool, json!({ "lease": used["lease"] }));
        self.pool_call("setPolicy", pool, json!({ "policy": { "failures": { "quota": { "cooldown_ms": 600_000 } } } }));
        self.pool_call("flush", pool, json!({}));
        self.call("policy", json!({ "pool": pool }));
    }

    /// Every kind of failure, until the request ends.
    fn fail(&mut self) {
        let answers = [
            limited(),
            json!({ "status": 402, "body": error("insufficient_quota") }),
            json!({ "status": 401, "body": error("invalid_api_key") }),
            json!({ "status": 401, "body": error("account_deactivated") }),
            json!({ "status": 403, "body": error("unsupported_country_region_territory") }),
            json!({ "status": 404, "body": error("model_not_found") }),
            json!({ "status": 400, "body": error("context_length_exceeded") }),
            json!({ "status": 418 }),
            json!({}),
        ];
        for answer in answers {
            let pool = self.open("custom:openai", &keys(["a", "b"]), &json!({}));
            let request = json!({ "model": "small", "patienceMs": 10_000 });
            self.follow(pool, &request, &[answer]);
            self.pool_call("explain", pool, json!({ "request": request, "now": NOW + 10_000 }));
            self.pool_call("entries", pool, json!({ "now": NOW + 10_000 }));
        }
    }

    /// An outage of the provider, and its end.
    fn survive_an_outage(&mut self) {
        let pool = self.open("openrouter", &keys(["a", "b"]), &json!({}));
        let down = json!({ "status": 503 });
        self.follow(pool, &json!({}), &[down.clone(), down.clone(), down, served()]);
    }

    /// More requests than a credential may have, and a session that crashes.
    fn wait(&mut self) {
        let rows = json!([{ "id": "a", "access_token": "sk-a", "max_in_flight": 1 }]);
        let pool = self.open("openrouter", &rows, &json!({}));
        let used = self.pool_call("lease", pool, json!({}))["value"].clone();
        let waiting = self.pool_call("lease", pool, json!({}))["value"].clone();
        self.pool_call("explain", pool, json!({}));
        self.resume(pool, &waiting);
        self.pool_call("flush", pool, json!({}));
        self.pool_call("tick", pool, json!({ "now": NOW + HOUR }));
        self.report(pool, &used, &served(), NOW + HOUR);
        let empty = self.open("openrouter", &json!([]), &json!({}));
        self.pool_call("lease", empty, json!({ "request": null }));
    }

    /// Logins whose tokens end.
    fn sign_in(&mut self) {
        let rows = json!([login("due", NOW), { "id": "over", "auth_type": "oauth", "access_token": "at", "expires_at_ms": NOW }, { "id": "keyless" }, { "id": "unusable", "access_token": "sk-d\n" }]);
        let pool = self.open("anthropic", &rows, &json!({}));
        self.pool_call("explain", pool, json!({}));
        let refresh = self.pool_call("lease", pool, json!({}))["value"].clone();
        self.pool_call("explain", pool, json!({}));
        let unreachable = json!({ "type": "unreachable" });
        let step = self.pool_call("settle", pool, json!({ "intent": refresh["intent"], "outcome": unreachable }));
        self.pool_call("settle", pool, json!({ "intent": step["value"]["intent"], "outcome": unreachable }));
        self.pool_call("explain", pool, json!({}));
        self.pool_call("resume", pool, json!({ "lease": refresh["lease"] }));
    }

    fn look(&mut self) {
        self.call("readPolicy", json!({ "policy": {} }));
        self.call("readPolicy", json!({ "policy": { "preset": "reference" } }));
        self.call("wanted", json!({ "key": "anthropic" }));
        self.call("providers", json!({}));
        let limited = json!({ "status": 429, "headers": [["Retry-After", "12"]], "body": "" });
        self.call("diagnose", json!({ "key": "anthropic", "response": limited, "now": NOW }));
        self.call("diagnose", json!({ "key": "anthropic", "response": {}, "now": NOW }));
        self.call(
            "readRequest",
            json!({ "url": "v1/messages", "body": r#"{"model":"m","messages":[{"role":"user","content":"a"}]}"# }),
        );
        let text = json!({
            "version": 2,
            "providers": { "nous": {} },
            "credential_pool": { "nous": ["noise", { "last_status": "odd", "auth_type": "odd" }], "X": [] },
            "credential_pool_strategies": { "nous": "random" },
            "suppressed_sources": { "nous": ["device_code"] },
        });
        self.call("readDocument", json!({ "text": text.to_string(), "key": "nous" }));
        self.call("checkDocument", json!({ "text": text.to_string(), "now": NOW }));
        let changes = json!([{ "by": { "at": 1, "host": "h" }, "type": "set_strategy", "strategy": "random" }]);
        self.call("applyChanges", json!({ "key": "nous", "stored": { "rows": [7] }, "changes": changes }));
    }

    /// Every way in which a login goes on and ends.
    fn log_in(&mut self) {
        let device = json!({ "device_code": "dc", "user_code": "A", "verification_uri": "https://a.test" }).to_string();
        let token = json!({ "access_token": "at", "expires_in": 60 }).to_string();
        for answer in
            [json!({ "status": 200, "body": token }), json!({ "status": 400, "body": error("access_denied") })]
        {
            let login = self.start_login("device_code");
            self.answer_login(login, json!({ "status": 200, "body": device }));
            self.call("resumeLogin", json!({ "login": login, "now": NOW }));
            self.call("resumeLogin", json!({ "login": login, "now": NOW + 5_000 }));
            self.answer_login(login, answer);
        }
        for answer in [
            json!({ "status": 200, "body": "{}" }),
            json!({ "status": 401, "body": error("invalid_client") }),
            json!({ "status": 404 }),
            json!({ "status": 429, "headers": [["Retry-After", "3600"]] }),
        ] {
            let login = self.start_login("device_code");
            self.answer_login(login, answer);
        }
        for later in [true, false] {
            let login = self.start_login("authorization_code");
            let visit = self.call("loginListening", json!({ "login": login, "port": 81, "now": NOW }));
            let state = visit["url"].as_str().unwrap().split("state=").nth(1).unwrap().split('&').next().unwrap();
            match later {
                true => self.call("resumeLogin", json!({ "login": login, "now": NOW + HOUR })),
                false => {
                    let url = format!("/callback?code=c&state={state}&iss=other");
                    self.call("loginRedirected", json!({ "login": login, "url": url, "now": NOW }))
                }
            };
        }
    }

    fn start_login(&mut self, flow: &str) -> u64 {
        let config = json!({ "credential_pool_logins": { "custom:a": {
            "client_id": "c", "device_authorization_url": "https://a.test/device", "issuer": "https://a.test",
            "authorization_url": "https://a.test/authorize", "token_url": "https://a.test/token",
        } } });
        let seed = "07".repeat(32);
        let args = json!({ "key": "custom:a", "config": config, "flow": flow, "seed": seed, "now": NOW });
        self.call("startLogin", args)["login"].as_u64().unwrap()
    }

    fn answer_login(&mut self, login: u64, response: Value) {
        self.call("answerLogin", json!({ "login": login, "response": response, "now": NOW }));
    }

    fn open(&mut self, key: &str, rows: &Value, sources: &Value) -> u64 {
        let seed = format!("{:02x}", self.answers.len() % 256).repeat(32);
        let args = json!({ "key": key, "stored": { "rows": rows }, "sources": sources, "seed": seed, "now": NOW });
        self.call("open", args)["pool"].as_u64().unwrap()
    }

    /// Follows a request to its end as a host does: attempts get the answers in turn, repeated.
    fn follow(&mut self, pool: u64, request: &Value, responses: &[Value]) {
        let mut now = NOW;
        let mut responses = responses.iter().cycle();
        let mut next = self.pool_call("lease", pool, json!({ "request": request }))["value"].clone();
        for _ in 0..100 {
            now = next["until"].as_i64().unwrap_or(now);
            next = match next["type"].as_str().unwrap() {
                "use" => self.report(pool, &next, responses.next().unwrap(), now),
                "retry" | "wait" => self.resume(pool, &next),
                _ => return,
            };
        }
        panic!("the request does not end");
    }

    fn report(&mut self, pool: u64, used: &Value, response: &Value, now: i64) -> Value {
        let args = json!({ "lease": used["lease"], "response": response, "now": now });
        self.pool_call("report", pool, args)["value"].clone()
    }

    fn resume(&mut self, pool: u64, waiting: &Value) -> Value {
        self.pool_call("resume", pool, json!({ "lease": waiting["lease"], "now": waiting["until"] }))["value"].clone()
    }

    /// A call on a pool; of those that take the time, `now` unless they say another.
    fn pool_call(&mut self, name: &'static str, pool: u64, mut args: Value) -> Value {
        args["pool"] = json!(pool);
        if !["markUsed", "outstanding"].contains(&name) && args.get("now").is_none() {
            args["now"] = json!(NOW);
        }
        self.call(name, args)
    }

    fn call(&mut self, name: &'static str, args: Value) -> Value {
        let answer = self.session.call(&json!({ "call": name, "args": args }).to_string());
        let mut answer: Value = serde_json::from_str(&answer).unwrap();
        let Some(ok) = answer.get_mut("ok").map(Value::take) else { panic!("{name}: {answer}") };
        self.answers.push((name, ok.clone()));
        ok
    }

    fn print(&self) {
        println!("import type {{");
        println!(
            "  Diagnosis, Entry, Explanation, Intent, LoginMove, NextMove, Opened, Policy, Problem, ProviderFacts, Reading, Refreshing, ResolvedPolicy,"
        );
        println!("  Claim, LeaseRequest, Limits, Row, Runtime, Selection, Settled, Step, Stored, Strategy, Wanted,");
        println!("}} from \"credential-pool\";\n");
        let mut seen = BTreeSet::new();
        for (place, (name, answer)) in self.answers.iter().enumerate() {
            tags("", answer, &mut seen);
            let (_, of) = TYPES.iter().find(|(call, _)| call == name).unwrap();
            println!("export const {name}{place}: {of} = {answer};");
        }
        let missing: Vec<_> = TAGS.iter().filter(|tag| !seen.contains(**tag)).collect();
        assert!(missing.is_empty(), "no answer carries {missing:?}");
        let called: BTreeSet<_> = self.answers.iter().map(|(name, _)| *name).collect();
        assert_eq!(called.len(), TYPES.len(), "only {called:?} were called");
    }
}

fn keys(ids: [&str; 2]) -> Value {
    ids.map(|id| json!({ "id": id, "access_token": format!("sk-{id}") })).as_slice().into()
}

fn login(id: &str, end: i64) -> Value {
    json!({ "id": id, "auth_type": "oauth", "access_token": id, "refresh_token": "rt", "expires_at_ms": end })
}

fn served() -> Value {
    json!({ "status": 200 })
}

fn limited() -> Value {
    json!({ "status": 429, "body": error("rate_limit_exceeded") })
}

/// What providers write with a code.
fn error(code: &str) -> String {
    json!({ "error": { "code": code, "message": code } }).to_string()
}

/// Gathers the tags in an answer: what tells the members of a union apart.
fn tags(field: &str, value: &Value, seen: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for tag in ["type", "reason"].iter().filter_map(|tag| fields.get(*tag)?.as_str()) {
                seen.extend([tag.to_owned(), format!("{field}.{tag}")]);
            }
            fields.iter().for_each(|(field, value)| tags(field, value, seen));
        }
        Value::Array(values) => values.iter().for_each(|value| tags(field, value, seen)),
        _ => {}
    }
}
