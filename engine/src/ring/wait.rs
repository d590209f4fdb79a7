//! How a thread waits while its rings have nothing for it.
//!
//! A [`Waiter`] belongs to one thread. Its owner looks at its rings in a loop, calls
//! [`Waiter::wait`] after a look that found nothing, and [`Waiter::reset`] after one that found
//! something. The rings' other ends hold [`Waker`]s of it where it parks.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;
use std::sync::PoisonError;

use super::sync::{self, Arc, AtomicBool, Condvar, Mutex, Ordering, fence};

/// What a thread does while there is nothing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitStrategy {
    /// Looks again at once. The lowest latency; takes a whole core.
    BusySpin,
    /// Looks again at once, `spins` times; then gives the core away between looks. For threads that
    /// have no core of their own.
    SpinThenYield {
        /// Looks before the first yield.
        spins: u32,
    },
    /// Looks again for some microseconds, then sleeps until the other end wakes it.
    Park,
    /// Sleeps for `period` between looks. Nobody has to wake it; for cold threads.
    Interval {
        /// Time asleep.
        period: Duration,
    },
}

impl WaitStrategy {
    /// `spin-then-yield` without a number: some tens of microseconds.
    const SPINS: u32 = 1_000;
    /// `interval` without a duration.
    const PERIOD: Duration = Duration::from_micros(100);
}

/// A text is no wait strategy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no wait strategy {given:?}: it is busy-spin, spin-then-yield[:SPINS], park or \
     interval[:DURATION] with a duration above 0 such as 100us, 5ms, 1s"
)]
pub struct WaitStrategyError {
    /// What was given.
    pub given: String,
}

impl FromStr for WaitStrategy {
    type Err = WaitStrategyError;

    fn from_str(text: &str) -> Result<Self, WaitStrategyError> {
        let (name, value) = match text.split_once(':') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        let strategy = match (name, value) {
            ("busy-spin", None) => Some(WaitStrategy::BusySpin),
            ("spin-then-yield", None) => {
                Some(WaitStrategy::SpinThenYield { spins: WaitStrategy::SPINS })
            }
            ("spin-then-yield", Some(spins)) => {
                spins.parse().ok().map(|spins| WaitStrategy::SpinThenYield { spins })
            }
            ("park", None) => Some(WaitStrategy::Park),
            ("interval", None) => Some(WaitStrategy::Interval { period: WaitStrategy::PERIOD }),
            ("interval", Some(period)) => {
                duration(period).map(|period| WaitStrategy::Interval { period })
            }
            _ => None,
        };
        strategy.ok_or_else(|| WaitStrategyError { given: text.to_owned() })
    }
}

/// A whole number of a unit, as configuration and command line write durations; none is no duration.
fn duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit_ns = UNITS.iter().find(|(name, _)| *name == unit)?.1;
    let ns = number.parse::<u64>().ok()?.checked_mul(unit_ns)?;
    (ns > 0).then(|| Duration::from_nanos(ns))
}

/// Units of a duration, in ns, the largest first.
const UNITS: [(&str, u64); 4] = [("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000), ("ns", 1)];

/// As it is read: the same strategy comes out.
impl fmt::Display for WaitStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            WaitStrategy::BusySpin => f.write_str("busy-spin"),
            WaitStrategy::SpinThenYield { spins: WaitStrategy::SPINS } => {
                f.write_str("spin-then-yield")
            }
            WaitStrategy::SpinThenYield { spins } => write!(f, "spin-then-yield:{spins}"),
            WaitStrategy::Park => f.write_str("park"),
            WaitStrategy::Interval { period: WaitStrategy::PERIOD } => f.write_str("interval"),
            WaitStrategy::Interval { period } => {
                let ns = period.as_nanos();
                let (name, unit_ns) = UNITS
                    .iter()
                    .find(|(_, unit_ns)| ns.is_multiple_of(u128::from(*unit_ns)))
                    .unwrap_or(&UNITS[3]);
                write!(f, "interval:{}{name}", ns / u128::from(*unit_ns))
            }
        }
    }
}

/// Why a wait ended without what was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Closed {
    /// The other end was dropped; a consumer has taken all that was pushed before.
    #[error("the other end of the ring is gone")]
    Abandoned,
    /// The stop flag is set.
    #[error("the wait at the ring was stopped")]
    Stopped,
}

/// Looks of [`WaitStrategy::Park`] before it parks: waking a thread costs the other end a system
/// call and this one some microseconds, so a short wait is spun through. A model has none.
const LOOKS_BEFORE_PARK: u32 = if cfg!(loom) { 0 } else { 200 };

/// Longest time parked. No wake-up is ever lost, but a flag that stands in no ring wakes nobody.
const PARKED_MAX: Duration = Duration::from_millis(50);

/// Waits as its [`WaitStrategy`] says. One a thread, for all rings that the thread looks at.
pub struct Waiter {
    strategy: WaitStrategy,
    /// Waits since the last progress.
    waits: u32,
    parking: Option<Parking>,
}

/// The waiting side of [`Waker`].
struct Parking {
    shared: Arc<Parked>,
    /// Whether this thread said that it is about to park and has not seen a wake-up since.
    announced: bool,
}

struct Parked {
    /// Set by the waiter before its last look at the rings, cleared by whoever wakes it.
    announced: AtomicBool,
    /// Held between the last look at `announced` and the sleep. Reached only about a park, never
    /// while there is work.
    asleep: Mutex<()>,
    woken: Condvar,
}

impl Parked {
    /// Changes the flag; `false` if another thread has done it already.
    ///
    /// Always an exchange, though a store would do in some places: loom knows the order of exchanges
    /// of two threads, of their stores it allows orders that no processor does.
    fn change(&self, from: bool, to: bool, success: Ordering) -> bool {
        self.announced.compare_exchange(from, to, success, Ordering::Relaxed).is_ok()
    }
}

