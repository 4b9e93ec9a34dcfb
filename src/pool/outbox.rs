//! What has to be written down, and the intents that the host has not settled.

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

/// Changes that no intent is known to have saved, and intents that are not settled.
#[derive(Clone, Debug)]
pub(super) struct Outbox {
    host: HostId,
    /// The last change, in microseconds.
    last: u64,
    last_intent: u64,
    /// In the order in which they were made.
    unsaved: Vec<Change>,
    /// Those that were saved last: somebody may have read the store before.
    just_saved: Vec<Change>,
    /// Whether a change was taken down since the last `Persist`.
    has_news: bool,
    outstanding: Sorted<IntentId, Outstanding>,
}

/// What an intent that is not settled asks for.
#[derive(Clone, Debug)]
pub(super) enum Outstanding {
    /// To write all changes that were unsaved then, up to this one.
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
            just_saved: Vec::new(),
            has_news: false,
            outstanding: Sorted::default(),
        }
    }

    pub(super) fn host(&self) -> &HostId {
        &self.host
    }

    /// The time: later changes come after it, and after all that a store has.
    pub(super) fn observe(&mut self, now: Timestamp, stored: u64) {
        // The year 2200: whatever a clock says, the number stays exact in JavaScript.
        const LATEST_MS: u64 = 7_258_118_400_000;
        let now = u64::try_from(now.as_millis()).unwrap_or(0).min(LATEST_MS).saturating_mul(1000);
        self.last = self.last.max(now).max(stored);
    }

    /// Takes an edit down. Answers who made it, and when.
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
                *ends = in_order(std::mem::take(ends));
            }
            _ => {}
        }
        self.last = self.last.saturating_add(1);
        let by = Stamp { at: self.last, host: self.host.clone() };
        self.unsaved.push(Change { by: by.clone(), edit });
        self.has_news = true;
        by
    }

    /// Whether there are changes that were in no `Persist` yet.
    pub(super) fn has_news(&self) -> bool {
        self.has_news
    }

    /// Changes that no intent is known to have saved.
    pub(super) fn unsaved(&self) -> &[Change] {
        &self.unsaved
    }

    /// Whether there are changes that no `Persist` holds which may still succeed.
    pub(super) fn has_unsaved(&self) -> bool {
        let up_to = self.outstanding.iter().filter_map(|(_, outstanding)| match outstanding {
            Outstanding::Persist { up_to } => Some(*up_to),
            Outstanding::Refresh { .. } => None,
        });
        let up_to = up_to.max();
        self.unsaved.last().is_some_and(|last| up_to.is_none_or(|up_to| up_to < last.by.at))
    }

    /// All unsaved changes as an intent. It holds those of earlier ones as well: written twice, a
    /// change alters nothing.
    pub(super) fn persist(&mut self) -> Intent {
        let id = self.next_id();
        self.has_news = false;
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

    /// The intents that are not settled. Of those that write, the last one holds all that the others do.
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

    /// An intent that is not settled.
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

    /// Forgets an intent that ended.
    pub(super) fn close(&mut self, id: IntentId) {
        self.outstanding.remove(&id);
    }

    /// What this intent held is written.
    pub(super) fn saved(&mut self, id: IntentId) {
        if let Some(Outstanding::Persist { up_to }) = self.outstanding.remove(&id) {
            const LATE_US: u64 = 30_000_000;
            let since = self.last.saturating_sub(LATE_US);
            let (saved, unsaved) =
                std::mem::take(&mut self.unsaved).into_iter().partition(|change| change.by.at <= up_to);
            self.unsaved = unsaved;
            self.just_saved.extend::<Vec<_>>(saved);
            self.just_saved.retain(|change| change.by.at >= since);
        }
    }

    /// What a store may lack that was read a little while ago: a change that it has alters nothing.
    pub(super) fn perhaps_missing(&self) -> Vec<Change> {
        self.just_saved.iter().chain(&self.unsaved).cloned().collect()
    }

    /// Some changes turn out to be written.
    pub(super) fn found_in(&mut self, merge: &Merge) {
        self.unsaved.retain(|change| !merge.has(&change.by));
    }
}

/// Each stamp once, in their order. They are few: one for each host that began a rest.
fn in_order(stamps: Vec<Stamp>) -> Vec<Stamp> {
    let mut ordered = Vec::with_capacity(stamps.len());
    for stamp in stamps {
        if let Err(place) = ordered.binary_search(&stamp) {
            ordered.insert(place, stamp);
        }
    }
    ordered
}
