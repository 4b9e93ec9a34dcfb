//! Figures of a run.
//!
//! - *Jobs* are the requests that sessions had to make. A job asks the pool for a lease; after `exhausted` it asks again
//!   in a few seconds, until it is served. After `give_up` the job is dropped.
//! - *Exhausted* counts the answers `exhausted` and `empty`, *given up* the answers `give_up`. A job that asks ten times
//!   in vain counts ten times as exhausted.
//! - *Lost* counts the answers of both kinds that were avoidable: a credential would have served the request at every
//!   moment from a second before the pool's last decision until the answer, and no limit that the pool knew of ruled
//!   that credential out (`KnownLimits::rules_out`). The last decision is when the last attempt was sent, if its report
//!   ended the request, and else the end itself: while an attempt is in flight the pool decides nothing.
//!   A credential that is being probed after a limit does not make a request lost either, nor does a provider that is
//!   being probed after an outage.
//! - *Missed* counts the same answers where a known limit or a running probe did rule the credential out: the limit had
//!   ended without notice, as when an owner pays early, and only another attempt could have found out.
//! - *Attempts* are the requests sent to the provider, *limited* the attempts that met a limit of the credential: a
//!   full window, a used-up quota, a revocation, a model that is not allowed.
//! - *Wasted* counts the limited attempts whose limit the pool knew of when it sent them and that had not ended since.
//!   Retries and probes count like other attempts.
//! - *To cooling down* counts the attempts with a credential that the pool reported as cooling down or dead just before;
//!   *probes* counts the attempts with a credential that it reported as half-open.
//! - *Wait* is the time from the start of a job until the attempt that served it was sent: waits, retries, failed
//!   attempts and `exhausted` answers. A job that is never served has waited until the end of the run or until it was
//!   given up, so a pool that refuses every job at once does not look fast.
//! - *Duration* is the time from the start of a job until it was served.

#[derive(Clone, Debug, Default)]
pub struct Figures {
    pub jobs: usize,
    pub served: usize,
    pub exhausted: usize,
    pub given_up: usize,
    pub lost: usize,
    pub missed: usize,
    pub attempts: usize,
    pub limited: usize,
    pub wasted: usize,
    /// Attempts and wasted attempts after the warm-up.
    pub steady_attempts: usize,
    pub steady_wasted: usize,
    pub to_cooling_down: usize,
    pub probes: usize,
    pub late: usize,
    pub crashed: usize,
    /// Wait of each job, in milliseconds.
    pub waited: Vec<i64>,
    /// Duration of each served job, in milliseconds.
    pub durations: Vec<i64>,
    /// Descriptions of the first five lost requests and attempts with a credential that cools down.
    pub violations: Vec<String>,
}

impl Figures {
    pub fn note_violation(&mut self, describe: impl FnOnce() -> String) {
        if self.violations.len() < 5 {
            self.violations.push(describe());
        }
    }

    pub fn add(&mut self, other: &Self) {
        self.jobs += other.jobs;
        self.served += other.served;
        self.exhausted += other.exhausted;
        self.given_up += other.given_up;
        self.lost += other.lost;
        self.missed += other.missed;
        self.attempts += other.attempts;
        self.limited += other.limited;
        self.wasted += other.wasted;
        self.steady_attempts += other.steady_attempts;
        self.steady_wasted += other.steady_wasted;
        self.to_cooling_down += other.to_cooling_down;
        self.probes += other.probes;
        self.late += other.late;
        self.crashed += other.crashed;
        self.waited.extend(&other.waited);
        self.durations.extend(&other.durations);
        self.violations.extend(other.violations.iter().cloned());
    }

    pub fn total_wait(&self) -> i64 {
        self.waited.iter().sum()
    }

    /// Returns the wasted attempts after the warm-up, in percent.
    pub fn steady_waste(&self) -> f64 {
        percent(self.steady_wasted, self.steady_attempts)
    }

    pub const HEAD: &str = concat!(
        "| scenario | policy | jobs | served | exhausted | given up | lost | missed | attempts | limited | wasted ",
        "| wait, total | wait, p95 | duration, p95 |\n",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    );

    /// Formats the figures as a row of a Markdown table.
    pub fn row(&self, scenario: &str, policy: &str) -> String {
        format!(
            "| {scenario} | {policy} | {} | {} | {} | {} | {} | {} | {} | {} | {:.2} % | {} | {} | {} |",
            self.jobs,
            self.served,
            self.exhausted,
            self.given_up,
            self.lost,
            self.missed,
            self.attempts,
            self.limited,
            percent(self.wasted, self.attempts),
            time(self.total_wait()),
            time(p95(&self.waited)),
            time(p95(&self.durations)),
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
fn the_table_shows_each_figure_in_its_column() {
    let figures =
        Figures { jobs: 2, served: 1, attempts: 4, wasted: 1, waited: vec![9_000_000, 500], ..Figures::default() };
    let row = figures.row("a day", "adaptive");
    assert_eq!(row, "| a day | adaptive | 2 | 1 | 0 | 0 | 0 | 0 | 4 | 0 | 25.00 % | 2.5 h | 2.5 h | 0.0 s |");
    assert_eq!(Figures::HEAD.lines().map(|line| line.matches('|').count()).collect::<Vec<_>>(), [15, 15]);
    assert_eq!(row.matches('|').count(), 15);
    assert_eq!(p95(&(1..=100).collect::<Vec<_>>()), 95);
}
