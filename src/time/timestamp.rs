//! Timestamps, as the host tells them and as the document stores them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Moment in milliseconds since the Unix epoch.
///
/// ```
/// use credential_pool::Timestamp;
/// use std::time::Duration;
///
/// let noon = Timestamp::from_millis(1_700_000_000_000);
/// assert_eq!(noon.saturating_add(Duration::from_secs(1)).as_millis(), 1_700_000_001_000);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Returns the moment `millis` milliseconds after the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Returns the milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Returns the moment `duration` later.
    pub fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Returns the moment `duration` earlier.
    pub(crate) fn saturating_sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Returns the moment to the second for people, `2026-04-09T17:59:40Z`; beyond the year 9999 in milliseconds.
    pub(crate) fn to_utc(self) -> String {
        match time::OffsetDateTime::from_unix_timestamp(self.0.div_euclid(1000)) {
            Ok(at) => {
                let (date, (hour, minute, second)) = (at.date(), at.to_hms());
                format!("{date}T{hour:02}:{minute:02}:{second:02}Z")
            }
            Err(_) => format!("{} ms", self.0),
        }
    }

    /// Returns the time from `earlier` until this moment; zero if this moment is earlier.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// Moment as a row stores it: seconds since the Unix epoch, as a finite float (`last_status_at`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UnixSeconds(f64);

impl UnixSeconds {
    /// The beginning of 1970.
    pub const EPOCH: Self = Self(0.0);

    /// Returns the moment `seconds` after the Unix epoch; `None` if `seconds` is not finite.
    pub fn new(seconds: f64) -> Option<Self> {
        seconds.is_finite().then_some(Self(seconds))
    }

    /// Returns the seconds since the Unix epoch.
    pub const fn as_f64(self) -> f64 {
        self.0
    }

    /// Returns the first whole millisecond at or after this moment.
    ///
    /// A float of today's seconds is exact to about a quarter of a microsecond, so it is read in
    /// microseconds first: `1775757580.463` is millisecond 1775757580463 and not the one after.
    pub fn to_timestamp(self) -> Timestamp {
        #[expect(clippy::cast_possible_truncation, reason = "a float beyond i128 becomes its end")]
        let micros = (self.0 * 1e6).round() as i128;
        let millis = micros.div_euclid(1000).saturating_add(i128::from(micros.rem_euclid(1000) > 0));
        Timestamp(i64::try_from(millis).unwrap_or(if millis < 0 { i64::MIN } else { i64::MAX }))
    }
}

impl Eq for UnixSeconds {}

impl PartialOrd for UnixSeconds {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for UnixSeconds {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl From<Timestamp> for UnixSeconds {
    fn from(at: Timestamp) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds are exact in a float for 285,000 years")]
        Self(at.0 as f64 / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_seconds_name_the_millisecond_that_was_stored() {
        for millis in [0, 1, -1, 999, 1_775_757_580_463, 1_775_757_580_001, 4_102_444_800_999] {
            let at = Timestamp::from_millis(millis);
            assert_eq!(UnixSeconds::from(at).to_timestamp(), at, "{millis}");
        }
    }

    #[test]
    fn a_moment_inside_a_millisecond_counts_as_the_next_one() {
        let at = UnixSeconds::new(1_775_757_580.463_25).unwrap();
        assert_eq!(at.to_timestamp().as_millis(), 1_775_757_580_464);
    }

    #[test]
    fn no_number_overflows() {
        assert!(UnixSeconds::new(f64::NAN).is_none());
        assert!(UnixSeconds::new(f64::INFINITY).is_none());
        assert_eq!(UnixSeconds::new(f64::MAX).unwrap().to_timestamp().as_millis(), i64::MAX);
        assert_eq!(UnixSeconds::new(f64::MIN).unwrap().to_timestamp().as_millis(), i64::MIN);
        assert_eq!(Timestamp::from_millis(i64::MAX).saturating_add(Duration::MAX), Timestamp::from_millis(i64::MAX));
    }
}
