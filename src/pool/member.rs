//! Members: a credential with the in-memory state that its row does not store.

use std::time::Duration;

use rustc_hash::FxHashMap;

use super::ramp::Ramp;
use crate::{
    cooldown::{Cooldown, stored_cooldown},
    credential::{Credential, Status},
    event::Cause,
    failure::FailureKind,
    id::{CredentialId, IntentId, LeaseId},
    oauth::flow::Leg,
    stamp::Stamp,
    store::{
        change::Edit,
        merge::{Merge, row::CausalContext},
    },
    time::{Timestamp, UnixSeconds},
};

/// A credential with its in-memory state.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) credential: Credential,
    /// Expiry of the access token; after a failed refresh, expiry of the key that requests carry.
    pub(super) expires_at: Option<Timestamp>,
    /// Whether the pool can build a refresh request for this credential.
    pub(super) is_refreshable: bool,
    /// Whether a request can carry the key.
    pub(super) is_sendable: bool,
    /// Masked form of an id that holds a secret; `None` if people may see the id.
    pub(super) masked_id: Option<CredentialId>,
    pub(super) refresh: Refresh,
    /// Reason why the token cannot serve; `None` while the token serves, or has not been checked since an edit.
    pub(super) token_block: Option<TokenBlock>,
    /// Whether this pool found the secret at its source.
    pub(super) is_found: bool,
    /// Number of uses that no change records yet.
    pub(super) unsaved_uses: u64,
    /// Whether the turn is not yet recorded in a change.
    pub(super) unsaved_turn: bool,
    /// Number of requests in flight with this credential.
    pub(super) in_flight: u32,
    /// Number of times that the runtime key was replaced.
    pub(super) key_changes: u32,
    /// Hash of the id, for rendezvous hashing.
    pub(super) affinity_hash: u64,
    pub(super) health: Health,
    pub(super) model_cooldowns: Vec<ModelCooldown>,
    /// Causal context for changes of this row: stamps and token generation that such a change supersedes.
    pub(super) context: CausalContext,
}

/// Progress of a login's refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refresh {
    /// No refresh is in flight.
    Idle,
    /// The host carries out an intent.
    InFlight {
        intent: IntentId,
        /// Request of the refresh flow that is in flight.
        leg: Leg,
        /// Number of failed refreshes in a row before this refresh.
        unanswered: u32,
        /// This host's claim on the token that the refresh spends.
        claim: ClaimProgress,
    },
    /// The last refresh, which ended at `since`, brought no tokens, and the login is not dead.
    Unanswered { attempts: u32, since: Timestamp, retry_at: Timestamp },
    /// The token may be spent: another host claimed it and never reported an outcome, or the answer to this host's
    /// request was lost.
    Interrupted,
}

/// Progress of this host's claim on a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClaimProgress {
    /// No claim was made.
    None,
    /// The claim was made; no state of the store has shown that it holds.
    Made,
    /// The state of the store that was read last holds the claim.
    Holds,
}

/// Reason why the expired token of a login keeps the login from serving, apart from cooldowns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenBlock {
    /// The next refresh is attempted at this moment.
    UntilRefresh(Timestamp),
    /// The token cannot be refreshed; a new login is required.
    UntilLogin,
}

/// Health of a member as reports have shown it, beyond the status in the row.
#[derive(Clone, Debug, Default)]
pub(super) struct Health {
    pub(super) probe: Probe,
    /// End of a cooldown that is too short to be stored.
    pub(super) unstored_until: Option<Timestamp>,
    /// Time of the next probe within the cooldown; `None` if no probe is due before the cooldown ends.
    pub(super) probe_at: Option<Timestamp>,
    /// Cause of the current or the last cooldown.
    pub(super) cause: Option<Cause>,
    /// Number of failures in a row; the failures of one burst count once.
    pub(super) failures: u32,
    /// Length of the last cooldown, from which the backoff grows; zero after a served request.
    pub(super) last_cooldown: Duration,
    /// Last attempt before the latest cooldown, recovery or reset. Failures of attempts up to this number are stale.
    pub(super) stale_up_to: AttemptNumber,
    /// Lease that alone reported the failure behind this cooldown; `None` once a second lease confirmed the failure or
    /// the provider gave a hint.
    pub(super) sole_reporter: Option<LeaseId>,
    /// Lease whose reported cooldown was reverted; `None` after a served request.
    pub(super) reverted_lease: Option<LeaseId>,
    /// Admission of the requests that waited for the probe.
    pub(super) ramp: Option<Ramp>,
}

