//! What a login asks of its host.

use std::fmt;

use serde::Serialize;

use crate::{credential::row_fields::RowFields, step::HttpRequest, time::Timestamp};

/// What a host does next for a login. `Debug` shows no code, no address and no token.
#[derive(Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum LoginMove {
    /// Send this request, within its timeout and without following redirects, and
    /// [`answer`](crate::Login::answer) with what came back.
    Send {
        /// The request.
        request: HttpRequest,
    },
    /// Show a person the code and where to type it in; wait until `until`, then
    /// [`resume`](crate::Login::resume).
    Show {
        /// What to type in.
        user_code: String,
        /// Where: an address that a person opens on any device.
        verification_uri: String,
        /// The same with the code in it, to click or to scan; the code is shown all the same, to be compared.
        verification_uri_complete: Option<String>,
        /// When the code ends.
        expires_at: Timestamp,
        /// When to go on.
        until: Timestamp,
    },
    /// Listen for a browser on this machine, then tell the port with [`listening`](crate::Login::listening).
    Listen {
        /// `127.0.0.1`, or `localhost` where the configuration says so.
        host: String,
        /// Which port; 0 for any that is free.
        port: u16,
        /// The path that the browser will ask for.
        path: String,
    },
    /// Show a person this address, or open it in a browser. Hand each request that comes to the port to
    /// [`redirected`](crate::Login::redirected); if none has helped by `until`, [`resume`](crate::Login::resume).
    Visit {
        /// The address.
        url: String,
        /// When the login is given up.
        until: Timestamp,
    },
    /// Wait until then, and [`resume`](crate::Login::resume).
    Wait {
        /// When.
        until: Timestamp,
    },
    /// The login is made. Give the row to [`Pool::add`](crate::Pool::add).
    Done {
        /// Fields of the row, secrets and all.
        row: RowFields,
    },
    /// The login did not come about; another one may.
    Failed {
        /// Why, for programs.
        reason: LoginFailure,
        /// Why and what to do, for people. Holds nothing that a provider wrote.
        message: &'static str,
        /// The HTTP status of the answer that ended it, if it was an answer.
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

/// Why a login did not come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginFailure {
    /// A person, or a rule of the provider, said no.
    Denied,
    /// It took too long.
    Expired,
    /// The provider did not answer, or has too much to do.
    Unreachable,
    /// The provider does not accept the client, its scope or its flow, as they are configured.
    Misconfigured,
    /// The provider refused, and not in words that tell why.
    Refused,
    /// The provider answered what a login cannot be made of.
    Unreadable,
    /// The redirect came from another issuer than the configured one.
    WrongIssuer,
}

/// How a login fails.
#[derive(Clone, Copy)]
pub(super) struct Ending {
    reason: LoginFailure,
    message: &'static str,
}

impl Ending {
    pub(super) const fn new(reason: LoginFailure, message: &'static str) -> Self {
        Self { reason, message }
    }

    /// The move, with the status of the answer that ended it.
    pub(super) fn by(self, status: Option<u16>) -> LoginMove {
        LoginMove::Failed { reason: self.reason, message: self.message, status }
    }
}

pub(super) const EXPIRED: Ending =
    Ending::new(LoginFailure::Expired, "nobody approved the login in time: begin another, and approve it sooner");
pub(super) const UNREACHABLE: Ending = Ending::new(
    LoginFailure::Unreachable,
    "the provider did not answer, or has too much to do: check the connection and begin another login later",
);
pub(super) const UNREADABLE: Ending = Ending::new(
    LoginFailure::Unreadable,
    "the provider's answer is not one of this flow: check the addresses in the configuration",
);
pub(super) const WRONG_ISSUER: Ending = Ending::new(
    LoginFailure::WrongIssuer,
    "the answer does not come from the configured issuer: correct `issuer`, or do not trust this provider",
);
