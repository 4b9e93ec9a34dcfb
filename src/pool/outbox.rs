//! Outbox: changes that are not known to be saved, and intents that the host has not settled.

use std::{collections::VecDeque, time::Duration};

use crate::{
    error::{Error, ErrorCode},
    http_request::HttpRequest,
    id::{CredentialId, IntentId},
    sorted::Sorted,
    stamp::{HostId, Stamp},
    step::Intent,
    store::{
        change::{Change, Edit},
        merge::Merge,
    },
    time::Timestamp,
};

/// Unsaved changes and unsettled intents.
///
/// Each `Persist` holds all unsaved changes, so that a store gets the changes of a host in order, whatever becomes of the
/// earlier intents. So that `n` changes are not handed out `n` times, further changes wait while a write is under way.
#[derive(Clone, Debug)]
pub(super) struct Outbox {
    host: HostId,
    /// Time of the last change, in microseconds since the Unix epoch.
    last: u64,
    last_intent: u64,
    /// Changes that no settled intent has saved, in the order in which they were made.
    unsaved: Vec<Change>,
    /// Changes that were saved a short time ago, with that time: the host may have read the store before that.
    recently_saved: VecDeque<(Timestamp, Change)>,
    /// Whether a change was recorded since the last `Persist`.
    has_new_changes: bool,
    /// Whether the host waits for a new change to be written: tokens of a refresh, or a claim.
    is_urgent: bool,
    outstanding: Sorted<IntentId, Outstanding>,
    /// Whether this host made a change since it signed off last.
    is_signed_on: bool,
}

/// Content of an unsettled intent.
#[derive(Clone, Debug)]
pub(super) enum Outstanding {
    /// Write all changes that were unsaved when the intent was made, up to the time `up_to`.
    Persist {
        up_to: u64,
    },
    Refresh {
        credential: CredentialId,
        request: HttpRequest,
    },
}

impl Outbox {
    pub(super) fn new(host: HostId) -> Self {
        Self {
            host,
            last: 0,
            last_intent: 0,
            unsaved: Vec::new(),
            recently_saved: VecDeque::new(),
            has_new_changes: false,
            is_urgent: false,
            outstanding: Sorted::default(),
            is_signed_on: false,
        }
    }

    pub(super) fn host(&self) -> &HostId {
        &self.host
    }

    /// Advances the time of changes: later changes get later stamps than `now` and than all stored changes.
    pub(super) fn observe(&mut self, now: Timestamp, stored: u64) {
        // The year 2200: under any clock the number of microseconds stays exact in JavaScript.
        const LATEST_MS: u64 = 7_258_118_400_000;
        let now = u64::try_from(now.as_millis()).unwrap_or(0).min(LATEST_MS).saturating_mul(1000);
        self.last = self.last.max(now).max(stored);
    }

    /// Records an edit as a change; returns its stamp. The edit replaces unsaved changes that it supersedes.
    pub(super) fn record(&mut self, mut edit: Edit) -> Stamp {
        self.supersede(&mut edit);
        self.is_urgent |= matches!(edit, Edit::Claim { .. } | Edit::Tokens { replaces: Some(_), .. });
        self.is_signed_on = edit != Edit::SignOff;
        self.last = self.last.saturating_add(1);
        let by = Stamp { at: self.last, host: self.host.clone() };
        self.unsaved.push(Change { by: by.clone(), edit });
        self.has_new_changes = true;
        by
    }

    /// Records that this host is done, if a store may know it.
    pub(super) fn sign_off(&mut self) {
        if self.is_signed_on {
            self.record(Edit::SignOff);
        }
    }

    /// Drops the unsaved changes that an edit makes void, and takes over their causal context: however long a store
    /// cannot be written, a row has one unsaved status, and one cooldown per model.
    fn supersede(&mut self, edit: &mut Edit) {
        let host = &self.host;
        match edit {
            Edit::Remove { id } => self.unsaved.retain(|unsaved| unsaved.edit.row() != Some(id)),
            Edit::Status { id, ends, ends_earlier, .. } => {
                self.unsaved.retain_mut(|unsaved| match &mut unsaved.edit {
                    Edit::Status { id: of, ends: earlier, ends_earlier: is_reset, .. } if of == id => {
                        ends.append(earlier);
                        *ends_earlier |= *is_reset;
                        false
                    }
                    _ => true,
                });
                keep_latest_of_others(ends, host);
            }
            Edit::ModelCooldown { id, model, ends, .. } => {
                self.unsaved.retain_mut(|unsaved| match &mut unsaved.edit {
                    Edit::ModelCooldown { id: of, model: other, ends: earlier, .. } if of == id && other == model => {
                        ends.append(earlier);
                        false
                    }
                    _ => true,
                });
                keep_latest_of_others(ends, host);
            }
            // An earlier claim that may have reached the store is given up with the last one.
            Edit::Release { id, claim } if claim.host == *host => {
                self.unsaved.retain(|unsaved| match &unsaved.edit {
                    Edit::Claim { id: of, .. } => of != id,
                    Edit::Release { id: of, claim: earlier } => of != id || earlier.host != claim.host,
                    _ => true,
                });
            }
            _ => {}
        }
    }

    /// Returns whether a change was recorded since the last `Persist`.
    pub(super) fn has_new_changes(&self) -> bool {
        self.has_new_changes
    }

    /// Returns whether new changes wait for the settlement of a `Persist`.
    pub(super) fn is_waiting(&self) -> bool {
        let is_in_flight = self.unsaved.first().is_some_and(|first| self.handed_out() >= Some(first.by.at));
        self.has_new_changes && is_in_flight && !self.is_urgent
    }

