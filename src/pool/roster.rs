//! Roster: the members of a pool, with an index of the available members in the strategy's order and of the others by
//! the end of their cooldowns.

mod index;
mod selection;

use std::cmp::Ordering;

use rustc_hash::FxHashMap;

use crate::{
    cooldown::Cooldown, credential::Credential, id::CredentialId, oauth::refresh, policy::MaxInFlight,
    pool_key::PoolKey, secret::Secret, store::masking::view::shown_id, strategy::Strategy, time::Timestamp,
};

use super::{
    affinity,
    deadlines::DeadlineQueue,
    key_set::KeySet,
    member::{Health, Member, Refresh, TokenBlock},
    slot::Slot,
};

/// All members of a pool.
///
/// Invariant: the index has a member in `ranked` if the member is available, and in `drawable` if the member is also
/// below its soft limit; in `cooling_down` if the member becomes available by time alone; and in no order otherwise.
/// [`Roster::change`] and [`Roster::edit`] restore the invariant after every change.
#[derive(Clone, Debug)]
pub(super) struct Roster {
    pool: PoolKey,
    strategy: Strategy,
    members: Vec<Option<(Member, Availability)>>,
    count: usize,
    /// Slots by id; `None` for removed members. Their ids are not given again: a delayed removal in a store would
    /// remove the new credential.
    slots: FxHashMap<CredentialId, Option<Slot>>,
    by_secret: FxHashMap<Secret, Vec<Slot>>,
    caps: MaxInFlight,
    /// Available members in the strategy's order.
    ranked: KeySet,
    /// Available members below the soft limit, unordered, for random draws.
    drawable: Vec<Slot>,
    /// Members that become available by time alone, in the order of that time.
    cooling_down: DeadlineQueue<Slot>,
    /// Highest turn that was given to a member.
    last_turn: u64,
    /// Number of requests in flight.
    in_flight: u64,
    /// Sum of the weights of available members.
    weight: u64,
    /// Largest weight of all members so far.
    max_weight: u32,
}

/// Availability of a member, with its place in the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Availability {
    /// Can serve; `drawable_index` is the position in `drawable`, or `None` at or above the soft limit.
    Available { rank: Rank, drawable_index: Option<usize> },
    /// Becomes available at this moment.
    CoolingDown(Timestamp),
    /// Becomes available only by another event, such as an edit or the end of a request.
    Out,
}

/// Sort key of a choice: members below the soft limit first, then the strategy's order, then priority.
type Rank = (bool, u64, i64);

impl Roster {
    pub(super) fn new(pool: PoolKey, strategy: Strategy) -> Self {
        Self {
            pool,
            strategy,
            members: Vec::new(),
            count: 0,
            slots: FxHashMap::default(),
            by_secret: FxHashMap::default(),
            ranked: KeySet::default(),
            drawable: Vec::new(),
            cooling_down: DeadlineQueue::default(),
            last_turn: 0,
            caps: MaxInFlight::default(),
            in_flight: 0,
            weight: 0,
            max_weight: 1,
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
        self.rebuild_index();
    }

    /// Sets the limits of requests in flight for members whose rows have no limit.
    pub(super) fn set_caps(&mut self, caps: MaxInFlight) {
        self.caps = caps;
        self.rebuild_index();
    }

    /// Returns the number of members.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn slot(&self, id: &str) -> Option<Slot> {
        self.slots.get(id).copied().flatten()
    }

    /// Returns whether a member has or had this id.
    pub(super) fn knows(&self, id: &str) -> bool {
        self.slots.contains_key(id)
    }

    pub(super) fn get(&self, slot: Slot) -> Option<&Member> {
        self.members.get(slot.0)?.as_ref().map(|(member, _)| member)
    }

