//! Seeded random numbers: SplitMix64 (Steele, Lea and Flood, 2014).

#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// Returns the generator of a seed's stream; the streams of a seed are independent of each other.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut rng = Self(seed ^ stream.wrapping_mul(0xd1b5_4a32_d192_ed03));
        rng.draw();
        rng
    }

    /// Returns a number from `least` to `most`, both included.
    pub fn between(&mut self, least: i64, most: i64) -> i64 {
        least + (self.draw() % (most - least + 1) as u64) as i64
    }

    /// Returns true with this probability in percent.
    pub fn chance(&mut self, percent: i64) -> bool {
        self.between(0, 99) < percent
    }

    pub fn pick<T: Copy>(&mut self, all: &[T]) -> T {
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
fn the_same_seed_and_stream_give_the_same_numbers() {
    let numbers = |seed, stream| {
        let mut rng = Rng::new(seed, stream);
        (0..50).map(|_| rng.between(1, 6)).collect::<Vec<_>>()
    };
    assert_eq!(numbers(3, 1), numbers(3, 1));
    assert_ne!(numbers(3, 1), numbers(3, 2));
    assert_ne!(numbers(3, 1), numbers(4, 1));
    assert!(numbers(3, 1).iter().all(|number| (1..=6).contains(number)));
}
