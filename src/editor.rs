//! A document under the hands of a person: what an editor shows of it, and every edit that keeps the rest of its text.

use std::ops::Range;

use rustc_hash::FxHashMap;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    credential::{Credential, fields::POOL_MANAGED_FIELDS},
    error::{Error, ErrorCode, pointer_step},
    failure::FailureKind,
    id::CredentialId,
    oauth::refresh,
    policy::Policy,
    pool::Pool,
    pool_key::PoolKey,
    random::Random,
    step::{Entry, Intent, State},
    store::{change::Change, document::Document},
    strategy::Strategy,
    time::Timestamp,
};

/// A document that a person edits: its pools as tables, and edits that the pools themselves carry out.
///
/// Nothing is discovered, nothing is pruned, and nothing is refreshed. An edit that is refused leaves the document as it
/// is. Text that a person typed is taken in by opening it anew.
///
/// ```
/// use credential_pool::{Edited, Editor, Timestamp};
/// use serde_json::json;
///
/// let text = r#"{"mine": 1.0, "credential_pool": {"openrouter": [{"id": "a1b2c3", "access_token": "sk-first"}]}}"#;
/// let now = Timestamp::from_millis(1_775_757_580_463);
/// let mut editor = Editor::open(text, [7; 32])?;
/// assert_eq!(editor.text(), text);
///
/// let edit = Edited::Update { id: "a1b2c3".into(), fields: json!({ "label": "work" }).as_object().unwrap().clone() };
/// editor.edit("openrouter", &edit, now)?;
/// assert_eq!(editor.pool("openrouter", now)?.credentials[0].entry.label, "work");
/// assert!(editor.text().starts_with(r#"{"mine": 1.0, "#));
/// # Ok::<(), credential_pool::Error>(())
/// ```
#[derive(Debug)]
pub struct Editor {
    document: Document,
    pools: FxHashMap<String, Opened>,
    random: Random,
}

impl Editor {
    /// Reads a document's text. The same seed may be used for one editor only.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidDocument`], as [`Document::parse`] says.
    pub fn open(text: &str, seed: [u8; 32]) -> Result<Self, Error> {
        Ok(Self { document: Document::parse(text)?, pools: FxHashMap::default(), random: Random::from_seed(seed) })
    }

    /// The document as it is to be written: what was not edited is as it was, to the byte.
    pub fn text(&self) -> String {
        self.document.to_text()
    }

    /// All pools at a glance, as they stand in the document.
    pub fn pools(&mut self, now: Timestamp) -> Vec<PoolSummary> {
        let keys = self.document.pools();
        keys.into_iter().map(|key| self.summary(key, now)).collect()
    }

    /// One pool, whether the document has it or not.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidPoolKey`].
    pub fn pool(&mut self, key: &str, now: Timestamp) -> Result<PoolTable, Error> {
        let rows = self.row_places(&PoolKey::parse(key)?);
        let pool = &self.opened(key, now)?.pool;
        let section = pointer_step("credential_pool") + &pointer_step(pool.key().as_str());
        let mut credentials: Vec<_> =
            pool.entries_by_priority(now).into_iter().map(|entry| shown(pool, entry)).collect();
        for shown in &mut credentials {
            shown.pointer = rows.get(shown.entry.id.as_str()).map(|place| format!("{section}/{place}"));
        }
        Ok(PoolTable {
            key: pool.key().as_str().to_owned(),
            strategy: pool.strategy(),
            policy: pool.policy().to_value(),
            credentials,
            set_aside: pool.set_aside().len(),
        })
    }

    /// Carries out an edit.
    ///
    /// # Errors
    ///
    /// Those of the pool's input of that name, and those of [`Document::apply`]. Nothing changed then.
    pub fn edit(&mut self, key: &str, edit: &Edited, now: Timestamp) -> Result<(), Error> {
        let opened = self.opened(key, now)?;
        let is_first = !opened.unsaved.is_empty();
        let intents = opened.carry_out(edit, now)?;
        let pool_key = opened.pool.key().clone();
        let applied = self.apply(&pool_key, &intents, is_first);
        // What the document did not take, the pool must not have either: it is opened anew.
        if applied.is_err() {
            self.pools.remove(pool_key.as_str());
        }
        applied?;
        if let Some(opened) = self.pools.get_mut(pool_key.as_str()) {
            opened.settle(&intents, now);
        }
        Ok(())
    }

