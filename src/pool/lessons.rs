//! What an answer teaches of a credential: that it serves, how long it rests, that it is dead.

use std::time::Duration;

use crate::{
    credential::Status,
    event::{Cause, Event, Happening},
    failure::{Diagnosis, FailureKind},
    health::{Rest, rest},
    lease::LeaseId,
    policy::{Action, Rule},
    time::Timestamp,
};

use super::{
    Pool,
    edits::NewStatus,
    leases::{Penalty, Progress, Sending},
    member::{Health, ModelRest, Sent, Trial},
    roster::Slot,
};

/// Answers of one burst name the same end from different moments on.
const SAME_END: Duration = Duration::from_secs(1);

/// A failure, and who tells of it.
pub(super) struct Lesson<'a> {
    pub(super) rule: &'a Rule,
    pub(super) kind: FailureKind,
    pub(super) cause: Cause,
    /// How long the provider says, within the policy's bounds.
    pub(super) hinted: Option<Duration>,
    pub(super) origin: LeaseId,
    pub(super) sent: Sent,
}

impl Pool {
    /// A request was served.
    pub(super) fn learn_success(&mut self, sending: &Sending, model: Option<&str>) {
        let slot = sending.slot;
        let Some(member) = self.roster.get(slot).filter(|_| !self.has_another_key(sending)) else { return };
        let health = &member.health;
        if sending.sent > health.heard_up_to {
            let has_failed = health.failures > 0 || !health.last_rest.is_zero() || health.doubted.is_some();
            if sending.is_trial && health.trial != Trial::None {
                self.end_trial(slot);
                self.tell(slot, Happening::Recovered);
            } else if has_failed && health.trial == Trial::None && !member.rests_at(self.now) {
                let heard_up_to = sending.sent;
                self.roster.change(slot, |member| member.health = Health { heard_up_to, ..Health::default() });
            }
        }
        self.end_model_rest(sending, model);
    }

    /// A request failed. Answers until when the credential rests, if it does, for the request's model.
    pub(super) fn learn_failure(
        &mut self,
        origin: LeaseId,
        sending: &Sending,
        model: Option<&str>,
        diagnosis: &Diagnosis,
        status: Option<i64>,
    ) -> Option<Timestamp> {
        if self.has_another_key(sending) {
            return None;
        }
        let rule = *self.policy.rule(diagnosis.kind);
        let hint = diagnosis.hint.filter(|_| rule.hints);
        let hinted = hint.map(|hint| {
            let bounds = (Duration::from_millis(rule.floor_ms), Duration::from_millis(rule.ceiling_ms));
            hint.until.since(self.now).clamp(bounds.0, bounds.1.max(bounds.0))
        });
        let cause =
            Cause { kind: Some(diagnosis.kind), status, at: Some(self.now), hint: hint.map(|hint| hint.source) };
        let lesson = Lesson { rule: &rule, kind: diagnosis.kind, cause, hinted, origin, sent: sending.sent };
        match (rule.action, model) {
            (Action::RestModel, Some(model)) => self.rest_for_model(sending.slot, model, &lesson),
            (Action::Rest, Some(model)) if diagnosis.names_model => self.rest_for_model(sending.slot, model, &lesson),
            (Action::Rest, _) => self.rest(sending.slot, &lesson),
            (Action::Retire, _) => {
                self.retire(sending.slot, &lesson);
                None
            }
            (Action::RestModel | Action::Rotate | Action::Wait | Action::GiveUp, _) => None,
        }
    }

    /// One bad request must not bench two credentials: if it fails in the same way with another one,
    /// and nothing else speaks against the first, the first is to be tried again.
    pub(super) fn take_back_penalty(
        &mut self,
        progress: &mut Progress,
        slot: Slot,
        model: Option<&str>,
        diagnosis: &Diagnosis,
    ) {
        let origin = progress.origin;
        let rests_by =
            |pool: &Self, slot: Slot| pool.roster.get(slot).is_some_and(|member| member.health.witness == Some(origin));
        if let Some(penalty) = progress.penalty.take()
            && self.policy.take_back
            && penalty.kind == diagnosis.kind
            && penalty.slot != slot
        {
            self.take_back_model_rest(penalty.slot, model, origin);
            for taken_back in self.roster.with_same_secret(penalty.slot) {
                let Some(member) = self.roster.get(taken_back) else { continue };
                if !rests_by(self, taken_back) || !member.rests_at(self.now) {
                    continue;
                }
                let trial = match member.health.trial {
                    Trial::Running(lease) => Trial::Running(lease),
                    Trial::Due | Trial::None if self.policy.half_open => Trial::Due,
                    Trial::Due | Trial::None => Trial::None,
                };
                let heard_up_to = member.health.heard_up_to;
                self.set_status(taken_back, NewStatus::ok());
                self.roster.change(taken_back, |member| {
                    member.health = Health { trial, heard_up_to, doubted: Some(origin), ..Health::default() };
                });
                self.tell(taken_back, Happening::TakenBack);
            }
        }
        let is_alone = rests_by(self, slot) || self.rests_for_model_by(slot, model, origin);
        progress.penalty = is_alone.then_some(Penalty { slot, kind: diagnosis.kind });
    }

