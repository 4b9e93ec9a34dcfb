//! Changes: edits of stored rows as data, and how they merge into the latest rows of a store.

use std::fmt;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    credential::{Credential, CredentialId, FIELDS, Source, Status},
    failure::FailureKind,
    provider::PoolKey,
    secret::Fingerprint,
    strategy::Strategy,
    time::UnixSeconds,
};

/// What a store keeps of one pool.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Stored {
    /// The rows, each as it was stored; those that cannot be read are kept as they are.
    pub rows: Vec<Value>,
    /// Sources that discovery leaves alone, because somebody removed their credential.
    pub suppressed_sources: Vec<Source>,
    /// The pool's strategy, as it was stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<String>,
    /// The pool's [`Policy`](crate::Policy), as it was stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Value>,
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored").field("rows", &self.rows.len()).finish_non_exhaustive()
    }
}

/// One edit of what a store keeps of a pool.
///
/// A store applies changes with [`apply`] to its *latest* state, under its own lock or
/// compare-and-set, so that what other hosts wrote meanwhile survives.
///
/// `Debug` shows neither models nor policies: a person's own text may hold anything.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Change {
    /// A new row. Left out if its id is there already.
    Add {
        /// The whole row, id, secret and all.
        row: RowFields,
    },
    /// A row that goes.
    Remove {
        /// Which.
        id: CredentialId,
    },
    /// A row that had no id of its own gets one: the last that fits.
    Identify {
        /// Its new id.
        id: CredentialId,
        /// The id it shares with an earlier row; none if it has none.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        was: Option<CredentialId>,
        /// Of its `access_token`.
        fingerprint: Fingerprint,
    },
    /// Fields that a person or discovery set. The last to be applied wins.
    Edit {
        /// Of which row.
        id: CredentialId,
        /// The fields as they are stored; null takes one away.
        set: RowFields,
    },
    /// How a credential is doing. Left out if the row tells of a later time than `supersedes`.
    Status {
        /// Of which row.
        id: CredentialId,
        /// The new status; none after a reset.
        #[serde(with = "stored_status")]
        status: Option<Status>,
        /// Since when, in seconds since the Unix epoch.
        #[serde(with = "stored_seconds")]
        at: Option<UnixSeconds>,
        /// The HTTP status of the failure behind it.
        error_code: Option<i64>,
        /// What went wrong.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        reason: Option<FailureKind>,
        /// When a rest ends that `at` and `error_code` do not tell the end of.
        #[serde(skip_serializing_if = "Option::is_none", default, with = "stored_seconds")]
        reset_at: Option<UnixSeconds>,
        /// The latest `last_status_at` (seconds) that this status knows of.
        #[serde(with = "stored_seconds")]
        supersedes: Option<UnixSeconds>,
    },
    /// Until when a credential rests for one model. The later end stays.
    ModelCooldown {
        /// Of which row.
        id: CredentialId,
        /// Which model.
        model: String,
        /// The end of the rest in seconds since the Unix epoch; none if it is over.
        #[serde(with = "stored_seconds")]
        until: Option<UnixSeconds>,
        /// If it is over, the end that it would have had: a rest that ends later stays.
        #[serde(with = "stored_seconds")]
        supersedes: Option<UnixSeconds>,
    },
    /// The tokens of a refreshed login. Left out if the row no longer holds the token they replace:
    /// then another host refreshed first, and its pair stays.
    Tokens {
        /// Of which row.
        id: CredentialId,
        /// The fingerprint of the token that was spent: the refresh token, else the access token.
        replaces: Fingerprint,
        /// The fields as they are stored.
        set: RowFields,
    },
    /// How often a credential was used since the last such change. Counts add up.
    Used {
        /// Which row.
        id: CredentialId,
        /// How often.
        count: u64,
        /// Its place in the order of `round_robin`; the later one wins.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        turn: Option<u64>,
    },
    /// Discovery leaves a source alone from now on.
    Suppress {
        /// Which.
        source: Source,
    },
    /// Discovery may find a source again.
    Unsuppress {
        /// Which.
        source: Source,
    },
    /// The pool's strategy.
    SetStrategy {
        /// The new one.
        strategy: Strategy,
    },
    /// The pool's policy.
    SetPolicy {
        /// The new one, as [`Policy::to_value`](crate::Policy::to_value) answers it.
        policy: Value,
    },
}