    /// Why an edit would be refused, if it would be: for forms, while a person types.
    ///
    /// # Errors
    ///
    /// Those of [`edit`](Self::edit), but those of the document.
    pub fn validate(&mut self, key: &str, edit: &Edited, now: Timestamp) -> Result<(), Error> {
        let pool = &self.opened(key, now)?.pool;
        match edit {
            Edited::Add { row } => pool.check_new(row).map(drop),
            Edited::Update { id, fields } => pool.check_fields(id, fields).map(drop),
            Edited::Duplicate { id }
            | Edited::Remove { id }
            | Edited::Move { id, .. }
            | Edited::Reset { id: Some(id) } => pool.credential(id).map(drop),
            Edited::Reset { id: None } => Ok(()),
            Edited::Strategy { name } => Strategy::parse(name).map(drop),
            Edited::Policy { policy } => Policy::parse(policy).map(drop),
        }
    }

    /// A secret field of a credential, for a person who asks for it: `access_token`, `refresh_token` or `agent_key`.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::UnknownCredential`], and [`ErrorCode::InvalidArgument`] if that field is none of them.
    pub fn reveal(&mut self, key: &str, id: &CredentialId, field: &str, now: Timestamp) -> Result<String, Error> {
        let credential = self.opened(key, now)?.pool.credential(id)?;
        let secret = match field {
            "access_token" => Some(&credential.access_token),
            "refresh_token" => credential.refresh_token.as_ref(),
            "agent_key" => credential.agent_key.as_ref(),
            _ => return Err(Error::new(ErrorCode::InvalidArgument, "no such secret is known").at("/field")),
        };
        Ok(secret.map(|secret| secret.expose().to_owned()).unwrap_or_default())
    }

    /// Writes what intents hold into the document. What an opening asks for goes into its text by itself, before an
    /// edit: a row that has just got its id can then be told from one that the edit takes away.
    fn apply(&mut self, pool: &PoolKey, intents: &[Intent], is_first: bool) -> Result<(), Error> {
        if !is_first {
            return self.document.apply(pool, changes_of(intents.last()));
        }
        let mut document = self.document.clone();
        document.apply(pool, changes_of(intents.first()))?;
        let mut document = Document::parse(&document.to_text())?;
        document.apply(pool, changes_of(intents.last()))?;
        self.document = document;
        Ok(())
    }

    fn summary(&mut self, key: String, now: Timestamp) -> PoolSummary {
        let known = self.pools.get(&key).and_then(|opened| opened.summary.as_ref());
        if let Some((known, _)) = known.filter(|(_, holds)| holds.contains(&now)) {
            return known.clone();
        }
        let mut summary = PoolSummary { key, health: None, next_at: None };
        let mut holds_until = Timestamp::from_millis(i64::MAX);
        if let Ok(table) = self.pool(&summary.key, now) {
            if let Some(opened) = self.pools.get(&table.key) {
                holds_until = next_change(&opened.pool, &table, now).unwrap_or(holds_until);
            }
            // A key that is not in the form in which pools are looked up: nothing reads those rows.
            if table.key == summary.key {
                summary.next_at = table.credentials.iter().filter_map(|shown| shown.entry.state.until()).min();
                summary.health = Some(Health::of(&table));
            }
        }
        if let Some(opened) = self.pools.get_mut(&summary.key) {
            opened.summary = Some((summary.clone(), now..holds_until));
        }
        summary
    }

    fn opened(&mut self, key: &str, now: Timestamp) -> Result<&mut Opened, Error> {
        let key = PoolKey::parse(key)?;
        let (document, random) = (&self.document, &mut self.random);
        Ok(self.pools.entry(key.as_str().to_owned()).or_insert_with(|| {
            let (pool, step) = Pool::open_stored(key.clone(), &document.stored(&key), random.seed(), now);
            Opened { pool, unsaved: step.intents, summary: None }
        }))
    }

    /// Where each row stands in the document's list, by its id.
    fn row_places(&self, key: &PoolKey) -> FxHashMap<String, usize> {
        let rows = self.document.rows(key);
        let mut places = FxHashMap::<String, usize>::default();
        for (place, row) in rows.iter().enumerate() {
            let Some(id) = row.get("id").and_then(Value::as_str) else { continue };
            // Of several rows with an id it belongs to the first that can be read.
            let is_held = |held: &usize| rows.get(*held).is_some_and(|row| Credential::parse(row, key).is_ok());
            if !places.get(id).is_some_and(is_held) {
                places.insert(id.to_owned(), place);
            }
        }
        places
    }
}

