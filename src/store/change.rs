//! Changes: edits of the stored state as data. [`apply`](crate::apply) merges the changes of many hosts.

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

/// Edit of the stored state of a pool, stamped with host and time.
///
/// A store [`apply`](crate::apply)s changes to its *latest* state, under its own lock or compare-and-set, so that
/// concurrent changes of other hosts are kept. A repeated change has no effect, and changes of different hosts give the
/// same state in any order.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Host and time of the change; unique.
    pub by: Stamp,
    /// The edit itself.
    pub edit: Edit,
}

/// In JSON, `by` is a sibling of the edit's fields. Written by hand: `serde(flatten)` adds 50 KB of wasm.
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

/// Effect of a [`Change`].
///
/// `Debug` shows neither models nor policies: free text may contain a secret.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Edit {
    /// Adds a row. If a row with the same id exists, another host discovered the same credential: the row of the earliest
    /// addition stays, with the latest tokens. An id that was removed is not added again.
    Add {
        /// The whole row, with id and secrets.
        row: RowFields,
    },
    /// Removes a row.
    Remove {
        /// Id of the row.
        id: CredentialId,
    },
    /// Moves a row to the absent rows, since its source no longer has the borrowed secret. The secret goes, all else
    /// stays and can be edited. A later [`Add`](Self::Add) of the id moves the row back.
    MarkAbsent {
        /// Id of the row.
        id: CredentialId,
    },
    /// Assigns an id to a row that has none, or shares its id: the last row with this id and fingerprint.
    Identify {
        /// New id.
        id: CredentialId,
        /// Id that the row shares with an earlier row; `None` if the row has no id.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        was: Option<CredentialId>,
        /// Fingerprint of the row's `access_token`.
        fingerprint: Fingerprint,
    },
    /// Sets fields by hand or by discovery, token fields excepted. Each field is a last-writer-wins register.
    Set {
        /// Id of the row.
        id: CredentialId,
        /// Fields in their stored form; null deletes a field.
        set: RowFields,
    },
    /// Sets the status of a credential. Concurrent cooldowns of several hosts are all kept: the row shows the cooldown
    /// that ends last.
    Status {
        /// Id of the row.
        id: CredentialId,
        /// New status; `None` for a reset.
        #[serde(with = "stored_status")]
        status: Option<Status>,
        /// Start of the status, in seconds since the Unix epoch.
        #[serde(with = "stored_seconds")]
        at: Option<UnixSeconds>,
        /// HTTP status of the failure.
        error_code: Option<i64>,
        /// Kind of the failure.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        reason: Option<FailureKind>,
        /// End of the cooldown, in seconds since the Unix epoch; `None` if it follows from `at` and `error_code`.
        #[serde(skip_serializing_if = "Option::is_none", default, with = "stored_seconds")]
        reset_at: Option<UnixSeconds>,
        /// Causal context: for each other host the stamp of the last cooldown that this host knew. The change ends them,
        /// the earlier ones of those hosts, and all that this host began before.
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        ends: Vec<Stamp>,
        /// Whether cooldowns with earlier stamps end as well; set by a reset.
        #[serde(skip_serializing_if = "is_false", default)]
        ends_earlier: bool,
        /// Fingerprint of the refused token, if the status is about the token. The status is dropped if the row holds
        /// another token.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        token: Option<Fingerprint>,
    },
    /// Sets the cooldown of a credential for one model. Of concurrent cooldowns the row shows the last end.
    ModelCooldown {
        /// Id of the row.
        id: CredentialId,
        /// Name of the model.
        model: String,
        /// End of the cooldown, in seconds since the Unix epoch; `None` to end it now.
        #[serde(with = "stored_seconds")]
        until: Option<UnixSeconds>,
        /// Causal context for this model, as in [`Status`](Self::Status).
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        ends: Vec<Stamp>,
    },
    /// Sets new tokens with all token fields. The highest generation wins, and ends cooldowns that were about the old
    /// tokens.
    Tokens {
        /// Id of the row.
        id: CredentialId,
        /// Fingerprint of the token that the refresh spent (refresh token, else access token); `None` for tokens set by
        /// a person or by discovery.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        replaces: Option<Fingerprint>,
        /// Number of tokens before these.
        generation: Generation,
        /// Fields in their stored form; null deletes a field.
        set: RowFields,
    },
    /// Claims the right to spend a login's token. The first claim that reaches the store holds, and later claims on the
    /// same token have no effect: no other host may spend the token.
    Claim {
        /// Id of the row.
        id: CredentialId,
        /// Fingerprint of the token.
        token: Fingerprint,
    },
    /// Gives up a claim on an unspent token.
    Release {
        /// Id of the row.
        id: CredentialId,
        /// Stamp of the claim. Earlier claims of the same host are given up as well.
        claim: Stamp,
    },
    /// Adds uses of a credential since the last such change: a grow-only counter.
    Used {
        /// Id of the row.
        id: CredentialId,
        /// Number of uses.
        count: u64,
        /// Position in the order of `round_robin`; the highest wins.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        turn: Option<u64>,
    },
    /// Excludes a source from discovery.
    Suppress {
        /// The source.
        source: Source,
    },
    /// Includes a source in discovery again.
    Unsuppress {
        /// The source.
        source: Source,
    },
    /// Sets the pool's strategy.
    SetStrategy {
        /// New strategy.
        strategy: Strategy,
    },
    /// The host is done: its last change, so that the store need not remember the host for long.
    SignOff,
    /// Sets the pool's policy.
    SetPolicy {
        /// New policy, in the form of [`Policy::to_value`](crate::Policy::to_value).
        policy: Value,
    },
}

