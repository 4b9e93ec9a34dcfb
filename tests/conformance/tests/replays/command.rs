//! The command line reports differences in its output and its exit code.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::{Value, json};

use crate::{REFERENCE, reference};

#[test]
fn a_replay_without_differences_exits_with_0() {
    let output = replay(Path::new(REFERENCE));
    assert_eq!(text(&output.stdout), "native: 240 traces, 2530 steps, 0 differ\n");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_difference_is_printed_with_its_place_and_exits_with_1() {
    let mut traces: Value = serde_json::from_str(&reference()).unwrap();
    let traces = traces.as_array_mut().unwrap();
    traces.truncate(1);
    traces[0]["steps"][0]["value"] = json!("other");
    let output = replay(&written("differing.json", &json!(traces).to_string()));
    let shown = text(&output.stdout);
    assert!(shown.starts_with("native: 1 traces, 6 steps, 1 differ\n"), "{shown}");
    assert!(shown.contains("seeding-0, step 0 (load): value: expected \"other\", got false"), "{shown}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn an_unusable_file_is_named_and_exits_with_2() {
    let unreadable = [
        (PathBuf::from("no/such/file.json"), "no/such/file.json cannot be read"),
        (written("cut.json", &reference().replace(']', "")), "cut.json is not a file of traces"),
        (written("else.json", r#"[{ "name": "else" }]"#), "trace else: missing field"),
    ];
    for (file, message) in unreadable {
        let output = replay(&file);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(message), "{}", text(&output.stderr));
    }
}

fn replay(file: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_conformance")).arg(file).args(["--through", "native"]).output().unwrap()
}

fn written(name: &str, text: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}
