//! A clock for measuring: the processor's time-stamp counter where it runs evenly, else the system's
//! monotonic clock. Never reached by `apply`: what the engine computes depends on no clock.
//!
//! A reading is a [`Ticks`]; a difference of two becomes nanoseconds by a rate that is measured once,
//! when the [`Clock`] starts, against the monotonic clock over [`CALIBRATION`]: to some 10 parts in a
//! million, which is nothing for a latency and too much for a date. Wall-clock time comes from an
//! [`Anchor`], a pair of readings taken anew from time to time.
//!
//! Readings on one thread never go back. Between threads they agree where the kernel itself keeps time
//! by the counter; a difference that would be negative is zero.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::units::Nanos;

/// How long the counter is held against the monotonic clock.
pub const CALIBRATION: Duration = Duration::from_millis(5);

/// Bits behind the point of nanoseconds a tick.
const FRACTION_BITS: u32 = 32;

/// A reading of a [`Clock`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticks(pub u64);

/// What a [`Clock`] reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockKind {
    /// The processor's time-stamp counter.
    Tsc,
    /// The system's monotonic clock.
    Monotonic,
}

impl ClockKind {
    /// As results name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ClockKind::Tsc => "tsc",
            ClockKind::Monotonic => "monotonic",
        }
    }
}

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    kind: ClockKind,
    /// Zero of the monotonic clock.
    start: Instant,
    /// Nanoseconds a tick, with [`FRACTION_BITS`] behind the point.
    rate: u64,
}

impl Clock {
    /// Starts a clock; takes [`CALIBRATION`] where there is a counter.
    #[must_use]
    pub fn start() -> Clock {
        let monotonic =
            Clock { kind: ClockKind::Monotonic, start: Instant::now(), rate: 1 << FRACTION_BITS };
        if !tsc::is_even() {
            return monotonic;
        }
        let (ticks, time) = pair();
        std::thread::sleep(CALIBRATION);
        let (later, end) = pair();
        let (ticks, ns) = (later.wrapping_sub(ticks), end.duration_since(time).as_nanos());
        match (ns << FRACTION_BITS).checked_div(u128::from(ticks)) {
            // A counter of less than 1 MHz or more than 100 GHz is none.
            Some(rate) if (1 << (FRACTION_BITS - 7)..1000 << FRACTION_BITS).contains(&rate) => {
                Clock { kind: ClockKind::Tsc, rate: rate as u64, ..monotonic }
            }
            _ => monotonic,
        }
    }

    /// What it reads.
    #[must_use]
    pub fn kind(&self) -> ClockKind {
        self.kind
    }

    /// A reading.
    #[inline(always)]
    #[must_use]
    pub fn now(&self) -> Ticks {
        match self.kind {
            ClockKind::Tsc => Ticks(tsc::read()),
            ClockKind::Monotonic => Ticks(self.start.elapsed().as_nanos() as u64),
        }
    }

    /// A reading behind a barrier: whatever stands before it in the program is done by then, also a load that
    /// had to wait for memory. Some 8 ns more than [`Clock::now`] where nothing is waited for.
    #[inline(always)]
    #[must_use]
    pub fn now_ordered(&self) -> Ticks {
        match self.kind {
            ClockKind::Tsc => Ticks(tsc::read_ordered()),
            // The kernel's library has a barrier of its own.
            ClockKind::Monotonic => self.now(),
        }
    }

    /// Nanoseconds from `earlier` to `later`; 0 where it is not later.
    #[inline(always)]
    #[must_use]
    pub fn ns_between(&self, earlier: Ticks, later: Ticks) -> u64 {
        let ticks = later.0.saturating_sub(earlier.0);
        ((u128::from(ticks) * u128::from(self.rate)) >> FRACTION_BITS) as u64
    }

    /// How many ticks there are in so many nanoseconds.
    #[must_use]
    pub fn ticks_of_ns(&self, ns: u64) -> u64 {
        ((u128::from(ns) << FRACTION_BITS) / u128::from(self.rate)) as u64
    }

    /// Ties readings to the wall clock, as of now.
    #[must_use]
    pub fn anchor(&self) -> Anchor {
        // The narrowest of a few tries: an interrupt between the two would tear them apart.
        let tries = (0..3).map(|_| {
            let before = self.now();
            let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let after = self.now();
            let unix = Nanos(i64::try_from(unix.as_nanos()).unwrap_or(i64::MAX));
            (after.0.saturating_sub(before.0), Anchor { ticks: before, unix })
        });
        tries.min_by_key(|(width, _)| *width).map_or_else(Anchor::default, |(_, anchor)| anchor)
    }
}

/// A reading and the wall-clock time at it. Good for some seconds: the two clocks drift apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Anchor {
    ticks: Ticks,
    unix: Nanos,
}

