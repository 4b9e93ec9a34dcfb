//! Numbers, durations and dates as providers write them. Everything is in lower case.
//!
//! Numbers are counted in thousandths, in integers: they end at the largest and are never infinite.

use serde_json::{Number, Value};
use time::{Date, Month};

use crate::time::Timestamp;

/// How a value says when something is over.
#[derive(Clone, Copy)]
pub(super) enum Reading {
    /// A duration; a bare number is seconds.
    Delay,
    /// A duration; a bare number is milliseconds.
    DelayMs,
    /// A date; a bare number is seconds since the Unix epoch, or milliseconds above 1e12.
    Moment,
    /// A duration or a date; a bare number is as of a moment above 1e9, else as of a delay.
    Either,
}

/// The moment that `value` names.
pub(super) fn moment(value: &Value, reading: Reading, now: Timestamp) -> Option<Timestamp> {
    match value {
        Value::Number(number) => bare(thousandths(number)?, reading, now),
        Value::String(text) => written(&text.to_ascii_lowercase(), reading, now),
        _ => None,
    }
}

/// The moment that `text` names.
pub(super) fn written(text: &str, reading: Reading, now: Timestamp) -> Option<Timestamp> {
    let text = text.trim();
    match number(text) {
        Some((amount, "")) => bare(amount, reading, now),
        _ if matches!(reading, Reading::Moment) => date(text, 0),
        _ => duration(text).map(|millis| later(now, millis)).or_else(|| date(text, 0)),
    }
}

/// The moment `millis` milliseconds after `now`.
pub(super) fn later(now: Timestamp, millis: u64) -> Timestamp {
    now.saturating_add(std::time::Duration::from_millis(millis))
}

/// The milliseconds in words such as `1h2m3.5s`, `2h 5m`, `4 days 20 hours`; a bare number is
/// seconds. What follows is ignored.
pub(super) fn duration(text: &str) -> Option<u64> {
    let (mut total, mut rest) = (None, text);
    while let Some((amount, after)) = number(rest) {
        let (word, tail) = split_where(after.trim_start_matches(' '), |char| !char.is_ascii_alphabetic());
        rest = match (unit(word), total) {
            (Some(millis), _) => {
                let part = amount.saturating_mul(millis).div_ceil(1000);
                total = Some(part.saturating_add(total.unwrap_or(0)));
                tail
            }
            (None, None) if word.is_empty() && !tail.starts_with([':', '-', '/']) => return Some(amount),
            (None, _) => break,
        };
        rest = rest.trim_start_matches([' ', ',']);
        rest = rest.strip_prefix("and ").unwrap_or(rest);
    }
    total
}

/// The moment of a date: ISO 8601 (RFC 3339, and with less), or one of HTTP's three forms (RFC 9110,
/// section 5.6.7). A date without a zone is `zone` minutes ahead of UTC.
pub(super) fn date(text: &str, zone: i64) -> Option<Timestamp> {
    iso_date(text, zone).or_else(|| http_date(text))
}

/// What a bare number means, in thousandths.
fn bare(amount: u64, reading: Reading, now: Timestamp) -> Option<Timestamp> {
    const SECONDS_SINCE_1970: u64 = 1_000_000_000_000;
    const MILLIS_SINCE_1970: u64 = 1_000_000_000_000_000;
    let since_1970 = |millis| Some(Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX)));
    match reading {
        Reading::DelayMs => Some(later(now, amount.div_ceil(1000))),
        Reading::Moment | Reading::Either if amount >= MILLIS_SINCE_1970 => since_1970(amount.div_ceil(1000)),
        Reading::Moment => since_1970(amount),
        Reading::Either if amount >= SECONDS_SINCE_1970 => since_1970(amount),
        Reading::Delay | Reading::Either => Some(later(now, amount)),
    }
}

/// The number that `text` begins with, in thousandths rounded up, and what follows it.
pub(super) fn number(text: &str) -> Option<(u64, &str)> {
    let (whole, rest) = split_where(text, |char| !char.is_ascii_digit());
    let (fraction, after) = match rest.strip_prefix('.') {
        Some(rest) => split_where(rest, |char| !char.is_ascii_digit()),
        None => ("", rest),
    };
    let mut amount = digits(whole)?.saturating_mul(1000);
    for (digit, weight) in fraction.bytes().zip([100, 10, 1]) {
        amount = amount.saturating_add(u64::from(digit.saturating_sub(b'0')).saturating_mul(weight));
    }
    let has_more = fraction.bytes().skip(3).any(|digit| digit != b'0');
    let rest = if fraction.is_empty() { rest } else { after };
    Some((amount.saturating_add(u64::from(has_more)), rest))
}

