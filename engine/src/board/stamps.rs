//! When packets arrived, from the ingest thread to the shards that apply them.
//!
//! The ingest thread writes a [`Stamp`] for each packet before it hands the packet on; every shard reads
//! them all, and finds by an event's position which packet it came with. A ring of seqlocks, as many as
//! whoever makes it says: the writer never waits. **Late**: a shard that is more than so many packets behind finds stamps
//! of its packets overwritten, and counts how many; their latencies are missing, nothing else is.
//! Nothing of it reaches `apply`.

use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

use super::seqlock;
use crate::clock::Ticks;
use crate::units::Position;

/// Stamps that are kept for shards on threads of their own, which may lag.
pub const STAMPS_THREADS: usize = 4096;

/// Stamps that are kept for a shard on the ingest thread: it reads each before the next is written. Few,
/// so that they stay in the first cache.
pub const STAMPS_INLINE: usize = 8;

/// Words of a slot: a cache line.
const SLOT_WORDS: usize = 8;

/// No wire time is known.
const NO_WIRE: u64 = u64::MAX;

/// When a packet was where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The packet's messages have positions behind this one.
    pub before: Position,
    /// In the ingest thread's hands.
    pub received: Ticks,
    /// Its record is appended.
    pub accepted: Ticks,
    /// From the kernel's time of it until it was received; `None` where nothing was on a wire.
    pub wire_ns: Option<u64>,
}

/// What both ends share.
struct Ring {
    /// Stamps written.
    written: AtomicU64,
    slots: Box<[[AtomicU64; SLOT_WORDS]]>,
}

/// The ingest thread's end.
pub struct StampWriter {
    ring: Arc<Ring>,
    next: u64,
}

/// A shard's end.
pub struct StampReader {
    ring: Arc<Ring>,
    next: u64,
    missed: u64,
}

/// Makes a ring of so many stamps, and gives its writing end.
///
/// # Panics
/// If it is no power of two.
#[must_use]
pub fn stamps(count: usize) -> StampWriter {
    assert!(count.is_power_of_two(), "Invariant: {count} stamps are a power of two");
    let slots = (0..count).map(|_| [const { AtomicU64::new(0) }; SLOT_WORDS]).collect();
    StampWriter { ring: Arc::new(Ring { written: AtomicU64::new(0), slots }), next: 0 }
}

impl Ring {
    /// The slot of a stamp.
    #[inline(always)]
    fn slot(&self, number: u64) -> &[AtomicU64; SLOT_WORDS] {
        &self.slots[number as usize & (self.slots.len() - 1)]
    }

    /// How often its slot is published once a stamp is in it.
    #[inline(always)]
    fn published(&self, number: u64) -> u64 {
        (number >> self.slots.len().trailing_zeros()) + 1
    }
}

impl StampWriter {
    /// A reading end, that begins with the next stamp.
    #[must_use]
    pub fn reader(&self) -> StampReader {
        StampReader { ring: Arc::clone(&self.ring), next: self.next, missed: 0 }
    }

    /// Writes the stamp of the next packet.
    #[inline(always)]
    pub fn write(&mut self, stamp: &Stamp) {
        let wire_ns = stamp.wire_ns.map_or(NO_WIRE, |ns| ns.min(NO_WIRE - 1));
        let words = [stamp.before.0, stamp.received.0, stamp.accepted.0, wire_ns, 0, 0, 0];
        seqlock::publish(self.ring.slot(self.next), &words);
        self.next += 1;
        // Release: who sees the count sees the stamp.
        self.ring.written.store(self.next, Ordering::Release);
    }
}

impl StampReader {
    /// The next stamp, without taking it; `None` where none is written.
    #[inline]
    pub fn peek(&mut self) -> Option<Stamp> {
        loop {
            let written = self.ring.written.load(Ordering::Acquire);
            if self.next >= written {
                return None;
            }
            let (slot, published) = (self.ring.slot(self.next), self.ring.published(self.next));
            let mut words = [0; SLOT_WORDS - 1];
            if seqlock::try_read(slot, &mut words) == Some(published) {
                let [before, received, accepted, wire_ns, ..] = words;
                return Some(Stamp {
                    before: Position(before),
                    received: Ticks(received),
                    accepted: Ticks(accepted),
                    wire_ns: (wire_ns != NO_WIRE).then_some(wire_ns),
                });
            }
            // Overwritten, or being so: half a lap behind the writer nothing is.
            let half = self.ring.slots.len() as u64 / 2;
            let next = written.saturating_sub(half).max(self.next + 1);
            self.missed += next - self.next;
            self.next = next;
        }
    }

