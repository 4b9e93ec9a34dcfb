//! Replays the inputs of a transcript on an editor, and formats the answers as lines.

use credential_pool::{Edited, Editor, Error, PoolTable, ShownCredential, State, Timestamp, locate};
use serde_json::Value;

use crate::{START, after, open};

/// Marks for invisible characters in transcripts.
const MARKS: [(&str, &str); 2] = [("⟨BOM⟩", "\u{feff}"), ("␍", "\r")];

/// An open document, and the current time.
pub struct Replay {
    editor: Editor,
    now: Timestamp,
}

impl Replay {
    pub fn open(text: &str) -> Self {
        let text = MARKS.iter().fold(text.to_owned(), |text, (mark, stands_for)| text.replace(mark, stands_for));
        let editor = open(&text);
        assert_eq!(editor.text(), text, "opening changes nothing");
        Self { editor, now: START }
    }

    /// Answers an input. `KEY {EDIT}`: the changed lines, or the error. `at TIME`: sets the current time. `pools`,
    /// `table KEY`, `reveal KEY ID FIELD`: the view. `reopen`: opens the text again. An empty name or a name with spaces
    /// is in quotes.
    pub fn answer(&mut self, input: &str) -> Vec<String> {
        let (command, arguments) = input.split_once(' ').unwrap_or((input, ""));
        match command {
            "at" => {
                self.now = after(millis(arguments));
                Vec::new()
            }
            "reopen" => {
                self.editor = open(&self.editor.text());
                Vec::new()
            }
            "pools" => self.pools(),
            "table" => match self.editor.pool(&key(arguments), self.now) {
                Ok(table) => table_lines(&table),
                Err(error) => vec![refusal(&error)],
            },
            "reveal" => {
                let mut words = arguments.split(' ');
                let mut next = || key(words.next().unwrap());
                let (key, id, field) = (next(), next(), next());
                match self.editor.reveal(&key, &id.into(), &field, self.now) {
                    Ok(secret) => vec![format!("{secret:?}")],
                    Err(error) => vec![refusal(&error)],
                }
            }
            _ => {
                let (pool, edit) = input.split_once(" {").unwrap_or_else(|| panic!("{input} is no edit"));
                self.edit(&key(pool), &format!("{{{edit}"))
            }
        }
    }

    /// Validates and makes an edit: `validate` must answer like `edit`, and change nothing.
    fn edit(&mut self, key: &str, edit: &str) -> Vec<String> {
        let edit = match Edited::parse(edit) {
            Ok(edit) => edit,
            Err(error) => return vec![refusal(&error)],
        };
        let before = self.observed(key);
        let validated = self.editor.validate(key, &edit, self.now);
        assert_eq!(self.observed(key), before, "validating changes nothing");
        let done = self.editor.edit(key, &edit, self.now);
        match (&validated, &done) {
            (Ok(()), Ok(())) => changed_lines(&before.0, &self.editor.text()),
            (validated, Err(error)) => {
                assert_eq!(self.observed(key), before, "a refused edit changes nothing");
                let is_validated = validated.as_ref().err() == Some(error);
                vec![refusal(error) + if is_validated { "" } else { ", by the document" }]
            }
            (Err(error), Ok(())) => panic!("validate answers {error}, and the edit was made"),
        }
    }

    fn observed(&mut self, key: &str) -> (String, Option<PoolTable>, Vec<String>) {
        (self.editor.text(), self.editor.pool(key, self.now).ok(), self.pools())
    }

    fn pools(&mut self) -> Vec<String> {
        let summaries = self.editor.pools(self.now);
        let lines = summaries.into_iter().map(|summary| {
            let health = summary.health.map_or("read by no pool".to_owned(), |health| {
                let counts = [
                    (health.available, "available"),
                    (health.cooling_down, "cooling down"),
                    (health.unavailable, "unavailable"),
                    (health.set_aside, "set aside"),
                ];
                let counts = counts.iter().filter(|(count, _)| *count > 0);
                let counts: Vec<_> = counts.map(|(count, what)| format!("{count} {what}")).collect();
                if counts.is_empty() { "empty".to_owned() } else { counts.join(", ") }
            });
            let next = summary.next_at.map_or(String::new(), |at| format!(", next at {}", since_start(at)));
            format!("{:?} {health}{next}", summary.key)
        });
        lines.collect()
    }
}

