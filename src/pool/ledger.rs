//! What has to be written down, and the intents that the host has not settled.

use std::collections::BTreeMap;

use crate::{
    change::{Change, RowFields},
    credential::CredentialId,
    error::{Error, ErrorCode},
    step::{Intent, IntentId},
};

/// Changes that no intent is known to have saved, and intents that are not settled.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    last_intent: u64,
    last_entry: u64,
    unsaved: Vec<Unsaved>,
    /// Whether a change was taken down since the last `Persist`.
    has_news: bool,
    outstanding: BTreeMap<IntentId, Intent>,
    /// The last entry that an unsettled `Persist` holds.
    reach: BTreeMap<IntentId, u64>,
}

#[derive(Clone, Debug)]
struct Unsaved {
    entry: u64,
    change: Change,
    /// The latest intent that holds it, as long as that is not known to have failed.
    carrier: Option<IntentId>,
}

impl Ledger {
    /// Takes a change down.
    pub(super) fn record(&mut self, change: Change) {
        let mut change = self.as_recorded(change);
        match &mut change {
            Change::Remove { id } => self.unsaved.retain(|unsaved| unsaved.change.row() != Some(id)),
            Change::Status { id, supersedes, .. } => {
                let earlier = |unsaved: &Unsaved| match &unsaved.change {
                    Change::Status { id: of, supersedes, .. } if of == id => Some(*supersedes),
                    _ => None,
                };
                let known = self.unsaved.iter().filter_map(earlier).max();
                *supersedes = (*supersedes).max(known.flatten());
                self.unsaved.retain(|unsaved| earlier(unsaved).is_none());
            }
            _ => {}
        }
        self.last_entry = self.last_entry.saturating_add(1);
        self.unsaved.push(Unsaved { entry: self.last_entry, change, carrier: None });
        self.has_news = true;
    }

    /// Tokens that follow an unsaved edit of what they set are an edit as well: handed out once more,
    /// that edit would undo them, and they would no longer find the token that they replace.
    fn as_recorded(&self, change: Change) -> Change {
        match change {
            Change::Tokens { id, set, .. }
                if self.unsaved.iter().any(|unsaved| unsaved.change.edits_what_tokens_set(&id, &set)) =>
            {
                Change::Edit { id, set }
            }
            change => change,
        }
    }

    /// Whether there are changes that were in no `Persist` yet.
    pub(super) fn has_news(&self) -> bool {
        self.has_news
    }

    /// Whether there are changes that no `Persist` holds which may still succeed.
    pub(super) fn has_unsaved(&self) -> bool {
        self.unsaved.iter().any(|unsaved| unsaved.carrier.is_none())
    }

    /// All unsaved changes as an intent. Counts that an unsettled intent holds stay with it,
    /// since they would count twice.
    pub(super) fn persist(&mut self) -> Intent {
        let id = self.next_id();
        let mut changes = Vec::new();
        for unsaved in &mut self.unsaved {
            if unsaved.carrier.is_none() || !matches!(unsaved.change, Change::Used { .. }) {
                unsaved.carrier = Some(id);
                changes.push(unsaved.change.clone());
            }
        }
        self.has_news = false;
        self.reach.insert(id, self.last_entry);
        self.hand_out(Intent::Persist { id, changes })
    }

    pub(super) fn next_id(&mut self) -> IntentId {
        self.last_intent = self.last_intent.saturating_add(1);
        IntentId(self.last_intent)
    }

    pub(super) fn hand_out(&mut self, intent: Intent) -> Intent {
        self.outstanding.insert(intent.id(), intent.clone());
        intent
    }

    pub(super) fn outstanding(&self) -> impl Iterator<Item = &Intent> {
        self.outstanding.values()
    }

    /// An intent that is not settled.
    pub(super) fn find(&self, id: IntentId) -> Result<&Intent, Error> {
        self.outstanding.get(&id).ok_or_else(|| match id.0 {
            1.. if id.0 <= self.last_intent => {
                Error::new(ErrorCode::AlreadySettled, "this intent was settled before; settle each intent once")
            }
            _ => {
                Error::new(ErrorCode::UnknownIntent, "the pool never handed out this intent; use an intent's own `id`")
            }
        })
    }

    /// Forgets a refresh that ended.
    pub(super) fn close(&mut self, id: IntentId) {
        self.outstanding.remove(&id);
    }

    /// What this intent held is written.
    pub(super) fn saved(&mut self, id: IntentId) {
        self.close(id);
        let reach = self.reach.remove(&id).unwrap_or(0);
        self.unsaved.retain(|unsaved| match unsaved.change {
            Change::Used { .. } => unsaved.carrier != Some(id),
            _ => unsaved.entry > reach,
        });
    }

    /// What this intent held is not written.
    pub(super) fn failed(&mut self, id: IntentId) {
        self.close(id);
        self.reach.remove(&id);
        for unsaved in self.unsaved.iter_mut().filter(|unsaved| unsaved.carrier == Some(id)) {
            unsaved.carrier = None;
        }
    }
}

impl Change {
    fn edits_what_tokens_set(&self, row: &CredentialId, tokens: &RowFields) -> bool {
        const TOKENS: [&str; 3] = ["access_token", "refresh_token", "agent_key"];
        let is_theirs = |name: &String| TOKENS.contains(&name.as_str()) || tokens.0.contains_key(name);
        matches!(self, Self::Edit { id, set } if id == row && set.0.keys().any(is_theirs))
    }

    /// The row whose fields the change is about, so that it is moot once the row goes.
    fn row(&self) -> Option<&CredentialId> {
        match self {
            Self::Edit { id, .. }
            | Self::Status { id, .. }
            | Self::ModelCooldown { id, .. }
            | Self::Tokens { id, .. }
            | Self::Used { id, .. } => Some(id),
            Self::Add { .. }
            | Self::Remove { .. }
            | Self::Identify { .. }
            | Self::Suppress { .. }
            | Self::Unsuppress { .. }
            | Self::SetPolicy { .. }
            | Self::SetStrategy { .. } => None,
        }
    }
}
