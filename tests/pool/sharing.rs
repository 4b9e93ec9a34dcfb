//! Any number of hosts share a store: whatever is delayed, lost, repeated or reordered on the way, all end with the same
//! rows, and nothing that a host did is lost.

use std::collections::{BTreeMap, BTreeSet};

use credential_pool::{
    Change, Claim, CredentialId, Edit, ErrorCode, Failure, Happening, Intent, IntentId, Outcome, Pool, PoolKey,
    RowFields, Selection, Settled, Sources, Stamp, Status, Step, Stored, Strategy as Choice, Timestamp, apply,
};
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Value, json};

use crate::host::{HOUR, START, after, key, login, readable_rows};

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(1_000), max_shrink_iters: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn all_hosts_end_with_the_same_rows_and_nothing_is_lost(script in vec((0..HOSTS, deed()), 0..60)) {
        let mut fleet = Fleet::new();
        for (host, deed) in &script {
            fleet.act(*host, deed);
        }
        fleet.settle_down();
        fleet.check_that_all_agree();
        fleet.check_that_nothing_is_lost();
    }

    #[test]
    fn hosts_that_know_nothing_of_each_other_end_the_same_in_every_order(
        script in vec((0..HOSTS, deed()), 0..40),
        orders in vec(vec(0..HOSTS, 0..60), 2),
    ) {
        let mut fleet = Fleet::new();
        for (host, deed) in script.iter().filter(|(_, deed)| !matches!(deed, Deed::Sync)) {
            fleet.act(*host, deed);
        }
        fleet.settle_down();
        let ends: Vec<_> = orders.iter().map(|order| fleet.delivered_again_in(order)).collect();
        for end in &ends {
            prop_assert!(end.merge == fleet.store.merge);
            prop_assert_eq!(ids(end), ids(&fleet.store));
            // A row that no change alters in the end may have been written anew on the way.
            prop_assert_eq!(readable_rows(end, &fleet.key), readable_rows(&fleet.store, &fleet.key));
        }
    }
}

/// Two hosts with one login that is due, each about to refresh it.
fn two_hosts_with_a_login_that_is_due() -> (PoolKey, Stored, [(Pool, IntentId); 2]) {
    let key = PoolKey::parse("anthropic").unwrap();
    let store = Stored { rows: vec![login("a", 0, START)], ..Stored::default() };
    let hosts = [1, 2].map(|seed| {
        let (mut pool, _) = Pool::open(key.clone(), &store, &Sources::default(), [seed; 32], START);
        let Selection::Refreshing { intent, .. } = pool.select(START).value else { panic!() };
        (pool, intent)
    });
    (key, store, hosts)
}

fn write<T>(store: &mut Stored, key: &PoolKey, step: Step<T>) -> T {
    for intent in &step.intents {
        if let Intent::Persist { changes, .. } = intent {
            apply(store, changes, key);
        }
    }
    step.value
}

fn new_tokens() -> Outcome {
    crate::host::tokens(
        json!({ "access_token": "at-2", "refresh_token": "rt-2", "expires_at_ms": after(HOUR).as_millis() }),
    )
}

#[test]
fn of_two_hosts_one_refreshes_and_the_other_takes_the_tokens() {
    let (key, mut store, [(mut one, at_work), (mut other, late)]) = two_hosts_with_a_login_that_is_due();
    assert!(matches!(write(&mut store, &key, one.claim(at_work, START).unwrap()), Claim::Send { .. }));
    write(&mut store, &key, one.settle(at_work, new_tokens(), START).unwrap());
    // Its turn comes when the first has unlocked.
    let step = other.sync(&store, START);
    write(&mut store, &key, step);
    assert_eq!(write(&mut store, &key, other.claim(late, START).unwrap()), Claim::Gone);
    assert_eq!(other.outstanding(), []);
    assert!(matches!(other.select(START).value, Selection::Selected { .. }));
    assert_eq!(other.runtime(&"a".into()).unwrap().key, "at-2");
    assert_eq!(other.claim(late, START).unwrap_err().code, ErrorCode::AlreadySettled);
}

