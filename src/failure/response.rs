//! A provider's answer as hosts report it.

use std::fmt;

use serde::Deserialize;

use super::headers;
use crate::{error::Error, limits::LIMITS};

/// Answer of a provider to a request. `Debug` shows the status alone: error bodies of some providers repeat the key.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Response {
    /// HTTP status; `None` if no answer came. A success is judged by the error in its body, such as a stream's.
    pub status: Option<u16>,
    /// Headers, names in any case. The JSON form is a list of pairs, or a record whose values may be lists.
    #[serde(deserialize_with = "headers::read")]
    pub headers: Vec<(String, String)>,
    /// Body as text, or the part of it that came.
    pub body: String,
}

impl Response {
    /// Checks the size of headers and body. Every input that takes a response does so.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::TooLarge`](crate::ErrorCode::TooLarge).
    pub fn within_limits(&self) -> Result<(), Error> {
        LIMITS.check_response(&self.headers, &self.body)
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("status", &self.status).finish_non_exhaustive()
    }
}
