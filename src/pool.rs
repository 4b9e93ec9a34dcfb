//! The pool state machine: [`Pool`] and its inputs. Each part of the mechanism is a submodule.

mod affinity;
mod choice;
mod clock;
mod deadlines;
mod edits;
mod explain;
mod faults;
mod feedback;
mod key_set;
mod leases;
mod member;
mod model_cooldowns;
mod open;
mod outage;
mod outbox;
mod ramp;
mod refresh;
mod requests;
mod roster;
mod settle;
mod slot;
mod status;
mod sync;
mod validate;
mod views;
mod waits;

use std::fmt;

use rustc_hash::FxHashSet;
use serde_json::{Map, Value};

use crate::{
    cooldown::Failure,
    credential::{Credential, Source},
    discovery::Sources,
    error::{Error, ErrorCode},
    event::Event,
    failure::Response,
    id::{CredentialId, IntentId, LeaseId},
    lease::{NextMove, Request},
    policy::Policy,
    random::Random,
    step::{Claim, Opened, Outcome, Refreshing, Selection, Settled, Step},
    store::{change::Edit, merge::row::CausalContext, stored::Stored},
    strategy::Strategy,
    time::{Timestamp, UnixSeconds},
};

use leases::Leases;
use member::{AttemptNumber, Refresh};
use outage::Outages;
use outbox::Outbox;
use roster::Roster;
use slot::Slot;
use status::{NewStatus, TokensBy};

/// The credentials of one provider, and all decisions about them.
///
/// A pool decides and does nothing else. Every input takes the time `now` and returns a [`Step`]: a value, intents for
/// the host to carry out in order, events, and the next wake-up. `Err` means that nothing changed. The pool's time
/// never goes back: after a backward step of `now`, the latest time holds.
///
/// | inputs | |
/// | --- | --- |
/// | requests, of any number of sessions | [`lease`](Self::lease), [`report`](Self::report), [`resume`](Self::resume), [`release`](Self::release) |
/// | the cursor, for a host that judges failures itself | [`select`](Self::select), [`rotate`](Self::rotate), [`mark_used`](Self::mark_used), [`refresh`](Self::refresh) |
/// | settlement and time | [`settle`](Self::settle), [`tick`](Self::tick), [`flush`](Self::flush) |
/// | other hosts of the same store | [`sync`](Self::sync), [`claim`](Self::claim) |
/// | administration | [`add`](Self::add), [`update`](Self::update), [`remove`](Self::remove), [`move_to`](Self::move_to), [`reset`](Self::reset), [`set_strategy`](Self::set_strategy), [`set_policy`](Self::set_policy) |
/// | views, which change nothing | [`explain`](Self::explain), [`peek`](Self::peek), [`current`](Self::current), [`entries`](Self::entries), [`has_credentials`](Self::has_credentials), [`policy`](Self::policy), [`runtime`](Self::runtime), [`rows`](Self::rows), [`outstanding`](Self::outstanding), [`wake`](Self::wake) |
///
/// Invariants:
///
/// - A dead credential is never chosen. A credential that cools down is chosen only for its probe.
/// - A request ends, however its credentials fail, and leaves at most one credential cooling down by its report alone.
/// - The changes that were handed out, applied to the rows at [`open`](Self::open), give the rows of the pool.
/// - An intent is settled once; another settlement is an error.
/// - The same document, seed and inputs give the same steps, to the byte, on every platform.
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
/// // The first key cools down for the 30 seconds of the provider's hint, and the second key serves.
/// let headers = vec![("Retry-After".to_owned(), "30".to_owned())];
/// let response = Response { status: Some(429), headers, ..Response::default() };
/// let step = pool.report(lease, &response, now)?;
/// let NextMove::Use { lease, credential } = step.value else { panic!() };
/// assert_eq!(pool.runtime(&credential)?.key, "sk-second");
/// assert_eq!(step.intents.len(), 1, "the cooldown must be stored");
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
    /// Latest time of all inputs.
    now: Timestamp,
    /// Credential that the cursor selected last.
    current: Option<Slot>,
    /// Members with unsaved uses.
    used: Vec<Slot>,
    /// Deadline for writing unsaved changes; `None` if a write is not due by itself.
    flush_at: Option<Timestamp>,
    /// Number of failed writes in a row.
    failed_writes: u32,
    suppressed: Vec<Source>,
    policy: Policy,
    configured: Configured,
    leases: Leases,
    outages: Outages,
    /// Number of the last attempt that was started.
    last_attempt: AttemptNumber,
    /// Events since the last step.
    events: Vec<Event>,
    /// Unreadable rows, as they were stored.
    set_aside: Vec<Value>,
    /// Rows whose source is gone, without their secrets.
    absent: Vec<(CausalContext, Credential)>,
    /// Ids of removed rows.
    removed: FxHashSet<String>,
}

