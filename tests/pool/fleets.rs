//! Fleets of hosts that find the same credentials, under clocks that are up to 25 days apart: whatever the order of arrival
//! and the repetitions, the store ends as a second implementation of the words of the design says.

use std::collections::{BTreeMap, BTreeSet};

use credential_pool::{
    Change, Edit, Failure, Generation, Intent, Outcome, Pool, PoolKey, Sources, Stamp, Step, Stored, Timestamp, apply,
};
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Map, Value, json};

use crate::host::{DAY, HOUR, START, readable_rows};

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(500), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn all_fleets_converge_as_the_design_says(
        generations in vec((vec(host(), 2..4), vec((0..3_usize, action()), 0..25), vec(vec(0..3_usize, 0..40), 3)), 1..3),
    ) {
        let key = PoolKey::parse("huggingface").unwrap();
        let (mut store, mut all) = (Stored::default(), Vec::new());
        let mut seed = 0;
        for (hosts, script, orders) in generations {
            let mut fleet: Vec<_> = hosts.iter().map(|host| {
                seed += 1;
                Host::open(host, &key, &store, seed)
            }).collect();
            let hosts = fleet.len();
            for (host, action) in &script {
                fleet[host % hosts].act(action);
            }
            let changes: Vec<_> = fleet.iter_mut().map(Host::all_changes).collect();
            all.extend(changes.iter().flatten().cloned());
            let ends: Vec<_> = orders.iter().map(|order| delivered(&store, &changes, order, &key)).collect();
            let expected = Expected::of(&all);
            for end in &ends {
                prop_assert_eq!(seen(end, &key), seen(&ends[0], &key), "two orders of {:#?}", all);
                prop_assert_eq!(expected.shown(end, &key), expected.rows.clone(), "the oracle, after {:#?}", all);
                prop_assert_eq!(sources(end), expected.suppressed.clone());
                let remembered = remembered_hosts(end);
                prop_assert!(expected.signed_off.is_disjoint(&remembered), "{:?} of {:#?}", remembered, all);
            }
            store = ends[0].clone();
        }
    }
}

/// Environment of a host, and the milliseconds by which its clock is ahead.
#[derive(Clone, Debug)]
struct Setup {
    ahead: i64,
    /// Whether the host signs off at its end; the others crash.
    signs_off: bool,
    env: Option<Vec<(&'static str, &'static str)>>,
}

fn host() -> impl Strategy<Value = Setup> {
    let ahead = prop_oneof![select(vec![0, 700, -HOUR, HOUR, 25 * DAY, -25 * DAY, 3 * DAY]), -25 * DAY..25 * DAY];
    let env = select(vec![
        None,
        Some(vec![]),
        Some(vec![("HF_TOKEN", "hf-one")]),
        Some(vec![("HF_TOKEN", "hf-two"), ("HF_BASE_URL", "https://two.test")]),
    ]);
    (ahead, any::<bool>(), env).prop_map(|(ahead, signs_off, env)| Setup { ahead, signs_off, env })
}

#[derive(Clone, Debug)]
enum Action {
    Use(usize),
    CoolDown(usize),
    Label(usize),
    Weight(usize),
    NewSecret(usize),
    Add,
    Remove(usize),
    Wait,
}

fn action() -> impl Strategy<Value = Action> {
    let place = || 0..3_usize;
    prop_oneof![
        4 => place().prop_map(Action::Use),
        2 => place().prop_map(Action::CoolDown),
        3 => place().prop_map(Action::Label),
        1 => place().prop_map(Action::Weight),
        2 => place().prop_map(Action::NewSecret),
        1 => Just(Action::Add),
        1 => place().prop_map(Action::Remove),
        1 => Just(Action::Wait),
    ]
}

struct Host {
    pool: Pool,
    now: i64,
    seed: u8,
    signs_off: bool,
    made: usize,
    changes: Vec<Change>,
}

impl Host {
    fn open(setup: &Setup, key: &PoolKey, store: &Stored, seed: u8) -> Self {
        let env = setup.env.as_ref().map(|env| env.iter().copied().collect::<BTreeMap<_, _>>());
        let sources: Sources = serde_json::from_value(json!({ "env": env })).unwrap();
        let now = START.as_millis() + setup.ahead + i64::from(seed);
        let (pool, step) = Pool::open(key.clone(), store, &sources, [seed; 32], Timestamp::from_millis(now));
        let mut host = Self { pool, now, seed, signs_off: setup.signs_off, made: 0, changes: Vec::new() };
        host.take(step);
        host
    }

