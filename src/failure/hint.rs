//! The moment at which a failure is over, by the answer: headers, body fields, text.

use super::{
    diagnosis::{Hint, HintSource},
    evidence::Evidence,
    hint_fields::HINT_FIELDS,
    kind::FailureKind,
};
use crate::time::{
    Timestamp, clock_time, date, duration,
    moment::{self, Reading},
    number,
};

/// Returns the moment at which the provider says that the failure is over; `None` if the answer names none. A moment in
/// the past is no hint.
///
/// A wait is read with any failure. A reset of a limit is read with a failure of a limit alone. Body fields and text are
/// read where waiting can help at all.
pub(super) fn hint(evidence: &Evidence<'_>, kind: FailureKind, now: Timestamp) -> Option<Hint> {
    let is_limit = matches!(kind, FailureKind::RateLimited | FailureKind::Quota);
    let can_pass = is_limit || matches!(kind, FailureKind::Transient | FailureKind::Unknown);
    let search = Search { evidence, now };
    search
        .retry_after()
        .or_else(|| search.windows(true).filter(|_| is_limit))
        .or_else(|| search.fields().filter(|_| can_pass))
        .or_else(|| search.text().filter(|_| can_pass))
        .or_else(|| search.windows(false).filter(|_| kind == FailureKind::RateLimited))
}

/// Phrases before a duration or a date, the clearest first.
const PHRASES: [&str; 40] = [
    "quotaresetdelay",
    "retry after",
    "retry_after",
    "retry in",
    "try again in",
    "try again after",
    "resets_in_seconds",
    "resets in",
    "reset in",
    "resets after",
    "reset after",
    "available in",
    "available again in",
    "wait ",
    "wait for",
    "regain access on",
    "resets at",
    "reset at",
    "resets on",
    "reset on",
    "try again at",
    "available at",
    "resets ",
    "reset on",
    "renews on",
    "renews at",
    "renews in",
    "try again on",
    "until ",
    "ends on",
    "available on",
    "reached|",
    "将在",
    "将于",
    "请在",
    "请于",
    "请等待",
    "重置时间",
    "恢复时间",
    "请",
];

/// Words between such a phrase and its duration.
const FILLERS: [&str; 5] = ["about ", "approximately ", "another ", "up to ", "at "];

/// Parts of header names whose `reset` is of no rate limit: spending above a plan, and the time that an answer may
/// take.
const OTHER_WINDOWS: [&str; 3] = ["-overage-", "-fallback-", "-budget-"];

struct Search<'a> {
    evidence: &'a Evidence<'a>,
    now: Timestamp,
}

impl Search<'_> {
    fn retry_after(&self) -> Option<Hint> {
        const HEADERS: [(&str, Reading, HintSource); 2] = [
            ("retry-after-ms", Reading::DelayMs, HintSource::RetryAfterMs),
            ("retry-after", Reading::Either, HintSource::RetryAfter),
        ];
        HEADERS.into_iter().find_map(|(name, reading, source)| {
            self.hint(moment::of_text(self.evidence.header(name)?, reading, self.now)?, source)
        })
    }

    /// Returns the latest reset of all windows that are spent (`spent`) or that are not. A window without a header of
    /// what remains counts as spent.
    ///
    /// All limits hold at once, so the last reset decides.
    fn windows(&self, spent: bool) -> Option<Hint> {
        let headers = self.evidence.headers.iter();
        let resets = headers.filter(|(name, _)| {
            name.contains("ratelimit")
                && name.contains("reset")
                && !OTHER_WINDOWS.iter().any(|part| name.contains(part))
        });
        let hints = resets.filter(|(name, _)| self.is_spent(name) == spent).filter_map(|(name, value)| {
            let source = match name.starts_with("anthropic-") {
                true => HintSource::AnthropicReset,
                false => HintSource::RateLimitReset,
            };
            self.hint(moment::of_text(value, Reading::Either, self.now)?, source)
        });
        hints.max_by_key(|hint| hint.until)
    }

    /// Returns whether nothing remains in the window of this `reset` header, by the headers named like it.
    fn is_spent(&self, reset: &str) -> bool {
        let (before, after) = reset.split_once("reset").unwrap_or((reset, ""));
        let like = |word| self.evidence.header(&format!("{before}{word}{after}"));
        match (like("remaining"), like("status")) {
            (Some(remaining), _) => {
                remaining.starts_with('-') || number::leading(remaining).is_none_or(|(left, _)| left == 0)
            }
            (None, Some(status)) => status == "rejected",
            (None, None) => true,
        }
    }

    fn fields(&self) -> Option<Hint> {
        HINT_FIELDS.iter().enumerate().find_map(|(row, field)| {
            let values = self.evidence.fields.iter().filter(|(of, _)| *of == row);
            let moments = values.filter_map(|(_, value)| moment::of_value(value, field.reading, self.now));
            moments.filter_map(|until| self.hint(until, field.source)).max_by_key(|hint| hint.until)
        })
    }

    fn text(&self) -> Option<Hint> {
        let texts = [self.evidence.text.as_str(), self.evidence.upstream.as_str()];
        texts.into_iter().find_map(|text| PHRASES.iter().find_map(|phrase| self.after(phrase, text)))
    }

    fn after(&self, phrase: &str, text: &str) -> Option<Hint> {
        text.match_indices(phrase).find_map(|(at, _)| {
            let rest = text.get(at.saturating_add(phrase.len())..)?;
            let rest = rest.trim_start_matches([' ', ':', '：', '=', '"', '\'', '~']);
            let rest = FILLERS.iter().find_map(|filler| rest.strip_prefix(filler)).unwrap_or(rest);
            let zone = self.evidence.zone_minutes();
            let until = moment::since_1970(rest)
                .or_else(|| clock_time::next(rest, self.now))
                .or_else(|| duration::millis(rest).map(|millis| moment::after(self.now, millis)))
                .or_else(|| date::parse(rest, zone));
            self.hint(until?, HintSource::Text)
        })
    }

    fn hint(&self, until: Timestamp, source: HintSource) -> Option<Hint> {
        (until >= self.now).then_some(Hint { until, source })
    }
}
