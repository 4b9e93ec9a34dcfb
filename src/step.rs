//! Steps: the result of every input, with intents for the host, their outcomes, and the next wake-up.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    auth::Auth,
    credential::{Source, row_fields::RowFields},
    error::Problem,
    event::Event,
    failure::headers,
    http_request::HttpRequest,
    id::{CredentialId, IntentId},
    secret::Fingerprint,
    store::change::Change,
    time::Timestamp,
};

/// Result of an input: a value, intents for the host, events, and the next wake-up.
#[must_use = "the intents are work that the host must do"]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step<T> {
    /// Answer to the input.
    pub value: T,
    /// Work for the host, in order. Each intent is settled once, with [`Pool::settle`](crate::Pool::settle).
    pub intents: Vec<Intent>,
    /// Events of this step, for logs and for people. The host need not act on events.
    pub events: Vec<Event>,
    /// Time at which the host calls [`Pool::tick`](crate::Pool::tick); replaces the wake-up of the previous step.
    /// `None` if the pool changes by inputs only.
    pub wake: Option<Wake>,
}

/// Result of [`Pool::open`](crate::Pool::open) and [`Pool::sync`](crate::Pool::sync).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Opened {
    /// Whether the pool has any credential.
    pub has_credentials: bool,
    /// Problems that a person should look at. Rows with an error are set aside and stay unchanged.
    pub problems: Vec<Problem>,
}

/// Selection of the credential for the next request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Selection {
    /// This credential serves.
    Selected {
        /// Id of the credential; [`Pool::runtime`](crate::Pool::runtime) returns its key and base URL.
        credential: CredentialId,
    },
    /// The next credential's token must be refreshed first: settle the intent, then select again.
    Refreshing {
        /// The next credential.
        credential: CredentialId,
        /// [`Intent`] of the refresh, in this step or an earlier step.
        intent: IntentId,
    },
    /// No credential can serve.
    Exhausted {
        /// Time at which the first credential becomes available; `None` if none becomes available by itself.
        retry_at: Option<Timestamp>,
    },
    /// The pool has no credentials.
    Empty,
}

/// A refresh in flight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refreshing {
    /// The login.
    pub credential: CredentialId,
    /// [`Intent`] of the refresh, in this step or an earlier step.
    pub intent: IntentId,
}

/// Key, address and authentication of a request.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Runtime<'a> {
    /// Key or token that the request carries.
    pub key: &'a str,
    /// Base URL of the request; `None` if the row has no base URL.
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
    /// The list holds all changes that no settled intent has saved: those that are new, and those whose write failed. So
    /// a failed, dropped or repeated write loses nothing, and the newest intent stands for all earlier ones.
    ///
    /// While a write is not settled, further changes wait, and are handed out by the step that settles it. Not so the
    /// tokens of a refresh and claims: the step that makes them hands them out.
    Persist {
        /// Id of the intent.
        id: IntentId,
        /// Changes to write.
        changes: Vec<Change>,
    },
    /// Send this HTTP request, within its timeout and without following redirects, and settle with the response, as
    /// `Unreachable` or as `Lost`. Some refreshes need a second request, which has an intent of its own. A host with its own OAuth
    /// client may refresh without this request, and settles with `Tokens`, `Refused`, `Unreachable` or `Lost`.
    Refresh {
        /// Id of the intent.
        id: IntentId,
        /// Login to refresh.
        credential: CredentialId,
        /// Request to send.
        request: HttpRequest,
    },
}

impl Intent {
    /// Returns the id of the intent.
    pub fn id(&self) -> IntentId {
        match self {
            Self::Persist { id, .. } | Self::Refresh { id, .. } => *id,
        }
    }
}

/// Result of [`Pool::claim`](crate::Pool::claim): whether to send the request of a refresh.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Claim {
    /// The claim is made, and not known to hold. Write this step's intent to persist, read the store back,
    /// [`sync`](crate::Pool::sync), and claim again: the first claim on a token in the store holds.
    Confirm,
    /// The claim holds. Send the request and settle the refresh.
    Send {
        /// Request to send.
        request: HttpRequest,
    },
    /// Another host has refreshed the login, or holds a claim on its token, or the store has lost this host's claim:
    /// this refresh is over, and its intent needs no settlement.
    Gone,
}