/// Whether the host's configuration sets a strategy or policy, which then overrides the document's.
#[derive(Clone, Copy)]
struct Configured {
    strategy: bool,
    policy: bool,
}

/// The cursor.
impl Pool {
    /// Selects the credential for the next request, and makes the credential the current one.
    pub fn select(&mut self, now: Timestamp) -> Step<Selection> {
        self.observe(now);
        let (selection, refresh) = self.choose();
        self.step(selection, refresh)
    }

    /// Records the failure of a credential, and of all credentials with the same secret, and selects the next credential.
    ///
    /// A failure of a kind, or an answer with headers or a body, has the effect that the policy gives it, as with
    /// [`report`](Self::report). A bare status starts the reference's cooldown: 1 hour after HTTP status 429, else 24 hours.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::UnknownCredential`].
    pub fn rotate(&mut self, id: &CredentialId, failure: Failure, now: Timestamp) -> Result<Step<Selection>, Error> {
        let failed = self.find(id)?;
        self.observe(now);
        self.record_rotation(failed, &failure);
        self.current = None;
        let (selection, refresh) = self.choose();
        Ok(self.step(selection, refresh))
    }

    /// Starts a refresh of a login, due or not. While a refresh of the login is in flight, returns its current intent
    /// instead.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::UnknownCredential`], [`ErrorCode::NotRefreshable`],
    /// [`ErrorCode::RefreshUnsupported`].
    pub fn refresh(&mut self, id: &CredentialId, now: Timestamp) -> Result<Step<Refreshing>, Error> {
        let slot = self.find(id)?;
        self.check_refreshable(slot)?;
        self.observe(now);
        self.clear_interruption(slot);
        let (intent, started) = self.start_refresh(slot);
        Ok(self.step(Refreshing { credential: id.clone(), intent }, started))
    }

    /// Counts a use of a credential. Counts are written with the next `Persist`, or at the latest by the wake-up.
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

/// Requests. Any number of sessions share a pool; each attempt of a request has its own lease.
impl Pool {
    /// Returns the first move of a request, with a lease if the request can be sent or can wait.
    pub fn lease(&mut self, request: Request, now: Timestamp) -> Step<NextMove> {
        self.start_request(request, now)
    }

    /// Continues a request that waited, and returns its next move. For an attempt in flight, returns the same move
    /// again.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::UnknownLease`], [`ErrorCode::LeaseEnded`].
    pub fn resume(&mut self, lease: LeaseId, now: Timestamp) -> Result<Step<NextMove>, Error> {
        self.resume_request(lease, now)
    }

    /// Records the provider's answer to an attempt, and returns the next move of the request.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::UnknownLease`], [`ErrorCode::LeaseEnded`], [`ErrorCode::LeaseWaits`], [`ErrorCode::TooLarge`].
    pub fn report(&mut self, lease: LeaseId, response: &Response, now: Timestamp) -> Result<Step<NextMove>, Error> {
        response.within_limits()?;
        self.take_report(lease, response, now)
    }

    /// Ends a request that its session gave up. The credential's health is not affected.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::UnknownLease`], [`ErrorCode::LeaseEnded`].
    pub fn release(&mut self, lease: LeaseId, now: Timestamp) -> Result<Step<()>, Error> {
        self.release_request(lease, now)
    }
}

/// Settlement and time.
impl Pool {
    /// Settles an intent with its outcome.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::UnknownIntent`], [`ErrorCode::AlreadySettled`], [`ErrorCode::WrongOutcome`], [`ErrorCode::TooLarge`],
    /// and [`ErrorCode::InvalidArgument`] for tokens that do not fit a row.
    pub fn settle(&mut self, intent: IntentId, outcome: Outcome, now: Timestamp) -> Result<Step<Settled>, Error> {
        self.settle_intent(intent, outcome, now)
    }

    /// Does all work that is due by `now`; the host calls this at the time of [`Step::wake`].
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

    /// Hands out all unsaved changes, and signs this host off in the store, which then forgets the host before long: a
    /// process that lives for a moment leaves nothing that grows. For a host that is about to close; a later change signs
    /// it on again.
    pub fn sign_off(&mut self, now: Timestamp) -> Step<()> {
        self.observe(now);
        self.sign_off_step()
    }