/// Applies changes, in their order, to what a store keeps of a pool.
///
/// Rows that cannot be read stay as they are; of a row that is changed, unknown fields do.
///
/// ```
/// use credential_pool::{Change, PoolKey, Stored, apply};
/// use serde_json::json;
///
/// let mut stored = Stored { rows: vec![json!({ "id": "a1b2c3", "request_count": 2, "mine": true })], ..Stored::default() };
/// let used = Change::Used { id: "a1b2c3".into(), count: 3, turn: None };
/// apply(&mut stored, &[used], &PoolKey::parse("openrouter")?);
/// assert_eq!(stored.rows[0]["request_count"], 5);
/// assert_eq!(stored.rows[0]["mine"], true);
/// # Ok::<(), credential_pool::Error>(())
/// ```
pub fn apply(stored: &mut Stored, changes: &[Change], pool: &PoolKey) {
    let mut places = Places::of(&stored.rows);
    for change in changes {
        match change {
            Change::Add { row } => {
                let id = row.0.get("id").and_then(Value::as_str);
                if let Some(id) = id.filter(|id| !places.is_taken(id)) {
                    places.add(id, stored.rows.len());
                    stored.rows.push(Value::Object(row.0.clone()));
                }
            }
            Change::Remove { id } => {
                if let Some((place, _)) = places.find(id, &stored.rows, pool) {
                    stored.rows.remove(place);
                    places = Places::of(&stored.rows);
                }
            }
            Change::Identify { id, was, fingerprint } => {
                let fits = |row: &&mut Value| {
                    Credential::parse(row, pool)
                        .is_ok_and(|(held, row)| held == *was && row.access_token.fingerprint() == *fingerprint)
                };
                // The row that the id belongs to is not renamed, also if this comes a second time.
                let is_shared = was.as_ref().is_none_or(|was| places.readable(was, &stored.rows, pool).count() > 1);
                if is_shared
                    && !places.is_taken(id.as_str())
                    && let Some(Value::Object(row)) = stored.rows.iter_mut().rev().find(fits)
                {
                    row.insert("id".to_owned(), id.as_str().into());
                    places = Places::of(&stored.rows);
                }
            }
            Change::Edit { id, .. }
            | Change::Status { id, .. }
            | Change::ModelCooldown { id, .. }
            | Change::Tokens { id, .. }
            | Change::Used { id, .. } => {
                if let Some((place, mut credential)) = places.find(id, &stored.rows, pool)
                    && let Some(row) = stored.rows.get_mut(place)
                {
                    change.apply_to(&mut credential, pool);
                    *row = Value::Object(credential.to_row());
                }
            }
            Change::Suppress { source } => {
                if !stored.suppressed_sources.contains(source) {
                    stored.suppressed_sources.push(source.clone());
                }
            }
            Change::Unsuppress { source } => stored.suppressed_sources.retain(|suppressed| suppressed != source),
            Change::SetStrategy { strategy } => stored.strategy = Some(strategy.name().to_owned()),
            Change::SetPolicy { policy } => {
                if policy.is_object() {
                    stored.policy = Some(policy.clone());
                }
            }
        }
    }
}

