//! Rows kept in memory between batches.

use std::{borrow::Borrow, collections::HashMap, hash::Hash};

/// A bounded map of rows, in two generations: what was not touched while one generation filled is forgotten.
///
/// Nothing is forgotten between two calls of [`Cache::settle`], so a fold may change rows freely within a batch and
/// write them at its end.
#[derive(Debug)]
pub struct Cache<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    capacity: usize,
}

impl<K: Hash + Eq + Clone, V> Cache<K, V> {
    /// A cache that keeps at most about twice `capacity` rows between batches.
    pub fn new(capacity: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), capacity }
    }
    /// The row, if it is in memory; it counts as touched.
    pub fn get_mut<Q>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        if let Some((key, row)) = self.old.remove_entry(key) {
            self.young.insert(key, row);
        }
        self.young.get_mut(key)
    }
    /// The row, without counting as touched.
    pub fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.young.get(key).or_else(|| self.old.get(key))
    }
    /// Puts a row in, replacing an earlier one.
    pub fn insert(&mut self, key: K, row: V) {
        self.old.remove(&key);
        self.young.insert(key, row);
    }
    /// The row, made by `make` where it is absent.
    pub fn entry(&mut self, key: &K, make: impl FnOnce() -> V) -> &mut V {
        if let Some((key, row)) = self.old.remove_entry(key) {
            self.young.insert(key, row);
        }
        self.young.entry(key.clone()).or_insert_with(make)
    }
    /// Ends a batch: forgets the older generation when the younger one is full.
    pub fn settle(&mut self) {
        if self.young.len() >= self.capacity {
            self.old = std::mem::take(&mut self.young);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_in_use_stay_and_others_go() {
        let mut cache = Cache::new(2);
        cache.insert("a", 1);
        cache.insert("b", 2);
        cache.settle();
        assert_eq!(cache.get_mut("a"), Some(&mut 1), "the older generation is still there");
        *cache.entry(&"c", || 0) += 3;
        cache.settle();
        assert_eq!((cache.get("a"), cache.get("b"), cache.get("c")), (Some(&1), None, Some(&3)));
    }
}
