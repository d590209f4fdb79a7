//! The one clock of a row: nanoseconds since its zero, for whoever sends and whoever measures.
//!
//! Both threads of the wire's path read the same clock from the same zero, so that a time that one of
//! them has put into a message means the same to the other.

use std::time::Instant;

/// Tells the time since a zero, and lets time pass.
pub(super) trait Clock {
    /// Since the zero, ns; never goes back.
    fn now_ns(&self) -> u64;

    /// One turn of a loop that waits until `until_ns`. It need not wait at all.
    fn wait(&self, until_ns: u64);
}

/// The system's monotonic clock. Who waits for it spins, and reads it as often as it can.
///
/// The kernel's library reads the processor's counter behind a barrier: what stands before a reading in
/// the program is done by then, also a load that had to wait for memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steady {
    zero: Instant,
}

impl Steady {
    /// A clock whose zero is now.
    pub(super) fn start() -> Steady {
        Steady { zero: Instant::now() }
    }
}

impl Clock for Steady {
    #[inline]
    fn now_ns(&self) -> u64 {
        // Five hundred years fit.
        self.zero.elapsed().as_nanos() as u64
    }

    #[inline]
    fn wait(&self, _until_ns: u64) {}
}

#[cfg(test)]
pub(super) mod hand {
    //! A clock that only a test moves.

    use std::cell::Cell;

    use super::Clock;

    /// Stands still but when it is moved on or waited for.
    #[derive(Debug, Default)]
    pub(in crate::bench::latency) struct HandMoved(Cell<u64>);

    impl HandMoved {
        /// Time passes.
        pub(in crate::bench::latency) fn pass(&self, ns: u64) {
            self.0.set(self.0.get() + ns);
        }
    }

    impl Clock for HandMoved {
        fn now_ns(&self) -> u64 {
            self.0.get()
        }

        fn wait(&self, until_ns: u64) {
            self.0.set(self.0.get().max(until_ns));
        }
    }
}
