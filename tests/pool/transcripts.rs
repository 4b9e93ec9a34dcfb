//! Transcripts of requests: inputs of sessions, each with the pool's answer.
//!
//! After its title (`== title`) a transcript lists the settings of the pool, one per line:
//! `keys a b`, `rows [JSON]`, `pool KEY`, `policy {JSON}`, `strategy NAME`. Each line after them is a time since the
//! opening, an input (of a session, or of the host), and after `=>` the answer. `explain` shows the verdict of each
//! credential.

use std::collections::BTreeMap;

use credential_pool::{LeaseId, NextMove, Request, Response, Timestamp, Verdict};
use serde_json::{Value, json};

use crate::host::{Host, START, key, tokens};

#[test]
fn every_transcript_replays() {
    let mut differences = Vec::new();
    let mut lines = 0;
    for (file, text) in [
        ("limits", include_str!("transcripts/limits.txt")),
        ("faults", include_str!("transcripts/faults.txt")),
        ("storms", include_str!("transcripts/storms.txt")),
        ("sessions", include_str!("transcripts/sessions.txt")),
        ("capacity", include_str!("transcripts/capacity.txt")),
        ("policies", include_str!("transcripts/policies.txt")),
    ] {
        for transcript in text.split("\n== ").skip(1) {
            let mut replay = Replay::default();
            for line in transcript.lines().skip(1).filter(|line| !line.trim().is_empty()) {
                let Some((input, expected)) = line.split_once("=>") else {
                    replay.set(line);
                    continue;
                };
                lines += 1;
                let answer = replay.answer(input);
                if answer != expected.trim() {
                    let title = transcript.lines().next().unwrap();
                    differences.push(format!(
                        "{file}: {title}\n  {}\n  => {answer}\n  expected {}",
                        input.trim(),
                        expected.trim()
                    ));
                }
            }
        }
    }
    assert!(differences.is_empty(), "{} of {lines} answers differ:\n{}", differences.len(), differences.join("\n"));
    assert!(lines > 150, "only {lines} lines were replayed");
}

/// The pool of a transcript, with its settings and sessions.
struct Replay {
    pool: String,
    rows: Value,
    policy: Value,
    strategy: Option<String>,
    host: Option<Host>,
    /// Latest lease of each session.
    leases: BTreeMap<String, LeaseId>,
}

impl Default for Replay {
    fn default() -> Self {
        Self {
            pool: "openrouter".to_owned(),
            rows: json!([]),
            policy: json!({ "jitter_percent": 0 }),
            strategy: None,
            host: None,
            leases: BTreeMap::new(),
        }
    }
}

impl Replay {
    fn set(&mut self, line: &str) {
        let (name, value) = line.trim().split_once(' ').unwrap();
        match name {
            "#" => {}
            "keys" => {
                self.rows = value.split(' ').zip(0..).map(|(id, priority)| key(id, priority)).collect();
            }
            "rows" => self.rows = serde_json::from_str(value).unwrap(),
            "pool" => self.pool = value.to_owned(),
            "policy" => {
                let differences: Value = serde_json::from_str(value).unwrap();
                self.policy.as_object_mut().unwrap().extend(differences.as_object().unwrap().clone());
            }
            "strategy" => self.strategy = Some(value.to_owned()),
            other => panic!("a transcript has no setting {other}"),
        }
    }

