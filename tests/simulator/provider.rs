//! The simulated provider: limits of each credential, and the answers to requests.

use credential_pool::Response;

use crate::{
    answers::{Hints, Outage, Style},
    meter::Meter,
    rng::Rng,
};

pub struct Provider {
    pub style: Style,
    pub accounts: Vec<Account>,
    pub outages: Vec<(std::ops::Range<i64>, Outage)>,
}

/// State of a credential at the provider.
pub struct Account {
    pub hints: Hints,
    pub meters: Vec<Meter>,
    pub revoked_at: Option<i64>,
    pub forbidden_model: Option<&'static str>,
    /// Expiry of a login's access token; `None` for keys.
    pub token_ends: Option<i64>,
    /// Models of the requests that have no answer yet.
    pub in_flight: Vec<&'static str>,
}

/// An answer, and the time until the host receives it.
pub struct Answer {
    pub response: Response,
    /// Milliseconds from the request to the answer.
    pub latency: i64,
    pub meaning: Meaning,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    Served,
    /// The credential is limited, until the hint if the answer has one.
    Limited(Limit, Option<i64>),
    /// The provider is out.
    Out,
    /// The token has expired: a refresh repairs the failure.
    Expired,
}

/// Reason why a credential cannot serve a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    Revoked,
    Forbidden,
    /// The account's meter with this index is full.
    Meter(usize),
}

/// Milliseconds after which a host gives up on an answer.
pub const TIMEOUT: i64 = 10_000;
/// Longest latency of an answer, in milliseconds.
pub const SLOWEST: i64 = 2_000;

impl Account {
    pub fn new(hints: Hints, meters: Vec<Meter>) -> Self {
        Self { hints, meters, revoked_at: None, forbidden_model: None, token_ends: None, in_flight: Vec::new() }
    }

    /// Returns the limit that a request for this model meets at a moment; `None` if the request is served.
    fn limit(&self, model: &str, at: i64) -> Option<Limit> {
        if self.revoked_at.is_some_and(|revoked| revoked <= at) {
            return Some(Limit::Revoked);
        }
        if self.forbidden_model == Some(model) {
            return Some(Limit::Forbidden);
        }
        self.meters.iter().position(|meter| meter.counts(model) && !meter.has_room(at)).map(Limit::Meter)
    }
}

impl Provider {
    /// Receives a request at the moment at which it is sent, and returns its answer.
    pub fn receive(&mut self, account: usize, model: &'static str, at: i64, rng: &mut Rng) -> Answer {
        let (slow, quick) = (rng.between(50, SLOWEST), rng.between(40, 300));
        let style = self.style;
        let outage = self.outages.iter().find(|(when, _)| when.contains(&at)).map(|(_, outage)| *outage);
        let account = &mut self.accounts[account];
        account.in_flight.push(model);
        if let Some(outage) = outage {
            let latency = if outage == Outage::Silent { TIMEOUT } else { quick };
            return Answer { response: style.outage(outage), latency, meaning: Meaning::Out };
        }
        let limit = account.limit(model, at);
        if limit != Some(Limit::Revoked) && account.token_ends.is_some_and(|end| end <= at) {
            return Answer { response: style.expired(), latency: quick, meaning: Meaning::Expired };
        }
        let Some(limit) = limit else {
            account.meters.iter_mut().filter(|meter| meter.counts(model)).for_each(|meter| meter.serve(at));
            return Answer { response: style.served(), latency: slow, meaning: Meaning::Served };
        };
        // Hints are relative to the time of the answer.
        let answered_at = at + quick;
        let (response, until) = match limit {
            Limit::Revoked => (style.revoked(), None),
            Limit::Forbidden => (style.forbidden(model), None),
            Limit::Meter(number) => {
                let meter = &account.meters[number];
                let end = meter.end(at).max(answered_at);
                let until = (account.hints != Hints::None).then_some(end);
                match meter.is_quota {
                    true => (style.quota(account.hints, answered_at, end), until),
                    false => (style.rate_limited(meter.model, account.hints, answered_at, end), until),
                }
            }
        };
        Answer { response, latency: quick, meaning: Meaning::Limited(limit, until) }
    }

    /// Ends a request whose answer has arrived, also if its session has crashed.
    pub fn finish(&mut self, account: usize, model: &str) {
        let in_flight = &mut self.accounts[account].in_flight;
        if let Some(place) = in_flight.iter().position(|other| *other == model) {
            in_flight.swap_remove(place);
        }
    }

    /// Returns whether the account would have served a request for the model at every moment from `from` to `to`.
    pub fn would_serve(&self, account: usize, model: &str, from: i64, to: i64) -> bool {
        let account = &self.accounts[account];
        account.revoked_at.is_none_or(|revoked| revoked > to)
            && account.forbidden_model != Some(model)
            && account.token_ends.is_none_or(|end| end > to)
            && !self.outages.iter().any(|(when, _)| when.start <= to && from < when.end)
            && account.meters.iter().all(|meter| !meter.counts(model) || meter.has_room_throughout(from, to))
    }

    /// Returns whether a limit in force at `from` has ended by `to`.
    pub fn has_ended(&self, account: usize, limit: Limit, from: i64, to: i64) -> bool {
        match limit {
            Limit::Revoked | Limit::Forbidden => false,
            Limit::Meter(number) => self.accounts[account].meters[number].ended_between(from, to),
        }
    }
}
