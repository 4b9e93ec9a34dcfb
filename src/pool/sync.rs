//! Synchronisation with other hosts: merging of the store's latest state, and claims on refresh tokens, which can be
//! spent only once.

use std::time::Duration;

use crate::{
    credential::{Credential, row_fields::RowFields},
    discovery::Sources,
    error::{Error, ErrorCode, Problem},
    event::Happening,
    id::IntentId,
    oauth::flow::Leg,
    step::{Claim, Opened, Step},
    store::{
        apply::apply,
        change::Edit,
        merge::row::{CausalContext, tokens_of},
        stored::Stored,
    },
    time::Timestamp,
};

use super::{
    Pool,
    member::{ClaimProgress, Health, Member, Refresh},
    open,
    outbox::Outstanding,
    slot::Slot,
    status::TokensBy,
};

impl Pool {
    /// Takes over the state of a store, and keeps changes and uses that are not saved. Then discovers in `sources`.
    pub(super) fn merge_stored(&mut self, stored: &Stored, sources: Option<&Sources>) -> Step<Opened> {
        self.outbox.observe(self.now, stored.merge.latest());
        self.outbox.drop_stored(&stored.merge);
        let mut latest = stored.clone();
        apply(&mut latest, &self.outbox.possibly_unstored(), self.roster.pool());

        let mut problems = Vec::new();
        if let Some(named) =
            open::stored_strategy(&latest, &mut problems, self.key()).filter(|_| !self.configured.strategy)
            && named != self.roster.strategy()
        {
            self.roster.set_strategy(named);
        }
        if let Some(policy) =
            open::stored_policy(&latest, &mut problems, self.key()).filter(|_| !self.configured.policy)
            && policy != self.policy
        {
            self.roster.set_caps(policy.max_in_flight);
            self.policy = policy;
        }
        self.suppressed.clone_from(&latest.suppressed_sources);
        self.merge_rows(&latest, &mut problems);
        self.confirm_claims(stored);
        if let Some(sources) = sources {
            self.discover(sources, &mut problems);
        }
        let opened = Opened { has_credentials: self.has_credentials(), problems };
        self.step(opened, None)
    }

    /// Claims the token of a refresh; returns whether the refresh may spend the token.
    ///
    /// A claim that a host has only written may be the second on its token, so the first answer is
    /// [`Claim::Confirm`], and the token is free to send once a state of the store has shown the claim.
    pub(super) fn claim_token(&mut self, intent: IntentId, now: Timestamp) -> Result<Step<Claim>, Error> {
        let Outstanding::Refresh { request, .. } = self.outbox.find(intent)? else {
            return Err(Error::new(
                ErrorCode::WrongOutcome,
                "an intent to persist needs no claim; write its changes and settle the intent",
            ));
        };
        let request = request.clone();
        self.observe(now);
        let Some((slot, leg, unanswered, progress)) = self.refresh_in_flight(intent) else {
            self.outbox.close(intent);
            return Ok(self.step(Claim::Gone, None));
        };
        if matches!(leg, Leg::Key | Leg::KeyAlone) {
            return Ok(self.step(Claim::Send { request }, None));
        }
        match self.foreign_claim(slot) {
            Some(began) if self.now < began.saturating_add(CLAIM_DURATION) => {
                self.roster.change(slot, |member| member.refresh = Refresh::Idle);
                self.delay_refresh(slot, unanswered, Some(began.saturating_add(CLAIM_DURATION)));
            }
            Some(_) => {
                self.roster.change(slot, |member| member.refresh = Refresh::Interrupted);
                self.emit(slot, Happening::RefreshInterrupted);
            }
            None => match progress {
                ClaimProgress::Holds => return Ok(self.step(Claim::Send { request }, None)),
                ClaimProgress::None => {
                    self.commit_claim(slot);
                    let claim = ClaimProgress::Made;
                    let refresh = Refresh::InFlight { intent, leg, unanswered, claim };
                    self.roster.change(slot, |member| member.refresh = refresh);
                    return Ok(self.step(Claim::Confirm, None));
                }
                ClaimProgress::Made => {
                    self.release_claim(slot);
                    self.delay_refresh(slot, unanswered, None);
                }
            },
        }
        self.outbox.close(intent);
        Ok(self.step(Claim::Gone, None))
    }

    /// Records this host's claim on a login's token, unless the token is claimed.
    pub(super) fn commit_claim(&mut self, slot: Slot) {
        let Some(member) = self.roster.get(slot).filter(|member| member.context.claim.is_none()) else { return };
        let (id, token) = (member.credential.id.clone(), member.credential.token_fingerprint());
        self.commit(slot, Edit::Claim { id, token });
    }

