//! Two hosts refresh one login, with faults at every step and no lock between them: a lock that is lost, stolen or judged
//! by a wrong clock is no lock. No refresh token is sent twice, and no login is marked dead whose tokens somebody holds.

use std::collections::BTreeMap;

use credential_pool::{
    Change, Claim, Intent, IntentId, Outcome, Pool, PoolKey, Selection, Settled, Sources, State, Step, Stored,
    Timestamp, apply,
};
use proptest::test_runner::Config;
use serde_json::json;

use crate::host::{HOUR, MINUTE, START, login, tokens};

#[test]
fn no_interleaving_and_no_two_faults_spend_a_token_twice() {
    let singles: Vec<_> = (0..2).flat_map(|host| FAULTS.iter().map(move |fault| (host, *fault))).collect();
    let pairs = singles.iter().flat_map(|one| singles.iter().map(move |other| vec![*one, *other]));
    let plans: Vec<_> = [vec![]].into_iter().chain(singles.iter().map(|one| vec![*one])).chain(pairs).collect();
    let orders = orders(ACTIONS, ACTIONS);
    let (mut runs, mut granted) = (0_u32, 0_u32);
    // The soak takes all orders, the gate some for each pair of faults, and for each pair others.
    let sample = if Config::default().cases > 1_000 { 1 } else { 41 };
    for plan in &plans {
        let (every, first) = if plan.len() < 2 { (1, 0) } else { (sample, runs as usize % sample) };
        for order in orders.iter().skip(first).step_by(every) {
            let mut world = World::new(plan);
            world.run(order);
            runs += 1;
            granted += u32::from(world.server.grants > 0);
            let sent: Vec<_> = world.server.sent.iter().filter(|(_, times)| **times > 1).collect();
            assert!(sent.is_empty(), "sent twice: {sent:?} under {plan:?} in the order {order:?}");
            assert!(!world.is_dead_with_tokens(), "dead under {plan:?} in the order {order:?}");
        }
    }
    assert!(granted > runs / 2, "most runs refresh the login: {granted} of {runs}");
    println!("{runs} runs with {} plans of up to two faults, {granted} of them with new tokens", plans.len());
}

/// Actions of a refresh that others can see: read, write the claim, read back, send, write the new tokens.
const ACTIONS: usize = 5;

/// What goes wrong in one host.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// The process ends before this action.
    Kill(usize),
    /// The process stops before this action, and goes on three hours later, when the other host is long done.
    Stop(usize),
    /// The store does not carry out this action, and says so.
    Cut(usize),
    /// The store carries out this action, and the host is told that it failed.
    Uncertain(usize),
    /// No connection to the token server is made.
    Unreachable,
    /// The token server grants new tokens, and its answer never arrives.
    LostAnswer,
    /// The host's clock differs by this much, in ms.
    Clock(i64),
}

const FAULTS: [Fault; 20] = [
    Fault::Kill(1),
    Fault::Kill(2),
    Fault::Kill(3),
    Fault::Kill(4),
    Fault::Stop(1),
    Fault::Stop(2),
    Fault::Stop(3),
    Fault::Stop(4),
    Fault::Cut(0),
    Fault::Cut(1),
    Fault::Cut(2),
    Fault::Cut(4),
    Fault::Uncertain(1),
    Fault::Uncertain(4),
    Fault::Unreachable,
    Fault::LostAnswer,
    Fault::Clock(HOUR),
    Fault::Clock(-HOUR),
    Fault::Clock(MINUTE),
    Fault::Clock(-MINUTE),
];

/// Returns every order in which two hosts can take their actions; `true` stands for the first host.
fn orders(first: usize, second: usize) -> Vec<Vec<bool>> {
    let mut all = Vec::new();
    for (is_first, first, second) in
        [(true, first.checked_sub(1), Some(second)), (false, Some(first), second.checked_sub(1))]
    {
        let (Some(first), Some(second)) = (first, second) else { continue };
        for rest in orders(first, second) {
            all.push([vec![is_first], rest].concat());
        }
    }
    if first == 0 && second == 0 { vec![Vec::new()] } else { all }
}

