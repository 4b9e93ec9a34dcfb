//! Feedback: reported answers start, extend, confirm, revert and end cooldowns, and mark credentials dead.
//!
//! Cooldowns grow by exponential backoff per failure kind, bounded by the policy, unless a hint gives their end.

use std::time::Duration;

use crate::{
    cooldown::{Cooldown, Failure, reference_cooldown, stored_cooldown},
    credential::Status,
    event::{Cause, Event, Happening},
    failure::{Diagnosis, FailureKind},
    id::LeaseId,
    policy::{Action, Rule},
    time::Timestamp,
};

use super::{
    Pool,
    leases::{Attempt, Progress, UnconfirmedCooldown},
    member::{AttemptNumber, Health, ModelCooldown, Probe},
    ramp::Ramp,
    slot::Slot,
    status::NewStatus,
};

/// Tolerance within which two hints name the same end: the answers of one burst count from different moments.
const SAME_END: Duration = Duration::from_secs(1);

/// Cooldowns of a failure that bars a credential from a model, where the request names none: the first, and the longest.
const FIRST_WITHOUT_MODEL_MS: u64 = 5 * 60 * 1000;
const LONGEST_WITHOUT_MODEL_MS: u64 = 60 * 60 * 1000;

/// A failure, and the lease and attempt that reported it.
pub(super) struct ObservedFailure<'a> {
    pub(super) rule: &'a Rule,
    pub(super) kind: FailureKind,
    pub(super) cause: Cause,
    /// Cooldown by the provider's hint, within the policy's bounds.
    pub(super) hinted: Option<Duration>,
    pub(super) origin: LeaseId,
    pub(super) attempt: AttemptNumber,
}

impl ObservedFailure<'_> {
    /// Returns the minimum cooldown after a hint that proved false: the first attempt after it failed for the same
    /// reason. Zero if the cooldown before had another reason, or no hint.
    pub(super) fn after_false_hint(&self, before: Cause, last: Duration) -> Duration {
        match before.kind == Some(self.kind) && before.hint.is_some() {
            true => last.saturating_mul(2).min(Duration::from_millis(self.rule.max_cooldown_ms)),
            false => Duration::ZERO,
        }
    }
}

impl Pool {
    /// Records a failure that the host reports without a lease. A bare status starts the reference's cooldown; a kind or an
    /// answer is judged by the policy, as a report's.
    pub(super) fn record_rotation(&mut self, slot: Slot, failure: &Failure) {
        if failure.is_bare() {
            for slot in self.roster.with_same_secret(slot) {
                self.start_reference_cooldown(slot, failure.status, None);
            }
            return;
        }
        let pool = self.roster.pool();
        let member = self.roster.get(slot);
        let base_url = member.and_then(|member| member.credential.runtime_base_url(pool));
        let judged = match failure.kind {
            Some(kind) => Some(Diagnosis { kind, fault: kind.fault(), names_model: false, hint: None }),
            None => crate::failure::failure(&failure.response(), pool, base_url, self.now),
        };
        let Some(diagnosis) = judged else { return };
        self.last_attempt = AttemptNumber(self.last_attempt.0.saturating_add(1));
        let key_changes = self.roster.get(slot).map_or(0, |member| member.key_changes);
        let attempt = Attempt { slot, key_changes, number: self.last_attempt, is_probe: false, is_scout: false };
        let origin = self.leases.next_id();
        self.record_failure(origin, &attempt, None, &diagnosis, failure.status);
    }

    /// Records a served request: ends the probe and the backoff of its credential, and an outage.
    pub(super) fn record_success(&mut self, attempt: &Attempt, model: Option<&str>) {
        let slot = attempt.slot;
        self.end_fault(attempt, model);
        let Some(member) = self.roster.get(slot).filter(|_| !self.has_another_key(attempt)) else { return };
        let health = &member.health;
        if attempt.number > health.stale_up_to {
            let has_failed = health.failures > 0 || !health.last_cooldown.is_zero() || health.reverted_lease.is_some();
            if attempt.is_probe && health.probe != Probe::None {
                self.end_probe(slot);
                let ramp = Some(Ramp::new(self.now)).filter(|_| self.leases.waiting() > 1);
                self.roster.change(slot, |member| member.health.ramp = ramp);
                self.emit(slot, Happening::Recovered);
            } else if has_failed && health.probe == Probe::None && !member.is_cooling_down(self.now) {
                let stale_up_to = attempt.number;
                self.roster.change(slot, |member| member.health = Health { stale_up_to, ..Health::default() });
            }
        }
        self.end_model_cooldown(attempt, model);
    }