/// Formats the settings of a pool, then each credential, one per line.
fn table_lines(table: &PoolTable) -> Vec<String> {
    let aside = if table.set_aside == 0 { String::new() } else { format!(", {} set aside", table.set_aside) };
    let settings = format!("{} {} {}{aside}", table.key, table.strategy.name(), table.policy);
    [settings].into_iter().chain(table.credentials.iter().map(row)).collect()
}

fn row(shown: &ShownCredential) -> String {
    let entry = &shown.entry;
    let state = match entry.state {
        State::CoolingDown { until, .. } | State::Unreachable { until } => {
            format!("cools down until {}", since_start(until))
        }
        other => serde_json::to_value(other).unwrap()["type"].as_str().unwrap().replace('_', " "),
    };
    let mut row = format!(
        "{} {} {:?} from {}, {state}, used {}, has [{}], at {}",
        entry.priority,
        entry.id.as_str(),
        entry.label,
        entry.source.as_str(),
        entry.request_count,
        shown.secrets.join(" "),
        shown.pointer.as_deref().unwrap_or("no place yet"),
    );
    let others = [
        shown.base_url.as_ref().map(|url| format!("base_url {url}")),
        entry.base_url.as_ref().filter(|url| Some(*url) != shown.base_url.as_ref()).map(|url| format!("to {url}")),
        shown.expires_at_ms.map(|at| format!("ends at {}", since_start(Timestamp::from_millis(at)))),
        shown.failure.map(|failure| failure.name().to_owned()),
        (shown.weight != 1).then(|| format!("weight {}", shown.weight)),
        shown.max_in_flight.map(|limit| format!("at most {limit}")),
        shown.is_borrowed.then(|| "borrowed".to_owned()),
    ];
    for other in others.into_iter().flatten() {
        row += &format!(", {other}");
    }
    row
}

fn refusal(error: &Error) -> String {
    let code = serde_json::to_value(error.code).unwrap();
    format!(
        "error {}{}",
        code.as_str().unwrap(),
        match &error.pointer {
            Some(pointer) => format!(" at {pointer:?}"),
            None => String::new(),
        }
    )
}

/// Returns the removed and added lines in order, by their longest common subsequence. The merge metadata is shown as `…`.
fn changed_lines(before: &str, after: &str) -> Vec<String> {
    let (before, after) = (without_merges(before), without_merges(after));
    let (old, new): (Vec<_>, Vec<_>) = (before.split('\n').collect(), after.split('\n').collect());
    // Length of the longest common subsequence from each pair of lines on.
    let mut common = vec![vec![0; new.len() + 1]; old.len() + 1];
    for (i, one) in old.iter().enumerate().rev() {
        for (j, other) in new.iter().enumerate().rev() {
            common[i][j] = match one == other {
                true => common[i + 1][j + 1] + 1,
                false => common[i + 1][j].max(common[i][j + 1]),
            };
        }
    }
    let (mut i, mut j, mut changed) = (0, 0, Vec::new());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            (i, j) = (i + 1, j + 1);
        } else if i < old.len() && (j == new.len() || common[i + 1][j] >= common[i][j + 1]) {
            changed.push(marked('-', old[i]));
            i += 1;
        } else {
            changed.push(marked('+', new[j]));
            j += 1;
        }
    }
    changed
}

fn marked(sign: char, line: &str) -> String {
    format!("{sign}{}", MARKS.iter().fold(line.to_owned(), |line, (mark, stands_for)| line.replace(stands_for, mark)))
}

fn without_merges(text: &str) -> String {
    let mut shown = text.to_owned();
    if let Some(merges) = locate(text, "/credential_pool_merges") {
        let _: Value = serde_json::from_str(&text[merges.value.from..merges.value.to]).unwrap();
        shown.replace_range(merges.value.from..merges.value.to, "…");
    }
    shown
}

fn key(text: &str) -> String {
    serde_json::from_str(text).unwrap_or_else(|_| text.to_owned())
}

fn millis(moment: &str) -> i64 {
    let (number, unit) = moment.split_at(moment.len() - 1);
    let unit = match unit {
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        other => panic!("{other} is no unit of time"),
    };
    number.parse::<i64>().unwrap() * unit
}

fn since_start(at: Timestamp) -> String {
    let millis = at.as_millis() - START.as_millis();
    match millis {
        _ if millis % 3_600_000 == 0 => format!("{}h", millis / 3_600_000),
        _ if millis % 60_000 == 0 => format!("{}m", millis / 60_000),
        _ if millis % 1000 == 0 => format!("{}s", millis / 1000),
        _ => format!("{millis}ms"),
    }
}
