//! A reader that polls a board as fast as it can, on a thread of its own: what does it cost the engine?

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use engine::board::BoardReader;

use crate::cold_thread;
use crate::exit::Failure;

/// The thread; it reads until it is ended.
pub(super) struct Poller {
    ends: Arc<AtomicBool>,
    thread: JoinHandle<u64>,
}

impl Poller {
    /// Starts to read the quotes of all symbols of the board at `path`, again and again.
    pub(super) fn start(path: &Path) -> Result<Poller, Failure> {
        let board = BoardReader::attach(path).map_err(Failure::no)?;
        let ends = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&ends);
        let work = move || {
            let mut read = 0;
            while !told.load(Ordering::Relaxed) {
                // A slot that is being written is looked at again in the next round.
                read += black_box(board.symbols()).map_or(0, |symbols| symbols.len() as u64);
            }
            read
        };
        let thread = cold_thread::spawn("poller", work).map_err(|error| {
            Failure::usage(format_args!("cannot start a thread: {error}; raise `ulimit -u`"))
        })?;
        Ok(Poller { ends, thread })
    }

    /// Ends it: how many quotes it has read.
    pub(super) fn end(self) -> Result<u64, Failure> {
        self.ends.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_panic| Failure::no("the reader of the board has panicked"))
    }
}
