//! Which available credential is next.

use serde::{Deserialize, Serialize};

use crate::{
    credential::Credential,
    error::{Error, ErrorCode},
};

/// How the next credential is chosen among the available ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// The first in the order of priority, until it rests.
    #[default]
    FillFirst,
    /// Each in its turn.
    RoundRobin,
    /// Any, all equally likely.
    Random,
    /// The one with the lowest use count.
    LeastUsed,
    /// The one with the fewest requests under way.
    LeastInFlight,
}

impl Strategy {
    pub(crate) const ALL: [Self; 5] =
        [Self::FillFirst, Self::RoundRobin, Self::Random, Self::LeastUsed, Self::LeastInFlight];

    /// Reads a strategy's name, trimmed and in any case.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::UnknownStrategy`] with the names there are.
    ///
    /// ```
    /// use credential_pool::Strategy;
    ///
    /// assert_eq!(Strategy::parse(" Round_Robin ")?, Strategy::RoundRobin);
    /// # Ok::<(), credential_pool::Error>(())
    /// ```
    pub fn parse(name: &str) -> Result<Self, Error> {
        let name = name.trim();
        Self::ALL.into_iter().find(|strategy| strategy.name().eq_ignore_ascii_case(name)).ok_or_else(|| {
            Error::new(
                ErrorCode::UnknownStrategy,
                "no strategy has this name; use `fill_first`, `round_robin`, `random`, `least_used` or \
                 `least_in_flight`",
            )
        })
    }

    /// The strategy's name, as it is stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::FillFirst => "fill_first",
            Self::RoundRobin => "round_robin",
            Self::Random => "random",
            Self::LeastUsed => "least_used",
            Self::LeastInFlight => "least_in_flight",
        }
    }

    /// Where a credential stands in this strategy's order, lowest first. Those on the same rank
    /// keep the order of the document.
    pub(crate) fn rank(self, credential: &Credential, in_flight: u32) -> (u64, i64) {
        let before_priority = match self {
            Self::FillFirst | Self::Random => 0,
            Self::RoundRobin => credential.turn,
            Self::LeastUsed => credential.request_count,
            Self::LeastInFlight => u64::from(in_flight),
        };
        (before_priority, credential.priority)
    }
}
