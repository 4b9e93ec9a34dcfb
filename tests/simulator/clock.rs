//! What is to happen, in the order in which it does.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
};

pub const SECOND: i64 = 1_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

/// Things that happen at the same moment happen in the order in which they were put in.
pub struct Clock<T> {
    heap: BinaryHeap<Reverse<Due<T>>>,
    count: u64,
}

struct Due<T> {
    at: i64,
    count: u64,
    what: T,
}

impl<T> Clock<T> {
    pub fn new() -> Self {
        Self { heap: BinaryHeap::new(), count: 0 }
    }

    pub fn at(&mut self, at: i64, what: T) {
        self.count += 1;
        self.heap.push(Reverse(Due { at, count: self.count, what }));
    }

    /// The next that happens before `end`.
    pub fn next_before(&mut self, end: i64) -> Option<(i64, T)> {
        if self.heap.peek()?.0.at >= end {
            return None;
        }
        self.heap.pop().map(|Reverse(due)| (due.at, due.what))
    }
}

impl<T> Ord for Due<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.count).cmp(&(other.at, other.count))
    }
}

impl<T> PartialOrd for Due<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Due<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T> Eq for Due<T> {}

#[test]
fn time_goes_on_and_a_moment_keeps_its_order() {
    let mut clock = Clock::new();
    for (at, what) in [(5, "c"), (3, "a"), (5, "d"), (4, "b"), (9, "later")] {
        clock.at(at, what);
    }
    let order: Vec<_> = std::iter::from_fn(|| clock.next_before(9)).collect();
    assert_eq!(order, [(3, "a"), (4, "b"), (5, "c"), (5, "d")]);
}
