//! A shared store: however writes are delayed, dropped, repeated or reordered, all hosts end with the same rows, and no
//! change is lost.

use std::collections::{BTreeMap, BTreeSet};

use credential_pool::{
    Change, CredentialId, Edit, Failure, Intent, IntentId, Outcome, Pool, PoolKey, RowFields, Sources, Stamp, Status,
    Step, Stored, Strategy as Choice, Timestamp, apply,
};
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Value, json};

use crate::host::{HOUR, START, after, key, login, readable_rows};

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(1_000), max_shrink_iters: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn all_hosts_end_with_the_same_rows_and_no_change_is_lost(script in vec((0..HOSTS, action()), 0..60)) {
        let mut fleet = Fleet::new();
        for (host, action) in &script {
            fleet.act(*host, action);
        }
        fleet.deliver_all();
        fleet.check_that_all_agree();
        fleet.check_that_no_change_is_lost();
    }

    #[test]
    fn hosts_that_never_sync_end_with_the_same_rows_in_every_order_of_writes(
        script in vec((0..HOSTS, action()), 0..40),
        orders in vec(vec(0..HOSTS, 0..60), 2),
    ) {
        let mut fleet = Fleet::new();
        for (host, action) in script.iter().filter(|(_, action)| !matches!(action, Action::Sync)) {
            fleet.act(*host, action);
        }
        fleet.deliver_all();
        let ends: Vec<_> = orders.iter().map(|order| fleet.replayed_in(order)).collect();
        for end in &ends {
            prop_assert!(end.merge == fleet.store.merge);
            prop_assert_eq!(ids(end), ids(&fleet.store));
            // A row may be rewritten on the way without a change in the end, so values are compared, not text.
            prop_assert_eq!(readable_rows(end, &fleet.key), readable_rows(&fleet.store, &fleet.key));
        }
    }
}

const HOSTS: usize = 3;

/// An input of a host, or what becomes of its pending write.
#[derive(Clone, Debug)]
enum Action {
    Use(usize),
    CoolDown(usize, i64),
    /// Time passes for the host, and cooldowns may end.
    Wait(i64),
    Reset(Option<usize>),
    Add,
    Remove(usize),
    Label(usize),
    Move(usize, usize),
    NewSecret(usize),
    /// A refresh starts; it is settled at the next refresh, or at the end.
    Refresh(usize),
    Strategy(Choice),
    Suppress(usize),
    /// A pending write reaches the store; it is settled as saved, or as failed although it was written.
    Write(usize, bool),
    /// A pending write is dropped, and settled as failed.
    FailWrite(usize),
    /// An earlier write reaches the store again.
    WriteAgain(usize),
    Sync,
}

fn action() -> impl Strategy<Value = Action> {
    let place = || 0..4_usize;
    prop_oneof![
        3 => place().prop_map(Action::Use),
        3 => (place(), select(vec![429, 402, 401])).prop_map(|(place, status)| Action::CoolDown(place, status)),
        // Changes older than a day may count twice, so the waits of 60 actions stay below a day.
        2 => select(vec![1, 1000, HOUR / 3]).prop_map(Action::Wait),
        1 => prop::option::of(place()).prop_map(Action::Reset),
        1 => Just(Action::Add),
        1 => place().prop_map(Action::Remove),
        1 => place().prop_map(Action::Label),
        1 => (place(), place()).prop_map(|(place, to)| Action::Move(place, to)),
        1 => place().prop_map(Action::NewSecret),
        2 => place().prop_map(Action::Refresh),
        1 => select(vec![Choice::FillFirst, Choice::RoundRobin, Choice::LeastUsed]).prop_map(Action::Strategy),
        1 => place().prop_map(Action::Suppress),
        5 => (0..4_usize, any::<bool>()).prop_map(|(message, is_saved)| Action::Write(message, is_saved)),
        2 => (0..4_usize).prop_map(Action::FailWrite),
        2 => (0..9_usize).prop_map(Action::WriteAgain),
        3 => Just(Action::Sync),
    ]
}

