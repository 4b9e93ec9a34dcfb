//! Outbox: changes that are not known to be saved, and intents that the host has not settled.

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
#[derive(Clone, Debug)]
pub(super) struct Outbox {
    host: HostId,
    /// Time of the last change, in microseconds since the Unix epoch.
    last: u64,
    last_intent: u64,
    /// Changes that no settled intent has saved, in the order in which they were made.
    unsaved: Vec<Change>,
    /// Changes that were saved a short time ago: the host may have read the store before that.
    recently_saved: Vec<Change>,
    /// Whether a change was recorded since the last `Persist`.
    has_new_changes: bool,
    outstanding: Sorted<IntentId, Outstanding>,
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
            recently_saved: Vec::new(),
            has_new_changes: false,
            outstanding: Sorted::default(),
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
        match &mut edit {
            Edit::Remove { id } => self.unsaved.retain(|unsaved| unsaved.edit.row() != Some(id)),
            Edit::Status { id, ends, ends_earlier, .. } => {
                self.unsaved.retain(|unsaved| match &unsaved.edit {
                    Edit::Status { id: of, ends: earlier, ends_earlier: is_reset, .. } if of == id => {
                        ends.extend(earlier.iter().cloned());
                        *ends_earlier |= *is_reset;
                        false
                    }
                    _ => true,
                });
                *ends = sorted_unique(std::mem::take(ends));
            }
            _ => {}
        }
        self.last = self.last.saturating_add(1);
        let by = Stamp { at: self.last, host: self.host.clone() };
        self.unsaved.push(Change { by: by.clone(), edit });
        self.has_new_changes = true;
        by
    }

    /// Returns whether a change was recorded since the last `Persist`.
    pub(super) fn has_new_changes(&self) -> bool {
        self.has_new_changes
    }

    /// Returns the changes that no settled intent has saved.
    pub(super) fn unsaved(&self) -> &[Change] {
        &self.unsaved
    }

    /// Returns whether there are unsaved changes outside of all unsettled `Persist` intents.
    pub(super) fn has_unsaved(&self) -> bool {
        let up_to = self.outstanding.iter().filter_map(|(_, outstanding)| match outstanding {
            Outstanding::Persist { up_to } => Some(*up_to),
            Outstanding::Refresh { .. } => None,
        });
        let up_to = up_to.max();
        self.unsaved.last().is_some_and(|last| up_to.is_none_or(|up_to| up_to < last.by.at))
    }

    /// Makes an intent of all unsaved changes, those of earlier intents included: a change that is written twice has no
    /// further effect.
    pub(super) fn persist(&mut self) -> Intent {
        let id = self.next_id();
        self.has_new_changes = false;
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

    /// Removes a settled intent.
    pub(super) fn close(&mut self, id: IntentId) {
        self.outstanding.remove(&id);
    }

    /// Settles a `Persist` as saved.
    pub(super) fn saved(&mut self, id: IntentId) {
        if let Some(Outstanding::Persist { up_to }) = self.outstanding.remove(&id) {
            /// Maximum age of a read of the store that `sync` gets.
            const READ_AGE_US: u64 = 30_000_000;
            let since = self.last.saturating_sub(READ_AGE_US);
            let (saved, unsaved) =
                std::mem::take(&mut self.unsaved).into_iter().partition(|change| change.by.at <= up_to);
            self.unsaved = unsaved;
            self.recently_saved.extend::<Vec<_>>(saved);
            self.recently_saved.retain(|change| change.by.at >= since);
        }
    }

    /// Returns the changes that a recently read store may lack; a change that the store has is without effect.
    pub(super) fn possibly_unstored(&self) -> Vec<Change> {
        self.recently_saved.iter().chain(&self.unsaved).cloned().collect()
    }

    /// Drops the changes that a store is seen to have.
    pub(super) fn drop_stored(&mut self, merge: &Merge) {
        self.unsaved.retain(|change| !merge.has(&change.by));
    }
}

/// Sorts stamps without duplicates. The list is short: one stamp for each host that started a cooldown.
fn sorted_unique(stamps: Vec<Stamp>) -> Vec<Stamp> {
    let mut ordered = Vec::with_capacity(stamps.len());
    for stamp in stamps {
        if let Err(index) = ordered.binary_search(&stamp) {
            ordered.insert(index, stamp);
        }
    }
    ordered
}