/// Half-open state of a circuit breaker (Nygard, *Release It!*): after a cooldown one request probes the credential,
/// and all other requests wait for its outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Probe {
    /// Not half-open: available to all requests, or cooling down.
    #[default]
    None,
    /// Half-open: the next request is the probe.
    Due,
    /// Half-open: the probe is in flight under this lease.
    Running(LeaseId),
}

/// Number of an attempt, in the order in which the pool started attempts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct AttemptNumber(pub(super) u64);

/// A cooldown for one model.
#[derive(Clone, Debug)]
pub(super) struct ModelCooldown {
    pub(super) model: String,
    pub(super) until: Timestamp,
    pub(super) cause: Cause,
    /// Length of the cooldown; zero if unknown, as for a cooldown that was read from the row.
    pub(super) length: Duration,
    /// Last attempt before this cooldown began or was reverted. Failures of attempts up to this number are stale.
    pub(super) stale_up_to: AttemptNumber,
    /// Whether the row stores this cooldown; otherwise its length is zero, and it records a first failure or a reverted
    /// cooldown.
    pub(super) is_stored: bool,
    /// Lease that alone reported the failure; `None` once a second lease confirmed the failure or the provider gave a
    /// hint.
    pub(super) sole_reporter: Option<LeaseId>,
    /// Lease whose reported cooldown was reverted.
    pub(super) reverted_lease: Option<LeaseId>,
}

impl Health {
    /// Returns whether a cooldown reported by another lease was reverted: the report of `origin` then confirms the
    /// failure.
    pub(super) fn reverted_another(&self, origin: LeaseId) -> bool {
        self.reverted_lease.is_some_and(|reverted_lease| reverted_lease != origin)
    }
}

impl Member {
    pub(super) fn new(credential: Credential, affinity_hash: u64) -> Self {
        let context = Merge::default().context(&credential);
        Self {
            credential,
            expires_at: None,
            is_refreshable: false,
            is_sendable: false,
            masked_id: None,
            refresh: Refresh::Idle,
            token_block: None,
            is_found: false,
            unsaved_uses: 0,
            unsaved_turn: false,
            in_flight: 0,
            key_changes: 0,
            affinity_hash,
            health: Health::default(),
            model_cooldowns: Vec::new(),
            context,
        }
    }

    /// Updates the causal context after an edit of this member was recorded with the stamp `by`.
    pub(super) fn observe_edit(&mut self, by: Stamp, edit: &Edit, is_new_token: bool) {
        match edit {
            Edit::Status { status, .. } => {
                let is_cooldown = matches!(status, Some(Status::Exhausted | Status::Dead));
                self.context.cooldowns = if is_cooldown { vec![by] } else { Vec::new() };
            }
            Edit::ModelCooldown { model, until, .. } => match until {
                Some(_) => self.context.model_cooldowns.insert(model.clone(), vec![by]),
                None => drop(self.context.model_cooldowns.remove(model)),
            },
            Edit::Tokens { generation, replaces, .. } => {
                self.context.generation = *generation;
                self.context.claim.take_if(|_| is_new_token || replaces.is_some());
            }
            Edit::Claim { .. } => self.context.claim = Some(by),
            Edit::Release { .. } => self.context.claim = None,
            _ => {}
        }
    }

    /// Returns the id as people may see it.
    pub(super) fn shown_id(&self) -> &CredentialId {
        self.masked_id.as_ref().unwrap_or(&self.credential.id)
    }

    pub(super) fn has_unsaved_use(&self) -> bool {
        self.unsaved_uses > 0 || self.unsaved_turn
    }

    /// Returns the cooldown: the later of the stored and the unstored end.
    pub(super) fn cooldown(&self) -> Cooldown {
        match (stored_cooldown(&self.credential), self.health.unstored_until) {
            (Cooldown::None, Some(unstored)) => Cooldown::Until(unstored),
            (Cooldown::Until(until), Some(unstored)) => Cooldown::Until(until.max(unstored)),
            (stored, _) => stored,
        }
    }