    /// One that rests by what was learned before is tried early as the policy says, as if it had
    /// been learned now.
    pub(super) fn plan_probe(&mut self, slot: Slot) {
        let Some(member) = self.roster.get(slot) else { return };
        let (Some(kind), Rest::Until(until)) = (member.cause().kind, member.rest()) else { return };
        let Some(probe_ms) = self.policy.rule(kind).probe_ms else { return };
        let probe_at = Some(self.now.saturating_add(Duration::from_millis(probe_ms))).filter(|at| *at < until);
        if member.health.trial == Trial::None {
            self.roster.change(slot, |member| member.health.probe_at = probe_at);
        }
    }

    /// Whether a credential got another key since a request was sent with it, or is gone.
    pub(super) fn has_another_key(&self, sending: &Sending) -> bool {
        self.roster.get(sending.slot).is_none_or(|member| member.key_changes != sending.key_changes)
    }

    /// Ends everything that keeps a credential from serving, its row aside.
    pub(super) fn forget_failures(&mut self, slot: Slot) {
        let heard_up_to = self.sent;
        let models = self.roster.change(slot, |member| {
            member.health = Health { heard_up_to, ..Health::default() };
            std::mem::take(&mut member.model_rests)
        });
        for ModelRest { model, is_stored, .. } in models.into_iter().flatten() {
            if is_stored {
                self.record_model_rest(slot, model, None);
            }
        }
    }

    pub(super) fn tell(&mut self, slot: Slot, what: Happening) {
        if let Some(member) = self.roster.get(slot) {
            self.events.push(Event { credential: member.credential.id.clone(), what });
        }
    }

    fn rest(&mut self, slot: Slot, lesson: &Lesson<'_>) -> Option<Timestamp> {
        let member = self.roster.get(slot)?;
        let held = member.rests_at(self.now).then(|| member.rest());
        let until = match held {
            Some(Rest::Until(until)) => Some(until),
            Some(Rest::ForGood) => return None,
            Some(Rest::None) | None => None,
        };
        let hinted = lesson.hinted.map(|hinted| self.now.saturating_add(hinted));
        let is_news = lesson.sent > member.health.heard_up_to;
        let length = match is_news {
            // A request of the same burst, or one whose failure is long answered.
            false => {
                self.corroborate(slot, lesson.origin);
                let is_later = |hinted: &Timestamp| until.is_some_and(|until| hinted.since(until) >= SAME_END);
                hinted.filter(is_later).and(lesson.hinted)
            }
            // It was tried while it rested: it goes on resting, and longer if the provider says so.
            true if until.is_some() => Some(lesson.hinted.unwrap_or(Duration::ZERO)),
            true => self.rest_length(slot, lesson),
        };
        let Some(length) = length else {
            let is_first = until.is_none() && is_news;
            if is_first {
                self.note_failure(slot, lesson);
            }
            return until;
        };
        for slot in self.roster.with_same_secret(slot) {
            self.begin_rest(slot, length, lesson);
        }
        self.roster.get(slot).and_then(|member| match member.rest() {
            Rest::Until(until) => Some(until),
            Rest::None | Rest::ForGood => None,
        })
    }

    /// How long a credential rests that did not until now; none if it is only to be retried at once.
    fn rest_length(&self, slot: Slot, lesson: &Lesson<'_>) -> Option<Duration> {
        let member = self.roster.get(slot)?;
        let rule = lesson.rule;
        let stored = member.credential.reset_at().zip(member.credential.last_status_at);
        let last = match member.health.last_rest {
            Duration::ZERO => stored.map_or(Duration::ZERO, |(end, start)| end.since(start.to_timestamp())),
            last => last,
        };
        let is_first = member.health.failures == 0 && last.is_zero();
        if let Some(hinted) = lesson.hinted {
            return Some(hinted);
        }
        if is_first && rule.retries > 0 {
            return Some(Duration::from_millis(rule.retry_ms)).filter(|length| !length.is_zero());
        }
        let Some(first) = rule.rest_ms else { return Some(crate::health::cooldown(lesson.cause.status)) };
        let grown = last.saturating_mul(2).min(Duration::from_millis(rule.longest_rest_ms));
        let length = grown.max(Duration::from_millis(first));
        let sole = self.policy.sole_rest_ms.filter(|_| lesson.kind != FailureKind::Quota && self.is_sole(slot));
        Some(sole.map_or(length, |sole| length.min(Duration::from_millis(sole))))
    }

