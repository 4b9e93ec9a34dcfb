//! How changes of many hosts come together in what a store keeps: the same changes end in the same
//! state, in whatever order they come and however often.
//!
//! Each host's changes reach a store in the order in which they were made, since every intent holds
//! all that no earlier one is known to have saved. So one moment per host tells which of its changes
//! a store has. For what several hosts may change at once, the store keeps who changed it last; what
//! is older than a day nobody argues about any more, and it is forgotten.

mod cooldowns;
mod record;
mod row;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use serde_json::{Map, Value};

use crate::{
    change::{Change, Edit, HostId, RowFields, Stamp, Stored},
    credential::{Credential, CredentialId, Source},
    pool_key::PoolKey,
    sorted::Sorted,
};

pub(crate) use row::{Known, tokens_of};

use cooldowns::ToldStatus;
use record::{Fields, Record, record, unless_empty};
use row::RowMerge;

/// What a store has to know of earlier changes to take in later ones. Holds no secret; a document
/// keeps it under `credential_pool_merges`.
///
/// What cannot be read counts as nothing known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Merge {
    /// The last change of each host that the store has, in microseconds.
    hosts: Sorted<HostId, u64>,
    strategy: Option<Stamp>,
    policy: Option<Stamp>,
    sources: Sorted<String, Stamp>,
    rows: Sorted<String, Box<RowMerge>>,
}

/// Applies changes, in their order, to what a store keeps of a pool.
///
/// A change that was applied before alters nothing. Rows that cannot be read stay as they are; of a
/// row that is changed, unknown fields do.
///
/// ```
/// use credential_pool::{Change, Edit, PoolKey, Stamp, Stored, apply};
/// use serde_json::json;
///
/// let mut stored = Stored { rows: vec![json!({ "id": "a1b2c3", "request_count": 2, "mine": true })], ..Stored::default() };
/// let by = Stamp { at: 1_775_757_580_463_000, host: "5e1f".into() };
/// let used = Change { by, edit: Edit::Used { id: "a1b2c3".into(), count: 3, turn: None } };
/// let openrouter = PoolKey::parse("openrouter")?;
/// apply(&mut stored, &[used.clone(), used], &openrouter);
/// assert_eq!(stored.rows[0]["request_count"], 5);
/// assert_eq!(stored.rows[0]["mine"], true);
/// # Ok::<(), credential_pool::Error>(())
/// ```
pub fn apply(stored: &mut Stored, changes: &[Change], pool: &PoolKey) {
    let mut places = Places::of(&stored.rows);
    for Change { by, edit } in changes {
        if stored.merge.is_news(by) {
            take_in(stored, &mut places, by, edit, pool);
        }
    }
    stored.merge.forget(|id| places.is_taken(id));
}

impl Merge {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What is known as it was stored; nothing, if it cannot be read.
    pub(crate) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::of(&Value::deserialize(deserializer)?).unwrap_or_default())
    }

    /// What is known, of what was stored as this; none if it cannot be read.
    pub(crate) fn of(stored: &Value) -> Option<Self> {
        Record::read(stored)
    }

    /// What is known, as it is stored.
    pub(crate) fn to_value(&self) -> Value {
        Record::write(self)
    }

    /// The latest change of any host, in microseconds.
    pub(crate) fn latest(&self) -> u64 {
        // Beyond the year 2255 a number is not exact in JavaScript: no host of ours has written it.
        const EXACT: u64 = 1 << 53;
        self.hosts.iter().map(|(_, at)| *at).filter(|at| *at < EXACT).max().unwrap_or(0)
    }

    /// Whether the store has a change.
    pub(crate) fn has(&self, by: &Stamp) -> bool {
        self.hosts.get(&by.host).is_some_and(|at| by.at <= *at)
    }

    /// What a pool has to know of a row to change it.
    pub(crate) fn known(&self, credential: &Credential) -> Known {
        self.rows
            .get(credential.id.as_str())
            .map_or_else(|| RowMerge::default().known(credential), |row| row.known(credential))
    }

    /// Whether a change comes for the first time.
    fn is_news(&mut self, by: &Stamp) -> bool {
        let is_news = !self.has(by);
        if is_news {
            self.hosts.insert(by.host.clone(), by.at);
        }
        is_news
    }

    fn row(&mut self, id: &CredentialId) -> &mut RowMerge {
        self.rows.entry(id.as_str())
    }

    fn forget(&mut self, is_there: impl Fn(&str) -> bool) {
        const ARGUED_ABOUT_US: u64 = 24 * 60 * 60 * 1_000_000;
        // One host whose clock is far ahead must not make all others' changes old.
        let (mut first, mut second) = (None, None);
        for (_, at) in self.hosts.iter() {
            second = second.max(first.min(Some(*at)));
            first = first.max(Some(*at));
        }
        let since = second.or(first).unwrap_or(0).saturating_sub(ARGUED_ABOUT_US);
        let is_recent = |by: &Stamp| by.at >= since;
        self.hosts.retain(|_, at| *at >= since);
        self.strategy.take_if(|by| !is_recent(by));
        self.policy.take_if(|by| !is_recent(by));
        self.sources.retain(|_, by| is_recent(by));
        self.rows.retain(|id, row| {
            row.forget(is_recent, is_there(id));
            **row != RowMerge::default()
        });
    }
}

