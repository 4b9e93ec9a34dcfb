//! Ramp: requests that waited for the same thing are admitted in steps, so that they do not fail together again.

use std::time::Duration;

use crate::time::Timestamp;

/// Admission of requests after a recovery: 1 in the first step, and twice as many in each further step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ramp {
    since: Timestamp,
    admitted: u64,
}

impl Ramp {
    const STEP_MS: u64 = 250;
    /// After this number of steps all requests are admitted.
    const STEPS: u64 = 12;

    pub(super) const fn new(now: Timestamp) -> Self {
        Self { since: now, admitted: 0 }
    }

    /// Returns the time of the next step if the ramp admits no further request before.
    pub(super) fn held_until(&self, now: Timestamp) -> Option<Timestamp> {
        let step = self.step(now);
        let admits = 2_u64.saturating_pow(u32::try_from(step).unwrap_or(u32::MAX).saturating_add(1)).saturating_sub(1);
        let next = Self::STEP_MS.saturating_mul(step.saturating_add(1));
        (step < Self::STEPS && self.admitted >= admits).then(|| self.since.saturating_add(Duration::from_millis(next)))
    }

    /// Counts an admitted request.
    pub(super) fn admit(&mut self) {
        self.admitted = self.admitted.saturating_add(1);
    }

    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.step(now) >= Self::STEPS
    }

    fn step(&self, now: Timestamp) -> u64 {
        u64::try_from(now.since(self.since).as_millis()).unwrap_or(u64::MAX) / Self::STEP_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_admits_twice_as_many_requests() {
        let mut ramp = Ramp::new(Timestamp::from_millis(1_000));
        let mut admitted = Vec::new();
        for now in [1_000, 1_249, 1_250, 1_500, 1_750, 2_000] {
            let now = Timestamp::from_millis(now);
            let mut count = 0;
            while ramp.held_until(now).is_none() {
                ramp.admit();
                count += 1;
            }
            admitted.push((count, ramp.held_until(now).map(Timestamp::as_millis)));
        }
        let expected = [
            (1, Some(1_250)),
            (0, Some(1_250)),
            (2, Some(1_500)),
            (4, Some(1_750)),
            (8, Some(2_000)),
            (16, Some(2_250)),
        ];
        assert_eq!(admitted, expected);
        assert_eq!(ramp.held_until(Timestamp::from_millis(4_000)), None, "after the last step");
        assert!(ramp.is_over(Timestamp::from_millis(4_000)));
    }
}
