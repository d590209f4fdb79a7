//! Latencies on the board: an HdrHistogram in words that one thread counts up and anybody reads.
//!
//! ```text
//!  0        8                    16       24           64                               30784
//!  ├ max ns ┼ saturated samples ─┼ sum ns ┼ reserved ──┼ counts, 3,840 words ─────────────┤
//! ```
//! The classes are those of an HdrHistogram (G. Tene) of values from 1 with two significant digits: 256
//! classes of 1 ns, then 128 for each doubling, so a class is no wider than 1/128 of its values. Values
//! past [`VALUE_NS_MAX`] are counted in the last class and as saturated; the greatest value is exact.
//!
//! There is no lock and no sequence: the one writer adds to a word and stores it, and a reader that sees
//! one sample and not yet the one before it is a moment behind in one class. Each thread has its own, so
//! nothing is merged where it is hot; readers add them up.

use core::sync::atomic::AtomicU64;

use crate::memory::shared_words::{OwnWord, Word};

/// Greatest value that is counted as it is: 68.7 s.
pub const VALUE_NS_MAX: u64 = (1 << 36) - 1;

/// log2 of the classes that a doubling has.
const HALF_BITS: u32 = 7;
/// Classes that a doubling has.
const HALF: u64 = 1 << HALF_BITS;
/// Doublings above the first 256 classes, and these as two.
const DOUBLINGS: usize = 36 - HALF_BITS as usize + 1;
/// Classes.
pub const CLASSES: usize = DOUBLINGS * HALF as usize;

/// Words before the counts.
const HEAD_WORDS: usize = 8;
/// Words of a histogram.
pub const WORDS: usize = HEAD_WORDS + CLASSES;

const MAX: usize = 0;
const SATURATED: usize = 1;
const SUM: usize = 2;

const _: () = assert!(CLASSES == 3_840 && WORDS * 8 == 30_784);

/// Between which two moments a latency lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// From the kernel's time of the datagram to the packet, in its place in the stream, in the ingest
    /// thread's hands: network stack, wake-up, batch, arbitration. Where the kernel tells no time (a
    /// connection), from when it was read.
    WireReceived,
    /// … to its journal record's append; with a thread that appends, to the record in the ring to it.
    ReceivedAccepted,
    /// … to its messages being applied, the ring to the shard included. Of one that comes to a shard in
    /// parts, to the first of them.
    AcceptedApplied,
    /// … to the quotes of all its symbols being on the board.
    AppliedPublished,
    /// The three before it together.
    ReceivedPublished,
    /// All together.
    WirePublished,
}

/// Stages that the ingest thread records.
pub const STAGES_INGEST: [Stage; 2] = [Stage::WireReceived, Stage::ReceivedAccepted];

/// Stages that a shard's thread records.
pub const STAGES_SHARD: [Stage; 4] = [
    Stage::AcceptedApplied,
    Stage::AppliedPublished,
    Stage::ReceivedPublished,
    Stage::WirePublished,
];

impl Stage {
    /// All, in the order of the data.
    pub const ALL: [Stage; 6] = [
        Stage::WireReceived,
        Stage::ReceivedAccepted,
        Stage::AcceptedApplied,
        Stage::AppliedPublished,
        Stage::ReceivedPublished,
        Stage::WirePublished,
    ];

    /// As results name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Stage::WireReceived => "wire_received",
            Stage::ReceivedAccepted => "received_accepted",
            Stage::AcceptedApplied => "accepted_applied",
            Stage::AppliedPublished => "applied_published",
            Stage::ReceivedPublished => "received_published",
            Stage::WirePublished => "wire_published",
        }
    }
}

/// The class of a value up to [`VALUE_NS_MAX`].
#[inline(always)]
const fn class_of(value_ns: u64) -> usize {
    // The position of the leading bit decides the doubling; 256 values below it are told apart.
    let doubling = (u64::BITS - (value_ns | (2 * HALF - 1)).leading_zeros()) - (HALF_BITS + 1);
    ((doubling as u64 * HALF) + (value_ns >> doubling)) as usize
}

/// The least value of a class.
const fn least_of(class: usize) -> u64 {
    let doubling = (class as u64 / HALF).saturating_sub(1);
    (class as u64 - doubling * HALF) << doubling
}

/// The greatest value of a class.
#[must_use]
pub const fn greatest_of(class: usize) -> u64 {
    least_of(class + 1) - 1
}

/// Counts a value. Only ever called by the histogram's one writer.
#[inline(always)]
pub(crate) fn record(words: &[AtomicU64], value_ns: u64) {
    let add = |word: &AtomicU64, more: u64| word.set(word.get().wrapping_add(more));
    if value_ns > words[MAX].get() {
        words[MAX].set(value_ns);
    }
    add(&words[SUM], value_ns.min(VALUE_NS_MAX));
    if value_ns > VALUE_NS_MAX {
        add(&words[SATURATED], 1);
    }
    add(&words[HEAD_WORDS + class_of(value_ns.min(VALUE_NS_MAX))], 1);
}

/// A histogram, or several together, as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Latencies {
    counts: Box<[u64]>,
    samples: u64,
    saturated: u64,
    max_ns: u64,
    sum_ns: u64,
}

impl Default for Latencies {
    fn default() -> Self {
        let counts = vec![0; CLASSES].into_boxed_slice();
        Latencies { counts, samples: 0, saturated: 0, max_ns: 0, sum_ns: 0 }
    }
}

