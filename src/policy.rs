//! Policy as data: what each kind of failure leads to, and how much a pool and a request may bear.

mod check;
mod presets;
mod settings;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    error::{Error, ErrorCode},
    failure::FailureKind,
};

/// How a pool judges failures, bounds rests and spreads requests. It is stored as a preset and what
/// differs from it: `{ "preset": "adaptive", "failures": { "quota": { "cooldown_ms": 600000 } } }`.
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
    /// What it differs from.
    pub preset: Preset,
    /// How long a lease lasts without a report: then its session counts as crashed.
    pub lease_ms: u64,
    /// How long a request can wait in all before it is `exhausted`.
    pub patience_ms: u64,
    /// How soon a request asks again that waits for another request to end.
    pub recheck_ms: u64,
    /// How long the only credential that could serve rests at most, unless its quota is used up or
    /// the provider said how long; null for no exception.
    pub sole_cooldown_ms: Option<u64>,
    /// Whether after a rest one request goes first and the others follow its success.
    pub half_open: bool,
    /// Whether a rest is taken back when the same request fails in the same way with another
    /// credential, and nothing else tells that it was the credential's fault.
    pub revert: bool,
    /// How much of a delay before a retry is left to chance, in percent, so that retries spread.
    pub jitter_percent: u32,
    /// How many requests a credential may have under way; a row's own `max_in_flight` is the hard one.
    pub max_in_flight: MaxInFlight,
    /// How far affinity may go.
    pub affinity: AffinityPolicy,
    /// What is stored of secrets that belong to someone else. It holds from the next opening on.
    pub borrowed_secrets: BorrowedSecrets,
    /// What each kind of failure leads to.
    pub failures: Rules,
}

/// What is stored of secrets that belong to someone else: those of the environment, of the
/// configuration and of other programs' logins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BorrowedSecrets {
    /// All of it, as the reference does.
    #[default]
    Stored,
    /// A fingerprint: they are found again at the next opening, where they belong. What a refresh
    /// brings is nobody else's, and stored.
    Fingerprint,
}

/// What a policy differs from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// Hints first, else short rests that grow; one request goes first after a rest.
    #[default]
    Adaptive,
    /// What the reference system does: one hour after a 429, 24 hours after anything else.
    Reference,
}

/// How many requests a credential may have under way. Null for no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MaxInFlight {
    /// From here on others are preferred.
    pub soft: Option<u32>,
    /// Beyond this requests wait.
    pub hard: Option<u32>,
}

/// How far affinity may go: a credential whose load is over the bound is passed over (consistent
/// hashing with bounded loads; Mirrokni, Thorup and Zadimoghaddam, 2016).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AffinityPolicy {
    /// How many requests a credential may have under way, in percent of its share of all.
    pub max_load_percent: u32,
    /// How many it may always have.
    pub min_in_flight: u32,
}

/// One rule for each kind of failure.
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

/// What a kind of failure leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What is done, once refreshing and retrying have not helped.
    pub action: Action,
    /// Whether a login is refreshed first.
    pub refresh: bool,
    /// How often in a row a credential is retried first.
    pub retries: u32,
    /// How long the first retry waits; each further one twice as long.
    pub retry_delay_ms: u64,
    /// The longest wait for a retry. What the provider asks for is waited out up to this.
    pub max_retry_delay_ms: u64,
    /// Whether what the provider says goes before `cooldown_ms`.
    pub hints: bool,
    /// The least that is believed of what the provider says.
    pub min_hint_ms: u64,
    /// The most that is believed of what the provider says.
    pub max_hint_ms: u64,
    /// How long the first rest is; each further one in a row twice as long. Null for what the
    /// reference does: an hour after HTTP status 429, 24 hours after anything else.
    pub cooldown_ms: Option<u64>,
    /// The longest rest without a word of the provider.
    pub max_cooldown_ms: u64,
    /// How often one request may try a credential while it rests; null for not at all.
    pub probe_interval_ms: Option<u64>,
}