    fn answer(&mut self, input: &str) -> String {
        if self.host.is_none() {
            let config = json!({
                "credential_pool_policies": { &self.pool: self.policy },
                "credential_pool_strategies": { &self.pool: self.strategy },
            });
            let host = Host::open_with(&self.pool, self.rows.clone(), json!({ "config": config }));
            assert_eq!(host.opened.problems, [], "{}", self.policy);
            self.host = Some(host);
        }
        let host = self.host.as_mut().unwrap();
        let mut parts = input.split_whitespace();
        host.now = moment(parts.next().unwrap());
        let parts: Vec<_> = parts.collect();
        match parts.as_slice() {
            ["explain", request @ ..] => verdicts(host, &request_of(request)),
            ["tick"] => {
                let step = host.pool.tick(host.now);
                host.carry_out(step);
                "-".to_owned()
            }
            ["wake"] => host.pool.wake().map_or("-".to_owned(), |wake| since_start(wake.at)),
            ["reset", id] => {
                let step = host.pool.reset(Some(&(*id).into()), host.now).unwrap();
                host.carry_out(step);
                "-".to_owned()
            }
            ["remove", id] => {
                let step = host.pool.remove(&(*id).into(), host.now).unwrap();
                host.carry_out(step);
                "-".to_owned()
            }
            ["rekey", id, secret] => {
                let fields = json!({ "access_token": secret });
                let step = host.pool.update(&(*id).into(), fields.as_object().unwrap(), host.now).unwrap();
                host.carry_out(step);
                "-".to_owned()
            }
            ["reopen"] => {
                host.reopen();
                "-".to_owned()
            }
            ["tokens", id] => settle_with_tokens(host, id, "1h"),
            ["tokens", id, lifetime] => settle_with_tokens(host, id, lifetime),
            ["unreachable", id] => {
                assert_eq!(host.settle_refresh(credential_pool::Outcome::Unreachable), *id);
                "-".to_owned()
            }
            ["policy", policy] => {
                let step = host.pool.set_policy(&serde_json::from_str(policy).unwrap(), host.now).unwrap();
                host.carry_out(step);
                "-".to_owned()
            }
            ["refused", id] => {
                assert_eq!(host.settle_refresh(credential_pool::Outcome::Refused), *id);
                "-".to_owned()
            }
            ["row", id, field] => host.row(id).get(*field).map_or("-".to_owned(), Value::to_string),
            ["select"] => host.serves().unwrap_or("-".to_owned()),
            [session, input @ ..] => {
                let session = (*session).to_owned();
                self.session(session, input)
            }
            [] => panic!("a line without an input"),
        }
    }

    fn session(&mut self, session: String, input: &[&str]) -> String {
        let host = self.host.as_mut().unwrap();
        let lease = self.leases.get(&session).copied().unwrap_or(LeaseId::new(0));
        let next = match input {
            ["lease", request @ ..] => {
                let step = host.pool.lease(request_of(request), host.now);
                Ok(host.carry_out(step))
            }
            ["resume"] => host.pool.resume(lease, host.now).map(|step| host.carry_out(step)),
            ["release"] => {
                return match host.pool.release(lease, host.now) {
                    Ok(step) => {
                        host.carry_out(step);
                        "-".to_owned()
                    }
                    Err(error) => format!("error {}", name(&error.code)),
                };
            }
            answer => host.pool.report(lease, &response(answer), host.now).map(|step| host.carry_out(step)),
        };
        match next {
            Ok(next) => {
                if let Some(lease) = lease_of(&next) {
                    self.leases.insert(session, lease);
                }
                move_text(&next)
            }
            Err(error) => format!("error {}", name(&error.code)),
        }
    }
}

/// Settles the oldest refresh with new tokens of this lifetime.
fn settle_with_tokens(host: &mut Host, id: &str, lifetime: &str) -> String {
    let end = host.now.as_millis() + millis(lifetime);
    let fresh = json!({ "access_token": format!("at2-{id}"), "expires_at_ms": end });
    assert_eq!(host.settle_refresh(tokens(fresh)), id);
    "-".to_owned()
}

fn request_of(words: &[&str]) -> Request {
    let mut request = Request::default();
    for word in words {
        match word.split_once('=').unwrap() {
            ("model", model) => request.model = Some(model.to_owned()),
            ("affinity", affinity) => request.affinity = Some(affinity.to_owned()),
            ("patience", patience) => request.patience_ms = Some(millis(patience).try_into().unwrap()),
            (other, _) => panic!("a request has no {other}"),
        }
    }
    request
}

/// Builds a provider's answer from its status, a keyword for its body, and hints.
fn response(words: &[&str]) -> Response {
    let mut response = Response::default();
    for word in words {
        let body = match *word {
            "-" => continue,
            "revoked" => {
                json!({ "error": { "code": "account_deactivated", "message": "Your account is deactivated" } })
            }
            "quota" => {
                json!({ "error": { "code": "insufficient_quota", "message": "You exceeded your current quota" } })
            }
            "forbidden" => json!({ "error": { "type": "permission_error", "message": "no access to this model" } }),
            "gone" => json!({ "error": { "code": "model_not_found", "message": "The model `m` does not exist" } }),
            "model-limit" => {
                json!({ "error": { "message": "Rate limit reached for model `m` in organization o on requests per min" } })
            }
            "broken" => json!({ "type": "error", "error": { "type": "overloaded_error", "message": "Overloaded" } }),
            other => {
                match other.split_once('=') {
                    Some(("after", seconds)) => {
                        response.headers.push(("Retry-After".to_owned(), seconds.to_owned()));
                    }
                    Some(("reset", seconds)) => {
                        let header = ("x-ratelimit-reset-requests".to_owned(), format!("{seconds}s"));
                        response.headers.push(header);
                    }
                    _ => response.status = Some(other.parse().unwrap()),
                }
                continue;
            }
        };
        response.body = body.to_string();
    }
    response
}

