//! Sessions: clients of the pool that do jobs in sequence.

use credential_pool::Request;

use crate::rng::Rng;

/// Behaviour of a session.
#[derive(Clone, Copy, Debug)]
pub struct Habit {
    /// Shortest and longest think time between two jobs, in milliseconds.
    pub think: (i64, i64),
    /// Percentage of jobs for model `m2`; the other jobs are for `m1`.
    pub second_model: i64,
    /// Whether the session's requests carry an affinity.
    pub has_affinity: bool,
    /// Percentage of attempts during which the session crashes.
    pub crashes: i64,
}

pub struct Session {
    pub habit: Habit,
    pub job: Option<Job>,
    /// First success after `World::record_from`: when it came, and when its lease was asked for.
    pub first_served: Option<(i64, i64)>,
    affinity: Option<String>,
    job_rng: Rng,
    pub rng: Rng,
}

/// A job: a request that is repeated until it is served.
#[derive(Clone, Debug)]
pub struct Job {
    pub model: &'static str,
    pub began: i64,
    /// When the job last asked for a lease.
    pub asked: i64,
    /// Attempt in flight, or else the last one.
    pub attempt: Option<Attempt>,
    /// Moves since the job last asked for a lease.
    pub moves: usize,
}

#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    pub account: usize,
    pub sent: i64,
}

impl Session {
    pub fn new(habit: Habit, seed: u64, number: usize) -> Self {
        let stream = 2 * number as u64;
        let affinity = habit.has_affinity.then(|| format!("session-{number}"));
        let (job_rng, rng) = (Rng::new(seed, stream + 2), Rng::new(seed, stream + 3));
        Self { habit, job: None, first_served: None, affinity, job_rng, rng }
    }

    pub fn think(&mut self) -> i64 {
        self.job_rng.between(self.habit.think.0, self.habit.think.1)
    }

    /// Draws the pause after an `exhausted` answer, in milliseconds.
    pub fn pause(&mut self) -> i64 {
        self.rng.between(5_000, 15_000)
    }

    /// Returns the request of the current job, or of a new job, and whether the job is new.
    pub fn next_request(&mut self, now: i64) -> (Request, bool) {
        let is_new = self.job.is_none();
        let job_rng = &mut self.job_rng;
        let second = self.habit.second_model;
        let job = self.job.get_or_insert_with(|| {
            let model = if job_rng.chance(second) { "m2" } else { "m1" };
            Job { model, began: now, asked: now, attempt: None, moves: 0 }
        });
        (job.asked, job.attempt, job.moves) = (now, None, 0);
        (self.request(), is_new)
    }

    pub fn request(&self) -> Request {
        let model = self.job.as_ref().map(|job| job.model.to_owned());
        Request { model, affinity: self.affinity.clone(), patience_ms: None }
    }
}
