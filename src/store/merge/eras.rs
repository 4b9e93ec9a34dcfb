//! Eras: runs of stamps without a gap of more than a day, so that a clock which is days ahead or behind ages nothing of
//! the other hosts.
//!
//! A gap tells of a wrong clock, or that nobody used the store for a time. Metadata ages within its own era alone, and
//! of eras the latest are kept, so that it does not grow.

const DAY_US: u64 = 24 * 60 * 60 * 1_000_000;
/// Number of eras that are kept.
const MAX_ERAS: usize = 8;

/// Eras of merge metadata, latest first.
pub(super) struct Eras(Vec<Era>);

/// Calls back with the time of each stamp.
type EachTime<'a> = &'a dyn Fn(&mut dyn FnMut(u64));

struct Era {
    /// Time before which metadata of this era is dropped.
    since: u64,
    last: u64,
}

impl Eras {
    /// Finds the eras of all stamps, which `each_time` calls back with, and of each host's last change.
    pub(super) fn of(each_time: EachTime<'_>, hosts: impl Iterator<Item = u64>) -> Self {
        let mut times = Vec::new();
        let (mut first, mut last) = (u64::MAX, 0);
        each_time(&mut |at| (first, last) = (first.min(at), last.max(at)));
        if last.saturating_sub(first) <= DAY_US {
            return Self(vec![Era { since: 0, last }]);
        }
        each_time(&mut |at| times.push(at));
        times.sort_unstable();
        let mut hosts: Vec<_> = hosts.collect();
        hosts.sort_unstable();
        let runs = times.chunk_by(|one, next| next.saturating_sub(*one) <= DAY_US);
        Self(runs.rev().take(MAX_ERAS).map(|run| Era::of(run, &hosts)).collect())
    }

    pub(super) fn is_recent(&self, at: u64) -> bool {
        self.0.iter().any(|era| (era.since..=era.last).contains(&at))
    }
}

impl Era {
    /// Makes an era of a run of times; both lists are in ascending order.
    fn of(run: &[u64], hosts: &[u64]) -> Self {
        let (first, last) = (run.first().copied().unwrap_or(0), run.last().copied().unwrap_or(0));
        let hosts = hosts.iter().rev().skip_while(|at| **at > last).take_while(|at| **at >= first);
        // The second latest host sets the age: a single host whose clock is ahead must not age all other changes.
        let now = hosts.take(2).last().copied().unwrap_or(last);
        Self { since: now.saturating_sub(DAY_US).max(first), last }
    }
}
