//! Guarantees of the preset `adaptive` to the sessions of a pool.

use credential_pool::State;
use serde_json::{Value, json};

use crate::{
    answers::{Hints, Outage, Style},
    clock::{HOUR, MINUTE, SECOND},
    meter::{Kind, Meter},
    provider::{SLOWEST, TIMEOUT},
    report::Figures,
    scenario::{Grant, PLAIN, START, Scenario},
    sessions::Habit,
};

fn adaptive() -> Value {
    json!({ "preset": "adaptive" })
}

fn run(scenario: &Scenario, checks_states: bool) -> Figures {
    let mut world = scenario.world(&adaptive());
    world.checks_states = checks_states;
    world.steady_from = START + MINUTE;
    world.run_until(START + scenario.length);
    world.close().0
}

#[test]
fn no_request_is_lost_while_a_credential_is_available() {
    let (mut total, mut seeds) = (Figures::default(), Vec::new());
    for seed in 0..30 {
        let figures = run(&Scenario::mixed(seed, 50, 100, 15 * MINUTE, (5 * SECOND, 25 * SECOND)), false);
        if figures.lost > 0 {
            seeds.push((seed, figures.lost));
        }
        total.add(&figures);
    }
    println!("\n{}\n{}", Figures::HEAD, total.row("30 mixed quarters of an hour", "adaptive"));
    assert!(total.served > 10_000, "{} served", total.served);
    assert_eq!(total.lost, 0, "seeds {seeds:?}: {:#?}", total.violations);
}

#[test]
fn no_request_goes_to_a_cooling_down_or_dead_credential() {
    let (mut total, mut seeds) = (Figures::default(), Vec::new());
    for seed in 100..112 {
        let figures = run(&Scenario::mixed(seed, 20, 30, 40 * MINUTE, (5 * SECOND, 30 * SECOND)), true);
        if figures.to_cooling_down > 0 {
            seeds.push((seed, figures.to_cooling_down));
        }
        total.add(&figures);
    }
    println!(
        "\n{} attempts, {} limited, {} probes of credentials that cool down",
        total.attempts, total.limited, total.probes
    );
    assert!(total.limited > 100, "{} limited", total.limited);
    assert_eq!(total.to_cooling_down, 0, "seeds {seeds:?}: {:#?}", total.violations);
}

/// Rate windows of common sizes, with a load below and above what all credentials together serve.
#[test]
fn under_two_percent_of_attempts_are_wasted_in_steady_state() {
    let windows = [
        ("120 a minute, sliding", Meter::window(120, MINUTE, Kind::Sliding)),
        ("300 a minute, fixed", Meter::window(300, MINUTE, Kind::Fixed { offset: START, refills: vec![] })),
        ("600 in 5 minutes, fixed", Meter::window(600, 5 * MINUTE, Kind::Fixed { offset: START, refills: vec![] })),
    ];
    let mut worst: (f64, String) = (0.0, String::new());
    println!("\n{}", Figures::HEAD);
    for (window, meter) in windows {
        for (hint, hints) in [("no hints", Hints::None), ("Retry-After", Hints::RetryAfter), ("reset", Hints::Own)] {
            for (load, percent) in [("below", 70), ("above", 150)] {
                let a_minute = meter.limit as i64 * MINUTE / meter.length;
                // A session makes a request about every four seconds.
                let sessions = (3 * a_minute * percent / 100 / 15).clamp(1, 100) as usize;
                let habit = Habit { think: (2 * SECOND, 4 * SECOND), ..PLAIN };
                let name = format!("{window}, {hint}, load {load}");
                let grant = Grant::new(hints, vec![meter.clone()]);
                let figures = run(&Scenario::uniform(&name, 9, (3, grant), (sessions, habit), 20 * MINUTE), false);
                println!("{}", figures.row(&name, "adaptive"));
                if figures.steady_waste() >= worst.0 {
                    worst = (figures.steady_waste(), name);
                }
                assert!(figures.steady_attempts > 1_000, "{}", figures.steady_attempts);
            }
        }
    }
    println!("worst after the first minute: {:.2} %: {}", worst.0, worst.1);
    assert!(worst.0 < 2.0, "{:.2} % of {}", worst.0, worst.1);
}

