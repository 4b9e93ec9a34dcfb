//! The centre: a pool, and every input it takes.

mod affinity;
mod checks;
mod choice;
mod deadlines;
mod edits;
mod explaining;
mod feedback;
mod leases;
mod member;
mod model_cooldowns;
mod opening;
mod order;
mod outbox;
mod refreshing;
mod requests;
mod roster;
mod slot;
mod status;
mod syncing;
mod views;

use std::{fmt, time::Duration};

use serde_json::{Map, Value};

use crate::{
    cooldown::Failure,
    credential::{Credential, Source},
    error::{Error, ErrorCode},
    event::{Event, Explanation},
    failure::Response,
    id::{CredentialId, IntentId, LeaseId},
    lease::{NextMove, Request},
    oauth::{flow::Leg, refresh},
    policy::Policy,
    random::Random,
    step::{Claim, Opened, Outcome, Refreshing, Selection, Settled, Step},
    store::{change::Edit, stored::Stored},
    strategy::Strategy,
    time::{Timestamp, UnixSeconds},
};

use leases::Leases;
use member::{Refresh, Sent, Wait};
use outbox::{Outbox, Outstanding};
use roster::Roster;
use slot::Slot;
use status::{NewStatus, TokensBy};

/// The credentials of one provider, and the decisions about them.
///
/// A pool decides and does nothing else. Every input takes the time and answers a [`Step`]: a
/// value, intents for the host to carry out, what happened, and when to come back. `Err` means that nothing
/// changed. Time may jump back: the pool goes by the latest it has seen.
///
/// The inputs are of six kinds: *requests* of any number of sessions ([`lease`](Self::lease),
/// [`report`](Self::report), [`resume`](Self::resume), [`release`](Self::release)); the decisions of a
/// *cursor*, for a host that judges failures itself ([`select`](Self::select),
/// [`rotate`](Self::rotate), [`refresh`](Self::refresh), [`mark_used`](Self::mark_used)); *reports*
/// ([`settle`](Self::settle), [`tick`](Self::tick), [`flush`](Self::flush)); *administration*
/// ([`add`](Self::add), [`update`](Self::update), [`remove`](Self::remove),
/// [`move_to`](Self::move_to), [`reset`](Self::reset), [`set_strategy`](Self::set_strategy),
/// [`set_policy`](Self::set_policy)); and *looks*, which change nothing ([`explain`](Self::explain),
/// [`peek`](Self::peek), [`current`](Self::current), [`entries`](Self::entries),
/// [`has_credentials`](Self::has_credentials), [`policy`](Self::policy),
/// [`runtime`](Self::runtime), [`rows`](Self::rows), [`outstanding`](Self::outstanding)).
///
/// Invariants: no dead credential is ever chosen, and none that rests but by the one request that
/// tries it early; one request ends, however all fail, and benches one at most; applying the changes that were
/// handed out to the rows that the pool was opened with gives the pool's rows; an intent is settled
/// once; the same document, seed and inputs give the same answers.
///
/// ```
/// use credential_pool::{NextMove, Pool, PoolKey, Request, Response, Sources, Stored, Timestamp};
/// use serde_json::json;
///
/// let stored = Stored {
///     rows: vec![
///         json!({ "id": "a1b2c3", "source": "manual", "access_token": "sk-first", "priority": 0 }),
///         json!({ "id": "d4e5f6", "source": "manual", "access_token": "sk-second", "priority": 1 }),
///     ],
///     ..Stored::default()
/// };
/// let now = Timestamp::from_millis(1_775_757_580_463);
/// let (mut pool, _) = Pool::open(PoolKey::parse("openrouter")?, &stored, &Sources::default(), [7; 32], now);
///
/// let NextMove::Use { lease, credential } = pool.lease(Request::default(), now).value else { panic!() };
/// assert_eq!(pool.runtime(&credential)?.key, "sk-first");
///
/// // The provider's answer: the first key rests for as long as it says, the second serves.
/// let headers = vec![("Retry-After".to_owned(), "30".to_owned())];
/// let response = Response { status: Some(429), headers, ..Response::default() };
/// let step = pool.report(lease, &response, now)?;
/// let NextMove::Use { lease, credential } = step.value else { panic!() };
/// assert_eq!(pool.runtime(&credential)?.key, "sk-second");
/// assert_eq!(step.intents.len(), 1, "the rest has to be written down");
///
/// let served = Response { status: Some(200), ..Response::default() };
/// assert_eq!(pool.report(lease, &served, now)?.value, NextMove::Served);
/// # Ok::<(), credential_pool::Error>(())
/// ```
#[derive(Clone)]
pub struct Pool {
    roster: Roster,
    outbox: Outbox,
    random: Random,
    /// The latest time seen.
    now: Timestamp,
    current: Option<Slot>,
    /// Members with uses that no change tells of.
    used: Vec<Slot>,
    /// When unsaved changes should be written at the latest.
    flush_at: Option<Timestamp>,
    failed_writes: u32,
    suppressed: Vec<Source>,
    policy: Policy,
    configured: Configured,
    leases: Leases,
    /// The last request that was let go.
    sent: Sent,
    /// What happened since the last step.
    events: Vec<Event>,
    /// Rows that cannot be read, as they were stored.
    set_aside: Vec<Value>,
}

