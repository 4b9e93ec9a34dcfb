//! Refreshes of logins: start, further requests, settlement, and backoff after failed refreshes.

use crate::{
    cooldown::{Cooldown, reference_cooldown},
    credential::{AuthType, Status, row_fields::RowFields},
    error::Error,
    event::{Cause, Happening},
    failure::{FailureKind, Response},
    id::{CredentialId, IntentId},
    oauth::{
        flow::Leg,
        refresh::{
            self, SKEW_MS,
            judgement::{End, Judgement, judge},
        },
    },
    step::{Intent, Outcome, Settled, Step},
    store::merge::cooldowns::is_about_the_token,
    time::Timestamp,
};

use super::{
    Pool,
    member::{ClaimProgress, Member, Refresh},
    outbox::Outstanding,
    slot::Slot,
    status::{NewStatus, TokensBy},
};

impl Pool {
    /// Returns when the login's token is due for a refresh; `None` if no refresh can start then.
    pub(super) fn token_due(&self, slot: Slot) -> Option<Timestamp> {
        let member = self.roster.get(slot).filter(|member| member.is_refreshable)?;
        let due = Timestamp::from_millis(member.expires_at?.as_millis().saturating_sub(SKEW_MS));
        match member.refresh {
            Refresh::Idle => Some(due),
            Refresh::Unanswered { retry_at, .. } => Some(due.max(retry_at)),
            Refresh::InFlight { .. } | Refresh::Interrupted => None,
        }
    }

    /// Checks that the pool can build a refresh request for a login.
    pub(super) fn check_refreshable(&self, slot: Slot) -> Result<(), Error> {
        match self.roster.get(slot) {
            Some(member) => refresh::request(&member.credential, self.roster.pool(), Leg::Tokens).map(drop),
            None => Ok(()),
        }
    }

    /// Starts a refresh, or returns the intent of the refresh in flight.
    pub(super) fn start_refresh(&mut self, slot: Slot) -> (IntentId, Option<Intent>) {
        let unanswered = match self.roster.get(slot).map(|member| member.refresh) {
            Some(Refresh::InFlight { intent, .. }) => return (intent, None),
            Some(Refresh::Unanswered { attempts, .. }) => attempts,
            Some(Refresh::Idle | Refresh::Interrupted) | None => 0,
        };
        let is_forced = self.token_due(slot).is_none_or(|due| self.now < due);
        let leg = self.roster.get(slot).map_or(Leg::Tokens, |member| {
            refresh::first_leg(&member.credential, self.roster.pool(), self.now, is_forced)
        });
        self.issue_refresh(slot, leg, unanswered, ClaimProgress::None)
    }

    pub(super) fn settle_refresh(
        &mut self,
        intent: IntentId,
        credential: CredentialId,
        outcome: Outcome,
        now: Timestamp,
    ) -> Result<Step<Settled>, Error> {
        let found = self.refresh_in_flight(intent);
        if let (Some((slot, ..)), Outcome::Tokens { set }) = (found, &outcome)
            && let Some(member) = self.roster.get(slot)
        {
            refresh::check_tokens(&member.credential, &set.0, self.roster.pool())?;
        }
        self.observe(now);
        self.outbox.close(intent);
        let Some((slot, leg, unanswered, claim)) = found else { return Ok(self.step(Settled::Gone, None)) };
        self.roster.change(slot, |member| member.refresh = Refresh::Idle);
        let answer;
        let end = match outcome {
            Outcome::Tokens { set } => {
                self.finish_refresh(slot, set);
                return Ok(self.step(Settled::Refreshed { credential }, None));
            }
            Outcome::Refused => {
                self.release_claim(slot);
                self.cool_down_on_refusal(slot);
                return Ok(self.step(Settled::CoolingDown { credential }, None));
            }
            Outcome::Response { status, headers, body } => {
                answer = Response { status: Some(status), headers, body };
                End::Answer(&answer)
            }
            Outcome::Lost => End::Lost,
            Outcome::Saved | Outcome::Failed | Outcome::Unreachable => End::Unreachable,
        };
        let step = match judge(end, leg, self.roster.pool(), self.now) {
            Judgement::Tokens { set, then: Some(leg) } => {
                self.store_tokens(slot, set);
                self.continue_refresh(slot, leg, unanswered, claim)
            }
            Judgement::Tokens { set, then: None } => {
                self.finish_refresh(slot, set);
                if self.token_due(slot).is_some_and(|due| due <= self.now) {
                    // By this host's clock the new token is due at once: without a delay, refreshes would never end.
                    self.delay_refresh(slot, unanswered, None);
                }
                self.step(Settled::Refreshed { credential }, None)
            }
            Judgement::Ask(leg) => self.continue_refresh(slot, leg, unanswered, claim),
            Judgement::Over { status } => {
                self.release_claim(slot);
                self.mark_login_dead(slot, status);
                self.step(Settled::Dead { credential }, None)
            }
            Judgement::Later { at } => {
                self.release_claim(slot);
                let retry_at = self.delay_refresh(slot, unanswered, at);
                self.step(Settled::Unrefreshed { credential, retry_at }, None)
            }
            // The claim is kept, so that no host sends a refresh token that may be spent.
            Judgement::Lost => {
                self.commit_claim(slot);
                let expires_at = self.serves_until(slot);
                self.roster.change(slot, |member| {
                    (member.refresh, member.expires_at) = (Refresh::Interrupted, expires_at);
                });
                self.emit(slot, Happening::RefreshLost);
                self.step(Settled::Lost { credential }, None)
            }
        };
        Ok(step)
    }

