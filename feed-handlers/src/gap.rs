//! Which messages of a numbered feed are missing: ascending, disjoint ranges, each with the time at
//! which it was noticed.
//!
//! The arbiter keeps one such record for the stream and one for each line. Ranges are opened only
//! behind the last one, as the feed runs ahead; they are filled anywhere. How many may stand at once
//! is the owner's business: it takes the oldest away with [`Holes::pop_front`].

use std::collections::VecDeque;

use engine::units::Nanos;

/// A range of missing messages, `first` up to but not including `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hole {
    /// The first missing message.
    pub first: u64,
    /// One past the last.
    pub end: u64,
    /// When a later message, or word of one, first came.
    pub opened: Nanos,
}

/// The missing ranges of a feed or a line.
#[derive(Clone, Debug, Default)]
pub struct Holes {
    ranges: VecDeque<Hole>,
    messages: u64,
}

impl Holes {
    /// How many messages are missing.
    #[inline]
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// How many ranges there are.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Whether nothing is missing.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The lowest range, which was also noticed first.
    #[inline]
    #[must_use]
    pub fn front(&self) -> Option<Hole> {
        self.ranges.front().copied()
    }

    /// The lowest range that ends behind `sequence`.
    #[must_use]
    pub fn first_from(&self, sequence: u64) -> Option<Hole> {
        let at = self.ranges.partition_point(|hole| hole.end <= sequence);
        self.ranges.get(at).copied()
    }

    /// The ranges that end behind `sequence`, the lowest first.
    pub fn iter_from(&self, sequence: u64) -> impl Iterator<Item = Hole> + '_ {
        let from = self.ranges.partition_point(|hole| hole.end <= sequence);
        self.ranges.range(from..).copied()
    }

    /// Takes the lowest range away.
    pub fn pop_front(&mut self) -> Option<Hole> {
        let hole = self.ranges.pop_front()?;
        self.messages -= hole.end - hole.first;
        Some(hole)
    }

    /// Notes that `first` up to `end` is missing; an empty range changes nothing.
    ///
    /// # Panics
    /// If the range begins before the end of the last one: a feed only runs ahead.
    pub fn open(&mut self, first: u64, end: u64, opened: Nanos) {
        if first >= end {
            return;
        }
        let last = self.ranges.back_mut();
        assert!(
            last.as_ref().is_none_or(|last| last.end <= first),
            "Invariant: holes open behind the last one"
        );
        self.messages += end - first;
        match last {
            Some(last) if last.end == first && last.opened == opened => last.end = end,
            _ => self.ranges.push_back(Hole { first, end, opened }),
        }
    }

    /// How many messages from `first` up to `end` are missing.
    #[must_use]
    pub fn overlap(&self, first: u64, end: u64) -> u64 {
        let from = self.ranges.partition_point(|hole| hole.end <= first);
        let ranges = self.ranges.range(from..);
        ranges
            .take_while(|hole| hole.first < end)
            .map(|hole| hole.end.min(end) - hole.first.max(first))
            .sum()
    }

    /// Notes that `first` up to `end` has come; tells how many of these were missing.
    pub fn fill(&mut self, first: u64, end: u64) -> u64 {
        if self.ranges.is_empty() || first >= end {
            return 0;
        }
        let mut filled = 0;
        let at = self.ranges.partition_point(|hole| hole.end <= first);
        let mut emptied = at;
        while let Some(hole) = self.ranges.get_mut(emptied) {
            if hole.first >= end {
                break;
            }
            let before = Hole { end: first, ..*hole };
            filled += hole.end.min(end) - hole.first.max(first);
            if end < hole.end {
                // The upper part stays, and here the lower may too.
                hole.first = end;
                if before.first < before.end {
                    self.ranges.insert(emptied, before);
                }
                break;
            }
            if before.first < before.end {
                // Only the first range met can reach below `first`; it keeps its lower part.
                *hole = before;
                let rest = self.fill_from(emptied + 1, end);
                self.messages -= filled;
                return filled + rest;
            }
            emptied += 1;
        }
        self.ranges.drain(at..emptied);
        self.messages -= filled;
        filled
    }

    /// Fills from the beginning of range `at` up to `end`.
    fn fill_from(&mut self, at: usize, end: u64) -> u64 {
        match self.ranges.get(at) {
            Some(hole) => self.fill(hole.first, end),
            None => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn filling_the_middle_of_a_hole_leaves_both_ends_with_its_time() {
        let mut holes = Holes::default();
        holes.open(10, 20, Nanos(7));
        assert_eq!(holes.fill(12, 15), 3);
        let [lower, upper] =
            [(10, 12), (15, 20)].map(|(first, end)| Hole { first, end, opened: Nanos(7) });
        assert_eq!(holes.pop_front(), Some(lower));
        assert_eq!(holes.pop_front(), Some(upper));
        assert_eq!(holes.messages(), 0);
    }

    #[test]
    fn neighbours_noticed_at_one_time_are_one_hole() {
        let mut holes = Holes::default();
        holes.open(1, 3, Nanos(0));
        holes.open(3, 5, Nanos(0));
        holes.open(5, 6, Nanos(1));
        assert_eq!(holes.len(), 2);
        holes.open(u64::MAX - 1, u64::MAX, Nanos(2));
        assert_eq!(holes.fill(0, u64::MAX), 6);
        assert!(holes.is_empty());
    }

    proptest! {
        #[test]
        fn holes_are_the_set_of_missing_messages(
            steps in prop::collection::vec((any::<bool>(), 0_u64..6, 0_u64..12), 0..60),
        ) {
            let mut holes = Holes::default();
            let mut missing = BTreeSet::new();
            let mut next = 0;
            for (time, (opens, skip, length)) in steps.into_iter().enumerate() {
                if opens {
                    let first = next + skip;
                    next = first + length;
                    holes.open(first, next, Nanos(time as i64 / 3));
                    missing.extend(first..next);
                } else {
                    let first = (skip * 7 + length) % (next + 1);
                    let range = first..first + length;
                    let expected = missing.iter().filter(|m| range.contains(m)).count() as u64;
                    prop_assert_eq!(holes.overlap(range.start, range.end), expected);
                    prop_assert_eq!(holes.fill(range.start, range.end), expected);
                    missing.retain(|m| !range.contains(m));
                }
                prop_assert_eq!(holes.messages(), missing.len() as u64);
                let held = holes.ranges.iter().flat_map(|hole| hole.first..hole.end);
                prop_assert!(held.eq(missing.iter().copied()));
                prop_assert!(holes.ranges.iter().all(|hole| hole.first < hole.end));
            }
        }
    }
}