/// What the host's configuration says, so that what is stored does not hold.
#[derive(Clone, Copy)]
struct Configured {
    strategy: bool,
    policy: bool,
}

/// Decisions.
impl Pool {
    /// Chooses the credential for the next request, and makes it the current one.
    pub fn select(&mut self, now: Timestamp) -> Step<Selection> {
        self.observe(now);
        let (selection, refresh) = self.choose();
        self.step(selection, refresh)
    }

    /// Benches the credential that failed, with all that hold the same secret, and selects the next.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::UnknownCredential`].
    pub fn rotate(&mut self, id: &CredentialId, failure: Failure, now: Timestamp) -> Result<Step<Selection>, Error> {
        let failed = self.find(id)?;
        self.observe(now);
        for slot in self.roster.with_same_secret(failed) {
            self.bench(slot, failure, None);
        }
        self.current = None;
        let (selection, refresh) = self.choose();
        Ok(self.step(selection, refresh))
    }

    /// Refreshes a login now, whether it is due or not. One refresh at a time: while one is under
    /// way, this answers with its request of the moment.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::UnknownCredential`], [`ErrorCode::NotRefreshable`],
    /// [`ErrorCode::RefreshUnsupported`].
    pub fn refresh(&mut self, id: &CredentialId, now: Timestamp) -> Result<Step<Refreshing>, Error> {
        let slot = self.find(id)?;
        if let Some(member) = self.roster.get(slot) {
            refresh::request(&member.credential, self.roster.pool(), Leg::Tokens)?;
        }
        self.observe(now);
        self.forget_interruption(slot);
        let (intent, started) = self.start_refresh(slot);
        Ok(self.step(Refreshing { credential: id.clone(), intent }, started))
    }

    /// Counts a use. Counts are written with the next `Persist`, or when the wake says so.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::UnknownCredential`].
    pub fn mark_used(&mut self, id: &CredentialId) -> Result<Step<()>, Error> {
        let slot = match self.current.filter(|slot| self.roster.get(*slot).is_some_and(|m| m.credential.id == *id)) {
            Some(current) => current,
            None => self.find(id)?,
        };
        if self.roster.count_uses(slot, 1) {
            self.note_use(slot);
        }
        Ok(self.step((), None))
    }
}

/// Requests. Any number of sessions share a pool, each request with leases of its own.
impl Pool {
    /// Chooses a credential for a request and hands out a lease of it.
    pub fn lease(&mut self, request: Request, now: Timestamp) -> Step<NextMove> {
        self.start_request(request, now)
    }

    /// Goes on with a request that waited. A request that has a credential already is answered with
    /// it again.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::UnknownLease`], [`ErrorCode::LeaseEnded`].
    pub fn resume(&mut self, lease: LeaseId, now: Timestamp) -> Result<Step<NextMove>, Error> {
        self.resume_request(lease, now)
    }

    /// Takes in what the provider answered to a request, and says what the request does next.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::UnknownLease`], [`ErrorCode::LeaseEnded`], [`ErrorCode::LeaseWaits`].
    pub fn report(&mut self, lease: LeaseId, response: &Response, now: Timestamp) -> Result<Step<NextMove>, Error> {
        self.take_report(lease, response, now)
    }

    /// Ends a request that was given up by its session, and says nothing of its credential.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::UnknownLease`], [`ErrorCode::LeaseEnded`].
    pub fn release(&mut self, lease: LeaseId, now: Timestamp) -> Result<Step<()>, Error> {
        self.release_request(lease, now)
    }
}

