//! Selection: queries that find a member by an order of the index, without a scan of all members.

use crate::{cooldown::Cooldown, random::Random, strategy::Strategy, time::Timestamp};

use super::{
    super::{affinity::Affinity, deadlines::QueueKey, member::Member, slot::Slot},
    Availability, Roster,
};

impl Roster {
    pub(in crate::pool) fn available_count(&self) -> usize {
        self.ranked.len()
    }

    /// Returns the available members in the strategy's order.
    pub(super) fn available(&self) -> impl Iterator<Item = Slot> {
        self.ranked.iter().map(|[.., slot]| Slot::of_number(*slot))
    }

    /// Returns the available members in the strategy's order; under `random` a drawn member comes first.
    pub(in crate::pool) fn candidates(&self, random: &mut Random) -> impl Iterator<Item = Slot> {
        let drawn = match self.strategy {
            Strategy::Random => self.draw(random),
            _ => None,
        };
        let others = self.available().filter(move |slot| Some(*slot) != drawn);
        drawn.into_iter().chain(others)
    }

    /// Returns the strategy's next available member outside of a cooldown.
    pub(in crate::pool) fn next(&self, random: &mut Random, now: Timestamp) -> Option<Slot> {
        self.candidates(random).find(|slot| self.get(*slot).is_some_and(|member| !member.is_cooling_down(now)))
    }

    /// Returns the earliest end of a cooldown, disregarding probes; `None` if no member becomes available by itself.
    pub(in crate::pool) fn next_end_without_probes(&self, now: Timestamp) -> Option<Timestamp> {
        let available_at = |slot: Slot| {
            self.get(slot).map(|member| match member.cooldown() {
                Cooldown::Until(until) if now < until => until,
                _ => member.available_at(None, now).unwrap_or(now),
            })
        };
        let mut soonest: Option<Timestamp> = None;
        // The queue is ordered by probe or end, whichever is earlier, so no later entry can end before `soonest`.
        for (earliest, slot) in self.cooling_down.iter() {
            if soonest.is_some_and(|soonest| soonest <= earliest) {
                break;
            }
            soonest = soonest.into_iter().chain(available_at(slot)).min();
        }
        let half_open = self.available().filter_map(available_at);
        soonest.into_iter().chain(half_open).min()
    }

    /// Returns the available member that an affinity selects among the members that fit; `None` if none is below its
    /// load bound.
    pub(in crate::pool) fn choose_by_affinity(
        &self,
        affinity: &Affinity,
        fits: impl Fn(Slot, &Member) -> bool,
    ) -> Option<Slot> {
        let members = self.available().filter_map(|slot| Some((slot, self.get(slot)?)));
        affinity.choose(members.filter(|(slot, member)| fits(*slot, member)), self.in_flight, self.weight)
    }

    pub(in crate::pool) fn is_available(&self, slot: Slot) -> bool {
        self.availability(slot).is_some_and(|availability| matches!(availability, Availability::Available { .. }))
    }

    /// Returns the first member in the listing order that can serve at `now`, also if its cooldown has ended but was
    /// not cleared yet.
    pub(in crate::pool) fn first_serving(&self, now: Timestamp) -> Option<Slot> {
        let elapsed = self.cooling_down.iter().take_while(|(until, _)| *until <= now).map(|(_, slot)| slot);
        let serving = self.available().chain(elapsed).filter_map(|slot| {
            let member = self.get(slot)?;
            let serves = member.is_refreshable || member.expires_at.is_none_or(|end| now < end);
            (serves && !member.is_cooling_down(now)).then(|| (self.listing_rank(&member.credential), slot))
        });
        serving.min().map(|(_, slot)| slot)
    }

    /// Returns the first member whose cooldown or refresh delay has ended; `None` if there is none.
    pub(in crate::pool) fn next_due(&self, now: Timestamp) -> Option<Slot> {
        self.cooling_down.first().filter(|(until, _)| *until <= now).map(|(_, slot)| slot)
    }

    /// Returns the end of the next cooldown or refresh delay; `None` if there is none.
    pub(in crate::pool) fn next_deadline(&self) -> Option<Timestamp> {
        self.cooling_down.first().map(|(until, _)| until)
    }

    /// Draws an available member below the soft limit, with probabilities proportional to weights; `None` if there is
    /// none.
    fn draw(&self, random: &mut Random) -> Option<Slot> {
        if self.max_weight == 1 {
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
}