/// Store, token server and two hosts.
struct World {
    key: PoolKey,
    store: Stored,
    server: TokenServer,
    hosts: [Host; 2],
    /// True time, in ms since the start.
    elapsed: i64,
}

#[derive(Default)]
struct TokenServer {
    /// Refresh tokens as they came, with the number of times.
    sent: BTreeMap<String, u32>,
    grants: u32,
}

struct Host {
    /// `None` once the process has ended.
    pool: Option<Pool>,
    faults: Vec<Fault>,
    refresh: Option<Refresh>,
}

/// A refresh under way.
struct Refresh {
    intent: IntentId,
    next: usize,
    /// State of the store as it was read last.
    read: Stored,
    /// Changes that are not written.
    changes: Vec<Change>,
}

impl World {
    fn new(plan: &[(usize, Fault)]) -> Self {
        let key = PoolKey::parse("anthropic").unwrap();
        let store = Stored { rows: vec![login("a", 0, START)], ..Stored::default() };
        let hosts = [0, 1].map(|number| {
            let faults = plan.iter().filter(|(host, _)| *host == number).map(|(_, fault)| *fault).collect();
            let seed = [u8::try_from(number).unwrap() + 1; 32];
            let (pool, _) = Pool::open(key.clone(), &store, &Sources::default(), seed, START);
            Host { pool: Some(pool), faults, refresh: None }
        });
        Self { key, store, server: TokenServer::default(), hosts, elapsed: 0 }
    }

    fn run(&mut self, order: &[bool]) {
        for host in 0..2 {
            self.begin(host);
        }
        for is_first in order {
            self.act(usize::from(!is_first));
        }
        // Whoever lives tries again and again; a host that stopped goes on in between.
        for passed in [MINUTE, 5 * MINUTE, 3 * HOUR, 4 * HOUR, 24 * HOUR] {
            self.elapsed = passed;
            for host in [0, 1, 0] {
                if passed >= 3 * HOUR {
                    self.hosts[host].faults.retain(|fault| !matches!(fault, Fault::Stop(_)));
                }
                if self.hosts[host].refresh.is_none() {
                    self.begin(host);
                }
                for _ in 0..2 * ACTIONS {
                    self.act(host);
                }
                // Faults of the store and of the network are over after the first refresh.
                self.hosts[host].faults.retain(|fault| matches!(fault, Fault::Stop(_) | Fault::Clock(_)));
            }
        }
        // A host that starts later knows only the store.
        let seed = [9; 32];
        let (late, _) = Pool::open(self.key.clone(), &self.store, &Sources::default(), seed, self.now(0));
        self.hosts[0] = Host { pool: Some(late), faults: Vec::new(), refresh: None };
        self.begin(0);
        for _ in 0..2 * ACTIONS {
            self.act(0);
        }
    }

    fn now(&self, host: usize) -> Timestamp {
        let skew = self.hosts[host].faults.iter().find_map(|fault| match fault {
            Fault::Clock(skew) => Some(*skew),
            _ => None,
        });
        Timestamp::from_millis(START.as_millis() + self.elapsed + skew.unwrap_or(0))
    }

    /// Begins a refresh if the host's pool wants to refresh the login.
    fn begin(&mut self, host: usize) {
        let now = self.now(host);
        let Some(pool) = &mut self.hosts[host].pool else { return };
        if let Selection::Refreshing { intent, .. } = pool.select(now).value {
            let (read, changes) = (Stored::default(), Vec::new());
            self.hosts[host].refresh = Some(Refresh { intent, next: 0, read, changes });
        }
    }

