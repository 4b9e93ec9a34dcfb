//! Translation between the pool's ids and the reference's.

use std::collections::BTreeMap;

/// Pairs of ids that were drawn in the same place. Other ids are the same on both sides.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ids {
    by_ours: BTreeMap<String, String>,
    by_theirs: BTreeMap<String, String>,
}

impl Ids {
    /// Pairs two ids. An earlier pair of either id ends: the id was
    /// drawn again after its row was removed.
    pub(crate) fn pair(&mut self, ours: &str, theirs: &str) {
        if let Some(former) = self.by_ours.insert(ours.to_owned(), theirs.to_owned()) {
            self.by_theirs.remove(&former);
        }
        if let Some(former) = self.by_theirs.insert(theirs.to_owned(), ours.to_owned()) {
            self.by_ours.remove(&former);
            self.by_ours.insert(ours.to_owned(), theirs.to_owned());
        }
    }

    /// Returns the pool's id for an id of the reference.
    pub(crate) fn ours<'a>(&'a self, theirs: &'a str) -> &'a str {
        self.by_theirs.get(theirs).map_or(theirs, String::as_str)
    }

    /// Returns the reference's id for an id of the pool.
    pub(crate) fn theirs<'a>(&'a self, ours: &'a str) -> &'a str {
        self.by_ours.get(ours).map_or(ours, String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_translates_both_ways_and_other_ids_translate_to_themselves() {
        let mut ids = Ids::default();
        ids.pair("our", "their");
        assert_eq!((ids.ours("their"), ids.theirs("our")), ("our", "their"));
        assert_eq!((ids.ours("other"), ids.theirs("other")), ("other", "other"));
    }

    #[test]
    fn the_latest_pair_counts() {
        let mut ids = Ids::default();
        ids.pair("our", "first");
        ids.pair("our", "second");
        assert_eq!((ids.ours("first"), ids.ours("second")), ("first", "our"));
        ids.pair("new", "second");
        assert_eq!((ids.theirs("our"), ids.theirs("new")), ("our", "second"));
        ids.pair("new", "second");
        assert_eq!((ids.theirs("new"), ids.ours("second")), ("second", "new"));
    }
}
