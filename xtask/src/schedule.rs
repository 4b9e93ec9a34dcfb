//! A scheduler for the parts of the test: each part starts when all that it needs is done and its lane is free.

use std::{
    collections::BTreeSet,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Error, Result, anyhow, ensure};

use crate::count::Count;

/// A unit of work with a result of its own.
pub(crate) struct Part {
    /// The name in `cargo xtask test NAME`.
    pub(crate) name: &'static str,
    /// The line for people.
    pub(crate) title: &'static str,
    /// Names of the parts that must have passed before.
    pub(crate) needs: &'static [&'static str],
    pub(crate) lane: Lane,
    pub(crate) run: fn() -> Result<Count>,
}

/// A resource that serves one part at a time. Parts of different lanes run side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Cargo's folder for development, which a running cargo locks.
    Cargo,
    /// Cargo's folder for releases, which has a lock of its own.
    Release,
    /// JavaScript outside of a browser, which waits for timers and processes most of the time.
    JavaScript,
    /// A browser, which waits for the page.
    Browser,
    /// The npm registry.
    Npm,
    /// The system's package manager.
    System,
}

/// What happens to a part.
pub(crate) enum Moment<'a> {
    Started,
    Ended { result: &'a Result<Count>, took: Duration },
}

/// Returns the named parts and all that they need, in the order of `parts`; all parts if no name is given.
///
/// # Errors
///
/// If a name, or a name in `needs`, belongs to no part.
pub(crate) fn selected<'a>(parts: &'a [Part], names: &[String]) -> Result<Vec<&'a Part>> {
    let mut wanted = BTreeSet::new();
    let mut open: Vec<&str> = match names {
        [] => parts.iter().map(|part| part.name).collect(),
        names => names.iter().map(String::as_str).collect(),
    };
    while let Some(name) = open.pop() {
        let part = parts.iter().find(|part| part.name == name);
        let part = part.ok_or_else(|| anyhow!("there is no part `{name}`: the parts are {}", listed(parts)))?;
        if wanted.insert(part.name) {
            open.extend(part.needs);
        }
    }
    Ok(parts.iter().filter(|part| wanted.contains(part.name)).collect())
}

/// Runs parts side by side, and starts no further part after the first failure. Of the parts that could start, the first
/// in the list does.
///
/// # Errors
///
/// The first failure. Parts that ran beside it have ended, too.
pub(crate) fn run(parts: &[&Part], mut report: impl FnMut(&Part, Moment<'_>)) -> Result<()> {
    let mut waiting = parts.to_vec();
    let mut running: Vec<&Part> = Vec::new();
    let mut passed = BTreeSet::new();
    let mut failure = None;
    thread::scope(|scope| {
        let (sender, ended) = mpsc::channel();
        loop {
            let can_start = |part: &&Part, running: &[&Part]| {
                part.needs.iter().all(|name| passed.contains(name)) && !running.iter().any(|it| it.lane == part.lane)
            };
            while failure.is_none()
                && let Some(place) = waiting.iter().position(|part| can_start(part, &running))
            {
                let part = waiting.remove(place);
                report(part, Moment::Started);
                running.push(part);
                let sender = sender.clone();
                scope.spawn(move || {
                    let started = Instant::now();
                    let result = catch_unwind(AssertUnwindSafe(part.run)).unwrap_or_else(|_| Err(anyhow!("panicked")));
                    // Fails only if the receiver is gone, which outlives this thread.
                    let _ = sender.send((part.name, result, started.elapsed()));
                });
            }
            if running.is_empty() {
                return;
            }
            let Ok((name, result, took)) = ended.recv() else { return };
            if let Some(place) = running.iter().position(|part| part.name == name) {
                report(running.remove(place), Moment::Ended { result: &result, took });
            }
            match result {
                Ok(_) => drop(passed.insert(name)),
                Err(error) => drop(failure.get_or_insert(error)),
            }
        }
    });
    match failure {
        Some(error) => Err(error),
        None => {
            ensure!(
                waiting.is_empty(),
                "these parts need each other, or a part that is not selected: {}",
                names(&waiting)
            );
            Ok(())
        }
    }
}

/// Tests that failed, and all that they wrote.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) count: Count,
    pub(crate) report: String,
}

impl Failed {
    /// Returns how many tests passed and failed in a part that ended with this error.
    pub(crate) fn count_of(error: &Error) -> Count {
        error.downcast_ref::<Self>().map_or(Count { failed: 1, ..Count::default() }, |failed| failed.count)
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.report)
    }
}

impl std::error::Error for Failed {}

fn listed(parts: &[Part]) -> String {
    names(&parts.iter().collect::<Vec<_>>())
}