    /// Returns all members in the document's order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Slot, &Member)> {
        self.members.iter().enumerate().filter_map(|(slot, member)| Some((Slot(slot), &member.as_ref()?.0)))
    }

    /// Returns all members by priority; under `round_robin` by turn.
    pub(super) fn in_order(&self) -> Vec<(Slot, &Member)> {
        self.sorted(&|one, other| self.listing_rank(&one.credential).cmp(&self.listing_rank(&other.credential)))
    }

    /// Returns all members sorted; equal members stay in the document's order.
    pub(super) fn sorted(&self, order: &dyn Fn(&Member, &Member) -> Ordering) -> Vec<(Slot, &Member)> {
        let mut members: Vec<_> = self.iter().collect();
        members.sort_by(|(_, one), (_, other)| order(one, other));
        members
    }

    /// Returns all members that hold the same secret as `slot`, which is included.
    pub(super) fn with_same_secret(&self, slot: Slot) -> Vec<Slot> {
        let secret = self.get(slot).map(|member| member.credential.runtime_key(&self.pool));
        secret.and_then(|secret| self.by_secret.get(secret)).cloned().unwrap_or_else(|| vec![slot])
    }

    /// Returns whether a member can ever serve without a new key, a new login or a reset.
    pub(super) fn could_serve(&self, member: &Member) -> bool {
        let has_secret = !member.credential.runtime_key(&self.pool).is_empty();
        has_secret
            && member.cooldown() != Cooldown::Dead
            && member.token_block != Some(TokenBlock::UntilLogin)
            && self.cap(member) != Some(0)
    }

    /// Returns the maximum number of requests in flight of a member; `None` without a limit.
    pub(super) fn cap(&self, member: &Member) -> Option<u32> {
        member.credential.max_in_flight.or(self.caps.hard)
    }

    /// Returns the turn after all others.
    pub(super) fn next_turn(&self) -> u64 {
        self.last_turn.saturating_add(1)
    }

    /// Returns the priority after all others.
    pub(super) fn next_priority(&self) -> i64 {
        self.iter().map(|(_, member)| member.credential.priority).max().map_or(0, |last| last.saturating_add(1))
    }

    pub(super) fn insert(&mut self, credential: Credential) -> Slot {
        let slot = Slot(self.members.len());
        let affinity = affinity::hash(credential.id.as_str());
        self.count = self.count.saturating_add(1);
        self.slots.insert(credential.id.clone(), Some(slot));
        self.members.push(Some((Member::new(credential, affinity), Availability::Out)));
        self.read_row(slot);
        self.attach(slot);
        slot
    }

    pub(super) fn remove(&mut self, slot: Slot) -> Option<Member> {
        self.detach(slot);
        let (member, _) = self.members.get_mut(slot.0)?.take()?;
        self.slots.insert(member.credential.id.clone(), None);
        self.count = self.count.saturating_sub(1);
        self.in_flight = self.in_flight.saturating_sub(u64::from(member.in_flight));
        Some(member)
    }

    /// Edits a member's credential, and resets the state that a new token or key makes obsolete.
    pub(super) fn edit(&mut self, slot: Slot, edit: impl FnOnce(&mut Credential)) {
        self.detach(slot);
        if let Some((member, _)) = self.members.get_mut(slot.0).and_then(Option::as_mut) {
            let token = member.credential.token().clone();
            let key = member.credential.runtime_key(&self.pool).clone();
            edit(&mut member.credential);
            member.token_block = None;
            if *member.credential.token() != token {
                member.refresh = Refresh::Idle;
            }
            if *member.credential.runtime_key(&self.pool) != key {
                member.key_changes = member.key_changes.saturating_add(1);
                member.health = Health::default();
            }
        }
        self.read_row(slot);
        self.attach(slot);
    }

    /// Changes a member's in-memory state.
    pub(super) fn change<T>(&mut self, slot: Slot, change: impl FnOnce(&mut Member) -> T) -> Option<T> {
        self.unindex(slot);
        let changed = self.members.get_mut(slot.0)?.as_mut().map(|(member, _)| change(member));
        self.index(slot);
        changed
    }

    /// Counts the start of a request with a member.
    pub(super) fn begin(&mut self, slot: Slot) {
        self.in_flight = self.in_flight.saturating_add(1);
        self.count_in_flight(slot, |in_flight| in_flight.saturating_add(1));
    }

    /// Counts the end of a request with a member.
    pub(super) fn end(&mut self, slot: Slot) {
        if self.get(slot).is_some() {
            self.in_flight = self.in_flight.saturating_sub(1);
            self.count_in_flight(slot, |in_flight| in_flight.saturating_sub(1));
        }
    }

    /// Counts uses; returns whether the member had no unsaved use before.
    pub(super) fn count_uses(&mut self, slot: Slot, uses: u64) -> bool {
        let Some((member, _)) = self.members.get_mut(slot.0).and_then(Option::as_mut) else { return false };
        let is_first = !member.has_unsaved_use();
        member.unsaved_uses = member.unsaved_uses.saturating_add(uses);
        member.credential.request_count = member.credential.request_count.saturating_add(uses);
        if self.strategy == Strategy::LeastUsed {
            self.update_rank(slot);
        }
        is_first
    }

    /// Moves a member to the end of the turn order; returns whether the member had no unsaved use before.
    pub(super) fn end_turn(&mut self, slot: Slot) -> bool {
        let turn = self.last_turn.saturating_add(1);
        let Some((member, _)) = self.members.get_mut(slot.0).and_then(Option::as_mut) else { return false };
        let is_first = !member.has_unsaved_use();
        member.unsaved_turn = true;
        member.credential.turn = turn;
        self.last_turn = turn;
        self.update_rank(slot);
        is_first
    }

    /// Takes the unsaved use count and turn of a member, for a change that records them; `None` if there are none.
    pub(super) fn take_unsaved_use(&mut self, slot: Slot) -> Option<(u64, Option<u64>)> {
        let (member, _) = self.members.get_mut(slot.0)?.as_mut().filter(|(member, _)| member.has_unsaved_use())?;
        let turn = std::mem::take(&mut member.unsaved_turn).then_some(member.credential.turn);
        Some((std::mem::take(&mut member.unsaved_uses), turn))
    }

    fn listing_rank(&self, credential: &Credential) -> (u64, i64) {
        match self.strategy {
            Strategy::RoundRobin => Strategy::RoundRobin.rank(credential, 0),
            _ => Strategy::FillFirst.rank(credential, 0),
        }
    }

    fn count_in_flight(&mut self, slot: Slot, count: impl FnOnce(u32) -> u32) {
        let Some((member, _)) = self.members.get_mut(slot.0).and_then(Option::as_mut) else { return };
        let before = member.in_flight;
        member.in_flight = count(before);
        let (less, more) = (before.min(member.in_flight), before.max(member.in_flight));
        let crosses = |cap: Option<u32>| cap.is_some_and(|cap| (less < cap) != (more < cap));
        let is_capped = crosses(self.caps.soft) || crosses(member.credential.max_in_flight.or(self.caps.hard));
        if is_capped || self.strategy == Strategy::LeastInFlight {
            self.unindex(slot);
            self.index(slot);
        }
    }

    fn read_row(&mut self, slot: Slot) {
        let Some((member, _)) = self.members.get_mut(slot.0).and_then(Option::as_mut) else { return };
        member.expires_at = refresh::expires_at(&member.credential, &self.pool);
        member.is_refreshable = refresh::is_refreshable(&member.credential, &self.pool);
        let id = member.credential.id.as_str();
        let shown_id = shown_id(id, member.credential.secrets());
        member.masked_id = (shown_id != id).then(|| CredentialId::from(shown_id.as_ref()));
        member.is_sendable = member.credential.runtime_key(&self.pool).is_sendable();
        if !member.is_refreshable {
            member.refresh = Refresh::Idle;
        }
        member.read_model_cooldowns();
    }
}
