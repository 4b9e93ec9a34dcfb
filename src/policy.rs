//! Policy as data: the rule for each kind of failure, and the limits of pools and requests.

mod check;
mod presets;
mod settings;
mod stored;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::failure::FailureKind;

/// Settings by which a pool judges failures, bounds cooldowns and spreads requests. A policy is stored as a preset and
/// the settings that differ: `{ "preset": "adaptive", "failures": { "quota": { "cooldown_ms": 600000 } } }`.
///
/// All times are in milliseconds.
///
/// ```
/// use credential_pool::{Action, Policy};
/// use serde_json::json;
///
/// let stored = json!({ "preset": "adaptive", "failures": { "quota": { "cooldown_ms": 600_000 } } });
/// let policy = Policy::parse(&stored)?;
/// assert_eq!(policy.failures.quota.cooldown_ms, Some(600_000));
/// assert_eq!(policy.failures.quota.action, Action::CoolDown);
/// assert_eq!(policy.to_value(), stored);
///
/// let error = Policy::parse(&json!({ "failures": { "quota": { "cool_down": 5 } } })).unwrap_err();
/// assert_eq!(error.pointer.as_deref(), Some("/failures/quota/cool_down"));
/// # Ok::<(), credential_pool::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Preset from which the stored policy differs.
    pub preset: Preset,
    /// Duration of a lease without a report, in ms; after that the session counts as crashed.
    pub lease_ms: u64,
    /// Maximum sum of all waits of a request, in ms; a longer wait is answered with `exhausted`.
    pub patience_ms: u64,
    /// Interval after which a request that waits for another request asks again, in ms.
    pub recheck_ms: u64,
    /// Maximum cooldown of the only credential that could serve, in ms, except after quota failures and hints; null for
    /// no such maximum.
    pub sole_cooldown_ms: Option<u64>,
    /// Whether a credential is half-open after a cooldown: one request probes the credential, and the others wait for
    /// its success.
    pub half_open: bool,
    /// Whether a cooldown is reverted when the same request fails in the same way with another credential, and no hint
    /// and no other request confirmed the cooldown.
    pub revert: bool,
    /// Maximum random addition to a retry delay, in percent of the delay, so that retries spread.
    pub jitter_percent: u32,
    /// Limits of requests in flight per credential; a row's own `max_in_flight` replaces the hard limit.
    pub max_in_flight: MaxInFlight,
    /// Load bounds of affinity.
    pub affinity: AffinityPolicy,
    /// Storage of borrowed secrets; takes effect at the next opening.
    pub borrowed_secrets: BorrowedSecrets,
    /// Rules for the kinds of failure.
    pub failures: Rules,
}

/// Storage of borrowed secrets, which belong to the environment, the configuration or other programs' logins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BorrowedSecrets {
    /// Store the secrets, as the reference does.
    #[default]
    Stored,
    /// Store a fingerprint only: discovery finds the secrets at the next opening. Tokens that a refresh brought are the
    /// pool's own, and are stored.
    Fingerprint,
}

/// Preset of a policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// Cooldowns by hints, else by exponential backoff; half-open after each cooldown.
    #[default]
    Adaptive,
    /// Cooldowns of the reference system: 1 hour after HTTP status 429, else 24 hours.
    Reference,
}

/// Limits of requests in flight per credential; null for no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MaxInFlight {
    /// Number from which on other credentials are preferred.
    pub soft: Option<u32>,
    /// Number from which on requests wait.
    pub hard: Option<u32>,
}

/// Load bounds of affinity: a credential whose load is above its bound is passed over (consistent hashing with bounded
/// loads; Mirrokni, Thorup and Zadimoghaddam, 2016).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AffinityPolicy {
    /// Maximum number of requests in flight of a credential, in percent of its share by weight.
    pub max_load_percent: u32,
    /// Number of requests in flight that a credential may always have.
    pub min_in_flight: u32,
}