/// Version of a row's tokens, ordered by edits first: tokens set by a person or by discovery supersede all refreshes
/// before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Generation {
    /// Number of times that a person or discovery set the tokens.
    pub edits: u32,
    /// Number of refreshes since the last edit.
    pub refreshes: u32,
}

impl Generation {
    /// Returns the generation of tokens that a person or discovery sets now.
    pub(crate) fn edited(self) -> Self {
        Self { edits: self.edits.saturating_add(1), refreshes: 0 }
    }

    /// Returns the generation of tokens that a refresh sets now.
    pub(crate) fn refreshed(self) -> Self {
        Self { refreshes: self.refreshes.saturating_add(1), ..self }
    }
}

impl Edit {
    /// Applies the edit to a credential without concurrent edits. [`apply`](crate::apply) merges concurrent edits.
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
            Self::ModelCooldown { model, until, .. } => credential.set_model_cooldown(model, *until),
            Self::Used { count, turn, .. } => {
                credential.request_count = credential.request_count.saturating_add(*count);
                credential.turn = credential.turn.max(turn.unwrap_or(0));
            }
            Self::Add { .. }
            | Self::Remove { .. }
            | Self::MarkAbsent { .. }
            | Self::Identify { .. }
            | Self::Claim { .. }
            | Self::Release { .. }
            | Self::Suppress { .. }
            | Self::Unsuppress { .. }
            | Self::SetStrategy { .. }
            | Self::SetPolicy { .. }
            | Self::SignOff => {}
        }
    }

    /// Returns the row that the edit changes, so that the edit is void once the row is removed; `None` for others.
    pub(crate) fn row(&self) -> Option<&CredentialId> {
        match self {
            Self::MarkAbsent { id }
            | Self::Set { id, .. }
            | Self::Status { id, .. }
            | Self::ModelCooldown { id, .. }
            | Self::Tokens { id, .. }
            | Self::Claim { id, .. }
            | Self::Release { id, .. }
            | Self::Used { id, .. } => Some(id),
            Self::Add { .. }
            | Self::Remove { .. }
            | Self::Identify { .. }
            | Self::Suppress { .. }
            | Self::Unsuppress { .. }
            | Self::SetPolicy { .. }
            | Self::SetStrategy { .. }
            | Self::SignOff => None,
        }
    }
}

impl fmt::Debug for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Add { row } => f.debug_struct("Add").field("row", row).finish(),
            Self::Remove { id } => f.debug_struct("Remove").field("id", id).finish(),
            Self::MarkAbsent { id } => f.debug_struct("MarkAbsent").field("id", id).finish(),
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
            Self::Release { id, claim } => f.debug_struct("Release").field("id", id).field("claim", claim).finish(),
            Self::Used { id, count, turn } => {
                f.debug_struct("Used").field("id", id).field("count", count).field("turn", turn).finish()
            }
            Self::Suppress { source } => f.debug_struct("Suppress").field("source", source).finish(),
            Self::Unsuppress { source } => f.debug_struct("Unsuppress").field("source", source).finish(),
            Self::SetStrategy { strategy } => f.debug_struct("SetStrategy").field("strategy", strategy).finish(),
            Self::SignOff => f.write_str("SignOff"),
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