impl Anchor {
    /// When it was taken.
    #[inline]
    #[must_use]
    pub fn ticks(&self) -> Ticks {
        self.ticks
    }

    /// The wall-clock time, UTC epoch ns, at a reading not before the anchor's.
    #[inline]
    #[must_use]
    pub fn unix(&self, clock: &Clock, at: Ticks) -> Nanos {
        let since = clock.ns_between(self.ticks, at);
        Nanos(self.unix.0.saturating_add_unsigned(since))
    }
}

/// The counter and the monotonic clock at the same moment, as far as that can be.
fn pair() -> (u64, Instant) {
    let tries = (0..5).map(|_| {
        let before = tsc::read();
        let time = Instant::now();
        let after = tsc::read();
        (after.wrapping_sub(before), before.wrapping_add(after.wrapping_sub(before) / 2), time)
    });
    let narrowest = tries.min_by_key(|(width, ..)| *width);
    narrowest.map_or_else(|| (0, Instant::now()), |(_, ticks, time)| (ticks, time))
}

#[cfg(target_arch = "x86_64")]
mod tsc {
    use core::arch::x86_64::{__cpuid, _mm_lfence, _rdtsc};

    /// Leaf with the highest extended leaf, and the one that tells of an invariant counter
    /// (Intel SDM volume 2A, CPUID; AMD APM volume 3, E.4.6).
    const EXTENDED: u32 = 0x8000_0000;
    const POWER: u32 = 0x8000_0007;
    const INVARIANT: u32 = 1 << 8;

    /// What the kernel itself keeps time by.
    const CLOCK_SOURCE: &str = "/sys/devices/system/clocksource/clocksource0/current_clocksource";

    /// Whether the counter runs at one rate whatever the processor's clock and sleep, and the kernel has
    /// not found it to differ between cores: it then keeps time by another source.
    pub(super) fn is_even() -> bool {
        let is_invariant = __cpuid(EXTENDED).eax >= POWER && __cpuid(POWER).edx & INVARIANT != 0;
        // Where that cannot be read, the processor is taken at its word.
        let source = std::fs::read_to_string(CLOCK_SOURCE);
        is_invariant && source.map_or(true, |source| matches!(source.trim(), "tsc" | "kvm-clock"))
    }

    /// Reads it. Not a barrier: what stands near it in the program may be done on its other side, by
    /// some ten nanoseconds.
    #[inline(always)]
    pub(super) fn read() -> u64 {
        // SAFETY: every x86-64 processor has the instruction; where a kernel forbids it to programs
        // (prctl PR_SET_TSC), it is a fault, and Linux forbids it to nobody who did not ask for that.
        unsafe { _rdtsc() }
    }

    /// Reads it behind a barrier for loads (Intel SDM volume 2B, RDTSC).
    #[inline(always)]
    pub(super) fn read_ordered() -> u64 {
        // SAFETY: the barrier is part of SSE2, which every x86-64 processor has; for the reading see `read`.
        unsafe {
            _mm_lfence();
            _rdtsc()
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod tsc {
    pub(super) fn is_even() -> bool {
        false
    }

    pub(super) fn read() -> u64 {
        0
    }

    pub(super) fn read_ordered() -> u64 {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_agrees_with_the_system_s_and_never_goes_back() {
        let clock = Clock::start();
        let (begin, start) = (clock.now(), Instant::now());
        let mut last = begin;
        while start.elapsed() < Duration::from_millis(20) {
            let now = clock.now_ordered();
            assert!(now >= last);
            last = now;
        }
        let (measured, end) = (clock.ns_between(begin, clock.now()), start.elapsed());
        let true_ns = end.as_nanos() as f64;
        // A core that is taken away between two readings of the clocks moves one of them only.
        assert!(measured as f64 >= true_ns * 0.99, "{measured} against {true_ns}");
        assert_eq!(clock.ns_between(last, begin), 0, "not later is no time");
    }

    #[test]
    fn ticks_and_nanoseconds_are_each_other_s_inverse() {
        let two_ghz = Clock { kind: ClockKind::Tsc, start: Instant::now(), rate: 1 << 31 };
        assert_eq!(two_ghz.ns_between(Ticks(1_000), Ticks(3_000)), 1_000);
        assert_eq!(two_ghz.ticks_of_ns(1_000), 2_000);
        // A year does not overflow.
        assert_eq!(two_ghz.ns_between(Ticks(0), Ticks(63_072_000 << 30)), 31_536_000 << 30);
    }

    #[test]
    fn an_anchor_tells_the_wall_clock() {
        let clock = Clock::start();
        let before = SystemTime::now();
        let anchor = clock.anchor();
        let told = anchor.unix(&clock, clock.now());
        let after = SystemTime::now();
        let ns = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap().as_nanos() as i64;
        assert!(told.0 >= ns(before) - 1_000_000 && told.0 <= ns(after) + 1_000_000);
    }
}
