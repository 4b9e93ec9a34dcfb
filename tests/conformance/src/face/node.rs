//! The npm package, in a Node process.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use anyhow::{Context, Result};

use crate::artefact;

use super::{CallError, Face};

/// A Node process that has loaded the npm package; dropping the value ends the process.
#[derive(Debug)]
pub struct Node {
    process: Child,
    calls: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Node {
    /// Starts Node.
    ///
    /// # Errors
    ///
    /// If the package was not built or there is no Node.
    pub fn start() -> Result<Self> {
        artefact::built(artefact::NODE_ENTRY)?;
        let mut process = Command::new("node")
            .arg(artefact::path(artefact::NODE_HOST))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("`node` does not start: install Node 20 or later")?;
        let calls = process.stdin.take().context("Node has no input")?;
        let answers = BufReader::new(process.stdout.take().context("Node has no output")?);
        Ok(Self { process, calls, answers })
    }
}

impl Face for Node {
    fn exchange(&mut self, call: &str) -> Result<String, CallError> {
        let mut answer = String::new();
        // A call and its answer are a line each: serde_json and JSON.stringify write no line breaks.
        self.calls
            .write_all(format!("{call}\n").as_bytes())
            .and_then(|()| self.calls.flush())
            .and_then(|()| self.answers.read_line(&mut answer))
            .map_err(|error| CallError::broken(format!("Node does not answer: {error}")))?;
        match answer.is_empty() {
            true => Err(CallError::broken("Node ended; its stderr has the reason")),
            false => Ok(answer),
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // A hanging process would never end by itself, and no state of it is needed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
