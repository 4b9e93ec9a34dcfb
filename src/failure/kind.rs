//! Kinds of failures, and whose fault each is.

use serde::{Deserialize, Serialize};

/// Kind of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureKind {
    /// A fault of the provider or of the way to it: no answer, overload, an outage, a page of a proxy.
    Transient,
    /// Too many requests or tokens in a short time.
    RateLimited,
    /// Used-up money, plan or allowance: a balance, a plan's hours or week, a day's requests.
    Quota,
    /// A credential that was not accepted; a refresh may help.
    Unauthorized,
    /// A revoked credential; only a new one or a new login helps.
    Revoked,
    /// A good credential that may not use this model, or not from this place.
    Forbidden,
    /// A model that the provider serves to nobody.
    ModelGone,
    /// A fault of the request: its form, its length, its content.
    RequestFault,
    /// An answer that tells nothing.
    Unknown,
}

impl FailureKind {
    pub(crate) const ALL: [Self; 9] = [
        Self::Transient,
        Self::RateLimited,
        Self::Quota,
        Self::Unauthorized,
        Self::Revoked,
        Self::Forbidden,
        Self::ModelGone,
        Self::RequestFault,
        Self::Unknown,
    ];

    /// Returns whether the answer proves a fault of the credential: the same answer to another credential of the request
    /// proves a second such fault, and not a fault of the request.
    pub(crate) const fn blames_credential(self) -> bool {
        matches!(self, Self::Quota | Self::Unauthorized | Self::Revoked)
    }

    /// Returns the kind of this name; `None` if no kind has it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Returns the kind's name, as documents store it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::RateLimited => "rate_limited",
            Self::Quota => "quota",
            Self::Unauthorized => "unauthorized",
            Self::Revoked => "revoked",
            Self::Forbidden => "forbidden",
            Self::ModelGone => "model_gone",
            Self::RequestFault => "request_fault",
            Self::Unknown => "unknown",
        }
    }

    /// Returns whose fault a failure of this kind is.
    pub const fn fault(self) -> Fault {
        match self {
            Self::RateLimited | Self::Quota | Self::Unauthorized | Self::Revoked => Fault::Credential,
            Self::Forbidden | Self::ModelGone => Fault::Model,
            Self::Transient | Self::Unknown => Fault::Provider,
            Self::RequestFault => Fault::Request,
        }
    }
}

/// Owner of a failure. Only the credential's own fault cools it down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The credential: another one may serve the same request.
    Credential,
    /// The model, or this credential together with this model: the credential may serve another model.
    Model,
    /// The provider: every credential would have failed.
    Provider,
    /// The request: it fails with every credential.
    Request,
}
