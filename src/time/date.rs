//! Dates as programs write them: ISO 8601 (RFC 3339, and shorter forms) and the three forms of HTTP (RFC 9110,
//! section 5.6.7).

use time::{Date, Month};

use super::{
    number::{digits, leading, split_where},
    timestamp::Timestamp,
};

/// Returns the moment of a date in lower case; `None` if the text begins with no date. A date without a zone is `zone`
/// minutes ahead of UTC.
pub(crate) fn parse(text: &str, zone: i64) -> Option<Timestamp> {
    iso_date(text, zone).or_else(|| http_date(text)).or_else(|| named_month(text, zone))
}

/// Returns the moment of a date in any case; `None` if the text begins with no date. A date without a zone is in UTC.
pub(crate) fn parse_utc(text: &str) -> Option<Timestamp> {
    parse(&text.trim().to_ascii_lowercase(), 0)
}

/// Reads `2026-04-01t00:00:00.5z`, `2026-04-01 05:38:28 +08:00`, `2026-04-01 at 00:00 utc`, `2026-04-01`.
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

/// Reads `sun, 06 nov 1994 08:49:37 gmt`, `sunday, 06-nov-94 08:49:37 gmt`, `sun nov  6 08:49:37 1994`.
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

/// Reads `aug 20th, 2026 11:50 am`, `august 20, 2026 at 11:50`, `20 aug 2026`.
fn named_month(text: &str, zone: i64) -> Option<Timestamp> {
    let mut words = text.split([' ', ',']).filter(|word| !word.is_empty());
    let (first, second, year) = (words.next()?, words.next()?, words.next()?);
    let (month, day) = month(first).map(|month| (month, second)).or_else(|| Some((month(second)?, first)))?;
    let (day, ending) = split_where(day, |char| !char.is_ascii_digit());
    if !matches!(ending, "" | "st" | "nd" | "rd" | "th") {
        return None;
    }
    let (year, _) = split_where(year, |char| !char.is_ascii_digit());
    let (day, year) = (digits(day)?, digits(year).filter(|_| year.len() == 4)?);
    let mut clock = words.next().unwrap_or_default();
    if clock == "at" {
        clock = words.next().unwrap_or_default();
    }
    let after = words.next().unwrap_or_default();
    let (time, glued) = split_where(clock, |char| !char.is_ascii_digit() && char != ':');
    let half = if glued.is_empty() { after } else { glued }.trim_end_matches(['.', ')']);
    let midnight = millis_of([year, month, day], "", zone)?;
    match (time.is_empty(), half) {
        (true, _) => Some(midnight),
        (false, "am" | "pm") => {
            let minutes = clock_minutes(time, half)?;
            Some(midnight.saturating_add(std::time::Duration::from_secs(minutes.saturating_mul(60))))
        }
        (false, _) => millis_of([year, month, day], time, offset(after).unwrap_or(zone)),
    }
}

/// Returns the minutes since midnight of a clock such as `11:50`, `am` or `pm`.
pub(super) fn clock_minutes(clock: &str, half: &str) -> Option<u64> {
    let (hour, minute) = clock.split_once(':').unwrap_or((clock, "0"));
    let hour = digits(hour).filter(|hour| (1..=12).contains(hour))?.checked_rem(12)?;
    let minute = digits(minute.split(':').next()?).filter(|minute| *minute < 60)?;
    let hour = if half == "pm" { hour.saturating_add(12) } else { hour };
    Some(hour.saturating_mul(60).saturating_add(minute))
}

/// Returns the number of a month by its name or the first letters of it.
fn month(name: &str) -> Option<u64> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let name = name.trim_end_matches('.');
    MONTHS
        .into_iter()
        .zip(1_u64..)
        .find(|(month, _)| name.len() >= 3 && month.starts_with(name))
        .map(|(_, number)| number)
}

/// Returns the moment of year, month, day and a clock such as `08:49:37.5`, `zone` minutes ahead of UTC.
fn millis_of([year, month, day]: [u64; 3], clock: &str, zone: i64) -> Option<Timestamp> {
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date = Date::from_calendar_date(i32::try_from(year).ok()?, month, u8::try_from(day).ok()?).ok()?;
    let mut seconds = date.midnight().assume_utc().unix_timestamp();
    let mut millis = 0;
    for (field, (unit, end)) in clock.split(':').zip([(3600, 24), (60, 60), (1, 61)]) {
        let amount = if clock.is_empty() { 0 } else { i64::try_from(leading(field)?.0).ok()? };
        let whole = amount.checked_div(1000).filter(|whole| *whole < end)?;
        seconds = seconds.saturating_add(whole.saturating_mul(unit));
        millis = amount.checked_rem(1000)?;
    }
    let seconds = seconds.saturating_sub(zone.saturating_mul(60));
    Some(Timestamp::from_millis(seconds.saturating_mul(1000).saturating_add(millis)))
}

/// Returns how many minutes a zone is ahead of UTC: `z`, `utc`, `gmt`, `+08:00`, `-0330`.
pub(super) fn offset(zone: &str) -> Option<i64> {
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
