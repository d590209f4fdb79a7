//! What the ring takes from the standard library to work between threads, in one place, so that
//! `--cfg loom` can put loom's models of the same things there.
//!
//! A build with `--cfg loom` is for `cargo xtask loom` alone: its atomics work only inside a model.

#[cfg(loom)]
pub(super) use loom::{
    cell::UnsafeCell,
    sync::atomic::{AtomicBool, AtomicU64, Ordering, fence},
    sync::{Arc, Mutex},
    thread::{self, Thread},
};
#[cfg(not(loom))]
use std::time::Duration;
#[cfg(not(loom))]
pub(super) use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering, fence},
    sync::{Arc, Mutex},
    thread::{self, Thread},
};

/// One turn of a loop that waits for another thread.
#[inline(always)]
pub(super) fn spin() {
    #[cfg(not(loom))]
    core::hint::spin_loop();
    // A model has to be told that this thread cannot go on before another one does.
    #[cfg(loom)]
    thread::yield_now();
}

/// Parks this thread, `longest` at most.
///
/// A model has no time: there it parks until it is woken, so that a lost wake-up is a deadlock, which
/// the model reports.
#[cfg(not(loom))]
pub(super) fn park(longest: Duration) {
    thread::park_timeout(longest);
}

/// See above.
#[cfg(loom)]
pub(super) fn park(_longest: core::time::Duration) {
    thread::park();
}

/// Sleeps; in a model, lets others go on.
#[cfg(not(loom))]
pub(super) fn sleep(period: Duration) {
    thread::sleep(period);
}

/// See above.
#[cfg(loom)]
pub(super) fn sleep(_period: core::time::Duration) {
    thread::yield_now();
}