    /// Returns slot, request, failed attempts and claim of the refresh that an intent carries out; `None` if the refresh
    /// was superseded.
    pub(super) fn refresh_in_flight(&self, intent: IntentId) -> Option<(Slot, Leg, u32, ClaimProgress)> {
        let Ok(Outstanding::Refresh { credential, .. }) = self.outbox.find(intent) else { return None };
        let slot = self.roster.slot(credential.as_str())?;
        match self.roster.get(slot)?.refresh {
            Refresh::InFlight { intent: of, leg, unanswered, claim } if of == intent => {
                Some((slot, leg, unanswered, claim))
            }
            Refresh::InFlight { .. } | Refresh::Idle | Refresh::Unanswered { .. } | Refresh::Interrupted => None,
        }
    }

    /// Continues a refresh with its next request.
    fn continue_refresh(&mut self, slot: Slot, leg: Leg, unanswered: u32, claim: ClaimProgress) -> Step<Settled> {
        let (intent, started) = self.issue_refresh(slot, leg, unanswered, claim);
        let credential = self.id(slot);
        self.step(Settled::Continues { credential, intent }, started)
    }

    /// Makes the intent for a request of a refresh.
    fn issue_refresh(
        &mut self,
        slot: Slot,
        leg: Leg,
        unanswered: u32,
        claim: ClaimProgress,
    ) -> (IntentId, Option<Intent>) {
        let id = self.outbox.next_id();
        let request =
            self.roster.get(slot).and_then(|member| refresh::request(&member.credential, self.roster.pool(), leg).ok());
        let intent = request.map(|request| self.outbox.hand_out(id, self.id(slot), request));
        self.roster.change(slot, |member| member.refresh = Refresh::InFlight { intent: id, leg, unanswered, claim });
        (id, intent)
    }

    /// Stores the tokens of a refresh in the row; the same step hands the change to the host.
    fn store_tokens(&mut self, slot: Slot, set: RowFields) {
        let Some(member) = self.roster.get(slot) else { return };
        let is_about_the_token = is_about_the_token(&member.credential);
        self.set_tokens(slot, &set.0, TokensBy::Refresh);
        if is_about_the_token {
            self.set_status(slot, NewStatus::ok());
        }
    }

    /// Completes a refresh: the login serves, unless its account cools down for a rate limit or quota.
    fn finish_refresh(&mut self, slot: Slot, set: RowFields) {
        let limits = [FailureKind::RateLimited, FailureKind::Quota].map(|kind| Some(kind.name()));
        let is_limited = |member: &Member| {
            matches!(member.cooldown(), Cooldown::Until(until) if self.now < until)
                && limits.contains(&member.credential.error_reason())
        };
        let known = self.roster.get(slot).map(|member| (is_limited(member), member.health.last_cooldown));
        let (is_limited, last_cooldown) = known.unwrap_or_default();
        self.store_tokens(slot, set);
        match is_limited {
            true => self.plan_probe(slot),
            false => self.set_status(slot, NewStatus::ok()),
        }
        // The backoff is kept: a login that is refused with every token cools down longer each time.
        self.roster.change(slot, |member| member.health.last_cooldown = last_cooldown);
        self.emit(slot, Happening::Refreshed);
    }

    /// Starts the reference's cooldown after a refused refresh, unless a longer cooldown holds.
    fn cool_down_on_refusal(&mut self, slot: Slot) {
        let until = self.now.saturating_add(reference_cooldown(None));
        let cools_down_longer = |member: &Member| matches!(member.cooldown(), Cooldown::Until(end) if until < end);
        if !self.roster.get(slot).is_some_and(cools_down_longer) {
            self.start_reference_cooldown(slot, None, Some(FailureKind::Unauthorized));
        }
    }

    /// Delays the next refresh, to `until` or by exponential backoff; returns its time.
    pub(super) fn delay_refresh(&mut self, slot: Slot, unanswered: u32, until: Option<Timestamp>) -> Timestamp {
        let attempts = unanswered.saturating_add(1);
        let retry_at = until.unwrap_or_else(|| self.now.saturating_add(refresh::backoff(attempts)));
        let (since, expires_at) = (self.now, self.serves_until(slot));
        self.roster.change(slot, |member| {
            (member.refresh, member.expires_at) = (Refresh::Unanswered { attempts, since, retry_at }, expires_at);
        });
        retry_at
    }

    fn serves_until(&self, slot: Slot) -> Option<Timestamp> {
        refresh::serves_until(&self.roster.get(slot)?.credential, self.roster.pool())
    }

    /// Marks a login dead whose refresh token the provider no longer accepts, with every row that holds that token.
    fn mark_login_dead(&mut self, slot: Slot, status: u16) {
        let error_code = Some(i64::from(status));
        let cause = Cause { kind: Some(FailureKind::Revoked), status: error_code, at: Some(self.now), hint: None };
        let Some(token) = self.roster.get(slot).map(|member| member.credential.token().clone()) else { return };
        let holds = |(of, member): (Slot, &Member)| {
            let is_live = member.credential.auth_type == AuthType::OAuth && member.cooldown() != Cooldown::Dead;
            (is_live && *member.credential.token() == token).then_some(of)
        };
        let holders: Vec<_> = self.roster.iter().filter_map(holds).collect();
        for slot in holders {
            let (status, reason) = (Some(Status::Dead), Some(FailureKind::Revoked));
            self.set_status(slot, NewStatus { status, at: Some(self.now), error_code, reason, reset_at: None });
            self.roster.change(slot, |member| member.health.cause = Some(cause));
            self.current = self.current.filter(|current| *current != slot);
            self.emit(slot, Happening::MarkedDead { cause });
        }
    }
}