/// Outcome of an intent. `Debug` prints nothing that a provider wrote.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Outcome {
    /// For `Persist`: the changes are written.
    Saved,
    /// For `Persist`: the changes are not written, or may not be. The next `Persist` holds them again.
    Failed,
    /// For `Refresh`: the provider's answer, success or error, which the pool judges. If the connection broke after the
    /// status, this is the answer as far as received: the provider may have spent the refresh token.
    Response {
        /// HTTP status.
        status: u16,
        /// Headers, with names in any case. The JSON form is a list of pairs, or a record whose values may be lists.
        #[serde(default, deserialize_with = "headers::read")]
        headers: Vec<(String, String)>,
        /// Body as text, as far as received.
        body: String,
    },
    /// For `Refresh`: the request was not sent, since no connection to the server was made.
    Unreachable,
    /// For `Refresh`: the request was sent, or may have been, and no answer came. The provider may have spent the refresh
    /// token, so the token counts as spent: the pool sends it to no server again.
    Lost,
    /// For `Refresh` by a host with its own OAuth client: the provider granted new tokens.
    Tokens {
        /// Fields of the row, as they are stored; at least a new `access_token` or `agent_key`. Further fields:
        /// `refresh_token`, `expires_at`, `expires_at_ms`, `expires_in`, `obtained_at`, `last_refresh`, `token_type`,
        /// `scope`, `inference_base_url`, `agent_key_*`.
        set: RowFields,
    },
    /// For `Refresh` by a host with its own OAuth client: the provider refused. The login cools down for 24 hours.
    Refused,
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Saved => f.write_str("Saved"),
            Self::Failed => f.write_str("Failed"),
            Self::Response { status, .. } => f.debug_struct("Response").field("status", status).finish_non_exhaustive(),
            Self::Unreachable => f.write_str("Unreachable"),
            Self::Lost => f.write_str("Lost"),
            Self::Tokens { set } => f.debug_struct("Tokens").field("set", set).finish(),
            Self::Refused => f.write_str("Refused"),
        }
    }
}

/// Result of [`Pool::settle`](crate::Pool::settle).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Settled {
    /// The changes are written.
    Saved,
    /// The changes are part of the next `Persist`, which comes at the latest at the wake-up.
    Unsaved,
    /// The login has new tokens.
    Refreshed {
        /// Id of the login.
        credential: CredentialId,
    },
    /// The refresh continues with another request, whose intent is in this step.
    Continues {
        /// Id of the login.
        credential: CredentialId,
        /// [`Intent`] of the next request.
        intent: IntentId,
    },
    /// The login cools down, since the host reported that the provider refused the refresh.
    CoolingDown {
        /// Id of the login.
        credential: CredentialId,
    },
    /// The login is dead by the provider's answer: only a new login or a reset can revive it.
    Dead {
        /// Id of the login.
        credential: CredentialId,
    },
    /// The refresh token may be spent, and its new tokens are lost. The login serves while its access token is valid;
    /// then only a new login helps, or a reset, after which the pool sends the refresh token again.
    Lost {
        /// Id of the login.
        credential: CredentialId,
    },
    /// The refresh failed, and may succeed later: no connection, a rate limit, an outage or a temporary refusal. The
    /// login serves while its token is valid.
    Unrefreshed {
        /// Id of the login.
        credential: CredentialId,
        /// Time of the next refresh attempt.
        retry_at: Timestamp,
    },
    /// The credential was removed or has other tokens by now; the outcome was ignored.
    Gone,
}

/// The next wake-up: a moment at which the pool changes by time alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Wake {
    /// Time of the wake-up.
    pub at: Timestamp,
    /// Reason of the wake-up.
    pub reason: WakeReason,
}

/// Reason of a wake-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WakeReason {
    /// A cooldown ends, or a probe or a delayed refresh is due.
    CooldownEnds,
    /// The current login's token is due for a refresh.
    TokenDue,
    /// A lease expires.
    LeaseEnds,
    /// Unsaved changes are due to be written.
    UnsavedChanges,
}

/// A credential as people may see it, without secrets. `Debug` prints id and state only.
#[derive(Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Id, unique within the pool. An id that holds a secret is masked; the pool's inputs take it in this form as well.
    pub id: CredentialId,
    /// Label for people. Copies of secrets are masked.
    pub label: String,
    /// Kind of secret, as it is stored.
    pub auth_type: String,
    /// Place in the order, lowest first.
    pub priority: i64,
    /// Source of the credential.
    pub source: Source,
    /// Fingerprint of the secret.
    pub fingerprint: Fingerprint,
    /// Base URL of requests; `None` if the row has no base URL.
    pub base_url: Option<String>,
    /// Number of uses.
    pub request_count: u64,
    /// State at the time of the view.
    pub state: State,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("id", &self.id).field("state", &self.state).finish_non_exhaustive()
    }
}

/// State of a credential at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum State {
    /// The credential can serve.
    Available,
    /// The credential cools down after a failed request or a refused refresh.
    CoolingDown {
        /// End of the cooldown.
        until: Timestamp,
        /// HTTP status of the failure, if there was one.
        error_code: Option<i64>,
    },
    /// The login's token has expired, and the last refresh brought no new token.
    Unreachable {
        /// Time of the next refresh attempt.
        until: Timestamp,
    },
    /// The login's token has expired and cannot be refreshed.
    Expired,
    /// The row holds no key and no token.
    NoSecret,
    /// The key has characters that no request can carry, such as a line break.
    UnusableSecret,
    /// The credential is dead: only a new login, a new key or a reset can revive it.
    Dead,
}

impl State {
    /// Returns when the credential becomes available by itself; `None` for a credential that is available or needs a
    /// person.
    pub fn until(&self) -> Option<Timestamp> {
        match self {
            Self::CoolingDown { until, .. } | Self::Unreachable { until } => Some(*until),
            Self::Available | Self::Expired | Self::NoSecret | Self::UnusableSecret | Self::Dead => None,
        }
    }
}