#[test]
fn an_outage_cools_no_credential_down_and_all_sessions_are_served_right_after_it() {
    /// Longest delay before a retry, plus 20 % jitter.
    const LONGEST_RETRY: i64 = 8 * SECOND * 12 / 10;
    for outage in [Outage::Unavailable, Outage::Overloaded, Outage::Silent] {
        for style in [Style::Anthropic, Style::OpenAi, Style::OpenRouter] {
            let (begin, end) = (START + 2 * MINUTE, START + 7 * MINUTE);
            let grant = Grant::new(Hints::None, vec![]);
            let scenario = Scenario::uniform("outage", 4, (5, grant), (20, PLAIN), 10 * MINUTE);
            let mut world = Scenario { style, outages: vec![(begin..end, outage)], ..scenario }.world(&adaptive());
            world.record_from = end;
            for minute in 1..=10 {
                world.run_until(START + minute * MINUTE);
                let entries = world.host.core.entries(credential_pool::Timestamp::from_millis(world.now));
                assert!(
                    entries.iter().all(|entry| entry.state == State::Available),
                    "{style:?} {outage:?} {entries:?}"
                );
            }
            // An attempt sent before the end of the outage may fail after it, and is retried after a delay.
            let latency = if outage == Outage::Silent { TIMEOUT } else { 300 };
            for session in &world.sessions {
                let (served, asked) = session.first_served.unwrap();
                let took = served - asked.max(end);
                assert!(took <= latency + LONGEST_RETRY + SLOWEST, "{style:?} {outage:?}: {took} ms");
            }
            let (figures, host) = world.close();
            assert_eq!((host.statuses, host.cooldowns), (0, vec![]), "{style:?} {outage:?}");
            assert_eq!((figures.lost, figures.given_up, figures.limited), (0, 0, 0), "{:#?}", figures.violations);
            assert!(figures.served > 200, "{}", figures.served);
        }
    }
}

#[test]
fn crashed_sessions_return_their_capacity() {
    let policy = json!({ "preset": "adaptive", "lease_ms": MINUTE, "max_in_flight": { "hard": 2 } });
    let habit = Habit { crashes: 20, ..PLAIN };
    let grant = Grant::new(Hints::None, vec![]);
    let scenario = Scenario::uniform("crashes", 5, (4, grant), (10, habit), HOUR);
    let mut world = scenario.world(&policy);
    world.run_until(START + HOUR);
    let served = world.figures.served;
    let crashed = world.figures.crashed;
    assert!(served > 500 && crashed > 50, "{served} served, {crashed} crashed");

    // Without further crashes all capacity is back after two minutes, and no session waits any more.
    world.sessions.iter_mut().for_each(|session| session.habit.crashes = 0);
    world.run_until(START + HOUR + 2 * MINUTE);
    let (before, jobs) = (world.figures.exhausted, world.figures.waited.len());
    world.run_until(START + HOUR + 7 * MINUTE);
    assert_eq!(world.figures.exhausted, before);
    assert!(world.figures.waited.len() > jobs + 200, "{}", world.figures.waited.len() - jobs);
    let longest = world.figures.waited[jobs..].iter().max().unwrap();
    assert!(*longest < 10 * SECOND, "{longest} ms");
    let (figures, host) = world.close();
    assert_eq!(host.expired_leases, figures.crashed, "the leases of crashed sessions expired, and no others");
    assert_eq!((host.statuses, figures.late), (0, 0));
}

/// Attempts of many sessions while the provider is down, and how soon all are served again.
#[test]
fn an_outage_costs_about_an_attempt_a_second_however_many_sessions_wait() {
    println!(
        "\n| sessions | attempts a second | first served after the end, s | last served, s |\n| ---: | ---: | ---: | ---: |"
    );
    for sessions in [1, 20, 200, 1_000] {
        let (begin, end) = (START + MINUTE, START + 6 * MINUTE);
        let grant = Grant::new(Hints::None, vec![]);
        let scenario = Scenario::uniform("outage", 4, (5, grant), (sessions, PLAIN), 10 * MINUTE);
        let scenario = Scenario { outages: vec![(begin..end, Outage::Unavailable)], ..scenario };
        let mut world = scenario.world(&adaptive());
        world.record_from = end;
        // Requests that were sent before the outage, and meet it, are no attempts of the outage.
        world.run_until(begin + 10 * SECOND);
        let before = world.figures.attempts;
        world.run_until(end);
        let attempts = world.figures.attempts - before;
        let a_second = attempts as f64 / ((end - begin) / SECOND - 10) as f64;
        world.run_until(START + scenario.length);
        let served = world.sessions.iter().map(|session| session.first_served.unwrap());
        let first = served.clone().map(|(served, _)| served - end).min().unwrap();
        // A session whose patience ended asks again after a pause of its own, which is no wait for the pool.
        let last = served.map(|(served, asked)| served - asked.max(end)).max().unwrap();
        let seconds = |millis: i64| millis as f64 / 1_000.0;
        println!("| {sessions} | {a_second:.2} | {:.1} | {:.1} |", seconds(first), seconds(last));
        assert!(a_second <= 1.0, "{a_second} attempts a second of {sessions} sessions");
        assert!(last <= 14 * SECOND + SLOWEST, "{sessions} sessions: the last was served after {last} ms");
        let (figures, host) = world.close();
        assert_eq!((figures.lost, figures.given_up, host.cooldowns), (0, 0, vec![]), "{:#?}", figures.violations);
    }
}
