//! Where an answer says when its failure is over.

use super::{
    FailureKind, Hint, HintSource,
    evidence::Evidence,
    when::{self, Reading},
};
use crate::time::Timestamp;

/// When the provider says that the failure is over. What lies in the past says nothing.
///
/// How long to wait is said with any failure; when a limit resets means something to a limit alone;
/// and what a message promises is believed where waiting can help at all.
pub(super) fn hint(evidence: &Evidence<'_>, kind: FailureKind, now: Timestamp) -> Option<Hint> {
    let is_limit = matches!(kind, FailureKind::RateLimited | FailureKind::Quota);
    let can_pass = is_limit || matches!(kind, FailureKind::Transient | FailureKind::Unknown);
    let search = Search { evidence, now };
    search
        .retry_after()
        .or_else(|| search.windows(true).filter(|_| is_limit))
        .or_else(|| search.fields().filter(|_| can_pass))
        .or_else(|| search.words().filter(|_| can_pass))
        .or_else(|| search.windows(false).filter(|_| kind == FailureKind::RateLimited))
}

/// Body fields that say when a failure is over.
pub(super) struct Field {
    /// In lower case, without underscores.
    pub(super) names: &'static [&'static str],
    reading: Reading,
    source: HintSource,
}

/// All of them, the most trusted first.
pub(super) const FIELDS: [Field; 6] = [
    Field { names: &["quotaresetdelay"], reading: Reading::Delay, source: HintSource::QuotaResetDelay },
    Field { names: &["quotaresettimestamp"], reading: Reading::Moment, source: HintSource::QuotaResetDelay },
    Field { names: &["retrydelay"], reading: Reading::Delay, source: HintSource::RetryDelay },
    Field {
        names: &["resetsat", "resetat", "retryuntil", "resettime", "retryat"],
        reading: Reading::Moment,
        source: HintSource::BodyField,
    },
    Field { names: &["retryafterms"], reading: Reading::DelayMs, source: HintSource::BodyField },
    Field {
        names: &["resetsinseconds", "resetinseconds", "retryafter", "retryafterseconds", "retryin", "resetsin"],
        reading: Reading::Delay,
        source: HintSource::BodyField,
    },
];

/// Words that a duration or a date follows, the clearest first.
const WORDS: [&str; 22] = [
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
];

/// What may stand between such words and what follows them.
const FILLERS: [&str; 4] = ["about ", "approximately ", "another ", "up to "];

/// Pools whose dates without a zone are of another one than UTC, in minutes ahead of it. Z.AI writes
/// Beijing's time ("Error codes", 1308: seen in its answers).
const ZONES: [(&str, i64); 1] = [("zai", 480)];

/// Windows that `reset` in a header's name does not tell of: what is spent above a plan, and how
/// slow an answer may be.
const OTHER_WINDOWS: [&str; 3] = ["-overage-", "-fallback-", "-budget-"];

struct Search<'a> {
    evidence: &'a Evidence<'a>,
    now: Timestamp,
}

impl Search<'_> {
    fn retry_after(&self) -> Option<Hint> {
        const HEADERS: [(&str, Reading, HintSource); 2] = [
            ("retry-after-ms", Reading::DelayMs, HintSource::RetryAfterMs),
            ("retry-after", Reading::Delay, HintSource::RetryAfter),
        ];
        HEADERS.into_iter().find_map(|(name, reading, source)| {
            self.hint(when::written(self.evidence.header(name)?, reading, self.now)?, source)
        })
    }

    /// The latest reset of the windows that are spent, or that do not say; else of those that are not.
    ///
    /// All limits hold at once, so the last to reset decides.
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
            self.hint(when::written(value, Reading::Either, self.now)?, source)
        });
        hints.max_by_key(|hint| hint.until)
    }

    /// Whether nothing is left in the window of this `reset` header, by the headers named like it.
    fn is_spent(&self, reset: &str) -> bool {
        let (before, after) = reset.split_once("reset").unwrap_or((reset, ""));
        let like = |word| self.evidence.header(&format!("{before}{word}{after}"));
        match (like("remaining"), like("status")) {
            (Some(remaining), _) => {
                remaining.starts_with('-') || when::number(remaining).is_none_or(|(left, _)| left == 0)
            }
            (None, Some(status)) => status == "rejected",
            (None, None) => true,
        }
    }

    fn fields(&self) -> Option<Hint> {
        FIELDS.iter().enumerate().find_map(|(row, field)| {
            let values = self.evidence.fields.iter().filter(|(of, _)| *of == row);
            let moments = values.filter_map(|(_, value)| when::moment(value, field.reading, self.now));
            moments.filter_map(|until| self.hint(until, field.source)).max_by_key(|hint| hint.until)
        })
    }

    fn words(&self) -> Option<Hint> {
        let texts = [self.evidence.text.as_str(), self.evidence.upstream.as_str()];
        texts.into_iter().find_map(|text| WORDS.iter().find_map(|words| self.after(words, text)))
    }

    fn after(&self, words: &str, text: &str) -> Option<Hint> {
        let zone = ZONES.iter().find(|(pool, _)| *pool == self.evidence.pool).map_or(0, |(_, zone)| *zone);
        text.match_indices(words).find_map(|(at, _)| {
            let rest = text.get(at.saturating_add(words.len())..)?.trim_start_matches([' ', ':', '=', '"', '\'', '~']);
            let rest = FILLERS.iter().find_map(|filler| rest.strip_prefix(filler)).unwrap_or(rest);
            let until = when::duration(rest).map(|millis| when::later(self.now, millis));
            self.hint(until.or_else(|| when::date(rest, zone))?, HintSource::Text)
        })
    }

    fn hint(&self, until: Timestamp, source: HintSource) -> Option<Hint> {
        (until >= self.now).then_some(Hint { until, source })
    }
}
