//! Logins as requests and answers: the device authorization grant (RFC 8628), and the authorization code grant with
//! PKCE (RFC 6749, 7636, 8252, 9207).
//!
//! A [`Login`] is a state machine beside the pool. Its result is a row, which the host gives to
//! [`Pool::add`](crate::Pool::add). `config` is a provider's flow as data, `answer` reads the provider's answers, `moves`
//! are the work of the host.

mod answer;
mod config;
mod moves;

use std::{fmt, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use form_urlencoded::Serializer;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::{
    credential::{Credential, row_fields::RowFields},
    error::{Error, ErrorCode},
    failure::Response,
    http_request::HttpRequest,
    jwt,
    oauth::{
        flow::Leg,
        refresh::{
            self,
            judgement::{End, Judgement, judge},
        },
        token_answer,
    },
    secret::Secret,
    time::Timestamp,
};

use answer::{Device, Reply};
use config::{Browser, Grant, Redirect};
use moves::{EXPIRED, UNREACHABLE, UNREADABLE, WRONG_ISSUER};

pub use config::{LoginConfig, LoginFlow};
pub use moves::{LoginFailure, LoginMove};

/// Login in progress. Dropping it cancels the login.
///
/// Every input answers the next move of the host. An error means that nothing changed. Every login ends, whatever its
/// inputs answer.
///
/// ```
/// use credential_pool::{Login, LoginConfig, LoginMove, PoolKey, Timestamp};
///
/// let config = LoginConfig::of(&PoolKey::parse("nous")?, None, None)?;
/// let (mut login, first) = Login::start(config, [7; 32], Timestamp::from_millis(1_775_757_580_463));
/// let LoginMove::Send { request } = first else { panic!("a device code is asked for") };
/// assert_eq!(request.url, "https://portal.nousresearch.com/api/oauth/device/code");
/// // Send it, hand the response to `login.answer`, and go on as each move says until `Done` or `Failed`.
/// # let _ = &mut login;
/// # Ok::<(), credential_pool::Error>(())
/// ```
pub struct Login {
    config: LoginConfig,
    seed: [u8; 32],
    state: State,
    now: Timestamp,
}

enum State {
    /// A request was sent.
    Asking(Ask),
    /// The next request waits until then.
    Waiting {
        until: Timestamp,
        then: Ask,
    },
    /// The host opens a port.
    Listening(Browser),
    /// A person is in the browser.
    Visiting {
        browser: Browser,
        redirect_uri: String,
        until: Timestamp,
    },
    Over,
}

/// Request, with the state that its answer is read with.
enum Ask {
    DeviceCode { url: String, attempts: u32 },
    Poll(Polling),
    Exchange { code: Secret, redirect_uri: String, attempts: u32 },
    Key { row: RowFields },
}

/// Polls for tokens while a person types in the code.
struct Polling {
    device_code: Secret,
    /// Least time between two polls; grows with every `slow_down`.
    interval: Duration,
    /// Polls in a row without an answer.
    unanswered: u32,
    expires_at: Timestamp,
}

impl Login {
    /// Begins a login. The seed must hold 32 bytes that nobody can guess and that no other login had: in a flow with a
    /// browser the seed alone keeps other programs out.
    pub fn start(config: LoginConfig, seed: [u8; 32], now: Timestamp) -> (Self, LoginMove) {
        let mut login = Self { config, seed, state: State::Over, now };
        let first = match login.config.grant.clone() {
            Grant::DeviceCode { device_authorization_url: url } => login.ask(Ask::DeviceCode { url, attempts: 0 }),
            Grant::AuthorizationCode(browser) => {
                let Redirect { host, port, path } = browser.redirect.clone();
                login.state = State::Listening(browser);
                LoginMove::Listen { host, port: port.unwrap_or(0), path }
            }
        };
        (login, first)
    }

    /// Takes the answer to the request of a [`LoginMove::Send`]; a response without a status stands for no answer.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::NotAwaited`], [`ErrorCode::TooLarge`].
    pub fn answer(&mut self, response: &Response, now: Timestamp) -> Result<LoginMove, Error> {
        response.within_limits()?;
        let State::Asking(_) = self.state else { return Err(not_awaited()) };
        self.observe(now);
        let State::Asking(ask) = std::mem::replace(&mut self.state, State::Over) else { return Err(not_awaited()) };
        Ok(match ask {
            Ask::DeviceCode { url, attempts } => self.after_device_code(response, url, attempts),
            Ask::Poll(polling) => self.after_poll(response, polling),
            Ask::Exchange { code, redirect_uri, attempts } => {
                self.after_exchange(response, code, redirect_uri, attempts)
            }
            Ask::Key { row } => self.after_key(response, row),
        })
    }

    /// Goes on after a wait. A call before its end answers the rest of the wait.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::NotAwaited`].
    pub fn resume(&mut self, now: Timestamp) -> Result<LoginMove, Error> {
        let (State::Waiting { until, .. } | State::Visiting { until, .. }) = self.state else {
            return Err(not_awaited());
        };
        self.observe(now);
        if self.now < until {
            return Ok(LoginMove::Wait { until });
        }
        Ok(match std::mem::replace(&mut self.state, State::Over) {
            State::Waiting { then: Ask::Poll(polling), .. } if polling.expires_at <= self.now => EXPIRED.by(None),
            State::Waiting { then, .. } => self.ask(then),
            State::Visiting { .. } | State::Asking(_) | State::Listening(_) | State::Over => EXPIRED.by(None),
        })
    }

    /// Takes the port on which the host listens for a [`LoginMove::Listen`].
    ///
    /// # Errors
    ///
    /// [`ErrorCode::NotAwaited`]; [`ErrorCode::InvalidArgument`] if the login asked for another port.
    pub fn listening(&mut self, port: u16, now: Timestamp) -> Result<LoginMove, Error> {
        /// Time that a person may take in the browser.
        const PATIENCE: Duration = Duration::from_secs(10 * 60);
        let State::Listening(browser) = &self.state else { return Err(not_awaited()) };
        let Browser { authorization_url, redirect, .. } = browser;
        if port == 0 || redirect.port.is_some_and(|wanted| wanted != port) {
            let message = "the login asked for another port; listen on that port, or on any free port if it was 0";
            return Err(Error::new(ErrorCode::InvalidArgument, message).at("/port"));
        }
        let redirect_uri = redirect.uri(port);
        let (state, challenge) = (self.state_parameter(), challenge(&self.verifier()));
        let scope = self.config.scope.as_deref().map(|scope| ("scope", scope));
        let fields = [
            ("response_type", "code"),
            ("client_id", &self.config.client_id),
            ("redirect_uri", &redirect_uri),
            ("state", &state),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let query = form(fields.into_iter().chain(scope).chain(self.parameters()));
        let joint = if authorization_url.contains('?') { '&' } else { '?' };
        let url = format!("{authorization_url}{joint}{query}");
        let browser = browser.clone();
        self.observe(now);
        let until = self.now.saturating_add(PATIENCE);
        self.state = State::Visiting { browser, redirect_uri, until };
        Ok(LoginMove::Visit { url, until })
    }

    /// Takes the address that the browser asked for at the port, whole or from its path on.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::ForeignRedirect`] if the address does not answer this login, by its path or its `state`: any program
    /// on the machine can open the port. [`ErrorCode::NotAwaited`].
    pub fn redirected(&mut self, url: &str, now: Timestamp) -> Result<LoginMove, Error> {
        let State::Visiting { browser: Browser { redirect, issuer, .. }, redirect_uri, .. } = &self.state else {
            return Err(not_awaited());
        };
        let said = answer::redirect(url, &redirect.path).filter(|said| said.state == self.state_parameter());
        let Some(said) = said else {
            return Err(Error::new(
                ErrorCode::ForeignRedirect,
                "this does not answer the login in progress; go on with the login that was begun last",
            ));
        };
        let is_issuer = issuer.as_ref().is_none_or(|issuer| said.issuer.as_ref() == Some(issuer));
        let redirect_uri = redirect_uri.clone();
        self.observe(now);
        self.state = State::Over;
        Ok(match (said.error, said.code) {
            _ if !is_issuer => WRONG_ISSUER.by(None),
            (Some(error), _) => answer::refusal([error.as_str()], None),
            (None, Some(code)) => self.ask(Ask::Exchange { code: Secret::new(code), redirect_uri, attempts: 0 }),
            (None, None) => UNREADABLE.by(None),
        })
    }

    /// Advances the time, never backwards.
    fn observe(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
    }

    fn ask(&mut self, ask: Ask) -> LoginMove {
        let request = match &ask {
            Ask::DeviceCode { url, .. } => {
                let scope = self.config.scope.as_deref().map(|scope| ("scope", scope));
                let fields = [("client_id", self.config.client_id.as_str())];
                post(url, form(fields.into_iter().chain(scope).chain(self.parameters())))
            }
            Ask::Poll(polling) => {
                let fields = [
                    ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
                    ("device_code", polling.device_code.expose()),
                    ("client_id", &self.config.client_id),
                ];
                post(&self.config.token_url, form(fields))
            }
            Ask::Exchange { code, redirect_uri, .. } => {
                let verifier = self.verifier();
                let fields = [
                    ("grant_type", "authorization_code"),
                    ("code", code.expose()),
                    ("redirect_uri", redirect_uri),
                    ("client_id", &self.config.client_id),
                    ("code_verifier", &verifier),
                ];
                post(&self.config.token_url, form(fields))
            }
            Ask::Key { row } => match self.key_request(row) {
                Some(request) => request,
                None => return LoginMove::Done { row: row.clone() },
            },
        };
        self.state = State::Asking(ask);
        LoginMove::Send { request }
    }

    fn wait(&mut self, until: Timestamp, then: Ask) -> LoginMove {
        self.state = State::Waiting { until, then };
        LoginMove::Wait { until }
    }

    fn after_device_code(&mut self, response: &Response, url: String, attempts: u32) -> LoginMove {
        match answer::read(response, &self.config.pool, self.now) {
            Reply::Fields(fields) => {
                let Some(device) = answer::device(&fields, self.now) else { return UNREADABLE.by(response.status) };
                let Device {
                    device_code,
                    user_code,
                    verification_uri,
                    verification_uri_complete,
                    interval,
                    expires_at,
                } = device;
                let until = self.now.saturating_add(interval).min(expires_at);
                let then = Ask::Poll(Polling { device_code, interval, unanswered: 0, expires_at });
                self.state = State::Waiting { until, then };
                LoginMove::Show { user_code, verification_uri, verification_uri_complete, expires_at, until }
            }
            Reply::Nothing { at } => self.again(at, response, attempts, |attempts| Ask::DeviceCode { url, attempts }),
            Reply::Pending | Reply::SlowDown { .. } | Reply::Unreadable => UNREADABLE.by(response.status),
            Reply::Refused { codes } => answer::refusal(codes.iter().map(String::as_str), response.status),
        }
    }

    fn after_poll(&mut self, response: &Response, polling: Polling) -> LoginMove {
        /// RFC 8628, section 3.5.
        const SLOWER_BY: Duration = Duration::from_secs(5);
        /// Longest wait after unanswered polls, unless the interval is longer.
        const LONGEST: Duration = Duration::from_secs(60);
        let slower = polling.interval.saturating_add(SLOWER_BY);
        let (interval, unanswered, at) = match answer::read(response, &self.config.pool, self.now) {
            Reply::Fields(fields) => return self.granted(&fields, response.status),
            Reply::Unreadable => return UNREADABLE.by(response.status),
            Reply::Refused { codes } => return answer::refusal(codes.iter().map(String::as_str), response.status),
            Reply::Pending => (polling.interval, 0, None),
            Reply::SlowDown { interval, at } => (interval.map_or(slower, |told| told.max(slower)), 0, at),
            Reply::Nothing { at } => (polling.interval, polling.unanswered.saturating_add(1), at),
        };
        if polling.expires_at <= self.now {
            return EXPIRED.by(response.status);
        }
        let doubled = interval.saturating_mul(2_u32.saturating_pow(unanswered)).min(interval.max(LONGEST));
        let next = self.now.saturating_add(doubled).max(at.unwrap_or(self.now));
        let until = next.min(polling.expires_at);
        self.wait(until, Ask::Poll(Polling { interval, unanswered, ..polling }))
    }

    fn after_exchange(&mut self, response: &Response, code: Secret, redirect_uri: String, attempts: u32) -> LoginMove {
        match answer::read(response, &self.config.pool, self.now) {
            Reply::Fields(fields) => self.granted(&fields, response.status),
            // A code works once, and a second use may end the login (RFC 6749, section 4.1.2): the code is sent again
            // only if the provider answered that it did nothing.
            Reply::Nothing { .. } if response.status.is_none() => UNREACHABLE.by(response.status),
            Reply::Nothing { at } => {
                self.again(at, response, attempts, |attempts| Ask::Exchange { code, redirect_uri, attempts })
            }
            Reply::Pending | Reply::SlowDown { .. } | Reply::Unreadable => UNREADABLE.by(response.status),
            Reply::Refused { codes } => answer::refusal(codes.iter().map(String::as_str), response.status),
        }
    }

    /// Ends the login with or without its key: the pool asks for the key again when a request needs it.
    fn after_key(&mut self, response: &Response, mut row: RowFields) -> LoginMove {
        if let Judgement::Tokens { set, .. } = judge(End::Answer(response), Leg::Key, &self.config.pool, self.now) {
            row.0.extend(set.0.into_iter().filter(|(_, value)| !value.is_null()));
        }
        LoginMove::Done { row }
    }

    /// Makes the row out of the tokens that the provider gave.
    fn granted(&mut self, fields: &Map<String, Value>, status: Option<u16>) -> LoginMove {
        let is_bearer = token_answer::text(fields, "token_type").is_none_or(|kind| kind.eq_ignore_ascii_case("bearer"));
        let tokens = refresh::tokens(fields, &self.config.pool, self.now).filter(|_| is_bearer);
        let Some(tokens) = tokens else { return UNREADABLE.by(status) };
        let named = |name| {
            token_answer::text(fields, name).map(|token| jwt::label(token, "")).filter(|label| !label.is_empty())
        };
        let own = json!({
            "label": named("id_token").or_else(|| named("access_token")),
            "auth_type": "oauth",
            "source": format!("manual:{}", self.config.flow().name()),
            // An answer without a scope grants the requested one (RFC 6749, section 5.1).
            "scope": self.config.scope,
            "client_id": self.config.client_id,
            "portal_base_url": self.config.portal_base_url,
        });
        let mut row = RowFields(own.as_object().cloned().unwrap_or_default());
        row.0.extend(tokens.0);
        row.0.retain(|_, value| !value.is_null());
        match refresh::needs_key(&self.config.pool) {
            true => self.ask(Ask::Key { row }),
            false => LoginMove::Done { row },
        }
    }

    /// Returns the request for the key, as a refresh makes it; `None` if the row cannot be refreshed.
    fn key_request(&self, row: &RowFields) -> Option<HttpRequest> {
        let (_, credential) = Credential::parse(&Value::Object(row.0.clone()), &self.config.pool).ok()?;
        refresh::request(&credential, &self.config.pool, Leg::Key).ok()
    }

    /// Repeats a request with exponential backoff, a few times.
    fn again(
        &mut self,
        at: Option<Timestamp>,
        response: &Response,
        attempts: u32,
        ask: impl FnOnce(u32) -> Ask,
    ) -> LoginMove {
        const MOST: u32 = 4;
        /// Longest wait that a person before a login accepts.
        const LONGEST: Duration = Duration::from_secs(60);
        let attempts = attempts.saturating_add(1);
        let backoff = Duration::from_secs(1).saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1)));
        let until = self.now.saturating_add(backoff).max(at.unwrap_or(self.now));
        if attempts >= MOST || until.since(self.now) > LONGEST {
            return UNREACHABLE.by(response.status);
        }
        self.wait(until, ask(attempts))
    }

    fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.config.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns the code verifier: 43 characters of 32 bytes (RFC 7636, section 4.1).
    fn verifier(&self) -> String {
        self.drawn("code_verifier")
    }

    fn state_parameter(&self) -> String {
        self.drawn("state")
    }

    /// Derives bytes from the seed for one purpose. They tell nothing of those for another purpose.
    fn drawn(&self, purpose: &str) -> String {
        let digest = Sha256::new().chain_update("credential-pool login ").chain_update(purpose).chain_update([0]);
        URL_SAFE_NO_PAD.encode(digest.chain_update(self.seed).finalize())
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("flow", &self.config.flow()).finish_non_exhaustive()
    }
}

