//! Merge of changes into the stored state of a pool. The state is replicated data: the same set of changes gives the
//! same state in any order and with any repetition.
//!
//! - strategy, policy, suppressed sources and each field of a row: last-writer-wins registers, ordered by [`Stamp`]
//! - use counts: grow-only counters
//! - tokens of a row: a register ordered by generation, then by stamp
//! - additions of one row by several hosts: the earliest is the row, with the edits of people and the latest tokens
//! - absent rows: a last-writer-wins register of absence, ordered by stamp; removed rows: tombstones, which are final
//! - claims on tokens: the first that arrives holds; the store's order of arrival is the only order that all hosts see
//! - hosts that signed off: the latest of them, so that processes that live for a moment leave nothing that grows
//! - statuses and cooldowns: multi-value registers whose causal context is the list `ends` of a change

use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::Value;

use super::{
    change::{Change, Edit},
    merge::row::RowMerge,
    stored::Stored,
};
use crate::{
    credential::{Credential, Source, row_fields::RowFields},
    id::CredentialId,
    pool_key::PoolKey,
    stamp::Stamp,
};

/// Applies changes, in the given order, to the stored state of a pool.
///
/// A change that was applied before has no effect. Unreadable rows and unknown fields of changed rows are kept.
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
        if stored.merge.observe(by) {
            apply_edit(stored, &mut places, by, edit, pool);
        }
    }
    let absent: FxHashSet<_> = stored.absent.iter().filter_map(id_of).collect();
    stored.merge.compact(|id| places.is_taken(id) || absent.contains(id));
}

fn apply_edit(stored: &mut Stored, places: &mut Places, by: &Stamp, edit: &Edit, pool: &PoolKey) {
    match edit {
        Edit::Add { row } => add(stored, places, by, row, pool),
        Edit::Remove { id } => {
            if let Some((place, _)) = places.find(id, &stored.rows, pool) {
                stored.rows.remove(place);
                *places = Places::of(&stored.rows);
            }
            stored.absent.retain(|row| id_of(row) != Some(id.as_str()));
            stored.merge.row(id).remove(by);
        }
        Edit::MarkAbsent { id } => {
            stored.merge.row(id).mark_absent(by);
            edit_row(stored, places, id, pool, |_, _| {});
        }
        Edit::Identify { id, was, fingerprint } => {
            let fits = |row: &&mut Value| {
                Credential::parse(row, pool)
                    .is_ok_and(|(held, row)| held == *was && row.access_token.fingerprint() == *fingerprint)
            };
            // The first row with the old id keeps the id, also if another host has already renamed the later row.
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
        | Edit::Release { id, .. }
        | Edit::Used { id, .. } => {
            edit_row(stored, places, id, pool, |row, credential| row.apply(credential, by, edit, pool))
        }
        Edit::Suppress { source } => suppress(stored, by, source, true),
        Edit::Unsuppress { source } => suppress(stored, by, source, false),
        Edit::SetStrategy { strategy } => {
            if by.supersede(&mut stored.merge.strategy) {
                stored.strategy = Some(strategy.name().to_owned());
            }
        }
        Edit::SignOff => stored.merge.sign_off(by),
        Edit::SetPolicy { policy } => {
            if policy.is_object() && by.supersede(&mut stored.merge.policy) {
                stored.policy = Some(policy.clone());
            }
        }
    }
}

/// Inserts a new row, or merges the addition of a row that exists.
fn add(stored: &mut Stored, places: &mut Places, by: &Stamp, row: &RowFields, pool: &PoolKey) {
    let Some(id) = row.0.get("id").and_then(Value::as_str).map(CredentialId::from) else { return };
    let is_absent = stored.absent.iter().any(|absent| id_of(absent) == Some(id.as_str()));
    if is_absent || places.is_taken(id.as_str()) {
        let add = |merge: &mut RowMerge, credential: &mut Credential| merge.add_concurrently(credential, by, row, pool);
        return edit_row(stored, places, &id, pool, add);
    }
    let merge = stored.merge.row(&id);
    if merge.is_removed() {
        return;
    }
    let token = Credential::parse(&Value::Object(row.0.clone()), pool).ok().map(|(_, new)| new.token_fingerprint());
    *merge = RowMerge::added(by, token);
    insert(stored, places, id.as_str(), Value::Object(row.0.clone()));
}

/// Edits a row, absent or not, and moves it to the list and the place where it belongs then.
fn edit_row(
    stored: &mut Stored,
    places: &mut Places,
    id: &CredentialId,
    pool: &PoolKey,
    edit: impl FnOnce(&mut RowMerge, &mut Credential),
) {
    let present = places.find(id, &stored.rows, pool);
    let absent = || {
        let is_row = |row: &&Value| id_of(row) == Some(id.as_str());
        let row = stored.absent.iter().find(is_row)?;
        Some(Credential::parse(row, pool).ok()?.1)
    };
    let Some(before) = present.as_ref().map(|(_, credential)| credential.clone()).or_else(absent) else { return };
    let merge = stored.merge.row(id);
    let place = merge.place().cloned();
    let mut after = before.clone();
    edit(merge, &mut after);
    let (is_absent, has_moved) = (merge.is_absent(), merge.place() != place.as_ref());
    let row = Value::Object(match is_absent || merge.has_absent_secret() {
        true => {
            after.store_as_fingerprint(true);
            after.to_stored_row()
        }
        false => after.to_row(),
    });
    match present {
        Some((at, _)) if !is_absent && !has_moved => {
            if after != before
                && let Some(held) = stored.rows.get_mut(at)
            {
                *held = row;
            }
            return;
        }
        Some((at, _)) => drop(stored.rows.remove(at)),
        None => stored.absent.retain(|row| id_of(row) != Some(id.as_str())),
    }
    *places = Places::of(&stored.rows);
    match is_absent {
        true => {
            let at = stored.absent.partition_point(|row| id_of(row) < Some(id.as_str()));
            stored.absent.insert(at, row);
        }
        false => insert(stored, places, id.as_str(), row),
    }
}

/// Inserts a row before all rows that were added later, whatever the order of arrival.
fn insert(stored: &mut Stored, places: &mut Places, id: &str, row: Value) {
    let place = stored.merge.rows.get(id).and_then(|merge| merge.place());
    let is_later = |row: &&Value| {
        let other = id_of(row).and_then(|id| stored.merge.rows.get(id)).and_then(|merge| merge.place());
        other.is_some() && place < other
    };
    let later = stored.rows.iter().rev().take_while(is_later).count();
    let at = stored.rows.len().saturating_sub(later);
    stored.rows.insert(at, row);
    match later {
        0 => places.add(id, at),
        _ => *places = Places::of(&stored.rows),
    }
}

fn id_of(row: &Value) -> Option<&str> {
    row.get("id")?.as_str()
}

/// Suppresses a source or lifts its suppression. A sorted list stays sorted.
fn suppress(stored: &mut Stored, by: &Stamp, source: &Source, is_suppressed: bool) {
    let mut last = stored.merge.sources.get(source.as_str()).cloned();
    if !by.supersede(&mut last) {
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

/// Index from id to the positions of the rows with that id.
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

    /// Returns the first readable row with this id: the row that a pool uses.
    fn find(&self, id: &CredentialId, rows: &[Value], pool: &PoolKey) -> Option<(usize, Credential)> {
        self.readable(id, rows, pool).next()
    }

    /// Returns the readable rows with this id.
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
