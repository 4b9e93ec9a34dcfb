//! Editing of documents by a person: pools as tables, and edits that keep all other text.

use std::ops::Range;

use rustc_hash::FxHashMap;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    credential::{Credential, fields::POOL_MANAGED_FIELDS, token_fields::TOKEN_FIELDS},
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

/// Editor of a document: shows its pools as tables, and lets the pools themselves carry out edits.
///
/// The editor neither discovers nor refreshes. A refused edit leaves the document unchanged. After a person typed
/// into the text, open a new editor with the text.
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
    /// Opens a document's text. The seed must be random and used for one editor only.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidDocument`], [`ErrorCode::TooLarge`], as for [`Document::parse`].
    pub fn open(text: &str, seed: [u8; 32]) -> Result<Self, Error> {
        Ok(Self { document: Document::parse(text)?, pools: FxHashMap::default(), random: Random::from_seed(seed) })
    }

    /// Returns the text of the document. Text that no edit touched keeps its bytes.
    pub fn text(&self) -> String {
        self.document.to_text()
    }

    /// Returns summaries of all pools, in the document's order.
    pub fn pools(&mut self, now: Timestamp) -> Vec<PoolSummary> {
        let keys = self.document.pools();
        keys.into_iter().map(|key| self.summary(key, now)).collect()
    }

    /// Returns a pool as a table; an empty table if the document has no such pool.
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
            let id = pool.credential(&shown.entry.id).map_or(&shown.entry.id, |credential| &credential.id);
            shown.pointer = rows.get(id.as_str()).map(|place| format!("{section}/{place}"));
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
    /// The errors of the pool's input of that name, and [`ErrorCode::InvalidDocument`], [`ErrorCode::InvalidRow`] or
    /// [`ErrorCode::InvalidPolicy`] if the document cannot take the edit. Nothing changed then.
    pub fn edit(&mut self, key: &str, edit: &Edited, now: Timestamp) -> Result<(), Error> {
        let opened = self.opened(key, now)?;
        let is_first = !opened.unsaved.is_empty();
        let intents = opened.carry_out(edit, now)?;
        let pool_key = opened.pool.key().clone();
        let applied = self.apply(&pool_key, &intents, is_first);
        // The pool must not have changes that the document refused: the next access opens the pool again.
        if applied.is_err() {
            self.pools.remove(pool_key.as_str());
        }
        applied?;
        if let Some(opened) = self.pools.get_mut(pool_key.as_str()) {
            opened.settle(&intents, now);
        }
        Ok(())
    }

    /// Checks an edit without carrying the edit out, for forms while a person types.
    ///
    /// # Errors
    ///
    /// The errors of [`edit`](Self::edit), except those for which the document cannot take it.
    pub fn validate(&mut self, key: &str, edit: &Edited, now: Timestamp) -> Result<(), Error> {
        let pool = &self.opened(key, now)?.pool;
        match edit {
            Edited::Add { row } => pool.check_new(row).map(drop),
            Edited::Update { id, fields } => pool.check_fields(id, fields).map(drop),
            Edited::Duplicate { id, .. }
            | Edited::Remove { id }
            | Edited::Move { id, .. }
            | Edited::Reset { id: Some(id) } => pool.credential(id).map(drop),
            Edited::Reset { id: None } => Ok(()),
            Edited::Strategy { name } => Strategy::parse(name).map(drop),
            Edited::Policy { policy } => Policy::parse(policy).map(drop),
        }
    }

    /// Returns an id for a credential that an edit adds. With the id in the edit, the edit adds the same credential
    /// however often, and on whichever text, it is carried out.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidPoolKey`].
    pub fn new_id(&mut self, key: &str, now: Timestamp) -> Result<CredentialId, Error> {
        Ok(self.opened(key, now)?.pool.new_id())
    }

    /// Takes over the secrets that other programs renewed while a person edited: those that `theirs` has in place of
    /// the secrets of `base`. Secrets that the person changed since `base` stay.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidDocument`]: `theirs` is not a document. Those of [`edit`](Self::edit).
    pub fn keep_renewed_secrets(&mut self, base: &str, theirs: &str, now: Timestamp) -> Result<(), Error> {
        let theirs = Document::parse(theirs)?;
        let base = Document::parse(base).ok();
        for name in self.document.pools() {
            let Ok(key) = PoolKey::parse(&name) else { continue };
            let ours = secrets_by_id(&self.document, &key);
            let before = base.as_ref().map(|base| secrets_by_id(base, &key));
            let is_renewed = |row: &&Value| {
                let id = row.get("id").and_then(Value::as_str).unwrap_or_default();
                // Without a readable base nobody knows who changed the secret; a spent token must not come back.
                let is_ours = before.as_ref().is_some_and(|before| before.get(id) != ours.get(id));
                !is_ours && ours.get(id).is_some_and(|held| *held != secrets_of(row))
            };
            let renewed: Vec<_> = theirs.rows(&key).iter().filter(is_renewed).collect();
            for row in renewed {
                let fields = TOKEN_FIELDS.iter().filter(|name| !POOL_MANAGED_FIELDS.contains(name));
                let fields = fields.map(|name| ((*name).to_owned(), row.get(*name).cloned().unwrap_or_default()));
                let id = row.get("id").and_then(Value::as_str).unwrap_or_default().into();
                self.edit(&name, &Edited::Update { id, fields: fields.collect() }, now)?;
            }
        }
        Ok(())
    }

    /// Returns a secret field of a credential for a person: `access_token`, `refresh_token` or `agent_key`. An absent
    /// field is empty.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::UnknownCredential`], and [`ErrorCode::InvalidArgument`] for any other field.
    pub fn reveal(&mut self, key: &str, id: &CredentialId, field: &str, now: Timestamp) -> Result<String, Error> {
        let credential = self.opened(key, now)?.pool.credential(id)?;
        let secret = match field {
            "access_token" => Some(&credential.access_token),
            "refresh_token" => credential.refresh_token.as_ref(),
            "agent_key" => credential.agent_key.as_ref(),
            _ => {
                let message = "no secret has this name; use `access_token`, `refresh_token` or `agent_key`";
                return Err(Error::new(ErrorCode::InvalidArgument, message).at("/field"));
            }
        };
        Ok(secret.map(|secret| secret.expose().to_owned()).unwrap_or_default())
    }

    /// Applies the changes of intents to the document. Changes of the pool's opening are written to the text first: the
    /// edit then finds rows by the ids that the opening gave to them.
    fn apply(&mut self, pool: &PoolKey, intents: &[Intent], is_first: bool) -> Result<(), Error> {
        if !is_first {
            return self.document.apply_whole(pool, changes_of(intents.last()));
        }
        let mut document = self.document.clone();
        document.apply_whole(pool, changes_of(intents.first()))?;
        let mut document = Document::parse(&document.to_text())?;
        document.apply_whole(pool, changes_of(intents.last()))?;
        self.document = document;
        Ok(())
    }

    fn summary(&mut self, key: String, now: Timestamp) -> PoolSummary {
        let cached = self.pools.get(&key).and_then(|opened| opened.summary.as_ref());
        if let Some((summary, _)) = cached.filter(|(_, valid)| valid.contains(&now)) {
            return summary.clone();
        }
        let mut summary = PoolSummary { key, health: None, next_at: None };
        let mut valid_until = Timestamp::from_millis(i64::MAX);
        if let Ok(table) = self.pool(&summary.key, now) {
            if let Some(opened) = self.pools.get(&table.key) {
                valid_until = next_change(&opened.pool, &table, now).unwrap_or(valid_until);
            }
            // No pool reads the rows of a key that is not in its normal form.
            if table.key == summary.key {
                summary.next_at = table.credentials.iter().filter_map(|shown| shown.entry.state.until()).min();
                summary.health = Some(Health::of(&table));
            }
        }
        if let Some(opened) = self.pools.get_mut(&summary.key) {
            opened.summary = Some((summary.clone(), now..valid_until));
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

    /// Returns the index of each row in the document's list, by id.
    fn row_places(&self, key: &PoolKey) -> FxHashMap<String, usize> {
        let rows = self.document.rows(key);
        let mut places = FxHashMap::<String, usize>::default();
        for (place, row) in rows.iter().enumerate() {
            let Some(id) = row.get("id").and_then(Value::as_str) else { continue };
            // A shared id belongs to the first readable row.
            let is_readable = |place: &usize| rows.get(*place).is_some_and(|row| Credential::parse(row, key).is_ok());
            if !places.get(id).is_some_and(is_readable) {
                places.insert(id.to_owned(), place);
            }
        }
        places
    }
}

/// An edit of a pool.
#[derive(Clone)]
pub enum Edited {
    /// Add a credential after all others.
    Add {
        /// Fields of the row, with secrets.
        row: Map<String, Value>,
    },
    /// Add a copy of a credential right after the original. The copy has its own id, no status and no counts.
    Duplicate {
        /// Id of the original.
        id: CredentialId,
        /// Id of the copy, from [`Editor::new_id`]; `None` for any free id.
        copy: Option<CredentialId>,
    },
    /// Set fields of a credential; null removes a field. A new secret resets the status.
    Update {
        /// Id of the credential.
        id: CredentialId,
        /// Fields to set.
        fields: Map<String, Value>,
    },
    /// Remove a credential.
    Remove {
        /// Id of the credential.
        id: CredentialId,
    },
    /// Move a credential in the order of priority.
    Move {
        /// Id of the credential.
        id: CredentialId,
        /// New place; 0 is the first.
        place: usize,
    },
    /// Clear the status of a credential, or of all.
    Reset {
        /// Id of the credential; `None` for all.
        id: Option<CredentialId>,
    },
    /// Set the strategy.
    Strategy {
        /// Name of the strategy.
        name: String,
    },
    /// Set the policy.
    Policy {
        /// Stored form: a preset and the settings that differ from the preset.
        policy: Value,
    },
}

impl Edited {
    /// Parses an edit: `{ "type": "add" | "duplicate" | …, … }`.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidArgument`].
    pub fn parse(json: &str) -> Result<Self, Error> {
        let invalid = || {
            Error::new(
                ErrorCode::InvalidArgument,
                "this is not an edit; check its `type` and the fields that the type needs",
            )
            .at("/edit")
        };
        let mut edit: Value = serde_json::from_str(json).map_err(|_| invalid())?;
        let mut take = |name: &str| edit.get_mut(name).map(Value::take).unwrap_or_default();
        let kind = take("type");
        let id = take("id");
        let is_for_all = id.is_null();
        let id = id.as_str().map(CredentialId::from);
        let named = || id.clone().ok_or_else(invalid);
        Ok(match kind.as_str().unwrap_or_default() {
            "add" => Self::Add { row: object(take("row")).ok_or_else(invalid)? },
            "duplicate" => Self::Duplicate { id: named()?, copy: take("copy").as_str().map(CredentialId::from) },
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

/// Summary of a pool.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolSummary {
    /// Pool key, as in the document.
    pub key: String,
    /// Numbers of credentials by state; `None` if no pool reads the rows of this key.
    pub health: Option<Health>,
    /// Earliest time at which an unavailable credential becomes available by itself; `None` if none does.
    pub next_at: Option<Timestamp>,
}

/// Numbers of credentials of a pool, by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// Credentials that can serve.
    pub available: usize,
    /// Credentials that become available by themselves.
    pub cooling_down: usize,
    /// Credentials that need a person: dead, expired or without a usable key.
    pub unavailable: usize,
    /// Unreadable rows.
    pub set_aside: usize,
}

impl Health {
    fn of(table: &PoolTable) -> Self {
        let mut health = Self { set_aside: table.set_aside, ..Self::default() };
        for shown in &table.credentials {
            let count = match shown.entry.state {
                State::Available => &mut health.available,
                State::CoolingDown { .. } | State::Unreachable { .. } => &mut health.cooling_down,
                State::Expired | State::NoSecret | State::UnusableSecret | State::Dead => &mut health.unavailable,
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
    /// Pool key, in its normal form.
    pub key: String,
    /// Strategy of the pool.
    pub strategy: Strategy,
    /// Stored form of the policy: a preset and the settings that differ from the preset.
    pub policy: Value,
    /// Credentials by priority.
    pub credentials: Vec<ShownCredential>,
    /// Number of unreadable rows.
    pub set_aside: usize,
}

/// A credential in a table, without secrets.
#[derive(Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShownCredential {
    /// View of the credential.
    pub entry: Entry,
    /// JSON pointer to the row in the document; `None` if the row has no id in the document yet.
    pub pointer: Option<String>,
    /// Names of the present secret fields, the most important first.
    pub secrets: Vec<&'static str>,
    /// The row's own `base_url`; the entry has the effective base URL.
    pub base_url: Option<String>,
    /// Expiry of the access token, in ms since the Unix epoch.
    pub expires_at_ms: Option<i64>,
    /// Stored kind of the last failure.
    pub failure: Option<FailureKind>,
    /// Weight, which sets the credential's share of requests.
    pub weight: u32,
    /// Maximum number of requests in flight.
    pub max_in_flight: Option<u32>,
    /// Whether the secret is borrowed: the row stores its fingerprint only.
    pub is_borrowed: bool,
}

impl std::fmt::Debug for ShownCredential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShownCredential").field("entry", &self.entry).finish_non_exhaustive()
    }
}

/// An opened pool, with the intents of its opening, which are written with the first edit.
#[derive(Clone, Debug)]
struct Opened {
    pool: Pool,
    unsaved: Vec<Intent>,
    /// Cached summary, and the time range in which the summary is valid without an edit.
    summary: Option<(PoolSummary, Range<Timestamp>)>,
}

impl Opened {
    /// Carries out an edit; returns all unsettled intents, the last of which has all changes.
    fn carry_out(&mut self, edit: &Edited, now: Timestamp) -> Result<Vec<Intent>, Error> {
        self.summary = None;
        let pool = &mut self.pool;
        let mut intents = self.unsaved.clone();
        intents.extend(match edit {
            Edited::Add { row } => pool.add(row, now)?.intents,
            Edited::Duplicate { id, copy } => duplicate(pool, id, copy.as_ref(), now)?,
            Edited::Update { id, fields } => pool.update(id, fields, now)?.intents,
            Edited::Remove { id } => pool.remove(id, now)?.intents,
            Edited::Move { id, place } => pool.move_to(id, *place, now)?.intents,
            Edited::Reset { id } => pool.reset(id.as_ref(), now)?.intents,
            Edited::Strategy { name } => pool.set_strategy(Strategy::parse(name)?, now).intents,
            Edited::Policy { policy } => pool.set_policy(policy, now)?.intents,
        });
        intents.extend(pool.flush(now).intents);
        Ok(intents)
    }

    fn settle(&mut self, intents: &[Intent], now: Timestamp) {
        for intent in intents {
            self.pool.saved(intent.id(), now);
        }
        self.unsaved.clear();
    }
}

fn duplicate(
    pool: &mut Pool,
    id: &CredentialId,
    copy: Option<&CredentialId>,
    now: Timestamp,
) -> Result<Vec<Intent>, Error> {
    let (place, mut row) = {
        let original = pool.credential(id)?;
        let before = pool.entries_by_priority(now).into_iter().take_while(|entry| entry.id != *id).count();
        (before.saturating_add(1), original.to_row())
    };
    for name in POOL_MANAGED_FIELDS {
        row.shift_remove(name);
    }
    if let Some(copy) = copy {
        row.insert("id".to_owned(), copy.as_str().into());
    }
    let label = row.get("label").and_then(Value::as_str).unwrap_or_default();
    let label = format!("{label} copy");
    row.insert("label".to_owned(), label.into());
    // Discovery finds a source once, so the copy of a discovered credential counts as added by hand.
    row.insert("source".to_owned(), "manual".into());
    let added = pool.add(&row, now)?;
    let moved = pool.move_to(&added.value, place, now)?;
    Ok(added.intents.into_iter().chain(moved.intents).collect())
}

fn shown(pool: &Pool, entry: Entry) -> ShownCredential {
    let credential = pool.credential(&entry.id).ok();
    let has = |name: &str| {
        credential.is_some_and(|row| match name {
            "access_token" => !row.access_token.is_empty(),
            "refresh_token" => row.refresh_token.as_ref().is_some_and(|secret| !secret.is_empty()),
            _ => row.agent_key.as_ref().is_some_and(|secret| !secret.is_empty()),
        })
    };
    ShownCredential {
        pointer: None,
        secrets: ["access_token", "refresh_token", "agent_key"].into_iter().filter(|name| has(name)).collect(),
        base_url: credential.and_then(|row| row.base_url.clone()),
        expires_at_ms: credential.and_then(|row| row.expires_at_ms),
        failure: credential.and_then(|row| row.error_reason()).and_then(FailureKind::named),
        weight: credential.map_or(1, |row| row.weight),
        max_in_flight: credential.and_then(|row| row.max_in_flight),
        is_borrowed: credential.is_some_and(|row| row.is_stored_as_fingerprint()),
        entry,
    }
}

/// Returns when a summary changes by time alone: at the end of a cooldown or of a token. `None` if it never does.
fn next_change(pool: &Pool, table: &PoolTable, now: Timestamp) -> Option<Timestamp> {
    let ends = |entry: &Entry| refresh::expires_at(pool.credential(&entry.id).ok()?, pool.key());
    let moments = table.credentials.iter().flat_map(|shown| [shown.entry.state.until(), ends(&shown.entry)]);
    moments.flatten().filter(|at| now < *at).min()
}

/// Returns the secrets of a pool's rows, by the id of the row.
fn secrets_by_id<'a>(document: &'a Document, key: &PoolKey) -> FxHashMap<String, [Option<&'a Value>; 3]> {
    let rows = document.rows(key).iter();
    rows.filter_map(|row| Some((row.get("id")?.as_str()?.to_owned(), secrets_of(row)))).collect()
}

fn secrets_of(row: &Value) -> [Option<&Value>; 3] {
    ["access_token", "refresh_token", "agent_key"].map(|name| row.get(name).filter(|secret| !secret.is_null()))
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