/// What a failure leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The credential rests, and another one is used.
    CoolDown,
    /// The credential rests for the request's model, and another one is used.
    CoolDownModel,
    /// The credential is dead until a new login, a new key or a reset, and another one is used.
    MarkDead,
    /// Another credential is used, and nothing rests.
    Rotate,
    /// Every credential would fail: the same one is retried while the request's patience lasts.
    Wait,
    /// The request ends.
    GiveUp,
}

impl Policy {
    /// Reads a stored policy: a preset, `adaptive` if none is named, and what differs from it.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidPolicy`], with a pointer into `value`.
    pub fn parse(value: &Value) -> Result<Self, Error> {
        let Value::Object(given) = value else {
            let message = "a policy must be an object, such as `{ \"preset\": \"adaptive\" }`; correct it or delete it";
            return Err(Error::new(ErrorCode::InvalidPolicy, message).at(""));
        };
        let preset = match given.get("preset") {
            Some(name) => Preset::named(name).ok_or_else(|| wrong_shape(&Value::Null, "/preset"))?,
            None => Preset::default(),
        };
        let mut policy = Self::of(preset);
        settings::read(&mut policy, given).map_err(|pointer| wrong_shape(&Self::of(preset).to_json(), &pointer))?;
        check::check(&policy, value)?;
        Ok(policy)
    }

    /// The policy as it is stored: its preset and what differs from it.
    pub fn to_value(&self) -> Value {
        let mut stored = Map::from_iter([("preset".to_owned(), Value::from(self.preset.name()))]);
        if let Some(Value::Object(differing)) = difference(&Self::of(self.preset).to_json(), &self.to_json()) {
            stored.extend(differing);
        }
        Value::Object(stored)
    }

    /// The whole policy, with every setting.
    fn to_json(&self) -> Value {
        settings::write(self)
    }

    /// What a failure of this kind leads to.
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

    /// The action's name, as it is stored.
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

    /// The name as it is stored.
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

    /// The preset's name, as it is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Adaptive => "adaptive",
            Self::Reference => "reference",
        }
    }
}

/// What has to be put over `whole` to make it `wanted`; none if they are the same.
fn difference(whole: &Value, wanted: &Value) -> Option<Value> {
    let (Value::Object(whole), Value::Object(wanted)) = (whole, wanted) else {
        return (whole != wanted).then(|| wanted.clone());
    };
    let differing: Map<_, _> = wanted
        .iter()
        .filter_map(|(name, wanted)| Some((name.clone(), difference(whole.get(name).unwrap_or(&Value::Null), wanted)?)))
        .collect();
    (!differing.is_empty()).then_some(Value::Object(differing))
}

/// What stands where a pointer to a setting points; no setting's name needs an escape.
fn setting<'a>(policy: &'a Value, pointer: &str) -> Option<&'a Value> {
    pointer.split('/').skip(1).try_fold(policy, |settings, name| settings.get(name))
}

/// What to do about a setting that cannot be read. `whole` holds every setting there is.
fn wrong_shape(whole: &Value, pointer: &str) -> Error {
    const NULLABLE: [&str; 5] = ["sole_cooldown_ms", "cooldown_ms", "probe_interval_ms", "soft", "hard"];
    let name = pointer.rsplit('/').next().unwrap_or_default();
    let message = match (name, setting(whole, pointer)) {
        _ if pointer == "/preset" => "no preset has this name; use `adaptive` or `reference`",
        (_, None) => "no policy has a setting of this name; correct the name or delete it",
        ("action", _) => {
            "no action has this name; use `cool_down`, `cool_down_model`, `mark_dead`, `rotate`, `wait` or `give_up`"
        }
        (_, Some(Value::Object(_))) => "this must be an object of settings: `{…}`; correct it or delete it",
        (_, Some(Value::Bool(_))) => "this must be `true` or `false`, without quotes; correct it or delete it",
        (name, Some(_)) if NULLABLE.contains(&name) => {
            "this must be a whole number from 0 up, not too large and without quotes, or null; correct it or delete it"
        }
        (_, Some(_)) => {
            "this must be a whole number from 0 up, not too large and without quotes; correct it or delete it"
        }
    };
    Error::new(ErrorCode::InvalidPolicy, message).at(pointer)
}
