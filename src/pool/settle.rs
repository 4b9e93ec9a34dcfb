//! Settlement: outcomes of intents, and the delay before failed writes are repeated.

use std::time::Duration;

use crate::{
    error::{Error, ErrorCode},
    id::IntentId,
    limits::LIMITS,
    step::{Outcome, Settled, Step},
    time::Timestamp,
};

use super::{Pool, outbox::Outstanding};

impl Pool {
    pub(super) fn settle_intent(
        &mut self,
        intent: IntentId,
        outcome: Outcome,
        now: Timestamp,
    ) -> Result<Step<Settled>, Error> {
        if let Outcome::Response { headers, body, .. } = &outcome {
            LIMITS.check_response(headers, body)?;
        }
        match (self.outbox.find(intent)?, &outcome) {
            (Outstanding::Persist { .. }, Outcome::Saved) => {
                self.saved(intent, now);
                Ok(self.step(Settled::Saved, None))
            }
            (Outstanding::Persist { .. }, Outcome::Failed) => {
                self.observe(now);
                self.outbox.failed(intent);
                if self.outbox.has_unsaved() {
                    self.failed_writes = self.failed_writes.saturating_add(1);
                    self.flush_by(self.now.saturating_add(write_backoff(self.failed_writes)));
                }
                Ok(self.step(Settled::Unsaved, None))
            }
            (
                Outstanding::Refresh { credential, .. },
                Outcome::Response { .. }
                | Outcome::Unreachable
                | Outcome::Lost
                | Outcome::Tokens { .. }
                | Outcome::Refused,
            ) => {
                let credential = credential.clone();
                self.settle_refresh(intent, credential, outcome, now)
            }
            (Outstanding::Persist { .. }, _) => {
                Err(Error::new(ErrorCode::WrongOutcome, "settle an intent to persist with `saved` or `failed`"))
            }
            (Outstanding::Refresh { .. }, _) => Err(Error::new(
                ErrorCode::WrongOutcome,
                "settle an intent to refresh with a `response`, as `unreachable` or as `lost`; a host with its own OAuth client \
                 settles with `tokens` or as `refused`",
            )),
        }
    }

    /// Settles an intent to persist as saved.
    pub(crate) fn saved(&mut self, intent: IntentId, now: Timestamp) {
        self.observe(now);
        self.outbox.saved(intent, self.now);
        self.failed_writes = 0;
    }
}

/// Returns the delay before the next write after a number of failed writes in a row: exponential backoff.
fn write_backoff(failed_writes: u32) -> Duration {
    const FIRST: Duration = Duration::from_secs(1);
    const LONGEST: Duration = Duration::from_secs(60);
    FIRST.saturating_mul(2_u32.saturating_pow(failed_writes.saturating_sub(1))).min(LONGEST)
}
