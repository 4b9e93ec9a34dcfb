//! Whatever a provider answers, a login ends, and polls no faster than it was told.

use credential_pool::{LoginMove, Response};
use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Value, json};

use crate::{START, after, both, start};

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(500), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_login_ends_and_keeps_to_the_interval(
        key in select(vec!["nous", "custom:a", "anthropic"]),
        flow in select(vec!["device_code", "authorization_code"]),
        answers in vec(answer(), 1..12),
        takes_ms in vec(0_i64..20_000, 1..6),
        redirects in vec(select(REDIRECTS.to_vec()), 0..4),
        early in any::<bool>(),
    ) {
        let mut config = both();
        config["flow"] = json!(flow);
        if key == "nous" {
            config["portal_base_url"] = json!("https://p.test");
        }
        let (mut login, mut next) = start(key, &config, 9);
        let (mut now, mut answers, mut takes_ms) = (0, answers.iter().cycle(), takes_ms.iter().cycle());
        let mut redirects = redirects.into_iter();
        let (mut interval, mut polled, mut state) = (0, None, String::new());
        let mut moves = 0;
        loop {
            moves += 1;
            prop_assert!(moves < 5_000, "the login does not end: {next:?}");
            next = match next {
                LoginMove::Done { row } => {
                    prop_assert!(!row.0["access_token"].as_str().unwrap().is_empty());
                    break;
                }
                LoginMove::Failed { message, .. } => {
                    prop_assert!(!message.is_empty());
                    break;
                }
                LoginMove::Send { request } => {
                    let is_poll = request.body.contains("device_code=");
                    if let Some(polled) = polled.filter(|_| is_poll) {
                        prop_assert!(now - polled >= interval, "polled {} ms after the last poll", now - polled);
                    }
                    if is_poll {
                        polled = Some(now);
                    }
                    now += takes_ms.next().unwrap();
                    let answer = answers.next().unwrap();
                    let says = |code: &str| answer.body.contains(code);
                    if is_poll && says("slow_down") && !says("authorization_pending") {
                        interval += 5_000;
                    }
                    login.answer(answer, after(now)).unwrap()
                }
                LoginMove::Show { until, expires_at, .. } => {
                    prop_assert!(until <= expires_at && expires_at <= after(now + 3_600_000));
                    interval = until.since(after(now)).as_millis().try_into().unwrap();
                    now = until.since(START).as_millis().try_into().unwrap();
                    login.resume(after(now)).unwrap()
                }
                LoginMove::Wait { until } => {
                    if early {
                        prop_assert_eq!(login.resume(after(now)).unwrap(), LoginMove::Wait { until });
                    }
                    prop_assert!(until > after(now), "a wait that does not wait");
                    now = until.since(START).as_millis().try_into().unwrap();
                    login.resume(after(now)).unwrap()
                }
                LoginMove::Listen { .. } => login.listening(81, after(now)).unwrap(),
                LoginMove::Visit { url, until } => {
                    let drawn = url.split("state=").nth(1).and_then(|rest| rest.split('&').next());
                    state = drawn.unwrap_or(&state).to_owned();
                    let mut asked = redirects.by_ref().map(|url| url.replace("STATE", &state));
                    let moved = asked.find_map(|url| login.redirected(&url, after(now)).ok());
                    now = until.since(START).as_millis().try_into().unwrap();
                    moved.unwrap_or_else(|| login.resume(after(now)).unwrap())
                }
            };
        }
        let now = after(now);
        for over in [login.resume(now), login.answer(&Response::default(), now), login.listening(81, now)] {
            prop_assert!(over.is_err(), "a login that is over goes on");
        }
    }

    #[test]
    fn no_text_of_a_browser_breaks_a_login(text in any::<String>(), query in "[?&#=/:%a-z]{0,30}") {
        let (mut login, _) = start("custom:a", &both(), 9);
        login.listening(81, START).unwrap();
        prop_assert!(login.redirected(&text, START).is_err());
        prop_assert!(login.redirected(&query, START).is_err());
    }
}

const REDIRECTS: [&str; 4] = ["", "/callback?code=c", "/callback?code=c&state=STATE", "/callback?error=x&state=STATE"];

/// What providers answer: what was asked for, errors, outages, nonsense.
fn answer() -> impl Strategy<Value = Response> {
    let number = || {
        option::of(select(vec![
            json!(-1),
            json!(0),
            json!(3),
            json!("9"),
            json!(600),
            json!(1e300),
            json!(u64::MAX),
            json!("x"),
            json!([]),
        ]))
    };
    let asked = (number(), number()).prop_map(|(interval, lasts)| {
        let fields = json!({
            "device_code": "dc", "user_code": "A", "verification_uri": "https://a.test", "interval": interval,
            "expires_in": lasts,
        });
        (200, fields.to_string())
    });
    let granted = number().prop_map(|lasts| {
        (200, json!({ "access_token": "at", "refresh_token": "rt", "expires_in": lasts }).to_string())
    });
    let error = (
        select(vec![200_u16, 400, 401, 429, 500]),
        select(vec!["authorization_pending", "slow_down", "access_denied", "invalid_grant", "odd", ""]),
        number(),
    )
        .prop_map(|(status, code, interval)| (status, json!({ "error": code, "interval": interval }).to_string()));
    let pending = Just((400, json!({ "error": "authorization_pending" }).to_string()));
    let slow = number().prop_map(|interval| (400, json!({ "error": "slow_down", "interval": interval }).to_string()));
    let nonsense = (
        select(vec![0_u16, 100, 200, 204, 302, 404, 408, 429, 503, 65_535]),
        select(vec!["", "{", "<html>", "[]", "null"]),
    )
        .prop_map(|(status, body)| (status, body.to_owned()));
    let after = option::weighted(0.2, select(vec!["0", "40", "99999999", "x"]));
    (prop_oneof![4 => asked, 1 => granted, 2 => error, 8 => pending, 4 => slow, 3 => nonsense], after).prop_map(
        |((status, body), after)| Response {
            status: (status != 0).then_some(status),
            headers: after.into_iter().map(|after| ("Retry-After".to_owned(), after.to_owned())).collect(),
            body: if body.starts_with('{') { cleaned(&body) } else { body },
        },
    )
}

/// Without what is null: `interval` and `expires_in` are left out then.
fn cleaned(body: &str) -> String {
    serde_json::from_str::<Value>(body).map_or(body.to_owned(), |mut fields| {
        fields.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        fields.to_string()
    })
}