impl Serialize for Merge {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Merge {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let unreadable = || D::Error::custom("this is not what a store knows of earlier changes");
        Self::of(&Value::deserialize(deserializer)?).ok_or_else(unreadable)
    }
}

impl Record for Merge {
    fn read(value: &Value) -> Option<Self> {
        let fields = Fields::of(value)?;
        Some(Self {
            hosts: fields.read_or_default("hosts")?,
            strategy: fields.read_or_default("strategy")?,
            policy: fields.read_or_default("policy")?,
            sources: fields.read_or_default("sources")?,
            rows: fields.read_or_default("rows")?,
        })
    }

    fn write(&self) -> Value {
        record(vec![
            unless_empty("hosts", &self.hosts),
            unless_empty("strategy", &self.strategy),
            unless_empty("policy", &self.policy),
            unless_empty("sources", &self.sources),
            unless_empty("rows", &self.rows),
        ])
    }
}

fn take_in(stored: &mut Stored, places: &mut Places, by: &Stamp, edit: &Edit, pool: &PoolKey) {
    match edit {
        Edit::Add { row } => add(stored, places, by, row, pool),
        Edit::Remove { id } => {
            if let Some((place, _)) = places.find(id, &stored.rows, pool) {
                stored.rows.remove(place);
                *places = Places::of(&stored.rows);
            }
            stored.merge.row(id).remove(by);
        }
        Edit::Identify { id, was, fingerprint } => {
            let fits = |row: &&mut Value| {
                Credential::parse(row, pool)
                    .is_ok_and(|(held, row)| held == *was && row.access_token.fingerprint() == *fingerprint)
            };
            // The row that the id belongs to is not renamed, also if another host named it first.
            let is_shared = was.as_ref().is_none_or(|was| places.readable(was, &stored.rows, pool).count() > 1);
            if is_shared
                && !places.is_taken(id.as_str())
                && let Some(Value::Object(row)) = stored.rows.iter_mut().rev().find(fits)
            {
                row.insert("id".to_owned(), id.as_str().into());
                *places = Places::of(&stored.rows);
            }
        }
        Edit::Set { id, .. }
        | Edit::Status { id, .. }
        | Edit::ModelCooldown { id, .. }
        | Edit::Tokens { id, .. }
        | Edit::Claim { id, .. }
        | Edit::Used { id, .. } => {
            edit_row(stored, places, id, pool, |row, credential| row.take_in(credential, by, edit, pool))
        }
        Edit::Suppress { source } => suppress(stored, by, source, true),
        Edit::Unsuppress { source } => suppress(stored, by, source, false),
        Edit::SetStrategy { strategy } => {
            if is_later(&mut stored.merge.strategy, by) {
                stored.strategy = Some(strategy.name().to_owned());
            }
        }
        Edit::SetPolicy { policy } => {
            if policy.is_object() && is_later(&mut stored.merge.policy, by) {
                stored.policy = Some(policy.clone());
            }
        }
    }
}

