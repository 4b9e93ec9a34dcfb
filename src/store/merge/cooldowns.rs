//! Concurrent cooldowns: cooldowns that hold side by side, since the hosts that began them did not know of each other.

use serde_json::Value;

use crate::{
    cooldown::{Cooldown, row_cooldown},
    credential::{Credential, Status, failures::cooldown_end},
    stamp::{HostId, Stamp},
    time::{Timestamp, UnixSeconds},
};

use super::record::{Fields, Record, field, record, unless_empty};

/// The rests of one row, or of one row for one model: the row shows the one that ends last.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cooldowns<T> {
    /// Which change began the one that the row shows.
    shown: Option<Shown>,
    hidden: Vec<(Stamp, T)>,
}

impl<T> Default for Cooldowns<T> {
    fn default() -> Self {
        Self { shown: None, hidden: Vec::new() }
    }
}

/// Which change began the rest that a row shows, as long as the row tells the same moment: else
/// another program has written it.
#[derive(Clone, Debug, PartialEq)]
struct Shown {
    by: Stamp,
    moment: Option<f64>,
}

impl<T: Record> Record for Cooldowns<T>
where
    Vec<(Stamp, T)>: Record,
{
    fn read(value: &Value) -> Option<Self> {
        let fields = Fields::of(value)?;
        Some(Self { shown: fields.read_or_default("shown")?, hidden: fields.read_or_default("hidden")? })
    }

    fn write(&self) -> Value {
        record(vec![unless_empty("shown", &self.shown), unless_empty("hidden", &self.hidden)])
    }
}

impl Record for Shown {
    fn read(value: &Value) -> Option<Self> {
        let fields = Fields::of(value)?;
        Some(Self { by: fields.read("by")?, moment: fields.read_or_default("moment")? })
    }

    fn write(&self) -> Value {
        record(vec![field("by", &self.by), field("moment", &self.moment)])
    }
}

/// A rest, as a row tells of it.
pub(super) trait Told: Clone + PartialEq {
    /// What tells it from other rests of the row, in seconds.
    fn moment(&self) -> Option<f64>;
    /// The order of rests: the last one is shown.
    fn end(&self) -> Timestamp;
}

impl<T: Told> Cooldowns<T> {
    /// All that hold, given the one that the row shows.
    pub(super) fn holding(&self, shown: Option<T>) -> Vec<(Stamp, T)> {
        // Another program has ended the rest that the row showed, and knew of no other.
        if shown.is_none() && self.shown.is_some() {
            return Vec::new();
        }
        let shown = shown.map(|told| {
            let moment = told.moment();
            let by = self.shown.as_ref().filter(|shown| shown.moment == moment).map(|shown| shown.by.clone());
            (by.unwrap_or_else(|| unknown(moment)), told)
        });
        shown.into_iter().chain(self.hidden.iter().cloned()).collect()
    }

    /// Takes down those that hold. Answers the one that is to be shown.
    pub(super) fn keep(&mut self, holding: Vec<(Stamp, T)>) -> Option<T> {
        self.hidden.clear();
        for (by, told) in holding {
            let end = told.end();
            let place = self.hidden.partition_point(|(other_by, other)| (other.end(), other_by) <= (end, &by));
            self.hidden.insert(place, (by, told));
        }
        let shown = self.hidden.pop();
        self.shown = shown.as_ref().map(|(by, told)| Shown { by: by.clone(), moment: told.moment() });
        shown.map(|(_, told)| told)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.shown.is_none() && self.hidden.is_empty()
    }
}

/// A rest that another program, or a host before anybody's memory, has begun.
fn unknown(moment: Option<f64>) -> Stamp {
    let micros = moment.unwrap_or(0.0) * 1e6;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float beyond u64 becomes its end, which still names it"
    )]
    let at = micros.round() as u64;
    Stamp { at, host: HostId::default() }
}

/// Returns whether a row's status is about a token that was refused, and not about the account: new tokens end it.
pub(crate) fn is_about_the_token(credential: &Credential) -> bool {
    ToldStatus::of(credential).is_about_the_token()
}

/// A status, as a row tells of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ToldStatus {
    pub(super) status: Option<String>,
    pub(super) at: Option<f64>,
    pub(super) error_code: Option<i64>,
    pub(super) reason: Option<String>,
    pub(super) reset_at: Option<f64>,
    /// Whether there is more that stays with the row: a message, and what cannot be read.
    pub(super) has_more: bool,
}

impl Record for ToldStatus {
    fn read(value: &Value) -> Option<Self> {
        let fields = Fields::of(value)?;
        Some(Self {
            status: fields.read_or_default("status")?,
            at: fields.read_or_default("at")?,
            error_code: fields.read_or_default("error_code")?,
            reason: fields.read_or_default("reason")?,
            reset_at: fields.read_or_default("reset_at")?,
            has_more: false,
        })
    }

    fn write(&self) -> Value {
        record(vec![
            unless_empty("status", &self.status),
            unless_empty("at", &self.at),
            unless_empty("error_code", &self.error_code),
            unless_empty("reason", &self.reason),
            unless_empty("reset_at", &self.reset_at),
        ])
    }
}

impl ToldStatus {
    pub(super) fn of(credential: &Credential) -> Self {
        Self {
            status: credential.last_status.as_ref().map(|status| status.as_str().to_owned()),
            at: credential.last_status_at.map(UnixSeconds::as_f64),
            error_code: credential.last_error_code,
            reason: credential.error_reason().map(str::to_owned),
            reset_at: credential.reset_at_as_stored(),
            has_more: credential.tells_more_of_failures(),
        }
    }

    pub(super) fn is_cooldown(&self) -> bool {
        matches!(self.status(), Some(Status::Exhausted | Status::Dead))
    }

    pub(super) fn is_about_the_token(&self) -> bool {
        const REASONS: [&str; 2] = ["unauthorized", "revoked"];
        self.status() == Some(Status::Dead) || self.reason.as_deref().is_some_and(|reason| REASONS.contains(&reason))
    }

    pub(super) fn write(&self, credential: &mut Credential) {
        if Self::of(credential) != *self {
            credential.last_status = self.status();
            credential.last_status_at = self.at.and_then(UnixSeconds::new);
            credential.last_error_code = self.error_code;
            credential.set_failure(self.reason.as_deref(), self.reset_at.and_then(UnixSeconds::new));
        }
    }

    fn status(&self) -> Option<Status> {
        self.status.clone().map(Status::from)
    }
}

impl Told for ToldStatus {
    fn moment(&self) -> Option<f64> {
        self.at
    }

    fn end(&self) -> Timestamp {
        let reset_at = self.reset_at.and_then(UnixSeconds::new).and_then(cooldown_end);
        let at = self.at.and_then(UnixSeconds::new);
        let cooldown = row_cooldown(self.status().as_ref(), at, self.error_code, reset_at);
        match cooldown {
            Cooldown::None => Timestamp::from_millis(i64::MIN),
            Cooldown::Until(until) => until,
            Cooldown::Dead => Timestamp::from_millis(i64::MAX),
        }
    }
}

impl Told for Timestamp {
    fn moment(&self) -> Option<f64> {
        Some(UnixSeconds::from(*self).as_f64())
    }

    fn end(&self) -> Timestamp {
        *self
    }
}
