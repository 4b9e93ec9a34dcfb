//! Body fields that say when a failure is over.

use super::diagnosis::HintSource;
use crate::time::moment::Reading;

/// Body field that says when a failure is over.
pub(super) struct HintField {
    /// Names of the field, in lower case and without underscores.
    pub(super) names: &'static [&'static str],
    /// Meaning of its value.
    pub(super) reading: Reading,
    /// Source of a hint that the field gives.
    pub(super) source: HintSource,
}

/// All such fields, the most trusted first.
pub(super) const HINT_FIELDS: [HintField; 6] = [
    HintField { names: &["quotaresetdelay"], reading: Reading::Delay, source: HintSource::QuotaResetDelay },
    HintField { names: &["quotaresettimestamp"], reading: Reading::Moment, source: HintSource::QuotaResetDelay },
    HintField { names: &["retrydelay"], reading: Reading::Delay, source: HintSource::RetryDelay },
    HintField {
        names: &["resetsat", "resetat", "retryuntil", "resettime", "retryat"],
        reading: Reading::Moment,
        source: HintSource::BodyField,
    },
    HintField { names: &["retryafterms"], reading: Reading::DelayMs, source: HintSource::BodyField },
    HintField {
        names: &["resetsinseconds", "resetinseconds", "retryafter", "retryafterseconds", "retryin", "resetsin"],
        reading: Reading::Either,
        source: HintSource::BodyField,
    },
];

/// Returns the row of the field of this name; `None` if the name is no such field's.
pub(super) fn row_of(name: &str) -> Option<usize> {
    HINT_FIELDS.iter().position(|field| field.names.contains(&name))
}
