//! The values of a row's fields that have a type of their own.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::providers::kept_login;

/// What kind of secret a credential holds.
#[derive(Clone, PartialEq, Eq)]
pub enum AuthType {
    /// A key that does not expire (`api_key`).
    ApiKey,
    /// A login with an access token, perhaps with a refresh token (`oauth`).
    OAuth,
    /// A kind that the pool does not know; it is treated as a key.
    Other(String),
}

impl AuthType {
    /// The kind as it is stored.
    pub fn as_str(&self) -> &str {
        match self {
            Self::ApiKey => "api_key",
            Self::OAuth => "oauth",
            Self::Other(kind) => kind,
        }
    }
}

impl From<String> for AuthType {
    fn from(kind: String) -> Self {
        match kind.as_str() {
            "api_key" => Self::ApiKey,
            "oauth" => Self::OAuth,
            _ => Self::Other(kind),
        }
    }
}

impl fmt::Debug for AuthType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Other(_) => "[unknown]",
            known => known.as_str(),
        })
    }
}

/// How a credential is doing.
#[derive(Clone, PartialEq, Eq)]
pub enum Status {
    /// It works, or its cooldown is over (`ok`).
    Ok,
    /// It rests until its cooldown ends (`exhausted`).
    Exhausted,
    /// Only a new login or a reset can revive it (`dead`).
    Dead,
    /// A status that the pool does not know; the credential counts as available.
    Other(String),
}

impl Status {
    /// The status as it is stored.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Ok => "ok",
            Self::Exhausted => "exhausted",
            Self::Dead => "dead",
            Self::Other(status) => status,
        }
    }
}

impl From<String> for Status {
    fn from(status: String) -> Self {
        match status.as_str() {
            "ok" => Self::Ok,
            "exhausted" => Self::Exhausted,
            "dead" => Self::Dead,
            _ => Self::Other(status),
        }
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Other(_) => "[unknown]",
            known => known.as_str(),
        })
    }
}

/// Origin of a credential: `manual`, `manual:…`, `env:VAR`, `config:NAME`, `model_config`, or a login that another program
/// keeps, such as `claude_code`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Source(String);

impl Source {
    /// Added by hand.
    pub const MANUAL: &'static str = "manual";

    /// The source as it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a person added it: `manual` or `manual:…`, trimmed, in any case.
    pub fn is_manual(&self) -> bool {
        let source = self.0.trim();
        let kind = source.split_once(':').map_or(source, |(kind, _)| kind);
        kind.eq_ignore_ascii_case(Self::MANUAL)
    }

    /// Whether discovery finds such credentials, so that one whose source went away is pruned.
    pub fn is_discovered(&self) -> bool {
        let is_configured = self.0.starts_with("env:") || self.0.starts_with("config:") || self.0 == "model_config";
        is_configured || kept_login(&self.0).is_some()
    }
}

impl From<String> for Source {
    fn from(source: String) -> Self {
        Self(source)
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[a source]")
    }
}
