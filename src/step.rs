//! All that goes out of the pool or comes back to it: steps, intents, outcomes, wakes, answers.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    auth::Auth,
    credential::{Source, row_fields::RowFields},
    error::Problem,
    event::Event,
    http_request::HttpRequest,
    id::{CredentialId, IntentId},
    secret::Fingerprint,
    store::change::Change,
    time::Timestamp,
};

/// What an input answers: a value, work for the host, and when to come back.
#[must_use = "the intents are work that the host must do"]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step<T> {
    /// The answer.
    pub value: T,
    /// Work for the host, in order. Each intent is settled once, with [`Pool::settle`](crate::Pool::settle).
    pub intents: Vec<Intent>,
    /// What happened to credentials in this step, and why; for logs and for people. Nothing that
    /// the host must act on.
    pub events: Vec<Event>,
    /// The next moment at which something changes by itself; it replaces the last one. The host
    /// calls [`Pool::tick`](crate::Pool::tick) then.
    pub wake: Option<Wake>,
}

/// What [`Pool::open`](crate::Pool::open) found.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Opened {
    /// Whether the pool has any credential.
    pub has_credentials: bool,
    /// What a person should look at; rows with an error were set aside and stay as they are.
    pub problems: Vec<Problem>,
}

/// Which credential serves the next request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Selection {
    /// This one.
    Selected {
        /// Its id; [`Pool::runtime`](crate::Pool::runtime) tells key and base URL.
        credential: CredentialId,
    },
    /// The next one's token must be refreshed first: settle that intent, then select again.
    Refreshing {
        /// The credential that is next.
        credential: CredentialId,
        /// The [`Intent`] that refreshes it, in this step or an earlier one.
        intent: IntentId,
    },
    /// All credentials rest.
    Exhausted {
        /// When the first is back; none if none comes back by itself.
        retry_at: Option<Timestamp>,
    },
    /// The pool has no credentials.
    Empty,
}

/// A refresh that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refreshing {
    /// The login.
    pub credential: CredentialId,
    /// The [`Intent`] that refreshes it, in this step or an earlier one.
    pub intent: IntentId,
}

/// Key, address and authentication of a request.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Runtime<'a> {
    /// Key or token that the request carries.
    pub key: &'a str,
    /// Base URL of the request; `None` if the row has none.
    pub base_url: Option<&'a str>,
    /// Headers and query parameters to set and to remove.
    pub auth: Auth,
}

impl fmt::Debug for Runtime<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Runtime { key: [redacted], .. }")
    }
}

/// Work for the host, as data.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Intent {
    /// Write these changes: [`apply`](crate::apply) them to the store's latest state.
    ///
    /// They hold all changes that no earlier intent is known to have saved, so that a failed write
    /// is not a lost one. Intents of this kind are carried out in order.
    Persist {
        /// Names the intent.
        id: IntentId,
        /// What to write.
        changes: Vec<Change>,
    },
    /// Send this HTTP request, within its timeout and without following redirects, and settle with the
    /// response or with `Unreachable`. Some refreshes take another request after it, with an intent of
    /// its own. A host with an OAuth client of its own may refresh its own way, and settles with
    /// `Tokens`, `Refused` or `Unreachable`.
    Refresh {
        /// Names the intent.
        id: IntentId,
        /// The login to refresh.
        credential: CredentialId,
        /// The request.
        request: HttpRequest,
    },
}

impl Intent {
    /// Names the intent.
    pub fn id(&self) -> IntentId {
        match self {
            Self::Persist { id, .. } | Self::Refresh { id, .. } => *id,
        }
    }
}

/// Whether the request of a refresh is to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Claim {
    /// Write this step's intent to persist, then send the request and settle the refresh.
    Send {
        /// The request.
        request: HttpRequest,
    },
    /// Another host did it, or is at it, or was and never ended: the refresh is over, and needs no
    /// settling.
    Gone,
}