struct Fleet {
    key: PoolKey,
    store: Stored,
    first: Stored,
    hosts: Vec<Host>,
    /// All access tokens that a row ever had in the store.
    tokens: BTreeMap<String, BTreeSet<String>>,
    removed: BTreeSet<String>,
    added: BTreeSet<String>,
    /// All changes that reached the store, once each.
    arrived: BTreeMap<Stamp, Edit>,
    names: usize,
}

struct Host {
    pool: Pool,
    /// Milliseconds by which the host's clock is ahead.
    ahead: i64,
    waited: i64,
    pending: Vec<(IntentId, Vec<Change>)>,
    delivered: Vec<Vec<Change>>,
    refresh: Option<IntentId>,
}

impl Fleet {
    fn new() -> Self {
        let pool_key = PoolKey::parse("anthropic").unwrap();
        let exhausted = json!({
            "id": "c", "source": "manual", "access_token": "sk-c", "priority": 2, "request_count": 4,
            "last_status": "exhausted", "last_status_at": 1_775_757_000.5, "last_error_code": 429,
        });
        let rows = vec![
            key("a", 0),
            login("b", 1, after(-HOUR)),
            exhausted,
            json!({ "access_token": "sk-nameless", "priority": 9 }),
        ];
        let store = Stored { rows, ..Stored::default() };
        let open = |number: usize| {
            let seed = [u8::try_from(number).unwrap() + 1; 32];
            let ahead = [0, -700, 2_500][number];
            let (pool, step) = Pool::open(pool_key.clone(), &store, &Sources::default(), seed, after(ahead));
            let mut host = Host { pool, ahead, waited: 0, pending: Vec::new(), delivered: Vec::new(), refresh: None };
            host.take(step);
            host
        };
        let hosts = (0..HOSTS).map(open).collect();
        let first = store.clone();
        Self {
            key: pool_key,
            store,
            first,
            hosts,
            tokens: BTreeMap::new(),
            removed: BTreeSet::new(),
            added: BTreeSet::new(),
            arrived: BTreeMap::new(),
            names: 0,
        }
    }

    fn act(&mut self, number: usize, action: &Action) {
        self.names += 1;
        let name = format!("n{}", self.names);
        let (store, key) = (self.store.clone(), self.key.clone());
        let host = &mut self.hosts[number];
        let now = host.now();
        let id = |host: &Host, place: usize| {
            let entries = host.pool.entries(now);
            (!entries.is_empty()).then(|| entries[place % entries.len()].id.clone())
        };
        match action {
            Action::Use(place) => {
                if let Some(id) = id(host, *place) {
                    let step = host.pool.mark_used(&id).unwrap();
                    host.take(step);
                }
            }
            Action::CoolDown(place, status) => {
                if let Some(id) = id(host, *place) {
                    let step = host.pool.rotate(&id, Failure::status(*status), now).unwrap();
                    host.take(step);
                }
            }
            Action::Wait(millis) => {
                host.waited += millis;
                let step = host.pool.select(host.now());
                host.take(step);
            }
            Action::Reset(place) => {
                let id = place.and_then(|place| id(host, place));
                let step = host.pool.reset(id.as_ref(), now).unwrap();
                host.take(step);
            }
            Action::Add => {
                self.added.insert(name.clone());
                let row = json!({ "id": name, "label": name, "access_token": format!("sk-{name}") });
                let step = host.pool.add(row.as_object().unwrap(), now).unwrap();
                host.take(step);
            }
            Action::Remove(place) => {
                if let Some(id) = id(host, *place) {
                    let step = host.pool.remove(&id, now).unwrap();
                    self.removed.insert(id.as_str().to_owned());
                    host.take(step);
                }
            }
            Action::Label(place) => self.update(number, *place, &json!({ "label": name })),
            Action::NewSecret(place) => self.update(number, *place, &json!({ "access_token": format!("sk-{name}") })),
            Action::Move(place, to) => {
                if let Some(id) = id(host, *place) {
                    let step = host.pool.move_to(&id, *to, now).unwrap();
                    host.take(step);
                }
            }
            Action::Refresh(place) => {
                host.settle_refresh(&name);
                let step = id(host, *place).and_then(|id| host.pool.refresh(&id, now).ok());
                if let Some(step) = step {
                    host.refresh = Some(step.value.intent);
                    host.take(step);
                }
            }
            Action::Strategy(strategy) => {
                let step = host.pool.set_strategy(*strategy, now);
                host.take(step);
            }
            Action::Suppress(place) => {
                let row = json!({ "id": name, "source": format!("env:{place}"), "access_token": format!("sk-{name}") });
                let step = host.pool.add(row.as_object().unwrap(), now).unwrap();
                let id = step.value.clone();
                host.take(step);
                let step = host.pool.remove(&id, now).unwrap();
                self.removed.insert(id.as_str().to_owned());
                host.take(step);
            }
            Action::Write(message, is_saved) => {
                if !host.pending.is_empty() {
                    let (intent, changes) = host.pending.remove(message % host.pending.len());
                    self.deliver(number, &changes);
                    let host = &mut self.hosts[number];
                    host.delivered.push(changes);
                    let outcome = if *is_saved { Outcome::Saved } else { Outcome::Failed };
                    let step = host.pool.settle(intent, outcome, now).unwrap();
                    host.take(step);
                }
            }
            Action::FailWrite(message) => {
                if !host.pending.is_empty() {
                    let (intent, _) = host.pending.remove(message % host.pending.len());
                    let step = host.pool.settle(intent, Outcome::Failed, now).unwrap();
                    host.take(step);
                }
            }
            Action::WriteAgain(message) => {
                if !host.delivered.is_empty() {
                    let changes = host.delivered[message % host.delivered.len()].clone();
                    let before = self.store.clone();
                    apply(&mut self.store, &changes, &key);
                    assert!(self.store == before, "a change that arrives twice counts once");
                }
            }
            Action::Sync => {
                let step = host.pool.sync(&store, None, now);
                host.take(step);
            }
        }
    }

