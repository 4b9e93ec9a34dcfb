//! A provider's meter of one limit of a credential: a rate window, or a daily quota.

use std::collections::VecDeque;

/// `limit` requests per `length` milliseconds. Refused requests do not count.
#[derive(Clone, Debug)]
pub struct Meter {
    pub limit: usize,
    pub length: i64,
    pub kind: Kind,
    /// Model whose requests are counted; `None` counts all models.
    pub model: Option<&'static str>,
    /// Whether a full meter is refused as used-up quota, not as a rate limit.
    pub is_quota: bool,
    /// Times of served requests, oldest first.
    served: VecDeque<i64>,
}

#[derive(Clone, Debug)]
pub enum Kind {
    /// Starts anew at `offset`, every `length` after it, and at each refill by the owner.
    Fixed { offset: i64, refills: Vec<i64> },
    /// Each request counts for `length` after it was served.
    Sliding,
}

/// Time for which the past of a meter can be asked for.
const MEMORY: i64 = 60_000;

impl Meter {
    pub fn window(limit: i64, length: i64, kind: Kind) -> Self {
        Self { limit: limit as usize, length, kind, model: None, is_quota: false, served: VecDeque::new() }
    }

    pub fn quota(limit: i64, length: i64, offset: i64, refills: Vec<i64>) -> Self {
        Self { is_quota: true, ..Self::window(limit, length, Kind::Fixed { offset, refills }) }
    }

    pub fn of_model(self, model: &'static str) -> Self {
        Self { model: Some(model), ..self }
    }

    pub fn counts(&self, model: &str) -> bool {
        self.model.is_none_or(|own| own == model)
    }

    pub fn serve(&mut self, at: i64) {
        let oldest_needed = self.begin(at - MEMORY).max(at - MEMORY - self.length);
        while self.served.front().is_some_and(|&served| served < oldest_needed) {
            self.served.pop_front();
        }
        self.served.push_back(at);
    }

    pub fn has_room(&self, at: i64) -> bool {
        let begin = self.begin(at);
        let first = self.served.partition_point(|&served| match self.kind {
            Kind::Fixed { .. } => served < begin,
            Kind::Sliding => served <= begin,
        });
        self.served.partition_point(|&served| served <= at).saturating_sub(first) < self.limit
    }

    /// Returns whether there was room at every moment from `from` to `to`.
    pub fn has_room_throughout(&self, from: i64, to: i64) -> bool {
        let within = self.served.partition_point(|&served| served <= from)..;
        self.has_room(from)
            && self.served.range(within).take_while(|&&served| served <= to).all(|&served| self.has_room(served))
    }

    /// Returns when there is room again, as far as the provider knows at `at`.
    pub fn end(&self, at: i64) -> i64 {
        match &self.kind {
            Kind::Fixed { offset, .. } => at + self.length - (at - offset).rem_euclid(self.length),
            Kind::Sliding => {
                let full = self.served.partition_point(|&served| served <= at).saturating_sub(self.limit);
                self.served.get(full).map_or(at, |served| served + self.length)
            }
        }
    }

    /// Returns whether a limit in force at `from` has ended by `to`.
    pub fn ended_between(&self, from: i64, to: i64) -> bool {
        match self.kind {
            Kind::Fixed { .. } => self.begin(from) != self.begin(to),
            Kind::Sliding => {
                to - from >= self.length
                    || self.served.iter().any(|served| (from + 1..=to).contains(&(served + self.length)))
            }
        }
    }

    /// Returns the start of the window at this moment.
    fn begin(&self, at: i64) -> i64 {
        match &self.kind {
            Kind::Fixed { offset, refills } => {
                let regular = at - (at - offset).rem_euclid(self.length);
                refills.iter().copied().filter(|refill| *refill <= at).fold(regular, i64::max)
            }
            Kind::Sliding => at - self.length,
        }
    }
}

#[test]
fn a_fixed_window_ends_for_all_requests_at_once_and_a_refill_ends_it_early() {
    let mut meter = Meter::quota(2, 100, 0, vec![130]);
    [10, 20].into_iter().for_each(|at| meter.serve(at));
    assert_eq!([9, 10, 20, 99, 100].map(|at| meter.has_room(at)), [true, true, false, false, true]);
    [110, 120].into_iter().for_each(|at| meter.serve(at));
    assert!(!meter.has_room(129) && meter.has_room(130));
    assert_eq!(meter.end(125), 200, "the provider does not know of the refill");
    assert!(meter.ended_between(125, 130) && !meter.ended_between(120, 129));
    assert!(meter.has_room_throughout(100, 115) && !meter.has_room_throughout(100, 125));
}

#[test]
fn a_sliding_window_gains_room_request_by_request() {
    let mut meter = Meter::window(2, 100, Kind::Sliding);
    [10, 20].into_iter().for_each(|at| meter.serve(at));
    assert_eq!([15, 20, 109, 110, 120].map(|at| meter.has_room(at)), [true, false, false, true, true]);
    assert_eq!(meter.end(30), 110);
    assert!(meter.ended_between(30, 110) && !meter.ended_between(30, 109));
    meter.serve(110);
    assert_eq!(meter.end(111), 120);
    assert!(!meter.has_room_throughout(105, 115) && meter.has_room_throughout(121, 200));
}
