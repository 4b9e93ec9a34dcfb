//! Simulated time: a queue of events, earliest first.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
};

pub const SECOND: i64 = 1_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

/// Events by time; events at the same time leave in the order in which they were pushed.
pub struct EventQueue<T> {
    heap: BinaryHeap<Reverse<Entry<T>>>,
    count: u64,
}

struct Entry<T> {
    at: i64,
    count: u64,
    event: T,
}

impl<T> EventQueue<T> {
    pub fn new() -> Self {
        Self { heap: BinaryHeap::new(), count: 0 }
    }

    pub fn push(&mut self, at: i64, event: T) {
        self.count += 1;
        self.heap.push(Reverse(Entry { at, count: self.count, event }));
    }

    /// Removes and returns the earliest event before `end`; `None` if there is none.
    pub fn pop_before(&mut self, end: i64) -> Option<(i64, T)> {
        if self.heap.peek()?.0.at >= end {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| (entry.at, entry.event))
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.count).cmp(&(other.at, other.count))
    }
}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T> Eq for Entry<T> {}

#[test]
fn events_leave_by_time_and_then_in_the_order_in_which_they_were_pushed() {
    let mut queue = EventQueue::new();
    for (at, event) in [(5, "c"), (3, "a"), (5, "d"), (4, "b"), (9, "later")] {
        queue.push(at, event);
    }
    let order: Vec<_> = std::iter::from_fn(|| queue.pop_before(9)).collect();
    assert_eq!(order, [(3, "a"), (4, "b"), (5, "c"), (5, "d")]);
}
