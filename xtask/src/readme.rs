//! The examples that people copy: they run as they stand.

use std::{
    fs,
    io::Write,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};

use crate::{count::Count, run, workspace};

/// Runs every JavaScript example of the README files in Node.
///
/// # Errors
///
/// If one fails, or a file has none.
pub(crate) fn test() -> Result<Count> {
    let mut count = Count::default();
    for name in ["README.md", "pkg/README.md"] {
        let text =
            fs::read_to_string(workspace::root().join(name)).with_context(|| format!("{name} cannot be read"))?;
        let examples = examples(&text);
        ensure!(!examples.is_empty(), "{name} has no example that starts with ```js");
        for example in examples {
            run(&example).with_context(|| format!("an example of {name} does not run:\n{example}"))?;
            count.add(Count::ONE);
        }
    }
    Ok(count)
}

/// The code of a text's fenced blocks of JavaScript.
fn examples(text: &str) -> Vec<String> {
    let mut examples = Vec::new();
    let mut lines = text.lines();
    while lines.any(|line| line.trim_end() == "```js") {
        let code: Vec<_> = lines.by_ref().take_while(|line| line.trim_end() != "```").collect();
        examples.push(code.join("\n"));
    }
    examples
}

/// Runs code where the package is installed, so that it imports it by its name.
fn run(code: &str) -> Result<()> {
    let mut node = Command::new("node")
        .args(["--input-type=module", "-"])
        .current_dir(workspace::root().join("tests/js"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("Node does not start")?;
    if let Some(mut input) = node.stdin.take() {
        input.write_all(code.as_bytes())?;
    }
    let output = node.wait_with_output()?;
    match output.status.success() {
        true => Ok(()),
        false => bail!("{}", run::text(&output)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_javascript_is_an_example() {
        let text = "# Title\n```sh\nls\n```\ntext\n```js\nconst a = 1\n\nconst b = 2\n```\n```js\nc()\n```\n";
        assert_eq!(examples(text), ["const a = 1\n\nconst b = 2", "c()"]);
    }
}
