//! A slot that one thread writes and anybody reads without either waiting: a seqlock.
//!
//! ```text
//!  word 0        1 … n
//!  ├ sequence ─┼ what is published ┤   odd: being written; even: whole, and another one after each write
//! ```
//! The writer makes the sequence odd, writes the words, and makes it even again: it never waits, whatever
//! readers do. A reader that finds an odd sequence, or another one after it has read, tries again; after
//! [`TRIES_MAX`] it says so and leaves it to whoever asked. A writer that died within a write leaves an
//! odd sequence for good.
//!
//! Every word is an atomic and every access relaxed, so there is no data race in the memory model. The
//! order comes from fences (H.-J. Boehm, *Can seqlocks get along with programming language memory
//! models?*, MSPC 2012): a reader that sees a word of a write, then fences, sees the sequence odd or
//! later. `model` proves it over all orders.

use crate::memory::shared_words::{OwnWord, Word};

/// Reads of a slot before a reader gives up for now.
pub const TRIES_MAX: u32 = 1_000;

/// The slot was being written each time that it was read, or its writer died while it wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the slot was being written at each of {TRIES_MAX} reads, or its writer died while it wrote"
)]
pub struct Busy;

/// Publishes `words`, one less than the slot has. Only ever called by the slot's one writer.
#[inline(always)]
pub(crate) fn publish<W: OwnWord>(slot: &[W], words: &[u64]) {
    let Some((sequence, places)) = slot.split_first() else { return };
    debug_assert!(places.len() == words.len(), "Invariant: a slot is published whole");
    let before = sequence.get();
    sequence.set(before.wrapping_add(1));
    // No word is seen before the odd sequence.
    W::release_fence();
    for (place, word) in places.iter().zip(words) {
        place.set(*word);
    }
    // The even sequence is not seen before any word.
    W::release_fence();
    sequence.set(before.wrapping_add(2));
}

/// Reads a slot into `words`, one less than it has; gives how often it was published.
///
/// # Errors
/// If it was being written at every try. `words` then holds nothing of use.
#[inline]
pub(crate) fn read<W: Word>(slot: &[W], words: &mut [u64]) -> Result<u64, Busy> {
    for _ in 0..TRIES_MAX {
        if let Some(published) = try_read(slot, words) {
            return Ok(published);
        }
        core::hint::spin_loop();
    }
    Err(Busy)
}

/// One try of [`read`].
#[inline(always)]
pub(crate) fn try_read<W: Word>(slot: &[W], words: &mut [u64]) -> Option<u64> {
    let (sequence, places) = slot.split_first()?;
    let before = sequence.get();
    // No word is read before the sequence.
    W::acquire_fence();
    if before % 2 == 1 {
        return None;
    }
    for (place, word) in places.iter().zip(words) {
        *word = place.get();
    }
    // The sequence is not read again before any word.
    W::acquire_fence();
    (sequence.get() == before).then_some(before / 2)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use core::sync::atomic::AtomicU64;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    fn slot(words: usize) -> Vec<AtomicU64> {
        (0..=words).map(|_| AtomicU64::new(0)).collect()
    }

    #[test]
    fn what_is_published_is_read_and_counted() {
        let (slot, mut words) = (slot(3), [9; 3]);
        assert_eq!(read(&slot, &mut words), Ok(0));
        assert_eq!(words, [0; 3]);
        publish(&slot, &[1, 2, 3]);
        publish(&slot, &[4, 5, 6]);
        assert_eq!(read(&slot, &mut words), Ok(2));
        assert_eq!(words, [4, 5, 6]);
    }

    #[test]
    fn a_slot_whose_writer_died_while_it_wrote_is_busy_for_good() {
        let (slot, mut words) = (slot(1), [0]);
        slot[0].store(7, Ordering::Relaxed);
        assert_eq!(read(&slot, &mut words), Err(Busy));
    }

    #[test]
    fn readers_beside_a_writer_see_whole_values_that_never_go_back() {
        const WORDS: usize = 11;
        let (slot, stop) = (Arc::new(slot(WORDS)), Arc::new(AtomicBool::new(false)));
        let read = {
            let (slot, stop) = (slot.clone(), stop.clone());
            move || {
                let (mut last, mut reads) = (0, 0u64);
                while !stop.load(Ordering::Relaxed) || reads == 0 {
                    let mut words = [0; WORDS];
                    let Some(published) = try_read(&slot, &mut words) else { continue };
                    let expected: [u64; WORDS] =
                        core::array::from_fn(|at| published.wrapping_mul(at as u64 + 1));
                    assert_eq!(words, expected, "torn");
                    assert!(published >= last, "gone back");
                    (last, reads) = (published, reads + 1);
                }
                reads
            }
        };
        let reader = std::thread::spawn(read);
        for number in 1..=1_000_000u64 {
            let words: [u64; WORDS] = core::array::from_fn(|at| number.wrapping_mul(at as u64 + 1));
            publish(&slot, &words);
        }
        stop.store(true, Ordering::Relaxed);
        assert!(reader.join().unwrap() > 0);
    }
}