/// An edit of a pool.
#[derive(Clone)]
pub enum Edited {
    /// A new credential, behind all others.
    Add {
        /// Its fields, secrets and all.
        row: Map<String, Value>,
    },
    /// A credential like another one but for its id, its status and its counts, right behind it.
    Duplicate {
        /// The other one.
        id: CredentialId,
    },
    /// Fields of a credential; null takes one away. A new secret starts fresh.
    Update {
        /// Which.
        id: CredentialId,
        /// The fields.
        fields: Map<String, Value>,
    },
    /// A credential that goes.
    Remove {
        /// Which.
        id: CredentialId,
    },
    /// A credential's place in the order of priority.
    Move {
        /// Which.
        id: CredentialId,
        /// The place; 0 is the first.
        place: usize,
    },
    /// The end of a rest, or of all.
    Reset {
        /// Whose; none for all.
        id: Option<CredentialId>,
    },
    /// Another strategy.
    Strategy {
        /// Its name.
        name: String,
    },
    /// Another policy: a preset and what differs from it.
    Policy {
        /// As it is stored.
        policy: Value,
    },
}

impl Edited {
    /// Reads an edit: `{ "type": "add" | "duplicate" | …, … }`.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidArgument`].
    pub fn parse(json: &str) -> Result<Self, Error> {
        let invalid = || Error::new(ErrorCode::InvalidArgument, "no such edit is known").at("/edit");
        let mut edit: Value = serde_json::from_str(json).map_err(|_| invalid())?;
        let mut take = |name: &str| edit.get_mut(name).map(Value::take).unwrap_or_default();
        let kind = take("type");
        let id = take("id");
        let is_for_all = id.is_null();
        let id = id.as_str().map(CredentialId::from);
        let named = || id.clone().ok_or_else(invalid);
        Ok(match kind.as_str().unwrap_or_default() {
            "add" => Self::Add { row: object(take("row")).ok_or_else(invalid)? },
            "duplicate" => Self::Duplicate { id: named()? },
            "update" => Self::Update { id: named()?, fields: object(take("fields")).ok_or_else(invalid)? },
            "remove" => Self::Remove { id: named()? },
            "move" => {
                let place = take("place").as_u64().and_then(|place| usize::try_from(place).ok());
                Self::Move { id: named()?, place: place.ok_or_else(invalid)? }
            }
            "reset" => Self::Reset { id: if is_for_all { None } else { Some(named()?) } },
            "strategy" => Self::Strategy { name: take("name").as_str().ok_or_else(invalid)?.to_owned() },
            "policy" => Self::Policy { policy: take("policy") },
            _ => return Err(invalid()),
        })
    }
}

/// A pool at a glance.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolSummary {
    /// Names the pool.
    pub key: String,
    /// How its credentials are doing; none if no pool reads rows of this key.
    pub health: Option<Health>,
    /// When the first of those that rest is back.
    pub next_at: Option<Timestamp>,
}

/// How many credentials of a pool are doing how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// They can serve.
    pub available: usize,
    /// They rest, and come back by themselves.
    pub cooling_down: usize,
    /// They need a person: dead, expired or without a key.
    pub unavailable: usize,
    /// Rows that cannot be read.
    pub set_aside: usize,
}

impl Health {
    fn of(table: &PoolTable) -> Self {
        let mut health = Self { set_aside: table.set_aside, ..Self::default() };
        for shown in &table.credentials {
            let count = match shown.entry.state {
                State::Available => &mut health.available,
                State::CoolingDown { .. } | State::Unreachable { .. } => &mut health.cooling_down,
                State::Expired | State::NoSecret | State::Dead => &mut health.unavailable,
            };
            *count = count.saturating_add(1);
        }
        health
    }
}

/// A pool as a table.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolTable {
    /// Names the pool, in the form in which pools are looked up.
    pub key: String,
    /// How the next credential is chosen.
    pub strategy: Strategy,
    /// How failures are judged: a preset and what differs from it.
    pub policy: Value,
    /// Its credentials, by priority.
    pub credentials: Vec<ShownCredential>,
    /// How many rows cannot be read.
    pub set_aside: usize,
}

/// A credential as a table shows it: no secret in it.
#[derive(Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShownCredential {
    /// What every host may see.
    pub entry: Entry,
    /// Where its row stands, as a JSON pointer; none if it has no id there yet.
    pub pointer: Option<String>,
    /// Which secret fields it has, in the order in which they matter.
    pub secrets: Vec<&'static str>,
    /// The `base_url` of its row; the entry's says where its requests go.
    pub base_url: Option<String>,
    /// When its access token ends.
    pub expires_at_ms: Option<i64>,
    /// What went wrong, if its rest says so.
    pub failure: Option<FailureKind>,
    /// Its share of the requests, beside the others' weights.
    pub weight: u32,
    /// How many requests it may have under way at most.
    pub max_in_flight: Option<u32>,
    /// Whether its secret belongs to someone else, and is found by its fingerprint.
    pub is_borrowed: bool,
}

