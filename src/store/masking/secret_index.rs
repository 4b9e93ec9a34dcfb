//! Index of secrets, for finding their copies in other values such as labels and error messages.

/// Secrets by their last eight bytes, the part in which secrets differ most. A Bloom filter with one hash function
/// comes first.
#[derive(Default)]
pub(super) struct SecretIndex {
    /// Last eight bytes and text of each secret; ascending after [`Self::sorted`].
    tails: Vec<(u64, String)>,
    /// Bloom filter of the tails.
    filter: Vec<u64>,
}

/// Minimum length of an indexed secret: shorter texts also occur by chance.
pub(super) const MIN_LENGTH: usize = 8;

/// Maximum number of comparisons per tail. With more secrets of the same tail, the tail alone counts as a copy.
const MAX_COMPARISONS: usize = 16;

/// Size of the filter in 64-bit words.
const FILTER_WORDS: usize = 4096;

impl SecretIndex {
    pub(super) fn add(&mut self, secret: &str) {
        // A missing quote leaves separators attached to the secret.
        let secret = secret.trim_matches([' ', '\t', ',', ':', '\'']);
        let scheme = secret.split_once(' ').filter(|(scheme, _)| ["Bearer", "Basic", "bearer"].contains(scheme));
        let secret = scheme.map_or(secret, |(_, token)| token.trim());
        if secret.len() < MIN_LENGTH {
            return;
        }
        if let Some(tail) = secret.as_bytes().last_chunk::<MIN_LENGTH>() {
            self.tails.push((u64::from_le_bytes(*tail), secret.to_owned()));
        }
    }

    /// Sorts the secrets and builds the filter.
    pub(super) fn sorted(mut self) -> Self {
        self.tails.sort_unstable();
        self.tails.dedup();
        self.filter = vec![0; if self.tails.is_empty() { 0 } else { FILTER_WORDS }];
        for (tail, _) in &self.tails {
            let (word, bit) = filter_bit(*tail);
            if let Some(word) = self.filter.get_mut(word) {
                *word |= bit;
            }
        }
        self
    }

    /// Returns whether `text` contains a secret. In a name, secrets of lower-case letters and underscores do not count.
    pub(super) fn occurs_in(&self, text: &str, is_name: bool) -> bool {
        if self.tails.is_empty() {
            return false;
        }
        let bytes = text.as_bytes();
        bytes.array_windows_of().enumerate().any(|(at, tail)| {
            let (word, bit) = filter_bit(tail);
            self.filter.get(word).is_some_and(|word| word & bit != 0)
                && self.ends_with_secret(bytes.get(..at.saturating_add(MIN_LENGTH)).unwrap_or_default(), tail, is_name)
        })
    }

    /// Returns whether `bytes` ends with a secret with this tail.
    fn ends_with_secret(&self, bytes: &[u8], tail: u64, is_name: bool) -> bool {
        let from = self.tails.partition_point(|(other, _)| *other < tail);
        let alike = self.tails.iter().skip(from).take_while(|(other, _)| *other == tail);
        let mut alike =
            alike.filter(|(_, secret)| !is_name || secret.bytes().any(|b| !b.is_ascii_lowercase() && b != b'_'));
        let is_found = alike.by_ref().take(MAX_COMPARISONS).any(|(_, secret)| bytes.ends_with(secret.as_bytes()));
        is_found || alike.next().is_some()
    }
}

/// Eight bytes at each offset, as little-endian integers.
trait Windows {
    fn array_windows_of(&self) -> impl Iterator<Item = u64>;
}

impl Windows for [u8] {
    fn array_windows_of(&self) -> impl Iterator<Item = u64> {
        self.windows(MIN_LENGTH).map(|window| window.try_into().map_or(0, u64::from_le_bytes))
    }
}

/// Returns word and bit of a tail in the filter.
fn filter_bit(tail: u64) -> (usize, u64) {
    let hash = tail.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 46;
    (usize::try_from(hash >> 6).unwrap_or(0), 1 << (hash & 63))
}