    /// Hands out all unsaved changes.
    pub fn flush(&mut self, now: Timestamp) -> Step<()> {
        self.observe(now);
        self.flush_step(None)
    }
}

/// Other hosts.
impl Pool {
    /// Takes over the latest state of the store, and keeps unsaved changes, those of unsettled intents included, and
    /// uses. A refresh whose token another host replaced in the meantime ends.
    ///
    /// With `sources`, the pool discovers as in [`open`](Self::open): another program may have refreshed a login that it
    /// keeps in a file of its own, and the older refresh token is spent then. Hosts read those places again before they
    /// [`claim`](Self::claim), and after a refresh that the provider refused.
    pub fn sync(&mut self, stored: &Stored, sources: Option<&Sources>, now: Timestamp) -> Step<Opened> {
        self.observe(now);
        self.merge_stored(stored, sources)
    }

    /// Claims the token of a refresh before its request is sent, and returns whether to send the request: hosts that
    /// share a store must spend a refresh token only once. Such a host locks the credential in the store, reads,
    /// [`sync`](Self::sync)s, claims, writes the changes of this step, **reads the store back**, syncs and claims again.
    /// It sends the request only if the second answer is [`Claim::Send`]: the first claim on a token that reaches the
    /// store holds. Then it settles, writes the new tokens, and unlocks. So a lock that was lost on the way costs nothing.
    ///
    /// If another host claimed the token and never reported an outcome, the token may be spent: the login serves until
    /// its access token expires, then a person must log in again. [`reset`](Self::reset) or [`refresh`](Self::refresh)
    /// allows another attempt with the same token.
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
    /// Adds a credential after all others; returns its id, which the pool generates if the row has no `id`. If the
    /// row's source was suppressed, discovery finds the source again.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidRow`], [`ErrorCode::DuplicateId`]; [`ErrorCode::TooLarge`] if the pool has as many rows as it may.
    pub fn add(&mut self, row: &Map<String, Value>, now: Timestamp) -> Result<Step<CredentialId>, Error> {
        let (id, mut credential) = self.check_new(row)?;
        self.observe(now);
        credential.id = id.unwrap_or_else(|| self.new_id());
        if self.suppressed.contains(&credential.source) {
            self.suppressed.retain(|source| *source != credential.source);
            self.outbox.record(Edit::Unsuppress { source: credential.source.clone() });
        }
        let id = credential.id.clone();
        self.add_member(credential);
        Ok(self.step(id, None))
    }

    /// Sets fields of a credential's row; null removes a field. A new secret resets the status. Only the pool sets id,
    /// status and counts.
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
        let fields = self.check_fields(id, fields)?;
        self.observe(now);
        self.set_fields(slot, fields, TokensBy::Person);
        Ok(self.step((), None))
    }

    /// Removes a credential. The source of a discovered credential is suppressed: discovery ignores the source until a
    /// credential of that source is added.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::UnknownCredential`].
    pub fn remove(&mut self, id: &CredentialId, now: Timestamp) -> Result<Step<()>, Error> {
        let slot = self.find(id)?;
        self.observe(now);
        let source = self.roster.get(slot).map(|member| member.credential.source.clone());
        self.remove_member(slot);
        if let Some(source) = source.filter(|source| source.is_discovered() && !self.suppressed.contains(source)) {
            self.outbox.record(Edit::Suppress { source: source.clone() });
            self.suppressed.push(source);
        }
        let order = self.by_priority();
        self.set_priorities(&order);
        Ok(self.step((), None))
    }

    /// Moves a credential to a place in the order of priority. 0 is the first place; a place beyond the end is the
    /// last.
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
        self.set_priorities(&order);
        Ok(self.step((), None))
    }

    /// Clears the status of a credential, or of all for `None`: ends cooldowns and revives dead credentials. Returns
    /// how many credentials had a status.
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
            self.clear_interruption(slot);
            self.roster.change(slot, |member| {
                member.token_block = None;
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

    /// Sets and stores the strategy. At the next [`open`](Self::open), a strategy in the host's configuration has
    /// precedence.
    pub fn set_strategy(&mut self, strategy: Strategy, now: Timestamp) -> Step<()> {
        self.observe(now);
        if strategy != self.roster.strategy() {
            self.roster.set_strategy(strategy);
            self.outbox.record(Edit::SetStrategy { strategy });
        }
        self.step((), None)
    }

    /// Sets and stores the policy: a preset and the settings that differ from the preset. At the next
    /// [`open`](Self::open), a policy in the host's configuration has precedence.
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

fn has_status(credential: &Credential) -> bool {
    credential.last_status.as_ref().is_some_and(|status| !status.as_str().is_empty())
        || credential.last_status_at.is_some_and(|at| at != UnixSeconds::EPOCH)
        || credential.last_error_code.is_some_and(|code| code != 0)
}

fn unknown_credential() -> Error {
    Error::new(ErrorCode::UnknownCredential, "no credential of the pool has this id; `entries` lists them")
}
