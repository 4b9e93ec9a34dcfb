//! Leases: a request asks for a credential, and each answer names the next move of the request.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    failure::FailureKind,
    id::{CredentialId, IntentId, LeaseId},
    time::Timestamp,
};

/// A request that needs a credential. `Debug` prints no field.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// Model of the request. With a model, a limit of that model cools the credential down for that model only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Session or cache key. Requests with the same key go to the same credential while the credential can serve, so
    /// that the provider's prompt cache stays warm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affinity: Option<String>,
    /// Maximum sum of all waits of the request, in milliseconds; `None` for the policy's `patience_ms`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patience_ms: Option<u64>,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").finish_non_exhaustive()
    }
}

/// The next move of a request. [`Pool::lease`](crate::Pool::lease) returns the first move, and
/// [`report`](crate::Pool::report) and [`resume`](crate::Pool::resume) return the following moves.
///
/// A move with a lease must be continued, with `report` after `Use` and with `resume` after the other moves, or be
/// ended with [`release`](crate::Pool::release). Every request ends: between two waits each credential serves the
/// request once, apart from the policy's retries and one refresh, and the request's patience bounds its waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum NextMove {
    /// Send the request with this credential, then report the answer.
    Use {
        /// Lease of this attempt.
        lease: LeaseId,
        /// Id of the credential; [`Pool::runtime`](crate::Pool::runtime) returns its key and base URL.
        credential: CredentialId,
    },
    /// Wait until `until` and resume. The same credential is preferred for the next attempt.
    Retry {
        /// Lease to resume.
        lease: LeaseId,
        /// The failed credential.
        credential: CredentialId,
        /// Time at which to resume.
        until: Timestamp,
    },
    /// The login's token must be refreshed first: settle the intent, then resume.
    Refresh {
        /// Lease to resume.
        lease: LeaseId,
        /// Id of the login.
        credential: CredentialId,
        /// [`Intent`](crate::Intent) of the refresh, in this step or an earlier step.
        intent: IntentId,
    },
    /// No credential can serve now, but within the request's patience: wait until `until` and resume.
    Wait {
        /// Lease to resume.
        lease: LeaseId,
        /// Time at which to resume. An earlier `resume` is allowed: a step with the event `recovered`, or a report or
        /// release of another request, may have freed a credential.
        until: Timestamp,
    },
    /// No credential can serve within the request's patience. Use another provider, or lease again at `retry_at`.
    Exhausted {
        /// Time at which the first credential becomes available; `None` if none becomes available by itself.
        retry_at: Option<Timestamp>,
    },
    /// The pool has no credentials.
    Empty,
    /// No credential would help; return the provider's answer to the caller.
    GiveUp {
        /// Kind of the failure.
        reason: FailureKind,
    },
    /// The request was served.
    Served,
    /// The lease had expired before this report or resumption. The pool has recorded a report; for another attempt,
    /// lease again.
    Late {
        /// Whether the report says that the request was served.
        served: bool,
    },
}
