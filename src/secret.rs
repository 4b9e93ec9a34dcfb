//! Secrets, which are never printed by accident, and their fingerprints.

pub(crate) mod text;

use std::{fmt, sync::Arc};

use sha2::{Digest, Sha256};

/// A key or token. `Debug` prints `[redacted]`; only [`Secret::expose`] returns the text.
///
/// ```
/// use credential_pool::Secret;
///
/// let key = Secret::new("sk-very-secret");
/// assert_eq!(format!("{key:?}"), "[redacted]");
/// assert_eq!(key.expose(), "sk-very-secret");
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Wraps a key or token.
    pub fn new(secret: impl Into<Arc<str>>) -> Self {
        Self(secret.into())
    }

    /// Returns the secret text, for a request or a row to be stored.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns whether the text is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether a request can carry the text.
    pub(crate) fn is_sendable(&self) -> bool {
        text::is_sendable(&self.0)
    }

    /// Returns the fingerprint, which identifies the secret without revealing it.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(self.0.as_bytes())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Fingerprint of a secret: `sha256:` and the first 16 hex digits of its SHA-256.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let digest = Sha256::digest(bytes);
        let mut text = String::from("sha256:");
        for byte in digest.iter().take(8) {
            text.push_str(&format!("{byte:02x}"));
        }
        Self(text)
    }

    /// Wraps a stored fingerprint.
    pub(crate) fn from_stored(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Returns the fingerprint as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the hex digits.
    pub(crate) fn digits(&self) -> &str {
        self.0.strip_prefix("sha256:").unwrap_or(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_the_start_of_the_sha_256() {
        // SHA-256("abc"), FIPS 180-4, appendix B.1.
        assert_eq!(Secret::new("abc").fingerprint().as_str(), "sha256:ba7816bf8f01cfea");
    }

    #[test]
    fn a_secret_never_prints() {
        assert_eq!(format!("{:?}", Some(Secret::new("canary"))), "Some([redacted])");
    }
}