impl std::fmt::Debug for ShownCredential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShownCredential").field("entry", &self.entry).finish_non_exhaustive()
    }
}

/// A pool that was opened, with what the opening asks to be written: it is, beside the first edit.
#[derive(Clone, Debug)]
struct Opened {
    pool: Pool,
    unsaved: Vec<Intent>,
    /// As it was shown last, and while it stays true without an edit.
    summary: Option<(PoolSummary, Range<Timestamp>)>,
}

impl Opened {
    /// All intents that are not settled; the last one holds all changes.
    fn carry_out(&mut self, edit: &Edited, now: Timestamp) -> Result<Vec<Intent>, Error> {
        self.summary = None;
        let pool = &mut self.pool;
        let mut intents = self.unsaved.clone();
        intents.extend(match edit {
            Edited::Add { row } => pool.add(row, now)?.intents,
            Edited::Duplicate { id } => duplicate(pool, id, now)?,
            Edited::Update { id, fields } => pool.update(id, fields, now)?.intents,
            Edited::Remove { id } => pool.remove(id, now)?.intents,
            Edited::Move { id, place } => pool.move_to(id, *place, now)?.intents,
            Edited::Reset { id } => pool.reset(id.as_ref(), now)?.intents,
            Edited::Strategy { name } => pool.set_strategy(Strategy::parse(name)?, now).intents,
            Edited::Policy { policy } => pool.set_policy(policy, now)?.intents,
        });
        Ok(intents)
    }

    fn settle(&mut self, intents: &[Intent], now: Timestamp) {
        for intent in intents {
            self.pool.saved(intent.id(), now);
        }
        self.unsaved.clear();
    }
}

fn duplicate(pool: &mut Pool, id: &CredentialId, now: Timestamp) -> Result<Vec<Intent>, Error> {
    let (place, mut row) = {
        let original = pool.credential(id)?;
        let before = pool.entries_by_priority(now).into_iter().take_while(|entry| entry.id != *id).count();
        (before.saturating_add(1), original.to_row())
    };
    for name in POOL_MANAGED_FIELDS {
        row.shift_remove(name);
    }
    let label = row.get("label").and_then(Value::as_str).unwrap_or_default();
    let label = format!("{label} copy");
    row.insert("label".to_owned(), label.into());
    // Whatever was discovered is discovered once: the copy is the person's own.
    row.insert("source".to_owned(), "manual".into());
    let added = pool.add(&row, now)?;
    let moved = pool.move_to(&added.value, place, now)?;
    Ok(added.intents.into_iter().chain(moved.intents).collect())
}

fn shown(pool: &Pool, entry: Entry) -> ShownCredential {
    let credential = pool.credential(&entry.id).ok();
    let has = |name: &str| {
        credential.is_some_and(|it| match name {
            "access_token" => !it.access_token.is_empty(),
            "refresh_token" => it.refresh_token.as_ref().is_some_and(|secret| !secret.is_empty()),
            _ => it.agent_key.as_ref().is_some_and(|secret| !secret.is_empty()),
        })
    };
    ShownCredential {
        pointer: None,
        secrets: ["access_token", "refresh_token", "agent_key"].into_iter().filter(|name| has(name)).collect(),
        base_url: credential.and_then(|it| it.base_url.clone()),
        expires_at_ms: credential.and_then(|it| it.expires_at_ms),
        failure: credential.and_then(|it| it.error_reason()).and_then(FailureKind::named),
        weight: credential.map_or(1, |it| it.weight),
        max_in_flight: credential.and_then(|it| it.max_in_flight),
        is_borrowed: credential.is_some_and(|it| it.is_stored_as_fingerprint()),
        entry,
    }
}

/// When something that a summary counts changes by itself: a rest ends, or a token.
fn next_change(pool: &Pool, table: &PoolTable, now: Timestamp) -> Option<Timestamp> {
    let ends = |entry: &Entry| refresh::expires_at(pool.credential(&entry.id).ok()?, pool.key());
    let moments = table.credentials.iter().flat_map(|shown| [shown.entry.state.until(), ends(&shown.entry)]);
    moments.flatten().filter(|at| now < *at).min()
}

fn changes_of(intent: Option<&Intent>) -> &[Change] {
    match intent {
        Some(Intent::Persist { changes, .. }) => changes,
        _ => &[],
    }
}

fn object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(map) => Some(map),
        _ => None,
    }
}
