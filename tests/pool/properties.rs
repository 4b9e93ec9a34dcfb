//! What holds for every script, however hostile.

use std::collections::VecDeque;

use credential_pool::{
    Change, CredentialId, Error, ErrorCode, Failure, Intent, IntentId, Outcome, Pool, PoolKey, Selection, Sources,
    Step, Stored, Timestamp, apply,
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

/// A script under way, with a host that queues writes and may fail them.
struct Run {
    key: PoolKey,
    pool: Pool,
    stored: Stored,
    now: Timestamp,
    /// The latest time that the pool has seen, by an input that was not refused.
    latest: Timestamp,
    writes: VecDeque<(IntentId, Vec<Change>)>,
    refreshes: VecDeque<IntentId>,
    settled: Vec<IntentId>,
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
            answers: Vec::new(),
        };
        run.take(Ok(step));
        for (jump, input) in &script.inputs {
            run.now = Timestamp::from_millis(jump.from(run.now.as_millis()));
            let before = run.look();
            if !run.feed(input) {
                assert_eq!(run.look(), before, "an error changed something: {input:?}");
            }
        }
        run
    }

    /// Feeds one input; false if it was refused.
    fn feed(&mut self, input: &Input) -> bool {
        let now = self.now;
        match input {
            Input::Select => self.select(),
            Input::Rotate(which, status) => {
                let id = self.which(*which);
                let step = self.pool.rotate(&id, Failure { status: *status }, now);
                self.take(step)
            }
            Input::RotateCurrent(status) => match self.pool.current().cloned() {
                Some(id) => {
                    let step = self.pool.rotate(&id, Failure { status: *status }, now);
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
                    assert!(next.is_none_or(|next| next.at > wake.at), "{wake:?} came again as {next:?}");
                    self.take(Ok(step))
                }
                None => true,
            },
            Input::Flush => {
                let step = self.pool.flush(now);
                self.take(Ok(step))
            }
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
            Input::SetStrategy(strategy) => {
                let step = self.pool.set_strategy(*strategy, now);
                self.take(Ok(step))
            }
        }
    }

    fn select(&mut self) -> bool {
        let resting = self.resting();
        let step = self.pool.select(self.now);
        if let Selection::Selected { credential } = &step.value {
            assert!(!resting.contains(credential), "{credential:?} was selected and rests");
            assert_eq!(self.pool.current(), Some(credential));
        }
        self.take(Ok(step))
    }

    /// Who rests at this moment, worked out from the rows alone.
    fn resting(&self) -> Vec<CredentialId> {
        let rests = |row: &Map<String, Value>| {
            let at = row["last_status_at"].as_f64().filter(|at| *at != 0.0);
            let ttl = if row["last_error_code"] == json!(429) { 3_600.0 } else { 86_400.0 };
            let has_no_key = row["access_token"] == json!("") && row.get("agent_key").is_none();
            match row["last_status"].as_str() {
                Some("dead") => true,
                Some("exhausted") => {
                    at.is_some_and(|at| (self.latest.max(self.now).as_millis() as f64) / 1000.0 - at < ttl)
                        || has_no_key
                }
                _ => has_no_key,
            }
        };
        let rows = self.pool.rows();
        rows.iter().filter(|row| rests(row)).filter_map(|row| row["id"].as_str()).map(CredentialId::from).collect()
    }

    fn settle(&mut self, id: IntentId, outcome: Outcome) -> bool {
        let brings_tokens = matches!(outcome, Outcome::Tokens { .. });
        let step = self.pool.settle(id, outcome, self.now);
        match &step {
            Ok(step) => {
                assert!(!self.settled.contains(&id), "{id:?} was settled twice");
                let holds_tokens = |change: &Change| match change {
                    Change::Tokens { .. } => true,
                    Change::Edit { set, .. } => set.0.contains_key("access_token"),
                    _ => false,
                };
                let is_handed_over = step.intents.iter().any(|intent| match intent {
                    Intent::Persist { changes, .. } => changes.iter().any(holds_tokens),
                    Intent::Refresh { .. } => false,
                });
                let is_gone = serde_json::to_value(&step.value).unwrap()["type"] == "gone";
                assert!(!brings_tokens || is_handed_over || is_gone, "tokens were taken in and not handed over");
                self.settled.push(id);
            }
            Err(error) if self.settled.contains(&id) => assert_eq!(error.code, ErrorCode::AlreadySettled),
            Err(_) => {}
        }
        self.take(step)
    }

    /// Takes in the answer of an input that told the time.
    fn take<T: Serialize>(&mut self, step: Result<Step<T>, Error>) -> bool {
        if step.is_ok() {
            self.latest = self.latest.max(self.now);
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
            _ => CredentialId::from("nobody"),
        }
    }

    /// Everything that can be seen of the pool.
    fn look(&self) -> Value {
        json!({
            "rows": self.pool.rows(),
            "entries": self.pool.entries(self.now),
            "outstanding": self.pool.outstanding(),
            "wake": self.pool.wake(),
            "current": self.pool.current(),
            "peek": self.pool.peek(self.now),
            "strategy": self.pool.strategy(),
            "setAside": self.pool.set_aside(),
        })
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
