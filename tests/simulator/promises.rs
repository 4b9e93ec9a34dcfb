//! What a pool promises its sessions, under the policy `adaptive`.

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

fn run(scenario: &Scenario, watches: bool) -> Figures {
    let mut world = scenario.world(&adaptive());
    world.watches = watches;
    world.steady_from = START + MINUTE;
    world.run_until(START + scenario.length);
    world.close().0
}

#[test]
fn no_request_is_lost_while_a_credential_could_serve_it() {
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
    assert_eq!(total.lost, 0, "seeds {seeds:?}: {:#?}", total.complaints);
}

#[test]
fn no_resting_or_dead_credential_is_sent_a_request() {
    let (mut total, mut seeds) = (Figures::default(), Vec::new());
    for seed in 100..112 {
        let figures = run(&Scenario::mixed(seed, 20, 30, 40 * MINUTE, (5 * SECOND, 30 * SECOND)), true);
        if figures.to_resting > 0 {
            seeds.push((seed, figures.to_resting));
        }
        total.add(&figures);
    }
    println!("\n{} sent, {} limited, {} of them probes of what rests", total.sent, total.limited, total.probes);
    assert!(total.limited > 100, "{} limited", total.limited);
    assert_eq!(total.to_resting, 0, "seeds {seeds:?}: {:#?}", total.complaints);
}

/// Rate windows as providers have them, with a load below and above what all credentials together grant.
#[test]
fn under_two_percent_are_wasted_in_steady_state() {
    let windows = [
        ("120 a minute, sliding", Meter::window(120, MINUTE, Kind::Sliding)),
        ("300 a minute, fixed", Meter::window(300, MINUTE, Kind::Fixed { offset: START, refills: vec![] })),
        ("600 in 5 minutes, fixed", Meter::window(600, 5 * MINUTE, Kind::Fixed { offset: START, refills: vec![] })),
    ];
    let mut worst: (f64, String) = (0.0, String::new());
    println!("\n{}", Figures::HEAD);
    for (window, meter) in windows {
        for (said, hints) in [("no hints", Hints::None), ("Retry-After", Hints::RetryAfter), ("reset", Hints::Own)] {
            for (load, percent) in [("below", 70), ("above", 150)] {
                let a_minute = meter.limit as i64 * MINUTE / meter.length;
                // A session asks about every four seconds.
                let sessions = (3 * a_minute * percent / 100 / 15).clamp(1, 100) as usize;
                let habit = Habit { think: (2 * SECOND, 4 * SECOND), ..PLAIN };
                let name = format!("{window}, {said}, load {load}");
                let grant = Grant::new(hints, vec![meter.clone()]);
                let figures = run(&Scenario::uniform(&name, 9, (3, grant), (sessions, habit), 20 * MINUTE), false);
                println!("{}", figures.row(&name, "adaptive"));
                if figures.steady_waste() >= worst.0 {
                    worst = (figures.steady_waste(), name);
                }
                assert!(figures.steady_sent > 1_000, "{}", figures.steady_sent);
            }
        }
    }
    println!("worst after the first minute: {:.2} %: {}", worst.0, worst.1);
    assert!(worst.0 < 2.0, "{:.2} % of {}", worst.0, worst.1);
}

#[test]
fn an_outage_benches_nothing_and_afterwards_everything_serves_at_once() {
    /// The longest delay before a retry, and how far jitter may stretch it.
    const LONGEST_RETRY: i64 = 8 * SECOND * 12 / 10;
    for outage in [Outage::Unavailable, Outage::Overloaded, Outage::Silent] {
        for style in [Style::Anthropic, Style::OpenAi, Style::OpenRouter] {
            let (begin, end) = (START + 2 * MINUTE, START + 7 * MINUTE);
            let grant = Grant::new(Hints::None, vec![]);
            let scenario = Scenario::uniform("outage", 4, (5, grant), (20, PLAIN), 10 * MINUTE);
            let mut world = Scenario { style, outages: vec![(begin..end, outage)], ..scenario }.world(&adaptive());
            world.notes_from = end;
            for minute in 1..=10 {
                world.run_until(START + minute * MINUTE);
                let entries = world.host.core.entries(credential_pool::Timestamp::from_millis(world.now));
                assert!(
                    entries.iter().all(|entry| entry.state == State::Available),
                    "{style:?} {outage:?} {entries:?}"
                );
            }
            // An attempt that began before the end may fail after it, and waits once more.
            let under_way = if outage == Outage::Silent { TIMEOUT } else { 300 };
            for session in &world.sessions {
                let (served, asked) = session.first_served.unwrap();
                let took = served - asked.max(end);
                assert!(took <= under_way + LONGEST_RETRY + SLOWEST, "{style:?} {outage:?}: {took} ms");
            }
            let (figures, host) = world.close();
            assert_eq!((host.statuses, host.benched), (0, vec![]), "{style:?} {outage:?}");
            assert_eq!((figures.lost, figures.given_up, figures.limited), (0, 0, 0), "{:#?}", figures.complaints);
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

    // From now on nobody crashes: two minutes later all capacity is back, and nobody waits any more.
    world.sessions.iter_mut().for_each(|session| session.habit.crashes = 0);
    world.run_until(START + HOUR + 2 * MINUTE);
    let (before, waited) = (world.figures.turned_away, world.figures.waited.len());
    world.run_until(START + HOUR + 7 * MINUTE);
    assert_eq!(world.figures.turned_away, before);
    assert!(world.figures.waited.len() > waited + 200, "{}", world.figures.waited.len() - waited);
    let longest = world.figures.waited[waited..].iter().max().unwrap();
    assert!(*longest < 10 * SECOND, "{longest} ms");
    let (figures, host) = world.close();
    assert_eq!(host.ran_out, figures.crashed, "every crashed lease ran out, and no other");
    assert_eq!((host.statuses, figures.late), (0, 0));
}
