//! Deterministic randomness: a ChaCha8 stream from the host's seed. Equal seeds give equal draws.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use uuid::Builder;

/// Stream of draws that depends on its 32-byte seed only.
#[derive(Clone, Debug)]
pub(crate) struct Random(ChaCha8Rng);

impl Random {
    pub(crate) fn from_seed(seed: [u8; 32]) -> Self {
        Self(ChaCha8Rng::from_seed(seed))
    }

    /// Draws a uniform number below `end`; 0 if `end` is 0.
    ///
    /// Lemire, "Fast Random Integer Generation in an Interval" (2019). The algorithm is written out here, because a
    /// recorded session must draw the same numbers with every version of a library.
    pub(crate) fn below(&mut self, end: u32) -> u32 {
        let threshold = end.wrapping_neg().checked_rem(end).unwrap_or(0);
        loop {
            let product = u64::from(self.0.next_u32()).wrapping_mul(u64::from(end));
            let [high, low] = [product >> 32, product & u64::from(u32::MAX)];
            if low >= u64::from(threshold) {
                return u32::try_from(high).unwrap_or(0);
            }
        }
    }

    /// Draws the seed of another stream.
    pub(crate) fn seed(&mut self) -> [u8; 32] {
        let mut seed = [0; 32];
        self.0.fill_bytes(&mut seed);
        seed
    }

    /// Draws the first six hex digits of a version 4 UUID.
    pub(crate) fn short_id(&mut self) -> String {
        let mut bytes = [0; 16];
        self.0.fill_bytes(&mut bytes);
        let uuid = Builder::from_random_bytes(bytes).into_uuid();
        uuid.as_simple().to_string().chars().take(6).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same() {
        let [mut a, mut b] = [Random::from_seed([7; 32]), Random::from_seed([7; 32])];
        assert_eq!((a.short_id(), a.below(1000)), (b.short_id(), b.below(1000)));
    }

    #[test]
    fn draws_stay_below_the_end_and_reach_every_number() {
        let mut random = Random::from_seed([1; 32]);
        let mut counts = [0_u32; 7];
        for _ in 0..7_000 {
            counts[random.below(7) as usize] += 1;
        }
        assert!(counts.iter().all(|&count| (850..1150).contains(&count)), "{counts:?}");
        assert_eq!(random.below(1), 0);
        assert_eq!(random.below(0), 0);
    }
}
