//! The simulated world: runs the events of sessions, provider and host in order of time.

use credential_pool::{IntentId, LeaseId, NextMove, Outcome, Timestamp};
use serde_json::{from_value, json};

use crate::{
    clock::{EventQueue, HOUR, SECOND},
    host::{Core, Host, ReportedState, number},
    known_limits::KnownLimits,
    provider::{Answer, Meaning, Provider},
    report::Figures,
    sessions::{Attempt, Session},
};

pub struct World<C> {
    pub host: Host<C>,
    pub provider: Provider,
    pub sessions: Vec<Session>,
    pub figures: Figures,
    pub now: i64,
    /// Time from which the `steady_…` figures count.
    pub steady_from: i64,
    /// Time from which sessions record their first success.
    pub record_from: i64,
    /// Whether each attempt is checked against the states that the pool reports.
    pub checks_states: bool,
    known: KnownLimits,
    queue: EventQueue<Event>,
    /// Time of the host's next tick.
    next_tick: Option<i64>,
    /// Sessions that wait for a refresh, with the lease to resume.
    refreshing: Vec<(IntentId, usize, LeaseId)>,
}

enum Event {
    /// A session asks for a lease, for a new job or again for its current job.
    Lease(usize),
    Resume(usize, LeaseId),
    /// An answer arrives; `is_received` is false if the session has crashed.
    Answer {
        session: usize,
        lease: LeaseId,
        account: usize,
        sent: i64,
        model: &'static str,
        answer: Answer,
        is_received: bool,
    },
    Refreshed(IntentId, usize),
    Tick,
}

