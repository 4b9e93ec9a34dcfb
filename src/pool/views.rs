//! Views: read-only access to the state of a pool.

use serde_json::{Map, Value};

use crate::{
    auth::auth,
    cooldown::Cooldown,
    credential::Credential,
    endpoints::{self, Endpoints},
    error::Error,
    event::Explanation,
    id::CredentialId,
    lease::Request,
    policy::Policy,
    pool_key::PoolKey,
    providers,
    step::{Entry, Intent, Runtime, State, Wake, WakeReason},
    store::masking::view::Masking,
    strategy::Strategy,
    time::Timestamp,
};

use super::{
    Pool,
    member::{Member, Refresh},
    unknown_credential,
};

impl Pool {
    /// Returns the pool key.
    pub fn key(&self) -> &PoolKey {
        self.roster.pool()
    }

    /// Returns the strategy, which chooses the next credential.
    pub fn strategy(&self) -> Strategy {
        self.roster.strategy()
    }

    /// Returns the policy, which judges failures, bounds cooldowns and spreads requests.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Explains for each credential why it would or would not serve a request at `now`.
    pub fn explain(&self, request: &Request, now: Timestamp) -> Explanation {
        self.explain_request(request, now)
    }

    /// Returns whether the pool has any credential, available or not.
    pub fn has_credentials(&self) -> bool {
        !self.roster.is_empty()
    }

    /// Returns the credential that was selected last; `None` before the first selection, and once that credential
    /// cools down, is dead or was removed.
    pub fn current(&self) -> Option<&CredentialId> {
        self.current.and_then(|slot| self.roster.get(slot)).map(|member| &member.credential.id)
    }

    /// Returns the current credential, else the first credential of the order that could serve at `now`; `None` if no
    /// credential could.
    pub fn peek(&self, now: Timestamp) -> Option<&CredentialId> {
        let first = || self.roster.first_serving(self.time_at(now));
        self.current
            .filter(|slot| self.roster.get(*slot).is_some())
            .or_else(first)
            .and_then(|slot| self.roster.get(slot))
            .map(|member| &member.credential.id)
    }

    /// Returns all credentials without their secrets: by turn under `round_robin`, else by priority.
    pub fn entries(&self, now: Timestamp) -> Vec<Entry> {
        let now = self.time_at(now);
        let masking = self.masking();
        self.roster.in_order().into_iter().map(|(_, member)| self.entry(member, &masking, now)).collect()
    }

    /// Returns all credentials by priority, under every strategy.
    pub(crate) fn entries_by_priority(&self, now: Timestamp) -> Vec<Entry> {
        let now = self.time_at(now);
        let members = self.by_priority().into_iter().filter_map(|slot| self.roster.get(slot));
        let masking = self.masking();
        members.map(|member| self.entry(member, &masking, now)).collect()
    }

    /// Returns a credential with its secrets.
    ///
    /// # Errors
    ///
    /// [`UnknownCredential`](crate::ErrorCode::UnknownCredential).
    pub fn credential(&self, id: &CredentialId) -> Result<&Credential, Error> {
        let slot = self.find(id)?;
        self.roster.get(slot).map(|member| &member.credential).ok_or_else(unknown_credential)
    }

