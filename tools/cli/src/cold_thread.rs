//! Threads of a run that are not hot: they keep off the core of the one that starts them, where that has
//! one of its own.
//!
//! A thread begins with the mask of its starter, so one that the pinned ingest thread starts would wake
//! on its core. What the process was allowed when it began is noted first ([`note_cores`]); a cold
//! thread takes that, less the core it was born on.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
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

/// A cold thread that goes on until its owner ends it. Dropped, it is told, woken and waited for.
pub(crate) struct Lasting {
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Lasting {
    /// Starts a thread, which looks whether it is to end; where it parks, its end wakes it.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn start(
        name: &str,
        work: impl FnOnce(&AtomicBool) + Send + 'static,
    ) -> io::Result<Lasting> {
        let ends = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&ends);
        let thread = Some(spawn(name, move || work(&told))?);
        Ok(Lasting { ends, thread })
    }
}

impl Drop for Lasting {
    fn drop(&mut self) {
        // Release: it sees what was done before.
        self.ends.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // What a panic there has to say is on stderr.
            let _ = thread.join();
        }
    }
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
    fn a_lasting_thread_that_sleeps_is_woken_by_its_end_and_waited_for() {
        let looks = Arc::new(std::sync::Mutex::new(Vec::new()));
        let told = Arc::clone(&looks);
        let lasting = Lasting::start("lasting", move |ends| {
            while !ends.load(Ordering::Acquire) {
                told.lock().unwrap().push("looked");
                std::thread::park();
            }
            told.lock().unwrap().push("ended");
        });
        drop(lasting.unwrap());
        assert_eq!(looks.lock().unwrap().last(), Some(&"ended"));
    }

    #[test]
    fn it_does_its_work_under_its_name() {
        note_cores();
        let named = spawn("cold", || std::thread::current().name().map(str::to_owned)).unwrap();
        assert_eq!(named.join().unwrap().as_deref(), Some("cold"));
    }
}