    /// Returns whether a cooldown holds at `now`; a dead member cools down forever.
    pub(super) fn is_cooling_down(&self, now: Timestamp) -> bool {
        match self.cooldown() {
            Cooldown::None => false,
            Cooldown::Until(until) => now < until,
            Cooldown::Dead => true,
        }
    }

    /// Returns the moment at which time alone makes the member available for a request for `model`; `None` if the
    /// member is available in this respect, or becomes available only by another event.
    pub(super) fn available_at(&self, model: Option<&str>, now: Timestamp) -> Option<Timestamp> {
        match (self.cooldown(), self.token_block) {
            (Cooldown::Until(until), _) if now < until && self.health.probe == Probe::None => {
                Some(self.health.probe_at.map_or(until, |probe_at| probe_at.min(until)))
            }
            (_, Some(TokenBlock::UntilRefresh(until))) if now < until => Some(until),
            _ => self.model_cooldown(model, now).map(|cooldown| cooldown.until),
        }
    }

    /// Returns the moment at which time alone makes the member available, if a request may wait for it: the end of a
    /// cooldown that the provider announced, the end of a retry delay, or the next refresh. A backoff without a hint is
    /// the pool's guess, and a request that waits for it may be refused again.
    pub(super) fn awaited_at(&self, model: Option<&str>, now: Timestamp) -> Option<Timestamp> {
        let at = self.available_at(model, now)?;
        match self.cooldown() {
            Cooldown::Until(until) if now < until && self.health.probe == Probe::None => {
                let cause = self.cause();
                // The row does not say whether the end that another host stored was announced.
                let is_stored_limit = self.health.cause.is_none() && cause.kind == Some(FailureKind::RateLimited);
                let is_retry_delay = self.health.unstored_until.is_some();
                (cause.hint.is_some() || is_stored_limit || is_retry_delay).then_some(until)
            }
            _ if matches!(self.token_block, Some(TokenBlock::UntilRefresh(until)) if now < until) => Some(at),
            _ => self
                .model_cooldown(model, now)
                .filter(|cooldown| cooldown.cause.hint.is_some() || cooldown.cause.kind.is_none())
                .map(|cooldown| cooldown.until),
        }
    }

    /// Returns the cooldown for `model` that holds at `now`; `None` without a model or such a cooldown.
    pub(super) fn model_cooldown(&self, model: Option<&str>, now: Timestamp) -> Option<&ModelCooldown> {
        self.model_cooldowns.iter().find(|cooldown| now < cooldown.until && model == Some(cooldown.model.as_str()))
    }

    /// Returns the cause of the cooldown: as reported to this pool, else as the row stores it.
    pub(super) fn cause(&self) -> Cause {
        self.health.cause.unwrap_or_else(|| Cause {
            kind: self.credential.error_reason().and_then(FailureKind::named),
            status: self.credential.last_error_code,
            at: self.credential.last_status_at.map(UnixSeconds::to_timestamp),
            hint: None,
        })
    }

    /// Reads the model cooldowns of the row; keeps what this pool knows of them beyond the row, and unstored cooldowns.
    pub(super) fn read_model_cooldowns(&mut self) {
        let by_model: FxHashMap<_, _> =
            self.model_cooldowns.iter().map(|cooldown| (cooldown.model.as_str(), cooldown)).collect();
        let stored = self.credential.model_cooldowns().map(|(model, until)| {
            let known = by_model.get(model).filter(|cooldown| cooldown.until == until);
            let unknown = || ModelCooldown {
                model: model.to_owned(),
                until,
                cause: Cause::default(),
                length: Duration::ZERO,
                stale_up_to: AttemptNumber::default(),
                is_stored: true,
                sole_reporter: None,
                reverted_lease: None,
            };
            known.map_or_else(unknown, |known| (*known).clone())
        });
        let unstored = self.model_cooldowns.iter().filter(|cooldown| !cooldown.is_stored).cloned();
        self.model_cooldowns = stored.chain(unstored).collect();
    }
}
