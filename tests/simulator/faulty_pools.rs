//! Pools with a known fault: the simulation must detect it.

use credential_pool::{
    FailureKind, IntentId, LeaseId, NextMove, Outcome, Request, Response, Settled, Step, Stored, Timestamp,
};

use crate::{
    answers::Hints,
    clock::{HOUR, MINUTE, SECOND},
    host::{Core, ReportedState, id},
    meter::{Kind, Meter},
    report::Figures,
    scenario::{Grant, PLAIN, START, Scenario},
};

/// Fault of a pool.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Always answers `exhausted`.
    Refusing,
    /// Always uses the first credential, and reports it as cooling down.
    IgnoringCooldowns,
    /// Gives up at the first failure of a request, and uses the next credential for the next request.
    GivingUpEarly,
    /// Retries every second, without end.
    RetryingForever,
}

struct FaultyPool {
    fault: Fault,
    leases: u64,
    credentials: u64,
    failures: u64,
}

impl FaultyPool {
    fn step<T>(value: T) -> Step<T> {
        Step { value, intents: vec![], events: vec![], wake: None }
    }

    fn use_credential(&mut self) -> Step<NextMove> {
        self.leases += 1;
        let credential = id((self.failures % self.credentials) as usize);
        Self::step(NextMove::Use { lease: LeaseId::new(self.leases), credential })
    }
}

impl Core for FaultyPool {
    fn lease(&mut self, _: Request, _: Timestamp) -> Step<NextMove> {
        match self.fault {
            Fault::Refusing => Self::step(NextMove::Exhausted { retry_at: None }),
            Fault::IgnoringCooldowns | Fault::GivingUpEarly | Fault::RetryingForever => self.use_credential(),
        }
    }

    fn resume(&mut self, _: LeaseId, _: Timestamp) -> Step<NextMove> {
        self.use_credential()
    }

    fn report(&mut self, lease: LeaseId, response: &Response, now: Timestamp) -> Step<NextMove> {
        if response.status == Some(200) {
            return Self::step(NextMove::Served);
        }
        if self.fault == Fault::GivingUpEarly {
            self.failures += 1;
            return Self::step(NextMove::GiveUp { reason: FailureKind::Unknown });
        }
        let until = Timestamp::from_millis(now.as_millis() + SECOND);
        Self::step(NextMove::Retry { lease, credential: id(0), until })
    }

    fn tick(&mut self, _: Timestamp) -> Step<()> {
        Self::step(())
    }

    fn settle(&mut self, _: IntentId, _: Outcome, _: Timestamp) -> Step<Settled> {
        Self::step(Settled::Saved)
    }

    fn reported_states(&self, _: &Request, _: Timestamp) -> Vec<ReportedState> {
        let state =
            if self.fault == Fault::IgnoringCooldowns { ReportedState::CoolingDown } else { ReportedState::Available };
        vec![state; self.credentials as usize]
    }
}

/// Simulates an hour with two credentials of 20 requests a minute, and sessions that need more than one of them.
fn hour(fault: Fault, hints: Hints) -> Figures {
    let window = Meter::window(20, MINUTE, Kind::Fixed { offset: START, refills: vec![] });
    let scenario = Scenario::uniform("", 1, (2, Grant::new(hints, vec![window])), (4, PLAIN), HOUR);
    let mut world = scenario.world_with(|_, stored: &Stored| {
        (FaultyPool { fault, leases: 0, credentials: 2, failures: 0 }, stored.clone())
    });
    world.checks_states = true;
    world.run_until(START + HOUR);
    world.close().0
}

#[test]
fn every_request_of_a_pool_that_refuses_all_is_lost_and_its_wait_counts() {
    let figures = hour(Fault::Refusing, Hints::Own);
    assert_eq!((figures.jobs, figures.served, figures.attempts), (4, 0, 0));
    assert!(figures.exhausted > 1_000 && figures.lost == figures.exhausted, "{figures:?}");
    assert!(figures.total_wait() > 4 * (HOUR - MINUTE));
}

#[test]
fn attempts_with_a_credential_that_cools_down_are_detected_and_counted_as_wasted() {
    let figures = hour(Fault::IgnoringCooldowns, Hints::Own);
    assert_eq!(figures.to_cooling_down, figures.attempts);
    assert!(figures.wasted * 10 > figures.attempts && figures.wasted < figures.limited, "{figures:?}");
    assert_eq!(figures.limited, figures.attempts - figures.served, "every attempt without a limit was served");
}

#[test]
fn a_request_that_is_given_up_while_another_credential_is_available_is_lost() {
    let figures = hour(Fault::GivingUpEarly, Hints::Own);
    assert!(figures.given_up > 0 && figures.lost > 0, "{figures:?}");
    assert_eq!(figures.to_cooling_down, 0);
}

#[test]
fn a_pool_that_retries_forever_loses_no_request_and_its_wait_counts() {
    let figures = hour(Fault::RetryingForever, Hints::None);
    assert_eq!((figures.lost, figures.missed, figures.exhausted, figures.given_up), (0, 0, 0, 0));
    assert_eq!(figures.jobs - figures.served, figures.waited.len() - figures.durations.len());
    let without_wait = figures.waited.iter().filter(|waited| **waited == 0).count();
    assert!(without_wait < figures.served && figures.total_wait() > MINUTE, "{figures:?}");
    assert!(figures.durations.iter().sum::<i64>() > figures.total_wait());
}

#[test]
fn the_same_seed_gives_the_same_numbers() {
    let [one, other] = [(); 2].map(|()| format!("{:?}", hour(Fault::IgnoringCooldowns, Hints::None)));
    assert_eq!(one, other);
}
