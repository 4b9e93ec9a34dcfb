//! Faces: ways to reach the core. Every face speaks the core's text protocol: a call in, its answer out.

pub mod component;
pub mod native;
pub mod node;

use std::fmt;

use serde::Deserialize;
use serde_json::{Value, json};

/// A way to reach the core.
pub trait Face {
    /// Sends the text of a call, and returns the text of its answer.
    ///
    /// # Errors
    ///
    /// If the face does not answer.
    fn exchange(&mut self, call: &str) -> Result<String, CallError>;

    /// Calls an input of the core by name.
    ///
    /// # Errors
    ///
    /// The core's error, or [`CallError::BROKEN`] if the face does not answer.
    fn call(&mut self, name: &str, args: Value) -> Result<Value, CallError> {
        let text = self.exchange(&json!({ "call": name, "args": args }).to_string())?;
        match serde_json::from_str(&text) {
            Ok(Answer::Ok(value)) => Ok(value),
            Ok(Answer::Error(error)) => Err(error),
            Err(_) => Err(CallError::broken(format!("this is not an answer: {text}"))),
        }
    }
}

/// A call that was refused, or that never reached the core.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CallError {
    /// Stable code, for programs.
    pub code: String,
    /// Message, for people.
    pub message: String,
    /// JSON pointer into the input.
    #[serde(default)]
    pub pointer: Option<String>,
}

impl CallError {
    /// Code of a failure of the face itself.
    pub const BROKEN: &str = "broken_face";

    pub(crate) fn broken(message: impl fmt::Display) -> Self {
        Self { code: Self::BROKEN.to_owned(), message: message.to_string(), pointer: None }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error {}: {}", self.code, self.message)?;
        match &self.pointer {
            Some(pointer) if !pointer.is_empty() => write!(f, " (at {pointer})"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for CallError {}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Answer {
    Ok(Value),
    Error(CallError),
}