impl Latencies {
    /// Adds what stands in a slot.
    pub(crate) fn add<W: Word>(&mut self, words: &[W]) {
        for (count, word) in self.counts.iter_mut().zip(&words[HEAD_WORDS..]) {
            let more = word.get();
            *count += more;
            self.samples += more;
        }
        self.saturated += words[SATURATED].get();
        self.sum_ns = self.sum_ns.wrapping_add(words[SUM].get());
        self.max_ns = self.max_ns.max(words[MAX].get());
    }

    /// What was counted since `earlier`, an older look at the same; the greatest value is then known to
    /// its class only.
    #[must_use]
    pub fn since(&self, earlier: &Latencies) -> Latencies {
        let mut between = Latencies::default();
        let counts = self.counts.iter().zip(&earlier.counts);
        for (count, (now, then)) in between.counts.iter_mut().zip(counts) {
            *count = now.saturating_sub(*then);
            between.samples += *count;
        }
        let last = between.counts.iter().rposition(|count| *count > 0);
        between.max_ns = last.map_or(0, |class| greatest_of(class).min(self.max_ns));
        between.saturated = self.saturated.saturating_sub(earlier.saturated);
        between.sum_ns = self.sum_ns.wrapping_sub(earlier.sum_ns);
        between
    }

    /// Samples counted.
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.samples
    }

    /// Samples past [`VALUE_NS_MAX`].
    #[must_use]
    pub fn saturated(&self) -> u64 {
        self.saturated
    }

    /// The greatest value.
    #[must_use]
    pub fn max_ns(&self) -> u64 {
        self.max_ns
    }

    /// The mean, values too long to count taken as [`VALUE_NS_MAX`]; 0 of none.
    #[must_use]
    pub fn mean_ns(&self) -> f64 {
        if self.samples == 0 { 0.0 } else { self.sum_ns as f64 / self.samples as f64 }
    }

    /// The value that a share of `quantile` (0 to 1) of the samples does not exceed: the greatest of its
    /// class, or the greatest of all. 0 of none.
    #[must_use]
    pub fn quantile_ns(&self, quantile: f64) -> u64 {
        let wanted = (quantile.clamp(0.0, 1.0) * self.samples as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (class, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return greatest_of(class).min(self.max_ns);
            }
        }
        0
    }

    /// Each class that has samples: its greatest value, and how many.
    pub fn recorded(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let classes = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        classes.map(|(class, count)| (greatest_of(class), *count))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn words() -> Vec<AtomicU64> {
        (0..WORDS).map(|_| AtomicU64::new(0)).collect()
    }

    fn of(values: &[u64]) -> Latencies {
        let words = words();
        values.iter().for_each(|value| record(&words, *value));
        let mut latencies = Latencies::default();
        latencies.add(&words);
        latencies
    }

    #[test]
    fn classes_are_those_of_a_published_hdr_histogram() {
        let published =
            hdrhistogram::Histogram::<u64>::new_with_bounds(1, VALUE_NS_MAX, 2).unwrap();
        let mut value = 1u64;
        while value < VALUE_NS_MAX {
            for at in [value - 1, value, value + 1, value + value / 3] {
                let class = class_of(at.min(VALUE_NS_MAX));
                let at = at.min(VALUE_NS_MAX);
                assert_eq!(least_of(class), published.lowest_equivalent(at), "least of {at}");
                assert_eq!(greatest_of(class), published.highest_equivalent(at), "of {at}");
            }
            value = value * 5 / 4 + 1;
        }
        assert_eq!(class_of(VALUE_NS_MAX), CLASSES - 1);
        assert_eq!(published.distinct_values(), CLASSES);
    }

    #[test]
    fn quantiles_are_those_of_a_published_hdr_histogram() {
        let mut published =
            hdrhistogram::Histogram::<u64>::new_with_bounds(1, VALUE_NS_MAX, 2).unwrap();
        let mut value = 88_172_645_463_325_252u64;
        let values: Vec<u64> = (0..10_000)
            .map(|_| {
                value ^= value << 13;
                value ^= value >> 7;
                value ^= value << 17;
                1 + value % (1 << (value >> 59))
            })
            .collect();
        values.iter().for_each(|value| published.record(*value).unwrap());
        let latencies = of(&values);
        for quantile in [0.0, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0] {
            let expected = published.value_at_quantile(quantile).min(latencies.max_ns());
            assert_eq!(latencies.quantile_ns(quantile), expected, "{quantile}");
        }
        assert_eq!(latencies.samples(), published.len());
        assert_eq!(latencies.max_ns(), *values.iter().max().unwrap());
        let recorded: Vec<_> = published
            .iter_recorded()
            .map(|class| (class.value_iterated_to(), class.count_at_value()))
            .collect();
        assert_eq!(latencies.recorded().collect::<Vec<_>>(), recorded);
    }

    #[test]
    fn what_is_too_long_is_counted_as_saturated_and_stays_the_greatest() {
        let latencies = of(&[0, 5, VALUE_NS_MAX, VALUE_NS_MAX + 1, u64::MAX]);
        assert_eq!((latencies.samples(), latencies.saturated()), (5, 2));
        assert_eq!(latencies.max_ns(), u64::MAX);
        assert_eq!(latencies.quantile_ns(0.2), 0);
        assert_eq!(latencies.quantile_ns(1.0), VALUE_NS_MAX);
        assert_eq!(of(&[]).quantile_ns(0.5), 0);
    }

    #[test]
    fn the_difference_of_two_looks_is_what_came_between() {
        let (before, after) = (of(&[100, 1_000_000]), of(&[100, 1_000_000, 100, 5_000]));
        let between = after.since(&before);
        assert_eq!((between.samples(), between.quantile_ns(0.5)), (2, 100));
        assert_eq!(between.max_ns(), greatest_of(class_of(5_000)));
        assert!((between.mean_ns() - 2_550.0).abs() < 1e-9);
    }
}
