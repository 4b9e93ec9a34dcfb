//! Transcripts of logins. After its title (`== title`) a transcript names the pool (`pool KEY`, else nous) and the
//! configuration of its logins, if any (`login {JSON}`: the difference from a provider with both flows). Each further
//! line is a moment, an input, and after `=>` the next move.
//!
//! `STATE`, `CHALLENGE` and `VERIFIER` stand for drawn values; the test checks that the challenge is the verifier's.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use credential_pool::{Login, LoginMove, Response, Timestamp};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{START, after, both, start};

#[test]
fn a_login_goes_as_the_transcripts_say() {
    let mut wrong = Vec::new();
    let mut lines = 0;
    for (file, text) in [("device", include_str!("device.txt")), ("browser", include_str!("browser.txt"))] {
        for transcript in text.split("\n== ").skip(1) {
            let title = transcript.lines().next().unwrap();
            let mut stage = Stage { pool: "nous".to_owned(), ..Stage::default() };
            for line in transcript.lines().skip(1).filter(|line| !line.trim().is_empty()) {
                let Some((input, expected)) = line.split_once(" => ") else {
                    stage.set(line);
                    continue;
                };
                lines += 1;
                let next = stage.play(input.trim());
                if next != expected.trim() {
                    wrong.push(format!(
                        "{file}: {title}\n  {}\n  => {next}\n  wanted {}",
                        input.trim(),
                        expected.trim()
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {lines} moves are others:\n{}", wrong.len(), wrong.join("\n"));
    assert!(lines > 100, "only {lines} lines were played");
}

/// A host with one login.
#[derive(Default)]
struct Stage {
    pool: String,
    config: Value,
    login: Option<Login>,
    /// What was drawn, and the words that stand for it.
    drawn: Vec<(String, &'static str)>,
}

impl Stage {
    fn set(&mut self, line: &str) {
        match line.trim().split_once(' ').unwrap() {
            ("#", _) => {}
            ("pool", key) => {
                self.pool = key.to_owned();
                self.config = both();
            }
            ("login", fields) => {
                let fields: Value = serde_json::from_str(fields).unwrap();
                let config = self.config.as_object_mut().unwrap();
                config.extend(fields.as_object().unwrap().clone());
                config.retain(|_, value| !value.is_null());
            }
            (other, _) => panic!("a transcript cannot set {other}"),
        }
    }

    fn play(&mut self, line: &str) -> String {
        let (at, input) = line.split_once(' ').unwrap();
        let now = after(at.strip_suffix('s').unwrap().parse::<i64>().unwrap() * 1000);
        let (word, rest) = input.trim().split_once(' ').unwrap_or((input.trim(), ""));
        let mut rest = rest.trim().to_owned();
        for (text, name) in &self.drawn {
            rest = rest.replace(name, text);
        }
        if word == "start" {
            let (login, first) = start(&self.pool, &self.config, 7);
            self.login = Some(login);
            return self.told(first);
        }
        let login = self.login.as_mut().unwrap();
        let next = match word {
            "resume" => login.resume(now),
            "listening" => login.listening(rest.parse().unwrap(), now),
            "redirected" => login.redirected(&rest, now),
            "unreachable" => login.answer(&Response::default(), now),
            status => {
                let (after, body) = match rest.strip_prefix("after=") {
                    Some(rest) => rest.split_once(' ').unwrap_or((rest, "")),
                    None => ("", rest.as_str()),
                };
                let header = (!after.is_empty()).then(|| ("Retry-After".to_owned(), after.to_owned()));
                let body = body.trim().replace("JWT", &jwt());
                login
                    .answer(&Response { status: status.parse().ok(), headers: header.into_iter().collect(), body }, now)
            }
        };
        match next {
            Ok(next) => self.told(next),
            Err(error) => format!("error {}", serde_json::to_value(error.code).unwrap().as_str().unwrap()),
        }
    }

    fn told(&mut self, next: LoginMove) -> String {
        let told = match next {
            LoginMove::Send { request } => {
                assert_eq!((request.method, request.timeout_ms), ("POST", 15_000));
                if let Some((_, verifier)) = request.body.split_once("code_verifier=") {
                    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
                    assert!(self.drawn.contains(&(challenge, "CHALLENGE")), "the verifier is not of the challenge");
                    self.drawn.push((verifier.to_owned(), "VERIFIER"));
                }
                format!("send {} {}", request.url, request.body)
            }
            LoginMove::Show { user_code, verification_uri, verification_uri_complete, expires_at, until } => {
                let complete = verification_uri_complete.unwrap_or("-".to_owned());
                let (expires_at, until) = (since_start(expires_at), since_start(until));
                format!("show {user_code} at {verification_uri} ({complete}), ends {expires_at}, until {until}")
            }
            LoginMove::Listen { host, port, path } => format!("listen {host} {port} {path}"),
            LoginMove::Visit { url, until } => {
                let value =
                    |name: &str| url.split(['?', '&']).find_map(|pair| pair.strip_prefix(name)).unwrap().to_owned();
                self.drawn.push((value("state="), "STATE"));
                self.drawn.push((value("code_challenge="), "CHALLENGE"));
                format!("visit {url} until {}", since_start(until))
            }
            LoginMove::Wait { until } => format!("wait until {}", since_start(until)),
            LoginMove::Done { row } => format!("done {}", Value::Object(row.0)).replace(&jwt(), "JWT"),
            LoginMove::Failed { reason, status, .. } => {
                let reason = serde_json::to_value(reason).unwrap();
                format!(
                    "failed {} {}",
                    reason.as_str().unwrap(),
                    status.map_or("-".to_owned(), |status| status.to_string())
                )
            }
        };
        self.drawn.iter().fold(told, |told, (text, name)| told.replace(text, name))
    }
}

/// A token that names its owner.
fn jwt() -> String {
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(r#"{"email":"ann@a.test"}"#))
}

fn since_start(at: Timestamp) -> String {
    let millis = at.as_millis() - START.as_millis();
    if millis % 1000 == 0 { format!("{}s", millis / 1000) } else { format!("{millis}ms") }
}