    /// Records a failed request; returns the end of the cooldown that now holds for the request's model, if any.
    pub(super) fn record_failure(
        &mut self,
        origin: LeaseId,
        attempt: &Attempt,
        model: Option<&str>,
        diagnosis: &Diagnosis,
        status: Option<i64>,
    ) -> Option<Timestamp> {
        if self.has_another_key(attempt) {
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
        let failure =
            ObservedFailure { rule: &rule, kind: diagnosis.kind, cause, hinted, origin, attempt: attempt.number };
        match (rule.action, model) {
            (Action::CoolDownModel, Some(model)) => self.cool_down_for_model(attempt.slot, model, &failure),
            (Action::CoolDown, Some(model)) if diagnosis.names_model => {
                self.cool_down_for_model(attempt.slot, model, &failure)
            }
            (Action::CoolDown, _) => self.cool_down(attempt.slot, &failure),
            // Without a model nobody knows for what the credential is barred. It cools down for all, but briefly.
            (Action::CoolDownModel, None) => {
                let cooldown_ms = rule.cooldown_ms.map(|cooldown_ms| cooldown_ms.min(FIRST_WITHOUT_MODEL_MS));
                let max_cooldown_ms = rule.max_cooldown_ms.min(LONGEST_WITHOUT_MODEL_MS);
                let brief = Rule { cooldown_ms, max_cooldown_ms, ..rule };
                self.cool_down(attempt.slot, &ObservedFailure { rule: &brief, ..failure })
            }
            (Action::MarkDead, _) => {
                self.mark_dead(attempt.slot, &failure);
                None
            }
            (Action::Rotate | Action::Wait | Action::GiveUp, _) => None,
        }
    }

    /// Reverts the last unconfirmed cooldown of a request that now failed in the same way with another credential: the
    /// request is at fault, and one bad request must not leave two credentials cooling down.
    pub(super) fn revert_unconfirmed(
        &mut self,
        progress: &mut Progress,
        slot: Slot,
        model: Option<&str>,
        diagnosis: &Diagnosis,
    ) {
        let origin = progress.origin;
        let is_sole_report = |pool: &Self, slot: Slot| {
            pool.roster.get(slot).is_some_and(|member| member.health.sole_reporter == Some(origin))
        };
        if let Some(unconfirmed) = progress.unconfirmed.take()
            && self.policy.revert
            && !diagnosis.kind.blames_credential()
            && unconfirmed.kind == diagnosis.kind
            && unconfirmed.slot != slot
        {
            self.revert_model_cooldown(unconfirmed.slot, model, origin);
            for reverted in self.roster.with_same_secret(unconfirmed.slot) {
                let Some(member) = self.roster.get(reverted) else { continue };
                if !is_sole_report(self, reverted) || !member.is_cooling_down(self.now) {
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
                self.emit(reverted, Happening::Reverted);
            }
        }
        let is_unconfirmed = is_sole_report(self, slot) || self.is_sole_model_report(slot, model, origin);
        progress.unconfirmed = is_unconfirmed.then_some(UnconfirmedCooldown { slot, kind: diagnosis.kind });
    }

    /// Schedules the next probe of a credential whose cooldown was read from its row, at the policy's probe interval
    /// from now.
    pub(super) fn plan_probe(&mut self, slot: Slot) {
        let Some(member) = self.roster.get(slot) else { return };
        let (Some(kind), Cooldown::Until(until)) = (member.cause().kind, member.cooldown()) else { return };
        let Some(probe_interval_ms) = self.policy.rule(kind).probe_interval_ms else { return };
        let probe_at = Some(self.now.saturating_add(Duration::from_millis(probe_interval_ms))).filter(|at| *at < until);
        if member.health.probe == Probe::None {
            self.roster.change(slot, |member| member.health.probe_at = probe_at);
        }
    }

    /// Returns whether the credential's key was replaced since the attempt began, or the credential was removed.
    pub(super) fn has_another_key(&self, attempt: &Attempt) -> bool {
        self.roster.get(attempt.slot).is_none_or(|member| member.key_changes != attempt.key_changes)
    }

    /// Clears the in-memory health and all model cooldowns of a credential.
    pub(super) fn forget_failures(&mut self, slot: Slot) {
        let stale_up_to = self.last_attempt;
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

    pub(super) fn emit(&mut self, slot: Slot, what: Happening) {
        if let Some(member) = self.roster.get(slot) {
            self.events.push(Event { credential: member.shown_id().clone(), what });
        }
    }

    fn cool_down(&mut self, slot: Slot, failure: &ObservedFailure<'_>) -> Option<Timestamp> {
        let member = self.roster.get(slot)?;
        let current = member.is_cooling_down(self.now).then(|| member.cooldown());
        let until = match current {
            Some(Cooldown::Until(until)) => Some(until),
            Some(Cooldown::Dead) => return None,
            Some(Cooldown::None) | None => None,
        };
        let hinted = failure.hinted.map(|hinted| self.now.saturating_add(hinted));
        let is_stale = failure.attempt <= member.health.stale_up_to;
        let length = match is_stale {
            // The attempt belongs to the burst that started the cooldown, or began before a later recovery.
            true => {
                self.confirm_cooldown(slot, failure.origin);
                let is_later = |hinted: &Timestamp| until.is_some_and(|until| hinted.since(until) >= SAME_END);
                hinted.filter(is_later).and(failure.hinted)
            }
            // A failed probe: the cooldown continues, and a later hint extends it.
            false if until.is_some() => Some(failure.hinted.unwrap_or(Duration::ZERO)),
            false => self.cooldown_length(slot, failure),
        };
        let Some(length) = length else {
            let is_first = until.is_none() && !is_stale;
            if is_first {
                self.record_first_failure(slot, failure);
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

    /// Returns the length of a new cooldown: the hint, else exponential backoff within the policy's bounds. A hint after
    /// a hint that proved false is backed off from. `None` if the rule retries a first failure at once.
    fn cooldown_length(&self, slot: Slot, failure: &ObservedFailure<'_>) -> Option<Duration> {
        let member = self.roster.get(slot)?;
        let rule = failure.rule;
        let stored = member.credential.reset_at().zip(member.credential.last_status_at);
        let last = match member.health.last_cooldown {
            Duration::ZERO => stored.map_or(Duration::ZERO, |(end, start)| end.since(start.to_timestamp())),
            last => last,
        };
        let is_first = member.health.failures == 0 && last.is_zero();
        let sole = self.policy.sole_cooldown_ms.filter(|_| failure.kind != FailureKind::Quota && self.is_sole(slot));
        let bounded = |length: Duration| sole.map_or(length, |sole| length.min(Duration::from_millis(sole)));
        if let Some(hinted) = failure.hinted {
            let before = member.health.cause.unwrap_or(Cause { hint: failure.cause.hint, ..member.cause() });
            return Some(hinted.max(bounded(failure.after_false_hint(before, last))));
        }
        if is_first && rule.retries > 0 {
            return Some(Duration::from_millis(rule.retry_delay_ms)).filter(|length| !length.is_zero());
        }
        let Some(first) = rule.cooldown_ms else { return Some(reference_cooldown(failure.cause.status)) };
        let grown = last.saturating_mul(2).min(Duration::from_millis(rule.max_cooldown_ms));
        Some(bounded(grown.max(Duration::from_millis(first))))
    }

    /// Starts a cooldown, or continues the current cooldown if that ends later.
    fn begin_cooldown(&mut self, slot: Slot, length: Duration, failure: &ObservedFailure<'_>) {
        /// Cooldowns shorter than this are not stored: they would be over before the host has written them.
        const MIN_STORED: Duration = Duration::from_secs(10);
        let Some(member) = self.roster.get(slot) else { return };
        let before = match member.cooldown() {
            Cooldown::Dead => return,
            Cooldown::Until(until) if self.now < until => Some(until),
            Cooldown::Until(_) | Cooldown::None => None,
        };
        let until = before.max(Some(self.now.saturating_add(length)));
        let (health, has_stored) = (member.health.clone(), stored_cooldown(&member.credential) != Cooldown::None);
        let is_unstored = !has_stored && length < MIN_STORED;
        let is_longer = before != until;
        // A continued cooldown keeps the probe interval of its own failure kind, whatever the probe met.
        let continued_kind =
            (!is_longer).then(|| member.credential.error_reason().and_then(FailureKind::named)).flatten();
        let probe_interval_ms = continued_kind.map_or(failure.rule, |kind| self.policy.rule(kind)).probe_interval_ms;
        if is_longer && !is_unstored {
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
        let until = match is_unstored {
            true => until,
            false => self.roster.get(slot).and_then(|member| match stored_cooldown(&member.credential) {
                Cooldown::Until(until) => Some(until),
                Cooldown::None | Cooldown::Dead => None,
            }),
        };
        let probe_at = probe_interval_ms
            .map(|probe_interval_ms| self.now.saturating_add(Duration::from_millis(probe_interval_ms)));
        // A credential that cooled down already, such as another row of the same secret, does so by another report.
        let is_reported_by_others =
            (health.failures > 0 || before.is_some()) && health.sole_reporter != Some(failure.origin);
        let is_confirmed = failure.hinted.is_some() || is_reported_by_others || health.reverted_another(failure.origin);
        let new = Health {
            probe: Probe::None,
            unstored_until: until.filter(|_| is_unstored),
            probe_at: probe_at.filter(|probe_at| until.is_some_and(|until| *probe_at < until)),
            cause: Some(failure.cause),
            failures: health.failures.saturating_add(1),
            last_cooldown: if length.is_zero() { health.last_cooldown } else { length },
            stale_up_to: self.last_attempt,
            sole_reporter: (!is_confirmed).then_some(failure.origin),
            reverted_lease: health.reverted_lease,
            ramp: None,
        };
        self.roster.change(slot, |member| member.health = new);
        self.current = self.current.filter(|current| *current != slot);
        if let (true, Some(until)) = (is_longer, until) {
            self.emit(slot, Happening::CoolingDown { until, model: None, cause: failure.cause });
        }
    }

    fn record_first_failure(&mut self, slot: Slot, failure: &ObservedFailure<'_>) {
        let stale_up_to = self.last_attempt;
        self.roster.change(slot, |member| {
            let health = &mut member.health;
            health.sole_reporter = (health.failures == 0).then_some(failure.origin);
            health.failures = health.failures.saturating_add(1);
            (health.cause, health.stale_up_to) = (Some(failure.cause), stale_up_to);
        });
    }

    /// Marks a cooldown as confirmed if a lease other than its sole reporter reported the failure.
    fn confirm_cooldown(&mut self, slot: Slot, origin: LeaseId) {
        let is_another = |sole_reporter: LeaseId| sole_reporter != origin;
        if self.roster.get(slot).is_some_and(|member| member.health.sole_reporter.is_some_and(is_another)) {
            self.roster.change(slot, |member| member.health.sole_reporter = None);
        }
    }

    fn mark_dead(&mut self, slot: Slot, failure: &ObservedFailure<'_>) {
        let Some(member) = self.roster.get(slot) else { return };
        let is_stale = failure.attempt <= member.health.stale_up_to && !member.is_cooling_down(self.now);
        if is_stale || member.cooldown() == Cooldown::Dead {
            return self.confirm_cooldown(slot, failure.origin);
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
            self.emit(slot, Happening::MarkedDead { cause: failure.cause });
        }
    }

    /// Returns whether no other secret of the pool could ever serve.
    fn is_sole(&self, slot: Slot) -> bool {
        let with_same_secret = self.roster.with_same_secret(slot);
        let mut others = self.roster.iter().filter(|(other, _)| !with_same_secret.contains(other));
        !others.any(|(_, member)| self.roster.could_serve(member))
    }
}
