//! Invariants that hold for every script, also for hostile ones.

use std::collections::VecDeque;

use credential_pool::{
    Change, Claim, CredentialId, Edit, Entry, Error, ErrorCode, Event, Failure, Happening, Intent, IntentId, LeaseId,
    NextMove, Outcome, Pool, PoolKey, Request, Selection, Settled, Sources, State, Step, Stored, Timestamp, Verdict,
    apply,
};
use proptest::prelude::*;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{
    host::{START, readable_rows},
    script::{Input, Script, Which, script},
};

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(2_000), max_shrink_iters: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_invariant_holds_in_every_script(script in script()) {
        Run::of(&script).check_that_the_store_holds_the_pool_s_rows();
    }

    #[test]
    fn the_same_script_gives_the_same_bytes(script in script()) {
        prop_assert_eq!(Run::of(&script).answers, Run::of(&script).answers);
    }
}

/// A running script, with a host that queues writes and may fail them.
struct Run {
    key: PoolKey,
    pool: Pool,
    stored: Stored,
    now: Timestamp,
    /// Latest time of an input that was not an error.
    latest: Timestamp,
    writes: VecDeque<(IntentId, Vec<Change>)>,
    refreshes: VecDeque<IntentId>,
    settled: Vec<IntentId>,
    leases: Vec<LeaseId>,
    answers: Vec<String>,
}

impl Run {
    fn of(script: &Script) -> Self {
        let key = PoolKey::parse(script.key).unwrap();
        let stored = Stored { rows: script.rows.clone(), ..Stored::default() };
        let sources: Sources = serde_json::from_value(script.sources.clone()).unwrap();
        let (pool, step) = Pool::open(key.clone(), &stored, &sources, script.seed, START);
        let mut run = Self {
            key,
            pool,
            stored,
            now: START,
            latest: START,
            writes: VecDeque::new(),
            refreshes: VecDeque::new(),
            settled: Vec::new(),
            leases: Vec::new(),
            answers: Vec::new(),
        };
        run.take(Ok(step));
        for (jump, input) in &script.inputs {
            run.now = Timestamp::from_millis(jump.from(run.now.as_millis()));
            let before = run.pool.clone();
            if !run.feed(input) {
                assert_eq!(
                    observed(&run.pool, run.now),
                    observed(&before, run.now),
                    "an error changed the pool: {input:?}"
                );
            }
        }
        run
    }

