//! Scenarios: credentials with their limits, sessions and outages, all drawn from one seed.

use credential_pool::{Pool, PoolKey, Stored};
use serde_json::{Value, json};

use crate::{
    answers::{Hints, Outage, Style},
    clock::{DAY, HOUR, MINUTE, SECOND},
    host::{Core, Host, id, open},
    meter::{Kind, Meter},
    provider::{Account, Provider},
    rng::Rng,
    sessions::{Habit, Session},
    world::World,
};

/// Start of every run: midnight, UTC.
pub const START: i64 = 1_775_779_200_000;

#[derive(Clone)]
pub struct Scenario {
    pub name: String,
    pub seed: u64,
    pub style: Style,
    pub strategy: &'static str,
    pub length: i64,
    pub credentials: Vec<Grant>,
    pub sessions: Vec<Habit>,
    pub outages: Vec<(std::ops::Range<i64>, Outage)>,
}

/// Limits of a credential.
#[derive(Clone)]
pub struct Grant {
    pub hints: Hints,
    pub meters: Vec<Meter>,
    pub revoked_at: Option<i64>,
    pub forbidden_model: Option<&'static str>,
    pub is_login: bool,
}

impl Grant {
    pub fn new(hints: Hints, meters: Vec<Meter>) -> Self {
        Self { hints, meters, revoked_at: None, forbidden_model: None, is_login: false }
    }
}

/// A session without affinity that asks for one model and never crashes.
pub const PLAIN: Habit = Habit { think: (2 * SECOND, 10 * SECOND), second_model: 0, has_affinity: false, crashes: 0 };

impl Scenario {
    /// Builds a scenario with equal sessions and equal credentials.
    pub fn uniform(name: &str, seed: u64, credentials: (usize, Grant), sessions: (usize, Habit), length: i64) -> Self {
        Self {
            name: name.to_owned(),
            seed,
            style: Style::OpenAi,
            strategy: "fill_first",
            length,
            credentials: vec![credentials.1; credentials.0],
            sessions: vec![sessions.1; sessions.0],
            outages: vec![],
        }
    }

    /// Draws a scenario from the seed. The first credential may use every model and is never revoked.
    pub fn mixed(seed: u64, most_credentials: i64, most_sessions: i64, length: i64, think: (i64, i64)) -> Self {
        let mut rng = Rng::new(seed, 0);
        let rng = &mut rng;
        let style = rng.pick(&[Style::Anthropic, Style::OpenAi, Style::OpenRouter]);
        let strategy = rng.pick(&["fill_first", "round_robin", "random", "least_used", "least_in_flight"]);
        let hints = rng.pick(&[Hints::None, Hints::RetryAfter, Hints::Own, Hints::Own]);
        let (credentials, sessions) = (rng.between(1, most_credentials), rng.between(1, most_sessions));
        // Requests per credential and hour, if the load were equal.
        let share = (sessions * HOUR * 2 / (think.0 + think.1) / credentials).max(20);
        let grants = (0..credentials).map(|number| grant(rng, hints, share, length, number > 0));
        let credentials: Vec<_> = grants.collect();
        let habit = |rng: &mut Rng| Habit {
            think,
            second_model: rng.pick(&[0, 30, 50]),
            has_affinity: rng.chance(40),
            crashes: 0,
        };
        let sessions = (0..sessions).map(|_| habit(rng)).collect();
        let outages = (0..rng.between(0, 2)).map(|_| {
            let begin = START + rng.between(0, length);
            let end = begin + rng.between(5 * SECOND, 4 * MINUTE);
            (begin..end, rng.pick(&[Outage::Unavailable, Outage::Overloaded, Outage::Silent]))
        });
        let outages = outages.collect();
        let mut scenario = Self { name: String::new(), seed, style, strategy, length, credentials, sessions, outages };
        scenario.name = scenario.described(hints);
        scenario
    }

