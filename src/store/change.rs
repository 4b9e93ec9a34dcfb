//! Changes: edits of stored rows as data. [`apply`](crate::apply) merges the changes of many hosts.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use serde_json::{Map, Value};

use crate::{
    credential::{Credential, Source, Status, row_fields::RowFields},
    failure::FailureKind,
    id::CredentialId,
    pool_key::PoolKey,
    secret::Fingerprint,
    stamp::Stamp,
    strategy::Strategy,
    time::UnixSeconds,
};

/// One edit of what a store keeps of a pool, with the host that made it and when.
///
/// A store [`apply`](crate::apply)s changes to its *latest* state, under its own lock or
/// compare-and-set, so that what other hosts wrote meanwhile survives. A change that comes again
/// alters nothing, and changes of different hosts end in the same state in whatever order they come.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Who made it, and when. No two changes have the same stamp.
    pub by: Stamp,
    /// What changes.
    pub edit: Edit,
}

/// As JSON, `by` stands among the fields of the edit. (`flatten` would say the same in 50 KB of wasm.)
impl Serialize for Change {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = [("by", serde_json::to_value(&self.by))];
        let mut object: Map<_, _> =
            fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.ok()?))).collect();
        if let Ok(Value::Object(edit)) = serde_json::to_value(&self.edit) {
            object.extend(edit);
        }
        object.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Change {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut object = Map::deserialize(deserializer)?;
        let by = object.remove("by").ok_or_else(|| D::Error::missing_field("by"))?;
        Ok(Self {
            by: serde_json::from_value(by).map_err(D::Error::custom)?,
            edit: serde_json::from_value(Value::Object(object)).map_err(D::Error::custom)?,
        })
    }
}

/// What a [`Change`] changes.
///
/// `Debug` shows neither models nor policies: a person's own text may hold anything.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Edit {
    /// A new row. If there is one with its id, another host found the same credential: of each field
    /// the later one stays.
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
    /// Fields that a person or discovery set, except those that a refresh sets. Of each field the later edit stays.
    Set {
        /// Of which row.
        id: CredentialId,
        /// The fields as they are stored; null takes one away.
        set: RowFields,
    },
    /// How a credential is doing. CoolingDown of several hosts that did not know of each other hold side by
    /// side: the row shows the one that ends last.
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
        /// The rests that the host knew of, by the changes that they began with: they are over.
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        ends: Vec<Stamp>,
        /// Of a reset: rests that began with earlier changes are over as well.
        #[serde(skip_serializing_if = "is_false", default)]
        ends_earlier: bool,
        /// The token that was refused, if the status is about that: left out if the row has another.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        token: Option<Fingerprint>,
    },
    /// Until when a credential rests for one model. As with `Status`, the end that lies last stays.
    ModelCooldown {
        /// Of which row.
        id: CredentialId,
        /// Which model.
        model: String,
        /// The end of the rest in seconds since the Unix epoch; none if it is over.
        #[serde(with = "stored_seconds")]
        until: Option<UnixSeconds>,
        /// The rests for this model that the host knew of: they are over.
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        ends: Vec<Stamp>,
    },
    /// New tokens, with all that a refresh sets. Of several the one of the later generation stays, and
    /// what was said of the tokens before is over.
    Tokens {
        /// Of which row.
        id: CredentialId,
        /// The fingerprint of the token that was spent for them (the refresh token, else the access
        /// token); none if a person or discovery set them.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        replaces: Option<Fingerprint>,
        /// How many came before them.
        generation: Generation,
        /// The fields as they are stored; null takes one away.
        set: RowFields,
    },
    /// A host is about to spend a login's token, which nobody else may spend then.
    Claim {
        /// Of which row.
        id: CredentialId,
        /// Which token; none if it was not spent after all.
        token: Option<Fingerprint>,
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

/// How many tokens a row had before: those that a person or discovery set, and since then those that
/// refreshes brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Generation {
    /// How often a person or discovery set them.
    pub edits: u32,
    /// How often they were refreshed since.
    pub refreshes: u32,
}

