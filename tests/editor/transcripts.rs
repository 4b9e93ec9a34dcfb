//! Transcripts of a person's edits of documents.
//!
//! After its title (`== title`) a transcript has a document. Each line that begins with `> ` is an input ([`Replay::answer`]
//! lists them), and the lines up to the next input are its answer. The answer of an edit are the removed (`-`) and added
//! (`+`) lines of the text; all other lines are unchanged, to the byte.

use crate::replay::Replay;

#[test]
fn every_transcript_replays() {
    let mut differences = Vec::new();
    let mut lines = 0;
    for (file, text) in [
        ("edits", include_str!("transcripts/edits.txt")),
        ("layouts", include_str!("transcripts/layouts.txt")),
        ("rows", include_str!("transcripts/rows.txt")),
        ("settings", include_str!("transcripts/settings.txt")),
        ("refusals", include_str!("transcripts/refusals.txt")),
        ("health", include_str!("transcripts/health.txt")),
    ] {
        for transcript in text.split("\n== ").skip(1) {
            let (title, body) = transcript.split_once('\n').unwrap();
            let mut parts = body.split("\n> ");
            let mut replay = Replay::open(parts.next().unwrap());
            for part in parts {
                let mut part = part.trim_end_matches('\n').split('\n');
                let input = part.next().unwrap();
                let expected: Vec<_> = part.collect();
                let answer = replay.answer(input);
                if answer != expected {
                    let (answer, expected) = (answer.join("\n"), expected.join("\n"));
                    differences.push(format!("{file}: {title}\n> {input}\n{answer}\nexpected\n{expected}"));
                }
                lines += 1;
            }
        }
    }
    assert!(differences.is_empty(), "{} of {lines} answers differ:\n{}", differences.len(), differences.join("\n\n"));
    assert!(lines > 100, "only {lines} inputs were replayed");
}
