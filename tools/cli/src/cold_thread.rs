//! Threads of a run that are not hot: they keep off the core of the one that starts them, where that has
//! one of its own.
//!
//! A thread begins with the mask of its starter, so one that the pinned ingest thread starts would wake
//! on its core. What the process was allowed when it began is noted first ([`note_cores`]); a cold
//! thread takes that, less the core it was born on.

use std::io;
use std::sync::OnceLock;
use std::thread::{Builder, JoinHandle};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Cores that the process was allowed when it began.
static ALLOWED: OnceLock<CpuSet> = OnceLock::new();

/// Notes what this process may use; before any thread is pinned.
pub(crate) fn note_cores() {
    if let Ok(allowed) = sched_getaffinity(None) {
        let _ = ALLOWED.set(allowed);
    }
}

/// Starts a thread off its starter's own core.
///
/// # Errors
/// The system gives no thread.
pub(crate) fn spawn<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    Builder::new().name(name.to_owned()).spawn(move || {
        if let (Some(allowed), Ok(born_with)) = (ALLOWED.get(), sched_getaffinity(None))
            && let Some(others) = others(allowed, &born_with)
        {
            // Refused, it is as any other thread.
            let _ = sched_setaffinity(None, &others);
        }
        work()
    })
}

/// The cores of `allowed` that are not in `born_with`; `None` where the thread was not born pinned, or
/// there are no others.
fn others(allowed: &CpuSet, born_with: &CpuSet) -> Option<CpuSet> {
    if born_with.count() >= allowed.count() {
        return None;
    }
    let mut others = CpuSet::new();
    let is_other = |core: &usize| allowed.is_set(*core) && !born_with.is_set(*core);
    (0..CpuSet::MAX_CPU).filter(is_other).for_each(|core| others.set(core));
    (others.count() > 0).then_some(others)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cores(cores: &[usize]) -> CpuSet {
        let mut set = CpuSet::new();
        cores.iter().for_each(|core| set.set(*core));
        set
    }

    #[test]
    fn a_thread_born_on_a_core_of_its_starter_s_own_keeps_off_it() {
        let others = |allowed: &[usize], born: &[usize]| others(&cores(allowed), &cores(born));
        assert_eq!(others(&[0, 1, 5], &[1]), Some(cores(&[0, 5])));
        assert_eq!(others(&[0, 1], &[0, 1]), None, "not pinned");
        assert_eq!(others(&[3], &[3]), None, "there is no other");
        // Pinned to an isolated core, which the mask of the start does not have.
        assert_eq!(others(&[0, 1], &[7]), Some(cores(&[0, 1])));
    }

    #[test]
    fn it_does_its_work_under_its_name() {
        note_cores();
        let named = spawn("cold", || std::thread::current().name().map(str::to_owned)).unwrap();
        assert_eq!(named.join().unwrap().as_deref(), Some("cold"));
    }
}
