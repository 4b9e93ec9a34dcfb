//! CoolingDown that hold for one model: how one begins, ends, is taken back and is forgotten.

use std::time::Duration;

use crate::{
    event::Happening,
    id::LeaseId,
    store::change::Edit,
    time::{Timestamp, UnixSeconds},
};

use super::{Pool, feedback::ObservedFailure, leases::Sending, member::ModelCooldown, slot::Slot};

impl Pool {
    /// A credential rests for a model. Answers until when.
    pub(super) fn cool_down_for_model(
        &mut self,
        slot: Slot,
        model: &str,
        failure: &ObservedFailure<'_>,
    ) -> Option<Timestamp> {
        let held = self.roster.get(slot)?.model_cooldowns.iter().find(|cooldown| cooldown.model == model).cloned();
        let cools_down_until = held.as_ref().map(|cooldown| cooldown.until).filter(|until| self.now < *until);
        if held.as_ref().is_some_and(|cooldown| failure.sent <= cooldown.stale_up_to) {
            self.corroborate_model_cooldown(slot, model, failure.origin);
            return cools_down_until;
        }
        // Nobody else has told of it, and nobody was reverted_lease who did.
        let is_first_word = held.as_ref().is_none_or(|cooldown| match cooldown.reverted_lease {
            Some(reverted_lease) => reverted_lease == failure.origin,
            None => cooldown.sole_reporter == Some(failure.origin),
        });
        let sole_reporter = (is_first_word && failure.hinted.is_none()).then_some(failure.origin);
        let reverted_lease = held.as_ref().and_then(|cooldown| cooldown.reverted_lease);
        let rule = failure.rule;
        let length = match (failure.hinted, &held, rule.cooldown_ms) {
            (Some(hinted), ..) => hinted,
            (None, None, _) if rule.retries > 0 => Duration::ZERO,
            (None, _, None) => crate::cooldown::reference_cooldown(failure.cause.status),
            (None, held, Some(first)) => {
                let last = held.as_ref().map_or(Duration::ZERO, |cooldown| cooldown.length);
                let grown = last.saturating_mul(2).min(Duration::from_millis(rule.max_cooldown_ms));
                grown.max(Duration::from_millis(first))
            }
        };
        let until = self.now.saturating_add(length).max(cools_down_until.unwrap_or(self.now));
        let is_stored = !length.is_zero();
        for slot in self.roster.with_same_secret(slot) {
            self.forget_old_model_cooldowns(slot, model);
            if is_stored {
                self.record_model_cooldown(slot, model.to_owned(), Some(until));
            }
            let stale_up_to = self.sent;
            self.roster.change(slot, |member| {
                member.model_cooldowns.retain(|cooldown| cooldown.model != model);
                member.model_cooldowns.push(ModelCooldown {
                    model: model.to_owned(),
                    until,
                    cause: failure.cause,
                    length,
                    stale_up_to,
                    is_stored,
                    sole_reporter,
                    reverted_lease,
                });
            });
            if cools_down_until != Some(until) && is_stored {
                self.tell(slot, Happening::CoolingDown { until, model: Some(model.to_owned()), cause: failure.cause });
            }
        }
        is_stored.then_some(until)
    }

    /// A request for a model was served.
    pub(super) fn end_model_cooldown(&mut self, sending: &Sending, model: Option<&str>) {
        let Some(member) = self.roster.get(sending.slot).filter(|member| !member.model_cooldowns.is_empty()) else {
            return;
        };
        let served =
            |cooldown: &&ModelCooldown| model == Some(cooldown.model.as_str()) && sending.sent > cooldown.stale_up_to;
        let Some(cooldown) = member.model_cooldowns.iter().find(served).cloned() else { return };
        self.roster.change(sending.slot, |member| member.model_cooldowns.retain(|held| held.model != cooldown.model));
        if cooldown.is_stored {
            self.record_model_cooldown(sending.slot, cooldown.model, None);
        }
    }

    /// CoolingDown of models that nobody asks for again are forgotten, so that a row does not grow forever.
    /// One that is over still tells how long the next one is, for as long as that can matter.
    fn forget_old_model_cooldowns(&mut self, slot: Slot, except: &str) {
        let is_old = |cooldown: &ModelCooldown| {
            let longest = cooldown.cause.kind.map_or(0, |kind| self.policy.rule(kind).max_cooldown_ms);
            cooldown.model != except && cooldown.until.saturating_add(Duration::from_millis(longest)) <= self.now
        };
        let Some(member) = self.roster.get(slot) else { return };
        let old: Vec<_> = member.model_cooldowns.iter().filter(|cooldown| is_old(cooldown)).cloned().collect();
        for ModelCooldown { model, is_stored, .. } in old {
            self.roster.change(slot, |member| member.model_cooldowns.retain(|cooldown| cooldown.model != model));
            if is_stored {
                self.record_model_cooldown(slot, model, None);
            }
        }
    }

    pub(super) fn record_model_cooldown(&mut self, slot: Slot, model: String, until: Option<Timestamp>) {
        let Some(member) = self.roster.get(slot) else { return };
        let ends = member.context.model_cooldowns.get(&model).cloned().unwrap_or_default();
        let (id, until) = (member.credential.id.clone(), until.map(UnixSeconds::from));
        self.commit(slot, Edit::ModelCooldown { id, model, until, ends });
    }

    /// Takes back a cooldown for a model that began by a request's word alone.
    pub(super) fn revert_model_cooldown(&mut self, slot: Slot, model: Option<&str>, origin: LeaseId) {
        let Some(model) = model else { return };
        for slot in self.roster.with_same_secret(slot) {
            if !self.model_cooldown_is_by(slot, Some(model), origin) {
                continue;
            }
            let (now, stale_up_to) = (self.now, self.sent);
            let was_reverted = self.roster.change(slot, |member| {
                let cooldown = member.model_cooldowns.iter_mut().find(|cooldown| cooldown.model == model)?;
                cooldown.until = now;
                (cooldown.is_stored, cooldown.sole_reporter, cooldown.reverted_lease) = (false, None, Some(origin));
                (cooldown.length, cooldown.stale_up_to) = (Duration::ZERO, stale_up_to);
                Some(())
            });
            if was_reverted.flatten().is_some() {
                self.record_model_cooldown(slot, model.to_owned(), None);
                self.tell(slot, Happening::Reverted);
            }
        }
    }

    /// Whether a credential rests for a model by the word of this request alone.
    pub(super) fn model_cooldown_is_by(&self, slot: Slot, model: Option<&str>, origin: LeaseId) -> bool {
        let cooldown = self.roster.get(slot).and_then(|member| member.model_cooldown(model, self.now));
        cooldown.is_some_and(|cooldown| cooldown.sole_reporter == Some(origin))
    }

    /// Another request tells the same of a credential and a model.
    fn corroborate_model_cooldown(&mut self, slot: Slot, model: &str, origin: LeaseId) {
        self.roster.change(slot, |member| {
            let told = member.model_cooldowns.iter_mut().find(|cooldown| cooldown.model == model);
            if let Some(cooldown) =
                told.filter(|cooldown| cooldown.sole_reporter.is_some_and(|sole_reporter| sole_reporter != origin))
            {
                cooldown.sole_reporter = None;
            }
        });
    }
}
