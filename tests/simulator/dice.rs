//! Chance that depends on a seed alone (SplitMix64; Steele, Lea and Flood, 2014).

#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The dice number `stream` of a seed: those of one seed have nothing to do with each other.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut dice = Self(seed ^ stream.wrapping_mul(0xd1b5_4a32_d192_ed03));
        dice.draw();
        dice
    }

    /// From `least` to `most`, both included.
    pub fn between(&mut self, least: i64, most: i64) -> i64 {
        least + (self.draw() % (most - least + 1) as u64) as i64
    }

    pub fn chance(&mut self, percent: i64) -> bool {
        self.between(0, 99) < percent
    }

    pub fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.between(0, all.len() as i64 - 1) as usize]
    }

    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }
}

#[test]
fn the_same_seed_and_stream_throw_the_same() {
    let throw = |seed, stream| {
        let mut dice = Dice::new(seed, stream);
        (0..50).map(|_| dice.between(1, 6)).collect::<Vec<_>>()
    };
    assert_eq!(throw(3, 1), throw(3, 1));
    assert_ne!(throw(3, 1), throw(3, 2));
    assert_ne!(throw(3, 1), throw(4, 1));
    assert!(throw(3, 1).iter().all(|eyes| (1..=6).contains(eyes)));
}