    /// Notes which claims of refreshes in flight the store holds.
    fn confirm_claims(&mut self, stored: &Stored) {
        let in_flight = |(slot, member): (Slot, &Member)| match member.refresh {
            Refresh::InFlight { claim, .. } if claim != ClaimProgress::None => Some(slot),
            _ => None,
        };
        let slots: Vec<_> = self.roster.iter().filter_map(in_flight).collect();
        for slot in slots {
            let holds = self.holds_claim(slot, stored);
            self.roster.change(slot, |member| {
                if let Refresh::InFlight { claim, .. } = &mut member.refresh {
                    *claim = if holds { ClaimProgress::Holds } else { ClaimProgress::Made };
                }
            });
        }
    }

    /// Returns whether the store holds this host's claim on a login's token.
    fn holds_claim(&self, slot: Slot, stored: &Stored) -> bool {
        let Some(member) = self.roster.get(slot) else { return false };
        let rows = stored.rows.iter().filter_map(|row| Credential::parse(row, self.roster.pool()).ok());
        let held = rows.map(|(_, row)| row).find(|row| row.id == member.credential.id);
        let claim = held.and_then(|row| stored.merge.context(&row).claim);
        claim.is_some_and(|claim| claim.host == *self.outbox.host())
    }

    /// Withdraws this host's claim on an unspent token. A claim of another host is kept.
    pub(super) fn release_claim(&mut self, slot: Slot) {
        if self.foreign_claim(slot).is_none() {
            self.clear_claim(slot);
        }
    }

    /// Clears all claims on a login's token.
    fn clear_claim(&mut self, slot: Slot) {
        let Some(member) = self.roster.get(slot) else { return };
        let Some(claim) = member.context.claim.clone() else { return };
        let id = member.credential.id.clone();
        self.commit(slot, Edit::Release { id, claim });
    }

    /// Allows a refresh again after another host claimed the token and never reported an outcome: a person decided so.
    pub(super) fn clear_interruption(&mut self, slot: Slot) {
        if self.roster.get(slot).is_some_and(|member| member.refresh == Refresh::Interrupted) {
            self.roster.change(slot, |member| member.refresh = Refresh::Idle);
            self.clear_claim(slot);
        }
    }

    /// Returns when another host claimed the login's token; `None` without such a claim.
    fn foreign_claim(&self, slot: Slot) -> Option<Timestamp> {
        let claim = self.roster.get(slot)?.context.claim.as_ref()?;
        let millis = i64::try_from(claim.at.checked_div(1000)?).ok()?;
        (claim.host != *self.outbox.host()).then(|| Timestamp::from_millis(millis).min(self.now))
    }

    fn merge_rows(&mut self, latest: &Stored, problems: &mut Vec<Problem>) {
        let present = self.read(latest, problems);
        let gone: Vec<_> = self.roster.iter().map(|(slot, _)| slot).filter(|slot| !present.contains(slot)).collect();
        for slot in gone {
            if !self.restore_found(slot) {
                self.forget_member(slot);
            }
        }
    }

    /// Brings the row of a member back that another host, which does not find the secret, marked absent. Returns whether
    /// there is such a row.
    fn restore_found(&mut self, slot: Slot) -> bool {
        let Some(member) = self.roster.get(slot).filter(|member| member.is_found) else { return false };
        let held = member.credential.clone();
        let Some(at) = self.absent.iter().position(|(_, absent)| absent.id == held.id) else { return false };
        let (context, absent) = self.absent.remove(at);
        self.outbox.record(Edit::Add { row: RowFields(absent.to_stored_row()) });
        self.replace(slot, absent, context);
        let lacks_tokens = self.roster.get(slot).is_some_and(|member| {
            let credential = &member.credential;
            credential.token().is_empty()
                || credential.is_stored_as_fingerprint() != self.is_kept_as_fingerprint(credential)
        });
        if lacks_tokens {
            self.set_tokens(slot, &tokens_of(&held).0, TokensBy::Discovery);
        }
        true
    }

    /// Replaces a member's row with the stored row, and adds unsaved uses.
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
            Refresh::Unanswered { .. } => self.foreign_claim(slot).is_some(),
            Refresh::Idle | Refresh::InFlight { .. } => false,
        };
        let is_claim_released = waits_for_claim && context.claim.is_none();
        let status_differs = status_fields(&member.credential) != status_fields(&new);
        let cooldowns_differ = status_differs || !new.model_cooldowns().eq(member.credential.model_cooldowns());
        if new != member.credential {
            self.roster.edit(slot, |credential| *credential = new);
        }
        let stale_up_to = self.last_attempt;
        self.roster.change(slot, |member| {
            member.context = context;
            if status_differs {
                member.health = Health { stale_up_to, ..Health::default() };
            }
            if is_claim_released {
                member.refresh = Refresh::Idle;
            }
        });
        if cooldowns_differ {
            self.plan_probe(slot);
        }
    }
}

fn status_fields(credential: &Credential) -> impl PartialEq {
    (
        credential.last_status.clone(),
        credential.last_status_at,
        credential.last_error_code,
        credential.error_reason().map(str::to_owned),
        credential.reset_at(),
    )
}

/// Time for which a claim keeps other hosts from the token: longer than the timeout of any refresh request.
const CLAIM_DURATION: Duration = Duration::from_secs(60);
