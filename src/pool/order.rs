//! Orders that are kept, so that a decision finds the first one without a scan.

use std::collections::BTreeSet;

/// Keys in their order. They are plain numbers, so that one tree serves for whatever has an order: the code of a tree is
/// large, and each kind of key brings its own.
#[derive(Clone, Debug, Default)]
pub(super) struct Order(BTreeSet<[u64; 4]>);

impl Order {
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

/// Numbers below zero, as numbers that stand in the same order.
pub(super) mod ascending {
    const ZERO: u64 = 1 << 63;

    pub(in crate::pool) fn of(number: i64) -> u64 {
        number.cast_unsigned() ^ ZERO
    }

    pub(in crate::pool) fn back(number: u64) -> i64 {
        (number ^ ZERO).cast_signed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_order_and_come_back() {
        let numbers = [i64::MIN, -2, -1, 0, 1, i64::MAX];
        let ascending: Vec<_> = numbers.iter().map(|number| ascending::of(*number)).collect();
        assert!(ascending.is_sorted());
        assert_eq!(ascending.into_iter().map(ascending::back).collect::<Vec<_>>(), numbers);
    }
}
