//! The exchange at work in a thread of its own, and its feed as bytes to be read.
//!
//! The exchange writes pieces of whole messages; a queue of [`PIECES_MAX`] of them lies between it and
//! whoever reads. Full: the exchange waits. Empty: the reader waits. The reader is gone: the exchange
//! stops. At the end of the day the reader has read everything and sees the end of its input.

use std::io::{self, Read};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::{self, Scope, ScopedJoinHandle};

use exchange::Simulation;
use feed_handlers::itch50::Encoder;

use crate::exit::Failure;

/// A piece is handed over as soon as it has so many bytes.
const PIECE_BYTES: usize = 64 << 10;

/// Pieces under way.
const PIECES_MAX: usize = 16;

/// What the exchange publishes, in order.
pub(super) struct Feed {
    pieces: Receiver<Vec<u8>>,
    /// Read buffers on their way back.
    spare: SyncSender<Vec<u8>>,
    piece: Vec<u8>,
    read_bytes: usize,
}

/// Starts the exchange. Its thread gives it back after the last message.
pub(super) fn start<'scope>(
    scope: &'scope Scope<'scope, '_>,
    simulation: Simulation,
) -> Result<(ScopedJoinHandle<'scope, Simulation>, Feed), Failure> {
    let (sender, pieces) = mpsc::sync_channel(PIECES_MAX);
    let (spare, returned) = mpsc::sync_channel(PIECES_MAX);
    let work = move || publish(simulation, &sender, &returned);
    let exchange = thread::Builder::new().name(String::from("exchange")).spawn_scoped(scope, work);
    let exchange = exchange.map_err(|error| not_started(&error))?;
    Ok((exchange, Feed { pieces, spare, piece: Vec::new(), read_bytes: 0 }))
}

/// A thread that the system does not give.
pub(super) fn not_started(error: &io::Error) -> Failure {
    Failure::no(format_args!("cannot start a thread: {error}; raise `ulimit -u`"))
}

fn publish(
    mut simulation: Simulation,
    pieces: &SyncSender<Vec<u8>>,
    spare: &Receiver<Vec<u8>>,
) -> Simulation {
    let mut encoder = Encoder::with_capacity(2 * PIECE_BYTES);
    let mut goes_on = true;
    while goes_on {
        while goes_on && encoder.bytes().len() < PIECE_BYTES {
            goes_on = simulation.advance(&mut encoder);
        }
        let mut piece = spare.try_recv().unwrap_or_default();
        piece.clear();
        piece.extend_from_slice(encoder.bytes());
        encoder.clear();
        if pieces.send(piece).is_err() {
            break;
        }
    }
    simulation
}

impl Read for Feed {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while self.read_bytes == self.piece.len() {
            let Ok(next) = self.pieces.recv() else {
                return Ok(0);
            };
            let read = std::mem::replace(&mut self.piece, next);
            self.read_bytes = 0;
            // Where there are enough of them, or the exchange has gone, it is freed.
            let _ = self.spare.try_send(read);
        }
        let unread = &self.piece[self.read_bytes..];
        let count = unread.len().min(to.len());
        to[..count].copy_from_slice(&unread[..count]);
        self.read_bytes += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use exchange::Settings;
    use exchange::settings::FULL_DAY_NS;

    fn simulation() -> Simulation {
        let settings =
            Settings { seed: 3, symbols: 5, messages: 60_000, continuous_ns: FULL_DAY_NS };
        Simulation::new(&settings).unwrap()
    }

    #[test]
    fn the_feed_is_what_the_exchange_writes_whatever_is_read_at_a_time() {
        let mut expected = Vec::new();
        let (mut alone, mut encoder) = (simulation(), Encoder::new());
        while alone.advance(&mut encoder) {}
        expected.extend_from_slice(encoder.bytes());
        thread::scope(|scope| {
            let (exchange, mut feed) = start(scope, simulation()).unwrap();
            let (mut read, mut some) = (Vec::new(), [0; 777]);
            loop {
                match feed.read(&mut some).unwrap() {
                    0 => break,
                    count => read.extend_from_slice(&some[..count]),
                }
            }
            assert!(read == expected);
            let simulation = exchange.join().unwrap();
            assert!(simulation.truth().eq(alone.truth()));
        });
    }

    #[test]
    fn an_exchange_whose_reader_is_gone_stops() {
        thread::scope(|scope| {
            let (exchange, feed) = start(scope, simulation()).unwrap();
            drop(feed);
            exchange.join().unwrap();
        });
    }
}