#[test]
fn a_token_that_a_dead_host_may_have_spent_is_not_sent_again() {
    let (key, mut store, [(mut dead, at_work), (mut other, late)]) = two_hosts_with_a_login_that_is_due();
    write(&mut store, &key, dead.claim(at_work, START).unwrap());
    drop(dead);
    let step = other.sync(&store, START);
    write(&mut store, &key, step);
    assert_eq!(write(&mut store, &key, other.claim(late, START).unwrap()), Claim::Gone, "it may be at work still");
    let Selection::Exhausted { retry_at: Some(later) } = other.select(START).value else { panic!() };
    assert!(later.since(START).as_secs() <= 60);

    let Selection::Refreshing { intent, .. } = other.select(later).value else { panic!() };
    let step = other.claim(intent, later).unwrap();
    assert_eq!((&step.value, &step.events[0].what), (&Claim::Gone, &Happening::RefreshInterrupted));
    assert_eq!(other.select(later).value, Selection::Exhausted { retry_at: None }, "a new login has to be made");

    // So it is for every host that opens later, until a person wants it tried all the same.
    let (mut next, _) = Pool::open(key.clone(), &store, &Sources::default(), [3; 32], later);
    let Selection::Refreshing { intent, .. } = next.select(later).value else { panic!() };
    assert_eq!(next.claim(intent, later).unwrap().value, Claim::Gone);
    write(&mut store, &key, next.reset(None, later).unwrap());
    let Selection::Refreshing { intent, .. } = next.select(later).value else { panic!() };
    assert!(matches!(write(&mut store, &key, next.claim(intent, later).unwrap()), Claim::Send { .. }));
    write(&mut store, &key, next.settle(intent, new_tokens(), later).unwrap());
    assert_eq!(store.rows[0]["refresh_token"], "rt-2");
}

#[test]
fn a_host_that_reached_nobody_leaves_the_token_to_the_others() {
    let (key, mut store, [(mut one, at_work), (mut other, late)]) = two_hosts_with_a_login_that_is_due();
    write(&mut store, &key, one.claim(at_work, START).unwrap());
    let first = one.settle(at_work, Outcome::Unreachable, START).unwrap();
    let Settled::Continues { intent, .. } = write(&mut store, &key, first) else { panic!("there is another address") };
    write(&mut store, &key, one.settle(intent, Outcome::Unreachable, START).unwrap());
    let step = other.sync(&store, START);
    write(&mut store, &key, step);
    assert!(matches!(write(&mut store, &key, other.claim(late, START).unwrap()), Claim::Send { .. }));
}

#[test]
fn a_token_whose_answer_could_not_be_read_is_sent_by_no_other_host() {
    let (key, mut store, [(mut one, at_work), (mut other, late)]) = two_hosts_with_a_login_that_is_due();
    write(&mut store, &key, one.claim(at_work, START).unwrap());
    let broken = Outcome::Response { status: 200, headers: Vec::new(), body: String::new() };
    let step = one.settle(at_work, broken, START).unwrap();
    assert!(matches!(write(&mut store, &key, step), Settled::Unrefreshed { .. }));
    let step = other.sync(&store, START);
    write(&mut store, &key, step);
    assert_eq!(write(&mut store, &key, other.claim(late, START).unwrap()), Claim::Gone);
}

#[test]
fn a_host_that_never_got_the_lock_leaves_the_claim_of_the_one_that_did() {
    let (key, mut store, [(mut one, at_work), (mut other, late)]) = two_hosts_with_a_login_that_is_due();
    write(&mut store, &key, one.claim(at_work, START).unwrap());
    let step = other.sync(&store, START);
    write(&mut store, &key, step);
    let first = other.settle(late, Outcome::Unreachable, START).unwrap();
    let Settled::Continues { intent, .. } = write(&mut store, &key, first) else { panic!("there is another address") };
    write(&mut store, &key, other.settle(intent, Outcome::Unreachable, START).unwrap());
    drop(one);

    let (mut next, _) = Pool::open(key.clone(), &store, &Sources::default(), [3; 32], START);
    let Selection::Refreshing { intent, .. } = next.select(START).value else { panic!() };
    assert_eq!(next.claim(intent, START).unwrap().value, Claim::Gone, "it may have spent the token");
}

#[test]
fn a_refresh_that_keeps_its_refresh_token_leaves_it_to_the_others() {
    let (key, mut store, [(mut one, at_work), (mut other, _)]) = two_hosts_with_a_login_that_is_due();
    write(&mut store, &key, one.claim(at_work, START).unwrap());
    let kept = crate::host::tokens(json!({ "access_token": "at-2", "expires_at_ms": after(HOUR).as_millis() }));
    write(&mut store, &key, one.settle(at_work, kept, START).unwrap());
    let later = after(HOUR);
    let step = other.sync(&store, later);
    write(&mut store, &key, step);
    let Selection::Refreshing { intent, .. } = other.select(later).value else { panic!() };
    assert!(matches!(other.claim(intent, later).unwrap().value, Claim::Send { .. }));
}