/// Reports.
impl Pool {
    /// Takes in how an intent ended.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::UnknownIntent`], [`ErrorCode::AlreadySettled`], [`ErrorCode::WrongOutcome`],
    /// and [`ErrorCode::InvalidArgument`] for tokens that do not fit a row.
    pub fn settle(&mut self, intent: IntentId, outcome: Outcome, now: Timestamp) -> Result<Step<Settled>, Error> {
        match (self.outbox.find(intent)?, &outcome) {
            (Outstanding::Persist { .. }, Outcome::Saved) => {
                self.saved(intent, now);
                Ok(self.step(Settled::Saved, None))
            }
            (Outstanding::Persist { .. }, Outcome::Failed) => {
                self.observe(now);
                self.outbox.close(intent);
                if self.outbox.has_unsaved() {
                    self.failed_writes = self.failed_writes.saturating_add(1);
                    self.flush_by(self.now.saturating_add(write_backoff(self.failed_writes)));
                }
                Ok(self.step(Settled::Unsaved, None))
            }
            (
                Outstanding::Refresh { credential, .. },
                Outcome::Response { .. } | Outcome::Unreachable | Outcome::Tokens { .. } | Outcome::Refused,
            ) => {
                let credential = credential.clone();
                self.settle_refresh(intent, credential, outcome, now)
            }
            (Outstanding::Persist { .. }, _) => {
                Err(Error::new(ErrorCode::WrongOutcome, "an intent to persist ends as `saved` or `failed`"))
            }
            (Outstanding::Refresh { .. }, _) => Err(Error::new(
                ErrorCode::WrongOutcome,
                "an intent to refresh ends with a `response` or as `unreachable`; for a host that refreshes its own way, with \
                 `tokens` or as `refused`",
            )),
        }
    }

    /// What an intent to persist holds, is written.
    pub(crate) fn saved(&mut self, intent: IntentId, now: Timestamp) {
        self.observe(now);
        self.outbox.saved(intent);
        self.failed_writes = 0;
    }

    /// The wake-up: what should happen by now, happens.
    pub fn tick(&mut self, now: Timestamp) -> Step<()> {
        self.observe(now);
        self.recover();
        let refresh = match self.current.filter(|slot| self.token_due(*slot).is_some_and(|due| due <= self.now)) {
            Some(current) => self.start_refresh(current).1,
            None => None,
        };
        match self.flush_at {
            Some(at) if at <= self.now => self.flush_step(refresh),
            _ => self.step((), refresh),
        }
    }

    /// Hands out everything that is unsaved, for a host that is about to close.
    pub fn flush(&mut self, now: Timestamp) -> Step<()> {
        self.observe(now);
        self.flush_step(None)
    }
}

/// Other hosts.
impl Pool {
    /// Takes in what the store has now, and keeps what is not saved yet: changes that an intent holds
    /// which is not settled, and uses. A refresh that another host did meanwhile has ended.
    ///
    /// What the host shows (`sources`) is looked at by [`open`](Self::open) alone.
    pub fn sync(&mut self, stored: &Stored, now: Timestamp) -> Step<Opened> {
        self.observe(now);
        self.take_in_stored(stored)
    }

    /// Asks, before the request of a refresh is sent, whether it still should be: for hosts that share
    /// a store, so that a refresh token is spent once. Such a host locks the credential in the store,
    /// reads, [`sync`](Self::sync)s, claims, **writes what this answers**, sends the request, settles,
    /// writes the new tokens, and unlocks.
    ///
    /// If another host claimed the token and was never heard of again, the token may be spent: the login
    /// serves until it expires, and then has to be made anew. [`reset`](Self::reset) or
    /// [`refresh`](Self::refresh) tries it all the same.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::UnknownIntent`], [`ErrorCode::AlreadySettled`], and [`ErrorCode::WrongOutcome`] for an
    /// intent to persist.
    pub fn claim(&mut self, intent: IntentId, now: Timestamp) -> Result<Step<Claim>, Error> {
        self.claim_token(intent, now)
    }
}

/// Administration.
impl Pool {
    /// Adds a credential behind all others; answers its id. A row of a source that discovery was
    /// told to leave alone lets it be found again.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidRow`], [`ErrorCode::DuplicateId`].
    pub fn add(&mut self, row: &Map<String, Value>, now: Timestamp) -> Result<Step<CredentialId>, Error> {
        let (id, mut credential) = self.check_new(row)?;
        self.observe(now);
        credential.id = id.unwrap_or_else(|| self.new_id());
        if self.suppressed.contains(&credential.source) {
            self.suppressed.retain(|source| *source != credential.source);
            self.outbox.record(Edit::Unsuppress { source: credential.source.clone() });
        }
        let id = credential.id.clone();
        self.join(credential);
        Ok(self.step(id, None))
    }

