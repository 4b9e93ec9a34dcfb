//! Rests that hold for one model: how one begins, ends, is taken back and is forgotten.

use std::time::Duration;

use crate::{
    change::Edit,
    event::Happening,
    lease::LeaseId,
    time::{Timestamp, UnixSeconds},
};

use super::{Pool, leases::Sending, lessons::Lesson, member::ModelRest, roster::Slot};

impl Pool {
    /// A credential rests for a model. Answers until when.
    pub(super) fn rest_for_model(&mut self, slot: Slot, model: &str, lesson: &Lesson<'_>) -> Option<Timestamp> {
        let held = self.roster.get(slot)?.model_rests.iter().find(|rest| rest.model == model).cloned();
        let rests_until = held.as_ref().map(|rest| rest.until).filter(|until| self.now < *until);
        if held.as_ref().is_some_and(|rest| lesson.sent <= rest.heard_up_to) {
            self.corroborate_model_rest(slot, model, lesson.origin);
            return rests_until;
        }
        // Nobody else has told of it, and nobody was doubted who did.
        let is_first_word = held.as_ref().is_none_or(|rest| match rest.doubted {
            Some(doubted) => doubted == lesson.origin,
            None => rest.witness == Some(lesson.origin),
        });
        let witness = (is_first_word && lesson.hinted.is_none()).then_some(lesson.origin);
        let doubted = held.as_ref().and_then(|rest| rest.doubted);
        let rule = lesson.rule;
        let length = match (lesson.hinted, &held, rule.rest_ms) {
            (Some(hinted), ..) => hinted,
            (None, None, _) if rule.retries > 0 => Duration::ZERO,
            (None, _, None) => crate::health::cooldown(lesson.cause.status),
            (None, held, Some(first)) => {
                let last = held.as_ref().map_or(Duration::ZERO, |rest| rest.length);
                let grown = last.saturating_mul(2).min(Duration::from_millis(rule.longest_rest_ms));
                grown.max(Duration::from_millis(first))
            }
        };
        let until = self.now.saturating_add(length).max(rests_until.unwrap_or(self.now));
        let is_stored = !length.is_zero();
        for slot in self.roster.with_same_secret(slot) {
            self.forget_old_model_rests(slot, model);
            if is_stored {
                self.record_model_rest(slot, model.to_owned(), Some(until));
            }
            let heard_up_to = self.sent;
            self.roster.change(slot, |member| {
                member.model_rests.retain(|rest| rest.model != model);
                member.model_rests.push(ModelRest {
                    model: model.to_owned(),
                    until,
                    cause: lesson.cause,
                    length,
                    heard_up_to,
                    is_stored,
                    witness,
                    doubted,
                });
            });
            if rests_until != Some(until) && is_stored {
                self.tell(slot, Happening::Rests { until, model: Some(model.to_owned()), cause: lesson.cause });
            }
        }
        is_stored.then_some(until)
    }

    /// A request for a model was served.
    pub(super) fn end_model_rest(&mut self, sending: &Sending, model: Option<&str>) {
        let Some(member) = self.roster.get(sending.slot).filter(|member| !member.model_rests.is_empty()) else {
            return;
        };
        let served = |rest: &&ModelRest| model == Some(rest.model.as_str()) && sending.sent > rest.heard_up_to;
        let Some(rest) = member.model_rests.iter().find(served).cloned() else { return };
        self.roster.change(sending.slot, |member| member.model_rests.retain(|held| held.model != rest.model));
        if rest.is_stored {
            self.record_model_rest(sending.slot, rest.model, None);
        }
    }

    /// Rests of models that nobody asks for again are forgotten, so that a row does not grow forever.
    /// One that is over still tells how long the next one is, for as long as that can matter.
    fn forget_old_model_rests(&mut self, slot: Slot, except: &str) {
        let is_old = |rest: &ModelRest| {
            let longest = rest.cause.kind.map_or(0, |kind| self.policy.rule(kind).longest_rest_ms);
            rest.model != except && rest.until.saturating_add(Duration::from_millis(longest)) <= self.now
        };
        let Some(member) = self.roster.get(slot) else { return };
        let old: Vec<_> = member.model_rests.iter().filter(|rest| is_old(rest)).cloned().collect();
        for ModelRest { model, is_stored, .. } in old {
            self.roster.change(slot, |member| member.model_rests.retain(|rest| rest.model != model));
            if is_stored {
                self.record_model_rest(slot, model, None);
            }
        }
    }

    pub(super) fn record_model_rest(&mut self, slot: Slot, model: String, until: Option<Timestamp>) {
        let Some(member) = self.roster.get(slot) else { return };
        let ends = member.known.model_rests.get(&model).cloned().unwrap_or_default();
        let (id, until) = (member.credential.id.clone(), until.map(UnixSeconds::from));
        self.commit(slot, Edit::ModelCooldown { id, model, until, ends });
    }

    /// Takes back a rest for a model that began by a request's word alone.
    pub(super) fn take_back_model_rest(&mut self, slot: Slot, model: Option<&str>, origin: LeaseId) {
        let Some(model) = model else { return };
        for slot in self.roster.with_same_secret(slot) {
            if !self.rests_for_model_by(slot, Some(model), origin) {
                continue;
            }
            let (now, heard_up_to) = (self.now, self.sent);
            let was_taken_back = self.roster.change(slot, |member| {
                let rest = member.model_rests.iter_mut().find(|rest| rest.model == model)?;
                rest.until = now;
                (rest.is_stored, rest.witness, rest.doubted) = (false, None, Some(origin));
                (rest.length, rest.heard_up_to) = (Duration::ZERO, heard_up_to);
                Some(())
            });
            if was_taken_back.flatten().is_some() {
                self.record_model_rest(slot, model.to_owned(), None);
                self.tell(slot, Happening::TakenBack);
            }
        }
    }

    /// Whether a credential rests for a model by the word of this request alone.
    pub(super) fn rests_for_model_by(&self, slot: Slot, model: Option<&str>, origin: LeaseId) -> bool {
        let rest = self.roster.get(slot).and_then(|member| member.model_rest(model, self.now));
        rest.is_some_and(|rest| rest.witness == Some(origin))
    }

    /// Another request tells the same of a credential and a model.
    fn corroborate_model_rest(&mut self, slot: Slot, model: &str, origin: LeaseId) {
        self.roster.change(slot, |member| {
            let told = member.model_rests.iter_mut().find(|rest| rest.model == model);
            if let Some(rest) = told.filter(|rest| rest.witness.is_some_and(|witness| witness != origin)) {
                rest.witness = None;
            }
        });
    }
}
