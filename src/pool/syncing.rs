//! What other hosts wrote: how it is taken in, and how a token that can be spent once is claimed.

use std::time::Duration;

use crate::{
    credential::Credential,
    error::{Error, ErrorCode, Problem},
    event::Happening,
    id::IntentId,
    oauth::flow::Leg,
    step::{Claim, Opened, Step},
    store::{apply::apply, change::Edit, merge::row::CausalContext, stored::Stored},
    time::Timestamp,
};

use super::{
    Pool,
    member::{Health, Refresh},
    opening,
    outbox::Outstanding,
    slot::Slot,
};

impl Pool {
    /// Takes in what a store has now, and keeps what is not saved yet.
    pub(super) fn take_in_stored(&mut self, stored: &Stored) -> Step<Opened> {
        self.outbox.observe(self.now, stored.merge.latest());
        self.outbox.found_in(&stored.merge);
        let mut latest = stored.clone();
        apply(&mut latest, &self.outbox.perhaps_missing(), self.roster.pool());

        let mut problems = Vec::new();
        if let Some(named) =
            opening::stored_strategy(&latest, &mut problems, self.key()).filter(|_| !self.configured.strategy)
            && named != self.roster.strategy()
        {
            self.roster.set_strategy(named);
        }
        if let Some(policy) =
            opening::stored_policy(&latest, &mut problems, self.key()).filter(|_| !self.configured.policy)
            && policy != self.policy
        {
            self.roster.set_caps(policy.max_in_flight);
            self.policy = policy;
        }
        self.suppressed.clone_from(&latest.suppressed_sources);
        self.take_in_rows(&latest, &mut problems);
        let opened = Opened { has_credentials: self.has_credentials(), problems };
        self.step(opened, None)
    }

    /// Whether a refresh may still spend the token that it was made for; from then on no other host may.
    pub(super) fn claim_token(&mut self, intent: IntentId, now: Timestamp) -> Result<Step<Claim>, Error> {
        let Outstanding::Refresh { request, .. } = self.outbox.find(intent)? else {
            return Err(Error::new(
                ErrorCode::WrongOutcome,
                "an intent to persist needs no claim; write it and settle it",
            ));
        };
        let request = request.clone();
        self.observe(now);
        let Some((slot, leg, unanswered)) = self.under_way(intent) else {
            self.outbox.close(intent);
            return Ok(self.step(Claim::Gone, None));
        };
        if matches!(leg, Leg::Key | Leg::KeyAlone) {
            return Ok(self.step(Claim::Send { request }, None));
        }
        match self.claim_of_another(slot) {
            Some(began) if self.now < began.saturating_add(CLAIM_LASTS) => {
                self.roster.change(slot, |member| member.refresh = Refresh::Idle);
                self.hold_back(slot, unanswered, Some(began.saturating_add(CLAIM_LASTS)));
            }
            Some(_) => {
                self.roster.change(slot, |member| member.refresh = Refresh::Interrupted);
                self.tell(slot, Happening::RefreshInterrupted);
            }
            None => {
                let Some(member) = self.roster.get(slot) else { return Ok(self.step(Claim::Gone, None)) };
                if member.context.claim.is_none() {
                    let (id, token) = (member.credential.id.clone(), Some(member.credential.token_fingerprint()));
                    self.commit(slot, Edit::Claim { id, token });
                }
                return Ok(self.step(Claim::Send { request }, None));
            }
        }
        self.outbox.close(intent);
        Ok(self.step(Claim::Gone, None))
    }

    /// This host claims a login's token no more: it was not spent. What another host claims stays its own.
    pub(super) fn give_up_claim(&mut self, slot: Slot) {
        if self.claim_of_another(slot).is_none() {
            self.end_claim(slot);
        }
    }

    /// Nobody claims a login's token any more.
    fn end_claim(&mut self, slot: Slot) {
        let Some(member) = self.roster.get(slot).filter(|member| member.context.claim.is_some()) else { return };
        let id = member.credential.id.clone();
        self.commit(slot, Edit::Claim { id, token: None });
    }

    /// A person wants a login tried again whose refresh another host never ended.
    pub(super) fn forget_interruption(&mut self, slot: Slot) {
        if self.roster.get(slot).is_some_and(|member| member.refresh == Refresh::Interrupted) {
            self.roster.change(slot, |member| member.refresh = Refresh::Idle);
            self.end_claim(slot);
        }
    }

    /// When another host claimed the login's token, if one does.
    fn claim_of_another(&self, slot: Slot) -> Option<Timestamp> {
        let claim = self.roster.get(slot)?.context.claim.as_ref()?;
        let millis = i64::try_from(claim.at.checked_div(1000)?).ok()?;
        (claim.host != *self.outbox.host()).then(|| Timestamp::from_millis(millis).min(self.now))
    }

    fn take_in_rows(&mut self, latest: &Stored, problems: &mut Vec<Problem>) {
        let held = self.read(latest, problems);
        let gone: Vec<_> = self.roster.iter().map(|(slot, _)| slot).filter(|slot| !held.contains(slot)).collect();
        for slot in gone {
            self.forget_member(slot);
        }
    }

    /// A member's row as the store has it, with the uses that no change tells of yet.
    pub(super) fn replace(&mut self, slot: Slot, mut new: Credential, context: CausalContext) {
        let Some(member) = self.roster.get(slot) else { return };
        if new.lacks_secrets_of(&member.credential) {
            new.copy_secrets_of(&member.credential);
        }
        new.request_count = new.request_count.saturating_add(member.unsaved_uses);
        if member.unsaved_turn {
            new.turn = new.turn.max(member.credential.turn);
        }
        let waits_for_claim = match member.refresh {
            Refresh::Interrupted => true,
            Refresh::Unanswered { .. } => self.claim_of_another(slot).is_some(),
            Refresh::Idle | Refresh::InFlight { .. } => false,
        };
        let is_given_up = waits_for_claim && context.claim.is_none();
        let has_other_cooldown = told(&member.credential) != told(&new);
        let cooldowns_differ = has_other_cooldown || !new.model_cooldowns().eq(member.credential.model_cooldowns());
        if new != member.credential {
            self.roster.edit(slot, |credential| *credential = new);
        }
        let stale_up_to = self.sent;
        self.roster.change(slot, |member| {
            member.context = context;
            if has_other_cooldown {
                member.health = Health { stale_up_to, ..Health::default() };
            }
            if is_given_up {
                member.refresh = Refresh::Idle;
            }
        });
        if cooldowns_differ {
            self.plan_probe(slot);
        }
    }
}

/// What a row tells of how it is doing.
fn told(credential: &Credential) -> impl PartialEq {
    (
        credential.last_status.clone(),
        credential.last_status_at,
        credential.last_error_code,
        credential.error_reason().map(str::to_owned),
        credential.reset_at(),
    )
}

/// How long a claim keeps other hosts from what may be at work still: longer than any request takes.
const CLAIM_LASTS: Duration = Duration::from_secs(60);