    fn act(&mut self, action: &Action) {
        self.made += 1;
        self.now += 1;
        let (now, name) = (Timestamp::from_millis(self.now), format!("n{}-{}", self.seed, self.made));
        let entries = self.pool.entries(now);
        let id = |place: &usize| entries.get(place % entries.len().max(1)).map(|entry| entry.id.clone());
        let update = |host: &mut Self, place: &usize, fields: Value| {
            if let Some(id) = id(place) {
                let step = host.pool.update(&id, fields.as_object().unwrap(), now).unwrap();
                host.take(step);
            }
        };
        match action {
            Action::Use(place) => {
                if let Some(id) = id(place) {
                    let step = self.pool.mark_used(&id).unwrap();
                    self.take(step);
                }
            }
            Action::CoolDown(place) => {
                if let Some(id) = id(place) {
                    let step = self.pool.rotate(&id, Failure::status(429), now).unwrap();
                    self.take(step);
                }
            }
            Action::Label(place) => update(self, place, json!({ "label": name })),
            Action::Weight(place) => update(self, place, json!({ "weight": self.made + 1 })),
            Action::NewSecret(place) => update(self, place, json!({ "access_token": name })),
            Action::Add => {
                let row = json!({ "id": name, "label": name, "access_token": name });
                let step = self.pool.add(row.as_object().unwrap(), now).unwrap();
                self.take(step);
            }
            Action::Remove(place) => {
                if let Some(id) = id(place) {
                    let step = self.pool.remove(&id, now).unwrap();
                    self.take(step);
                }
            }
            Action::Wait => self.now += HOUR,
        }
    }

    fn take<T>(&mut self, step: Step<T>) {
        for intent in step.intents {
            if let Intent::Persist { id, changes } = intent {
                self.changes.extend(changes);
                let settled = self.pool.settle(id, Outcome::Saved, Timestamp::from_millis(self.now)).unwrap();
                self.take(settled);
            }
        }
    }

    fn all_changes(&mut self) -> Vec<Change> {
        let now = Timestamp::from_millis(self.now);
        let step = if self.signs_off { self.pool.sign_off(now) } else { self.pool.flush(now) };
        self.take(step);
        self.changes.clone()
    }
}

/// Returns the store after the changes of all hosts, in this order of hosts, some of them twice.
fn delivered(store: &Stored, hosts: &[Vec<Change>], order: &[usize], key: &PoolKey) -> Stored {
    let mut store = store.clone();
    let mut next = vec![0; hosts.len()];
    let rest = (0..hosts.len()).flat_map(|host| std::iter::repeat_n(host, 200));
    for host in order.iter().map(|host| host % hosts.len()).chain(rest) {
        let Some(change) = hosts[host].get(next[host]) else { continue };
        next[host] += 1;
        // What a host has not seen saved is written again with the next change.
        let from = next[host].saturating_sub(3);
        apply(&mut store, &hosts[host][from..next[host]], key);
        apply(&mut store, std::slice::from_ref(change), key);
        store = serde_json::from_value(serde_json::to_value(&store).unwrap()).unwrap();
    }
    store
}

/// Returns all that a person sees of a store.
fn seen(stored: &Stored, key: &PoolKey) -> Value {
    let ids: Vec<_> = stored.rows.iter().map(|row| row["id"].clone()).collect();
    json!({ "ids": ids, "rows": readable_rows(stored, key), "absent": stored.absent, "suppressed": sources(stored) })
}

/// Returns the hosts that a store remembers as those that may write again.
fn remembered_hosts(stored: &Stored) -> BTreeSet<String> {
    let merge = serde_json::to_value(&stored.merge).unwrap();
    merge["hosts"].as_object().into_iter().flatten().map(|(host, _)| host.clone()).collect()
}

fn sources(stored: &Stored) -> BTreeSet<String> {
    stored.suppressed_sources.iter().map(|source| source.as_str().to_owned()).collect()
}

/// The end state by the words of the design, from the set of all changes.
struct Expected {
    rows: BTreeMap<String, Value>,
    suppressed: BTreeSet<String>,
    /// Hosts whose last change is a sign-off.
    signed_off: BTreeSet<String>,
}

