//! A member of a pool: its credential, and what the pool knows of it beyond the row.

use std::time::Duration;

use crate::{
    cooldown::{Cooldown, stored_cooldown},
    credential::{Credential, Status},
    event::Cause,
    failure::FailureKind,
    id::{IntentId, LeaseId},
    oauth::flow::Leg,
    stamp::Stamp,
    store::{
        change::Edit,
        merge::{Merge, row::CausalContext},
    },
    time::{Timestamp, UnixSeconds},
};

/// A credential, and what the pool knows of it beyond its row.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) credential: Credential,
    /// When its access token ends; once a refresh brought no new key, when the one it has ends.
    pub(super) expires_at: Option<Timestamp>,
    /// Whether a refresh request can be made for it.
    pub(super) is_refreshable: bool,
    pub(super) refresh: Refresh,
    pub(super) wait: Wait,
    /// Uses that no change tells of yet.
    pub(super) unsaved_uses: u64,
    /// Whether no change tells of its turn yet.
    pub(super) unsaved_turn: bool,
    /// How many requests are under way with it.
    pub(super) in_flight: u32,
    /// How often it got another key.
    pub(super) key_changes: u32,
    /// Where it stands on the circle of affinities.
    pub(super) affinity: u64,
    pub(super) health: Health,
    pub(super) model_cooldowns: Vec<ModelCooldown>,
    /// What it takes to change its row where others do as well.
    pub(super) context: CausalContext,
}

/// How far a login's refresh is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refresh {
    /// None is under way.
    Idle,
    /// The host is at it.
    InFlight {
        intent: IntentId,
        /// Which of its requests.
        leg: Leg,
        /// How many before it brought nothing.
        unanswered: u32,
    },
    /// It brought nothing, and the login is not over.
    Unanswered { attempts: u32, retry_at: Timestamp },
    /// Another host began one and was never heard of again.
    Interrupted,
}

/// Why a login whose status is fine cannot serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// It can.
    None,
    /// Its token has expired, and the next refresh is tried then.
    ForRefresh(Timestamp),
    /// Its token has expired, and it cannot be refreshed.
    ForLogin,
}

/// What reports have taught about a member, as far as its row does not tell.
#[derive(Clone, Debug, Default)]
pub(super) struct Health {
    pub(super) probe: Probe,
    /// The end of a rest too short to be written down.
    pub(super) brief: Option<Timestamp>,
    /// When one request may try it before its rest ends.
    pub(super) probe_at: Option<Timestamp>,
    /// Why it rests, or rested last.
    pub(super) cause: Option<Cause>,
    /// Failures in a row, a burst being one.
    pub(super) failures: u32,
    /// How long its last rest was, if no request was served since.
    pub(super) last_cooldown: Duration,
    /// Failures of requests up to this one tell nothing new: they were sent before it rested,
    /// recovered or was reset.
    pub(super) stale_up_to: Sent,
    /// The request whose word alone it rests by.
    pub(super) sole_reporter: Option<LeaseId>,
    /// The request whose word was not believed, since it served last: a rest by it was taken back.
    pub(super) reverted_lease: Option<LeaseId>,
}

/// Whether a member serves everybody after a rest, or one request goes first (a half-open circuit
/// breaker).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Probe {
    /// It serves everybody, or rests.
    #[default]
    None,
    /// The next request is the one.
    Due,
    /// This one is under way.
    Running(LeaseId),
}

/// The number of a request in the order in which the pool let them go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sent(pub(super) u64);

/// A rest that holds for one model.
#[derive(Clone, Debug)]
pub(super) struct ModelCooldown {
    pub(super) model: String,
    pub(super) until: Timestamp,
    pub(super) cause: Cause,
    /// How long it is, as far as this pool knows.
    pub(super) length: Duration,
    pub(super) stale_up_to: Sent,
    /// Whether the row tells of it; else it has no length yet, and is the first failure in a row.
    pub(super) is_stored: bool,
    /// The request whose word alone it began by.
    pub(super) sole_reporter: Option<LeaseId>,
    /// The request whose word was not believed: a rest by it was taken back.
    pub(super) reverted_lease: Option<LeaseId>,
}

