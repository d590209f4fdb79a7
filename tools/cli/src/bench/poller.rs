//! A reader that polls a board as fast as it can, on a thread of its own: what does it cost the engine?

use std::hint::black_box;
use std::path::Path;
use std::sync::atomic::Ordering;

use engine::board::BoardReader;

use crate::cold_thread::Lasting;
use crate::exit::Failure;

/// Starts to read the quotes of all symbols of the board at `path`, again and again, until it is dropped.
pub(super) fn start(path: &Path) -> Result<Lasting, Failure> {
    let board = BoardReader::attach(path).map_err(Failure::no)?;
    let started = Lasting::start("poller", move |ends| {
        while !ends.load(Ordering::Relaxed) {
            // A slot that is being written is looked at again in the next round.
            let _ = black_box(board.symbols());
        }
    });
    started.map_err(|error| {
        Failure::usage(format_args!("cannot start a thread: {error}; raise `ulimit -u`"))
    })
}
