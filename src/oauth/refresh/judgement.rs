//! Judgement of an answer to a refresh: new tokens, a refusal for good, or no result.
//!
//! # When a refresh token is sent again
//!
//! A refresh token works once, and providers end a login whose token comes a second time (RFC 9700,
//! section 4.14.2). So an answer decides whether the same token may go out again:
//!
//! - *The provider did not exchange the token*: any status but a success, a success that tells of an error, and a page
//!   for browsers, which comes from a proxy before the token endpoint. The token is as good as before. The provider's
//!   other server is asked at once, if there is one.
//! - *No connection was made*, so the token was not sent. The other server is asked at once.
//! - *The token was sent and no answer came* in time or at all, or a gateway says so (504), or *a success has no tokens
//!   that can be read*. The token counts as spent: another server would refuse it, and a second request could end the
//!   access token, which still works, and the pair that somebody else may hold. It is not sent again.
//! - *Too many requests* (429) concerns the login or the host, not the server: the other server would be a way around
//!   the limit. The token is sent again when the provider says so.

use std::time::Duration;

use crate::{
    credential::row_fields::RowFields,
    failure::{FailureKind, Response, diagnose},
    oauth::{
        flow::{Leg, RefreshFlow},
        token_answer::{Body, key, tokens},
    },
    pool_key::PoolKey,
    providers,
    time::Timestamp,
};

/// Consequence of an answer.
#[derive(Debug, PartialEq)]
pub(crate) enum Judgement {
    /// New fields of the row, and the request that follows, if any.
    Tokens { set: RowFields, then: Option<Leg> },
    /// Request that follows.
    Ask(Leg),
    /// End of the login, with the status of the answer: only a new login helps.
    Over { status: u16 },
    /// No result. `at` is the moment at which the provider allows another attempt, if it names one.
    Later { at: Option<Timestamp> },
    /// A refresh token that may be spent, with its new tokens lost.
    Lost,
}

/// End of a request of a refresh.
#[derive(Clone, Copy)]
pub(crate) enum End<'a> {
    /// The provider's answer.
    Answer(&'a Response),
    /// The request was not sent.
    Unreachable,
    /// The request was sent, and no answer came.
    Lost,
}

/// Judges the end of a request of a refresh.
pub(crate) fn judge(end: End<'_>, leg: Leg, pool: &PoolKey, now: Timestamp) -> Judgement {
    let Some(flow) = providers::refresh_flow(pool) else { return Judgement::Later { at: None } };
    let spends_refresh_token = matches!(leg, Leg::Tokens | Leg::TokensElsewhere);
    let (response, status) = match end {
        End::Answer(response) => match response.status {
            Some(GATEWAY_TIMEOUT) | None if spends_refresh_token => return Judgement::Lost,
            Some(status) => (response, status),
            None => return not_exchanged(flow, leg, None),
        },
        End::Lost if spends_refresh_token => return Judgement::Lost,
        End::Lost | End::Unreachable => return not_exchanged(flow, leg, None),
    };
    let body = Body::of(&response.body);
    let is_success = (200..300).contains(&status);
    if is_success && let Some(fields) = body.fields() {
        match leg {
            Leg::Tokens | Leg::TokensElsewhere => {
                if let Some(set) = tokens(fields, flow.sets, now) {
                    return Judgement::Tokens { set, then: flow.key_exchange.map(|_| Leg::Key) };
                }
            }
            Leg::Key | Leg::KeyAlone => {
                if let Some(set) = key(fields, now) {
                    return Judgement::Tokens { set, then: None };
                }
            }
        }
    }
    let codes = body.codes();
    if is_success && spends_refresh_token && codes.is_empty() && !body.is_page() {
        return Judgement::Lost;
    }
    let diagnosis = diagnose(response, pool, None, now);
    let at = diagnosis.hint.map(|hint| believed(hint.until, now));
    let can_be_final = spends_refresh_token && status != 429 && (is_success || (400..500).contains(&status));
    let is_final = |code: &String| FINAL_CODES.contains(&code.as_str()) || flow.final_codes.contains(&code.as_str());
    match status {
        _ if can_be_final && (codes.iter().any(is_final) || diagnosis.kind == FailureKind::Revoked) => {
            Judgement::Over { status }
        }
        429 => Judgement::Later { at },
        // The row's access token is not accepted, so a new one is needed first.
        400..500 if leg == Leg::KeyAlone => Judgement::Ask(Leg::Tokens),
        _ => not_exchanged(flow, leg, at),
    }
}

/// A gateway sent the request on, and waited for the answer in vain (RFC 9110, section 15.6.5).
const GATEWAY_TIMEOUT: u16 = 504;

/// Error codes that end a login of any provider (RFC 6749, section 5.2; RFC 6750,
/// section 3.1; OpenAI).
const FINAL_CODES: [&str; 9] = [
    "invalid_grant",
    "invalid_token",
    "unauthorized_client",
    "refresh_token_reused",
    "refresh_token_expired",
    "refresh_token_invalidated",
    "refresh_token_revoked",
    "token_revoked",
    "token_invalidated",
];

/// Returns the consequence of an answer that did not exchange the token.
fn not_exchanged(flow: &RefreshFlow, leg: Leg, at: Option<Timestamp>) -> Judgement {
    match leg {
        Leg::Tokens if flow.other_server.is_some() => Judgement::Ask(Leg::TokensElsewhere),
        _ => Judgement::Later { at },
    }
}

/// Returns the moment at which a refresh may be tried again: the provider's hint, bounded.
fn believed(until: Timestamp, now: Timestamp) -> Timestamp {
    const SHORTEST: Duration = Duration::from_secs(1);
    const LONGEST: Duration = Duration::from_secs(60 * 60);
    now.saturating_add(until.since(now).clamp(SHORTEST, LONGEST))
}
