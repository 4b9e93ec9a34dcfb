//! Why a credential was chosen or passed over, as data and as one line of text.

use std::fmt;

use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::{
    credential::CredentialId,
    failure::{FailureKind, HintSource},
    lease::LeaseId,
    step::IntentId,
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
    /// It would have been next and could not serve. Those that rest are not looked at by a
    /// decision; [`Pool::explain`](crate::Pool::explain) tells of them.
    PassedOver {
        /// Why.
        verdict: Verdict,
    },
    /// It begins to rest, or rests longer than it did.
    Rests {
        /// Until when.
        until: Timestamp,
        /// For this model alone.
        #[serde(skip_serializing_if = "Option::is_none")]
        model: Option<String>,
        /// Why.
        cause: Cause,
    },
    /// Only a new login, a new key or a reset can revive it.
    Retired {
        /// Why.
        cause: Cause,
    },
    /// It serves again: its rest was ended by a request that it served.
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
    /// Its rest was taken back: the request failed in the same way with another credential.
    TakenBack,
    /// Its lease ran out without a report.
    LeaseRanOut {
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
        /// Whether it is on trial after a rest: others wait until it has served this one.
        on_trial: bool,
    },
    /// It could serve, and another one goes first.
    Available {
        /// Whether it is on trial after a rest.
        on_trial: bool,
    },
    /// It rests.
    Resting {
        /// Until when.
        until: Timestamp,
        /// When one request may try it before that.
        #[serde(skip_serializing_if = "Option::is_none")]
        probe_at: Option<Timestamp>,
        /// Why.
        cause: Cause,
    },
    /// It rests for the request's model.
    RestingForModel {
        /// Which model.
        model: String,
        /// Until when.
        until: Timestamp,
        /// Why.
        cause: Cause,
    },
    /// One request is trying it after a rest, and the others wait for that one.
    OnTrial {
        /// The lease of the one.
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

/// The failure behind a rest, as far as it is known.
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
    /// Where the answer said when it is over; none if it did not, or the policy does not listen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<HintSource>,
}

/// Why each credential would or would not serve a request.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// What the pool would answer to the request.
    pub next: crate::NextMove,
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
            Self::Rests { until, model: None, cause } => write!(f, "rests until {}: {cause}", until.to_utc()),
            Self::Rests { until, model: Some(model), cause } => {
                write!(f, "rests for model {model:?} until {}: {cause}", until.to_utc())
            }
            Self::Retired { cause } => write!(f, "is dead: {cause}"),
            Self::Recovered => f.write_str("serves again: it has served a request"),
            Self::AwaitsRefresh { intent } => write!(f, "is refreshed before it serves, by intent {}", intent.0),
            Self::Refreshed => f.write_str("has new tokens"),
            Self::RefreshInterrupted => f.write_str(
                "may not be refreshed again: another host began to and was never heard of since; log in again before it \
                 expires, or reset it to try all the same",
            ),
            Self::TakenBack => {
                f.write_str("rests no longer: another credential failed the same request in the same way")
            }
            Self::LeaseRanOut { lease } => write!(f, "is free of lease {}, which ran out without a report", lease.0),
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
        let trial = |on_trial: &bool| if *on_trial { "; on trial after a rest" } else { "" };
        match self {
            Self::Chosen { by, on_trial } => write!(f, "serves, {by}{}", trial(on_trial)),
            Self::Available { on_trial } => write!(f, "could serve, and another goes first{}", trial(on_trial)),
            Self::Resting { until, probe_at: None, cause } => write!(f, "rests until {}: {cause}", until.to_utc()),
            Self::Resting { until, probe_at: Some(probe_at), cause } => {
                write!(f, "rests until {}, and is tried at {}: {cause}", until.to_utc(), probe_at.to_utc())
            }
            Self::RestingForModel { model, until, cause } => {
                write!(f, "rests for model {model:?} until {}: {cause}", until.to_utc())
            }
            Self::OnTrial { lease } => write!(f, "is on trial after a rest, by lease {}", lease.0),
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
        if let Some(status) = self.status {
            write!(f, " (HTTP {status})")?;
        }
        if let Some(at) = self.at {
            write!(f, " at {}", at.to_utc())?;
        }
        match self.hint {
            Some(hint) => write!(f, ", for as long as {} said", hint.place()),
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