    /// Returns the changes that no settled intent has saved.
    pub(super) fn unsaved(&self) -> &[Change] {
        &self.unsaved
    }

    /// Returns whether there are unsaved changes outside of all unsettled `Persist` intents.
    pub(super) fn has_unsaved(&self) -> bool {
        self.unsaved.last().is_some_and(|last| self.handed_out() < Some(last.by.at))
    }

    /// Returns the time up to which unsettled intents hold all unsaved changes; `None` without such an intent.
    fn handed_out(&self) -> Option<u64> {
        let up_to = self.outstanding.iter().filter_map(|(_, outstanding)| match outstanding {
            Outstanding::Persist { up_to } => Some(*up_to),
            Outstanding::Refresh { .. } => None,
        });
        up_to.max()
    }

    /// Makes an intent of all unsaved changes, those of earlier intents included: a change that is written twice has no
    /// further effect.
    pub(super) fn persist(&mut self) -> Intent {
        let id = self.next_id();
        (self.has_new_changes, self.is_urgent) = (false, false);
        self.outstanding.insert(id, Outstanding::Persist { up_to: self.last });
        Intent::Persist { id, changes: self.unsaved.clone() }
    }

    pub(super) fn next_id(&mut self) -> IntentId {
        self.last_intent = self.last_intent.saturating_add(1);
        IntentId(self.last_intent)
    }

    pub(super) fn hand_out(&mut self, id: IntentId, credential: CredentialId, request: HttpRequest) -> Intent {
        self.outstanding.insert(id, Outstanding::Refresh { credential: credential.clone(), request: request.clone() });
        Intent::Refresh { id, credential, request }
    }

    /// Returns the unsettled intents, with only the last `Persist`: its changes include those of the earlier ones.
    pub(super) fn outstanding(&self) -> impl Iterator<Item = Intent> {
        let is_persist = |(_, outstanding): &&(_, Outstanding)| matches!(outstanding, Outstanding::Persist { .. });
        let last = self.outstanding.iter().rev().find(is_persist).map(|(id, _)| *id);
        self.outstanding.iter().filter_map(move |(id, outstanding)| match outstanding {
            Outstanding::Persist { up_to } => (last == Some(*id)).then(|| {
                let changes = self.unsaved.iter().filter(|change| change.by.at <= *up_to).cloned().collect();
                Intent::Persist { id: *id, changes }
            }),
            Outstanding::Refresh { credential, request } => {
                Some(Intent::Refresh { id: *id, credential: credential.clone(), request: request.clone() })
            }
        })
    }

    /// Finds an unsettled intent.
    pub(super) fn find(&self, id: IntentId) -> Result<&Outstanding, Error> {
        self.outstanding.get(&id).ok_or_else(|| match id.0 {
            1.. if id.0 <= self.last_intent => {
                Error::new(ErrorCode::AlreadySettled, "this intent was settled before; settle each intent once")
            }
            _ => {
                Error::new(ErrorCode::UnknownIntent, "the pool never handed out this intent; use an intent's own `id`")
            }
        })
    }

    /// Removes a settled intent to refresh.
    pub(super) fn close(&mut self, id: IntentId) {
        self.outstanding.remove(&id);
    }

    /// Settles a `Persist` as failed: all unsaved changes are handed out with the next change, or with the next flush.
    pub(super) fn failed(&mut self, id: IntentId) {
        self.outstanding.remove(&id);
        (self.has_new_changes, self.is_urgent) = (false, false);
    }

    /// Settles a `Persist` as saved.
    pub(super) fn saved(&mut self, id: IntentId, now: Timestamp) {
        /// Maximum age of a read of the store that `sync` gets.
        const READ_AGE: Duration = Duration::from_secs(30);
        let Some(Outstanding::Persist { up_to }) = self.outstanding.remove(&id) else { return };
        let count = self.unsaved.partition_point(|change| change.by.at <= up_to);
        self.recently_saved.extend(self.unsaved.drain(..count).map(|change| (now, change)));
        while self.recently_saved.front().is_some_and(|(at, _)| now.since(*at) > READ_AGE) {
            self.recently_saved.pop_front();
        }
    }

    /// Moves the times of recent writes back, after the clock went back by `jump`.
    pub(super) fn move_back(&mut self, jump: Duration) {
        for (at, _) in &mut self.recently_saved {
            *at = at.saturating_sub(jump);
        }
    }

    /// Returns the changes that a recently read store may lack; a change that the store has is without effect.
    pub(super) fn possibly_unstored(&self) -> Vec<Change> {
        self.recently_saved.iter().map(|(_, change)| change).chain(&self.unsaved).cloned().collect()
    }

    /// Drops the changes that a store is seen to have.
    pub(super) fn drop_stored(&mut self, merge: &Merge) {
        self.unsaved.retain(|change| !merge.has(&change.by));
    }
}

/// Keeps the latest stamp of each other host, in the order of stamps: the latest stands for all earlier ones, and a change
/// ends all that its own host began.
fn keep_latest_of_others(stamps: &mut Vec<Stamp>, host: &HostId) {
    stamps.retain(|stamp| stamp.host != *host);
    stamps.sort_unstable_by(|one, other| (&one.host, other.at).cmp(&(&other.host, one.at)));
    stamps.dedup_by(|later, first| later.host == first.host);
    stamps.sort_unstable();
}