    /// Feeds an input; returns false if the pool answered an error.
    fn feed(&mut self, input: &Input) -> bool {
        let now = self.now;
        match input {
            Input::Select => self.select(),
            Input::Rotate(which, status) => {
                let id = self.which(*which);
                let step = self.pool.rotate(&id, Failure { status: *status, ..Failure::default() }, now);
                self.take(step)
            }
            Input::RotateCurrent(status) => match self.pool.current().cloned() {
                Some(id) => {
                    let step = self.pool.rotate(&id, Failure { status: *status, ..Failure::default() }, now);
                    self.take(step)
                }
                None => true,
            },
            Input::Refresh(which) => {
                let id = self.which(*which);
                let step = self.pool.refresh(&id, now);
                self.take(step)
            }
            Input::MarkUsed(which) => {
                let id = self.which(*which);
                let step = self.pool.mark_used(&id);
                self.note(step)
            }
            Input::Write { succeeds } => match self.writes.pop_front() {
                Some((id, changes)) => {
                    if *succeeds {
                        apply(&mut self.stored, &changes, &self.key);
                    }
                    self.settle(id, if *succeeds { Outcome::Saved } else { Outcome::Failed })
                }
                None => true,
            },
            Input::SettleRefresh(outcome) => match self.refreshes.front().copied() {
                Some(id) => {
                    let was_taken = self.settle(id, outcome.clone());
                    if was_taken {
                        self.refreshes.pop_front();
                    }
                    was_taken
                }
                None => true,
            },
            Input::SettleWrongly(number, outcome) => {
                let id = IntentId::new(*number);
                match self.writes.iter().any(|(write, _)| *write == id) || self.refreshes.contains(&id) {
                    true => true,
                    false => self.settle(id, outcome.clone()),
                }
            }
            Input::Tick => {
                let step = self.pool.tick(now);
                self.take(Ok(step))
            }
            Input::TickAtWake => match self.pool.wake() {
                Some(wake) => {
                    self.now = self.latest.max(wake.at);
                    let step = self.pool.tick(self.now);
                    let next = step.wake;
                    assert!(next.is_none_or(|next| next.at > wake.at), "{wake:?} is repeated as {next:?}");
                    self.take(Ok(step))
                }
                None => true,
            },
            Input::Flush => {
                let step = self.pool.flush(now);
                self.take(Ok(step))
            }
            Input::SignOff => {
                let step = self.pool.sign_off(now);
                self.take(Ok(step))
            }
            Input::Sync => {
                let before = self.pool.rows();
                let step = self.pool.sync(&self.stored, None, now);
                if pool_time(self.latest, now) >= self.latest {
                    assert_eq!(by_id(self.pool.rows()), by_id(before), "the store has nothing new");
                }
                self.take(Ok(step))
            }
            Input::Claim => match self.refreshes.front().copied() {
                Some(id) => {
                    let step = self.pool.claim(id, now);
                    if step.as_ref().is_ok_and(|step| step.value == Claim::Gone) {
                        self.refreshes.pop_front();
                        self.settled.push(id);
                    }
                    self.take(step)
                }
                None => true,
            },
            Input::Add(row) => {
                let step = self.pool.add(row, now);
                self.take(step)
            }
            Input::Update(which, fields) => {
                let id = self.which(*which);
                let step = self.pool.update(&id, fields, now);
                self.take(step)
            }
            Input::Remove(which) => {
                let id = self.which(*which);
                let step = self.pool.remove(&id, now);
                self.take(step)
            }
            Input::MoveTo(which, place) => {
                let id = self.which(*which);
                let step = self.pool.move_to(&id, *place, now);
                self.take(step)
            }
            Input::Reset(which) => {
                let id = which.map(|which| self.which(which));
                let step = self.pool.reset(id.as_ref(), now);
                self.take(step)
            }
            Input::SetPolicy(policy) => {
                let step = self.pool.set_policy(policy, now);
                self.take(step)
            }
            Input::Lease(request) => self.lease(request),
            Input::Resume(back) => {
                let step = self.pool.resume(self.recent_lease(*back), now);
                self.follow(step)
            }
            Input::Report(back, response) => {
                let before = self.pool.entries(pool_time(self.latest, now));
                let step = self.pool.report(self.recent_lease(*back), response, now);
                // A clock that goes back takes the cooldowns of the wrong future with it.
                if let (Ok(step), true) = (&step, pool_time(self.latest, now) >= self.latest) {
                    self.check_that_no_cooldown_was_shortened(&before, step);
                }
                self.follow(step)
            }
            Input::Release(back) => {
                let step = self.pool.release(self.recent_lease(*back), now);
                self.take(step)
            }
            Input::SetStrategy(strategy) => {
                let step = self.pool.set_strategy(*strategy, now);
                self.take(Ok(step))
            }
        }
    }

    fn select(&mut self) -> bool {
        let cooling_down = self.cooling_down();
        let step = self.pool.select(self.now);
        if let Selection::Selected { credential } = &step.value {
            assert!(!cooling_down.contains(credential), "{credential:?} was selected and cools down");
            assert_eq!(self.pool.current(), Some(credential));
        }
        self.take(Ok(step))
    }

    fn lease(&mut self, request: &Request) -> bool {
        let explanation = self.pool.explain(request, self.now);
        let cooling_down = self.cooling_down();
        let step = self.pool.lease(request.clone(), self.now);
        assert_eq!(explanation.next, step.value, "the explanation differs from the decision");
        if let NextMove::Use { credential, .. } = &step.value {
            let explained = explanation.credentials.iter().find(|explained| explained.credential == *credential);
            match explained.map(|explained| &explained.verdict) {
                Some(Verdict::Chosen { half_open: true, .. }) => {}
                Some(Verdict::Chosen { half_open: false, .. }) => {
                    assert!(!cooling_down.contains(credential), "{credential:?} was leased and cools down");
                }
                other => panic!("{credential:?} was leased and is {other:?}"),
            }
        }
        self.follow(Ok(step))
    }

