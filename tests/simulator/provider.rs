//! The truth: what a provider grants each credential, and what it answers.

use credential_pool::Response;

use crate::{
    answers::{Hints, Outage, Style},
    dice::Dice,
    meter::Meter,
};

pub struct Provider {
    pub style: Style,
    pub accounts: Vec<Account>,
    pub outages: Vec<(std::ops::Range<i64>, Outage)>,
}

/// A credential as its provider sees it.
pub struct Account {
    pub hints: Hints,
    pub meters: Vec<Meter>,
    pub revoked_at: Option<i64>,
    pub barred: Option<&'static str>,
    /// When a login's token ends.
    pub token_ends: Option<i64>,
    /// How many requests have no answer yet, by model.
    pub under_way: Vec<&'static str>,
}

/// An answer that is on its way.
pub struct Answer {
    pub response: Response,
    /// How long it takes.
    pub latency: i64,
    pub meaning: Meaning,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    Served,
    /// The credential is limited; until when, if the answer says so.
    Limited(Limit, Option<i64>),
    /// Anything else that is not the credential's fault, or that a refresh helps.
    Failed,
}

/// What stands between a credential and a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    Revoked,
    Barred,
    /// The account's meter of this number.
    Meter(usize),
}

/// How long a host waits for an answer that does not come.
pub const TIMEOUT: i64 = 10_000;
/// The longest that an answer takes which does come.
pub const SLOWEST: i64 = 2_000;

impl Account {
    pub fn new(hints: Hints, meters: Vec<Meter>) -> Self {
        Self { hints, meters, revoked_at: None, barred: None, token_ends: None, under_way: Vec::new() }
    }

    /// What limits a request for this model at a moment.
    fn limit(&self, model: &str, at: i64) -> Option<Limit> {
        if self.revoked_at.is_some_and(|revoked| revoked <= at) {
            return Some(Limit::Revoked);
        }
        if self.barred == Some(model) {
            return Some(Limit::Barred);
        }
        self.meters.iter().position(|meter| meter.counts(model) && !meter.has_room(at)).map(Limit::Meter)
    }
}

impl Provider {
    /// Takes in a request, at the moment at which it is sent.
    pub fn ask(&mut self, account: usize, model: &'static str, at: i64, dice: &mut Dice) -> Answer {
        let (slow, quick) = (dice.between(50, SLOWEST), dice.between(40, 300));
        let style = self.style;
        let outage = self.outages.iter().find(|(when, _)| when.contains(&at)).map(|(_, outage)| *outage);
        let account = &mut self.accounts[account];
        account.under_way.push(model);
        let failed = |response, latency| Answer { response, latency, meaning: Meaning::Failed };
        if let Some(outage) = outage {
            return failed(style.outage(outage), if outage == Outage::Silent { TIMEOUT } else { quick });
        }
        let limit = account.limit(model, at);
        if limit != Some(Limit::Revoked) && account.token_ends.is_some_and(|end| end <= at) {
            return failed(style.expired(), quick);
        }
        let Some(limit) = limit else {
            account.meters.iter_mut().filter(|meter| meter.counts(model)).for_each(|meter| meter.serve(at));
            return Answer { response: style.served(), latency: slow, meaning: Meaning::Served };
        };
        // Hints are relative to the moment at which the answer comes.
        let comes = at + quick;
        let (response, until) = match limit {
            Limit::Revoked => (style.revoked(), None),
            Limit::Barred => (style.barred(model), None),
            Limit::Meter(number) => {
                let meter = &account.meters[number];
                let end = meter.end(at).max(comes);
                let until = (account.hints != Hints::None).then_some(end);
                match meter.is_quota {
                    true => (style.quota(account.hints, comes, end), until),
                    false => (style.rate_limited(meter.model, account.hints, comes, end), until),
                }
            }
        };
        Answer { response, latency: quick, meaning: Meaning::Limited(limit, until) }
    }

    /// The answer has come, whether its session was still there or not.
    pub fn answered(&mut self, account: usize, model: &str) {
        let under_way = &mut self.accounts[account].under_way;
        if let Some(place) = under_way.iter().position(|other| *other == model) {
            under_way.swap_remove(place);
        }
    }

    /// Whether the account would have served a request for the model at every moment of a time.
    pub fn would_serve(&self, account: usize, model: &str, from: i64, to: i64) -> bool {
        let account = &self.accounts[account];
        account.revoked_at.is_none_or(|revoked| revoked > to)
            && account.barred != Some(model)
            && account.token_ends.is_none_or(|end| end > to)
            && !self.outages.iter().any(|(when, _)| when.start <= to && from < when.end)
            && account.meters.iter().all(|meter| !meter.counts(model) || meter.has_room_throughout(from, to))
    }

    /// Whether a limit that held at `from` has ended until `to`.
    pub fn has_ended(&self, account: usize, limit: Limit, from: i64, to: i64) -> bool {
        match limit {
            Limit::Revoked | Limit::Barred => false,
            Limit::Meter(number) => self.accounts[account].meters[number].opened_between(from, to),
        }
    }
}
