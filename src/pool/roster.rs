//! The members of a pool, and the orders in which a decision finds them without a scan.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use crate::{
    credential::{Credential, CredentialId},
    health::{Rest, rest},
    provider::PoolKey,
    random::Random,
    refresh,
    secret::Secret,
    step::IntentId,
    strategy::Strategy,
    time::Timestamp,
};

/// A member's place in the document's order. Never used again once the member is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot(usize);

/// A credential, and what the pool knows of it beyond its row.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) credential: Credential,
    /// When its access token ends.
    pub(super) expires_at: Option<Timestamp>,
    /// Whether a refresh request can be made for it.
    pub(super) is_refreshable: bool,
    pub(super) refresh: Refresh,
    pub(super) wait: Wait,
    /// Uses that no change tells of yet.
    pub(super) unsaved_uses: u64,
    /// Whether no change tells of its turn yet.
    pub(super) unsaved_turn: bool,
    standing: Standing,
}

/// How far a login's refresh is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refresh {
    /// None is under way.
    Idle,
    /// The host is at it.
    InFlight {
        intent: IntentId,
        /// How many before it found nobody.
        unanswered: u32,
    },
    /// The provider could not be reached.
    Unanswered { attempts: u32, retry_at: Timestamp },
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Available { rank: (u64, i64), lot: usize },
    Resting(Timestamp),
    Out,
}

/// All members of a pool.
///
/// Invariant: a member stands in `ranked` and `lots` if it is available, in `resting` if it comes
/// back by itself, and in neither otherwise; [`Roster::change`] sees to it after every change.
#[derive(Clone, Debug)]
pub(super) struct Roster {
    pool: PoolKey,
    strategy: Strategy,
    members: Vec<Option<Member>>,
    count: usize,
    slots: FxHashMap<CredentialId, Slot>,
    by_secret: FxHashMap<Secret, Vec<Slot>>,
    /// The available, in the strategy's order.
    ranked: BTreeSet<((u64, i64), Slot)>,
    /// The available, in any order, to draw from.
    lots: Vec<Slot>,
    /// Those that rest, in the order in which they are back.
    resting: BTreeSet<(Timestamp, Slot)>,
    last_turn: u64,
}

impl Member {
    fn has_unsaved_use(&self) -> bool {
        self.unsaved_uses > 0 || self.unsaved_turn
    }
}

impl Roster {
    pub(super) fn new(pool: PoolKey, strategy: Strategy) -> Self {
        Self {
            pool,
            strategy,
            members: Vec::new(),
            count: 0,
            slots: FxHashMap::default(),
            by_secret: FxHashMap::default(),
            ranked: BTreeSet::new(),
            lots: Vec::new(),
            resting: BTreeSet::new(),
            last_turn: 0,
        }
    }

    pub(super) fn pool(&self) -> &PoolKey {
        &self.pool
    }

    pub(super) fn strategy(&self) -> Strategy {
        self.strategy
    }

