//! What the ring takes from the standard library to work between threads, in one place, so that
//! `--cfg loom` can put loom's models of the same things there.
//!
//! A build with `--cfg loom` is for `cargo xtask loom` alone: its atomics work only inside a model.

#[cfg(loom)]
pub(super) use loom::{
    cell::UnsafeCell,
    sync::atomic::{AtomicBool, AtomicU64, Ordering, fence},
    sync::{Arc, Condvar, Mutex},
};
#[cfg(not(loom))]
pub(super) use std::sync::{
    Arc, Condvar, Mutex,
    atomic::{AtomicBool, AtomicU64, Ordering, fence},
};
use std::time::Duration;

/// One turn of a loop that waits for another thread.
#[inline(always)]
pub(super) fn spin() {
    #[cfg(not(loom))]
    core::hint::spin_loop();
    // A model has to be told that this thread cannot go on before another one does.
    #[cfg(loom)]
    loom::thread::yield_now();
}

/// Gives the core away.
pub(super) fn yield_now() {
    #[cfg(not(loom))]
    std::thread::yield_now();
    #[cfg(loom)]
    loom::thread::yield_now();
}

/// Sleeps. A model has no time: there it lets others go on.
pub(super) fn sleep(period: Duration) {
    #[cfg(not(loom))]
    std::thread::sleep(period);
    #[cfg(loom)]
    {
        let _ = period;
        loom::thread::yield_now();
    }
}
