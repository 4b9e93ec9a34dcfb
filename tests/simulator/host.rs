//! A host: it carries out what the pool says at once, and keeps an eye on it.

use credential_pool::{
    Change, CredentialId, Edit, Event, Happening, Intent, IntentId, LeaseId, NextMove, Outcome, Pool, PoolKey, Request,
    Response, Settled, Sources, State, Step, Stored, Timestamp, Verdict, apply,
};
use serde_json::Value;

/// The inputs of a pool that sessions use, so that a pretender can stand in for it.
pub trait Core {
    fn lease(&mut self, request: Request, now: Timestamp) -> Step<NextMove>;
    fn resume(&mut self, lease: LeaseId, now: Timestamp) -> Step<NextMove>;
    fn report(&mut self, lease: LeaseId, response: &Response, now: Timestamp) -> Step<NextMove>;
    fn tick(&mut self, now: Timestamp) -> Step<()>;
    fn settle(&mut self, intent: IntentId, outcome: Outcome, now: Timestamp) -> Step<Settled>;
    /// What the pool says of each credential, in their order.
    fn says(&self, request: &Request, now: Timestamp) -> Vec<Said>;
}

/// What a pool says of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    CanServe,
    /// It rests, and one request may try it.
    MayBeTried,
    CoolingDown,
}

impl Core for Pool {
    fn lease(&mut self, request: Request, now: Timestamp) -> Step<NextMove> {
        self.lease(request, now)
    }

    fn resume(&mut self, lease: LeaseId, now: Timestamp) -> Step<NextMove> {
        self.resume(lease, now).unwrap()
    }

    fn report(&mut self, lease: LeaseId, response: &Response, now: Timestamp) -> Step<NextMove> {
        self.report(lease, response, now).unwrap()
    }

    fn tick(&mut self, now: Timestamp) -> Step<()> {
        self.tick(now)
    }

    fn settle(&mut self, intent: IntentId, outcome: Outcome, now: Timestamp) -> Step<Settled> {
        self.settle(intent, outcome, now).unwrap()
    }

    fn says(&self, request: &Request, now: Timestamp) -> Vec<Said> {
        let mut says = vec![Said::CoolingDown; self.entries(now).len()];
        let explained = self.explain(request, now).credentials;
        for entry in self.entries(now) {
            let verdict = explained.iter().find(|other| other.credential == entry.id).map(|other| &other.verdict);
            says[number(&entry.id)] = match (entry.state, verdict) {
                (State::Dead, _) => Said::CoolingDown,
                (_, Some(Verdict::CoolingDownForModel { .. })) => Said::CoolingDown,
                (State::Available, _) => Said::CanServe,
                (_, Some(Verdict::CoolingDown { probe_at: Some(probe_at), .. })) if *probe_at <= now => {
                    Said::MayBeTried
                }
                (_, Some(Verdict::Chosen { half_open: true, .. } | Verdict::Available { half_open: true })) => {
                    Said::MayBeTried
                }
                _ => Said::CoolingDown,
            };
        }
        says
    }
}

pub struct Host<C> {
    pub core: C,
    key: PoolKey,
    stored: Stored,
    pub wake: Option<i64>,
    /// Refreshes that were asked for and are not yet sent.
    pub refreshes: Vec<(IntentId, usize)>,
    /// What rested or retired credentials, as one line each.
    pub benched: Vec<String>,
    /// Credentials whose rest the last step ended.
    pub freed: Vec<usize>,
    /// Leases that ran out.
    pub ran_out: usize,
    /// How many statuses were written that say something.
    pub statuses: usize,
}

impl<C: Core> Host<C> {
    pub fn new(core: C, key: &PoolKey, stored: Stored) -> Self {
        let (refreshes, benched, freed) = (Vec::new(), Vec::new(), Vec::new());
        Self { core, key: key.clone(), stored, wake: None, refreshes, benched, freed, ran_out: 0, statuses: 0 }
    }

    /// Carries out what a step asks for.
    pub fn take<T>(&mut self, step: Step<T>, now: i64) -> T {
        self.freed.clear();
        self.carry_out(step, now)
    }

    fn carry_out<T>(&mut self, step: Step<T>, now: i64) -> T {
        self.wake = step.wake.map(|wake| wake.at.as_millis());
        step.events.iter().for_each(|event| self.see(event));
        for intent in step.intents {
            match intent {
                Intent::Persist { id, changes } => {
                    apply(&mut self.stored, &changes, &self.key);
                    let tells = |change: &&Change| matches!(change.edit, Edit::Status { status: Some(_), .. });
                    self.statuses += changes.iter().filter(tells).count();
                    let settled = self.core.settle(id, Outcome::Saved, Timestamp::from_millis(now));
                    self.carry_out(settled, now);
                }
                Intent::Refresh { id, credential, .. } => self.refreshes.push((id, number(&credential))),
            }
        }
        step.value
    }

    fn see(&mut self, event: &Event) {
        match &event.what {
            Happening::CoolingDown { .. } | Happening::MarkedDead { .. } => self.benched.push(event.to_string()),
            Happening::Recovered | Happening::Reverted => self.freed.push(number(&event.credential)),
            Happening::LeaseExpired { .. } => self.ran_out += 1,
            Happening::Chosen { .. }
            | Happening::PassedOver { .. }
            | Happening::AwaitsRefresh { .. }
            | Happening::Refreshed
            | Happening::RefreshInterrupted => {}
        }
    }
}

/// A credential's id, by its number.
pub fn id(number: usize) -> CredentialId {
    format!("c{number:02}").as_str().into()
}

pub fn number(id: &CredentialId) -> usize {
    id.as_str()[1..].parse().unwrap()
}

/// Opens a pool on rows of these ids.
pub fn open(key: &PoolKey, stored: &Stored, strategy: &str, policy: &Value, now: i64) -> (Pool, Stored) {
    let stored = Stored { strategy: Some(strategy.to_owned()), ..stored.clone() };
    let now = Timestamp::from_millis(now);
    let (mut pool, opened) = Pool::open(key.clone(), &stored, &Sources::default(), [7; 32], now);
    assert_eq!(opened.value.problems, [], "{key:?}");
    let mut stored = stored;
    let policy = pool.set_policy(policy, now).unwrap().intents;
    for intent in opened.intents.into_iter().chain(policy) {
        if let Intent::Persist { id, changes } = intent {
            apply(&mut stored, &changes, key);
            assert_eq!(pool.settle(id, Outcome::Saved, now).unwrap().intents, []);
        }
    }
    (pool, stored)
}
