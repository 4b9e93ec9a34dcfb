//! Errors and problems, as data: a stable code, plain words, and where in the document it is.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

/// An input that was refused. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Error {
    /// What went wrong, for programs.
    pub code: ErrorCode,
    /// What went wrong and what to do, for people. Never holds a secret or a value of the input.
    pub message: Cow<'static, str>,
    /// Where in the input or the document, as a JSON pointer (RFC 6901).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
}

impl Error {
    /// Makes an error without a place. For faces, which report their own arguments in the shape of the core's errors.
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), pointer: None }
    }

    /// Sets the place of the error, as a JSON pointer (RFC 6901).
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = Some(pointer.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.pointer {
            Some(pointer) if !pointer.is_empty() => write!(f, " (at {pointer})"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

/// The stable names of all errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorCode {
    /// An argument has the wrong shape; the pointer says which.
    InvalidArgument,
    /// A pool key is empty.
    InvalidPoolKey,
    /// A row or an edit of one has fields of the wrong type; the pointer says which.
    InvalidRow,
    /// The document cannot be read as JSON, or is not shaped as a document. It was not written.
    InvalidDocument,
    /// A strategy has none of the known names.
    UnknownStrategy,
    /// No credential of the pool has this id.
    UnknownCredential,
    /// Another credential of the pool has or had this id.
    DuplicateId,
    /// The credential is not an OAuth login with a refresh token.
    NotRefreshable,
    /// The pool knows no way to refresh logins of this provider.
    RefreshUnsupported,
    /// The pool never handed out an intent with this id.
    UnknownIntent,
    /// The intent was settled before.
    AlreadySettled,
    /// The outcome does not belong to this kind of intent.
    WrongOutcome,
    /// A policy has fields or values that it cannot have; the pointer says which.
    InvalidPolicy,
    /// The pool never handed out a lease with this number, or it was long ago.
    UnknownLease,
    /// The lease was reported, released or followed by another one before.
    LeaseEnded,
    /// The request of this lease waits: resume it before it is sent and reported.
    LeaseWaits,
    /// The configuration of a login cannot be used; the pointer says what of it.
    InvalidLogin,
    /// Nothing says how a login to this provider is made.
    LoginUnsupported,
    /// The login does not wait for this; its latest move says what it waits for.
    NotAwaited,
    /// A redirect that does not answer this login; it goes on waiting for the one that does.
    ForeignRedirect,
}

/// Something in a document that a person should look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What it is, for programs.
    pub code: ProblemCode,
    /// How much it matters.
    pub severity: Severity,
    /// Where in the document, as a JSON pointer (RFC 6901); empty for the whole of it.
    pub pointer: String,
    /// What it is and what to do, for people. Never holds a value of the document.
    pub message: Cow<'static, str>,
}

impl Problem {
    pub(crate) fn error(code: ProblemCode, pointer: impl Into<String>, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, severity: Severity::Error, pointer: pointer.into(), message: message.into() }
    }

    pub(crate) fn warning(
        code: ProblemCode,
        pointer: impl Into<String>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { code, severity: Severity::Warning, pointer: pointer.into(), message: message.into() }
    }

    /// The same problem, seen from further up: `pointer` goes in front of its own.
    pub(crate) fn under(mut self, pointer: &str) -> Self {
        self.pointer.insert_str(0, pointer);
        self
    }
}

/// How much a problem matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The place is left out until it is repaired: a row is set aside, a setting is ignored.
    Error,
    /// It works, but probably not as meant.
    Warning,
}

/// The stable names of all problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProblemCode {
    /// The text is not JSON.
    NotJson,
    /// A value has the wrong type.
    WrongType,
    /// A name stands twice in one object; the last one counts.
    DuplicateKey,
    /// The document has a version that this library does not know.
    UnknownVersion,
    /// A pool's key is not in the form in which pools are looked up, so nothing reads its rows.
    UnreachablePool,
    /// A row has no id; it gets one when the pool is opened.
    MissingId,
    /// Two rows of a pool have the same id; the later one gets a new one when the pool is opened.
    DuplicateId,
    /// Two rows of a pool hold the same secret; they are benched together.
    DuplicateSecret,
    /// A row has no key or token; it is never chosen.
    NoSecret,
    /// A login cannot be refreshed: it serves until it expires.
    NoRefreshToken,
    /// A row's `auth_type` is none that the pool knows.
    UnknownAuthType,
    /// A row's `last_status` is none that the pool knows; it counts as available.
    UnknownStatus,
    /// A row rests since a moment that has not come yet; it counts as resting from now.
    StatusInFuture,
    /// A strategy has none of the known names; the first credential serves.
    UnknownStrategy,
    /// A policy cannot be used as it is stored; the preset `adaptive` is.
    InvalidPolicy,
}

/// Returns `name` as a step of a JSON pointer (RFC 6901, section 3): with a leading slash, `~` and `/` escaped.
///
/// ```
/// assert_eq!(credential_pool::pointer_step("a/b~c"), "/a~1b~0c");
/// ```
pub fn pointer_step(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}
