//! Values that name a moment: a number, a duration from now, or a date.

use std::time::Duration;

use serde_json::Value;

use super::{
    date, duration,
    number::{digits, leading, split_where, thousandths},
    timestamp::Timestamp,
};

/// How a value names a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// A duration; a bare number counts seconds.
    Delay,
    /// A duration; a bare number counts milliseconds, above 1e12 since the Unix epoch.
    DelayMs,
    /// A date; a bare number counts seconds since the Unix epoch, or milliseconds above 1e12.
    Moment,
    /// A duration or a date; a bare number is a [`Self::Moment`] above 1e9, else a [`Self::Delay`].
    Either,
}

/// Returns the moment that a JSON value names; `None` if the value names no moment.
pub(crate) fn of_value(value: &Value, reading: Reading, now: Timestamp) -> Option<Timestamp> {
    match value {
        Value::Number(number) => bare(thousandths(number)?, reading, now),
        Value::String(text) => of_text(&text.to_ascii_lowercase(), reading, now),
        _ => None,
    }
}

/// Returns the moment that text in lower case names; `None` if the text names no moment.
pub(crate) fn of_text(text: &str, reading: Reading, now: Timestamp) -> Option<Timestamp> {
    let text = text.trim();
    match leading(text) {
        Some((amount, "")) => bare(amount, reading, now),
        _ if matches!(reading, Reading::Moment) => date::parse(text, 0),
        _ => duration::millis(text).map(|millis| after(now, millis)).or_else(|| date::parse(text, 0)),
    }
}

/// Returns the moment that text begins with as seconds or milliseconds since the Unix epoch, of ten or thirteen digits.
pub(crate) fn since_1970(text: &str) -> Option<Timestamp> {
    let (number, _) = split_where(text, |char| !char.is_ascii_digit());
    let amount = i64::try_from(digits(number)?).ok()?;
    match number.len() {
        10 => Some(Timestamp::from_millis(amount.saturating_mul(1000))),
        13 => Some(Timestamp::from_millis(amount)),
        _ => None,
    }
}

/// Returns the moment `millis` milliseconds after `now`.
pub(crate) fn after(now: Timestamp, millis: u64) -> Timestamp {
    now.saturating_add(Duration::from_millis(millis))
}

/// Returns the moment of a bare number, given in thousandths.
fn bare(amount: u64, reading: Reading, now: Timestamp) -> Option<Timestamp> {
    const SECONDS_SINCE_1970: u64 = 1_000_000_000_000;
    const MILLIS_SINCE_1970: u64 = 1_000_000_000_000_000;
    let since_1970 = |millis| Some(Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX)));
    match reading {
        Reading::DelayMs if amount < MILLIS_SINCE_1970 => Some(after(now, amount.div_ceil(1000))),
        Reading::DelayMs => since_1970(amount.div_ceil(1000)),
        Reading::Moment | Reading::Either if amount >= MILLIS_SINCE_1970 => since_1970(amount.div_ceil(1000)),
        Reading::Moment => since_1970(amount),
        Reading::Either if amount >= SECONDS_SINCE_1970 => since_1970(amount),
        Reading::Delay | Reading::Either => Some(after(now, amount)),
    }
}
