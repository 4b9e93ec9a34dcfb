//! What is due when.

use std::marker::PhantomData;

use crate::time::Timestamp;

use super::order::{Order, ascending};

/// What has a number.
pub(super) trait QueueKey {
    fn number(self) -> u64;
    fn of_number(number: u64) -> Self;
}

/// Moments in their order, each with what is due then.
#[derive(Clone, Debug)]
pub(super) struct DeadlineQueue<T> {
    moments: Order,
    of: PhantomData<T>,
}

impl<T> Default for DeadlineQueue<T> {
    fn default() -> Self {
        Self { moments: Order::default(), of: PhantomData }
    }
}

impl<T: QueueKey> DeadlineQueue<T> {
    pub(super) fn insert(&mut self, at: Timestamp, due: T) {
        self.moments.insert(key(at, due));
    }

    pub(super) fn remove(&mut self, at: Timestamp, due: T) {
        self.moments.remove(key(at, due));
    }

    pub(super) fn first(&self) -> Option<(Timestamp, T)> {
        self.iter().next()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Timestamp, T)> {
        self.moments.iter().map(|[at, due, ..]| (Timestamp::from_millis(ascending::back(*at)), T::of_number(*due)))
    }
}

fn key<T: QueueKey>(at: Timestamp, due: T) -> [u64; 4] {
    [ascending::of(at.as_millis()), due.number(), 0, 0]
}
