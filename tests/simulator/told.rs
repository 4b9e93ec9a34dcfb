//! What the pool has been told of the truth, and so could know.

use std::collections::BTreeMap;

use crate::{
    clock::{MINUTE, SECOND},
    provider::{Limit, Provider},
};

/// Limits that providers told of, and that no later success took back.
#[derive(Default)]
pub struct Told(BTreeMap<(usize, Limit, Option<&'static str>), Word>);

#[derive(Debug)]
struct Word {
    /// When the provider judged the last request.
    judged: i64,
    /// When the pool heard of it first, and last.
    first: i64,
    last: i64,
    /// Until when it holds, by the last answer.
    until: Option<i64>,
}

/// How long a used-up quota may be left alone that does not say when it is back.
const QUOTA_STANDS: i64 = 15 * MINUTE;
/// The same for a rate limit, at the least.
const RATE_STANDS: i64 = MINUTE;

impl Told {
    /// The pool hears of a limit.
    pub fn limited(
        &mut self,
        account: usize,
        limit: Limit,
        model: &'static str,
        sent: i64,
        now: i64,
        until: Option<i64>,
    ) {
        let word =
            self.0.entry(key(account, limit, model)).or_insert(Word { judged: sent, first: now, last: now, until });
        if sent >= word.judged {
            *word = Word { judged: sent, first: word.first, last: now, until };
        }
    }

    /// The pool hears of a success, which was judged after what it takes back.
    pub fn served(&mut self, provider: &Provider, account: usize, model: &'static str, sent: i64) {
        let meters = &provider.accounts[account].meters;
        self.0.retain(|(of, limit, of_model), word| {
            let is_refuted = || match limit {
                Limit::Revoked => true,
                Limit::Barred => *of_model == Some(model),
                Limit::Meter(number) => meters[*number].counts(model),
            };
            *of != account || word.judged >= sent || !is_refuted()
        });
    }

    /// Whether a request that is sent now meets a limit that the pool was told of and that has not ended since.
    pub fn knew(&self, provider: &Provider, account: usize, limit: Limit, model: &'static str, now: i64) -> bool {
        self.0
            .get(&key(account, limit, model))
            .is_some_and(|word| word.last <= now && !provider.has_ended(account, limit, word.judged, now))
    }

    /// Whether what the provider said is a reason to leave the account alone.
    ///
    /// A limit that says until when is one until then. A rate limit that does not is one for a minute, or for twice
    /// as long as it is known to last; a quota for a quarter of an hour: only a request can find out more, and
    /// trying more often is what providers limit for. And while a request is finding out, its answer cannot be known.
    pub fn speaks_against(&self, provider: &Provider, account: usize, model: &str, at: i64) -> bool {
        let truth = &provider.accounts[account];
        let words = self.0.range((account, Limit::Revoked, None)..(account + 1, Limit::Revoked, None));
        words.into_iter().any(|((_, limit, of_model), word)| {
            let (holds, is_quota) = match limit {
                Limit::Revoked => (true, false),
                Limit::Barred => (*of_model == Some(model), false),
                Limit::Meter(number) => (truth.meters[*number].counts(model), truth.meters[*number].is_quota),
            };
            let ends = match (limit, word.until) {
                (Limit::Revoked | Limit::Barred, _) => i64::MAX,
                // Most headers tell whole seconds.
                (_, Some(until)) => until + SECOND,
                (_, None) if is_quota => word.last + QUOTA_STANDS,
                (_, None) => word.last + RATE_STANDS.max(2 * (word.last - word.first)),
            };
            holds && (at < ends || !truth.under_way.is_empty())
        })
    }
}

fn key(account: usize, limit: Limit, model: &'static str) -> (usize, Limit, Option<&'static str>) {
    (account, limit, (limit == Limit::Barred).then_some(model))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        answers::{Hints, Style},
        meter::{Kind, Meter},
        provider::Account,
    };

    #[test]
    fn a_limit_is_known_until_it_ends_and_speaks_as_long_as_was_said() {
        let meter = Meter::window(1, 10_000, Kind::Fixed { offset: 0, refills: vec![] });
        let accounts = vec![Account::new(Hints::None, vec![meter])];
        let provider = Provider { style: Style::OpenAi, accounts, outages: vec![] };
        let window = Limit::Meter(0);
        let mut told = Told::default();
        assert!(!told.knew(&provider, 0, window, "m1", 1_000));
        told.limited(0, window, "m1", 1_000, 1_200, Some(10_000));
        assert!(told.knew(&provider, 0, window, "m1", 9_999) && !told.knew(&provider, 0, window, "m1", 10_000));
        assert!(told.speaks_against(&provider, 0, "m1", 10_999) && !told.speaks_against(&provider, 0, "m1", 11_000));

        told.limited(0, window, "m1", 11_000, 11_200, None);
        assert!(told.speaks_against(&provider, 0, "m1", 71_199) && !told.speaks_against(&provider, 0, "m1", 71_200));
        told.limited(0, window, "m1", 101_000, 101_200, None);
        assert!(told.speaks_against(&provider, 0, "m1", 301_199), "it lasted 100 s: 200 s");
        told.served(&provider, 0, "m2", 100_000);
        assert!(told.speaks_against(&provider, 0, "m1", 102_000), "an older success takes nothing back");
        told.served(&provider, 0, "m2", 110_000);
        assert!(!told.speaks_against(&provider, 0, "m1", 110_500));
    }
}