    /// Takes the host's next action, unless its process ended or stopped.
    fn act(&mut self, host: usize) {
        let now = self.now(host);
        let Host { pool, faults, refresh } = &mut self.hosts[host];
        let (Some(alive), Some(mut at)) = (pool.as_mut(), refresh.take()) else { return };
        if faults.contains(&Fault::Kill(at.next)) {
            *pool = None;
            return;
        }
        if faults.contains(&Fault::Stop(at.next)) {
            *refresh = Some(at);
            return;
        }
        let is_cut = faults.contains(&Fault::Cut(at.next));
        let is_uncertain = faults.contains(&Fault::Uncertain(at.next));
        let goes_on = match at.next {
            0 | 2 if is_cut => settle(alive, &mut at, Outcome::Unreachable, now),
            0 | 2 => {
                at.read = self.store.clone();
                let step = alive.sync(&at.read, None, now);
                take(&mut at, step);
                let step = alive.claim(at.intent, now).unwrap();
                let claim = take(&mut at, step);
                let expects = if at.next == 0 { Claim::Confirm } else { claim.clone() };
                claim != Claim::Gone && claim == expects
            }
            1 | 4 => {
                if !is_cut {
                    apply(&mut self.store, &at.changes, &self.key);
                    at.changes.clear();
                }
                match at.next {
                    1 if is_cut || is_uncertain => settle(alive, &mut at, Outcome::Unreachable, now),
                    1 => true,
                    // The pool hands unsaved tokens out again.
                    _ => is_cut,
                }
            }
            _ => {
                let outcome = match () {
                    () if faults.contains(&Fault::Unreachable) => Outcome::Unreachable,
                    () => self.server.receive(alive, faults.contains(&Fault::LostAnswer)),
                };
                settle(alive, &mut at, outcome, now) || !at.changes.is_empty()
            }
        };
        if at.next == 4 && is_cut {
            faults.retain(|fault| *fault != Fault::Cut(4));
            *refresh = Some(at);
        } else if goes_on {
            at.next += 1;
            *refresh = (at.next < ACTIONS).then_some(at);
        } else if !at.changes.is_empty() {
            // Changes of a refresh that is over are written like any others.
            at.next = 4;
            *refresh = Some(at);
        }
    }

    /// Returns whether a host calls the login dead although the server granted tokens that a host or the store holds.
    fn is_dead_with_tokens(&self) -> bool {
        let pools = || self.hosts.iter().filter_map(|host| host.pool.as_ref());
        let is_new = |token: Option<&str>| token.is_some_and(|token| token != "rt-a");
        let is_held = is_new(self.store.rows[0]["refresh_token"].as_str())
            || pools().any(|pool| is_new(pool.rows()[0].get("refresh_token").and_then(|token| token.as_str())));
        let is_dead = |pool: &Pool| pool.entries(self.now(0)).iter().any(|entry| entry.state == State::Dead);
        is_held && pools().any(is_dead)
    }
}

impl TokenServer {
    /// Answers as a server that rotates refresh tokens: each is good once.
    fn receive(&mut self, pool: &Pool, is_lost: bool) -> Outcome {
        let token = pool.rows()[0].get("refresh_token").unwrap().as_str().unwrap().to_owned();
        let times = self.sent.entry(token).or_default();
        *times += 1;
        let is_first = *times == 1;
        self.grants += u32::from(is_first);
        let number = self.grants + 1;
        match (is_lost, is_first) {
            (true, _) => Outcome::Lost,
            (false, true) => tokens(json!({
                "access_token": format!("at-{number}"), "refresh_token": format!("rt-{number}"),
                "expires_at_ms": START.as_millis() + 48 * HOUR,
            })),
            (false, false) => {
                Outcome::Response { status: 400, headers: Vec::new(), body: r#"{"error":"invalid_grant"}"#.to_owned() }
            }
        }
    }
}

/// Settles the request. Returns whether the refresh goes on with another request.
fn settle(pool: &mut Pool, at: &mut Refresh, outcome: Outcome, now: Timestamp) -> bool {
    let step = pool.settle(at.intent, outcome, now).unwrap();
    let further = match take(at, step) {
        Settled::Continues { intent, .. } => intent,
        _ => return false,
    };
    at.intent = further;
    let step = pool.settle(further, Outcome::Unreachable, now).unwrap();
    take(at, step);
    false
}

fn take<T>(at: &mut Refresh, step: Step<T>) -> T {
    for intent in step.intents {
        if let Intent::Persist { changes, .. } = intent {
            at.changes = changes;
        }
    }
    step.value
}
