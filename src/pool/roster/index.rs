//! Index keeping: every change of a member moves the member to its place in the orders of the roster.

use crate::cooldown::Cooldown;

use super::{
    super::{
        deadlines::QueueKey,
        key_set::sortable,
        member::{Member, Probe, TokenBlock},
        slot::Slot,
    },
    Availability, Rank, Roster,
};

impl Roster {
    fn rank(&self, member: &Member) -> Rank {
        let is_over = self.caps.soft.is_some_and(|soft| member.in_flight >= soft);
        let (by_strategy, priority) = self.strategy.rank(&member.credential, member.in_flight);
        (is_over, by_strategy, priority)
    }

    pub(super) fn attach(&mut self, slot: Slot) {
        let Some((member, _)) = self.members.get_mut(slot.0).and_then(Option::as_mut) else { return };
        self.last_turn = self.last_turn.max(member.credential.turn);
        self.max_weight = self.max_weight.max(member.credential.weight);
        let secret = member.credential.runtime_key(&self.pool);
        if !secret.is_empty() {
            self.by_secret.entry(secret.clone()).or_default().push(slot);
        }
        self.index(slot);
    }

    pub(super) fn detach(&mut self, slot: Slot) {
        self.unindex(slot);
        let Some(member) = self.get(slot) else { return };
        let secret = member.credential.runtime_key(&self.pool).clone();
        if let Some(holders) = self.by_secret.get_mut(&secret) {
            holders.retain(|holder| *holder != slot);
            if holders.is_empty() {
                self.by_secret.remove(&secret);
            }
        }
    }

    /// Adds a member to the order that fits its availability.
    pub(super) fn index(&mut self, slot: Slot) {
        let Some(member) = self.get(slot) else { return };
        let is_full = self.cap(member).is_some_and(|cap| member.in_flight >= cap);
        let availability = match (member.cooldown(), member.token_block, member.health.probe) {
            _ if is_full || !member.is_sendable => Availability::Out,
            (Cooldown::Dead, ..) | (_, Some(TokenBlock::UntilLogin), _) | (.., Probe::Running(_)) => Availability::Out,
            (Cooldown::Until(until), _, Probe::None) => {
                Availability::CoolingDown(member.health.probe_at.map_or(until, |probe_at| probe_at.min(until)))
            }
            (_, Some(TokenBlock::UntilRefresh(until)), _) => Availability::CoolingDown(until),
            _ => {
                let rank = self.rank(member);
                Availability::Available { rank, drawable_index: (!rank.0).then_some(self.drawable.len()) }
            }
        };
        let weight = u64::from(member.credential.weight);
        match availability {
            Availability::Available { rank, drawable_index } => {
                self.ranked.insert(key(rank, slot));
                self.weight = self.weight.saturating_add(weight);
                self.drawable.extend(drawable_index.map(|_| slot));
            }
            Availability::CoolingDown(until) => {
                self.cooling_down.insert(until, slot);
            }
            Availability::Out => {}
        }
        self.set_availability(slot, availability);
    }

    /// Removes a member from its order.
    pub(super) fn unindex(&mut self, slot: Slot) {
        match self.availability(slot) {
            Some(Availability::Available { rank, drawable_index }) => {
                let weight = self.get(slot).map_or(0, |member| u64::from(member.credential.weight));
                self.weight = self.weight.saturating_sub(weight);
                self.ranked.remove(key(rank, slot));
                if let Some(drawable_index) =
                    drawable_index.filter(|drawable_index| *drawable_index < self.drawable.len())
                {
                    self.drawable.swap_remove(drawable_index);
                    self.set_drawable_index(drawable_index);
                }
            }
            Some(Availability::CoolingDown(until)) => {
                self.cooling_down.remove(until, slot);
            }
            Some(Availability::Out) | None => {}
        }
        self.set_availability(slot, Availability::Out);
    }

    pub(super) fn update_rank(&mut self, slot: Slot) {
        let Some(Availability::Available { rank, drawable_index }) = self.availability(slot) else { return };
        let Some(new) = self.get(slot).map(|member| self.rank(member)) else { return };
        self.ranked.remove(key(rank, slot));
        self.ranked.insert(key(new, slot));
        self.set_availability(slot, Availability::Available { rank: new, drawable_index });
    }

    pub(super) fn rebuild_index(&mut self) {
        let slots: Vec<_> = self.iter().map(|(slot, _)| slot).collect();
        for slot in slots {
            self.unindex(slot);
            self.index(slot);
        }
    }

    pub(super) fn availability(&self, slot: Slot) -> Option<Availability> {
        self.members.get(slot.0)?.as_ref().map(|(_, availability)| *availability)
    }

    fn set_availability(&mut self, slot: Slot, new: Availability) {
        if let Some((_, availability)) = self.members.get_mut(slot.0).and_then(Option::as_mut) {
            *availability = new;
        }
    }

    /// Updates the member that was moved to `index` in `drawable`.
    fn set_drawable_index(&mut self, index: usize) {
        let moved = self.drawable.get(index).and_then(|slot| self.members.get_mut(slot.0)).and_then(Option::as_mut);
        if let Some((_, Availability::Available { drawable_index, .. })) = moved {
            *drawable_index = Some(index);
        }
    }
}

fn key((is_over, by_strategy, priority): Rank, slot: Slot) -> [u64; 4] {
    [u64::from(is_over), by_strategy, sortable(priority), slot.number()]
}