/// New rows stand at the end, in the order in which they were added, whichever comes first.
fn add(stored: &mut Stored, places: &mut Places, by: &Stamp, row: &RowFields, pool: &PoolKey) {
    let Some(id) = row.0.get("id").and_then(Value::as_str).map(CredentialId::from) else { return };
    if places.is_taken(id.as_str()) {
        let found_too = |merge: &mut RowMerge, credential: &mut Credential| merge.found_too(credential, by, row, pool);
        return edit_row(stored, places, &id, pool, found_too);
    }
    let merge = stored.merge.row(&id);
    if merge.is_removed_after(by) {
        return;
    }
    let token = Credential::parse(&Value::Object(row.0.clone()), pool).ok().map(|(_, new)| new.token_fingerprint());
    *merge = RowMerge::added(by, token);
    let was_added_later = |row: &Value| {
        let id = row.get("id").and_then(Value::as_str);
        id.and_then(|id| stored.merge.rows.get(id)).is_some_and(|merge| merge.is_added_after(by))
    };
    let behind = stored.rows.iter().rev().take_while(|row| was_added_later(row)).count();
    let place = stored.rows.len().saturating_sub(behind);
    stored.rows.insert(place, Value::Object(row.0.clone()));
    match behind {
        0 => places.add(id.as_str(), place),
        _ => *places = Places::of(&stored.rows),
    }
}

fn edit_row(
    stored: &mut Stored,
    places: &Places,
    id: &CredentialId,
    pool: &PoolKey,
    edit: impl FnOnce(&mut RowMerge, &mut Credential),
) {
    if let Some((place, before)) = places.find(id, &stored.rows, pool)
        && let Some(row) = stored.rows.get_mut(place)
    {
        let mut after = before.clone();
        edit(stored.merge.row(id), &mut after);
        if after != before {
            *row = Value::Object(after.to_row());
        }
    }
}

/// The list is kept in the order of names, as far as it was in any.
fn suppress(stored: &mut Stored, by: &Stamp, source: &Source, is_suppressed: bool) {
    let mut known = stored.merge.sources.get(source.as_str()).cloned();
    if !is_later(&mut known, by) {
        return;
    }
    stored.merge.sources.insert(source.as_str().to_owned(), by.clone());
    let list = &mut stored.suppressed_sources;
    match (is_suppressed, list.contains(source)) {
        (true, false) => {
            let before = list.iter().rposition(|held| held.as_str() < source.as_str());
            list.insert(before.map_or(0, |before| before.saturating_add(1)), source.clone());
        }
        (false, true) => list.retain(|held| held != source),
        (true, true) | (false, false) => {}
    }
}

/// Whether a change is later than the last one of what it changes; then it is the last one.
fn is_later(last: &mut Option<Stamp>, by: &Stamp) -> bool {
    let is_later = last.as_ref().is_none_or(|last| last < by);
    if is_later {
        *last = Some(by.clone());
    }
    is_later
}

/// Where the rows with an id stand.
struct Places(FxHashMap<String, Vec<usize>>);

impl Places {
    fn of(rows: &[Value]) -> Self {
        let mut places = Self(FxHashMap::default());
        for (place, row) in rows.iter().enumerate() {
            if let Some(id) = row.get("id").and_then(Value::as_str) {
                places.add(id, place);
            }
        }
        places
    }

    fn add(&mut self, id: &str, place: usize) {
        self.0.entry(id.to_owned()).or_default().push(place);
    }

    fn is_taken(&self, id: &str) -> bool {
        self.0.contains_key(id)
    }

    /// The first row with this id that can be read, as a pool takes it.
    fn find(&self, id: &CredentialId, rows: &[Value], pool: &PoolKey) -> Option<(usize, Credential)> {
        self.readable(id, rows, pool).next()
    }

    /// The rows with this id that can be read.
    fn readable<'a>(
        &'a self,
        id: &CredentialId,
        rows: &'a [Value],
        pool: &'a PoolKey,
    ) -> impl Iterator<Item = (usize, Credential)> + 'a {
        let places = self.0.get(id.as_str()).into_iter().flatten();
        places.filter_map(|place| Some((*place, Credential::parse(rows.get(*place)?, pool).ok()?.1)))
    }
}

/// Whether a row tells of a token that was refused, and not of an account: new tokens end it.
pub(crate) fn is_about_the_token(credential: &Credential) -> bool {
    ToldStatus::of(credential).is_about_the_token()
}

/// The fields of a row that a refresh sets, and the others.
pub(crate) fn split(fields: &Map<String, Value>) -> (Map<String, Value>, Map<String, Value>) {
    fields
        .iter()
        .map(|(name, value)| (name.clone(), value.clone()))
        .partition(|(name, _)| crate::credential::is_token_field(name))
}