    /// Sets fields of a credential's row; null takes one away. A new secret starts fresh. Id, status
    /// and counts are kept by the pool itself and cannot be set.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::UnknownCredential`], [`ErrorCode::InvalidRow`].
    pub fn update(
        &mut self,
        id: &CredentialId,
        fields: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<Step<()>, Error> {
        let slot = self.find(id)?;
        self.check_fields(id, fields)?;
        self.observe(now);
        self.set(slot, fields.clone(), TokensBy::Person);
        Ok(self.step((), None))
    }

    /// Takes a credential out of the pool. If it was discovered, its source is left alone from now
    /// on, until it is added by hand.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::UnknownCredential`].
    pub fn remove(&mut self, id: &CredentialId, now: Timestamp) -> Result<Step<()>, Error> {
        let slot = self.find(id)?;
        self.observe(now);
        let source = self.roster.get(slot).map(|member| member.credential.source.clone());
        self.drop_member(slot);
        if let Some(source) = source.filter(|source| source.is_discovered() && !self.suppressed.contains(source)) {
            self.outbox.record(Edit::Suppress { source: source.clone() });
            self.suppressed.push(source);
        }
        let order = self.by_priority();
        self.number(&order);
        Ok(self.step((), None))
    }

    /// Moves a credential to a place in the order of priority, 0 being the first; beyond the end is
    /// the last.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::UnknownCredential`].
    pub fn move_to(&mut self, id: &CredentialId, place: usize, now: Timestamp) -> Result<Step<()>, Error> {
        let moved = self.find(id)?;
        self.observe(now);
        let mut order = self.by_priority();
        order.retain(|slot| *slot != moved);
        order.insert(place.min(order.len()), moved);
        self.number(&order);
        Ok(self.step((), None))
    }

    /// Ends the rest of one credential, or of all; answers how many had a status.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::UnknownCredential`].
    pub fn reset(&mut self, id: Option<&CredentialId>, now: Timestamp) -> Result<Step<usize>, Error> {
        let slots = match id {
            Some(id) => vec![self.find(id)?],
            None => self.roster.iter().map(|(slot, _)| slot).collect(),
        };
        self.observe(now);
        let mut count = 0_usize;
        for slot in slots {
            self.forget_failures(slot);
            self.forget_interruption(slot);
            self.roster.change(slot, |member| {
                member.wait = Wait::None;
                if matches!(member.refresh, Refresh::Unanswered { .. }) {
                    member.refresh = Refresh::Idle;
                }
            });
            if self.roster.get(slot).is_some_and(|member| has_status(&member.credential)) {
                self.set_status(slot, NewStatus::default());
                count = count.saturating_add(1);
            }
        }
        Ok(self.step(count, None))
    }

    /// Chooses from now on by another strategy, and stores it. At the next opening, what the host's
    /// configuration says goes first.
    pub fn set_strategy(&mut self, strategy: Strategy, now: Timestamp) -> Step<()> {
        self.observe(now);
        if strategy != self.roster.strategy() {
            self.roster.set_strategy(strategy);
            self.outbox.record(Edit::SetStrategy { strategy });
        }
        self.step((), None)
    }
}

impl Pool {
    /// Judges from now on by another policy, and stores it: a preset and what differs from it. At
    /// the next opening, what the host's configuration says goes first.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidPolicy`], with a pointer into `policy`.
    pub fn set_policy(&mut self, policy: &Value, now: Timestamp) -> Result<Step<()>, Error> {
        let policy = Policy::parse(policy)?;
        self.observe(now);
        if policy != self.policy {
            self.outbox.record(Edit::SetPolicy { policy: policy.to_value() });
            self.roster.set_caps(policy.max_in_flight);
            self.policy = policy;
        }
        Ok(self.step((), None))
    }

    /// How failures are judged, rests are bounded and requests are spread.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Why each credential would or would not serve a request.
    pub fn explain(&self, request: &Request, now: Timestamp) -> Explanation {
        self.explain_request(request, now)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("key", self.key())
            .field("strategy", &self.strategy())
            .field("entries", &self.entries(self.now))
            .finish_non_exhaustive()
    }
}

/// How long use counts wait for company before they are written.
const FLUSH_AFTER: Duration = Duration::from_secs(10);

fn write_backoff(failed_writes: u32) -> Duration {
    const FIRST: Duration = Duration::from_secs(1);
    const LONGEST: Duration = Duration::from_secs(60);
    FIRST.saturating_mul(2_u32.saturating_pow(failed_writes.saturating_sub(1))).min(LONGEST)
}

fn has_status(credential: &Credential) -> bool {
    credential.last_status.as_ref().is_some_and(|status| !status.as_str().is_empty())
        || credential.last_status_at.is_some_and(|at| at != UnixSeconds::EPOCH)
        || credential.last_error_code.is_some_and(|code| code != 0)
}

fn unknown_credential() -> Error {
    Error::new(ErrorCode::UnknownCredential, "no credential of the pool has this id; `entries` lists them")
}
