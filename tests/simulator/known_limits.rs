//! Limits that the pool knows of: the limits of each credential that earlier answers of the provider reported.

use std::collections::BTreeMap;

use crate::{
    clock::{MINUTE, SECOND},
    provider::{Limit, Provider, SLOWEST},
};

/// Limits that answers reported and no later success refuted, by account, limit and, for a forbidden model, the model.
#[derive(Default)]
pub struct KnownLimits {
    limits: BTreeMap<(usize, Limit, Option<&'static str>), Observation>,
    /// Outage of the provider that no later answer refuted.
    outage: Option<KnownOutage>,
}

struct KnownOutage {
    /// When the latest failed attempt was sent, and when its answer reached the pool.
    judged: i64,
    last: i64,
}

#[derive(Debug)]
struct Observation {
    /// When the latest limited request was sent, which is when the provider judged it.
    judged: i64,
    /// When the first and the latest answer reached the pool.
    first: i64,
    last: i64,
    /// End of the limit by the latest answer; `None` without a hint.
    until: Option<i64>,
}

/// Time after a failure of the provider for which an outage is taken to last: until the next attempt that must find out,
/// and its answer.
const ASSUMED_OUTAGE_TIME: i64 = 10 * SECOND + SLOWEST;
/// Time for which a quota without a hint is taken as used up.
const ASSUMED_QUOTA_TIME: i64 = 15 * MINUTE;
/// Shortest time for which a rate limit without a hint is taken as in force.
const ASSUMED_RATE_TIME: i64 = MINUTE;

impl KnownLimits {
    /// Records a limit that an answer reported.
    pub fn record_limit(
        &mut self,
        account: usize,
        limit: Limit,
        model: &'static str,
        sent: i64,
        now: i64,
        until: Option<i64>,
    ) {
        self.end_outage(sent);
        let seen = self.limits.entry(key(account, limit, model)).or_insert(Observation {
            judged: sent,
            first: now,
            last: now,
            until,
        });
        if sent >= seen.judged {
            *seen = Observation { judged: sent, first: seen.first, last: now, until };
        }
    }

    /// Records a failure of the provider itself.
    pub fn record_outage(&mut self, sent: i64, now: i64) {
        self.outage = Some(KnownOutage { judged: sent, last: now });
    }

    fn end_outage(&mut self, sent: i64) {
        self.outage.take_if(|outage| outage.judged < sent);
    }

    /// Records a success, which refutes the limits that were judged before it.
    pub fn record_success(&mut self, provider: &Provider, account: usize, model: &'static str, sent: i64) {
        self.end_outage(sent);
        let meters = &provider.accounts[account].meters;
        self.limits.retain(|(of, limit, of_model), seen| {
            let is_refuted = || match limit {
                Limit::Revoked => true,
                Limit::Forbidden => *of_model == Some(model),
                Limit::Meter(number) => meters[*number].counts(model),
            };
            *of != account || seen.judged >= sent || !is_refuted()
        });
    }

    /// Returns whether a request that is sent now meets a limit that the pool knows of and that has not ended since.
    pub fn is_known(&self, provider: &Provider, account: usize, limit: Limit, model: &'static str, now: i64) -> bool {
        self.limits
            .get(&key(account, limit, model))
            .is_some_and(|seen| seen.last <= now && !provider.has_ended(account, limit, seen.judged, now))
    }

    /// Returns whether the known limits justify not using the account for the model.
    ///
    /// A limit with a hint does until its end. A rate limit without a hint does for a minute, or for twice the time
    /// for which it has lasted so far; a quota for a quarter of an hour: only a request can find out more, and
    /// providers limit clients that send more often. While an attempt with the account is in flight, the answer is open.
    /// An outage rules every account out until an attempt shows its end, which must be sent soon.
    pub fn rules_out(&self, provider: &Provider, account: usize, model: &str, at: i64) -> bool {
        if self.outage.as_ref().is_some_and(|outage| at < outage.last + ASSUMED_OUTAGE_TIME) {
            return true;
        }
        let truth = &provider.accounts[account];
        let limits = self.limits.range((account, Limit::Revoked, None)..(account + 1, Limit::Revoked, None));
        limits.into_iter().any(|((_, limit, of_model), seen)| {
            let (holds, is_quota) = match limit {
                Limit::Revoked => (true, false),
                Limit::Forbidden => (*of_model == Some(model), false),
                Limit::Meter(number) => (truth.meters[*number].counts(model), truth.meters[*number].is_quota),
            };
            let ends = match (limit, seen.until) {
                (Limit::Revoked | Limit::Forbidden, _) => i64::MAX,
                // Most headers have a resolution of one second.
                (_, Some(until)) => until + SECOND,
                (_, None) if is_quota => seen.last + ASSUMED_QUOTA_TIME,
                (_, None) => seen.last + ASSUMED_RATE_TIME.max(2 * (seen.last - seen.first)),
            };
            holds && (at < ends || !truth.in_flight.is_empty())
        })
    }
}

fn key(account: usize, limit: Limit, model: &'static str) -> (usize, Limit, Option<&'static str>) {
    (account, limit, (limit == Limit::Forbidden).then_some(model))
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
    fn a_limit_is_known_until_it_ends_and_rules_its_account_out_until_the_hint() {
        let meter = Meter::window(1, 10_000, Kind::Fixed { offset: 0, refills: vec![] });
        let accounts = vec![Account::new(Hints::None, vec![meter])];
        let provider = Provider { style: Style::OpenAi, accounts, outages: vec![] };
        let window = Limit::Meter(0);
        let mut known = KnownLimits::default();
        assert!(!known.is_known(&provider, 0, window, "m1", 1_000));
        known.record_limit(0, window, "m1", 1_000, 1_200, Some(10_000));
        assert!(known.is_known(&provider, 0, window, "m1", 9_999));
        assert!(!known.is_known(&provider, 0, window, "m1", 10_000));
        assert!(known.rules_out(&provider, 0, "m1", 10_999) && !known.rules_out(&provider, 0, "m1", 11_000));

        known.record_limit(0, window, "m1", 11_000, 11_200, None);
        assert!(known.rules_out(&provider, 0, "m1", 71_199) && !known.rules_out(&provider, 0, "m1", 71_200));
        known.record_limit(0, window, "m1", 101_000, 101_200, None);
        assert!(known.rules_out(&provider, 0, "m1", 301_199), "the limit lasted 100 s, so 200 s are assumed");
        known.record_success(&provider, 0, "m2", 100_000);
        assert!(known.rules_out(&provider, 0, "m1", 102_000), "a success sent before the limit refutes nothing");
        known.record_success(&provider, 0, "m2", 110_000);
        assert!(!known.rules_out(&provider, 0, "m1", 110_500));
    }
}