impl Waiter {
    /// A waiter, to be used by one thread.
    #[must_use]
    pub fn new(strategy: WaitStrategy) -> Self {
        let parking = (strategy == WaitStrategy::Park).then(|| Parking {
            shared: Arc::new(Parked {
                announced: AtomicBool::new(false),
                asleep: Mutex::new(()),
                woken: Condvar::new(),
            }),
            announced: false,
        });
        Waiter { strategy, waits: 0, parking }
    }

    /// How it waits.
    #[must_use]
    pub fn strategy(&self) -> WaitStrategy {
        self.strategy
    }

    /// For the other ends of all rings that this thread waits at, and for whoever stops it. `None` if
    /// the strategy needs nobody to wake it.
    #[must_use]
    pub fn waker(&self) -> Option<Waker> {
        self.parking.as_ref().map(|parking| Waker { parked: parking.shared.clone() })
    }

    /// Waits a little. To be called in a loop, each time after a fresh look at *all* that may bring
    /// work.
    #[inline]
    pub fn wait(&mut self) {
        match self.strategy {
            WaitStrategy::BusySpin => sync::spin(),
            WaitStrategy::SpinThenYield { spins } => {
                if self.looks_again(spins) {
                    sync::spin();
                } else {
                    sync::yield_now();
                }
            }
            WaitStrategy::Park => {
                if self.looks_again(LOOKS_BEFORE_PARK) {
                    sync::spin();
                } else if let Some(parking) = &mut self.parking {
                    parking.wait();
                }
            }
            WaitStrategy::Interval { period } => sync::sleep(period),
        }
    }

    /// There was something to do: the next wait is the first of its row.
    #[inline]
    pub fn reset(&mut self) {
        self.waits = 0;
        if let Some(parking) = &mut self.parking {
            parking.withdraw();
        }
    }

    #[inline(always)]
    fn looks_again(&mut self, looks: u32) -> bool {
        let again = self.waits < looks;
        self.waits += u32::from(again);
        again
    }
}

impl Parking {
    /// Says that it will park, and lets its caller look again; the next time, parks.
    ///
    /// That no wake-up is lost: this thread sets the flag, passes a full fence and looks at the rings;
    /// the other publishes, passes a full fence and looks at the flag. One of the fences is first in
    /// the one order that all such fences have. If ours is, the other sees the flag and clears it,
    /// and a cleared flag keeps this thread from sleeping, or wakes it. If the other's is, our look
    /// sees what it published.
    #[cold]
    fn wait(&mut self) {
        if !self.announced {
            self.announced = true;
            self.shared.change(false, true, Ordering::Relaxed);
            fence(Ordering::SeqCst);
            return;
        }
        // A thread that panicked with the lock held changed nothing: it protects no value.
        let asleep = self.shared.asleep.lock().unwrap_or_else(PoisonError::into_inner);
        if self.shared.announced.load(Ordering::Relaxed) {
            drop(self.shared.woken.wait_timeout(asleep, PARKED_MAX));
        }
        // Acquire: with the cleared flag comes what was published before it was cleared. If it is
        // not cleared, the time was up: the announcement stands.
        self.announced = self.shared.announced.load(Ordering::Acquire);
    }

    #[inline]
    fn withdraw(&mut self) {
        if self.announced {
            // Whoever is waking us just now clears it too, or wakes us from a later park for nothing.
            self.shared.change(true, false, Ordering::Relaxed);
            self.announced = false;
        }
    }
}

/// Wakes the thread of a [`Waiter`] that parks.
#[derive(Clone)]
pub struct Waker {
    parked: Arc<Parked>,
}

impl Waker {
    /// Wakes the thread if it is parked or about to be. To be called after what it shall see was
    /// published. Costs a full fence, and a system call if the thread does sleep.
    #[inline]
    pub fn wake(&self) {
        fence(Ordering::SeqCst);
        if self.parked.announced.load(Ordering::Relaxed) {
            self.unpark();
        }
    }

    #[cold]
    fn unpark(&self) {
        // Of several that saw the flag one wakes. Release: what was published comes with it.
        if self.parked.change(true, false, Ordering::AcqRel) {
            // With the lock: the thread has not looked at the flag yet, or sleeps.
            let asleep = self.parked.asleep.lock().unwrap_or_else(PoisonError::into_inner);
            self.parked.woken.notify_one();
            drop(asleep);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strategy_is_read_as_it_is_written() {
        for text in [
            "busy-spin",
            "spin-then-yield",
            "spin-then-yield:0",
            "spin-then-yield:4294967295",
            "park",
            "interval",
            "interval:1ns",
            "interval:250us",
            "interval:20ms",
            "interval:3s",
        ] {
            let strategy: WaitStrategy = text.parse().unwrap();
            assert_eq!(strategy.to_string(), text);
        }
        let period = Duration::from_micros(1_500);
        assert_eq!("interval:1500us".parse(), Ok(WaitStrategy::Interval { period }));
        assert_eq!("spin-then-yield:7".parse(), Ok(WaitStrategy::SpinThenYield { spins: 7 }));
    }

    #[test]
    fn what_is_no_strategy_is_told() {
        for text in [
            "",
            "spin",
            "busy-spin:3",
            "park:1ms",
            "Park",
            "spin-then-yield:",
            "spin-then-yield:-1",
            "interval:",
            "interval:5",
            "interval:0ms",
            "interval:ms",
            "interval:1h",
            "interval:18446744073709551615s",
        ] {
            let error = text.parse::<WaitStrategy>().unwrap_err();
            assert_eq!(error.given, text);
            assert!(error.to_string().contains(&format!("{text:?}")));
        }
    }
}