/// Returns the code challenge of a verifier (RFC 7636, section 4.2).
fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

fn form<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    Serializer::new(String::new()).extend_pairs(fields).finish()
}

fn post(url: &str, body: String) -> HttpRequest {
    const TIMEOUT_MS: u32 = 15_000;
    HttpRequest {
        method: "POST",
        url: url.to_owned(),
        headers: vec![
            ("Accept", "application/json".to_owned()),
            ("Content-Type", "application/x-www-form-urlencoded".to_owned()),
        ],
        body,
        timeout_ms: TIMEOUT_MS,
    }
}

fn not_awaited() -> Error {
    Error::new(
        ErrorCode::NotAwaited,
        "the login does not wait for this input: do what its latest move says, or begin another login",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PoolKey;

    #[test]
    fn the_challenge_is_the_one_of_rfc_7636_appendix_b() {
        let challenge = challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn the_verifier_and_the_state_are_of_the_seed_and_tell_nothing_of_each_other() {
        let login = |seed| {
            let config = LoginConfig::of(&PoolKey::parse("nous").unwrap(), None, None).unwrap();
            Login::start(config, seed, Timestamp::from_millis(0)).0
        };
        let drawn = [login([7; 32]), login([8; 32])].map(|login| [login.verifier(), login.state_parameter()]);
        let all: std::collections::BTreeSet<_> = drawn.iter().flatten().collect();
        assert_eq!(all.len(), 4);
        for text in all {
            assert_eq!(URL_SAFE_NO_PAD.decode(text).unwrap().len(), 32);
            assert_eq!(text.len(), 43);
        }
        assert_eq!(login([7; 32]).verifier(), drawn[0][0]);
    }
}