fn names(parts: &[&Part]) -> String {
    parts.iter().map(|part| part.name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Barrier,
        atomic::{AtomicUsize, Ordering},
    };

    use anyhow::bail;

    use super::*;

    fn part(name: &'static str, needs: &'static [&'static str], lane: Lane, run: fn() -> Result<Count>) -> Part {
        Part { name, title: name, needs, lane, run }
    }

    fn passes() -> Result<Count> {
        Ok(Count::ONE)
    }

    /// Runs parts; returns whether all passed, and what was reported in which order.
    fn reported(parts: &[Part]) -> (bool, Vec<String>) {
        let mut moments = Vec::new();
        let done = run(&parts.iter().collect::<Vec<_>>(), |part, moment| {
            moments.push(match moment {
                Moment::Started => format!("{} starts", part.name),
                Moment::Ended { result: Ok(_), .. } => format!("{} passes", part.name),
                Moment::Ended { result: Err(error), .. } => format!("{} fails: {error}", part.name),
            });
        });
        (done.is_ok(), moments)
    }

    #[test]
    fn a_part_waits_for_all_that_it_needs() {
        let (passed, moments) = reported(&[
            part("last", &["first", "second"], Lane::Browser, passes),
            part("second", &["first"], Lane::JavaScript, passes),
            part("first", &[], Lane::Cargo, passes),
        ]);
        assert!(passed);
        let expected = ["first starts", "first passes", "second starts", "second passes", "last starts", "last passes"];
        assert_eq!(moments, expected);
    }

    #[test]
    fn parts_of_two_lanes_run_side_by_side() {
        static MEETING: Barrier = Barrier::new(2);
        fn meets() -> Result<Count> {
            MEETING.wait();
            passes()
        }
        let (passed, moments) = reported(&[part("a", &[], Lane::Cargo, meets), part("b", &[], Lane::Browser, meets)]);
        assert!(passed);
        assert_eq!(moments.len(), 4);
    }

    #[test]
    fn parts_of_one_lane_run_one_after_the_other() {
        static RUNNING: AtomicUsize = AtomicUsize::new(0);
        fn is_alone() -> Result<Count> {
            let others = RUNNING.fetch_add(1, Ordering::SeqCst);
            thread::yield_now();
            RUNNING.fetch_sub(1, Ordering::SeqCst);
            ensure!(others == 0);
            passes()
        }
        let names = ["a", "b", "c", "d"];
        let (passed, moments) = reported(&names.map(|name| part(name, &[], Lane::Cargo, is_alone)));
        assert!(passed, "{moments:?}");
        assert_eq!(moments, names.map(|name| [format!("{name} starts"), format!("{name} passes")]).concat());
    }

    #[test]
    fn nothing_starts_after_a_failure_and_what_runs_ends() {
        static MEETING: Barrier = Barrier::new(2);
        fn fails() -> Result<Count> {
            MEETING.wait();
            bail!("broken")
        }
        fn goes_on() -> Result<Count> {
            MEETING.wait();
            passes()
        }
        let (passed, mut moments) = reported(&[
            part("a", &[], Lane::Cargo, fails),
            part("b", &[], Lane::Browser, goes_on),
            part("c", &[], Lane::Cargo, passes),
            part("d", &["b"], Lane::Npm, || bail!("b may end before a")),
        ]);
        assert!(!passed);
        moments.retain(|moment| !moment.starts_with('d'));
        moments.sort();
        assert_eq!(moments, ["a fails: broken", "a starts", "b passes", "b starts"]);
    }

    #[test]
    fn a_part_that_panics_has_failed() {
        let (passed, moments) = reported(&[part("a", &[], Lane::Cargo, || std::panic::panic_any(1))]);
        assert_eq!((passed, moments), (false, vec!["a starts".to_owned(), "a fails: panicked".to_owned()]));
    }

    #[test]
    fn parts_that_need_each_other_are_an_error() {
        let parts = [part("a", &["b"], Lane::Cargo, passes), part("b", &["a"], Lane::Cargo, passes)];
        assert!(run(&parts.iter().collect::<Vec<_>>(), |_, _| {}).is_err_and(|it| it.to_string().ends_with("a, b")));
    }

    #[test]
    fn a_selected_part_brings_all_that_it_needs() -> Result<()> {
        let parts = [
            part("a", &[], Lane::Cargo, passes),
            part("b", &["a"], Lane::Cargo, passes),
            part("c", &["b"], Lane::Cargo, passes),
            part("d", &[], Lane::Cargo, passes),
        ];
        let names = |parts: Vec<&Part>| parts.iter().map(|part| part.name).collect::<String>();
        assert_eq!(names(selected(&parts, &["c".to_owned()])?), "abc");
        assert_eq!(names(selected(&parts, &["d".to_owned(), "b".to_owned()])?), "abd");
        assert_eq!(names(selected(&parts, &[])?), "abcd");
        let unknown = selected(&parts, &["e".to_owned()]).err().map(|error| error.to_string());
        assert_eq!(unknown.as_deref(), Some("there is no part `e`: the parts are a, b, c, d"));
        Ok(())
    }
}