/// Number of moves after which a request counts as endless.
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
            record_from: now,
            checks_states: false,
            known: KnownLimits::default(),
            queue: EventQueue::new(),
            next_tick: None,
            refreshing: Vec::new(),
        };
        for session in 0..world.sessions.len() {
            let first = now + world.sessions[session].think();
            world.queue.push(first, Event::Lease(session));
        }
        world
    }

    pub fn run_until(&mut self, end: i64) {
        while let Some((at, event)) = self.queue.pop_before(end) {
            self.now = at;
            self.handle(event);
            self.schedule_tick();
        }
        self.now = end;
    }

    /// Ends the run; jobs that were not served have waited until now.
    pub fn close(mut self) -> (Figures, Host<C>) {
        let unserved = self.sessions.iter().filter_map(|session| session.job.as_ref());
        self.figures.waited.extend(unserved.map(|job| self.now - job.began));
        (self.figures, self.host)
    }

    fn handle(&mut self, event: Event) {
        let now = Timestamp::from_millis(self.now);
        match event {
            Event::Lease(session) => {
                let (request, is_new) = self.sessions[session].next_request(self.now);
                self.figures.jobs += usize::from(is_new);
                self.decide(session, false, |core| core.lease(request, now));
            }
            Event::Resume(session, lease) => self.decide(session, false, |core| core.resume(lease, now)),
            Event::Answer { session, lease, account, sent, model, answer, is_received } => {
                self.provider.finish(account, model);
                if is_received {
                    self.observe(account, model, sent, answer.meaning);
                    self.decide(session, true, |core| core.report(lease, &answer.response, now));
                }
            }
            Event::Refreshed(intent, account) => {
                let ends = self.now + HOUR;
                self.provider.accounts[account].token_ends = Some(ends);
                let token = |kind: &str| format!("{kind}-{}-{account}", self.now);
                let (access, refresh) = (token("at"), token("rt"));
                let set = json!({ "access_token": access, "refresh_token": refresh, "expires_at_ms": ends });
                let outcome: Outcome = from_value(json!({ "type": "tokens", "set": set })).unwrap();
                let step = self.host.core.settle(intent, outcome, now);
                self.host.carry_out(step, self.now);
                for (_, session, lease) in self.refreshing.extract_if(.., |(of, ..)| *of == intent) {
                    self.queue.push(self.now, Event::Resume(session, lease));
                }
            }
            Event::Tick if self.next_tick.is_some_and(|tick| tick <= self.now) => {
                self.next_tick = None;
                let step = self.host.core.tick(now);
                self.host.carry_out(step, self.now);
            }
            Event::Tick => {}
        }
        for (intent, account) in std::mem::take(&mut self.host.refreshes) {
            self.queue.push(self.now + SECOND / 2, Event::Refreshed(intent, account));
        }
    }

    fn schedule_tick(&mut self) {
        let wanted = self.host.wake.map(|wake| wake.max(self.now + 1));
        if wanted != self.next_tick {
            self.next_tick = wanted;
            if let Some(at) = wanted {
                self.queue.push(at, Event::Tick);
            }
        }
    }

    fn observe(&mut self, account: usize, model: &'static str, sent: i64, meaning: Meaning) {
        match meaning {
            Meaning::Served => self.known.record_success(&self.provider, account, model, sent),
            Meaning::Limited(limit, until) => self.known.record_limit(account, limit, model, sent, self.now, until),
            Meaning::Out => self.known.record_outage(sent, self.now),
            Meaning::Expired => {}
        }
    }

    /// Calls an input of the pool, and follows the next move.
    fn decide(&mut self, number: usize, is_report: bool, ask: impl FnOnce(&mut C) -> credential_pool::Step<NextMove>) {
        let now = Timestamp::from_millis(self.now);
        let states = self.checks_states.then(|| self.host.core.reported_states(&self.sessions[number].request(), now));
        let step = ask(&mut self.host.core);
        let next = self.host.carry_out(step, self.now);
        let session = &mut self.sessions[number];
        let job = session.job.as_mut().unwrap();
        job.moves += 1;
        assert!(job.moves < MOST_MOVES, "the request does not end: {next:?}");
        match next {
            NextMove::Use { lease, credential } => self.send(number, lease, self::number(&credential), states),
            NextMove::Retry { lease, until, .. } | NextMove::Wait { lease, until } => {
                self.queue.push(until.as_millis().max(self.now), Event::Resume(number, lease));
            }
            NextMove::Refresh { lease, intent, .. } => self.refreshing.push((intent, number, lease)),
            NextMove::Served => {
                let job = session.job.take().unwrap();
                let sent = job.attempt.unwrap().sent;
                self.figures.served += 1;
                self.figures.waited.push(sent - job.began);
                self.figures.durations.push(self.now - job.began);
                if self.now >= self.record_from && session.first_served.is_none() {
                    session.first_served = Some((self.now, job.asked));
                }
                let next = self.now + session.think();
                self.queue.push(next, Event::Lease(number));
            }
            NextMove::Exhausted { .. } | NextMove::Empty => {
                self.figures.exhausted += 1;
                self.count_if_lost(number, is_report, &next);
                let retry_at = self.now + self.sessions[number].pause();
                self.queue.push(retry_at, Event::Lease(number));
            }
            NextMove::GiveUp { .. } => {
                self.figures.given_up += 1;
                self.count_if_lost(number, is_report, &next);
                let session = &mut self.sessions[number];
                let job = session.job.take().unwrap();
                self.figures.waited.push(self.now - job.began);
                let next = self.now + session.think();
                self.queue.push(next, Event::Lease(number));
            }
            NextMove::Late { .. } => {
                self.figures.late += 1;
                self.queue.push(self.now, Event::Lease(number));
            }
        }
    }

    fn send(&mut self, number: usize, lease: LeaseId, account: usize, states: Option<Vec<ReportedState>>) {
        let session = &mut self.sessions[number];
        let job = session.job.as_mut().unwrap();
        let (model, sent) = (job.model, self.now);
        let answer = self.provider.receive(account, model, sent, &mut session.rng);
        job.attempt = Some(Attempt { account, sent });
        let answered_at = sent + answer.latency;

        let is_steady = usize::from(sent >= self.steady_from);
        self.figures.attempts += 1;
        self.figures.steady_attempts += is_steady;
        if let Meaning::Limited(limit, _) = answer.meaning {
            self.figures.limited += 1;
            let is_known = usize::from(self.known.is_known(&self.provider, account, limit, model, sent));
            self.figures.wasted += is_known;
            self.figures.steady_wasted += is_known * is_steady;
        }
        match states.map(|states| states[account]) {
            Some(ReportedState::CoolingDown) if !self.host.available_again.contains(&account) => {
                self.figures.to_cooling_down += 1;
                self.figures.note_violation(|| format!("at {sent} a request goes to {account}, which cools down"));
            }
            Some(ReportedState::HalfOpen) => self.figures.probes += 1,
            Some(ReportedState::CoolingDown | ReportedState::Available) | None => {}
        }

        let is_received = !session.rng.chance(session.habit.crashes);
        self.queue
            .push(answered_at, Event::Answer { session: number, lease, account, sent, model, answer, is_received });
        if !is_received {
            self.figures.crashed += 1;
            session.job = None;
            let retry_at = answered_at + session.pause();
            self.queue.push(retry_at, Event::Lease(number));
        }
    }

    /// Counts a request that the pool ended as lost or missed, if it was avoidable: see [`Figures`].
    fn count_if_lost(&mut self, number: usize, is_report: bool, next: &NextMove) {
        let job = self.sessions[number].job.as_ref().unwrap();
        let last_decision = job.attempt.filter(|_| is_report).map_or(self.now, |attempt| attempt.sent);
        let (from, model) = (last_decision - SECOND, job.model);
        let serving = |account: &usize| self.provider.would_serve(*account, model, from, self.now);
        let serving: Vec<_> = (0..self.provider.accounts.len()).filter(serving).collect();
        let rules_out = |account: usize, at| self.known.rules_out(&self.provider, account, model, at);
        match serving.iter().find(|account| !rules_out(**account, from) && !rules_out(**account, self.now)) {
            Some(account) => {
                self.figures.lost += 1;
                let (now, last) = (self.now, job.attempt.map(|attempt| attempt.account));
                self.figures.note_violation(|| {
                    format!(
                        "at {now} a request for {model} ends with {next:?}, last attempt with {last:?}: {account} would serve"
                    )
                });
            }
            None => self.figures.missed += usize::from(!serving.is_empty()),
        }
    }
}
