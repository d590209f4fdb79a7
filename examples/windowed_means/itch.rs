//! The job over an exchange's day: the eligible prints of every symbol, as the engine's shard tells
//! them.
//!
//! `PrintMeans` is an [`Observer`]. The watermark follows feed time: every message moves it, not
//! only prints. A break takes its print out of the windows that are left of it. Names are the feed's
//! own, known to the decoder; so lines are written between packets.

use std::borrow::Cow;
use std::io::{self, Write};

use engine::book::books::Limits;
use engine::directory::Directory;
use engine::event::Event;
use engine::memory::mapped_vec::MemoryError;
use engine::packet::{Arrival, Source as _};
use engine::pipeline::SecondStart;
use engine::pipeline::inline::Inline;
use engine::pipeline::selection::Selection;
use engine::pipeline::sequencer::Sequencer;
use engine::pipeline::stage::Decoder as _;
use engine::prints::Print;
use engine::shard::{Observer, Outcome, Shard};
use engine::units::{Nanos, SymbolId};
use engine::window::SettingsError;
use feed_handlers::input::{InputError, InputSource};
use feed_handlers::itch50::decode::Itch50Decoder;
use thiserror::Error;

use crate::job::{Job, Options};
use crate::lines::HEADER;
use crate::mean::Trade;
use crate::summary::Summary;

/// Why the job ended early.
#[derive(Debug, Error)]
pub enum ItchError {
    /// No such windows.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The input could not be read, or is damaged.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The system refuses memory.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// There is a second day in the input.
    #[error(transparent)]
    SecondStart(#[from] SecondStart),
    /// The results could not be written.
    #[error("cannot write: {0}")]
    Write(#[from] io::Error),
}

/// The observer.
struct PrintMeans {
    job: Job,
    trades: u64,
}

fn trade(print: &Print) -> Trade {
    Trade { price: print.price, quantity: print.qty }
}

impl Observer for PrintMeans {
    fn on_event(&mut self, event: &Event, outcome: &Outcome, _shard: &Shard) {
        if let Some(broken) = &outcome.broken {
            self.job.take_out(event.symbol(), trade(broken), broken.time);
        }
        if let Some(print) = &outcome.print {
            self.trades += 1;
            self.job.take(event.symbol(), trade(print), print.time);
        }
        self.job.pass(event.time());
    }
}

/// Reads the day that began at `midnight` (New York) and writes a line a window and symbol to
/// `results`.
///
/// # Errors
/// [`ItchError`]; what was written by then stays.
pub fn run(
    mut source: InputSource,
    midnight: Nanos,
    options: &Options,
    results: &mut impl Write,
) -> Result<Summary, ItchError> {
    source.set_midnight(midnight);
    let mut engine = Inline::new(
        Itch50Decoder::new(midnight)?,
        Sequencer::new(midnight),
        Selection::all(),
        Shard::new(Limits::default())?,
        PrintMeans { job: Job::new(options)?, trades: 0 },
    );
    results.write_all(HEADER)?;
    loop {
        match source.next()? {
            Arrival::Packet(packet) => engine.push(&packet)?,
            // A hole in a capture: its prints are missing.
            Arrival::End => break,
            _ => continue,
        }
        if !engine.observer().job.lines.is_empty() {
            let mut lines = std::mem::take(&mut engine.observer_mut().job.lines);
            lines.write(|symbol| name(engine.decoder().directory(), symbol), results)?;
            engine.observer_mut().job.lines = lines;
        }
    }
    let parts = engine.into_parts();
    let PrintMeans { mut job, trades } = parts.observer;
    job.finish();
    job.lines.write(|symbol| name(parts.decoder.directory(), symbol), results)?;
    let mut summary = Summary { trades, ..Summary::default() };
    summary.close(&job);
    Ok(summary)
}

/// A symbol's name; `#LOCATE` where the feed never told it.
fn name(directory: &Directory, symbol: SymbolId) -> Cow<'_, [u8]> {
    match directory.name(symbol) {
        Some(name) => Cow::Borrowed(name),
        None => Cow::Owned(format!("#{}", symbol.0).into_bytes()),
    }
}