    pub(super) fn set_strategy(&mut self, strategy: Strategy) {
        self.strategy = strategy;
        let slots: Vec<_> = self.ranked.iter().map(|(_, slot)| *slot).collect();
        for slot in slots {
            self.change(slot, |_| ());
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn slot(&self, id: &str) -> Option<Slot> {
        self.slots.get(id).copied()
    }

    pub(super) fn get(&self, slot: Slot) -> Option<&Member> {
        self.members.get(slot.0)?.as_ref()
    }

    /// All members, in the document's order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Slot, &Member)> {
        self.members.iter().enumerate().filter_map(|(place, member)| Some((Slot(place), member.as_ref()?)))
    }

    /// All members, in the order of priority; for `round_robin` in the order of turns.
    pub(super) fn in_order(&self) -> Vec<(Slot, &Member)> {
        let mut members: Vec<_> = self.iter().collect();
        members.sort_by_key(|(_, member)| self.listing_rank(&member.credential));
        members
    }

    /// All members that hold the same secret as `slot`, itself included.
    pub(super) fn with_same_secret(&self, slot: Slot) -> Vec<Slot> {
        let secret = self.get(slot).map(|member| member.credential.runtime_key(&self.pool));
        secret.and_then(|secret| self.by_secret.get(secret)).cloned().unwrap_or_else(|| vec![slot])
    }

    pub(super) fn available_count(&self) -> usize {
        self.lots.len()
    }

    /// The strategy's next among the available.
    pub(super) fn next(&self, random: &mut Random) -> Option<Slot> {
        match self.strategy {
            Strategy::Random => {
                let lots = u32::try_from(self.lots.len()).unwrap_or(u32::MAX);
                self.lots.get(usize::try_from(random.below(lots)).ok()?).copied()
            }
            Strategy::FillFirst | Strategy::RoundRobin | Strategy::LeastUsed => {
                self.ranked.first().map(|(_, slot)| *slot)
            }
        }
    }

    /// The first in the listing's order that can serve at `now`, taking cooldowns as over that are.
    pub(super) fn first_serving(&self, now: Timestamp) -> Option<Slot> {
        let elapsed = self.resting.iter().take_while(|(until, _)| *until <= now).map(|(_, slot)| *slot);
        let serving = self.ranked.iter().map(|(_, slot)| *slot).chain(elapsed).filter_map(|slot| {
            let member = self.get(slot)?;
            let serves = member.is_refreshable || member.expires_at.is_none_or(|end| now < end);
            serves.then(|| (self.listing_rank(&member.credential), slot))
        });
        serving.min().map(|(_, slot)| slot)
    }

    /// The first whose rest is over.
    pub(super) fn next_rested(&self, now: Timestamp) -> Option<Slot> {
        self.resting.first().filter(|(until, _)| *until <= now).map(|(_, slot)| *slot)
    }

    /// When the next one has rested enough.
    pub(super) fn next_rest_end(&self) -> Option<Timestamp> {
        self.resting.first().map(|(until, _)| *until)
    }

    /// The place in the order of `round_robin` behind all others.
    pub(super) fn back_turn(&self) -> u64 {
        self.last_turn.saturating_add(1)
    }

    /// The priority behind all others.
    pub(super) fn back_priority(&self) -> i64 {
        self.iter().map(|(_, member)| member.credential.priority).max().map_or(0, |last| last.saturating_add(1))
    }

    pub(super) fn insert(&mut self, credential: Credential) -> Slot {
        let slot = Slot(self.members.len());
        self.count = self.count.saturating_add(1);
        self.slots.insert(credential.id.clone(), slot);
        self.members.push(Some(Member {
            credential,
            expires_at: None,
            is_refreshable: false,
            refresh: Refresh::Idle,
            wait: Wait::None,
            unsaved_uses: 0,
            unsaved_turn: false,
            standing: Standing::Out,
        }));
        self.read_tokens(slot);
        self.enter(slot);
        slot
    }

    pub(super) fn remove(&mut self, slot: Slot) -> Option<Member> {
        self.leave(slot);
        let member = self.members.get_mut(slot.0)?.take()?;
        self.slots.remove(&member.credential.id);
        self.count = self.count.saturating_sub(1);
        Some(member)
    }

    /// Changes a member's credential and keeps every order right.
    pub(super) fn edit(&mut self, slot: Slot, edit: impl FnOnce(&mut Credential)) {
        self.leave(slot);
        if let Some(member) = self.members.get_mut(slot.0).and_then(Option::as_mut) {
            let token = member.credential.token().clone();
            edit(&mut member.credential);
            member.wait = Wait::None;
            if *member.credential.token() != token {
                member.refresh = Refresh::Idle;
            }
        }
        self.read_tokens(slot);
        self.enter(slot);
    }

    /// Changes what is known of a member beyond its credential.
    pub(super) fn change<T>(&mut self, slot: Slot, change: impl FnOnce(&mut Member) -> T) -> Option<T> {
        self.leave(slot);
        let changed = self.members.get_mut(slot.0)?.as_mut().map(change);
        self.enter(slot);
        changed
    }

    /// Counts uses; whether these are the first that no change tells of.
    pub(super) fn count_uses(&mut self, slot: Slot, uses: u64) -> bool {
        let Some(member) = self.members.get_mut(slot.0).and_then(Option::as_mut) else { return false };
        let is_first = !member.has_unsaved_use();
        member.unsaved_uses = member.unsaved_uses.saturating_add(uses);
        member.credential.request_count = member.credential.request_count.saturating_add(uses);
        if self.strategy == Strategy::LeastUsed {
            self.rank_again(slot);
        }
        is_first
    }

    /// Sends a member to the back of the order of turns; whether this is its first use that no
    /// change tells of.
    pub(super) fn end_turn(&mut self, slot: Slot) -> bool {
        let turn = self.last_turn.saturating_add(1);
        let Some(member) = self.members.get_mut(slot.0).and_then(Option::as_mut) else { return false };
        let is_first = !member.has_unsaved_use();
        member.unsaved_turn = true;
        member.credential.turn = turn;
        self.last_turn = turn;
        self.rank_again(slot);
        is_first
    }

    /// What no change tells of yet of a member's use; from now on one does.
    pub(super) fn take_unsaved_use(&mut self, slot: Slot) -> Option<(u64, Option<u64>)> {
        let member = self.members.get_mut(slot.0)?.as_mut().filter(|member| member.has_unsaved_use())?;
        let turn = std::mem::take(&mut member.unsaved_turn).then_some(member.credential.turn);
        Some((std::mem::take(&mut member.unsaved_uses), turn))
    }

    fn listing_rank(&self, credential: &Credential) -> (u64, i64) {
        match self.strategy {
            Strategy::RoundRobin => Strategy::RoundRobin.rank(credential),
            _ => Strategy::FillFirst.rank(credential),
        }
    }

    fn enter(&mut self, slot: Slot) {
        let Some(member) = self.members.get_mut(slot.0).and_then(Option::as_mut) else { return };
        self.last_turn = self.last_turn.max(member.credential.turn);
        let secret = member.credential.runtime_key(&self.pool);
        if !secret.is_empty() {
            self.by_secret.entry(secret.clone()).or_default().push(slot);
        }
        member.standing = match (rest(&member.credential), member.wait) {
            _ if secret.is_empty() => Standing::Out,
            (Rest::ForGood, _) | (Rest::None, Wait::ForLogin) => Standing::Out,
            (Rest::Until(until), _) | (Rest::None, Wait::ForRefresh(until)) => Standing::Resting(until),
            (Rest::None, Wait::None) => {
                Standing::Available { rank: self.strategy.rank(&member.credential), lot: self.lots.len() }
            }
        };
        match member.standing {
            Standing::Available { rank, .. } => {
                self.ranked.insert((rank, slot));
                self.lots.push(slot);
            }
            Standing::Resting(until) => {
                self.resting.insert((until, slot));
            }
            Standing::Out => {}
        }
    }

    fn rank_again(&mut self, slot: Slot) {
        let Some(member) = self.members.get_mut(slot.0).and_then(Option::as_mut) else { return };
        if let Standing::Available { rank, .. } = &mut member.standing {
            let new = self.strategy.rank(&member.credential);
            self.ranked.remove(&(*rank, slot));
            self.ranked.insert((new, slot));
            *rank = new;
        }
    }

    fn read_tokens(&mut self, slot: Slot) {
        let Some(member) = self.members.get_mut(slot.0).and_then(Option::as_mut) else { return };
        member.expires_at = refresh::expires_at(&member.credential, &self.pool);
        member.is_refreshable = refresh::is_refreshable(&member.credential, &self.pool);
    }

    fn leave(&mut self, slot: Slot) {
        let Some(member) = self.members.get(slot.0).and_then(Option::as_ref) else { return };
        let secret = member.credential.runtime_key(&self.pool);
        if let Some(holders) = self.by_secret.get_mut(secret) {
            holders.retain(|holder| *holder != slot);
            if holders.is_empty() {
                self.by_secret.remove(secret);
            }
        }
        match member.standing {
            Standing::Available { rank, lot } => {
                self.ranked.remove(&(rank, slot));
                if lot < self.lots.len() {
                    self.lots.swap_remove(lot);
                }
                self.move_lot(lot);
            }
            Standing::Resting(until) => {
                self.resting.remove(&(until, slot));
            }
            Standing::Out => {}
        }
    }

    /// Tells the member that now lies at `place` among the lots.
    fn move_lot(&mut self, place: usize) {
        let moved = self.lots.get(place).and_then(|slot| self.members.get_mut(slot.0)).and_then(Option::as_mut);
        if let Some(Member { standing: Standing::Available { lot, .. }, .. }) = moved {
            *lot = place;
        }
    }
}
