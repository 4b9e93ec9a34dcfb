//! Which of the pool's ids stands for which of the reference's.

use std::collections::BTreeMap;

/// Pairs of ids that were drawn in the same place. All other ids stand for themselves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ids {
    by_ours: BTreeMap<String, String>,
    by_theirs: BTreeMap<String, String>,
}

impl Ids {
    /// From now on these two are the same. An id that was paired before is so no longer: it was
    /// drawn anew after its row went away.
    pub(crate) fn pair(&mut self, ours: &str, theirs: &str) {
        if let Some(former) = self.by_ours.insert(ours.to_owned(), theirs.to_owned()) {
            self.by_theirs.remove(&former);
        }
        if let Some(former) = self.by_theirs.insert(theirs.to_owned(), ours.to_owned()) {
            self.by_ours.remove(&former);
            self.by_ours.insert(ours.to_owned(), theirs.to_owned());
        }
    }

    /// The pool's id for one of the reference's.
    pub(crate) fn ours<'a>(&'a self, theirs: &'a str) -> &'a str {
        self.by_theirs.get(theirs).map_or(theirs, String::as_str)
    }

    /// The reference's id for one of the pool's.
    pub(crate) fn theirs<'a>(&'a self, ours: &'a str) -> &'a str {
        self.by_ours.get(ours).map_or(ours, String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_known_both_ways_and_others_stand_for_themselves() {
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
