//! Why a credential was chosen or passed over, as data and as one line of text.

use std::fmt;

use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::{
    failure::{FailureKind, HintSource},
    id::{CredentialId, IntentId, LeaseId},
    lease::NextMove,
    strategy::Strategy,
    time::Timestamp,
};

/// Something that happened to a credential in a step. `Display` says it on one line that begins with
/// the credential's id; in JSON `text` is that line without the id, for hosts that show a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Which.
    pub credential: CredentialId,
    /// What.
    pub what: Happening,
}

/// What happened to a credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Happening {
    /// It serves a request.
    Chosen {
        /// The request's lease.
        lease: LeaseId,
        /// Why this one.
        by: Choice,
    },
    /// It was next in order and could not serve. A decision does not visit credentials that cool down;
    /// [`Pool::explain`](crate::Pool::explain) covers them.
    PassedOver {
        /// Why.
        verdict: Verdict,
    },
    /// A cooldown began, or an existing cooldown was extended.
    CoolingDown {
        /// Until when.
        until: Timestamp,
        /// For this model alone.
        #[serde(skip_serializing_if = "Option::is_none")]
        model: Option<String>,
        /// Why.
        cause: Cause,
    },
    /// It is dead: only a new login, a new key or a reset can revive it.
    MarkedDead {
        /// Why.
        cause: Cause,
    },
    /// It serves again: its probe was served.
    Recovered,
    /// A request waits until its token is refreshed.
    AwaitsRefresh {
        /// The intent that refreshes it.
        intent: IntentId,
    },
    /// It has new tokens.
    Refreshed,
    /// Another host began to refresh it and was never heard of again, so that its refresh token may
    /// be spent: once it expires it has to be made anew.
    RefreshInterrupted,
    /// Its cooldown was reverted: the request failed in the same way with another credential.
    Reverted,
    /// Its lease expired without a report.
    LeaseExpired {
        /// Which lease.
        lease: LeaseId,
    },
}

/// Why this credential and no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Choice {
    /// It was the strategy's next.
    Strategy {
        /// Which strategy.
        strategy: Strategy,
    },
    /// The request's affinity belongs to it.
    Affinity,
    /// It failed the request before, and is tried again.
    Retry,
}

/// What the pool says of a credential for a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Verdict {
    /// It would serve the request.
    Chosen {
        /// Why this one.
        by: Choice,
        /// Whether the credential is half-open: this request is its probe, and others wait until the probe is served.
        half_open: bool,
    },
    /// It could serve, and another one goes first.
    Available {
        /// Whether the credential is half-open after a cooldown.
        half_open: bool,
    },
    /// It cools down.
    CoolingDown {
        /// Until when.
        until: Timestamp,
        /// When the next probe is due, if that is before `until`.
        #[serde(skip_serializing_if = "Option::is_none")]
        probe_at: Option<Timestamp>,
        /// Why.
        cause: Cause,
    },
    /// It cools down for the request's model.
    CoolingDownForModel {
        /// Which model.
        model: String,
        /// Until when.
        until: Timestamp,
        /// Why.
        cause: Cause,
    },
    /// It is half-open: its probe is in flight, and all other requests wait for the probe.
    HalfOpen {
        /// Lease of the probe.
        lease: LeaseId,
    },
    /// As many requests as it may have are under way with it.
    AtCap {
        /// How many.
        in_flight: u32,
        /// How many it may have.
        cap: u32,
    },
    /// Its token must be refreshed first.
    DueForRefresh {
        /// The intent, if it is under way.
        #[serde(skip_serializing_if = "Option::is_none")]
        intent: Option<IntentId>,
    },
    /// Its token has expired, and the last refresh brought no new one.
    Unreachable {
        /// When the next refresh is tried.
        until: Timestamp,
    },
    /// Its token has expired, and it cannot be refreshed.
    Expired,
    /// Only a new login, a new key or a reset can revive it.
    Dead {
        /// Why.
        cause: Cause,
    },
    /// There is no key or token in it.
    NoSecret,
    /// It failed this request before.
    Failed,
}

/// Failure behind a cooldown, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cause {
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<FailureKind>,
    /// The HTTP status of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<i64>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Where the answer gave a hint; none if it gave none, or the policy ignores hints.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<HintSource>,
}

/// Why each credential would or would not serve a request.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// What the pool would answer to the request.
    pub next: NextMove,
    /// All credentials, in their order.
    pub credentials: Vec<Explained>,
}

