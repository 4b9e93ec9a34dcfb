//! The clock, and all that happens: sessions ask, providers answer, time passes.

use credential_pool::{IntentId, LeaseId, NextMove, Outcome, Timestamp};
use serde_json::{from_value, json};

use crate::{
    clock::{Clock, HOUR, SECOND},
    host::{Core, Host, Said, number},
    provider::{Answer, Meaning, Provider},
    report::Figures,
    sessions::{Attempt, Session},
    told::Told,
};

pub struct World<C> {
    pub host: Host<C>,
    pub provider: Provider,
    pub sessions: Vec<Session>,
    pub figures: Figures,
    pub now: i64,
    /// From when on `steady_…` figures count.
    pub steady_from: i64,
    /// From when on sessions note when they are first served.
    pub notes_from: i64,
    /// Whether the pool is asked before each move what it says of its credentials.
    pub watches: bool,
    told: Told,
    clock: Clock<What>,
    /// When the host will tick.
    alarm: Option<i64>,
    /// Who waits for which refresh.
    refreshing: Vec<(IntentId, usize, LeaseId)>,
}

enum What {
    /// A session begins a job or comes back with one.
    Ask(usize),
    Resume(usize, LeaseId),
    /// An answer comes to a session, or to one that has crashed.
    Answer {
        session: usize,
        lease: LeaseId,
        account: usize,
        sent: i64,
        model: &'static str,
        answer: Answer,
        is_heard: bool,
    },
    Refreshed(IntentId, usize),
    Tick,
}

/// What is more is a request that never ends.
const MOST_MOVES: usize = 2_000;

impl<C: Core> World<C> {
    pub fn new(host: Host<C>, provider: Provider, sessions: Vec<Session>, now: i64) -> Self {
        let mut world = Self {
            host,
            provider,
            sessions,
            figures: Figures::default(),
            now,
            steady_from: now,
            notes_from: now,
            watches: false,
            told: Told::default(),
            clock: Clock::new(),
            alarm: None,
            refreshing: Vec::new(),
        };
        for session in 0..world.sessions.len() {
            let first = now + world.sessions[session].think();
            world.clock.at(first, What::Ask(session));
        }
        world
    }

    pub fn run_until(&mut self, end: i64) {
        while let Some((at, what)) = self.clock.next_before(end) {
            self.now = at;
            self.happen(what);
            self.set_alarm();
        }
        self.now = end;
    }

    /// Ends the run: jobs that were not served have waited until now.
    pub fn close(mut self) -> (Figures, Host<C>) {
        let unserved = self.sessions.iter().filter_map(|session| session.job.as_ref());
        self.figures.waited.extend(unserved.map(|job| self.now - job.began));
        (self.figures, self.host)
    }

    fn happen(&mut self, what: What) {
        let now = Timestamp::from_millis(self.now);
        match what {
            What::Ask(session) => {
                let (request, is_new) = self.sessions[session].take_up(self.now);
                self.figures.jobs += usize::from(is_new);
                self.decide(session, false, |core| core.lease(request, now));
            }
            What::Resume(session, lease) => self.decide(session, false, |core| core.resume(lease, now)),
            What::Answer { session, lease, account, sent, model, answer, is_heard } => {
                self.provider.answered(account, model);
                if is_heard {
                    self.tell(account, model, sent, answer.meaning);
                    self.decide(session, true, |core| core.report(lease, &answer.response, now));
                }
            }
            What::Refreshed(intent, account) => {
                let ends = self.now + HOUR;
                self.provider.accounts[account].token_ends = Some(ends);
                let token = |kind: &str| format!("{kind}-{}-{account}", self.now);
                let (access, refresh) = (token("at"), token("rt"));
                let set = json!({ "access_token": access, "refresh_token": refresh, "expires_at_ms": ends });
                let outcome: Outcome = from_value(json!({ "type": "tokens", "set": set })).unwrap();
                let step = self.host.core.settle(intent, outcome, now);
                self.host.take(step, self.now);
                for (_, session, lease) in self.refreshing.extract_if(.., |(of, ..)| *of == intent) {
                    self.clock.at(self.now, What::Resume(session, lease));
                }
            }
            What::Tick if self.alarm.is_some_and(|alarm| alarm <= self.now) => {
                self.alarm = None;
                let step = self.host.core.tick(now);
                self.host.take(step, self.now);
            }
            What::Tick => {}
        }
        for (intent, account) in std::mem::take(&mut self.host.refreshes) {
            self.clock.at(self.now + SECOND / 2, What::Refreshed(intent, account));
        }
    }

    fn set_alarm(&mut self) {
        let wanted = self.host.wake.map(|wake| wake.max(self.now + 1));
        if wanted != self.alarm {
            self.alarm = wanted;
            if let Some(at) = wanted {
                self.clock.at(at, What::Tick);
            }
        }
    }

    fn tell(&mut self, account: usize, model: &'static str, sent: i64, meaning: Meaning) {
        match meaning {
            Meaning::Served => self.told.served(&self.provider, account, model, sent),
            Meaning::Limited(limit, until) => self.told.limited(account, limit, model, sent, self.now, until),
            Meaning::Failed => {}
        }
    }

