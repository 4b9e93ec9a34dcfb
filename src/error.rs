//! Errors and problems as data: a stable code, a message, and a JSON pointer.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

/// Refusal of an input. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Error {
    /// Stable code, for programs.
    pub code: ErrorCode,
    /// Cause and remedy, for people. Never contains a secret or a value of the input.
    pub message: Cow<'static, str>,
    /// Place in the input or the document, as a JSON pointer (RFC 6901); `None` if the error has no place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
}

impl Error {
    /// Makes an error without a place. Faces use this for errors in their own arguments.
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

/// Stable codes of all errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorCode {
    /// An argument has the wrong shape; the pointer names the argument.
    InvalidArgument,
    /// A pool key is empty.
    InvalidPoolKey,
    /// The input exceeds one of the [`LIMITS`](crate::LIMITS); the message names the limit. Nothing of it was read.
    TooLarge,
    /// A row or an edit of a row has a field of the wrong type; the pointer names the field.
    InvalidRow,
    /// The text is not JSON, or does not have the shape of a document. Nothing was written.
    InvalidDocument,
    /// No strategy has this name.
    UnknownStrategy,
    /// No credential of the pool has this id.
    UnknownCredential,
    /// Another credential of the pool has or had this id.
    DuplicateId,
    /// The credential is not an OAuth login with a refresh token.
    NotRefreshable,
    /// The provider has no refresh flow.
    RefreshUnsupported,
    /// The pool never handed out an intent with this id.
    UnknownIntent,
    /// The intent is settled already.
    AlreadySettled,
    /// The outcome does not fit the kind of the intent.
    WrongOutcome,
    /// A policy has an unknown setting or a value out of range; the pointer names the setting.
    InvalidPolicy,
    /// The pool never handed out a lease with this id.
    UnknownLease,
    /// The lease was reported, released or replaced by a later lease, or expired long ago.
    LeaseEnded,
    /// The request of this lease waits: call `resume` before the request is sent and reported.
    LeaseWaits,
    /// The configuration of a login is invalid; the pointer names the setting.
    InvalidLogin,
    /// The provider has no login flow.
    LoginUnsupported,
    /// The login does not wait for this input; its latest move names the awaited input.
    NotAwaited,
    /// The address of a request is not below the base URL of a credential, and its origin is not listed.
    ForeignOrigin,
    /// The redirect belongs to another login; this login continues to wait for its own redirect.
    ForeignRedirect,
}

/// Problem in a document that a person should look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Stable code, for programs.
    pub code: ProblemCode,
    /// Severity of the problem.
    pub severity: Severity,
    /// Place in the document, as a JSON pointer (RFC 6901); empty for the whole document.
    pub pointer: String,
    /// Cause and remedy, for people. Never contains a value of the document.
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

    /// Prefixes the problem's pointer with `pointer`, the place of the part that has the problem.
    pub(crate) fn under(mut self, pointer: &str) -> Self {
        self.pointer.insert_str(0, pointer);
        self
    }
}

/// Severity of a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The place is ignored until it is repaired: a row is set aside, a setting is not applied.
    Error,
    /// The place works, but probably not as intended.
    Warning,
}

/// Stable codes of all problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProblemCode {
    /// The text is not JSON.
    NotJson,
    /// The document exceeds one of the [`LIMITS`](crate::LIMITS); the message names the limit.
    TooLarge,
    /// A value has the wrong type.
    WrongType,
    /// An object has two fields of the same name; the last field counts.
    DuplicateKey,
    /// The document has a version that this library does not know.
    UnknownVersion,
    /// A pool key is not in its normal form, so no pool reads the rows.
    UnreachablePool,
    /// A row has no id; the row gets an id when the pool is opened.
    MissingId,
    /// Two rows of a pool have the same id; the later row gets a new id when the pool is opened.
    DuplicateId,
    /// Two rows of a pool hold the same secret; the rows cool down together.
    DuplicateSecret,
    /// A row has no key or token; its credential is never chosen.
    NoSecret,
    /// A key has characters that no request can carry, so that its credential is never chosen; or what was pasted with
    /// the key, such as quotes.
    InvalidSecret,
    /// A login has no refresh token: the login serves until its access token expires.
    NoRefreshToken,
    /// A row has an unknown `auth_type`.
    UnknownAuthType,
    /// A row has an unknown `last_status`; its credential counts as available.
    UnknownStatus,
    /// A row's cooldown starts in the future; the pool counts the cooldown from now.
    StatusInFuture,
    /// A stamp of merge metadata lies in the future: the clock of a host is wrong. Later changes still win.
    StampInFuture,
    /// No strategy has the stored name; the pool uses `fill_first`.
    UnknownStrategy,
    /// The stored policy is invalid; the pool uses the preset `adaptive`.
    InvalidPolicy,
}

/// Message of [`ProblemCode::InvalidSecret`] for a key that no request can carry.
pub(crate) const INVALID_SECRET: &str = "the key has characters that no request can carry, such as spaces, line breaks or the \
    quotes of a text editor, so the credential is never chosen; copy the key again";

/// Returns `name` as a step of a JSON pointer (RFC 6901, section 3): with a leading slash, `~` and `/` escaped.
///
/// ```
/// assert_eq!(credential_pool::pointer_step("a/b~c"), "/a~1b~0c");
/// ```
pub fn pointer_step(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}