    fn update(&mut self, number: usize, place: usize, fields: &Value) {
        let host = &mut self.hosts[number];
        let entries = host.pool.entries(host.now());
        if !entries.is_empty() {
            let id: CredentialId = entries[place % entries.len()].id.clone();
            let step = host.pool.update(&id, fields.as_object().unwrap(), host.now()).unwrap();
            host.take(step);
        }
    }

    fn deliver(&mut self, number: usize, changes: &[Change]) {
        apply(&mut self.store, changes, &self.key);
        let kept = serde_json::to_value(&self.store).unwrap();
        self.store = serde_json::from_value(kept).unwrap();
        self.arrived.extend(changes.iter().map(|change| (change.by.clone(), change.edit.clone())));
        for row in &self.store.rows {
            let (id, token) =
                (row["id"].as_str().unwrap_or_default(), row["access_token"].as_str().unwrap_or_default());
            let seen = self.tokens.entry(id.to_owned()).or_default();
            let is_new = seen.insert(token.to_owned());
            let last = self.hosts[number].delivered.len();
            assert!(is_new || self.current_token(id).as_deref() == Some(token), "{id} went back to {token} ({last})");
            self.tokens.entry(format!("current {id}")).or_default().clear();
            self.tokens.entry(format!("current {id}")).or_default().insert(token.to_owned());
        }
    }

    fn current_token(&self, id: &str) -> Option<String> {
        self.tokens.get(&format!("current {id}"))?.first().cloned()
    }

    /// Settles all refreshes, and delivers all pending writes.
    fn deliver_all(&mut self) {
        for number in 0..HOSTS {
            self.names += 1;
            let name = format!("n{}", self.names);
            let host = &mut self.hosts[number];
            host.settle_refresh(&name);
            for _ in 0..2 {
                let host = &mut self.hosts[number];
                let step = host.pool.flush(host.now());
                host.take(step);
                while !self.hosts[number].pending.is_empty() {
                    self.act(number, &Action::Write(0, true));
                }
            }
        }
    }

    fn check_that_all_agree(&mut self) {
        for number in 0..HOSTS {
            self.act(number, &Action::Sync);
            let host = &mut self.hosts[number];
            assert!(host.pending.is_empty(), "a sync has no changes: {:?}", host.pending);
            let mut rows = host.pool.rows();
            rows.sort_by_key(|row| row["id"].as_str().map(str::to_owned));
            assert_eq!(rows, readable_rows(&self.store, &self.key), "host {number}");
        }
    }

