//! Deadlines in order, each with the member or lease that it belongs to.

use std::marker::PhantomData;

use crate::time::Timestamp;

use super::key_set::{KeySet, from_sortable, sortable};

/// An owner of deadlines that is identified by a number.
pub(super) trait QueueKey {
    fn number(self) -> u64;
    fn of_number(number: u64) -> Self;
}

/// Queue of deadlines, earliest first; owners of the same deadline in the order of their numbers.
#[derive(Clone, Debug)]
pub(super) struct DeadlineQueue<T> {
    keys: KeySet,
    owner: PhantomData<T>,
}

impl<T> Default for DeadlineQueue<T> {
    fn default() -> Self {
        Self { keys: KeySet::default(), owner: PhantomData }
    }
}

impl<T: QueueKey> DeadlineQueue<T> {
    pub(super) fn insert(&mut self, at: Timestamp, owner: T) {
        self.keys.insert(key(at, owner));
    }

    pub(super) fn remove(&mut self, at: Timestamp, owner: T) {
        self.keys.remove(key(at, owner));
    }

    pub(super) fn first(&self) -> Option<(Timestamp, T)> {
        self.iter().next()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Timestamp, T)> {
        self.keys.iter().map(|[at, owner, ..]| (Timestamp::from_millis(from_sortable(*at)), T::of_number(*owner)))
    }
}

fn key<T: QueueKey>(at: Timestamp, owner: T) -> [u64; 4] {
    [sortable(at.as_millis()), owner.number(), 0, 0]
}
