//! Typed values of a row's fields: kind of secret, status, source.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::providers::kept_login;

/// Kind of secret that a credential holds.
#[derive(Clone, PartialEq, Eq)]
pub enum AuthType {
    /// Key that does not expire (`api_key`).
    ApiKey,
    /// Login with an access token and an optional refresh token (`oauth`).
    OAuth,
    /// Unknown kind, treated as a key.
    Other(String),
}

impl AuthType {
    /// Returns the stored form.
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

/// Stored status of a credential.
#[derive(Clone, PartialEq, Eq)]
pub enum Status {
    /// Available: the last request succeeded, or the cooldown is over (`ok`).
    Ok,
    /// Cooling down (`exhausted`).
    Exhausted,
    /// Dead until a new secret or a reset (`dead`).
    Dead,
    /// Unknown status, treated as available.
    Other(String),
}

impl Status {
    /// Returns the stored form.
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
    /// Source of credentials that a person added.
    pub const MANUAL: &'static str = "manual";

    /// Returns the stored form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether a person added the credential: `manual` or `manual:…`, trimmed, in any case.
    pub fn is_manual(&self) -> bool {
        let source = self.0.trim();
        let kind = source.split_once(':').map_or(source, |(kind, _)| kind);
        kind.eq_ignore_ascii_case(Self::MANUAL)
    }

    /// Returns whether discovery finds credentials of this source.
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
