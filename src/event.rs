//! Events and explanations: why a credential was chosen or passed over, as data and as a line of text.

use std::fmt;

use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::{
    failure::{FailureKind, HintSource},
    id::{CredentialId, IntentId, LeaseId},
    lease::NextMove,
    strategy::Strategy,
    time::Timestamp,
};

/// An event of a credential in a step. `Display` prints the event on one line that begins with the credential's id; in
/// JSON, `text` is that line without the id, for hosts that show a label instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Id of the credential.
    pub credential: CredentialId,
    /// Event itself.
    pub what: Happening,
}

/// Kind of an event, with its details.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Happening {
    /// The credential serves a request.
    Chosen {
        /// Lease of the request.
        lease: LeaseId,
        /// Reason of the choice.
        by: Choice,
    },
    /// The credential was next in order and could not serve. A decision does not visit credentials that cool down;
    /// [`Pool::explain`](crate::Pool::explain) covers them.
    PassedOver {
        /// Reason.
        verdict: Verdict,
    },
    /// A cooldown began, or an existing cooldown was extended.
    CoolingDown {
        /// End of the cooldown.
        until: Timestamp,
        /// Model that the cooldown is limited to; `None` for all models.
        #[serde(skip_serializing_if = "Option::is_none")]
        model: Option<String>,
        /// Failure behind the cooldown.
        cause: Cause,
    },
    /// The credential is dead: only a new login, a new key or a reset can revive it.
    MarkedDead {
        /// Failure that proved the credential dead.
        cause: Cause,
    },
    /// The probe was served, and all requests may use the credential again.
    Recovered,
    /// A request waits until the login's token is refreshed.
    AwaitsRefresh {
        /// Intent of the refresh.
        intent: IntentId,
    },
    /// The login has new tokens.
    Refreshed,
    /// Another host claimed the refresh token and never reported an outcome, so the refresh token may be spent. The
    /// login serves until its access token expires.
    RefreshInterrupted,
    /// The refresh token was sent and no answer came, or no readable answer, so the refresh token counts as spent. The
    /// login serves until its access token expires.
    RefreshLost,
    /// The cooldown was reverted: the request failed in the same way with another credential.
    Reverted,
    /// The provider fails for every credential: one request at a time, the scout, probes it, and all others wait.
    Outage {
        /// Time of the next scout.
        probe_at: Timestamp,
        /// Failure that began the outage, or that the last scout met.
        cause: Cause,
    },
    /// The outage is over: its scout was served, and the waiting requests are admitted in steps.
    OutageOver,
    /// A lease of the credential expired without a report.
    LeaseExpired {
        /// The expired lease.
        lease: LeaseId,
    },
}

/// Reason why a credential was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Choice {
    /// The credential was next in the strategy's order.
    Strategy {
        /// Strategy of the pool.
        strategy: Strategy,
    },
    /// The request's affinity selects the credential.
    Affinity,
    /// The credential failed the request before or was refreshed for the request, and is retried.
    Retry,
}

/// Verdict on a credential for a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Verdict {
    /// The credential would serve the request.
    Chosen {
        /// Reason of the choice.
        by: Choice,
        /// Whether the credential is half-open: this request is its probe, and others wait until the probe is served.
        half_open: bool,
    },
    /// The credential could serve, and another credential goes first.
    Available {
        /// Whether the credential is half-open after a cooldown.
        half_open: bool,
    },
    /// The credential cools down.
    CoolingDown {
        /// End of the cooldown.
        until: Timestamp,
        /// Time of the next probe; `None` if no probe is due before `until`.
        #[serde(skip_serializing_if = "Option::is_none")]
        probe_at: Option<Timestamp>,
        /// Failure behind the cooldown.
        cause: Cause,
    },
    /// The credential cools down for the request's model.
    CoolingDownForModel {
        /// Model of the request.
        model: String,
        /// End of the cooldown.
        until: Timestamp,
        /// Failure behind the cooldown.
        cause: Cause,
    },
    /// The credential is half-open: its probe is in flight, and all other requests wait for the probe.
    HalfOpen {
        /// Lease of the probe.
        lease: LeaseId,
    },
    /// Requests are held back: an outage of the provider, or the first moments after an outage or a cooldown, in which
    /// the waiting requests are admitted in steps.
    Held {
        /// Time at which the next request is admitted; `None` if that depends on a scout in flight.
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    },
    /// The credential has reached its limit of requests in flight.
    AtCap {
        /// Number of requests in flight.
        in_flight: u32,
        /// Maximum number of requests in flight.
        cap: u32,
    },
    /// The login's token must be refreshed first.
    DueForRefresh {
        /// Intent of the refresh; `None` if no refresh is in flight.
        #[serde(skip_serializing_if = "Option::is_none")]
        intent: Option<IntentId>,
    },
    /// The login's token has expired, and the last refresh brought no new token.
    Unreachable {
        /// Time of the next refresh attempt.
        until: Timestamp,
    },
    /// The login's token has expired and cannot be refreshed.
    Expired,
    /// The credential is dead: only a new login, a new key or a reset can revive it.
    Dead {
        /// Failure that proved the credential dead.
        cause: Cause,
    },
    /// The row holds no key and no token.
    NoSecret,
    /// The key has characters that no request can carry.
    UnusableSecret,
    /// The credential failed this request before.
    Failed,
}