impl Health {
    /// Whether another request than this one was not believed, so that this one is.
    pub(super) fn reverted_another(&self, origin: LeaseId) -> bool {
        self.reverted_lease.is_some_and(|reverted_lease| reverted_lease != origin)
    }
}

impl Member {
    pub(super) fn new(credential: Credential, affinity: u64) -> Self {
        let context = Merge::default().context(&credential);
        Self {
            credential,
            expires_at: None,
            is_refreshable: false,
            refresh: Refresh::Idle,
            wait: Wait::None,
            unsaved_uses: 0,
            unsaved_turn: false,
            in_flight: 0,
            key_changes: 0,
            affinity,
            health: Health::default(),
            model_cooldowns: Vec::new(),
            context,
        }
    }

    /// Takes in that an edit of this member was taken down.
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
            Edit::Claim { token, .. } => self.context.claim = token.as_ref().map(|_| by),
            _ => {}
        }
    }

    pub(super) fn has_unsaved_use(&self) -> bool {
        self.unsaved_uses > 0 || self.unsaved_turn
    }

    /// Until when it rests, by its row and by what is too short to be written down.
    pub(super) fn cooldown(&self) -> Cooldown {
        match (stored_cooldown(&self.credential), self.health.brief) {
            (Cooldown::None, Some(brief)) => Cooldown::Until(brief),
            (Cooldown::Until(until), Some(brief)) => Cooldown::Until(until.max(brief)),
            (stored, _) => stored,
        }
    }

    /// Whether it rests at this moment.
    pub(super) fn is_cooling_down(&self, now: Timestamp) -> bool {
        match self.cooldown() {
            Cooldown::None => false,
            Cooldown::Until(until) => now < until,
            Cooldown::Dead => true,
        }
    }

    /// When it is back for a request of this model, if it waits for nothing but time.
    pub(super) fn back_at(&self, model: Option<&str>, now: Timestamp) -> Option<Timestamp> {
        match (self.cooldown(), self.wait) {
            (Cooldown::Until(until), _) if now < until && self.health.probe == Probe::None => {
                Some(self.health.probe_at.map_or(until, |probe_at| probe_at.min(until)))
            }
            (_, Wait::ForRefresh(until)) if now < until => Some(until),
            _ => self.model_cooldown(model, now).map(|cooldown| cooldown.until),
        }
    }

    /// How it rests for a model at this moment.
    pub(super) fn model_cooldown(&self, model: Option<&str>, now: Timestamp) -> Option<&ModelCooldown> {
        self.model_cooldowns.iter().find(|cooldown| now < cooldown.until && model == Some(cooldown.model.as_str()))
    }

    /// The failure behind its rest.
    pub(super) fn cause(&self) -> Cause {
        self.health.cause.unwrap_or_else(|| Cause {
            kind: self.credential.error_reason().and_then(FailureKind::named),
            status: self.credential.last_error_code,
            at: self.credential.last_status_at.map(UnixSeconds::to_timestamp),
            hint: None,
        })
    }

    /// Takes in what its row says of models, and keeps what is known beyond that.
    pub(super) fn read_model_cooldowns(&mut self) {
        let stored = self.credential.model_cooldowns().map(|(model, until)| {
            let known = self.model_cooldowns.iter().find(|cooldown| cooldown.model == model && cooldown.until == until);
            let fresh = || ModelCooldown {
                model: model.to_owned(),
                until,
                cause: Cause::default(),
                length: Duration::ZERO,
                stale_up_to: Sent::default(),
                is_stored: true,
                sole_reporter: None,
                reverted_lease: None,
            };
            known.cloned().unwrap_or_else(fresh)
        });
        let unstored = self.model_cooldowns.iter().filter(|cooldown| !cooldown.is_stored).cloned();
        self.model_cooldowns = stored.chain(unstored).collect();
    }
}