    fn described(&self, hints: Hints) -> String {
        let pool = self.style.pool().trim_start_matches("custom:");
        let (keys, sessions) = (self.credentials.len(), self.sessions.len());
        let hints = if hints == Hints::None { "no hints" } else { "hints" };
        let outages = if self.outages.is_empty() { "" } else { ", outages" };
        format!("{}: {pool}, {keys} keys, {sessions} sessions, {hints}{outages}", self.seed)
    }

    /// Builds the world at its start, with a pool under this policy.
    pub fn world(&self, policy: &Value) -> World<Pool> {
        self.world_with(|key, stored| open(key, stored, self.strategy, policy, START))
    }

    pub fn world_with<C: Core>(&self, core: impl FnOnce(&PoolKey, &Stored) -> (C, Stored)) -> World<C> {
        let key = PoolKey::parse(self.style.pool()).unwrap();
        let rows = self.credentials.iter().enumerate().map(|(number, grant)| grant.row(number, self.style));
        let (core, stored) = core(&key, &Stored { rows: rows.collect(), ..Stored::default() });
        let accounts = self.credentials.iter().map(|grant| Account {
            revoked_at: grant.revoked_at,
            forbidden_model: grant.forbidden_model,
            token_ends: grant.is_login_of(self.style).then_some(START + HOUR),
            ..Account::new(grant.hints, grant.meters.clone())
        });
        let provider = Provider { style: self.style, accounts: accounts.collect(), outages: self.outages.clone() };
        let sessions = self.sessions.iter().enumerate();
        let sessions = sessions.map(|(number, habit)| Session::new(*habit, self.seed, number)).collect();
        World::new(Host::new(core, &key, stored), provider, sessions, START)
    }
}

impl Grant {
    /// Returns whether the credential is a login; only Anthropic's logins are simulated.
    fn is_login_of(&self, style: Style) -> bool {
        self.is_login && style == Style::Anthropic
    }

    fn row(&self, number: usize, style: Style) -> Value {
        let id = id(number);
        let id = id.as_str();
        match self.is_login_of(style) {
            true => json!({
                "id": id, "label": id, "source": "manual:hermes_pkce", "auth_type": "oauth", "priority": number,
                "access_token": format!("at-{id}"), "refresh_token": format!("rt-{id}"), "expires_at_ms": START + HOUR,
            }),
            false => json!({
                "id": id, "label": id, "source": "manual", "access_token": format!("sk-{id}"), "priority": number,
            }),
        }
    }
}

/// Draws limits between 60 % and 300 % of the load.
fn grant(rng: &mut Rng, hints: Hints, share: i64, length: i64, may_be_restricted: bool) -> Grant {
    let minutes = rng.pick(&[1, 1, 5]);
    let roughly = |rng: &mut Rng, part: i64| (part * rng.between(60, 300) / 100).max(3);
    let kind = match rng.chance(50) {
        true => Kind::Sliding,
        false => Kind::Fixed { offset: START + rng.between(0, 50) * SECOND, refills: vec![] },
    };
    let mut meters = vec![Meter::window(roughly(rng, share * minutes / 60 + 1), minutes * MINUTE, kind)];
    if rng.chance(30) {
        let a_day = roughly(rng, share * (length / HOUR).max(1) / 2 + 1);
        // The quota resets in the middle of the run, and the owner may refill it before.
        let offset = START + rng.between(length / 3, length);
        let refills = if rng.chance(30) { vec![START + rng.between(length / 2, length)] } else { vec![] };
        meters.push(Meter::quota(a_day, DAY, offset, refills));
    }
    if rng.chance(20) {
        let fixed = Kind::Fixed { offset: START, refills: vec![] };
        meters.push(Meter::window(roughly(rng, share / 120 + 1), MINUTE, fixed).of_model("m2"));
    }
    Grant {
        hints,
        meters,
        revoked_at: (may_be_restricted && rng.chance(10)).then(|| START + rng.between(0, length)),
        forbidden_model: (may_be_restricted && rng.chance(15)).then_some("m2"),
        is_login: rng.chance(30),
    }
}
