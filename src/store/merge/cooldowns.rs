//! Concurrent cooldowns: a multi-value register. A change ends the cooldowns in its causal context; cooldowns that
//! began without knowledge of each other are all kept, and the row shows the cooldown that ends last.

use serde_json::Value;

use crate::{
    cooldown::{Cooldown, row_cooldown},
    credential::{Credential, Status, failures::cooldown_end},
    stamp::{HostId, Stamp},
    time::{Timestamp, UnixSeconds},
};

use super::record::{Fields, Record, field, record, unless_empty};

/// Active cooldowns of a row, or of a row for one model.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cooldowns<T> {
    /// Origin of the visible cooldown, whose value is in the row.
    visible: Option<Visible>,
    /// Other cooldowns, in the order of their ends.
    hidden: Vec<(Stamp, T)>,
}

impl<T> Default for Cooldowns<T> {
    fn default() -> Self {
        Self { visible: None, hidden: Vec::new() }
    }
}

/// Origin of the cooldown in the row.
#[derive(Clone, Debug, PartialEq)]
struct Visible {
    /// Stamp of the change that began the cooldown.
    by: Stamp,
    /// [`RowCooldown::moment`] at that time. If the row has another, another program has written the row.
    moment: Option<f64>,
}

/// Cooldown in the form of the row's fields.
pub(super) trait RowCooldown: Clone + PartialEq {
    /// Returns the moment that distinguishes this cooldown from others of the row, in seconds since the Unix epoch.
    fn moment(&self) -> Option<f64>;
    /// Returns the end of the cooldown. The cooldown with the last end is visible.
    fn end(&self) -> Timestamp;
}

impl<T: RowCooldown> Cooldowns<T> {
    /// Returns all active cooldowns with their stamps, given the cooldown in the row.
    pub(super) fn active(&self, visible: Option<T>) -> Vec<(Stamp, T)> {
        // Another program has ended the visible cooldown without knowledge of the hidden ones: none is active.
        if visible.is_none() && self.visible.is_some() {
            return Vec::new();
        }
        let visible = visible.map(|cooldown| {
            let moment = cooldown.moment();
            let origin = self.visible.as_ref().filter(|origin| origin.moment == moment);
            (origin.map_or_else(|| foreign_stamp(moment), |origin| origin.by.clone()), cooldown)
        });
        visible.into_iter().chain(self.hidden.iter().cloned()).collect()
    }

    /// Replaces the active cooldowns. Returns the cooldown to write into the row; `None` if none is active.
    pub(super) fn replace(&mut self, active: Vec<(Stamp, T)>) -> Option<T> {
        self.hidden.clear();
        for (by, cooldown) in active {
            let end = cooldown.end();
            let place = self.hidden.partition_point(|(other_by, other)| (other.end(), other_by) <= (end, &by));
            self.hidden.insert(place, (by, cooldown));
        }
        let (by, visible) = self.hidden.pop().unzip();
        self.visible = by.zip(visible.as_ref()).map(|(by, cooldown)| Visible { by, moment: cooldown.moment() });
        visible
    }

    /// Calls back with the time of each stamp.
    pub(super) fn each_time(&self, each: &mut impl FnMut(u64)) {
        self.visible.iter().for_each(|visible| each(visible.by.at));
        self.hidden.iter().for_each(|(by, _)| each(by.at));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.visible.is_none() && self.hidden.is_empty()
    }
}

/// Returns a stamp for a cooldown of another program, or of a host whose metadata was dropped.
fn foreign_stamp(moment: Option<f64>) -> Stamp {
    let micros = moment.unwrap_or(0.0) * 1e6;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float beyond u64 saturates, and is still the same for the same moment"
    )]
    let at = micros.round() as u64;
    Stamp { at, host: HostId::default() }
}

/// Returns whether a row's status is about a refused token and not about the account, so that new tokens end the
/// status.
pub(crate) fn is_about_the_token(credential: &Credential) -> bool {
    RowStatus::of(credential).is_about_the_token()
}

/// Status fields of a row.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct RowStatus {
    pub(super) status: Option<String>,
    pub(super) at: Option<f64>,
    pub(super) error_code: Option<i64>,
    pub(super) reason: Option<String>,
    pub(super) reset_at: Option<f64>,
    /// Whether the row has further failure fields: a message, or unreadable values.
    pub(super) has_opaque_fields: bool,
}

impl RowStatus {
    pub(super) fn of(credential: &Credential) -> Self {
        Self {
            status: credential.last_status.as_ref().map(|status| status.as_str().to_owned()),
            at: credential.last_status_at.map(UnixSeconds::as_f64),
            error_code: credential.last_error_code,
            reason: credential.error_reason().map(str::to_owned),
            reset_at: credential.reset_at_as_stored(),
            has_opaque_fields: credential.has_opaque_failure_fields(),
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

impl RowCooldown for RowStatus {
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

impl RowCooldown for Timestamp {
    fn moment(&self) -> Option<f64> {
        Some(UnixSeconds::from(*self).as_f64())
    }

    fn end(&self) -> Timestamp {
        *self
    }
}

impl<T: Record> Record for Cooldowns<T>
where
    Vec<(Stamp, T)>: Record,
{
    fn read(value: &Value) -> Option<Self> {
        let fields = Fields::of(value)?;
        Some(Self { visible: fields.read_or_default("shown")?, hidden: fields.read_or_default("hidden")? })
    }

    fn write(&self) -> Value {
        record(vec![unless_empty("shown", &self.visible), unless_empty("hidden", &self.hidden)])
    }
}

impl Record for Visible {
    fn read(value: &Value) -> Option<Self> {
        let fields = Fields::of(value)?;
        Some(Self { by: fields.read("by")?, moment: fields.read_or_default("moment")? })
    }

    fn write(&self) -> Value {
        record(vec![field("by", &self.by), field("moment", &self.moment)])
    }
}

impl Record for RowStatus {
    fn read(value: &Value) -> Option<Self> {
        let fields = Fields::of(value)?;
        Some(Self {
            status: fields.read_or_default("status")?,
            at: fields.read_or_default("at")?,
            error_code: fields.read_or_default("error_code")?,
            reason: fields.read_or_default("reason")?,
            reset_at: fields.read_or_default("reset_at")?,
            has_opaque_fields: false,
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
