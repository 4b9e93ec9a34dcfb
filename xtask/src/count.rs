//! How many tests a runner says it ran.

/// Tests by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Count {
    /// A check that is one test.
    pub(crate) const ONE: Self = Self { passed: 1, failed: 0, skipped: 0 };

    pub(crate) fn add(&mut self, other: Self) {
        self.passed = self.passed.saturating_add(other.passed);
        self.failed = self.failed.saturating_add(other.failed);
        self.skipped = self.skipped.saturating_add(other.skipped);
    }

    /// Rust's own runner: `test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out`.
    pub(crate) fn of_cargo(output: &str) -> Self {
        sum(output, "test result:", |line| Self {
            passed: before(line, "passed"),
            failed: before(line, "failed"),
            skipped: before(line, "ignored"),
        })
    }

    /// Node's runner: `ℹ pass 5`.
    pub(crate) fn of_node(output: &str) -> Self {
        let of = |names: &[&str]| {
            sum(output, "ℹ ", |line| match line.split_once(' ') {
                Some((name, number)) if names.contains(&name) => {
                    Self { passed: number.parse().unwrap_or(0), ..Self::default() }
                }
                _ => Self::default(),
            })
            .passed
        };
        Self { passed: of(&["pass"]), failed: of(&["fail", "cancelled"]), skipped: of(&["skipped", "todo"]) }
    }

    /// Bun's runner: ` 5 pass`, ` 1 fail`, ` 1 skip`, a line each.
    pub(crate) fn of_bun(output: &str) -> Self {
        let of = |names: &[&str]| {
            let lines = output.lines().filter_map(|line| line.trim().split_once(' '));
            let numbers = lines.filter(|(_, name)| names.contains(name)).map(|(number, _)| number.parse().unwrap_or(0));
            numbers.fold(0, u64::saturating_add)
        };
        // An error between tests fails the run without a failed test.
        Self { passed: of(&["pass"]), failed: of(&["fail", "error", "errors"]), skipped: of(&["skip", "todo"]) }
    }

    /// Deno's runner: `ok | 5 passed (2 steps) | 0 failed | 1 ignored (20ms)`.
    pub(crate) fn of_deno(output: &str) -> Self {
        let summaries = output.lines().filter(|line| line.contains(" passed") && line.contains(" failed"));
        let mut count = Self::default();
        for line in summaries {
            count.add(Self {
                passed: before(line, "passed"),
                failed: before(line, "failed"),
                skipped: before(line, "ignored"),
            });
        }
        count
    }
}

fn sum(output: &str, start: &str, read: impl Fn(&str) -> Count) -> Count {
    let mut count = Count::default();
    for line in output.lines().filter_map(|line| line.trim().strip_prefix(start)) {
        count.add(read(line));
    }
    count
}

/// The number before a word.
fn before(line: &str, word: &str) -> u64 {
    let words: Vec<_> = line.split_whitespace().map(|it| it.trim_end_matches([';', ','])).collect();
    let number = words.windows(2).find_map(|pair| match pair {
        [number, next] if *next == word => number.parse().ok(),
        _ => None,
    });
    number.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_s_results_add_up() {
        let output = "running 2 tests\n\
            test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
            test result: FAILED. 3 passed; 1 failed; 4 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
        assert_eq!(Count::of_cargo(output), Count { passed: 5, failed: 1, skipped: 4 });
    }

    #[test]
    fn node_s_summary_is_read() {
        let output =
            "✔ works (1.2ms)\nℹ tests 9\nℹ suites 0\nℹ pass 5\nℹ fail 1\nℹ cancelled 1\nℹ skipped 1\nℹ todo 1\n";
        assert_eq!(Count::of_node(output), Count { passed: 5, failed: 2, skipped: 2 });
    }

    #[test]
    fn bun_s_summary_is_read() {
        let output =
            "(pass) works [1.20ms]\n\n 83 pass\n 2 skip\n 1 fail\n 1 error\nRan 84 tests across 5 files. [14.20s]\n";
        assert_eq!(Count::of_bun(output), Count { passed: 83, failed: 2, skipped: 2 });
    }

    #[test]
    fn deno_s_summary_is_read() {
        let output = "works ... ok (2ms)\n\nok | 5 passed (2 steps) | 0 failed | 1 ignored (20ms)\n";
        assert_eq!(Count::of_deno(output), Count { passed: 5, failed: 0, skipped: 1 });
    }

    #[test]
    fn a_runner_that_says_nothing_ran_nothing() {
        assert_eq!(
            [Count::of_cargo(""), Count::of_node(""), Count::of_deno(""), Count::of_bun("")],
            [Count::default(); 4]
        );
    }
}
