//! What an answer teaches of a credential: that it serves, how long it rests, that it is dead.

use std::time::Duration;

use crate::{
    cooldown::{Cooldown, reference_cooldown, stored_cooldown},
    credential::Status,
    event::{Cause, Event, Happening},
    failure::{Diagnosis, FailureKind},
    id::LeaseId,
    policy::{Action, Rule},
    time::Timestamp,
};

use super::{
    Pool,
    leases::{Progress, Sending, UnconfirmedCooldown},
    member::{Health, ModelCooldown, Probe, Sent},
    slot::Slot,
    status::NewStatus,
};

/// Answers of one burst name the same end from different moments on.
const SAME_END: Duration = Duration::from_secs(1);

/// A failure, and who tells of it.
pub(super) struct ObservedFailure<'a> {
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
    pub(super) fn record_success(&mut self, sending: &Sending, model: Option<&str>) {
        let slot = sending.slot;
        let Some(member) = self.roster.get(slot).filter(|_| !self.has_another_key(sending)) else { return };
        let health = &member.health;
        if sending.sent > health.stale_up_to {
            let has_failed = health.failures > 0 || !health.last_cooldown.is_zero() || health.reverted_lease.is_some();
            if sending.is_probe && health.probe != Probe::None {
                self.end_probe(slot);
                self.tell(slot, Happening::Recovered);
            } else if has_failed && health.probe == Probe::None && !member.is_cooling_down(self.now) {
                let stale_up_to = sending.sent;
                self.roster.change(slot, |member| member.health = Health { stale_up_to, ..Health::default() });
            }
        }
        self.end_model_cooldown(sending, model);
    }

    /// A request failed. Answers until when the credential rests, if it does, for the request's model.
    pub(super) fn record_failure(
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
            let bounds = (Duration::from_millis(rule.min_hint_ms), Duration::from_millis(rule.max_hint_ms));
            hint.until.since(self.now).clamp(bounds.0, bounds.1.max(bounds.0))
        });
        let cause =
            Cause { kind: Some(diagnosis.kind), status, at: Some(self.now), hint: hint.map(|hint| hint.source) };
        let failure = ObservedFailure { rule: &rule, kind: diagnosis.kind, cause, hinted, origin, sent: sending.sent };
        match (rule.action, model) {
            (Action::CoolDownModel, Some(model)) => self.cool_down_for_model(sending.slot, model, &failure),
            (Action::CoolDown, Some(model)) if diagnosis.names_model => {
                self.cool_down_for_model(sending.slot, model, &failure)
            }
            (Action::CoolDown, _) => self.cool_down(sending.slot, &failure),
            (Action::MarkDead, _) => {
                self.mark_dead(sending.slot, &failure);
                None
            }
            (Action::CoolDownModel | Action::Rotate | Action::Wait | Action::GiveUp, _) => None,
        }
    }

    /// One bad request must not bench two credentials: if it fails in the same way with another one,
    /// and nothing else speaks against the first, the first is to be tried again.
    pub(super) fn revert_unconfirmed(
        &mut self,
        progress: &mut Progress,
        slot: Slot,
        model: Option<&str>,
        diagnosis: &Diagnosis,
    ) {
        let origin = progress.origin;
        let rests_by = |pool: &Self, slot: Slot| {
            pool.roster.get(slot).is_some_and(|member| member.health.sole_reporter == Some(origin))
        };
        if let Some(penalty) = progress.penalty.take()
            && self.policy.revert
            && penalty.kind == diagnosis.kind
            && penalty.slot != slot
        {
            self.revert_model_cooldown(penalty.slot, model, origin);
            for reverted in self.roster.with_same_secret(penalty.slot) {
                let Some(member) = self.roster.get(reverted) else { continue };
                if !rests_by(self, reverted) || !member.is_cooling_down(self.now) {
                    continue;
                }
                let probe = match member.health.probe {
                    Probe::Running(lease) => Probe::Running(lease),
                    Probe::Due | Probe::None if self.policy.half_open => Probe::Due,
                    Probe::Due | Probe::None => Probe::None,
                };
                let stale_up_to = member.health.stale_up_to;
                self.set_status(reverted, NewStatus::ok());
                self.roster.change(reverted, |member| {
                    member.health = Health { probe, stale_up_to, reverted_lease: Some(origin), ..Health::default() };
                });
                self.tell(reverted, Happening::Reverted);
            }
        }
        let is_alone = rests_by(self, slot) || self.model_cooldown_is_by(slot, model, origin);
        progress.penalty = is_alone.then_some(UnconfirmedCooldown { slot, kind: diagnosis.kind });
    }

    /// One that rests by what was learned before is tried early as the policy says, as if it had
    /// been learned now.
    pub(super) fn plan_probe(&mut self, slot: Slot) {
        let Some(member) = self.roster.get(slot) else { return };
        let (Some(kind), Cooldown::Until(until)) = (member.cause().kind, member.cooldown()) else { return };
        let Some(probe_interval_ms) = self.policy.rule(kind).probe_interval_ms else { return };
        let probe_at = Some(self.now.saturating_add(Duration::from_millis(probe_interval_ms))).filter(|at| *at < until);
        if member.health.probe == Probe::None {
            self.roster.change(slot, |member| member.health.probe_at = probe_at);
        }
    }

    /// Whether a credential got another key since a request was sent with it, or is gone.
    pub(super) fn has_another_key(&self, sending: &Sending) -> bool {
        self.roster.get(sending.slot).is_none_or(|member| member.key_changes != sending.key_changes)
    }

    /// Ends everything that keeps a credential from serving, its row aside.
    pub(super) fn forget_failures(&mut self, slot: Slot) {
        let stale_up_to = self.sent;
        let models = self.roster.change(slot, |member| {
            member.health = Health { stale_up_to, ..Health::default() };
            std::mem::take(&mut member.model_cooldowns)
        });
        for ModelCooldown { model, is_stored, .. } in models.into_iter().flatten() {
            if is_stored {
                self.record_model_cooldown(slot, model, None);
            }
        }
    }

    pub(super) fn tell(&mut self, slot: Slot, what: Happening) {
        if let Some(member) = self.roster.get(slot) {
            self.events.push(Event { credential: member.credential.id.clone(), what });
        }
    }

    fn cool_down(&mut self, slot: Slot, failure: &ObservedFailure<'_>) -> Option<Timestamp> {
        let member = self.roster.get(slot)?;
        let held = member.is_cooling_down(self.now).then(|| member.cooldown());
        let until = match held {
            Some(Cooldown::Until(until)) => Some(until),
            Some(Cooldown::Dead) => return None,
            Some(Cooldown::None) | None => None,
        };
        let hinted = failure.hinted.map(|hinted| self.now.saturating_add(hinted));
        let is_news = failure.sent > member.health.stale_up_to;
        let length = match is_news {
            // A request of the same burst, or one whose failure is long answered.
            false => {
                self.corroborate(slot, failure.origin);
                let is_later = |hinted: &Timestamp| until.is_some_and(|until| hinted.since(until) >= SAME_END);
                hinted.filter(is_later).and(failure.hinted)
            }
            // It was tried while it rested: it goes on resting, and longer if the provider says so.
            true if until.is_some() => Some(failure.hinted.unwrap_or(Duration::ZERO)),
            true => self.cooldown_length(slot, failure),
        };
        let Some(length) = length else {
            let is_first = until.is_none() && is_news;
            if is_first {
                self.note_failure(slot, failure);
            }
            return until;
        };
        for slot in self.roster.with_same_secret(slot) {
            self.begin_cooldown(slot, length, failure);
        }
        self.roster.get(slot).and_then(|member| match member.cooldown() {
            Cooldown::Until(until) => Some(until),
            Cooldown::None | Cooldown::Dead => None,
        })
    }

    /// How long a credential rests that did not until now; none if it is only to be retried at once.
    fn cooldown_length(&self, slot: Slot, failure: &ObservedFailure<'_>) -> Option<Duration> {
        let member = self.roster.get(slot)?;
        let rule = failure.rule;
        let stored = member.credential.reset_at().zip(member.credential.last_status_at);
        let last = match member.health.last_cooldown {
            Duration::ZERO => stored.map_or(Duration::ZERO, |(end, start)| end.since(start.to_timestamp())),
            last => last,
        };
        let is_first = member.health.failures == 0 && last.is_zero();
        if let Some(hinted) = failure.hinted {
            return Some(hinted);
        }
        if is_first && rule.retries > 0 {
            return Some(Duration::from_millis(rule.retry_delay_ms)).filter(|length| !length.is_zero());
        }
        let Some(first) = rule.cooldown_ms else { return Some(reference_cooldown(failure.cause.status)) };
        let grown = last.saturating_mul(2).min(Duration::from_millis(rule.max_cooldown_ms));
        let length = grown.max(Duration::from_millis(first));
        let sole = self.policy.sole_cooldown_ms.filter(|_| failure.kind != FailureKind::Quota && self.is_sole(slot));
        Some(sole.map_or(length, |sole| length.min(Duration::from_millis(sole))))
    }

    /// Lets a credential rest from now on, or go on resting if its rest ends later.
    fn begin_cooldown(&mut self, slot: Slot, length: Duration, failure: &ObservedFailure<'_>) {
        /// A rest shorter than this is over before it would be written down.
        const BRIEF: Duration = Duration::from_secs(10);
        let Some(member) = self.roster.get(slot) else { return };
        let before = match member.cooldown() {
            Cooldown::Dead => return,
            Cooldown::Until(until) if self.now < until => Some(until),
            Cooldown::Until(_) | Cooldown::None => None,
        };
        let until = before.max(Some(self.now.saturating_add(length)));
        let (health, is_stored) = (member.health.clone(), stored_cooldown(&member.credential) != Cooldown::None);
        let is_brief = !is_stored && length < BRIEF;
        let is_longer = before != until;
        // A rest that goes on is tried as often as before, whatever this try met.
        let goes_on = (!is_longer).then(|| member.credential.error_reason().and_then(FailureKind::named)).flatten();
        let probe_interval_ms = goes_on.map_or(failure.rule, |kind| self.policy.rule(kind)).probe_interval_ms;
        if is_longer && !is_brief {
            let reset_at = until.filter(|_| failure.rule.cooldown_ms.is_some() || failure.hinted.is_some());
            self.set_status(
                slot,
                NewStatus {
                    status: Some(Status::Exhausted),
                    at: Some(self.now),
                    error_code: failure.cause.status,
                    reason: Some(failure.kind),
                    reset_at,
                },
            );
        }
        let until = match is_brief {
            true => until,
            false => self.roster.get(slot).and_then(|member| match stored_cooldown(&member.credential) {
                Cooldown::Until(until) => Some(until),
                Cooldown::None | Cooldown::Dead => None,
            }),
        };
        let probe_at = probe_interval_ms
            .map(|probe_interval_ms| self.now.saturating_add(Duration::from_millis(probe_interval_ms)));
        // What rests already, as another row of the same secret may, does so by another word.
        let others_told = (health.failures > 0 || before.is_some()) && health.sole_reporter != Some(failure.origin);
        let is_certain = failure.hinted.is_some() || others_told || health.reverted_another(failure.origin);
        let new = Health {
            probe: Probe::None,
            brief: until.filter(|_| is_brief),
            probe_at: probe_at.filter(|probe_at| until.is_some_and(|until| *probe_at < until)),
            cause: Some(failure.cause),
            failures: health.failures.saturating_add(1),
            last_cooldown: if length.is_zero() { health.last_cooldown } else { length },
            stale_up_to: self.sent,
            sole_reporter: (!is_certain).then_some(failure.origin),
            reverted_lease: health.reverted_lease,
        };
        self.roster.change(slot, |member| member.health = new);
        self.current = self.current.filter(|current| *current != slot);
        if let (true, Some(until)) = (is_longer, until) {
            self.tell(slot, Happening::CoolingDown { until, model: None, cause: failure.cause });
        }
    }

    fn note_failure(&mut self, slot: Slot, failure: &ObservedFailure<'_>) {
        let stale_up_to = self.sent;
        self.roster.change(slot, |member| {
            let health = &mut member.health;
            health.sole_reporter = (health.failures == 0).then_some(failure.origin);
            health.failures = health.failures.saturating_add(1);
            (health.cause, health.stale_up_to) = (Some(failure.cause), stale_up_to);
        });
    }

    /// Another request tells the same of a credential.
    fn corroborate(&mut self, slot: Slot, origin: LeaseId) {
        let is_another = |sole_reporter: LeaseId| sole_reporter != origin;
        if self.roster.get(slot).is_some_and(|member| member.health.sole_reporter.is_some_and(is_another)) {
            self.roster.change(slot, |member| member.health.sole_reporter = None);
        }
    }

    fn mark_dead(&mut self, slot: Slot, failure: &ObservedFailure<'_>) {
        let Some(member) = self.roster.get(slot) else { return };
        let is_news = failure.sent > member.health.stale_up_to || member.is_cooling_down(self.now);
        if !is_news || member.cooldown() == Cooldown::Dead {
            return self.corroborate(slot, failure.origin);
        }
        for slot in self.roster.with_same_secret(slot) {
            let alive = self.roster.get(slot).filter(|member| member.cooldown() != Cooldown::Dead);
            let Some(health) = alive.map(|member| member.health.clone()) else { continue };
            self.set_status(
                slot,
                NewStatus {
                    status: Some(Status::Dead),
                    at: Some(self.now),
                    error_code: failure.cause.status,
                    reason: Some(failure.kind),
                    reset_at: None,
                },
            );
            self.roster.change(slot, |member| {
                member.health.cause = Some(failure.cause);
                member.health.sole_reporter = (!health.reverted_another(failure.origin)).then_some(failure.origin);
                member.health.reverted_lease = health.reverted_lease;
            });
            self.current = self.current.filter(|current| *current != slot);
            self.tell(slot, Happening::MarkedDead { cause: failure.cause });
        }
    }

    /// Whether no other secret of the pool could ever serve.
    fn is_sole(&self, slot: Slot) -> bool {
        let with_same_secret = self.roster.with_same_secret(slot);
        let mut others = self.roster.iter().filter(|(other, _)| !with_same_secret.contains(other));
        !others.any(|(_, member)| self.roster.could_serve(member))
    }
}
