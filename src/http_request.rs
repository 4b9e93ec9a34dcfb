//! HTTP requests as data, for the host to send.

use std::fmt;

use serde::Serialize;

/// An HTTP request that the host sends unchanged. `Debug` shows nothing of its content.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpRequest {
    /// Method: `POST`.
    pub method: &'static str,
    /// Address.
    pub url: String,
    /// Names and values. The User-Agent is the host's own.
    pub headers: Vec<(&'static str, String)>,
    /// Body. Holds a secret.
    pub body: String,
    /// Time to wait for the answer, in milliseconds.
    pub timeout_ms: u32,
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpRequest {{ method: {}, .. }}", self.method)
    }
}