    fn follow(&mut self, step: Result<Step<NextMove>, Error>) -> bool {
        if let Ok(
            NextMove::Use { lease, .. }
            | NextMove::Retry { lease, .. }
            | NextMove::Refresh { lease, .. }
            | NextMove::Wait { lease, .. },
        ) = step.as_ref().map(|step| &step.value)
        {
            self.leases.push(*lease);
        }
        self.take(step)
    }

    fn recent_lease(&self, back: usize) -> LeaseId {
        let last = self.leases.len().checked_sub(back + 1);
        last.map_or(LeaseId::new(0), |place| self.leases[place])
    }

    /// Checks that a report ends a cooldown only by a success or a revert, and never shortens it.
    fn check_that_no_cooldown_was_shortened(&self, before: &[Entry], step: &Step<NextMove>) {
        let now = pool_time(self.latest, self.now);
        let after = self.pool.entries(now);
        for entry in before {
            let Some(until) = entry.state.until() else { continue };
            match after.iter().find(|later| later.id == entry.id).map(|later| later.state) {
                Some(State::CoolingDown { until: later, .. } | State::Unreachable { until: later }) => {
                    assert!(later >= until, "{:?} cools down until {later:?}, not {until:?}", entry.id);
                }
                Some(State::Available) => {
                    let ends_cooldown =
                        |event: &Event| matches!(event.what, Happening::Recovered | Happening::Reverted);
                    let is_explained =
                        step.events.iter().any(|event| event.credential == entry.id && ends_cooldown(event));
                    assert!(is_explained, "{:?} is available again without an event", entry.id);
                }
                Some(State::Expired | State::NoSecret | State::UnusableSecret | State::Dead) | None => {}
            }
        }
    }

    /// Returns the credentials that cool down or cannot serve, derived from the rows alone.
    fn cooling_down(&self) -> Vec<CredentialId> {
        // A clock that goes back takes the cooldowns of the wrong future with it.
        if pool_time(self.latest, self.now) < self.latest {
            return Vec::new();
        }
        let is_unavailable = |row: &Map<String, Value>| {
            let at = row["last_status_at"].as_f64().filter(|at| *at != 0.0);
            let reset_at = row.get("last_error_reset_at").and_then(Value::as_f64).filter(|at| *at > 0.0);
            let last = i64::MAX as f64 / 1000.0;
            let reset_at = reset_at.map(|at| if at > 1e12 { at / 1000.0 } else { at }.min(last));
            let ttl = if row["last_error_code"] == json!(429) { 3_600.0 } else { 86_400.0 };
            let is_elsewhere = row.get("secret_fingerprint").is_some();
            let has_no_key = row["access_token"] == json!("") && row.get("agent_key").is_none() && !is_elsewhere;
            match row["last_status"].as_str() {
                Some("dead") => true,
                Some("exhausted") => {
                    let now = pool_time(self.latest, self.now).as_millis();
                    // In whole milliseconds, for sums of fractions are not exact.
                    let is_ahead = |end: f64| (end * 1000.0).round() > now as f64;
                    match reset_at {
                        Some(reset_at) => is_ahead(reset_at) || has_no_key,
                        None => at.is_some_and(|at| is_ahead(at + ttl)) || has_no_key,
                    }
                }
                _ => has_no_key,
            }
        };
        let rows = self.pool.rows();
        rows.iter()
            .filter(|row| is_unavailable(row))
            .filter_map(|row| row["id"].as_str())
            .map(CredentialId::from)
            .collect()
    }