#[test]
fn what_a_person_says_of_a_login_does_not_bring_its_old_tokens_back() {
    let (key, mut store, [(mut one, at_work), (mut other, _)]) = two_hosts_with_a_login_that_is_due();
    write(&mut store, &key, one.claim(at_work, START).unwrap());
    write(&mut store, &key, one.settle(at_work, new_tokens(), START).unwrap());
    let fields = json!({ "inference_base_url": "https://a.test", "label": "mine" });
    write(&mut store, &key, other.update(&"a".into(), fields.as_object().unwrap(), after(1)).unwrap());
    let told = ["refresh_token", "inference_base_url", "label"].map(|name| store.rows[0][name].as_str().unwrap());
    assert_eq!(told, ["rt-2", "https://a.test", "mine"]);
}

#[test]
fn what_was_read_before_an_own_write_takes_nothing_back() {
    let (key, mut store, [(mut one, at_work), _]) = two_hosts_with_a_login_that_is_due();
    let early = store.clone();
    let step = one.settle(at_work, new_tokens(), START).unwrap();
    let intent = step.intents[0].id();
    write(&mut store, &key, step);
    write(&mut store, &key, one.settle(intent, Outcome::Saved, START).unwrap());
    let step = one.sync(&early, START);
    write(&mut store, &key, step);
    assert_eq!(one.runtime(&"a".into()).unwrap().key, "at-2");
}

#[test]
fn a_reset_by_a_host_whose_clock_is_ahead_does_not_swallow_what_comes_after_it() {
    let (key, mut store, [(mut ahead, _), (mut other, _)]) = two_hosts_with_a_login_that_is_due();
    let rests = |store: &Stored| store.rows[0]["last_status"] == "exhausted";
    write(&mut store, &key, ahead.rotate(&"a".into(), Failure::status(429), after(HOUR)).unwrap());
    write(&mut store, &key, ahead.reset(None, after(HOUR)).unwrap());
    assert!(!rests(&store));
    let step = other.sync(&store, START);
    write(&mut store, &key, step);
    write(&mut store, &key, other.rotate(&"a".into(), Failure::status(429), START).unwrap());
    assert!(rests(&store));
}

#[test]
fn an_intent_to_write_is_not_claimed() {
    let (_, _, [(mut one, _), _]) = two_hosts_with_a_login_that_is_due();
    let step = one.set_strategy(Choice::LeastUsed, START);
    assert_eq!(one.claim(step.intents[0].id(), START).unwrap_err().code, ErrorCode::WrongOutcome);
    assert_eq!(one.claim(IntentId::new(99), START).unwrap_err().code, ErrorCode::UnknownIntent);
}

const HOSTS: usize = 3;

/// What a host does, or what happens to what it wrote.
#[derive(Clone, Debug)]
enum Deed {
    Use(usize),
    Bench(usize, i64),
    /// Somebody waits, and what rests may be over.
    Wait(i64),
    Reset(Option<usize>),
    Add,
    Remove(usize),
    Label(usize),
    Move(usize, usize),
    NewSecret(usize),
    /// A refresh begins; it ends at the next one, or when all settles down.
    Refresh(usize),
    Strategy(Choice),
    Suppress(usize),
    /// Of what is on its way one arrives, and its host is told, or it is told that it did not.
    Arrive(usize, bool),
    /// One is lost on the way, and its host is told.
    Lose(usize),
    /// One that arrived before arrives again.
    Repeat(usize),
    Sync,
}

fn deed() -> impl Strategy<Value = Deed> {
    let place = || 0..4_usize;
    prop_oneof![
        3 => place().prop_map(Deed::Use),
        3 => (place(), select(vec![429, 402, 401])).prop_map(|(place, status)| Deed::Bench(place, status)),
        // What comes later than a day may count twice, so 60 of them stay below.
        2 => select(vec![1, 1000, HOUR / 3]).prop_map(Deed::Wait),
        1 => prop::option::of(place()).prop_map(Deed::Reset),
        1 => Just(Deed::Add),
        1 => place().prop_map(Deed::Remove),
        1 => place().prop_map(Deed::Label),
        1 => (place(), place()).prop_map(|(place, to)| Deed::Move(place, to)),
        1 => place().prop_map(Deed::NewSecret),
        2 => place().prop_map(Deed::Refresh),
        1 => select(vec![Choice::FillFirst, Choice::RoundRobin, Choice::LeastUsed]).prop_map(Deed::Strategy),
        1 => place().prop_map(Deed::Suppress),
        5 => (0..4_usize, any::<bool>()).prop_map(|(message, is_told)| Deed::Arrive(message, is_told)),
        2 => (0..4_usize).prop_map(Deed::Lose),
        2 => (0..9_usize).prop_map(Deed::Repeat),
        3 => Just(Deed::Sync),
    ]
}

