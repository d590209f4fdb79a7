//! Threads on cores of their own.
//!
//! Cores come from the configuration, never from a list of "available" ones: that list reflects the
//! mask of the moment and hides isolated cores. A core is set, then read back; one named twice is
//! refused before any thread starts, since two spinning threads on a core stop each other.

use core::fmt;

use rustix::thread::sched_getaffinity;

/// A logical core by the kernel's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Core(pub usize);

impl fmt::Display for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "core {}", self.0)
    }
}

/// Why a thread is not on its core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// Two threads were to have the same core.
    #[error("{core} is named for two threads")]
    Twice {
        /// The core.
        core: Core,
    },
    /// The kernel does not let this process use the core, or there is none of that number.
    #[error("{core} cannot be used: there is none, or this process may not run on it")]
    Refused {
        /// The core.
        core: Core,
    },
    /// The thread was to be on one core and is allowed others.
    #[error("{core} was set, but the thread may run on {allowed} cores")]
    NotTaken {
        /// The core.
        core: Core,
        /// Cores in the mask that was read back.
        allowed: u32,
    },
}

/// Refuses a core that is named twice.
///
/// # Errors
/// The first core that is.
pub fn refuse_twice(cores: impl IntoIterator<Item = Core>) -> Result<(), PinError> {
    let mut seen = Vec::new();
    for core in cores {
        if seen.contains(&core) {
            return Err(PinError::Twice { core });
        }
        seen.push(core);
    }
    Ok(())
}

/// Keeps the calling thread on `core` alone.
///
/// # Errors
/// If the kernel refuses, or reads back another mask.
pub fn pin_current_thread(core: Core) -> Result<(), PinError> {
    if !core_affinity::set_for_current(core_affinity::CoreId { id: core.0 }) {
        return Err(PinError::Refused { core });
    }
    let mask = sched_getaffinity(None).map_err(|_| PinError::Refused { core })?;
    if mask.count() == 1 && mask.is_set(core.0) {
        Ok(())
    } else {
        Err(PinError::NotTaken { core, allowed: mask.count() })
    }
}

/// Cores that this thread may run on.
#[must_use]
pub fn allowed_cores() -> Vec<Core> {
    let Ok(mask) = sched_getaffinity(None) else {
        return Vec::new();
    };
    (0..rustix::thread::CpuSet::MAX_CPU).filter(|&core| mask.is_set(core)).map(Core).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn a_thread_that_is_pinned_may_run_on_its_core_alone() {
        let last = *allowed_cores().last().unwrap();
        let pinned = thread::spawn(move || (pin_current_thread(last), allowed_cores()));
        assert_eq!(pinned.join().unwrap(), (Ok(()), vec![last]));
    }

    #[test]
    fn a_core_that_is_not_there_is_refused() {
        let core = Core(rustix::thread::CpuSet::MAX_CPU - 1);
        let refused = thread::spawn(move || pin_current_thread(core));
        assert_eq!(refused.join().unwrap(), Err(PinError::Refused { core }));
    }

    #[test]
    fn a_core_named_twice_is_refused() {
        let [a, b] = [Core(3), Core(5)];
        assert_eq!(refuse_twice([a, b]), Ok(()));
        assert_eq!(refuse_twice([a, b, a]), Err(PinError::Twice { core: a }));
    }
}