/// Rules, one for each kind of failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields are the kinds of `FailureKind`")]
pub struct Rules {
    pub transient: Rule,
    pub rate_limited: Rule,
    pub quota: Rule,
    pub unauthorized: Rule,
    pub revoked: Rule,
    pub forbidden: Rule,
    pub model_gone: Rule,
    pub request_fault: Rule,
    pub unknown: Rule,
}

/// Rule for a kind of failure. All times are in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Action once refresh and retries have not helped.
    pub action: Action,
    /// Whether a login is refreshed first.
    pub refresh: bool,
    /// Number of retries in a row with the same credential before the action.
    pub retries: u32,
    /// Delay before the first retry; doubles with each further retry.
    pub retry_delay_ms: u64,
    /// Maximum delay before a retry. A credential with a longer hint is not retried.
    pub max_retry_delay_ms: u64,
    /// Whether a hint of the provider has precedence over `cooldown_ms`.
    pub hints: bool,
    /// Minimum cooldown by a hint; shorter hints are raised to this.
    pub min_hint_ms: u64,
    /// Maximum cooldown by a hint; longer hints are cut to this.
    pub max_hint_ms: u64,
    /// First cooldown without a hint; doubles with each further cooldown in a row. Null for the reference's cooldowns:
    /// 1 hour after HTTP status 429, else 24 hours.
    pub cooldown_ms: Option<u64>,
    /// Maximum cooldown without a hint.
    pub max_cooldown_ms: u64,
    /// Interval of probes within a cooldown; null for no such probes.
    pub probe_interval_ms: Option<u64>,
}

/// Action after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The credential cools down, and another credential is used.
    CoolDown,
    /// The credential cools down for the request's model, and another credential is used.
    CoolDownModel,
    /// The credential is dead until a new login, a new key or a reset, and another credential is used.
    MarkDead,
    /// Another credential is used, without a cooldown.
    Rotate,
    /// The provider is at fault: the request is retried within its patience, first with the same credential, then with
    /// another. If both fail, the pool takes it for an outage: one request at a time probes the provider, and the others
    /// wait for it.
    Wait,
    /// The request ends.
    GiveUp,
}

impl Policy {
    /// Returns the rule for a kind of failure.
    pub(crate) fn rule(&self, kind: FailureKind) -> &Rule {
        let rules = &self.failures;
        match kind {
            FailureKind::Transient => &rules.transient,
            FailureKind::RateLimited => &rules.rate_limited,
            FailureKind::Quota => &rules.quota,
            FailureKind::Unauthorized => &rules.unauthorized,
            FailureKind::Revoked => &rules.revoked,
            FailureKind::Forbidden => &rules.forbidden,
            FailureKind::ModelGone => &rules.model_gone,
            FailureKind::RequestFault => &rules.request_fault,
            FailureKind::Unknown => &rules.unknown,
        }
    }
}

impl Action {
    const ALL: [Self; 6] =
        [Self::CoolDown, Self::CoolDownModel, Self::MarkDead, Self::Rotate, Self::Wait, Self::GiveUp];

    /// Returns the action's name, as it is stored.
    const fn name(self) -> &'static str {
        match self {
            Self::CoolDown => "cool_down",
            Self::CoolDownModel => "cool_down_model",
            Self::MarkDead => "mark_dead",
            Self::Rotate => "rotate",
            Self::Wait => "wait",
            Self::GiveUp => "give_up",
        }
    }
}

impl BorrowedSecrets {
    const ALL: [Self; 2] = [Self::Stored, Self::Fingerprint];

    /// Returns the setting's name, as it is stored.
    const fn name(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Fingerprint => "fingerprint",
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::adaptive()
    }
}

impl Preset {
    const ALL: [Self; 2] = [Self::Adaptive, Self::Reference];

    fn named(name: &Value) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| name.as_str() == Some(preset.name()))
    }

    /// Returns the preset's name, as it is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Adaptive => "adaptive",
            Self::Reference => "reference",
        }
    }
}
