//! Affinity: weighted rendezvous hashing with bounded load assigns a session to a credential.
//!
//! Each credential has a score for each affinity, and the available credential with the highest score serves: a
//! session moves only while its credential cools down, and returns afterwards (Thaler and Ravishankar, 1998; weights
//! as in Schindelhauer and Schomaker, 2005). A credential whose load is above its bound is passed over (Mirrokni,
//! Thorup and Zadimoghaddam, 2016).

use sha2::{Digest, Sha256};

use crate::policy::AffinityPolicy;

use super::{member::Member, slot::Slot};

/// Affinity of a request, which scores credentials.
pub(super) struct Affinity<'a> {
    key: u64,
    policy: &'a AffinityPolicy,
}

impl<'a> Affinity<'a> {
    pub(super) fn new(key: &str, policy: &'a AffinityPolicy) -> Self {
        Self { key: hash(key), policy }
    }

    /// Returns the member with the highest score among the members below their load bound; `None` if all have
    /// reached it.
    pub(super) fn choose<'m>(
        &self,
        members: impl Iterator<Item = (Slot, &'m Member)>,
        in_flight: u64,
        weight: u64,
    ) -> Option<Slot> {
        let within = members.filter(|(_, member)| u64::from(member.in_flight) < self.bound(member, in_flight, weight));
        let scored = within.map(|(slot, member)| (self.score(member), slot));
        let best = scored.reduce(|best, next| if next.0 > best.0 { next } else { best });
        best.map(|(_, slot)| slot)
    }

    /// Returns the number of requests in flight at which a member takes no further request.
    fn bound(&self, member: &Member, in_flight: u64, weight: u64) -> u64 {
        let share = in_flight
            .saturating_add(1)
            .saturating_mul(u64::from(member.credential.weight))
            .saturating_mul(u64::from(self.policy.max_load_percent))
            .div_ceil(weight.saturating_mul(100).max(1));
        share.max(u64::from(self.policy.min_in_flight))
    }

    fn score(&self, member: &Member) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "53 bits are exact, and enough to tell credentials apart")]
        let drawn = ((splitmix64(self.key ^ member.affinity_hash) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
        // `libm` gives the same bits on every platform, the compiler's own logarithm does not.
        -f64::from(member.credential.weight) / libm::log(drawn)
    }
}

/// Returns the first 64 bits of a name's SHA-256: the same on every host.
pub(super) fn hash(name: &str) -> u64 {
    let digest = Sha256::digest(name.as_bytes());
    digest.iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}

/// Mixes bits with the finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
fn splitmix64(bits: u64) -> u64 {
    let bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}
