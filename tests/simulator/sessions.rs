//! Who asks: sessions that do one job after another.

use credential_pool::Request;

use crate::dice::Dice;

/// How a session goes about its jobs.
#[derive(Clone, Copy, Debug)]
pub struct Habit {
    /// The shortest and the longest time between two jobs.
    pub think: (i64, i64),
    /// How many of a hundred jobs ask for model `m2`.
    pub second_model: i64,
    /// Whether its jobs shall go to the same credential.
    pub has_affinity: bool,
    /// How many of a hundred attempts it crashes in.
    pub crashes: i64,
}

pub struct Session {
    pub habit: Habit,
    pub job: Option<Job>,
    /// When it was served first, and when it last started with that, after a moment that a test asks for.
    pub first_served: Option<(i64, i64)>,
    affinity: Option<String>,
    habits: Dice,
    pub luck: Dice,
}

/// One piece of work. It asks the pool again until it is served.
#[derive(Clone, Debug)]
pub struct Job {
    pub model: &'static str,
    pub began: i64,
    /// When it last asked for a lease.
    pub asked: i64,
    /// The attempt that is under way or was the last.
    pub attempt: Option<Attempt>,
    /// Moves since it last asked.
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
        let (habits, luck) = (Dice::new(seed, stream + 2), Dice::new(seed, stream + 3));
        Self { habit, job: None, first_served: None, affinity, habits, luck }
    }

    pub fn think(&mut self) -> i64 {
        self.habits.between(self.habit.think.0, self.habit.think.1)
    }

    /// How long it leaves a pool alone that turned it away.
    pub fn pause(&mut self) -> i64 {
        self.luck.between(5_000, 15_000)
    }

    /// The job to go on with, or a new one.
    pub fn take_up(&mut self, now: i64) -> (Request, bool) {
        let is_new = self.job.is_none();
        let habits = &mut self.habits;
        let second = self.habit.second_model;
        let job = self.job.get_or_insert_with(|| {
            let model = if habits.chance(second) { "m2" } else { "m1" };
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
