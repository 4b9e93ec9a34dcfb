//! What came of a run, in numbers.
//!
//! - *Jobs* are what sessions wanted. A job asks the pool for a lease; turned away with `exhausted`, it comes back
//!   after a few seconds, until it is served. Ended with `give_up`, it is dropped.
//! - *Turned away* are the answers `exhausted` and `empty`, *given up* those `give_up`. A job that comes back ten
//!   times in vain was turned away ten times.
//! - *Lost* are those of both that need not have been: some credential would have served the request at every moment
//!   from a second before the pool's last chance until the answer, and nothing the provider had said spoke against
//!   that credential (`Told::speaks_against`). The last chance is when the last attempt was sent, if the report of it
//!   ended the request, and the end itself if not: while an attempt is under way the pool decides nothing.
//!   A credential that a request is trying after a limit is not held against the pool either.
//! - *Missed* are the same, except that an earlier answer did speak against the credential, or a request was just
//!   trying it: truth had changed, as when an owner pays early, and only another attempt could have told.
//! - *Sent* are attempts, *limited* those that were answered with a limit of the credential: a window, a quota, a
//!   revocation, a model that is not allowed.
//! - *Wasted* are the limited ones whose limit the pool had been told of before they were sent and that had not ended
//!   since. Retries, probes and probes count like any other.
//! - *To resting* are attempts with a credential of which the pool itself said just before that it rests or is dead;
//!   *probes* are those that it said could try a resting one.
//! - *Waited* is the time from a job's beginning until its answer, without the attempt that served it: waiting,
//!   retries, failed attempts, and being turned away. Jobs that are never served have waited until the end of the run,
//!   or until they were given up. So a pool that turns everyone away at once does not look quick.
//! - *Took* is the time from a job's beginning until it was served.

#[derive(Clone, Debug, Default)]
pub struct Figures {
    pub jobs: usize,
    pub served: usize,
    pub turned_away: usize,
    pub given_up: usize,
    pub lost: usize,
    pub missed: usize,
    pub sent: usize,
    pub limited: usize,
    pub wasted: usize,
    /// The same, after the warm-up.
    pub steady_sent: usize,
    pub steady_wasted: usize,
    pub to_resting: usize,
    pub probes: usize,
    pub late: usize,
    pub crashed: usize,
    /// Milliseconds that each job waited.
    pub waited: Vec<i64>,
    pub took: Vec<i64>,
    /// The first few things that should not have happened.
    pub complaints: Vec<String>,
}

impl Figures {
    pub fn complain(&mut self, about: impl FnOnce() -> String) {
        if self.complaints.len() < 5 {
            self.complaints.push(about());
        }
    }

    pub fn add(&mut self, other: &Self) {
        self.jobs += other.jobs;
        self.served += other.served;
        self.turned_away += other.turned_away;
        self.given_up += other.given_up;
        self.lost += other.lost;
        self.missed += other.missed;
        self.sent += other.sent;
        self.limited += other.limited;
        self.wasted += other.wasted;
        self.steady_sent += other.steady_sent;
        self.steady_wasted += other.steady_wasted;
        self.to_resting += other.to_resting;
        self.probes += other.probes;
        self.late += other.late;
        self.crashed += other.crashed;
        self.waited.extend(&other.waited);
        self.took.extend(&other.took);
        self.complaints.extend(other.complaints.iter().cloned());
    }

    pub fn waited_in_all(&self) -> i64 {
        self.waited.iter().sum()
    }

    /// In percent.
    pub fn steady_waste(&self) -> f64 {
        percent(self.steady_wasted, self.steady_sent)
    }

    pub const HEAD: &str = concat!(
        "| scenario | policy | jobs | served | turned away | given up | lost | missed | sent | limited | wasted ",
        "| waited, all | waited, p95 | took, p95 |\n",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    );

    /// A row of a Markdown table.
    pub fn row(&self, scenario: &str, policy: &str) -> String {
        format!(
            "| {scenario} | {policy} | {} | {} | {} | {} | {} | {} | {} | {} | {:.2} % | {} | {} | {} |",
            self.jobs,
            self.served,
            self.turned_away,
            self.given_up,
            self.lost,
            self.missed,
            self.sent,
            self.limited,
            percent(self.wasted, self.sent),
            time(self.waited_in_all()),
            time(p95(&self.waited)),
            time(p95(&self.took)),
        )
    }
}

fn percent(part: usize, of: usize) -> f64 {
    part as f64 * 100.0 / of.max(1) as f64
}

pub fn p95(times: &[i64]) -> i64 {
    let mut times = times.to_vec();
    times.sort_unstable();
    times.get((times.len() * 95).div_ceil(100).saturating_sub(1)).copied().unwrap_or(0)
}

fn time(millis: i64) -> String {
    match millis {
        ..120_000 => format!("{:.1} s", millis as f64 / 1e3),
        120_000..7_200_000 => format!("{:.1} min", millis as f64 / 6e4),
        _ => format!("{:.1} h", millis as f64 / 3.6e6),
    }
}

#[test]
fn the_table_says_what_was_counted() {
    let figures =
        Figures { jobs: 2, served: 1, sent: 4, wasted: 1, waited: vec![9_000_000, 500], ..Figures::default() };
    let row = figures.row("a day", "adaptive");
    assert_eq!(row, "| a day | adaptive | 2 | 1 | 0 | 0 | 0 | 0 | 4 | 0 | 25.00 % | 2.5 h | 2.5 h | 0.0 s |");
    assert_eq!(Figures::HEAD.lines().map(|line| line.matches('|').count()).collect::<Vec<_>>(), [15, 15]);
    assert_eq!(row.matches('|').count(), 15);
    assert_eq!(p95(&(1..=100).collect::<Vec<_>>()), 95);
}
