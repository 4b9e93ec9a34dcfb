//! Times of day without a date, such as `2am (australia/sydney)`. Text is in lower case.

use std::time::Duration;

use super::{
    date::{clock_minutes, offset},
    number::{digits, split_where},
    timestamp::Timestamp,
};

const HOUR: i64 = 60;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Returns the next moment after `now` at which it is the time of day that `text` begins with; `None` if the text
/// begins with no such time.
///
/// The zone is an offset from UTC, or the name of a zone. There is no table of zones here: a name bounds the offset by its
/// continent, and the soonest of the possible moments counts. A time without a zone is one of UTC.
pub(crate) fn next(text: &str, now: Timestamp) -> Option<Timestamp> {
    let (clock, rest) = split_where(text, |char| !char.is_ascii_digit() && char != ':');
    let rest = rest.trim_start();
    let half = ["am", "pm", "a.m.", "p.m."].into_iter().find(|half| rest.starts_with(half));
    let minutes = match half {
        Some(half) => clock_minutes(clock, if half.starts_with('a') { "am" } else { "pm" })?,
        None => minutes_of_day(clock)?,
    };
    let zone = rest.get(half.map_or(0, str::len)..)?.trim_start();
    let of_day = i64::try_from(minutes).ok()?;
    let midnight = now.as_millis().checked_sub(now.as_millis().rem_euclid(DAY_MS))?;
    let (first, last) = offsets(zone.trim_start_matches('('));
    // A zone further to the east comes to the time of day sooner.
    let at = |offset: i64| {
        let at = midnight.saturating_add(of_day.saturating_sub(offset).saturating_mul(60_000));
        let ahead = at.saturating_sub(now.as_millis()).rem_euclid(DAY_MS);
        u64::try_from(ahead).ok().map(|ahead| now.saturating_add(Duration::from_millis(ahead)))
    };
    let mut soonest: Option<Timestamp> = None;
    let mut offset = first;
    while offset <= last {
        soonest = soonest.into_iter().chain(at(offset)).min();
        offset = offset.saturating_add(HOUR);
    }
    soonest
}

/// Reads `22:57`.
fn minutes_of_day(clock: &str) -> Option<u64> {
    let (hour, minute) = clock.split_once(':')?;
    let hour = digits(hour).filter(|hour| *hour < 24)?;
    let minute = digits(minute).filter(|minute| *minute < 60)?;
    Some(hour.saturating_mul(60).saturating_add(minute))
}

/// Returns the smallest and the largest offset of a zone from UTC, in minutes.
fn offsets(zone: &str) -> (i64, i64) {
    /// Continents of the zone database, and zones that keep one offset.
    const ZONES: [(&str, i64, i64); 15] = [
        ("asia/seoul", 9, 9),
        ("asia/tokyo", 9, 9),
        ("asia/shanghai", 8, 8),
        ("asia/singapore", 8, 8),
        ("asia/hong_kong", 8, 8),
        ("asia/taipei", 8, 8),
        ("america/sao_paulo", -3, -3),
        ("america/", -10, -2),
        ("europe/", 0, 4),
        ("asia/", 2, 12),
        ("africa/", -1, 3),
        ("australia/", 8, 11),
        ("pacific/", -11, 14),
        ("atlantic/", -4, 0),
        ("indian/", 3, 7),
    ];
    let signed = zone.strip_prefix("gmt").or_else(|| zone.strip_prefix("utc")).unwrap_or(zone);
    if let Some(offset) = offset_hours(signed).or_else(|| offset(zone)) {
        return (offset, offset);
    }
    let known = ZONES.into_iter().find(|(name, ..)| zone.starts_with(name));
    known.map_or((0, 0), |(_, first, last)| (first.saturating_mul(HOUR), last.saturating_mul(HOUR)))
}

/// Reads `-3`, `+5:30`.
fn offset_hours(text: &str) -> Option<i64> {
    let (sign, rest) = match text.strip_prefix('+') {
        Some(rest) => (1_i64, rest),
        None => (-1, text.strip_prefix('-')?),
    };
    let (hours, rest) = split_where(rest, |char| !char.is_ascii_digit());
    let hours = i64::try_from(digits(hours).filter(|hours| *hours <= 14)?).ok()?;
    let (minutes, _) = split_where(rest.trim_start_matches(':'), |char| !char.is_ascii_digit());
    let minutes = i64::try_from(digits(minutes).filter(|minutes| *minutes < 60).unwrap_or(0)).ok()?;
    Some(hours.saturating_mul(60).saturating_add(minutes).saturating_mul(sign))
}