#[cfg(all(test, loom))]
mod model {
    use loom::sync::Arc;
    use loom::sync::atomic::{AtomicU64, Ordering, fence};
    use loom::thread;

    use super::*;

    struct Modelled(AtomicU64);

    impl Word for Modelled {
        fn get(&self) -> u64 {
            self.0.load(Ordering::Relaxed)
        }

        fn acquire_fence() {
            fence(Ordering::Acquire);
        }
    }

    impl OwnWord for Modelled {
        fn set(&self, value: u64) {
            self.0.store(value, Ordering::Relaxed);
        }

        fn release_fence() {
            fence(Ordering::Release);
        }
    }

    fn slot(words: usize) -> Arc<Vec<Modelled>> {
        Arc::new((0..=words).map(|_| Modelled(AtomicU64::new(0))).collect())
    }

    /// A value of two words that no mixture of two publications is.
    fn value(number: u64) -> [u64; 2] {
        [number, number + 100 * u64::from(number > 0)]
    }

    #[test]
    fn a_read_beside_writes_is_one_of_them_or_says_that_it_is_none() {
        loom::model(|| {
            let slot = slot(2);
            let writing = {
                let slot = slot.clone();
                thread::spawn(move || {
                    publish(&slot, &value(1));
                    publish(&slot, &value(2));
                })
            };
            let mut words = [0; 2];
            if let Some(published) = try_read(&slot, &mut words) {
                assert_eq!(words, value(published), "torn");
            }
            writing.join().unwrap();
            assert_eq!(try_read(&slot, &mut words), Some(2));
            assert_eq!(words, value(2));
        });
    }

    #[test]
    fn two_reads_one_after_the_other_never_go_back() {
        loom::model(|| {
            let slot = slot(2);
            let writing = {
                let slot = slot.clone();
                thread::spawn(move || publish(&slot, &value(1)))
            };
            let (mut first, mut second) = ([0; 2], [0; 2]);
            let reads = (try_read(&slot, &mut first), try_read(&slot, &mut second));
            if let (Some(earlier), Some(later)) = reads {
                assert!(earlier <= later);
                assert_eq!((first, second), (value(earlier), value(later)));
            }
            writing.join().unwrap();
        });
    }

    #[test]
    fn readers_do_not_disturb_each_other_nor_the_writer() {
        loom::model(|| {
            let slot = slot(1);
            let read = |slot: &Vec<Modelled>| {
                let mut words = [0];
                if let Some(published) = try_read(slot, &mut words) {
                    assert_eq!(words, [published]);
                }
            };
            let reading = {
                let slot = slot.clone();
                thread::spawn(move || read(&slot))
            };
            let writing = {
                let slot = slot.clone();
                thread::spawn(move || publish(&slot, &[1]))
            };
            read(&slot);
            reading.join().unwrap();
            writing.join().unwrap();
            let mut words = [0];
            assert_eq!((try_read(&slot, &mut words), words), (Some(1), [1]));
        });
    }
}
