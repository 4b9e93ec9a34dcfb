//! Transcripts of what a person does to documents.
//!
//! A transcript begins after a title (`== title`) with a document. Then each line that begins with `> ` is what the
//! person does ([`Stage::play`] says what there is), and the lines up to the next are what comes of it: of an edit, the
//! lines of the text that go (`-`) and come (`+`); all others stay as they are, to the byte.

use crate::stage::Stage;

#[test]
fn the_editor_answers_as_the_transcripts_say() {
    let mut wrong = Vec::new();
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
            let (title, rest) = transcript.split_once('\n').unwrap();
            let mut parts = rest.split("\n> ");
            let mut stage = Stage::open(parts.next().unwrap());
            for part in parts {
                let mut part = part.trim_end_matches('\n').split('\n');
                let input = part.next().unwrap();
                let wanted: Vec<_> = part.collect();
                let answer = stage.play(input);
                if answer != wanted {
                    let (answer, wanted) = (answer.join("\n"), wanted.join("\n"));
                    wrong.push(format!("{file}: {title}\n> {input}\n{answer}\nwanted\n{wanted}"));
                }
                lines += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {lines} answers are others:\n{}", wrong.len(), wrong.join("\n\n"));
    assert!(lines > 100, "only {lines} lines were played");
}
