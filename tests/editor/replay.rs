//! An editor as a transcript plays it: a line in, the lines that people may see out.

use credential_pool::{Edited, Editor, Error, PoolTable, ShownCredential, State, Timestamp, locate};
use serde_json::Value;

use crate::{START, after, open};

/// What no text editor shows is written so in transcripts.
const MARKS: [(&str, &str); 2] = [("⟨BOM⟩", "\u{feff}"), ("␍", "\r")];

/// A document that is open, and when.
pub struct Stage {
    editor: Editor,
    now: Timestamp,
}

impl Stage {
    pub fn open(text: &str) -> Self {
        let text = MARKS.iter().fold(text.to_owned(), |text, (mark, stands_for)| text.replace(mark, stands_for));
        let editor = open(&text);
        assert_eq!(editor.text(), text, "opening changes nothing");
        Self { editor, now: START }
    }

    /// `KEY {EDIT}`: how the text changes, or why it does not. `at MOMENT`: the time from now on. `pools`,
    /// `table KEY`, `reveal KEY ID FIELD`: what they answer. `reopen`: the text is opened anew. What is empty or has
    /// spaces stands in quotes.
    pub fn play(&mut self, input: &str) -> Vec<String> {
        let (word, rest) = input.split_once(' ').unwrap_or((input, ""));
        match word {
            "at" => {
                self.now = after(millis(rest));
                Vec::new()
            }
            "reopen" => {
                self.editor = open(&self.editor.text());
                Vec::new()
            }
            "pools" => self.pools(),
            "table" => match self.editor.pool(&key(rest), self.now) {
                Ok(table) => shown(&table),
                Err(error) => vec![refusal(&error)],
            },
            "reveal" => {
                let mut words = rest.split(' ');
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

    /// `validate` comes first: it says what `edit` will, and changes nothing.
    fn edit(&mut self, key: &str, edit: &str) -> Vec<String> {
        let edit = match Edited::parse(edit) {
            Ok(edit) => edit,
            Err(error) => return vec![refusal(&error)],
        };
        let before = self.seen(key);
        let foreseen = self.editor.validate(key, &edit, self.now);
        assert_eq!(self.seen(key), before, "validating changes nothing");
        let done = self.editor.edit(key, &edit, self.now);
        match (&foreseen, &done) {
            (Ok(()), Ok(())) => changed_lines(&before.0, &self.editor.text()),
            (foreseen, Err(error)) => {
                assert_eq!(self.seen(key), before, "what is refused changes nothing");
                let is_foreseen = foreseen.as_ref().err() == Some(error);
                vec![refusal(error) + if is_foreseen { "" } else { ", by the document" }]
            }
            (Err(error), Ok(())) => panic!("{error}, and yet it was done"),
        }
    }

    fn seen(&mut self, key: &str) -> (String, Option<PoolTable>, Vec<String>) {
        (self.editor.text(), self.editor.pool(key, self.now).ok(), self.pools())
    }

    fn pools(&mut self) -> Vec<String> {
        let summaries = self.editor.pools(self.now);
        let lines = summaries.into_iter().map(|summary| {
            let health = summary.health.map_or("nothing reads it".to_owned(), |health| {
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

/// Its settings, then a line for each credential.
fn shown(table: &PoolTable) -> Vec<String> {
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

/// The lines that went and those that came, in their order. What merges later changes is written as `…`.
fn changed_lines(before: &str, after: &str) -> Vec<String> {
    let (before, after) = (without_merges(before), without_merges(after));
    let (old, new): (Vec<_>, Vec<_>) = (before.split('\n').collect(), after.split('\n').collect());
    // How many lines are common from there on.
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
        other => panic!("no time is counted in {other}"),
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
