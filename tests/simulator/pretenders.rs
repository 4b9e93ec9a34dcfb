//! Pools that are bad on purpose: the simulation must see what is wrong with them.

use credential_pool::{
    FailureKind, IntentId, LeaseId, NextMove, Outcome, Request, Response, Settled, Step, Stored, Timestamp,
};

use crate::{
    answers::Hints,
    clock::{HOUR, MINUTE, SECOND},
    host::{Core, Said, id},
    meter::{Kind, Meter},
    report::Figures,
    scenario::{Grant, PLAIN, START, Scenario},
};

/// What a bad pool does wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flaw {
    /// None can serve, it always says.
    Lazy,
    /// It uses the first credential, whatever was said of it, and says that it rests.
    Stubborn,
    /// It ends a request with its first failure, and goes on to the next credential with the next one.
    Timid,
    /// It tries again after a second for as long as it takes.
    Patient,
}

struct Pretender {
    flaw: Flaw,
    leases: u64,
    credentials: u64,
    failures: u64,
}

impl Pretender {
    fn step<T>(value: T) -> Step<T> {
        Step { value, intents: vec![], events: vec![], wake: None }
    }

    fn uses(&mut self) -> Step<NextMove> {
        self.leases += 1;
        let credential = id((self.failures % self.credentials) as usize);
        Self::step(NextMove::Use { lease: LeaseId::new(self.leases), credential })
    }
}

impl Core for Pretender {
    fn lease(&mut self, _: Request, _: Timestamp) -> Step<NextMove> {
        match self.flaw {
            Flaw::Lazy => Self::step(NextMove::Exhausted { retry_at: None }),
            Flaw::Stubborn | Flaw::Timid | Flaw::Patient => self.uses(),
        }
    }

    fn resume(&mut self, _: LeaseId, _: Timestamp) -> Step<NextMove> {
        self.uses()
    }

    fn report(&mut self, lease: LeaseId, response: &Response, now: Timestamp) -> Step<NextMove> {
        if response.status == Some(200) {
            return Self::step(NextMove::Served);
        }
        if self.flaw == Flaw::Timid {
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

    fn says(&self, _: &Request, _: Timestamp) -> Vec<Said> {
        let said = if self.flaw == Flaw::Stubborn { Said::CoolingDown } else { Said::CanServe };
        vec![said; self.credentials as usize]
    }
}

/// An hour with two credentials of 20 requests a minute, and sessions that want more than one of them gives.
fn hour(flaw: Flaw, hints: Hints) -> Figures {
    let window = Meter::window(20, MINUTE, Kind::Fixed { offset: START, refills: vec![] });
    let scenario = Scenario::uniform("", 1, (2, Grant::new(hints, vec![window])), (4, PLAIN), HOUR);
    let mut world = scenario
        .world_with(|_, stored: &Stored| (Pretender { flaw, leases: 0, credentials: 2, failures: 0 }, stored.clone()));
    world.watches = true;
    world.run_until(START + HOUR);
    world.close().0
}

#[test]
fn a_pool_that_turns_everyone_away_loses_every_request_and_is_not_quick() {
    let figures = hour(Flaw::Lazy, Hints::Own);
    assert_eq!((figures.jobs, figures.served, figures.sent), (4, 0, 0));
    assert!(figures.turned_away > 1_000 && figures.lost == figures.turned_away, "{figures:?}");
    assert!(figures.waited_in_all() > 4 * (HOUR - MINUTE));
}

#[test]
fn a_pool_that_uses_what_rests_is_seen_and_its_waste_is_counted() {
    let figures = hour(Flaw::Stubborn, Hints::Own);
    assert_eq!(figures.to_resting, figures.sent);
    assert!(figures.wasted * 10 > figures.sent && figures.wasted < figures.limited, "{figures:?}");
    assert_eq!(figures.limited, figures.sent - figures.served, "all others were served");
}

#[test]
fn a_request_that_ends_while_another_credential_would_serve_is_lost() {
    let figures = hour(Flaw::Timid, Hints::Own);
    assert!(figures.given_up > 0 && figures.lost > 0, "{figures:?}");
    assert_eq!(figures.to_resting, 0);
}

#[test]
fn a_pool_that_waits_loses_nothing_and_its_waiting_is_counted() {
    let figures = hour(Flaw::Patient, Hints::None);
    assert_eq!((figures.lost, figures.missed, figures.turned_away, figures.given_up), (0, 0, 0, 0));
    assert_eq!(figures.jobs - figures.served, figures.waited.len() - figures.took.len());
    let without = figures.waited.iter().filter(|waited| **waited == 0).count();
    assert!(without < figures.served && figures.waited_in_all() > MINUTE, "{figures:?}");
    assert!(figures.took.iter().sum::<i64>() > figures.waited_in_all());
}

#[test]
fn the_same_seed_gives_the_same_numbers() {
    let [one, other] = [(); 2].map(|()| format!("{:?}", hour(Flaw::Stubborn, Hints::None)));
    assert_eq!(one, other);
}
