//! Durations as providers write them. Text is in lower case.

use super::number::{leading, split_where};

/// Returns the milliseconds in text such as `1h2m3.5s`, `2h 5m`, `4 days 20 hours`; a bare number counts as seconds.
/// Text behind the duration is ignored; `None` if `text` begins with no duration.
pub(crate) fn millis(text: &str) -> Option<u64> {
    let (mut total, mut rest) = (None, text);
    while let Some((amount, after)) = leading(rest) {
        let after = after.trim_start_matches(' ');
        let (word, tail) =
            chinese_unit(after).unwrap_or_else(|| split_where(after, |char| !char.is_ascii_alphabetic()));
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

/// Returns the English word of the Chinese unit that `text` begins with, and the text behind it; `None` if it begins with
/// none.
fn chinese_unit(text: &str) -> Option<(&'static str, &str)> {
    const UNITS: [(&str, &str); 10] = [
        ("毫秒", "ms"),
        ("秒", "s"),
        ("分钟", "m"),
        ("分", "m"),
        ("个小时", "h"),
        ("小时", "h"),
        ("天", "d"),
        ("日后", "d"),
        ("周", "w"),
        ("个星期", "w"),
    ];
    UNITS.iter().find_map(|(unit, word)| Some((*word, text.strip_prefix(unit)?)))
}

/// Returns the milliseconds of a unit of time; `None` if the word names no unit.
fn unit(word: &str) -> Option<u64> {
    const UNITS: [(&[&str], u64); 6] = [
        (&["ms", "msec", "msecs", "millis", "millisecond", "milliseconds"], 1),
        (&["s", "sec", "secs", "second", "seconds"], 1000),
        (&["m", "min", "mins", "minute", "minutes"], 60_000),
        (&["h", "hr", "hrs", "hour", "hours"], 3_600_000),
        (&["d", "day", "days"], 86_400_000),
        (&["w", "week", "weeks"], 7 * 86_400_000),
    ];
    UNITS.iter().find(|(words, _)| words.contains(&word)).map(|(_, millis)| *millis)
}