impl Change {
    /// The one place that says what a change of a row's fields does to a credential; stores and
    /// pools both come through here, so they cannot disagree.
    pub(crate) fn apply_to(&self, credential: &mut Credential, pool: &PoolKey) {
        match self {
            Self::Edit { set, .. } => {
                if let Ok(edited) = credential.with(&set.0, pool) {
                    *credential = edited;
                }
            }
            Self::Status { status, at, error_code, reason, reset_at, supersedes, .. } => {
                if credential.last_status_at <= *supersedes {
                    credential.last_status.clone_from(status);
                    credential.last_status_at = *at;
                    credential.last_error_code = *error_code;
                    credential.set_failure(*reason, *reset_at);
                }
            }
            Self::ModelCooldown { model, until, supersedes, .. } => match until {
                Some(until) => credential.rest_model(model, *until),
                None => credential.wake_model(model, *supersedes),
            },
            Self::Tokens { replaces, set, .. } => {
                if credential.token().fingerprint() == *replaces
                    && let Ok(refreshed) = credential.with(&set.0, pool)
                {
                    *credential = refreshed;
                }
            }
            Self::Used { count, turn, .. } => {
                credential.request_count = credential.request_count.saturating_add(*count);
                credential.turn = credential.turn.max(turn.unwrap_or(0));
            }
            Self::Add { .. }
            | Self::Remove { .. }
            | Self::Identify { .. }
            | Self::Suppress { .. }
            | Self::Unsuppress { .. }
            | Self::SetStrategy { .. }
            | Self::SetPolicy { .. } => {}
        }
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Add { row } => f.debug_struct("Add").field("row", row).finish(),
            Self::Remove { id } => f.debug_struct("Remove").field("id", id).finish(),
            Self::Identify { id, was, fingerprint } => {
                f.debug_struct("Identify").field("id", id).field("was", was).field("fingerprint", fingerprint).finish()
            }
            Self::Edit { id, set } => f.debug_struct("Edit").field("id", id).field("set", set).finish(),
            Self::Status { id, status, at, error_code, reason, reset_at, supersedes } => f
                .debug_struct("Status")
                .field("id", id)
                .field("status", status)
                .field("at", at)
                .field("error_code", error_code)
                .field("reason", reason)
                .field("reset_at", reset_at)
                .field("supersedes", supersedes)
                .finish(),
            Self::ModelCooldown { id, model: _, until, supersedes } => f
                .debug_struct("ModelCooldown")
                .field("id", id)
                .field("until", until)
                .field("supersedes", supersedes)
                .finish_non_exhaustive(),
            Self::Tokens { id, replaces, set } => {
                f.debug_struct("Tokens").field("id", id).field("replaces", replaces).field("set", set).finish()
            }
            Self::Used { id, count, turn } => {
                f.debug_struct("Used").field("id", id).field("count", count).field("turn", turn).finish()
            }
            Self::Suppress { source } => f.debug_struct("Suppress").field("source", source).finish(),
            Self::Unsuppress { source } => f.debug_struct("Unsuppress").field("source", source).finish(),
            Self::SetStrategy { strategy } => f.debug_struct("SetStrategy").field("strategy", strategy).finish(),
            Self::SetPolicy { policy: _ } => f.debug_struct("SetPolicy").finish_non_exhaustive(),
        }
    }
}

/// Fields of a row as they are stored, secrets and all. `Debug` shows no value.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RowFields(pub Map<String, Value>);

impl fmt::Debug for RowFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = FIELDS.iter().map(|field| field.name).filter(|name| self.0.contains_key(*name));
        f.debug_set().entries(known).finish()
    }
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

mod stored_status {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::credential::Status;

    pub(super) fn serialize<S: Serializer>(status: &Option<Status>, serializer: S) -> Result<S::Ok, S::Error> {
        status.as_ref().map(Status::as_str).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Status>, D::Error> {
        Ok(Option::<String>::deserialize(deserializer)?.map(Status::from))
    }
}

mod stored_seconds {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::time::UnixSeconds;

    pub(super) fn serialize<S: Serializer>(at: &Option<UnixSeconds>, serializer: S) -> Result<S::Ok, S::Error> {
        at.map(UnixSeconds::as_f64).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<UnixSeconds>, D::Error> {
        Ok(Option::<f64>::deserialize(deserializer)?.and_then(UnixSeconds::new))
    }
}