    /// Returns the key, the base URL and the authentication of a request with this credential.
    ///
    /// # Errors
    ///
    /// [`UnknownCredential`](crate::ErrorCode::UnknownCredential).
    pub fn runtime(&self, id: &CredentialId) -> Result<Runtime<'_>, Error> {
        let (credential, pool) = (self.credential(id)?, self.roster.pool());
        Ok(Runtime {
            key: credential.runtime_key(pool).expose(),
            base_url: credential.runtime_base_url(pool),
            auth: auth(credential, pool),
        })
    }

    /// Returns the address of a request with this credential: `url` is relative to the credential's base URL, or an
    /// absolute URL below the base URL of any credential, which is moved below this credential's. So no key goes to the
    /// endpoint of another.
    ///
    /// The base URL of a credential is its own, else that of `endpoints`, else the provider's.
    ///
    /// # Errors
    ///
    /// [`UnknownCredential`](crate::ErrorCode::UnknownCredential). [`ForeignOrigin`](crate::ErrorCode::ForeignOrigin): the
    /// URL leads elsewhere. [`InvalidArgument`](crate::ErrorCode::InvalidArgument): no address can be read in the URL, the
    /// base URL or an origin, or there is no base URL.
    ///
    /// ```
    /// use credential_pool::{Endpoints, ErrorCode, Pool, PoolKey, Sources, Stored, Timestamp};
    /// use serde_json::json;
    ///
    /// let rows = vec![
    ///     json!({ "id": "a", "access_token": "sk-a", "base_url": "https://eu.example/v1" }),
    ///     json!({ "id": "b", "access_token": "sk-b", "base_url": "https://us.example/v1" }),
    /// ];
    /// let stored = Stored { rows, ..Stored::default() };
    /// let now = Timestamp::from_millis(1_775_757_580_463);
    /// let (pool, _) = Pool::open(PoolKey::parse("custom:box")?, &stored, &Sources::default(), [7; 32], now);
    ///
    /// let none = Endpoints::default();
    /// assert_eq!(pool.address(&"b".into(), "chat", &none)?, "https://us.example/v1/chat");
    /// assert_eq!(pool.address(&"b".into(), "https://eu.example/v1/chat", &none)?, "https://us.example/v1/chat");
    /// let refused = pool.address(&"b".into(), "https://elsewhere.example/v1/chat", &none).unwrap_err();
    /// assert_eq!(refused.code, ErrorCode::ForeignOrigin);
    /// # Ok::<(), credential_pool::Error>(())
    /// ```
    pub fn address(&self, id: &CredentialId, url: &str, endpoints: &Endpoints) -> Result<String, Error> {
        let pool = self.roster.pool();
        let is_given = |url: &&str| !url.trim().is_empty();
        let shared = endpoints.base_url.as_deref().filter(is_given);
        let own = self.credential(id)?.runtime_base_url(pool).filter(is_given);
        let own = own.or(shared).or_else(|| providers::by_id(pool)?.base_url);
        let others = self.roster.iter().filter_map(|(_, member)| member.credential.runtime_base_url(pool));
        endpoints::address(url, own, shared.into_iter().chain(others), &endpoints.origins)
    }

    /// Returns all rows as they are stored, with secrets, in the order of [`entries`](Self::entries).
    pub fn rows(&self) -> Vec<Map<String, Value>> {
        self.roster.in_order().into_iter().map(|(_, member)| member.credential.to_stored_row()).collect()
    }

    /// Returns the unreadable rows, as they were stored.
    pub fn set_aside(&self) -> &[Value] {
        &self.set_aside
    }

    /// Returns the intents that are not settled and must still be carried out, for a host that lost its own list.
    pub fn outstanding(&self) -> Vec<Intent> {
        let is_open = |intent: &Intent| match intent {
            Intent::Persist { .. } => true,
            Intent::Refresh { id, .. } => self.refresh_in_flight(*id).is_some(),
        };
        self.outbox.outstanding().filter(is_open).collect()
    }

    /// Returns the next moment at which the pool changes without an input, and the reason; `None` if there is no such
    /// moment.
    pub fn wake(&self) -> Option<Wake> {
        let wake = |at: Option<Timestamp>, reason| at.map(|at| Wake { at, reason });
        [
            wake(self.roster.next_deadline(), WakeReason::CooldownEnds),
            wake(self.current.and_then(|slot| self.token_due(slot)), WakeReason::TokenDue),
            wake(self.leases.next_end(), WakeReason::LeaseEnds),
            wake(self.flush_at, WakeReason::UnsavedChanges),
        ]
        .into_iter()
        .flatten()
        .min_by_key(|wake| (wake.at, wake.reason))
    }

    /// Knows all secrets of the pool: people paste keys into labels.
    fn masking(&self) -> Masking {
        Masking::of(self.roster.iter().flat_map(|(_, member)| member.credential.secrets()))
    }

    fn entry(&self, member: &Member, masking: &Masking, now: Timestamp) -> Entry {
        let (credential, pool) = (&member.credential, self.roster.pool());
        Entry {
            id: member.shown_id().clone(),
            label: masking.shown(&credential.label).into_owned(),
            auth_type: credential.auth_type.as_str().to_owned(),
            priority: credential.priority,
            source: masking.shown(credential.source.as_str()).into_owned().into(),
            fingerprint: credential.runtime_key(pool).fingerprint(),
            base_url: credential.runtime_base_url(pool).map(str::to_owned),
            request_count: credential.request_count,
            state: state(member, pool, now),
        }
    }
}

fn state(member: &Member, pool: &PoolKey, now: Timestamp) -> State {
    let is_expired = member.expires_at.is_some_and(|end| end <= now);
    match (member.cooldown(), member.refresh) {
        (Cooldown::Dead, _) => State::Dead,
        _ if member.credential.runtime_key(pool).is_empty() => State::NoSecret,
        _ if !member.is_sendable => State::UnusableSecret,
        (Cooldown::Until(until), _) if now < until => State::CoolingDown { until, error_code: member.cause().status },
        _ if !is_expired => State::Available,
        _ if !member.is_refreshable || member.refresh == Refresh::Interrupted => State::Expired,
        (_, Refresh::Unanswered { retry_at, .. }) if now < retry_at => State::Unreachable { until: retry_at },
        _ => State::Available,
    }
}
