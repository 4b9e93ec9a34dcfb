//! Refreshes of logins: answers of token endpoints, and the state of the login after each.
//!
//! After its title (`== title`) a transcript gives the fields in which the login's row differs (`row {JSON}`), if any.
//! Each further line is a moment, an input, and after `=>` the answer. `saved` lists the fields that the same step handed
//! over to be saved.

use credential_pool::{Happening, Intent, IntentId, Outcome, Selection, Settled, State, Step, Timestamp};
use serde_json::{Value, json};

use crate::host::{HOUR, Host, START, after, login};

#[test]
fn a_login_fares_as_the_transcripts_say() {
    let mut wrong = Vec::new();
    let mut lines = 0;
    for (file, text) in [
        ("anthropic", include_str!("oauth/anthropic.txt")),
        ("openai-codex", include_str!("oauth/openai_codex.txt")),
        ("nous", include_str!("oauth/nous.txt")),
    ] {
        for transcript in text.split("\n== ").skip(1) {
            let title = transcript.lines().next().unwrap();
            let mut stage = Stage { pool: file.to_owned(), ..Stage::default() };
            for line in transcript.lines().skip(1).filter(|line| !line.trim().is_empty()) {
                let Some((input, expected)) = line.split_once("=>") else {
                    stage.set(line);
                    continue;
                };
                lines += 1;
                let answer = stage.play(input.trim());
                if answer != expected.trim() {
                    let input = input.trim();
                    wrong.push(format!("{file}: {title}\n  {input}\n  => {answer}\n  wanted {}", expected.trim()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {lines} answers are others:\n{}", wrong.len(), wrong.join("\n"));
    assert!(lines > 100, "only {lines} lines were played");
}

#[test]
fn a_rotated_token_is_saved_before_the_request_that_needs_it() {
    let mut host = Host::open("nous", json!([nous()]));
    let step = host.pool.refresh(&"a".into(), host.now).unwrap();
    let first = step.value.intent;
    host.carry_out(step);
    let step = settle(&mut host, first, response(200, json!({ "access_token": "at-2", "refresh_token": "rt-2" })));
    let [Intent::Persist { .. }, Intent::Refresh { id, request, .. }] = step.intents.as_slice() else {
        panic!("{:?}", step.intents)
    };
    let bearer = ("Authorization", "Bearer at-2".to_owned());
    assert!(request.headers.contains(&bearer), "the key is asked for with the new token");
    assert_eq!(request.body, r#"{"min_ttl_seconds":1800}"#);
    let second = *id;
    host.carry_out(step);
    assert_eq!(host.row("a")["refresh_token"], "rt-2");
    assert!(second > first);
    let step = settle(&mut host, second, Outcome::Unreachable);
    assert!(matches!(step.value, Settled::Unrefreshed { .. }));
    assert_eq!(host.row("a")["refresh_token"], "rt-2", "a key that did not come undoes nothing");
}

#[test]
fn all_rows_that_hold_a_token_which_is_refused_for_good_are_dead() {
    let mut twin = login("twin", 1, after(HOUR));
    twin["refresh_token"] = json!("rt-a");
    let mut host = Host::open("anthropic", json!([login("a", 0, after(HOUR)), twin, login("other", 2, after(HOUR))]));
    let step = host.pool.refresh(&"a".into(), host.now).unwrap();
    let intent = step.value.intent;
    host.carry_out(step);
    let step = settle(&mut host, intent, response(400, json!({ "error": "invalid_grant" })));
    let marked_dead = |happening: &Happening| matches!(happening, Happening::MarkedDead { .. });
    assert_eq!(step.events.iter().filter(|event| marked_dead(&event.what)).count(), 2);
    assert_eq!(step.events[0].to_string(), "a is dead: revoked (400) at 2026-04-09T17:59:40Z");
    host.carry_out(step);
    assert_eq!(["a", "twin", "other"].map(|id| host.state(id)), [State::Dead, State::Dead, State::Available]);
}

#[test]
fn a_login_that_is_made_a_key_while_it_is_refreshed_serves_and_its_refresh_is_gone() {
    let mut host = Host::open("anthropic", json!([login("a", 0, after(-HOUR))]));
    assert!(matches!(host.select(), Selection::Refreshing { .. }));
    let fields = json!({ "auth_type": "api_key" });
    let step = host.pool.update(&"a".into(), fields.as_object().unwrap(), host.now).unwrap();
    host.carry_out(step);
    let (intent, _) = host.refreshes.remove(0);
    let step = settle(&mut host, intent, Outcome::Unreachable);
    assert_eq!(step.value, Settled::Gone);
    assert_eq!(host.serves().as_deref(), Some("a"));
}

#[test]
fn an_outcome_is_read_as_hosts_write_it() {
    let read = |outcome: Value| serde_json::from_value::<Outcome>(outcome);
    let outcome = read(json!({ "type": "response", "status": 400, "body": "canary" })).unwrap();
    assert_eq!(outcome, Outcome::Response { status: 400, headers: Vec::new(), body: "canary".to_owned() });
    assert_eq!(format!("{outcome:?}"), "Response { status: 400, .. }");
    for wrong in [
        json!({ "type": "response", "body": "" }),
        json!({ "type": "response", "status": 70_000, "body": "" }),
        json!({ "type": "response", "status": 200 }),
        json!({ "type": "response", "status": 200, "body": {} }),
        json!({ "type": "response", "status": 200, "body": "", "text": "" }),
    ] {
        assert!(read(wrong.clone()).is_err(), "{wrong}");
    }
}

fn settle(host: &mut Host, intent: IntentId, outcome: Outcome) -> Step<Settled> {
    host.pool.settle(intent, outcome, host.now).unwrap()
}

fn response(status: u16, body: Value) -> Outcome {
    Outcome::Response { status, headers: Vec::new(), body: body.to_string() }
}

fn nous() -> Value {
    json!({
        "id": "a", "source": "device_code", "auth_type": "oauth", "access_token": "at-a", "refresh_token": "rt-a",
        "agent_key": "ak-a", "agent_key_id": "k-a", "agent_key_expires_at": "2026-04-09T18:59:40Z",
        "expires_at": "2026-04-09T18:59:40.463000+00:00",
    })
}

/// A pool with one login.
#[derive(Default)]
struct Stage {
    pool: String,
    row: serde_json::Map<String, Value>,
    host: Option<Host>,
}

impl Stage {
    fn set(&mut self, line: &str) {
        let (name, value) = line.trim().split_once(' ').unwrap();
        match name {
            "#" => {}
            "row" => self.row = serde_json::from_str(value).unwrap(),
            other => panic!("a transcript cannot set {other}"),
        }
    }

    fn open(&self) -> Host {
        let mut row = match self.pool.as_str() {
            "nous" => nous(),
            "anthropic" => login("a", 0, after(HOUR)),
            _ => {
                let mut row = login("a", 0, after(HOUR));
                row["access_token"] = json!(jwt(START.as_millis() + HOUR));
                row.as_object_mut().unwrap().remove("expires_at_ms");
                row
            }
        };
        row.as_object_mut().unwrap().extend(self.row.clone());
        Host::open(&self.pool, json!([row]))
    }

    fn play(&mut self, input: &str) -> String {
        if self.host.is_none() {
            self.host = Some(self.open());
        }
        let host = self.host.as_mut().unwrap();
        let (at, input) = input.split_once(' ').unwrap();
        host.now = moment(at);
        let (word, rest) = input.trim().split_once(' ').unwrap_or((input.trim(), ""));
        let rest = rest.trim();
        match word {
            "refresh" => {
                let step = host.pool.refresh(&"a".into(), host.now).unwrap();
                asked(host, step)
            }
            "select" => {
                let step = host.pool.select(host.now);
                asked(host, step)
            }
            "serves" => host.serves().unwrap_or("-".to_owned()),
            "state" => match host.state("a") {
                State::CoolingDown { until, .. } => format!("cooling down until {}", since_start(until)),
                State::Unreachable { until } => format!("unreachable until {}", since_start(until)),
                other => serde_json::to_value(other).unwrap()["type"].as_str().unwrap().to_owned(),
            },
            "row" => {
                let fields: Vec<_> =
                    rest.split(' ').map(|field| host.row("a").get(field).unwrap_or(&Value::Null).to_string()).collect();
                fields.join(" ")
            }
            "remove" => {
                let step = host.pool.remove(&"a".into(), host.now).unwrap();
                host.carry_out(step);
                "-".to_owned()
            }
            "update" => {
                let fields: Value = serde_json::from_str(rest).unwrap();
                let step = host.pool.update(&"a".into(), fields.as_object().unwrap(), host.now).unwrap();
                host.carry_out(step);
                "-".to_owned()
            }
            "unreachable" => settled(host, Outcome::Unreachable),
            status => {
                let (after, body) = match rest.strip_prefix("after=") {
                    Some(rest) => rest.split_once(' ').unwrap_or((rest, "")),
                    None => ("", rest),
                };
                let headers = match after {
                    "" => Vec::new(),
                    after => vec![("retry-after".to_owned(), after.to_owned())],
                };
                let body = body.trim().replace("JWT+1h", &jwt(host.now.as_millis() + HOUR)).replace("JWT-1h", &jwt(0));
                settled(host, Outcome::Response { status: status.parse().unwrap(), headers, body })
            }
        }
    }
}

/// Where the refresh goes that a step asks for.
fn asked<T>(host: &mut Host, step: Step<T>) -> String {
    let request = step.intents.iter().find_map(|intent| match intent {
        Intent::Refresh { request, .. } => Some(request.url.clone()),
        Intent::Persist { .. } => None,
    });
    host.carry_out(step);
    request.unwrap_or("-".to_owned())
}

/// Settles the refresh that is under way.
fn settled(host: &mut Host, outcome: Outcome) -> String {
    let (intent, _) = host.refreshes.remove(0);
    let body = match &outcome {
        Outcome::Response { body, .. } => body.clone(),
        _ => String::new(),
    };
    let step = settle(host, intent, outcome);
    let mut answer = match &step.value {
        Settled::Refreshed { .. } => "refreshed".to_owned(),
        Settled::Dead { .. } => "dead".to_owned(),
        Settled::Lost { .. } => "lost".to_owned(),
        Settled::Gone => "gone".to_owned(),
        Settled::Continues { .. } => "continues".to_owned(),
        Settled::Unrefreshed { retry_at, .. } => format!("unrefreshed until {}", since_start(*retry_at)),
        other => panic!("a response is not settled as {other:?}"),
    };
    let mut saved = Vec::new();
    for intent in &step.intents {
        match intent {
            Intent::Persist { changes, .. } => {
                let tokens = changes.iter().map(|change| serde_json::to_value(change).unwrap());
                let set = tokens.filter(|change| change["type"] == "tokens").map(|change| change["set"].clone());
                let secrets = ["access_token", "refresh_token", "agent_key"];
                let is_new = |set: &Value, name: &str| set[name].as_str().is_some_and(|token| body.contains(token));
                saved.extend(
                    set.flat_map(|set| secrets.into_iter().filter(|name| is_new(&set, name)).collect::<Vec<_>>()),
                );
            }
            Intent::Refresh { request, .. } => answer += &format!(" at {}", request.url),
        }
    }
    if !saved.is_empty() {
        answer += &format!(", saved {}", saved.join(" "));
    }
    host.carry_out(step);
    answer
}

fn jwt(expires_at_ms: i64) -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(json!({ "exp": expires_at_ms / 1000 }).to_string()))
}

/// `90s`, counted from the opening.
fn moment(word: &str) -> Timestamp {
    after(word.strip_suffix('s').unwrap().parse::<i64>().unwrap() * 1000)
}

fn since_start(at: Timestamp) -> String {
    let millis = at.as_millis() - START.as_millis();
    if millis % 1000 == 0 { format!("{}s", millis / 1000) } else { format!("{millis}ms") }
}
