//! Ordered sets of keys, so that a decision finds the first member of an order without a scan.

use std::collections::BTreeSet;

/// Ordered set of keys. A key is four plain numbers, so that one B-tree serves every order: the code of a B-tree is
/// large, and each key type would bring its own copy into the wasm.
#[derive(Clone, Debug, Default)]
pub(super) struct KeySet(BTreeSet<[u64; 4]>);

impl KeySet {
    pub(super) fn insert(&mut self, key: [u64; 4]) {
        self.0.insert(key);
    }

    pub(super) fn remove(&mut self, key: [u64; 4]) {
        self.0.remove(&key);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[u64; 4]> {
        self.0.iter()
    }
}

/// Maps a signed number to an unsigned number of the same order, by flipping the sign bit.
pub(super) fn sortable(number: i64) -> u64 {
    number.cast_unsigned() ^ SIGN_BIT
}

/// Inverts [`sortable`].
pub(super) fn from_sortable(number: u64) -> i64 {
    (number ^ SIGN_BIT).cast_signed()
}

const SIGN_BIT: u64 = 1 << 63;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_order_and_come_back() {
        let numbers = [i64::MIN, -2, -1, 0, 1, i64::MAX];
        let mapped: Vec<_> = numbers.iter().map(|number| sortable(*number)).collect();
        assert!(mapped.is_sorted());
        assert_eq!(mapped.into_iter().map(from_sortable).collect::<Vec<_>>(), numbers);
    }
}
