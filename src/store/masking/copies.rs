//! Secrets that were copied to other places, such as labels and error messages.

/// The texts of secrets, looked up by their last bytes: those differ most.
#[derive(Default)]
pub(super) struct Copies {
    /// Ascending once they are sorted.
    tails: Vec<(u64, String)>,
    /// A bit for each tail, at the place its hash leads to.
    bits: Vec<u64>,
}

/// How long a secret must be: shorter texts stand anywhere.
const SHORTEST: usize = 8;

/// Beyond this many secrets with one end, the end alone tells.
const MOST_ALIKE: usize = 16;

const WORDS: usize = 4096;

impl Copies {
    pub(super) fn add(&mut self, secret: &str) {
        // Where a quote is missing, what stood behind the secret belongs to it.
        let secret = secret.trim_matches([' ', '\t', ',', ':', '\'']);
        let scheme = secret.split_once(' ').filter(|(scheme, _)| ["Bearer", "Basic", "bearer"].contains(scheme));
        let secret = scheme.map_or(secret, |(_, token)| token.trim());
        if secret.len() < SHORTEST {
            return;
        }
        if let Some(tail) = secret.as_bytes().last_chunk::<SHORTEST>() {
            self.tails.push((u64::from_le_bytes(*tail), secret.to_owned()));
        }
    }

    /// Makes them ready to be looked up.
    pub(super) fn sorted(mut self) -> Self {
        self.tails.sort_unstable();
        self.tails.dedup();
        self.bits = vec![0; if self.tails.is_empty() { 0 } else { WORDS }];
        for (tail, _) in &self.tails {
            let (word, bit) = place(*tail);
            if let Some(word) = self.bits.get_mut(word) {
                *word |= bit;
            }
        }
        self
    }

    /// Whether one of them stands in `text`. Words that names are made of do not count in a name.
    pub(super) fn are_in(&self, text: &str, is_name: bool) -> bool {
        if self.tails.is_empty() {
            return false;
        }
        let bytes = text.as_bytes();
        bytes.array_windows_of().enumerate().any(|(at, tail)| {
            let (word, bit) = place(tail);
            self.bits.get(word).is_some_and(|word| word & bit != 0)
                && self.end_at(bytes.get(..at.saturating_add(SHORTEST)).unwrap_or_default(), tail, is_name)
        })
    }

    /// Whether one of those with this tail stands at the end of `bytes`.
    fn end_at(&self, bytes: &[u8], tail: u64, is_name: bool) -> bool {
        let from = self.tails.partition_point(|(other, _)| *other < tail);
        let alike = self.tails.iter().skip(from).take_while(|(other, _)| *other == tail);
        let mut alike =
            alike.filter(|(_, secret)| !is_name || secret.bytes().any(|b| !b.is_ascii_lowercase() && b != b'_'));
        let is_one = alike.by_ref().take(MOST_ALIKE).any(|(_, secret)| bytes.ends_with(secret.as_bytes()));
        is_one || alike.next().is_some()
    }
}

/// The eight bytes at each place.
trait Windows {
    fn array_windows_of(&self) -> impl Iterator<Item = u64>;
}

impl Windows for [u8] {
    fn array_windows_of(&self) -> impl Iterator<Item = u64> {
        self.windows(SHORTEST).map(|window| window.try_into().map_or(0, u64::from_le_bytes))
    }
}

/// Which bit of which word stands for a tail.
fn place(tail: u64) -> (usize, u64) {
    let hash = tail.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 46;
    (usize::try_from(hash >> 6).unwrap_or(0), 1 << (hash & 63))
}