/// Failure behind a cooldown or a death. Unknown fields are `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cause {
    /// Kind of the failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<FailureKind>,
    /// HTTP status of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<i64>,
    /// Time of the failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Place of the hint in the answer; `None` without a hint, or if the policy ignores hints.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<HintSource>,
}

/// Explanation of the pool's decision on a request.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The move that [`Pool::lease`](crate::Pool::lease) would return.
    pub next: NextMove,
    /// All credentials, in the order of [`Pool::entries`](crate::Pool::entries).
    pub credentials: Vec<Explained>,
}

/// A credential with its verdict. `Display` prints both on one line that begins with the credential's id; in JSON,
/// `text` is that line without the id, for hosts that show a label instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// Id of the credential.
    pub credential: CredentialId,
    /// Verdict on the credential.
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
            Self::CoolingDown { until, model: None, cause } => {
                write!(f, "cools down until {}: {cause}", until.to_utc())
            }
            Self::CoolingDown { until, model: Some(model), cause } => {
                write!(f, "cools down for model {model:?} until {}: {cause}", until.to_utc())
            }
            Self::MarkedDead { cause } => write!(f, "is dead: {cause}"),
            Self::Recovered => f.write_str("has recovered: its probe was served"),
            Self::AwaitsRefresh { intent } => write!(f, "is refreshed first, by intent {}", intent.0),
            Self::Refreshed => f.write_str("has new tokens"),
            Self::RefreshInterrupted => f.write_str(
                "has a refresh token that may be spent: another host started a refresh and never reported its outcome; \
                 log in again before the access token expires, or reset the credential to try the refresh token again",
            ),
            Self::RefreshLost => f.write_str(
                "has a refresh token that may be spent: it was sent, and the answer was lost; log in again before the \
                 access token expires, or reset the credential to try the refresh token again",
            ),
            Self::Reverted => {
                f.write_str("has its cooldown reverted: another credential failed the same request in the same way")
            }
            Self::Outage { probe_at, cause } => {
                write!(f, "meets an outage of the provider: {cause}; next probe at {}", probe_at.to_utc())
            }
            Self::OutageOver => f.write_str("was served: the outage of the provider is over"),
            Self::LeaseExpired { lease } => write!(f, "is freed: lease {} expired without a report", lease.0),
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Strategy { strategy } => write!(f, "next by {}", strategy.name()),
            Self::Affinity => f.write_str("selected by affinity"),
            Self::Retry => f.write_str("retried"),
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
            Self::Available { half_open } => write!(f, "is available, not next{}", probe(half_open)),
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
            Self::Held { until: Some(until) } => {
                write!(f, "is held back until {}: the provider or the credential recovers", until.to_utc())
            }
            Self::Held { until: None } => f.write_str("is held back: a request probes the provider after an outage"),
            Self::AtCap { in_flight, cap } => write!(f, "has {in_flight} of at most {cap} requests in flight"),
            Self::DueForRefresh { intent: None } => f.write_str("has a token that is due for a refresh"),
            Self::DueForRefresh { intent: Some(intent) } => write!(f, "is being refreshed, by intent {}", intent.0),
            Self::Unreachable { until } => {
                write!(
                    f,
                    "has an expired token, and the last refresh failed; the next refresh is at {}",
                    until.to_utc()
                )
            }
            Self::Expired => f.write_str("has an expired token and cannot be refreshed"),
            Self::Dead { cause } => write!(f, "is dead: {cause}"),
            Self::NoSecret => f.write_str("has no key"),
            Self::UnusableSecret => f.write_str("has a key that no request can carry; copy the key again"),
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
