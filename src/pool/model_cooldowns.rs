//! Model cooldowns: start, confirmation, reversal and end of a credential's cooldowns for one model.

use std::time::Duration;

use crate::{
    event::Happening,
    id::LeaseId,
    limits::LIMITS,
    store::change::Edit,
    time::{Timestamp, UnixSeconds},
};

use super::{Pool, feedback::ObservedFailure, leases::Attempt, member::ModelCooldown, slot::Slot};

impl Pool {
    /// Starts or extends a credential's cooldown for a model; returns its end. `None` if the rule retries a first
    /// failure at once, and for a name that is too long to be remembered: end users may choose it.
    pub(super) fn cool_down_for_model(
        &mut self,
        slot: Slot,
        model: &str,
        failure: &ObservedFailure<'_>,
    ) -> Option<Timestamp> {
        if model.len() > LIMITS.model_name_bytes {
            return None;
        }
        let last = self.roster.get(slot)?.model_cooldowns.iter().find(|cooldown| cooldown.model == model).cloned();
        let cools_down_until = last.as_ref().map(|cooldown| cooldown.until).filter(|until| self.now < *until);
        if last.as_ref().is_some_and(|cooldown| failure.attempt <= cooldown.stale_up_to) {
            self.confirm_model_cooldown(slot, model, failure.origin);
            return cools_down_until;
        }
        // True if no other lease reported a failure of this model before, confirmed or reverted.
        let is_sole_report = last.as_ref().is_none_or(|cooldown| match cooldown.reverted_lease {
            Some(reverted_lease) => reverted_lease == failure.origin,
            None => cooldown.sole_reporter == Some(failure.origin),
        });
        let sole_reporter = (is_sole_report && failure.hinted.is_none()).then_some(failure.origin);
        let reverted_lease = last.as_ref().and_then(|cooldown| cooldown.reverted_lease);
        let rule = failure.rule;
        let length = match (failure.hinted, &last, rule.cooldown_ms) {
            (Some(hinted), last, _) => {
                let after_false_hint = |last: &ModelCooldown| failure.after_false_hint(last.cause, last.length);
                hinted.max(last.as_ref().map_or(Duration::ZERO, after_false_hint))
            }
            (None, None, _) if rule.retries > 0 => Duration::ZERO,
            (None, _, None) => crate::cooldown::reference_cooldown(failure.cause.status),
            (None, last, Some(first)) => {
                let last_length = last.as_ref().map_or(Duration::ZERO, |cooldown| cooldown.length);
                let grown = last_length.saturating_mul(2).min(Duration::from_millis(rule.max_cooldown_ms));
                grown.max(Duration::from_millis(first))
            }
        };
        let until = self.now.saturating_add(length).max(cools_down_until.unwrap_or(self.now));
        let is_stored = !length.is_zero();
        for slot in self.roster.with_same_secret(slot) {
            self.forget_old_model_cooldowns(slot, model);
            self.make_room_for_model(slot, model);
            if is_stored {
                self.record_model_cooldown(slot, model.to_owned(), Some(until));
            }
            let stale_up_to = self.last_attempt;
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
                self.emit(slot, Happening::CoolingDown { until, model: Some(model.to_owned()), cause: failure.cause });
            }
        }
        is_stored.then_some(until)
    }

    /// Ends the model cooldown of a credential that served a request for the model.
    pub(super) fn end_model_cooldown(&mut self, attempt: &Attempt, model: Option<&str>) {
        let Some(member) = self.roster.get(attempt.slot).filter(|member| !member.model_cooldowns.is_empty()) else {
            return;
        };
        let served =
            |cooldown: &&ModelCooldown| model == Some(cooldown.model.as_str()) && attempt.number > cooldown.stale_up_to;
        let Some(cooldown) = member.model_cooldowns.iter().find(served).cloned() else { return };
        self.roster.change(attempt.slot, |member| member.model_cooldowns.retain(|other| other.model != cooldown.model));
        if cooldown.is_stored {
            self.record_model_cooldown(attempt.slot, cooldown.model, None);
        }
    }

    /// Forgets model cooldowns that ended long ago, so that a row does not grow without bound. The backoff needs an
    /// ended cooldown until the policy's longest cooldown has passed.
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

    /// Forgets the model cooldowns that end first, so that with the cooldown for `model` a row has as many as it may.
    fn make_room_for_model(&mut self, slot: Slot, model: &str) {
        let Some(member) = self.roster.get(slot) else { return };
        let mut others: Vec<_> = member.model_cooldowns.iter().filter(|cooldown| cooldown.model != model).collect();
        let excess = others.len().saturating_add(1).saturating_sub(LIMITS.models_per_credential);
        if excess == 0 {
            return;
        }
        others.sort_by_key(|cooldown| cooldown.until);
        let forgotten: Vec<_> =
            others.into_iter().take(excess).map(|cooldown| (cooldown.model.clone(), cooldown.is_stored)).collect();
        for (model, is_stored) in forgotten {
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

    /// Reverts a model cooldown that only the lease `origin` reported.
    pub(super) fn revert_model_cooldown(&mut self, slot: Slot, model: Option<&str>, origin: LeaseId) {
        let Some(model) = model else { return };
        for slot in self.roster.with_same_secret(slot) {
            if !self.is_sole_model_report(slot, Some(model), origin) {
                continue;
            }
            let (now, stale_up_to) = (self.now, self.last_attempt);
            let was_reverted = self.roster.change(slot, |member| {
                let cooldown = member.model_cooldowns.iter_mut().find(|cooldown| cooldown.model == model)?;
                cooldown.until = now;
                (cooldown.is_stored, cooldown.sole_reporter, cooldown.reverted_lease) = (false, None, Some(origin));
                (cooldown.length, cooldown.stale_up_to) = (Duration::ZERO, stale_up_to);
                Some(())
            });
            if was_reverted.flatten().is_some() {
                self.record_model_cooldown(slot, model.to_owned(), None);
                self.emit(slot, Happening::Reverted);
            }
        }
    }

    /// Returns whether only the lease `origin` reported the credential's cooldown for `model`.
    pub(super) fn is_sole_model_report(&self, slot: Slot, model: Option<&str>, origin: LeaseId) -> bool {
        let cooldown = self.roster.get(slot).and_then(|member| member.model_cooldown(model, self.now));
        cooldown.is_some_and(|cooldown| cooldown.sole_reporter == Some(origin))
    }

    /// Marks a model cooldown as confirmed if a lease other than its sole reporter reported the failure.
    fn confirm_model_cooldown(&mut self, slot: Slot, model: &str, origin: LeaseId) {
        self.roster.change(slot, |member| {
            let cooldown = member.model_cooldowns.iter_mut().find(|cooldown| cooldown.model == model);
            if let Some(cooldown) = cooldown.filter(|cooldown| cooldown.sole_reporter.is_some_and(|of| of != origin)) {
                cooldown.sole_reporter = None;
            }
        });
    }
}
