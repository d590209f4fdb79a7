//! A bounded queue of plain old data between two pinned threads: one writes, one reads.
//!
//! ```text
//!                  head                    tail
//!   position        ▼                       ▼
//!   ──┬──────┬──────┬──────┬──────┬──────┬──────┬──────┬──
//!     │ free │ free │ full │ full │ full │ free │ free │      slot = position modulo capacity
//!   ──┴──────┴──────┴──────┴──────┴──────┴──────┴──────┴──
//!      producer's    consumer's           producer's
//! ```
//! `head` and `tail` count from the ring's start on and never wrap within its life (u64; a test may
//! start them just below the wrap, and arithmetic is modulo 2^64 throughout). The [`Producer`] alone
//! writes `tail`, after the slots before it; the [`Consumer`] alone writes `head`, after it is done
//! with the slots before it. Each stores its index with release ordering and loads the other's with
//! acquire ordering: that is all the synchronisation there is.
//!
//! **Full**: [`Producer::try_push`] gives the value back and [`Producer::claim`] has no slots; what
//! then happens is the caller's policy. **Empty**: nothing is read; a [`Waiter`] says how to wait.
//! **An end is dropped**: the other one sees it; what was published can still be read. Nothing is
//! ever overwritten, lost or seen half written. Values are plain old data, so none is dropped.
//!
//! Lines: `head`, `tail` and what both only read lie 128 bytes apart (processors fetch lines in
//! pairs); each end keeps a copy of its own index, and the other's as last seen, in its own handle, a
//! line that no other thread touches. So in a stream an end reads the other's line only when it has
//! used up what it saw there.
//!
//! Proofs: `cargo xtask loom` explores every order of the two threads' steps on rings of two slots.
//!
//! ```
//! use engine::ring::ring;
//!
//! let (mut producer, mut consumer) = ring::<u64>(8)?;
//! std::thread::spawn(move || {
//!     for value in 0..100 {
//!         while producer.try_push(value).is_err() {
//!             std::hint::spin_loop();
//!         }
//!     }
//! });
//! let mut sum = 0;
//! while !consumer.is_drained() {
//!     let batch = consumer.read(usize::MAX);
//!     sum += batch.iter().sum::<u64>();
//!     let count = batch.len();
//!     batch.release(count);
//! }
//! assert_eq!(sum, 4_950);
//! # Ok::<(), engine::ring::RingError>(())
//! ```

mod consumer;
mod gauge;
#[cfg(all(test, loom))]
mod model;
mod producer;
mod slots;
mod sync;
#[cfg(all(test, not(loom)))]
mod tests;
mod wait;

use bytemuck::Pod;

use crate::memory::MemoryError;
use slots::Slots;
use sync::{Arc, AtomicBool, AtomicU64};

pub use consumer::{Batch, Consumer};
pub use gauge::{RingGauge, RingLevel};
pub use producer::{Claim, Full, Producer, Unpushed};
pub use wait::{Closed, WaitStrategy, WaitStrategyError, Waiter, Waker};

/// Most bytes of slots: 16 GiB. All of it is touched, so a slip in a configuration is better refused.
const BYTES_MAX: usize = 16 << 30;

/// Why a ring cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum RingError {
    /// Positions become slots by a mask.
    #[error("a ring's capacity must be a power of two and at least 2, not {capacity}")]
    CapacityNotPowerOfTwo {
        /// What was asked for.
        capacity: usize,
    },
    /// The slots are touched when the ring is made, so they must fit in memory.
    #[error("a ring of {capacity} slots of {slot_bytes} bytes is larger than {BYTES_MAX} bytes")]
    TooLarge {
        /// What was asked for.
        capacity: usize,
        /// Bytes of one value.
        slot_bytes: usize,
    },
    /// The system refused the memory.
    #[error(transparent)]
    Memory(#[from] MemoryError),
}

/// A value with lines of its own.
#[repr(C, align(128))]
struct OwnLines<T>(T);

/// What the two ends share.
#[repr(C)]
struct Shared<T> {
    /// Position of the next value to be read. Written by the consumer.
    head: OwnLines<AtomicU64>,
    /// Position of the next value to be written. Written by the producer.
    tail: OwnLines<AtomicU64>,
    /// Read by both, not written until an end is dropped.
    fixed: OwnLines<Fixed<T>>,
}

struct Fixed<T> {
    slots: Slots<T>,
    producer_is_gone: AtomicBool,
    consumer_is_gone: AtomicBool,
    /// How often the producer found no room and waited. Written by the producer, then alone.
    stalls: AtomicU64,
}

#[cfg(not(loom))]
const _: () = {
    type S = Shared<[u64; 8]>;
    assert!(core::mem::offset_of!(S, head) == 0);
    assert!(core::mem::offset_of!(S, tail) == 128);
    assert!(core::mem::offset_of!(S, fixed) == 256);
    // Whole lines to both sides: a neighbour on the heap never shares one.
    assert!(size_of::<S>() == 384 && align_of::<S>() == 128);
    assert!(size_of::<Producer<[u64; 8]>>() == 128 && align_of::<Producer<[u64; 8]>>() == 128);
    assert!(size_of::<Consumer<[u64; 8]>>() == 128 && align_of::<Consumer<[u64; 8]>>() == 128);
};

/// Makes a ring of `capacity` slots, a power of two and at least 2, and gives its two ends.
///
/// The slots' memory is anonymous, asks for huge pages from 4 MiB on, and is touched here, so the
/// thread that makes the ring decides on which memory node it lies.
///
/// # Errors
/// If the capacity is no power of two, or too large, or the system refuses the memory.
pub fn ring<T: Pod>(capacity: usize) -> Result<(Producer<T>, Consumer<T>), RingError> {
    ring_from(0, capacity)
}

/// A ring whose ends wake each other where these waiters park.
///
/// # Errors
/// As [`ring`].
pub fn ring_between<T: Pod>(
    capacity: usize,
    producer_waiter: &Waiter,
    consumer_waiter: &Waiter,
) -> Result<(Producer<T>, Consumer<T>), RingError> {
    let (mut producer, mut consumer) = ring(capacity)?;
    producer.wake_with(consumer_waiter.waker());
    consumer.wake_with(producer_waiter.waker());
    Ok((producer, consumer))
}

/// A ring whose positions begin at `start`.
fn ring_from<T: Pod>(start: u64, capacity: usize) -> Result<(Producer<T>, Consumer<T>), RingError> {
    if capacity < 2 || !capacity.is_power_of_two() {
        return Err(RingError::CapacityNotPowerOfTwo { capacity });
    }
    if capacity.saturating_mul(size_of::<T>()) > BYTES_MAX {
        return Err(RingError::TooLarge { capacity, slot_bytes: size_of::<T>() });
    }
    let shared = Arc::new(Shared {
        head: OwnLines(AtomicU64::new(start)),
        tail: OwnLines(AtomicU64::new(start)),
        fixed: OwnLines(Fixed {
            slots: Slots::new(capacity)?,
            producer_is_gone: AtomicBool::new(false),
            consumer_is_gone: AtomicBool::new(false),
            stalls: AtomicU64::new(0),
        }),
    });
    Ok((Producer::new(shared.clone(), start), Consumer::new(shared, start)))
}