const FIELDS: [&str; 6] = ["label", "auth_type", "source", "base_url", "weight", "priority"];

impl Expected {
    fn of(changes: &[Change]) -> Self {
        let mut in_order: Vec<_> = changes.iter().map(|change| (change.by.clone(), change.edit.clone())).collect();
        in_order.sort_by(|(one, _), (other, _)| one.cmp(other));
        in_order.dedup_by(|(one, _), (other, _)| one == other);
        let (mut suppressed, mut signed_off) = (BTreeSet::new(), BTreeSet::new());
        let mut rows: BTreeMap<String, RowHistory> = BTreeMap::new();
        for (by, edit) in in_order {
            match edit {
                Edit::SignOff => signed_off.insert(by.host.as_ref().to_owned()),
                _ => signed_off.remove(by.host.as_ref()),
            };
            match edit {
                Edit::Suppress { source } => drop(suppressed.insert(source.as_str().to_owned())),
                Edit::Unsuppress { source } => drop(suppressed.remove(source.as_str())),
                Edit::Add { row } => rows.entry(row.0["id"].as_str().unwrap().to_owned()).or_default().add(by, &row.0),
                Edit::Remove { id } => rows.entry(id.as_str().to_owned()).or_default().is_removed = true,
                Edit::MarkAbsent { id } => rows.entry(id.as_str().to_owned()).or_default().absent = Some(by),
                Edit::Set { id, set } => rows.entry(id.as_str().to_owned()).or_default().set.extend(set.0),
                Edit::Used { id, count, .. } => rows.entry(id.as_str().to_owned()).or_default().uses += count,
                Edit::Tokens { id, generation, set, .. } => {
                    rows.entry(id.as_str().to_owned()).or_default().token(generation, by, &set.0)
                }
                _ => {}
            }
        }
        let rows = rows.into_iter().filter_map(|(id, row)| Some((id, row.end()?))).collect();
        Self { rows, suppressed, signed_off }
    }

    /// Returns the rows of a store in the form of this oracle.
    fn shown(&self, stored: &Stored, key: &PoolKey) -> BTreeMap<String, Value> {
        let absent = Stored { rows: stored.absent.clone(), ..Stored::default() };
        let lists = [(false, readable_rows(stored, key)), (true, readable_rows(&absent, key))];
        let rows = lists.into_iter().flat_map(|(is_absent, rows)| rows.into_iter().map(move |row| (is_absent, row)));
        rows.map(|(is_absent, row)| {
            let fields = FIELDS.map(|name| row.get(name).cloned().unwrap_or_default());
            let end = json!({
                "absent": is_absent, "fields": fields, "uses": row["request_count"], "token": row["access_token"],
            });
            (row["id"].as_str().unwrap().to_owned(), end)
        })
        .collect()
    }
}

/// All that happened to a row, in the order of stamps.
#[derive(Default)]
struct RowHistory {
    first: Option<Map<String, Value>>,
    last_added: Option<Stamp>,
    absent: Option<Stamp>,
    is_removed: bool,
    set: Map<String, Value>,
    uses: u64,
    token: Option<(Generation, Stamp, Value)>,
}

impl RowHistory {
    fn add(&mut self, by: Stamp, row: &Map<String, Value>) {
        self.first.get_or_insert_with(|| row.clone());
        self.last_added = Some(by.clone());
        self.token(Generation::default(), by, row);
    }

    fn token(&mut self, generation: Generation, by: Stamp, fields: &Map<String, Value>) {
        if self.token.as_ref().is_none_or(|(held, at, _)| (*held, at) < (generation, &by)) {
            self.token = Some((generation, by, fields["access_token"].clone()));
        }
    }

    fn end(self) -> Option<Value> {
        let first = self.first.filter(|_| !self.is_removed)?;
        let (_, set_at, token) = self.token?;
        let is_absent = self.absent > self.last_added;
        let has_token = !is_absent && self.absent.is_none_or(|absent| absent < set_at);
        let field = |name: &str| self.set.get(name).or_else(|| first.get(name)).cloned().unwrap_or_default();
        Some(json!({
            "absent": is_absent, "fields": FIELDS.map(field), "uses": self.uses,
            "token": if has_token { token } else { json!("") },
        }))
    }
}
