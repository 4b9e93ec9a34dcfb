//! Explanation of a decision: a verdict on every credential for one request.

use crate::{
    cooldown::Cooldown,
    event::{Choice, Explained, Explanation, Happening, Verdict},
    lease::{NextMove, Request},
    time::Timestamp,
};

use super::{
    Pool,
    choice::Readiness,
    faults::hold,
    member::{Probe, Refresh, TokenBlock},
    slot::Slot,
};

impl Pool {
    /// Runs the request on a copy of the pool, so that the explanation always agrees with the decision.
    pub(super) fn explain_request(&self, request: &Request, now: Timestamp) -> Explanation {
        let mut before = self.clone();
        before.observe(now);
        before.recover();
        let mut after = before.clone();
        let step = after.start_request(request.clone(), now);
        let chosen = step.events.into_iter().find_map(|event| match event.what {
            Happening::Chosen { by, .. } => Some((event.credential, by)),
            _ => None,
        });
        let credentials = before.roster.in_order().into_iter().map(|(slot, member)| {
            let credential = member.shown_id().clone();
            let by = chosen.as_ref().filter(|(id, _)| *id == credential).map(|(_, by)| *by);
            Explained { verdict: before.verdict(slot, request, by), credential }
        });
        let credentials = credentials.collect();
        let mut next = step.value;
        if let NextMove::Use { credential, .. }
        | NextMove::Retry { credential, .. }
        | NextMove::Refresh { credential, .. } = &mut next
            && let Some(member) = before.roster.slot(credential.as_str()).and_then(|slot| before.roster.get(slot))
        {
            *credential = member.shown_id().clone();
        }
        Explanation { next, credentials }
    }

    fn verdict(&self, slot: Slot, request: &Request, chosen_by: Option<Choice>) -> Verdict {
        let Some(member) = self.roster.get(slot) else { return Verdict::NoSecret };
        if member.credential.runtime_key(self.roster.pool()).is_empty() {
            return Verdict::NoSecret;
        }
        if !member.is_sendable {
            return Verdict::UnusableSecret;
        }
        let half_open = member.health.probe == Probe::Due;
        match member.cooldown() {
            Cooldown::Dead => return Verdict::Dead { cause: member.cause() },
            Cooldown::Until(until) if self.now < until && member.health.probe == Probe::None => {
                return Verdict::CoolingDown { until, probe_at: member.health.probe_at, cause: member.cause() };
            }
            Cooldown::None | Cooldown::Until(_) => {}
        }
        if let Probe::Running(lease) = member.health.probe {
            return Verdict::HalfOpen { lease };
        }
        if let Some(cooldown) = member.model_cooldown(request.model.as_deref(), self.now) {
            return Verdict::CoolingDownForModel {
                model: cooldown.model.clone(),
                until: cooldown.until,
                cause: cooldown.cause,
            };
        }
        if let Some(hold) = hold(&self.roster, &self.outages, member, request.model.as_deref(), self.now) {
            return Verdict::Held { until: hold.until() };
        }
        if let Some(cap) = self.roster.cap(member).filter(|cap| member.in_flight >= *cap) {
            return Verdict::AtCap { in_flight: member.in_flight, cap };
        }
        let intent = match member.refresh {
            Refresh::InFlight { intent, .. } => Some(intent),
            Refresh::Idle | Refresh::Unanswered { .. } | Refresh::Interrupted => None,
        };
        match (self.readiness(slot), chosen_by) {
            (Readiness::NeedsRefresh, _) => Verdict::DueForRefresh { intent },
            (Readiness::Blocked(TokenBlock::UntilRefresh(until)), _) => Verdict::Unreachable { until },
            (Readiness::Blocked(TokenBlock::UntilLogin), _) => Verdict::Expired,
            (Readiness::Ready, Some(by)) => Verdict::Chosen { by, half_open },
            (Readiness::Ready, None) => Verdict::Available { half_open },
        }
    }
}
