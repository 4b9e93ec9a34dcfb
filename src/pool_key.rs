//! Pool keys: the names of pools in a document.

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorCode};

/// Key of one pool in the document: a provider's id or alias, or `custom:<name>`.
///
/// ```
/// use credential_pool::PoolKey;
///
/// assert_eq!(PoolKey::parse(" OpenRouter ")?.as_str(), "openrouter");
/// assert_eq!(PoolKey::custom(" My Box ").as_str(), "custom:my-box");
/// # Ok::<(), credential_pool::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct PoolKey(String);

impl PoolKey {
    const CUSTOM: &'static str = "custom:";

    /// Reads a pool key, trimmed and in lower case.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidPoolKey`] if the key is empty.
    pub fn parse(key: &str) -> Result<Self, Error> {
        let key = key.trim().to_lowercase();
        match key.is_empty() {
            true => Err(Error::new(
                ErrorCode::InvalidPoolKey,
                "a pool key is a provider such as `openrouter`, or `custom:<name>`; it cannot be empty",
            )),
            false => Ok(Self(key)),
        }
    }

    /// Returns the key of the custom endpoint with this name: trimmed, in lower case, spaces as dashes.
    pub fn custom(name: &str) -> Self {
        Self(format!("{}{}", Self::CUSTOM, name.trim().to_lowercase().replace(' ', "-")))
    }

    /// Returns the key as the document writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether the pool belongs to a custom endpoint.
    pub fn is_custom(&self) -> bool {
        self.0.starts_with(Self::CUSTOM)
    }
}

impl TryFrom<String> for PoolKey {
    type Error = Error;

    fn try_from(key: String) -> Result<Self, Error> {
        Self::parse(&key)
    }
}