fn verdicts(host: &Host, request: &Request) -> String {
    let explanation = host.pool.explain(request, host.now);
    let verdicts = explanation.credentials.iter().map(|explained| {
        let verdict = match &explained.verdict {
            Verdict::Chosen { half_open: false, .. } => "chosen".to_owned(),
            Verdict::Chosen { half_open: true, .. } => "chosen half-open".to_owned(),
            Verdict::Available { half_open: false } => "available".to_owned(),
            Verdict::Available { half_open: true } => "available half-open".to_owned(),
            Verdict::CoolingDown { until, probe_at: None, .. } => format!("cools down until {}", since_start(*until)),
            Verdict::CoolingDown { until, probe_at: Some(probe_at), .. } => {
                format!("cools down until {}, probe at {}", since_start(*until), since_start(*probe_at))
            }
            Verdict::CoolingDownForModel { until, .. } => {
                format!("cools down for the model until {}", since_start(*until))
            }
            Verdict::Held { until: Some(until) } => format!("held until {}", since_start(*until)),
            Verdict::AtCap { in_flight, cap } => format!("at cap {in_flight} of {cap}"),
            other => name(&serde_json::to_value(other).unwrap()["type"]).replace('_', " "),
        };
        format!("{} {verdict}", explained.credential.as_str())
    });
    verdicts.collect::<Vec<_>>().join("; ")
}

fn move_text(next: &NextMove) -> String {
    match next {
        NextMove::Use { credential, .. } => format!("use {}", credential.as_str()),
        NextMove::Retry { credential, until, .. } => {
            format!("retry {} at {}", credential.as_str(), since_start(*until))
        }
        NextMove::Refresh { credential, .. } => format!("refresh {}", credential.as_str()),
        NextMove::Wait { until, .. } => format!("wait until {}", since_start(*until)),
        NextMove::Exhausted { retry_at: Some(at) } => format!("exhausted until {}", since_start(*at)),
        NextMove::Exhausted { retry_at: None } => "exhausted".to_owned(),
        NextMove::GiveUp { reason } => format!("give up: {}", reason.name()),
        NextMove::Empty => "empty".to_owned(),
        NextMove::Served => "served".to_owned(),
        NextMove::Late { served: true } => "late, served".to_owned(),
        NextMove::Late { served: false } => "late".to_owned(),
    }
}

fn lease_of(next: &NextMove) -> Option<LeaseId> {
    match next {
        NextMove::Use { lease, .. }
        | NextMove::Retry { lease, .. }
        | NextMove::Refresh { lease, .. }
        | NextMove::Wait { lease, .. } => Some(*lease),
        _ => None,
    }
}

fn name(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).unwrap().as_str().unwrap().to_owned()
}

fn moment(word: &str) -> Timestamp {
    Timestamp::from_millis(START.as_millis() + millis(word))
}

/// Parses a duration such as `1h30m`, `2s` or `250ms` into milliseconds.
fn millis(word: &str) -> i64 {
    let mut remaining = word;
    let mut sum = 0;
    while !remaining.is_empty() {
        let (number, after) = remaining.split_at(remaining.find(|c: char| !c.is_ascii_digit()).unwrap());
        let (unit, next) = after.split_at(after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len()));
        let unit = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            other => panic!("{other} is no unit"),
        };
        sum += number.parse::<i64>().unwrap() * unit;
        remaining = next;
    }
    sum
}

fn since_start(at: Timestamp) -> String {
    let mut left = at.as_millis() - START.as_millis();
    if left == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (unit, millis) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)] {
        if left >= millis {
            text += &format!("{}{unit}", left / millis);
            left %= millis;
        }
    }
    text
}
