//! How full a ring is, seen from a thread that is at neither end.
//!
//! A gauge keeps the ring's memory and nothing else: the ends see each other go as before. Its figures
//! are read one by one, so a depth may be of a moment between two of them; it is never more than the
//! capacity.

use bytemuck::Pod;

use super::Shared;
use super::sync::{Arc, Ordering};

/// What a look found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RingLevel {
    /// Values that fit.
    pub capacity: u64,
    /// Values in the ring.
    pub depth: u64,
    /// Values that were read from it so far.
    pub passed: u64,
    /// How often the producer found it full and waited.
    pub stalls: u64,
}

/// See the module.
pub struct RingGauge(Box<dyn Fn() -> RingLevel + Send>);

impl RingGauge {
    pub(super) fn of<T: Pod + Send>(shared: Arc<Shared<T>>) -> RingGauge {
        RingGauge(Box::new(move || {
            // The head first: the tail is then never behind it.
            let head = shared.head.0.load(Ordering::Acquire);
            let tail = shared.tail.0.load(Ordering::Acquire);
            let capacity = shared.fixed.0.slots.capacity();
            RingLevel {
                capacity,
                depth: tail.wrapping_sub(head).min(capacity),
                passed: head,
                stalls: shared.fixed.0.stalls.load(Ordering::Relaxed),
            }
        }))
    }

    /// Looks at the ring.
    #[must_use]
    pub fn look(&self) -> RingLevel {
        (self.0)()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use core::sync::atomic::AtomicBool;

    use crate::ring::{WaitStrategy, Waiter, ring};

    use super::*;

    #[test]
    fn a_gauge_tells_how_full_its_ring_is_and_how_often_it_was_full() {
        let (mut producer, mut consumer) = ring::<u64>(4).unwrap();
        let gauge = producer.gauge();
        let level = |depth, passed, stalls| RingLevel { capacity: 4, depth, passed, stalls };
        assert_eq!(gauge.look(), level(0, 0, 0));
        assert_eq!(producer.push_slice(&[1, 2, 3, 4, 5]), 4);
        assert_eq!(gauge.look(), level(4, 0, 0));
        assert_eq!(consumer.try_pop(), Some(1));
        assert_eq!(gauge.look(), level(3, 1, 0));
        let (mut waiter, stop) = (Waiter::new(WaitStrategy::BusySpin), AtomicBool::new(true));
        assert!(producer.push_all(&[5, 6], &mut waiter, &stop).is_err());
        assert_eq!(gauge.look(), level(4, 1, 1));
        drop((producer, consumer));
        assert_eq!(gauge.look(), level(4, 1, 1), "the memory stays");
    }
}
