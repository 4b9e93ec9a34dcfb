//! Sorted maps: a map in the order of its keys, stored as a list. Its code is a tenth of a B-tree's, and its entries are
//! few.

use std::borrow::Borrow;

/// Map in the order of its keys. A look-up is a binary search; an insertion moves the later entries.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sorted<K, V>(Vec<(K, V)>);

impl<K, V> Default for Sorted<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Ord, V> Sorted<K, V> {
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, (K, V)> {
        self.0.iter()
    }

    pub(crate) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let place = self.place(key).ok()?;
        self.0.get(place).map(|(_, value)| value)
    }

    pub(crate) fn insert(&mut self, key: K, value: V) {
        match self.place(&key) {
            Ok(place) => {
                if let Some((_, stored)) = self.0.get_mut(place) {
                    *stored = value;
                }
            }
            Err(place) => self.0.insert(place, (key, value)),
        }
    }

    pub(crate) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let place = self.place(key).ok()?;
        Some(self.0.remove(place).1)
    }

    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        self.0.retain_mut(|(key, value)| keep(key, value));
    }

    fn place<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        self.0.binary_search_by(|(stored, _)| stored.borrow().cmp(key))
    }
}

impl<K: Ord + Borrow<str> + for<'a> From<&'a str>, V: Default> Sorted<K, V> {
    /// Returns the value of a name, after inserting the default if there was no value.
    pub(crate) fn entry(&mut self, name: &str) -> &mut V {
        let place = self.place(name).unwrap_or_else(|place| {
            self.0.insert(place, (K::from(name), V::default()));
            place
        });
        #[expect(clippy::indexing_slicing, reason = "the entry was found or inserted at this place")]
        &mut self.0[place].1
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for Sorted<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut sorted = Self::default();
        for (key, value) in entries {
            sorted.insert(key, value);
        }
        sorted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_stand_in_the_order_of_their_keys_and_the_last_value_of_a_key_stays() {
        let mut sorted: Sorted<String, u32> = [("b", 1), ("a", 2), ("c", 3), ("a", 4)]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        *sorted.entry("bb") += 5;
        *sorted.entry("c") += 5;
        assert_eq!(sorted.remove("b"), Some(1));
        assert_eq!(sorted.remove("b"), None);
        let held: Vec<_> = sorted.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        assert_eq!(held, [("a", 4), ("bb", 5), ("c", 8)]);
        sorted.retain(|_, value| *value < 8);
        assert_eq!((sorted.get("c"), sorted.get("bb")), (None, Some(&5)));
    }
}
