//! A host that carries out intents at once, and records the pool's events.

use credential_pool::{
    Change, CredentialId, Edit, Event, Happening, Intent, IntentId, LeaseId, NextMove, Outcome, Pool, PoolKey, Request,
    Response, Settled, Sources, State, Step, Stored, Timestamp, Verdict, apply,
};
use serde_json::Value;

/// The inputs of a pool that sessions use; implemented by `Pool`, and by pools that are faulty on purpose.
pub trait Core {
    fn lease(&mut self, request: Request, now: Timestamp) -> Step<NextMove>;
    fn resume(&mut self, lease: LeaseId, now: Timestamp) -> Step<NextMove>;
    fn report(&mut self, lease: LeaseId, response: &Response, now: Timestamp) -> Step<NextMove>;
    fn tick(&mut self, now: Timestamp) -> Step<()>;
    fn settle(&mut self, intent: IntentId, outcome: Outcome, now: Timestamp) -> Step<Settled>;
    /// Returns the state that the pool reports for each credential, by the credential's number.
    fn reported_states(&self, request: &Request, now: Timestamp) -> Vec<ReportedState>;
}

/// State of a credential, as the pool reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportedState {
    Available,
    /// A probe is allowed.
    HalfOpen,
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

    fn reported_states(&self, request: &Request, now: Timestamp) -> Vec<ReportedState> {
        let mut states = vec![ReportedState::CoolingDown; self.entries(now).len()];
        let explained = self.explain(request, now).credentials;
        for entry in self.entries(now) {
            let verdict = explained.iter().find(|other| other.credential == entry.id).map(|other| &other.verdict);
            states[number(&entry.id)] = match (entry.state, verdict) {
                (State::Dead, _) => ReportedState::CoolingDown,
                (_, Some(Verdict::CoolingDownForModel { .. })) => ReportedState::CoolingDown,
                (State::Available, _) => ReportedState::Available,
                (_, Some(Verdict::CoolingDown { probe_at: Some(probe_at), .. })) if *probe_at <= now => {
                    ReportedState::HalfOpen
                }
                (_, Some(Verdict::Chosen { half_open: true, .. } | Verdict::Available { half_open: true })) => {
                    ReportedState::HalfOpen
                }
                _ => ReportedState::CoolingDown,
            };
        }
        states
    }
}

pub struct Host<C> {
    pub core: C,
    key: PoolKey,
    stored: Stored,
    pub wake: Option<i64>,
    /// Refreshes that were asked for and are not yet sent.
    pub refreshes: Vec<(IntentId, usize)>,
    /// Events `cooling_down` and `marked_dead`, as one line each.
    pub cooldowns: Vec<String>,
    /// Credentials whose cooldown the last step ended.
    pub available_again: Vec<usize>,
    /// Number of leases that expired.
    pub expired_leases: usize,
    /// Number of statuses written that are not a reset.
    pub statuses: usize,
}

impl<C: Core> Host<C> {
    pub fn new(core: C, key: &PoolKey, stored: Stored) -> Self {
        let (refreshes, cooldowns, available_again) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            core,
            key: key.clone(),
            stored,
            wake: None,
            refreshes,
            cooldowns,
            available_again,
            expired_leases: 0,
            statuses: 0,
        }
    }

    /// Carries out the intents of a step.
    pub fn carry_out<T>(&mut self, step: Step<T>, now: i64) -> T {
        self.available_again.clear();
        self.settle_all(step, now)
    }

    fn settle_all<T>(&mut self, step: Step<T>, now: i64) -> T {
        self.wake = step.wake.map(|wake| wake.at.as_millis());
        step.events.iter().for_each(|event| self.record(event));
        for intent in step.intents {
            match intent {
                Intent::Persist { id, changes } => {
                    apply(&mut self.stored, &changes, &self.key);
                    let is_status = |change: &&Change| matches!(change.edit, Edit::Status { status: Some(_), .. });
                    self.statuses += changes.iter().filter(is_status).count();
                    let settled = self.core.settle(id, Outcome::Saved, Timestamp::from_millis(now));
                    self.settle_all(settled, now);
                }
                Intent::Refresh { id, credential, .. } => self.refreshes.push((id, number(&credential))),
            }
        }
        step.value
    }

    fn record(&mut self, event: &Event) {
        match &event.what {
            Happening::CoolingDown { .. } | Happening::MarkedDead { .. } => self.cooldowns.push(event.to_string()),
            Happening::Recovered | Happening::Reverted => self.available_again.push(number(&event.credential)),
            Happening::LeaseExpired { .. } => self.expired_leases += 1,
            Happening::Chosen { .. }
            | Happening::PassedOver { .. }
            | Happening::AwaitsRefresh { .. }
            | Happening::Refreshed
            | Happening::RefreshInterrupted
            | Happening::RefreshLost
            | Happening::Outage { .. }
            | Happening::OutageOver => {}
        }
    }
}

/// Returns the id of a credential by its number.
pub fn id(number: usize) -> CredentialId {
    format!("c{number:02}").as_str().into()
}

pub fn number(id: &CredentialId) -> usize {
    id.as_str()[1..].parse().unwrap()
}

/// Opens a pool on stored rows whose ids come from [`id`].
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