/// What the pool says of a credential for a request. `Display` says it on one line that begins with
/// the credential's id; in JSON `text` is that line without the id, for hosts that show a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// Which.
    pub credential: CredentialId,
    /// What.
    pub verdict: Verdict,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.credential.as_str(), self.what)
    }
}

impl fmt::Display for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chosen { lease, by } => write!(f, "serves lease {}: {by}", lease.0),
            Self::PassedOver { verdict } => write!(f, "is passed over: {verdict}"),
            Self::CoolingDown { until, model: None, cause } => write!(f, "cools down until {}: {cause}", until.to_utc()),
            Self::CoolingDown { until, model: Some(model), cause } => {
                write!(f, "cools down for model {model:?} until {}: {cause}", until.to_utc())
            }
            Self::MarkedDead { cause } => write!(f, "is dead: {cause}"),
            Self::Recovered => f.write_str("has recovered: its probe was served"),
            Self::AwaitsRefresh { intent } => write!(f, "is refreshed before it serves, by intent {}", intent.0),
            Self::Refreshed => f.write_str("has new tokens"),
            Self::RefreshInterrupted => f.write_str(
                "may not be refreshed again: another host began to and was never heard of since; log in again before it \
                 expires, or reset it to try all the same",
            ),
            Self::Reverted => {
                f.write_str("has its cooldown reverted: another credential failed the same request in the same way")
            }
            Self::LeaseExpired { lease } => write!(f, "is free of lease {}, which expired without a report", lease.0),
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Strategy { strategy } => write!(f, "the next by {}", strategy.name()),
            Self::Affinity => f.write_str("the request's affinity belongs to it"),
            Self::Retry => f.write_str("it is tried again"),
        }
    }
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.credential.as_str(), self.verdict)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let probe = |half_open: &bool| if *half_open { "; half-open, this is its probe" } else { "" };
        match self {
            Self::Chosen { by, half_open } => write!(f, "serves, {by}{}", probe(half_open)),
            Self::Available { half_open } => write!(f, "could serve, and another goes first{}", probe(half_open)),
            Self::CoolingDown { until, probe_at: None, cause } => {
                write!(f, "cools down until {}: {cause}", until.to_utc())
            }
            Self::CoolingDown { until, probe_at: Some(probe_at), cause } => {
                write!(f, "cools down until {}, next probe at {}: {cause}", until.to_utc(), probe_at.to_utc())
            }
            Self::CoolingDownForModel { model, until, cause } => {
                write!(f, "cools down for model {model:?} until {}: {cause}", until.to_utc())
            }
            Self::HalfOpen { lease } => write!(f, "is half-open, probed by lease {}", lease.0),
            Self::AtCap { in_flight, cap } => write!(f, "has {in_flight} requests under way of {cap}"),
            Self::DueForRefresh { intent: None } => f.write_str("has a token that is due for a refresh"),
            Self::DueForRefresh { intent: Some(intent) } => write!(f, "is being refreshed, by intent {}", intent.0),
            Self::Unreachable { until } => {
                write!(
                    f,
                    "has an expired token, and its last refresh brought no new one; the next is at {}",
                    until.to_utc()
                )
            }
            Self::Expired => f.write_str("has an expired token and cannot be refreshed"),
            Self::Dead { cause } => write!(f, "is dead: {cause}"),
            Self::NoSecret => f.write_str("has no key"),
            Self::Failed => f.write_str("failed this request before"),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.map_or("failed", FailureKind::name))?;
        match (self.status, self.hint.map(HintSource::place)) {
            (Some(status), Some(hint)) => write!(f, " ({status}, {hint})")?,
            (Some(status), None) => write!(f, " ({status})")?,
            (None, Some(hint)) => write!(f, " ({hint})")?,
            (None, None) => {}
        }
        match self.at {
            Some(at) => write!(f, " at {}", at.to_utc()),
            None => Ok(()),
        }
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut event = serializer.serialize_struct("Event", 3)?;
        event.serialize_field("credential", &self.credential)?;
        event.serialize_field("what", &self.what)?;
        event.serialize_field("text", &self.what.to_string())?;
        event.end()
    }
}

impl Serialize for Explained {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut explained = serializer.serialize_struct("Explained", 3)?;
        explained.serialize_field("credential", &self.credential)?;
        explained.serialize_field("verdict", &self.verdict)?;
        explained.serialize_field("text", &self.verdict.to_string())?;
        explained.end()
    }
}
