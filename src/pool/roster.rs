//! The members of a pool, and the orders in which a decision finds them without a scan.

use std::cmp::Ordering;

use rustc_hash::FxHashMap;

use crate::{
    cooldown::Cooldown, credential::Credential, id::CredentialId, oauth::refresh, policy::MaxInFlight,
    pool_key::PoolKey, random::Random, secret::Secret, strategy::Strategy, time::Timestamp,
};

use super::{
    affinity::{self, Affinity},
    deadlines::{DeadlineQueue, QueueKey},
    member::{Health, Member, Probe, Refresh, Wait},
    order::{Order, ascending},
    slot::Slot,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It can serve; `drawable_index` is its place among those below the soft limit.
    Available {
        rank: Rank,
        drawable_index: Option<usize>,
    },
    CoolingDown(Timestamp),
    /// It does not come back by itself, or another request must end first.
    Out,
}

/// The order of choice: those below the soft limit first, then the strategy's, then priority.
type Rank = (bool, u64, i64);

/// All members of a pool.
///
/// Invariant: a member stands in `ranked` and `drawable` if it is available, in `resting` if it comes
/// back by itself, and in neither otherwise; [`Roster::change`] sees to it after every change.
#[derive(Clone, Debug)]
pub(super) struct Roster {
    pool: PoolKey,
    strategy: Strategy,
    members: Vec<Option<(Member, Standing)>>,
    count: usize,
    /// None for members that are gone. Their ids are not given again: a removal that a store learns of late is one of
    /// that id.
    slots: FxHashMap<CredentialId, Option<Slot>>,
    by_secret: FxHashMap<Secret, Vec<Slot>>,
    caps: MaxInFlight,
    /// The available, in the strategy's order.
    ranked: Order,
    /// The available below the soft limit, in any order, to draw from.
    drawable: Vec<Slot>,
    /// Those that rest, in the order in which they are back.
    resting: DeadlineQueue<Slot>,
    last_turn: u64,
    /// How many requests are under way.
    in_flight: u64,
    /// The sum of the available ones' weights.
    weight: u64,
    /// The largest weight there ever was.
    heaviest: u32,
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
            ranked: Order::default(),
            drawable: Vec::new(),
            resting: DeadlineQueue::default(),
            last_turn: 0,
            caps: MaxInFlight::default(),
            in_flight: 0,
            weight: 0,
            heaviest: 1,
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
        self.place_all_again();
    }

    /// Sets how many requests a member may have under way whose row does not say.
    pub(super) fn set_caps(&mut self, caps: MaxInFlight) {
        self.caps = caps;
        self.place_all_again();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn slot(&self, id: &str) -> Option<Slot> {
        self.slots.get(id).copied().flatten()
    }

    /// Whether a member has or had this id.
    pub(super) fn knows(&self, id: &str) -> bool {
        self.slots.contains_key(id)
    }

    pub(super) fn get(&self, slot: Slot) -> Option<&Member> {
        self.members.get(slot.0)?.as_ref().map(|(member, _)| member)
    }

    /// All members, in the document's order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Slot, &Member)> {
        self.members.iter().enumerate().filter_map(|(place, member)| Some((Slot(place), &member.as_ref()?.0)))
    }

    /// All members, in the order of priority; for `round_robin` in the order of turns.
    pub(super) fn in_order(&self) -> Vec<(Slot, &Member)> {
        self.sorted(&|one, other| self.listing_rank(&one.credential).cmp(&self.listing_rank(&other.credential)))
    }

    /// All members in an order; those that are equal stay in the document's.
    pub(super) fn sorted(&self, order: &dyn Fn(&Member, &Member) -> Ordering) -> Vec<(Slot, &Member)> {
        let mut members: Vec<_> = self.iter().collect();
        members.sort_by(|(_, one), (_, other)| order(one, other));
        members
    }

    /// All members that hold the same secret as `slot`, itself included.
    pub(super) fn with_same_secret(&self, slot: Slot) -> Vec<Slot> {
        let secret = self.get(slot).map(|member| member.credential.runtime_key(&self.pool));
        secret.and_then(|secret| self.by_secret.get(secret)).cloned().unwrap_or_else(|| vec![slot])
    }

    pub(super) fn available_count(&self) -> usize {
        self.ranked.len()
    }

    /// The available in the strategy's order.
    fn available(&self) -> impl Iterator<Item = Slot> {
        self.ranked.iter().map(|[.., slot]| Slot::of_number(*slot))
    }

    /// The available in the strategy's order; for `random` beginning with the one that is drawn.
    pub(super) fn candidates(&self, random: &mut Random) -> impl Iterator<Item = Slot> {
        let drawn = match self.strategy {
            Strategy::Random => self.draw(random),
            _ => None,
        };
        let others = self.available().filter(move |slot| Some(*slot) != drawn);
        drawn.into_iter().chain(others)
    }

    /// The strategy's next among the available that do not rest.
    pub(super) fn next(&self, random: &mut Random, now: Timestamp) -> Option<Slot> {
        self.candidates(random).find(|slot| self.get(*slot).is_some_and(|member| !member.is_cooling_down(now)))
    }

    /// When the first is back for everybody, and not for one probe alone.
    pub(super) fn next_back_for_good(&self, now: Timestamp) -> Option<Timestamp> {
        let back = |slot: Slot| {
            self.get(slot).map(|member| match member.cooldown() {
                Cooldown::Until(until) if now < until => until,
                _ => member.back_at(None, now).unwrap_or(now),
            })
        };
        let mut soonest: Option<Timestamp> = None;
        // The order is that of the first moment of each, so that this ends at the first that is later.
        for (first, slot) in self.resting.iter() {
            if soonest.is_some_and(|soonest| soonest <= first) {
                break;
            }
            soonest = soonest.into_iter().chain(back(slot)).min();
        }
        let half_open = self.available().filter_map(back);
        soonest.into_iter().chain(half_open).min()
    }

    /// The available one that an affinity belongs to, among those that fit.
    pub(super) fn by_affinity(&self, affinity: &Affinity, fits: impl Fn(Slot, &Member) -> bool) -> Option<Slot> {
        let members = self.available().filter_map(|slot| Some((slot, self.get(slot)?)));
        affinity.choose(members.filter(|(slot, member)| fits(*slot, member)), self.in_flight, self.weight)
    }

    pub(super) fn is_available(&self, slot: Slot) -> bool {
        self.standing(slot).is_some_and(|standing| matches!(standing, Standing::Available { .. }))
    }

    /// Whether a member can ever serve without a new key, a new login or a reset.
    pub(super) fn could_serve(&self, member: &Member) -> bool {
        let has_secret = !member.credential.runtime_key(&self.pool).is_empty();
        has_secret
            && member.cooldown() != Cooldown::Dead
            && member.wait != Wait::ForLogin
            && self.cap(member) != Some(0)
    }

    /// How many requests a member may have under way.
    pub(super) fn cap(&self, member: &Member) -> Option<u32> {
        member.credential.max_in_flight.or(self.caps.hard)
    }

    /// The first in the listing's order that can serve at `now`, taking cooldowns as over that are.
    pub(super) fn first_serving(&self, now: Timestamp) -> Option<Slot> {
        let elapsed = self.resting.iter().take_while(|(until, _)| *until <= now).map(|(_, slot)| slot);
        let serving = self.available().chain(elapsed).filter_map(|slot| {
            let member = self.get(slot)?;
            let serves = member.is_refreshable || member.expires_at.is_none_or(|end| now < end);
            (serves && !member.is_cooling_down(now)).then(|| (self.listing_rank(&member.credential), slot))
        });
        serving.min().map(|(_, slot)| slot)
    }

    /// The first whose rest is over.
    pub(super) fn next_cooled_down(&self, now: Timestamp) -> Option<Slot> {
        self.resting.first().filter(|(until, _)| *until <= now).map(|(_, slot)| slot)
    }

    /// When the next one has rested enough.
    pub(super) fn next_cooldown_end(&self) -> Option<Timestamp> {
        self.resting.first().map(|(until, _)| until)
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
        let affinity = affinity::place(credential.id.as_str());
        self.count = self.count.saturating_add(1);
        self.slots.insert(credential.id.clone(), Some(slot));
        self.members.push(Some((Member::new(credential, affinity), Standing::Out)));
        self.read_row(slot);
        self.enter(slot);
        slot
    }

    pub(super) fn remove(&mut self, slot: Slot) -> Option<Member> {
        self.leave(slot);
        let (member, _) = self.members.get_mut(slot.0)?.take()?;
        self.slots.insert(member.credential.id.clone(), None);
        self.count = self.count.saturating_sub(1);
        self.in_flight = self.in_flight.saturating_sub(u64::from(member.in_flight));
        Some(member)
    }

    /// Changes a member's credential and keeps every order right.
    pub(super) fn edit(&mut self, slot: Slot, edit: impl FnOnce(&mut Credential)) {
        self.leave(slot);
        if let Some((member, _)) = self.members.get_mut(slot.0).and_then(Option::as_mut) {
            let token = member.credential.token().clone();
            let key = member.credential.runtime_key(&self.pool).clone();
            edit(&mut member.credential);
            member.wait = Wait::None;
            if *member.credential.token() != token {
                member.refresh = Refresh::Idle;
            }
            if *member.credential.runtime_key(&self.pool) != key {
                member.key_changes = member.key_changes.saturating_add(1);
                member.health = Health::default();
            }
        }
        self.read_row(slot);
        self.enter(slot);
    }

    /// Changes what is known of a member beyond its credential.
    pub(super) fn change<T>(&mut self, slot: Slot, change: impl FnOnce(&mut Member) -> T) -> Option<T> {
        self.displace(slot);
        let changed = self.members.get_mut(slot.0)?.as_mut().map(|(member, _)| change(member));
        self.place(slot);
        changed
    }

    /// A request begins with a member.
    pub(super) fn begin(&mut self, slot: Slot) {
        self.in_flight = self.in_flight.saturating_add(1);
        self.count_in_flight(slot, |in_flight| in_flight.saturating_add(1));
    }

    /// A request has ended with a member.
    pub(super) fn end(&mut self, slot: Slot) {
        if self.get(slot).is_some() {
            self.in_flight = self.in_flight.saturating_sub(1);
            self.count_in_flight(slot, |in_flight| in_flight.saturating_sub(1));
        }
    }

    /// Counts uses; whether these are the first that no change tells of.
    pub(super) fn count_uses(&mut self, slot: Slot, uses: u64) -> bool {
        let Some((member, _)) = self.members.get_mut(slot.0).and_then(Option::as_mut) else { return false };
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
        let Some((member, _)) = self.members.get_mut(slot.0).and_then(Option::as_mut) else { return false };
        let is_first = !member.has_unsaved_use();
        member.unsaved_turn = true;
        member.credential.turn = turn;
        self.last_turn = turn;
        self.rank_again(slot);
        is_first
    }

    /// What no change tells of yet of a member's use; from now on one does.
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

    fn rank(&self, member: &Member) -> Rank {
        let is_over = self.caps.soft.is_some_and(|soft| member.in_flight >= soft);
        let (by_strategy, priority) = self.strategy.rank(&member.credential, member.in_flight);
        (is_over, by_strategy, priority)
    }

    /// One of the available below the soft limit, each as likely as its weight.
    fn draw(&self, random: &mut Random) -> Option<Slot> {
        if self.heaviest == 1 {
            let drawable = u32::try_from(self.drawable.len()).unwrap_or(u32::MAX);
            return self.drawable.get(usize::try_from(random.below(drawable)).ok()?).copied();
        }
        let weight = |slot: &Slot| self.get(*slot).map_or(0, |member| member.credential.weight);
        let mut left = random.below(self.drawable.iter().map(weight).fold(0, u32::saturating_add));
        self.drawable.iter().copied().find(|slot| match left.checked_sub(weight(slot)) {
            Some(less) => {
                left = less;
                false
            }
            None => true,
        })
    }

    fn count_in_flight(&mut self, slot: Slot, count: impl FnOnce(u32) -> u32) {
        let Some((member, _)) = self.members.get_mut(slot.0).and_then(Option::as_mut) else { return };
        let before = member.in_flight;
        member.in_flight = count(before);
        let (less, more) = (before.min(member.in_flight), before.max(member.in_flight));
        let crosses = |cap: Option<u32>| cap.is_some_and(|cap| (less < cap) != (more < cap));
        let is_capped = crosses(self.caps.soft) || crosses(member.credential.max_in_flight.or(self.caps.hard));
        if is_capped || self.strategy == Strategy::LeastInFlight {
            self.displace(slot);
            self.place(slot);
        }
    }

    fn read_row(&mut self, slot: Slot) {
        let Some((member, _)) = self.members.get_mut(slot.0).and_then(Option::as_mut) else { return };
        member.expires_at = refresh::expires_at(&member.credential, &self.pool);
        member.is_refreshable = refresh::is_refreshable(&member.credential, &self.pool);
        if !member.is_refreshable {
            member.refresh = Refresh::Idle;
        }
        member.read_model_cooldowns();
    }

    fn enter(&mut self, slot: Slot) {
        let Some((member, _)) = self.members.get_mut(slot.0).and_then(Option::as_mut) else { return };
        self.last_turn = self.last_turn.max(member.credential.turn);
        self.heaviest = self.heaviest.max(member.credential.weight);
        let secret = member.credential.runtime_key(&self.pool);
        if !secret.is_empty() {
            self.by_secret.entry(secret.clone()).or_default().push(slot);
        }
        self.place(slot);
    }

    fn leave(&mut self, slot: Slot) {
        self.displace(slot);
        let Some(member) = self.get(slot) else { return };
        let secret = member.credential.runtime_key(&self.pool).clone();
        if let Some(holders) = self.by_secret.get_mut(&secret) {
            holders.retain(|holder| *holder != slot);
            if holders.is_empty() {
                self.by_secret.remove(&secret);
            }
        }
    }

    /// Puts a member where it belongs.
    fn place(&mut self, slot: Slot) {
        let Some(member) = self.get(slot) else { return };
        let is_full = self.cap(member).is_some_and(|cap| member.in_flight >= cap);
        let standing = match (member.cooldown(), member.wait, member.health.probe) {
            _ if is_full || member.credential.runtime_key(&self.pool).is_empty() => Standing::Out,
            (Cooldown::Dead, ..) | (_, Wait::ForLogin, _) | (.., Probe::Running(_)) => Standing::Out,
            (Cooldown::Until(until), _, Probe::None) => {
                Standing::CoolingDown(member.health.probe_at.map_or(until, |probe_at| probe_at.min(until)))
            }
            (_, Wait::ForRefresh(until), _) => Standing::CoolingDown(until),
            _ => {
                let rank = self.rank(member);
                Standing::Available { rank, drawable_index: (!rank.0).then_some(self.drawable.len()) }
            }
        };
        let weight = u64::from(member.credential.weight);
        match standing {
            Standing::Available { rank, drawable_index } => {
                self.ranked.insert(key(rank, slot));
                self.weight = self.weight.saturating_add(weight);
                self.drawable.extend(drawable_index.map(|_| slot));
            }
            Standing::CoolingDown(until) => {
                self.resting.insert(until, slot);
            }
            Standing::Out => {}
        }
        self.set_standing(slot, standing);
    }

    /// Takes a member from where it stands.
    fn displace(&mut self, slot: Slot) {
        match self.standing(slot) {
            Some(Standing::Available { rank, drawable_index }) => {
                let weight = self.get(slot).map_or(0, |member| u64::from(member.credential.weight));
                self.weight = self.weight.saturating_sub(weight);
                self.ranked.remove(key(rank, slot));
                if let Some(drawable_index) =
                    drawable_index.filter(|drawable_index| *drawable_index < self.drawable.len())
                {
                    self.drawable.swap_remove(drawable_index);
                    self.move_drawable(drawable_index);
                }
            }
            Some(Standing::CoolingDown(until)) => {
                self.resting.remove(until, slot);
            }
            Some(Standing::Out) | None => {}
        }
        self.set_standing(slot, Standing::Out);
    }

    fn rank_again(&mut self, slot: Slot) {
        let Some(Standing::Available { rank, drawable_index }) = self.standing(slot) else { return };
        let Some(new) = self.get(slot).map(|member| self.rank(member)) else { return };
        self.ranked.remove(key(rank, slot));
        self.ranked.insert(key(new, slot));
        self.set_standing(slot, Standing::Available { rank: new, drawable_index });
    }

    fn place_all_again(&mut self) {
        let slots: Vec<_> = self.iter().map(|(slot, _)| slot).collect();
        for slot in slots {
            self.displace(slot);
            self.place(slot);
        }
    }

    fn standing(&self, slot: Slot) -> Option<Standing> {
        self.members.get(slot.0)?.as_ref().map(|(_, standing)| *standing)
    }

    fn set_standing(&mut self, slot: Slot, new: Standing) {
        if let Some((_, standing)) = self.members.get_mut(slot.0).and_then(Option::as_mut) {
            *standing = new;
        }
    }

    /// Tells the member that now lies at `place` among the drawable.
    fn move_drawable(&mut self, place: usize) {
        let moved = self.drawable.get(place).and_then(|slot| self.members.get_mut(slot.0)).and_then(Option::as_mut);
        if let Some((_, Standing::Available { drawable_index, .. })) = moved {
            *drawable_index = Some(place);
        }
    }
}

fn key((is_over, by_strategy, priority): Rank, slot: Slot) -> [u64; 4] {
    [u64::from(is_over), by_strategy, ascending::of(priority), slot.number()]
}