impl Generation {
    /// Of tokens that a person or discovery sets.
    pub(crate) fn edited(self) -> Self {
        Self { edits: self.edits.saturating_add(1), refreshes: 0 }
    }

    /// Of tokens that a refresh brings.
    pub(crate) fn refreshed(self) -> Self {
        Self { refreshes: self.refreshes.saturating_add(1), ..self }
    }
}

impl Edit {
    /// What the edit does to a credential that nobody else edits. Where others do, [`apply`](crate::apply)
    /// decides how much of it holds.
    pub(crate) fn apply_to(&self, credential: &mut Credential, pool: &PoolKey) {
        match self {
            Self::Set { set, .. } | Self::Tokens { set, .. } => {
                if let Ok(edited) = credential.with(&set.0, pool) {
                    *credential = edited;
                }
            }
            Self::Status { status, at, error_code, reason, reset_at, .. } => {
                credential.last_status.clone_from(status);
                credential.last_status_at = *at;
                credential.last_error_code = *error_code;
                credential.set_failure(reason.map(FailureKind::name), *reset_at);
            }
            Self::ModelCooldown { model, until, .. } => credential.cool_down_model(model, *until),
            Self::Used { count, turn, .. } => {
                credential.request_count = credential.request_count.saturating_add(*count);
                credential.turn = credential.turn.max(turn.unwrap_or(0));
            }
            Self::Add { .. }
            | Self::Remove { .. }
            | Self::Identify { .. }
            | Self::Claim { .. }
            | Self::Suppress { .. }
            | Self::Unsuppress { .. }
            | Self::SetStrategy { .. }
            | Self::SetPolicy { .. } => {}
        }
    }

    /// The row whose fields the edit is about, so that it is moot once the row goes.
    pub(crate) fn row(&self) -> Option<&CredentialId> {
        match self {
            Self::Set { id, .. }
            | Self::Status { id, .. }
            | Self::ModelCooldown { id, .. }
            | Self::Tokens { id, .. }
            | Self::Claim { id, .. }
            | Self::Used { id, .. } => Some(id),
            Self::Add { .. }
            | Self::Remove { .. }
            | Self::Identify { .. }
            | Self::Suppress { .. }
            | Self::Unsuppress { .. }
            | Self::SetPolicy { .. }
            | Self::SetStrategy { .. } => None,
        }
    }
}

impl fmt::Debug for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Add { row } => f.debug_struct("Add").field("row", row).finish(),
            Self::Remove { id } => f.debug_struct("Remove").field("id", id).finish(),
            Self::Identify { id, was, fingerprint } => {
                f.debug_struct("Identify").field("id", id).field("was", was).field("fingerprint", fingerprint).finish()
            }
            Self::Set { id, set } => f.debug_struct("Set").field("id", id).field("set", set).finish(),
            Self::Status { id, status, at, error_code, reason, reset_at, ends, ends_earlier, token } => f
                .debug_struct("Status")
                .field("id", id)
                .field("status", status)
                .field("at", at)
                .field("error_code", error_code)
                .field("reason", reason)
                .field("reset_at", reset_at)
                .field("ends", ends)
                .field("ends_earlier", ends_earlier)
                .field("token", token)
                .finish(),
            Self::ModelCooldown { id, model: _, until, ends } => f
                .debug_struct("ModelCooldown")
                .field("id", id)
                .field("until", until)
                .field("ends", ends)
                .finish_non_exhaustive(),
            Self::Tokens { id, replaces, generation, set } => f
                .debug_struct("Tokens")
                .field("id", id)
                .field("replaces", replaces)
                .field("generation", generation)
                .field("set", set)
                .finish(),
            Self::Claim { id, token } => f.debug_struct("Claim").field("id", id).field("token", token).finish(),
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

fn is_false(flag: &bool) -> bool {
    !flag
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
