//! What is due when.

use std::{collections::BTreeSet, marker::PhantomData};

use crate::time::Timestamp;

/// What has a number.
pub(super) trait Numbered {
    fn number(self) -> u64;
    fn of_number(number: u64) -> Self;
}

/// Moments in their order, each with the number of what is due then.
#[derive(Clone, Debug)]
pub(super) struct Agenda<T> {
    /// As plain numbers, so that one tree serves for whatever is due.
    moments: BTreeSet<(Timestamp, u64)>,
    of: PhantomData<T>,
}

impl<T> Default for Agenda<T> {
    fn default() -> Self {
        Self { moments: BTreeSet::new(), of: PhantomData }
    }
}

impl<T: Numbered> Agenda<T> {
    pub(super) fn insert(&mut self, at: Timestamp, due: T) {
        self.moments.insert((at, due.number()));
    }

    pub(super) fn remove(&mut self, at: Timestamp, due: T) {
        self.moments.remove(&(at, due.number()));
    }

    pub(super) fn first(&self) -> Option<(Timestamp, T)> {
        self.moments.first().map(|(at, due)| (*at, T::of_number(*due)))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Timestamp, T)> {
        self.moments.iter().map(|(at, due)| (*at, T::of_number(*due)))
    }
}
