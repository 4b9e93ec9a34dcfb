//! Strategies: the order in which available credentials are chosen.

use serde::{Deserialize, Serialize};

use crate::{
    credential::Credential,
    error::{Error, ErrorCode},
};

/// Strategy that chooses the next of the available credentials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// The first credential by priority, until it cools down.
    #[default]
    FillFirst,
    /// Each credential in turn.
    RoundRobin,
    /// A random credential, with probabilities proportional to weights.
    Random,
    /// The credential with the lowest use count.
    LeastUsed,
    /// The credential with the fewest requests in flight.
    LeastInFlight,
}

impl Strategy {
    pub(crate) const ALL: [Self; 5] =
        [Self::FillFirst, Self::RoundRobin, Self::Random, Self::LeastUsed, Self::LeastInFlight];

    /// Parses a strategy's name, trimmed and in any case.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::UnknownStrategy`], whose message lists all names.
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

    /// Returns the strategy's name, as it is stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::FillFirst => "fill_first",
            Self::RoundRobin => "round_robin",
            Self::Random => "random",
            Self::LeastUsed => "least_used",
            Self::LeastInFlight => "least_in_flight",
        }
    }

    /// Returns the rank of a credential in this strategy's order, lowest first. Credentials of equal rank keep the order
    /// of the document.
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
