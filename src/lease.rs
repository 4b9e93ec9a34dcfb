//! Leases: one use of a credential each, from selection to report, and the next move of a request.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    failure::FailureKind,
    id::{CredentialId, IntentId, LeaseId},
    time::Timestamp,
};

/// What a host wants a credential for. `Debug` shows nothing of it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// The model it asks for, so that a limit of one model does not bench the credential for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// A session or a cache key. Requests with the same one go to the same credential while it can
    /// serve, so that the provider's prompt cache stays warm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affinity: Option<String>,
    /// How long the request can wait in all, in milliseconds; else the policy's `patience_ms`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patience_ms: Option<u64>,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").finish_non_exhaustive()
    }
}

/// What a request does next. [`Pool::lease`](crate::Pool::lease) answers its first move; every
/// [`report`](crate::Pool::report) and [`resume`](crate::Pool::resume) the one after.
///
/// A move that carries a lease must be followed up, with `report` after `Use` and with `resume`
/// after the others, or be ended with [`release`](crate::Pool::release). A request comes to an end
/// however its credentials fail: between two waits each serves it once, besides the retries of the
/// policy and one refresh, and its patience bounds the waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum NextMove {
    /// Send it with this credential, then report the answer.
    Use {
        /// The lease of this attempt.
        lease: LeaseId,
        /// Which; [`Pool::runtime`](crate::Pool::runtime) tells key and base URL.
        credential: CredentialId,
    },
    /// Wait until then and resume: most likely with the same credential.
    Retry {
        /// The lease to resume.
        lease: LeaseId,
        /// The credential that failed.
        credential: CredentialId,
        /// When.
        until: Timestamp,
    },
    /// A login's token must be refreshed first: settle that intent, then resume.
    Refresh {
        /// The lease to resume.
        lease: LeaseId,
        /// The login.
        credential: CredentialId,
        /// The [`Intent`](crate::Intent) that refreshes it, in this step or an earlier one.
        intent: IntentId,
    },
    /// None can serve now, and one can soon: wait until then and resume.
    Wait {
        /// The lease to resume.
        lease: LeaseId,
        /// When it is worth asking again. Asking earlier is fine: a step with the event `recovered`,
        /// a report or a release of another request may have freed a credential.
        until: Timestamp,
    },
    /// None can serve within the request's patience. Use another provider, or come back then.
    Exhausted {
        /// When the first is back; none if none comes back by itself.
        retry_at: Option<Timestamp>,
    },
    /// The pool has no credentials.
    Empty,
    /// No credential would help; the answer is for whoever made the request.
    GiveUp {
        /// What is wrong with the request.
        reason: FailureKind,
    },
    /// The request was served.
    Served,
    /// The report came after the lease had run out, or the resumption did. The pool has taken in what
    /// a report tells; for another attempt, lease again.
    Late {
        /// Whether the request was served nevertheless.
        served: bool,
    },
}