/// How an intent ended. `Debug` shows nothing that a provider wrote.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Outcome {
    /// Of `Persist`: the changes are written.
    Saved,
    /// Of `Persist`: they are not, and must be written later.
    Failed,
    /// Of `Refresh`: what came back for the request, whatever it says. The pool reads it. If the
    /// connection broke after the status, this is what came: the provider may have done its part.
    Response {
        /// The HTTP status.
        status: u16,
        /// The headers, names in any case.
        #[serde(default)]
        headers: Vec<(String, String)>,
        /// The body as text, or as much of it as came.
        body: String,
    },
    /// Of `Refresh`: no answer came for the request.
    Unreachable,
    /// Of `Refresh`, by a host with an OAuth client of its own: the provider gave new tokens.
    Tokens {
        /// Fields of the row, as they are stored; at least a new `access_token` or `agent_key`.
        /// Others: `refresh_token`, `expires_at`, `expires_at_ms`, `expires_in`, `obtained_at`,
        /// `last_refresh`, `token_type`, `scope`, `inference_base_url`, `agent_key_*`.
        set: RowFields,
    },
    /// Of `Refresh`, by a host with an OAuth client of its own: the provider refused. The login rests
    /// for a day; a `Response` is judged by what it says.
    Refused,
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Saved => f.write_str("Saved"),
            Self::Failed => f.write_str("Failed"),
            Self::Response { status, .. } => f.debug_struct("Response").field("status", status).finish_non_exhaustive(),
            Self::Unreachable => f.write_str("Unreachable"),
            Self::Tokens { set } => f.debug_struct("Tokens").field("set", set).finish(),
            Self::Refused => f.write_str("Refused"),
        }
    }
}

/// What became of a settled intent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Settled {
    /// The changes are written.
    Saved,
    /// The changes ride along in the next `Persist`; the wake says when at the latest.
    Unsaved,
    /// The login has new tokens.
    Refreshed {
        /// Which.
        credential: CredentialId,
    },
    /// The refresh is not over: another request follows, in this very step.
    Continues {
        /// Which.
        credential: CredentialId,
        /// The [`Intent`] of that request.
        intent: IntentId,
    },
    /// The login rests, because the host says that the provider refused to refresh it.
    CoolingDown {
        /// Which.
        credential: CredentialId,
    },
    /// The login is over, by what the provider answered: only a new one or a reset can revive it.
    Dead {
        /// Which.
        credential: CredentialId,
    },
    /// Nothing came of it: no answer, too many requests, an outage, a refusal that need not last, or
    /// an answer that cannot be read. The login serves while its token is valid.
    Unrefreshed {
        /// Which.
        credential: CredentialId,
        /// When the next refresh may be tried.
        retry_at: Timestamp,
    },
    /// The credential went away or has other tokens in the meantime; nothing was done.
    Gone,
}

/// The next moment at which something changes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Wake {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: WakeReason,
}

/// Why a pool wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WakeReason {
    /// A credential has rested long enough.
    CooldownEnds,
    /// The current login's token should be refreshed.
    TokenDue,
    /// A lease runs out.
    LeaseEnds,
    /// Changes wait to be written.
    UnsavedChanges,
}

/// A credential as people may see it: no secret in it. `Debug` leaves out what people wrote.
#[derive(Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Names the credential within its pool.
    pub id: CredentialId,
    /// What people call it.
    pub label: String,
    /// What kind of secret it holds, as it is stored.
    pub auth_type: String,
    /// Its place in the order, lowest first.
    pub priority: i64,
    /// Where it came from.
    pub source: Source,
    /// Names its secret without giving it away.
    pub fingerprint: Fingerprint,
    /// Where its requests go.
    pub base_url: Option<String>,
    /// How often it was used.
    pub request_count: u64,
    /// How it is doing.
    pub state: State,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("id", &self.id).field("state", &self.state).finish_non_exhaustive()
    }
}

/// How a credential is doing at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum State {
    /// It can serve.
    Available,
    /// It cools down after a failed request or a failed refresh.
    CoolingDown {
        /// End of the cooldown.
        until: Timestamp,
        /// HTTP status of the failure, if there was one.
        error_code: Option<i64>,
    },
    /// Its token has expired, and the last refresh brought no new token.
    Unreachable {
        /// Time of the next refresh attempt.
        until: Timestamp,
    },
    /// Its token has expired, and it cannot be refreshed.
    Expired,
    /// The row holds no key and no token.
    NoSecret,
    /// Only a new login or a reset can revive it.
    Dead,
}

impl State {
    /// Returns when the credential becomes available by itself; `None` if it is available now, or never will be.
    pub fn until(&self) -> Option<Timestamp> {
        match self {
            Self::CoolingDown { until, .. } | Self::Unreachable { until } => Some(*until),
            Self::Available | Self::Expired | Self::NoSecret | Self::Dead => None,
        }
    }
}