    /// Lets a credential rest from now on, or go on resting if its rest ends later.
    fn begin_rest(&mut self, slot: Slot, length: Duration, lesson: &Lesson<'_>) {
        /// A rest shorter than this is over before it would be written down.
        const BRIEF: Duration = Duration::from_secs(10);
        let Some(member) = self.roster.get(slot) else { return };
        let before = match member.rest() {
            Rest::ForGood => return,
            Rest::Until(until) if self.now < until => Some(until),
            Rest::Until(_) | Rest::None => None,
        };
        let until = before.max(Some(self.now.saturating_add(length)));
        let (health, is_stored) = (member.health.clone(), rest(&member.credential) != Rest::None);
        let is_brief = !is_stored && length < BRIEF;
        let is_longer = before != until;
        // A rest that goes on is tried as often as before, whatever this try met.
        let goes_on = (!is_longer).then(|| member.credential.error_reason().and_then(FailureKind::named)).flatten();
        let probe_ms = goes_on.map_or(lesson.rule, |kind| self.policy.rule(kind)).probe_ms;
        if is_longer && !is_brief {
            let reset_at = until.filter(|_| lesson.rule.rest_ms.is_some() || lesson.hinted.is_some());
            self.set_status(
                slot,
                NewStatus {
                    status: Some(Status::Exhausted),
                    at: Some(self.now),
                    error_code: lesson.cause.status,
                    reason: Some(lesson.kind),
                    reset_at,
                },
            );
        }
        let until = match is_brief {
            true => until,
            false => self.roster.get(slot).and_then(|member| match rest(&member.credential) {
                Rest::Until(until) => Some(until),
                Rest::None | Rest::ForGood => None,
            }),
        };
        let probe_at = probe_ms.map(|probe_ms| self.now.saturating_add(Duration::from_millis(probe_ms)));
        // What rests already, as another row of the same secret may, does so by another word.
        let others_told = (health.failures > 0 || before.is_some()) && health.witness != Some(lesson.origin);
        let is_certain = lesson.hinted.is_some() || others_told || health.doubts_another(lesson.origin);
        let new = Health {
            trial: Trial::None,
            brief: until.filter(|_| is_brief),
            probe_at: probe_at.filter(|probe_at| until.is_some_and(|until| *probe_at < until)),
            cause: Some(lesson.cause),
            failures: health.failures.saturating_add(1),
            last_rest: if length.is_zero() { health.last_rest } else { length },
            heard_up_to: self.sent,
            witness: (!is_certain).then_some(lesson.origin),
            doubted: health.doubted,
        };
        self.roster.change(slot, |member| member.health = new);
        self.current = self.current.filter(|current| *current != slot);
        if let (true, Some(until)) = (is_longer, until) {
            self.tell(slot, Happening::Rests { until, model: None, cause: lesson.cause });
        }
    }

    fn note_failure(&mut self, slot: Slot, lesson: &Lesson<'_>) {
        let heard_up_to = self.sent;
        self.roster.change(slot, |member| {
            let health = &mut member.health;
            health.witness = (health.failures == 0).then_some(lesson.origin);
            health.failures = health.failures.saturating_add(1);
            (health.cause, health.heard_up_to) = (Some(lesson.cause), heard_up_to);
        });
    }

    /// Another request tells the same of a credential.
    fn corroborate(&mut self, slot: Slot, origin: LeaseId) {
        let is_another = |witness: LeaseId| witness != origin;
        if self.roster.get(slot).is_some_and(|member| member.health.witness.is_some_and(is_another)) {
            self.roster.change(slot, |member| member.health.witness = None);
        }
    }

    fn retire(&mut self, slot: Slot, lesson: &Lesson<'_>) {
        let Some(member) = self.roster.get(slot) else { return };
        let is_news = lesson.sent > member.health.heard_up_to || member.rests_at(self.now);
        if !is_news || member.rest() == Rest::ForGood {
            return self.corroborate(slot, lesson.origin);
        }
        for slot in self.roster.with_same_secret(slot) {
            let alive = self.roster.get(slot).filter(|member| member.rest() != Rest::ForGood);
            let Some(health) = alive.map(|member| member.health.clone()) else { continue };
            self.set_status(
                slot,
                NewStatus {
                    status: Some(Status::Dead),
                    at: Some(self.now),
                    error_code: lesson.cause.status,
                    reason: Some(lesson.kind),
                    reset_at: None,
                },
            );
            self.roster.change(slot, |member| {
                member.health.cause = Some(lesson.cause);
                member.health.witness = (!health.doubts_another(lesson.origin)).then_some(lesson.origin);
                member.health.doubted = health.doubted;
            });
            self.current = self.current.filter(|current| *current != slot);
            self.tell(slot, Happening::Retired { cause: lesson.cause });
        }
    }

    /// Whether no other secret of the pool could ever serve.
    fn is_sole(&self, slot: Slot) -> bool {
        let with_same_secret = self.roster.with_same_secret(slot);
        let mut others = self.roster.iter().filter(|(other, _)| !with_same_secret.contains(other));
        !others.any(|(_, member)| self.roster.could_serve(member))
    }
}