    /// Passes over stamps of packets that end before a message at `position`: the next one is then the last
    /// that begins before it. By halving, so that a shard that had nothing for long is not held up.
    pub fn pass_to(&mut self, position: Position) {
        let written = self.ring.written.load(Ordering::Acquire);
        // The stamp at `low` begins before the position, or is too old to tell; that at `high` does not, or
        // is not there.
        let (mut low, mut high) = (self.next, written);
        while low + 1 < high {
            let middle = low + (high - low) / 2;
            match self.before(middle) {
                Some(before) if before >= position => high = middle,
                _ => low = middle,
            }
        }
        self.next = low;
    }

    /// Where the packet of a stamp begins; `None` where the stamp is overwritten.
    fn before(&self, number: u64) -> Option<Position> {
        let mut words = [0; SLOT_WORDS - 1];
        let published = seqlock::try_read(self.ring.slot(number), &mut words)?;
        (published == self.ring.published(number)).then_some(Position(words[0]))
    }

    /// Takes what [`StampReader::peek`] gave.
    #[inline]
    pub fn take(&mut self) {
        self.next += 1;
    }

    /// Stamps that were overwritten before they were read.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn stamp(number: u64) -> Stamp {
        let wire_ns = number.is_multiple_of(3).then_some(number);
        let (received, accepted) = (Ticks(number + 1), Ticks(number + 2));
        Stamp { before: Position(number * 10), received, accepted, wire_ns }
    }

    #[test]
    fn stamps_come_in_order_each_once() {
        let mut writer = stamps(STAMPS_THREADS);
        let (mut one, mut other) = (writer.reader(), writer.reader());
        assert_eq!(one.peek(), None);
        for number in 0..10_000 {
            writer.write(&stamp(number));
            assert_eq!(one.peek(), Some(stamp(number)));
            assert_eq!(one.peek(), Some(stamp(number)), "not taken");
            one.take();
        }
        assert_eq!((one.peek(), one.missed()), (None, 0));
        let first = other.peek().map(|stamp| stamp.before.0 / 10);
        assert_eq!(first, Some(other.missed()), "what is missed is counted");
        assert_eq!(other.missed(), 10_000 - STAMPS_THREADS as u64 / 2);
    }

    #[test]
    fn stamps_of_packets_that_are_of_no_interest_are_passed_over() {
        let mut writer = stamps(STAMPS_THREADS);
        let mut reader = writer.reader();
        reader.pass_to(Position(5));
        assert_eq!(reader.peek(), None);
        (0..1_000).for_each(|number| writer.write(&stamp(number)));
        // Number n begins behind position 10 n, so a message at 501 to 510 came with number 50.
        for (position, number) in [(501, 50), (501, 50), (510, 50), (511, 51), (9_991, 999)] {
            reader.pass_to(Position(position));
            assert_eq!(reader.peek(), Some(stamp(number)), "{position}");
        }
        reader.pass_to(Position(1));
        assert_eq!(reader.peek(), Some(stamp(999)), "never back");
        assert_eq!(reader.missed(), 0);
        // What is overwritten begins before whatever is still there.
        (1_000..20_000).for_each(|number| writer.write(&stamp(number)));
        reader.pass_to(Position(199_991));
        assert_eq!((reader.peek(), reader.missed()), (Some(stamp(19_999)), 0));
    }

    #[test]
    fn a_reader_that_lags_beside_a_writer_sees_whole_stamps_in_order() {
        let mut writer = stamps(STAMPS_THREADS);
        let mut reader = writer.reader();
        let writing = std::thread::spawn(move || {
            (0..2_000_000).for_each(|number| writer.write(&stamp(number)));
        });
        let (mut next, mut seen) = (0, 0u64);
        loop {
            let ended = writing.is_finished();
            while let Some(seen_stamp) = reader.peek() {
                reader.take();
                let number = seen_stamp.before.0 / 10;
                assert!(number >= next);
                assert_eq!(seen_stamp, stamp(number));
                (next, seen) = (number + 1, seen + 1);
            }
            if ended {
                break;
            }
        }
        writing.join().unwrap();
        assert_eq!((next, seen + reader.missed()), (2_000_000, 2_000_000));
    }
}