    /// Lets the pool decide, and follows what it says.
    fn decide(&mut self, number: usize, is_report: bool, ask: impl FnOnce(&mut C) -> credential_pool::Step<NextMove>) {
        let now = Timestamp::from_millis(self.now);
        let says = self.watches.then(|| self.host.core.says(&self.sessions[number].request(), now));
        let step = ask(&mut self.host.core);
        let next = self.host.take(step, self.now);
        let session = &mut self.sessions[number];
        let job = session.job.as_mut().unwrap();
        job.moves += 1;
        assert!(job.moves < MOST_MOVES, "a request does not end: {next:?}");
        match next {
            NextMove::Use { lease, credential } => self.send(number, lease, self::number(&credential), says),
            NextMove::Retry { lease, until, .. } | NextMove::Wait { lease, until } => {
                self.clock.at(until.as_millis().max(self.now), What::Resume(number, lease));
            }
            NextMove::Refresh { lease, intent, .. } => self.refreshing.push((intent, number, lease)),
            NextMove::Served => {
                let job = session.job.take().unwrap();
                let sent = job.attempt.unwrap().sent;
                self.figures.served += 1;
                self.figures.waited.push(sent - job.began);
                self.figures.took.push(self.now - job.began);
                if self.now >= self.notes_from && session.first_served.is_none() {
                    session.first_served = Some((self.now, job.asked));
                }
                let next = self.now + session.think();
                self.clock.at(next, What::Ask(number));
            }
            NextMove::Exhausted { .. } | NextMove::Empty => {
                self.figures.turned_away += 1;
                self.judge(number, is_report, &next);
                let back = self.now + self.sessions[number].pause();
                self.clock.at(back, What::Ask(number));
            }
            NextMove::GiveUp { .. } => {
                self.figures.given_up += 1;
                self.judge(number, is_report, &next);
                let session = &mut self.sessions[number];
                let job = session.job.take().unwrap();
                self.figures.waited.push(self.now - job.began);
                let next = self.now + session.think();
                self.clock.at(next, What::Ask(number));
            }
            NextMove::Late { .. } => {
                self.figures.late += 1;
                self.clock.at(self.now, What::Ask(number));
            }
        }
    }

    fn send(&mut self, number: usize, lease: LeaseId, account: usize, says: Option<Vec<Said>>) {
        let session = &mut self.sessions[number];
        let job = session.job.as_mut().unwrap();
        let (model, sent) = (job.model, self.now);
        let answer = self.provider.ask(account, model, sent, &mut session.luck);
        job.attempt = Some(Attempt { account, sent });
        let comes = sent + answer.latency;

        let is_steady = usize::from(sent >= self.steady_from);
        self.figures.sent += 1;
        self.figures.steady_sent += is_steady;
        if let Meaning::Limited(limit, _) = answer.meaning {
            self.figures.limited += 1;
            let knew = usize::from(self.told.knew(&self.provider, account, limit, model, sent));
            self.figures.wasted += knew;
            self.figures.steady_wasted += knew * is_steady;
        }
        match says.map(|says| says[account]) {
            Some(Said::CoolingDown) if !self.host.freed.contains(&account) => {
                self.figures.to_resting += 1;
                self.figures.complain(|| format!("at {sent} a request goes to {account}, which rests"));
            }
            Some(Said::MayBeTried) => self.figures.probes += 1,
            Some(Said::CoolingDown | Said::CanServe) | None => {}
        }

        let is_heard = !session.luck.chance(session.habit.crashes);
        self.clock.at(comes, What::Answer { session: number, lease, account, sent, model, answer, is_heard });
        if !is_heard {
            self.figures.crashed += 1;
            session.job = None;
            let back = comes + session.pause();
            self.clock.at(back, What::Ask(number));
        }
    }

    /// Whether a request that the pool ended need not have ended: see [`Figures`].
    fn judge(&mut self, number: usize, is_report: bool, next: &NextMove) {
        let job = self.sessions[number].job.as_ref().unwrap();
        let last_chance = job.attempt.filter(|_| is_report).map_or(self.now, |attempt| attempt.sent);
        let (from, model) = (last_chance - SECOND, job.model);
        let serving = |account: &usize| self.provider.would_serve(*account, model, from, self.now);
        let serving: Vec<_> = (0..self.provider.accounts.len()).filter(serving).collect();
        let speaks = |account: usize, at| self.told.speaks_against(&self.provider, account, model, at);
        match serving.iter().find(|account| !speaks(**account, from) && !speaks(**account, self.now)) {
            Some(account) => {
                self.figures.lost += 1;
                let (now, last) = (self.now, job.attempt.map(|attempt| attempt.account));
                self.figures.complain(|| {
                    format!(
                        "at {now} a request for {model} ends with {next:?}, last tried {last:?}: {account} would serve"
                    )
                });
            }
            None => self.figures.missed += usize::from(!serving.is_empty()),
        }
    }
}