struct Fleet {
    key: PoolKey,
    store: Stored,
    first: Stored,
    hosts: Vec<Host>,
    /// All tokens that a row ever had in the store.
    tokens: BTreeMap<String, BTreeSet<String>>,
    removed: BTreeSet<String>,
    added: BTreeSet<String>,
    /// Everything that ever arrived, once.
    arrived: BTreeMap<Stamp, Edit>,
    names: usize,
}

struct Host {
    pool: Pool,
    /// Hosts' clocks do not agree.
    ahead: i64,
    waited: i64,
    on_its_way: Vec<(IntentId, Vec<Change>)>,
    delivered: Vec<Vec<Change>>,
    refresh: Option<IntentId>,
}

impl Fleet {
    fn new() -> Self {
        let pool_key = PoolKey::parse("anthropic").unwrap();
        let resting = json!({
            "id": "c", "source": "manual", "access_token": "sk-c", "priority": 2, "request_count": 4,
            "last_status": "exhausted", "last_status_at": 1_775_757_000.5, "last_error_code": 429,
        });
        let rows = vec![
            key("a", 0),
            login("b", 1, after(-HOUR)),
            resting,
            json!({ "access_token": "sk-nameless", "priority": 9 }),
        ];
        let store = Stored { rows, ..Stored::default() };
        let open = |number: usize| {
            let seed = [u8::try_from(number).unwrap() + 1; 32];
            let ahead = [0, -700, 2_500][number];
            let (pool, step) = Pool::open(pool_key.clone(), &store, &Sources::default(), seed, after(ahead));
            let mut host =
                Host { pool, ahead, waited: 0, on_its_way: Vec::new(), delivered: Vec::new(), refresh: None };
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

    fn act(&mut self, number: usize, deed: &Deed) {
        self.names += 1;
        let name = format!("n{}", self.names);
        let (store, key) = (self.store.clone(), self.key.clone());
        let host = &mut self.hosts[number];
        let now = host.now();
        let id = |host: &Host, place: usize| {
            let entries = host.pool.entries(now);
            (!entries.is_empty()).then(|| entries[place % entries.len()].id.clone())
        };
        match deed {
            Deed::Use(place) => {
                if let Some(id) = id(host, *place) {
                    let step = host.pool.mark_used(&id).unwrap();
                    host.take(step);
                }
            }
            Deed::Bench(place, status) => {
                if let Some(id) = id(host, *place) {
                    let step = host.pool.rotate(&id, Failure::status(*status), now).unwrap();
                    host.take(step);
                }
            }
            Deed::Wait(millis) => {
                host.waited += millis;
                let step = host.pool.select(host.now());
                host.take(step);
            }
            Deed::Reset(place) => {
                let id = place.and_then(|place| id(host, place));
                let step = host.pool.reset(id.as_ref(), now).unwrap();
                host.take(step);
            }
            Deed::Add => {
                self.added.insert(name.clone());
                let row = json!({ "id": name, "label": name, "access_token": format!("sk-{name}") });
                let step = host.pool.add(row.as_object().unwrap(), now).unwrap();
                host.take(step);
            }
            Deed::Remove(place) => {
                if let Some(id) = id(host, *place) {
                    let step = host.pool.remove(&id, now).unwrap();
                    self.removed.insert(id.as_str().to_owned());
                    host.take(step);
                }
            }
            Deed::Label(place) => self.update(number, *place, &json!({ "label": name })),
            Deed::NewSecret(place) => self.update(number, *place, &json!({ "access_token": format!("sk-{name}") })),
            Deed::Move(place, to) => {
                if let Some(id) = id(host, *place) {
                    let step = host.pool.move_to(&id, *to, now).unwrap();
                    host.take(step);
                }
            }
            Deed::Refresh(place) => {
                host.end_refresh(&name);
                let step = id(host, *place).and_then(|id| host.pool.refresh(&id, now).ok());
                if let Some(step) = step {
                    host.refresh = Some(step.value.intent);
                    host.take(step);
                }
            }
            Deed::Strategy(strategy) => {
                let step = host.pool.set_strategy(*strategy, now);
                host.take(step);
            }
            Deed::Suppress(place) => {
                let row = json!({ "id": name, "source": format!("env:{place}"), "access_token": format!("sk-{name}") });
                let step = host.pool.add(row.as_object().unwrap(), now).unwrap();
                let id = step.value.clone();
                host.take(step);
                let step = host.pool.remove(&id, now).unwrap();
                self.removed.insert(id.as_str().to_owned());
                host.take(step);
            }
            Deed::Arrive(message, is_told) => {
                if !host.on_its_way.is_empty() {
                    let (intent, changes) = host.on_its_way.remove(message % host.on_its_way.len());
                    self.deliver(number, &changes);
                    let host = &mut self.hosts[number];
                    host.delivered.push(changes);
                    let outcome = if *is_told { Outcome::Saved } else { Outcome::Failed };
                    let step = host.pool.settle(intent, outcome, now).unwrap();
                    host.take(step);
                }
            }
            Deed::Lose(message) => {
                if !host.on_its_way.is_empty() {
                    let (intent, _) = host.on_its_way.remove(message % host.on_its_way.len());
                    let step = host.pool.settle(intent, Outcome::Failed, now).unwrap();
                    host.take(step);
                }
            }
            Deed::Repeat(message) => {
                if !host.delivered.is_empty() {
                    let changes = host.delivered[message % host.delivered.len()].clone();
                    let before = self.store.clone();
                    apply(&mut self.store, &changes, &key);
                    assert!(self.store == before, "a change that arrives twice counts once");
                }
            }
            Deed::Sync => {
                let step = host.pool.sync(&store, now);
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

    /// Everything arrives, and everybody looks.
    fn settle_down(&mut self) {
        for number in 0..HOSTS {
            self.names += 1;
            let name = format!("n{}", self.names);
            let host = &mut self.hosts[number];
            host.end_refresh(&name);
            for _ in 0..2 {
                let host = &mut self.hosts[number];
                let step = host.pool.flush(host.now());
                host.take(step);
                while !self.hosts[number].on_its_way.is_empty() {
                    self.act(number, &Deed::Arrive(0, true));
                }
            }
        }
    }

    fn check_that_all_agree(&mut self) {
        for number in 0..HOSTS {
            self.act(number, &Deed::Sync);
            let host = &mut self.hosts[number];
            assert!(host.on_its_way.is_empty(), "to look changes nothing: {:?}", host.on_its_way);
            let mut rows = host.pool.rows();
            rows.sort_by_key(|row| row["id"].as_str().map(str::to_owned));
            assert_eq!(rows, readable_rows(&self.store, &self.key), "host {number}");
        }
    }

    /// By what all changes that arrived say together, in no order.
    fn check_that_nothing_is_lost(&self) {
        let ids: BTreeSet<_> = self.store.rows.iter().filter_map(|row| row["id"].as_str()).map(str::to_owned).collect();
        assert!(self.added.difference(&self.removed).all(|id| ids.contains(id)), "an addition was lost");
        assert!(self.removed.is_disjoint(&ids), "a removal was lost");
        for row in &self.store.rows {
            let id = CredentialId::from(row["id"].as_str().unwrap());
            let first = self.first.rows.iter().find(|first| first["id"] == id.as_str());
            let mut uses = first.and_then(|first| first["request_count"].as_u64()).unwrap_or(0);
            let mut label = None;
            let mut rests: BTreeSet<Stamp> = BTreeSet::new();
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
                            rests.insert(by.clone());
                        }
                    }
                    Edit::Tokens { .. } => has_new_token = true,
                    _ => {}
                }
            }
            assert_eq!(row["request_count"].as_u64().unwrap_or(0), uses, "{id:?} was used so often");
            if let Some(label) = label {
                assert_eq!(row["label"], label);
            }
            rests.retain(|by| !ended.contains(by) && reset.as_ref().is_none_or(|reset| by >= reset));
            if !rests.is_empty() && !has_new_token {
                assert_eq!(row["last_status"], "exhausted", "{id:?} lost a rest: {rests:?}");
            }
            if rests.is_empty() && !ended.is_empty() {
                assert_ne!(row["last_status"], "exhausted", "{id:?} rests though every rest of it was ended");
            }
        }
    }

    /// What the store would hold if the same had arrived in another order: each host's own in the order in which it came.
    fn delivered_again_in(&self, order: &[usize]) -> Stored {
        let mut store = self.first.clone();
        let mut left: Vec<_> = self.hosts.iter().map(|host| host.delivered.iter()).collect();
        let rest = (0..HOSTS).flat_map(|host| std::iter::repeat_n(host, 100));
        for host in order.iter().copied().chain(rest) {
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
                Intent::Persist { id, changes } => self.on_its_way.push((id, changes)),
                Intent::Refresh { id, .. } => self.refresh = Some(id),
            }
        }
    }

    fn end_refresh(&mut self, name: &str) {
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
