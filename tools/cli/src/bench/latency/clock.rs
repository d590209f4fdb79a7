//! The one clock of a row: nanoseconds since its zero, for whoever sends and whoever measures.
//!
//! Both threads of the wire's path read the same clock from the same zero, so that a time that one of
//! them has put into a message means the same to the other.

use engine::clock::Ticks;

/// Tells the time since a zero, and lets time pass.
pub(super) trait Clock {
    /// Since the zero, ns; never goes back.
    fn now_ns(&self) -> u64;

    /// One turn of a loop that waits until `until_ns`. It need not wait at all.
    fn wait(&self, until_ns: u64);
}

/// The engine's clock, read behind a barrier: what stands before a reading in the program is done by then,
/// also a load that had to wait for memory. Who waits for it spins, and reads it as often as it can.
///
/// A reading takes 20 ns here where the system's monotonic clock takes 30; half of one, from a moment to its
/// being noticed, and the whole of the last are in every time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steady {
    clock: engine::clock::Clock,
    zero: Ticks,
}

impl Steady {
    /// A clock whose zero is now.
    pub(super) fn start() -> Steady {
        let clock = engine::clock::Clock::start();
        Steady { clock, zero: clock.now_ordered() }
    }
}

impl Clock for Steady {
    #[inline]
    fn now_ns(&self) -> u64 {
        self.clock.ns_between(self.zero, self.clock.now_ordered())
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