fn thousandths(number: &Number) -> Option<u64> {
    if let Some(whole) = number.as_u64() {
        return Some(whole.saturating_mul(1000));
    }
    let amount = number.as_f64().filter(|amount| *amount >= 0.0)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is not negative, and beyond u64 it becomes its end"
    )]
    Some((amount * 1000.0).ceil() as u64)
}

fn unit(word: &str) -> Option<u64> {
    const UNITS: [(&[&str], u64); 5] = [
        (&["ms", "msec", "msecs", "millis", "millisecond", "milliseconds"], 1),
        (&["s", "sec", "secs", "second", "seconds"], 1000),
        (&["m", "min", "mins", "minute", "minutes"], 60_000),
        (&["h", "hr", "hrs", "hour", "hours"], 3_600_000),
        (&["d", "day", "days"], 86_400_000),
    ];
    UNITS.iter().find(|(words, _)| words.contains(&word)).map(|(_, millis)| *millis)
}

/// `2026-04-01t00:00:00.5z`, `2026-04-01 05:38:28 +08:00`, `2026-04-01 at 00:00 utc`, `2026-04-01`.
fn iso_date(text: &str, zone: i64) -> Option<Timestamp> {
    let (day, rest) = text.split_at_checked("2026-04-01".len())?;
    let mut fields = day.split('-').map(digits);
    let (year, month, day) = (fields.next()??, fields.next()??, fields.next()??);
    let rest = rest.trim_start_matches('t').trim_start();
    let rest = rest.strip_prefix("at ").unwrap_or(rest);
    let (clock, rest) = split_where(rest, |char| !char.is_ascii_digit() && !matches!(char, ':' | '.'));
    let zone = offset(rest.trim_start()).unwrap_or(zone);
    millis_of([year, month, day], clock.trim_end_matches('.'), zone)
}

/// `sun, 06 nov 1994 08:49:37 gmt`, `sunday, 06-nov-94 08:49:37 gmt`, `sun nov  6 08:49:37 1994`.
fn http_date(text: &str) -> Option<Timestamp> {
    let mut words = text.split([' ', '-', ',']).filter(|word| !word.is_empty()).skip(1);
    let (first, second, third, fourth) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let (day, month, year, clock) = match digits(first) {
        Some(day) => (day, second, third, fourth),
        None => (digits(second)?, first, fourth, third),
    };
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let month = MONTHS.into_iter().zip(1_u64..).find(|(name, _)| *name == month)?.1;
    let year = match (digits(year)?, year.len()) {
        (year, 2) if year >= 69 => year.saturating_add(1900),
        (year, 2) => year.saturating_add(2000),
        (year, _) => year,
    };
    millis_of([year, month, day], clock, 0)
}

/// The moment of year, month, day and a clock such as `08:49:37.5`, `zone` minutes ahead of UTC.
fn millis_of([year, month, day]: [u64; 3], clock: &str, zone: i64) -> Option<Timestamp> {
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date = Date::from_calendar_date(i32::try_from(year).ok()?, month, u8::try_from(day).ok()?).ok()?;
    let mut seconds = date.midnight().assume_utc().unix_timestamp();
    let mut millis = 0;
    for (field, (unit, end)) in clock.split(':').zip([(3600, 24), (60, 60), (1, 61)]) {
        let amount = if clock.is_empty() { 0 } else { i64::try_from(number(field)?.0).ok()? };
        let whole = amount.checked_div(1000).filter(|whole| *whole < end)?;
        seconds = seconds.saturating_add(whole.saturating_mul(unit));
        millis = amount.checked_rem(1000)?;
    }
    let seconds = seconds.saturating_sub(zone.saturating_mul(60));
    Some(Timestamp::from_millis(seconds.saturating_mul(1000).saturating_add(millis)))
}

/// How many minutes a zone is ahead of UTC: `z`, `utc`, `gmt`, `+08:00`, `-0330`.
fn offset(zone: &str) -> Option<i64> {
    if ["z", "utc", "gmt"].iter().any(|name| zone.starts_with(name)) {
        return Some(0);
    }
    let (sign, rest) = match zone.strip_prefix('+') {
        Some(rest) => (1_i64, rest),
        None => (-1, zone.strip_prefix('-')?),
    };
    let (hours, rest) = rest.split_at_checked(2)?;
    let (minutes, _) = rest.trim_start_matches(':').split_at_checked(2).unwrap_or(("00", ""));
    let [hours, minutes] = [hours, minutes].map(|part| digits(part).and_then(|part| i64::try_from(part).ok()));
    Some(hours?.saturating_mul(60).saturating_add(minutes?).saturating_mul(sign))
}

/// The whole of `text` as a number that ends at the largest.
fn digits(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

fn split_where(text: &str, is_end: fn(char) -> bool) -> (&str, &str) {
    text.split_at_checked(text.find(is_end).unwrap_or(text.len())).unwrap_or((text, ""))
}