    /// Derives the expected rows from the set of all changes, whatever their order.
    fn check_that_no_change_is_lost(&self) {
        let ids: BTreeSet<_> = self.store.rows.iter().filter_map(|row| row["id"].as_str()).map(str::to_owned).collect();
        assert!(self.added.difference(&self.removed).all(|id| ids.contains(id)), "an addition was lost");
        assert!(self.removed.is_disjoint(&ids), "a removal was lost");
        for row in &self.store.rows {
            let id = CredentialId::from(row["id"].as_str().unwrap());
            let first = self.first.rows.iter().find(|first| first["id"] == id.as_str());
            let mut uses = first.and_then(|first| first["request_count"].as_u64()).unwrap_or(0);
            let mut label = None;
            let mut cooldowns: BTreeSet<Stamp> = BTreeSet::new();
            let (mut ended, mut reset, mut has_new_token) = (BTreeSet::new(), None, false);
            for (by, edit) in self.arrived.iter().filter(|(_, edit)| is_of(edit, &id)) {
                match edit {
                    Edit::Used { count, .. } => uses += count,
                    Edit::Set { set: RowFields(set), .. } => label = set.get("label").cloned().or(label),
                    Edit::Status { status, ends, ends_earlier, .. } => {
                        ended.extend(ends.iter().cloned());
                        if *ends_earlier {
                            reset = reset.max(Some(by.clone()));
                        }
                        if *status == Some(Status::Exhausted) {
                            cooldowns.insert(by.clone());
                        }
                    }
                    Edit::Tokens { .. } => has_new_token = true,
                    _ => {}
                }
            }
            assert_eq!(row["request_count"].as_u64().unwrap_or(0), uses, "the request count of {id:?}");
            if let Some(label) = label {
                assert_eq!(row["label"], label);
            }
            cooldowns.retain(|by| !ended.contains(by) && reset.as_ref().is_none_or(|reset| by >= reset));
            if !cooldowns.is_empty() && !has_new_token {
                assert_eq!(row["last_status"], "exhausted", "{id:?} must still cool down: {cooldowns:?}");
            }
            if cooldowns.is_empty() && !ended.is_empty() {
                assert_ne!(
                    row["last_status"], "exhausted",
                    "{id:?} is exhausted although all its cooldowns were ended"
                );
            }
        }
    }

    /// Returns the store after the same writes in another order; each host's own writes keep their order.
    fn replayed_in(&self, order: &[usize]) -> Stored {
        let mut store = self.first.clone();
        let mut left: Vec<_> = self.hosts.iter().map(|host| host.delivered.iter()).collect();
        let remaining = (0..HOSTS).flat_map(|host| std::iter::repeat_n(host, 100));
        for host in order.iter().copied().chain(remaining) {
            if let Some(changes) = left[host].next() {
                apply(&mut store, changes, &self.key);
            }
        }
        store
    }
}

impl Host {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(START.as_millis() + self.ahead + self.waited)
    }

    fn take<T>(&mut self, step: Step<T>) {
        for intent in step.intents {
            match intent {
                Intent::Persist { id, changes } => self.pending.push((id, changes)),
                Intent::Refresh { id, .. } => self.refresh = Some(id),
            }
        }
    }

    fn settle_refresh(&mut self, name: &str) {
        if let Some(intent) = self.refresh.take() {
            let set = json!({ "access_token": format!("at-{name}"), "refresh_token": format!("rt-{name}") });
            let tokens = Outcome::Tokens { set: RowFields(set.as_object().unwrap().clone()) };
            if let Ok(step) = self.pool.settle(intent, tokens, self.now()) {
                self.take(step);
            }
        }
    }
}

fn ids(stored: &Stored) -> Vec<Value> {
    stored.rows.iter().map(|row| row["id"].clone()).collect()
}

fn is_of(edit: &Edit, of: &CredentialId) -> bool {
    match edit {
        Edit::Set { id, .. } | Edit::Status { id, .. } | Edit::Used { id, .. } | Edit::Tokens { id, .. } => id == of,
        _ => false,
    }
}
