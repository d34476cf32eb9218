//! Sets of units, kept as ranges: a million keys in stock are one entry.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use vocabulary::BatchId;

/// A set of numbers as disjoint ranges that do not touch. Written as `[[start, end], …]`, the end exclusive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ranges {
    /// Start to end.
    spans: BTreeMap<u64, u64>,
    len: u64,
}

impl Ranges {
    fn put(&mut self, start: u64, end: u64) {
        self.spans.insert(start, end);
        self.len += end - start;
    }

    fn drop_span(&mut self, start: u64, end: u64) {
        self.spans.remove(&start);
        self.len -= end - start;
    }

    /// Adds `start..end`, whatever of it is there already.
    fn insert(&mut self, mut start: u64, mut end: u64) {
        if start >= end {
            return;
        }
        while let Some((&from, &to)) = self.spans.range(..=end).next_back()
            && to >= start
        {
            self.drop_span(from, to);
            start = start.min(from);
            end = end.max(to);
        }
        self.put(start, end);
    }

    /// Takes `start..end` out and says how many of them were there.
    fn remove(&mut self, start: u64, end: u64) -> u64 {
        if start >= end {
            return 0;
        }
        let before = self.len;
        while let Some((&from, &to)) = self.spans.range(..end).next_back()
            && to > start
        {
            self.drop_span(from, to);
            if to > end {
                self.put(end, to);
            }
            if from < start {
                self.put(from, start);
            }
        }
        before - self.len
    }

    fn contains(&self, number: u64) -> bool {
        self.spans.range(..=number).next_back().is_some_and(|(_, &end)| number < end)
    }

    /// How many numbers.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Every number, in order.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u64> {
        self.spans().flat_map(|(start, end)| start..end)
    }

    fn spans(&self) -> impl Iterator<Item = (u64, u64)> {
        self.spans.iter().map(|(&start, &end)| (start, end))
    }
}

impl Serialize for Ranges {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.spans())
    }
}

impl<'de> Deserialize<'de> for Ranges {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut ranges = Self::default();
        for (start, end) in Vec::<(u64, u64)>::deserialize(deserializer)? {
            ranges.insert(start, end);
        }
        Ok(ranges)
    }
}

/// A set of units of several batches. A batch without a unit in the set has no entry, so what is walked on the
/// way to the oldest unit is only what is there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Units(BTreeMap<BatchId, Ranges>);

impl Units {
    /// Adds the units `start..end` of a batch.
    pub(super) fn insert(&mut self, batch: BatchId, start: u64, end: u64) {
        if start < end {
            self.0.entry(batch).or_default().insert(start, end);
        }
    }

    /// Adds one unit.
    pub(super) fn put(&mut self, batch: BatchId, unit: u64) {
        self.insert(batch, unit, unit.saturating_add(1));
    }

    /// Adds these units of a batch.
    pub(super) fn absorb(&mut self, batch: BatchId, ranges: &Ranges) {
        for (start, end) in ranges.spans() {
            self.insert(batch, start, end);
        }
    }

    /// Takes one unit out; says whether it was there.
    pub(super) fn pick(&mut self, batch: BatchId, unit: u64) -> bool {
        let Some(ranges) = self.0.get_mut(&batch) else { return false };
        let found = ranges.remove(unit, unit.saturating_add(1)) > 0;
        if ranges.len == 0 {
            self.0.remove(&batch);
        }
        found
    }

    /// Takes all of a batch out.
    pub(super) fn pick_batch(&mut self, batch: BatchId) -> Ranges {
        self.0.remove(&batch).unwrap_or_default()
    }

    pub(super) fn contains(&self, batch: BatchId, unit: u64) -> bool {
        self.0.get(&batch).is_some_and(|ranges| ranges.contains(unit))
    }

    /// What is there of a batch.
    pub(super) fn of(&self, batch: BatchId) -> Option<&Ranges> {
        self.0.get(&batch)
    }

    /// Every batch that has units here, oldest first.
    pub(super) fn batches(&self) -> impl Iterator<Item = (BatchId, &Ranges)> {
        self.0.iter().map(|(&batch, ranges)| (batch, ranges))
    }

    /// Every unit, oldest first: by batch, then by number.
    pub(super) fn oldest(&self) -> impl Iterator<Item = (BatchId, u64)> {
        self.batches().flat_map(|(batch, ranges)| ranges.numbers().map(move |unit| (batch, unit)))
    }

    pub(super) fn len(&self) -> u64 {
        self.0.values().map(Ranges::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ranges_behave_like_a_set_of_numbers(steps in prop::collection::vec((any::<bool>(), 0..60u64, 0..9u64), 0..60)) {
            let (mut ranges, mut set) = (Ranges::default(), BTreeSet::new());
            for (add, start, count) in steps {
                let end = start + count;
                if add {
                    ranges.insert(start, end);
                    set.extend(start..end);
                } else {
                    let there = (start..end).filter(|n| set.remove(n)).count();
                    prop_assert_eq!(ranges.remove(start, end), there as u64);
                }
                prop_assert_eq!(ranges.len(), set.len() as u64);
                prop_assert!((0..70).all(|n| ranges.contains(n) == set.contains(&n)));
                let spans: Vec<_> = ranges.spans().collect();
                prop_assert!(spans.windows(2).all(|pair| pair[0].1 < pair[1].0), "spans touch: {:?}", spans);
            }
            let text = serde_json::to_string(&ranges).unwrap();
            prop_assert_eq!(serde_json::from_str::<Ranges>(&text).unwrap(), ranges);
        }
    }

    #[test]
    fn a_million_units_are_written_as_one_range() {
        let mut units = Units::default();
        units.insert(BatchId(1), 0, 1_000_000);
        assert_eq!(serde_json::to_string(&units).unwrap(), r#"{"1":[[0,1000000]]}"#);
    }

    #[test]
    fn a_batch_whose_last_unit_went_has_no_entry() {
        let mut units = Units::default();
        units.put(BatchId(1), 7);
        assert!(units.pick(BatchId(1), 7));
        assert!(!units.pick(BatchId(1), 7));
        assert_eq!(units, Units::default());
    }
}
