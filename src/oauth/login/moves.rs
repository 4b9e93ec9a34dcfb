//! Moves of a login: the work that it gives to its host.

use std::fmt;

use serde::Serialize;

use crate::{credential::row_fields::RowFields, http_request::HttpRequest, time::Timestamp};

/// Next work of the host for a login. `Debug` shows no code, no address and no token.
#[derive(Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum LoginMove {
    /// Send this request, within its timeout and without following redirects, and
    /// [`answer`](crate::Login::answer) with what came back.
    Send {
        /// Request.
        request: HttpRequest,
    },
    /// Show a person the code and where to type it in; wait until `until`, then
    /// [`resume`](crate::Login::resume).
    Show {
        /// Code to type in.
        user_code: String,
        /// Page to type the code into, on any device.
        verification_uri: String,
        /// The page with the code in its address, to click or to scan; `None` if the provider has none. The code is shown
        /// all the same, to be compared.
        verification_uri_complete: Option<String>,
        /// End of the code.
        expires_at: Timestamp,
        /// Moment to go on.
        until: Timestamp,
    },
    /// Listen for a browser on this machine, then tell the port with [`listening`](crate::Login::listening).
    Listen {
        /// Host name: `127.0.0.1`, or `localhost` where the configuration says so.
        host: String,
        /// Port; 0 for any free port.
        port: u16,
        /// Path that the browser will ask for.
        path: String,
    },
    /// Show a person this address, or open it in a browser. Hand each request that comes to the port to
    /// [`redirected`](crate::Login::redirected); if none has helped by `until`, [`resume`](crate::Login::resume).
    Visit {
        /// Address.
        url: String,
        /// Moment at which the login fails.
        until: Timestamp,
    },
    /// Wait until then, and [`resume`](crate::Login::resume).
    Wait {
        /// End of the wait.
        until: Timestamp,
    },
    /// The login succeeded. Give the row to [`Pool::add`](crate::Pool::add).
    Done {
        /// Fields of the row, with its secrets.
        row: RowFields,
    },
    /// The login failed; another one may succeed.
    Failed {
        /// Reason, for programs.
        reason: LoginFailure,
        /// Reason and advice, for people. Holds nothing that a provider wrote.
        message: &'static str,
        /// HTTP status of the answer that ended the login; `None` if no answer did.
        status: Option<u16>,
    },
}

impl fmt::Debug for LoginMove {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send { request } => f.debug_struct("Send").field("request", request).finish(),
            Self::Show { until, .. } => f.debug_struct("Show").field("until", until).finish_non_exhaustive(),
            Self::Listen { port, .. } => f.debug_struct("Listen").field("port", port).finish_non_exhaustive(),
            Self::Visit { until, .. } => f.debug_struct("Visit").field("until", until).finish_non_exhaustive(),
            Self::Wait { until } => f.debug_struct("Wait").field("until", until).finish(),
            Self::Done { row } => f.debug_struct("Done").field("row", row).finish(),
            Self::Failed { reason, status, .. } => {
                f.debug_struct("Failed").field("reason", reason).field("status", status).finish_non_exhaustive()
            }
        }
    }
}

/// Reason why a login failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginFailure {
    /// A person or a rule of the provider refused.
    Denied,
    /// Nobody approved in time.
    Expired,
    /// The provider did not answer, or is overloaded.
    Unreachable,
    /// The provider does not accept the client, its scope or its flow, as they are configured.
    Misconfigured,
    /// The provider refused and did not tell why.
    Refused,
    /// The provider's answer is not one of the flow.
    Unreadable,
    /// The redirect came from another issuer than the configured one.
    WrongIssuer,
}

/// End of a login that fails.
#[derive(Clone, Copy)]
pub(in crate::oauth) struct Ending {
    reason: LoginFailure,
    message: &'static str,
}

impl Ending {
    pub(in crate::oauth) const fn new(reason: LoginFailure, message: &'static str) -> Self {
        Self { reason, message }
    }

    /// Returns the move, with the status of the answer that ended the login.
    pub(in crate::oauth) fn by(self, status: Option<u16>) -> LoginMove {
        LoginMove::Failed { reason: self.reason, message: self.message, status }
    }
}

pub(in crate::oauth) const EXPIRED: Ending =
    Ending::new(LoginFailure::Expired, "nobody approved the login in time: begin another, and approve it sooner");
pub(in crate::oauth) const UNREACHABLE: Ending = Ending::new(
    LoginFailure::Unreachable,
    "the provider did not answer, or is overloaded: check the connection and begin another login later",
);
pub(in crate::oauth) const UNREADABLE: Ending = Ending::new(
    LoginFailure::Unreadable,
    "the provider's answer is not one of this flow: check the addresses in the configuration",
);
pub(in crate::oauth) const WRONG_ISSUER: Ending = Ending::new(
    LoginFailure::WrongIssuer,
    "the answer does not come from the configured issuer: correct `issuer`, or do not trust this provider",
);