    fn settle(&mut self, id: IntentId, outcome: Outcome) -> bool {
        let secrets = |pool: &Pool| {
            let secret = |row: Map<String, Value>| {
                ["id", "access_token", "refresh_token", "agent_key"].map(|name| row.get(name).cloned())
            };
            pool.rows().into_iter().map(secret).collect::<Vec<_>>()
        };
        let before = secrets(&self.pool);
        let step = self.pool.settle(id, outcome, self.now);
        let has_new_tokens = secrets(&self.pool) != before;
        match &step {
            Ok(step) => {
                assert!(!self.settled.contains(&id), "{id:?} was settled twice");
                let holds_tokens = |change: &Change| matches!(change.edit, Edit::Tokens { .. });
                let is_persisted = step.intents.iter().any(|intent| match intent {
                    Intent::Persist { changes, .. } => changes.iter().any(holds_tokens),
                    Intent::Refresh { .. } => false,
                });
                assert!(!has_new_tokens || is_persisted, "new tokens are not in the step's persist intent");
                if let Settled::Continues { credential, intent } = &step.value {
                    let is_next = |next: &Intent| matches!(next, Intent::Refresh { id, credential: of, .. } if id == intent && of == credential);
                    assert!(
                        *intent > id && step.intents.last().is_some_and(is_next),
                        "the refresh has no next request"
                    );
                }
                self.settled.push(id);
            }
            Err(error) if self.settled.contains(&id) => assert_eq!(error.code, ErrorCode::AlreadySettled),
            Err(_) => {}
        }
        self.take(step)
    }

    /// Records the answer of an input that takes the time.
    fn take<T: Serialize>(&mut self, step: Result<Step<T>, Error>) -> bool {
        if step.is_ok() {
            self.latest = pool_time(self.latest, self.now);
        }
        self.note(step)
    }

    fn note<T: Serialize>(&mut self, step: Result<Step<T>, Error>) -> bool {
        let is_ok = step.is_ok();
        match step {
            Ok(step) => {
                self.answers.push(serde_json::to_string(&step).unwrap());
                assert_eq!(step.wake, self.pool.wake());
                for intent in step.intents {
                    match intent {
                        Intent::Persist { id, changes } => self.writes.push_back((id, changes)),
                        Intent::Refresh { id, .. } => self.refreshes.push_back(id),
                    }
                }
            }
            Err(error) => self.answers.push(serde_json::to_string(&error).unwrap()),
        }
        is_ok
    }

    fn which(&self, which: Which) -> CredentialId {
        let entries = self.pool.entries(self.now);
        match which {
            Which::Place(place) if !entries.is_empty() => entries[place % entries.len()].id.clone(),
            _ => CredentialId::from("unknown"),
        }
    }

    fn check_that_the_store_holds_the_pool_s_rows(mut self) {
        while !self.writes.is_empty() {
            self.feed(&Input::Write { succeeds: true });
        }
        self.feed(&Input::Flush);
        while !self.writes.is_empty() {
            self.feed(&Input::Write { succeeds: true });
        }
        let mut rows = self.pool.rows();
        rows.sort_by_key(|row| row["id"].as_str().map(str::to_owned));
        assert_eq!(readable_rows(&self.stored, &self.key), rows);
        let outstanding = self.pool.outstanding();
        assert!(outstanding.iter().all(|intent| self.refreshes.contains(&intent.id())), "{outstanding:?}");
    }
}

/// Returns a pool's time: a backward step of up to five minutes is jitter.
fn pool_time(latest: Timestamp, now: Timestamp) -> Timestamp {
    if latest.since(now).as_millis() > 300_000 { now.max(Timestamp::from_millis(1)) } else { latest.max(now) }
}

/// Returns everything that can be observed of a pool.
fn observed(pool: &Pool, now: Timestamp) -> Value {
    json!({
        "rows": pool.rows(),
        "entries": pool.entries(now),
        "outstanding": pool.outstanding(),
        "wake": pool.wake(),
        "current": pool.current(),
        "peek": pool.peek(now),
        "strategy": pool.strategy(),
        "policy": pool.policy(),
        "explanation": pool.explain(&Request::default(), now),
        "setAside": pool.set_aside(),
    })
}

fn by_id(mut rows: Vec<Map<String, Value>>) -> Vec<Map<String, Value>> {
    rows.sort_by_key(|row| row["id"].as_str().map(str::to_owned));
    rows
}
