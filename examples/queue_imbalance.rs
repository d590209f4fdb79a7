#![forbid(unsafe_code)]
//! A strategy in the engine: what the queues at the best prices looked like just before each print.
//!
//! ```sh
//! cargo run --release -p tapewatch-examples --bin queue_imbalance -- day.itch
//! cargo run --release -p tapewatch-examples --bin queue_imbalance -- day.itch --shards 3
//! ```
//! `QueueImbalance` is an [`Observer`]: the shard calls it after each applied event, with the book in
//! hand. It is compiled into the engine (there is no dynamic call), lives in the shard's thread, and
//! allocates nothing while it works. What it must know of the time before a print it has kept from
//! the event before: the queue imbalance (bid size − ask size) / (bid size + ask size), here in basis
//! points, so that sums are exact.
//!
//! The same observer serves every topology. Inline there is one; pipelined there is one a shard, each
//! sees the symbols of its shard, and `main` puts them together. The table is the same to the byte.

use std::error::Error;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use engine::book::books::Limits;
use engine::directory::Directory;
use engine::event::Event;
use engine::metrics::quote::Quote;
use engine::packet::{Arrival, Packet, Source as _};
use engine::pipeline::inline::Inline;
use engine::pipeline::pipelined::{Layout, Pipelined};
use engine::pipeline::selection::Selection;
use engine::pipeline::sequencer::Sequencer;
use engine::pipeline::stage::Decoder as _;
use engine::ring::WaitStrategy;
use engine::shard::{Observer, Outcome, Shard};
use engine::units::{Nanos, Side, SymbolId};
use engine::window::bars::BarSettings;
use feed_handlers::input::{Format, InputSource};
use feed_handlers::itch50::decode::Itch50Decoder;

/// Locates are 16 bits wide.
const SYMBOLS: usize = 1 << 16;

/// Midnight of the day: this program shows no times, so any will do.
const MIDNIGHT: Nanos = Nanos(0);

/// What is kept of one symbol.
#[derive(Clone, Copy, Default)]
struct Symbol {
    /// The imbalance as the last event left it, in basis points; none without both best prices.
    imbalance: Option<i64>,
    /// Prints in which a buyer came.
    buys: Aggressors,
    /// Prints in which a seller came.
    sells: Aggressors,
}

/// Prints of one aggressor's side.
#[derive(Clone, Copy, Default)]
struct Aggressors {
    prints: u64,
    /// Sum of the imbalances just before them, in basis points.
    sum: i64,
    /// Those that the imbalance had foretold: buys before which the bid was the larger side, sells
    /// before which the ask was.
    foretold: u64,
}

impl Aggressors {
    fn take(&mut self, imbalance: i64, is_foretold: bool) {
        self.prints += 1;
        self.sum += imbalance;
        self.foretold += u64::from(is_foretold);
    }

    /// Mean imbalance in basis points, `-` without prints.
    fn mean(&self) -> String {
        match i64::try_from(self.prints) {
            Ok(prints) if prints > 0 => (self.sum / prints).to_string(),
            _ => String::from("-"),
        }
    }
}

/// The strategy.
struct QueueImbalance {
    /// By locate; all room is taken here, none while it works.
    symbols: Vec<Symbol>,
}

impl QueueImbalance {
    fn new() -> QueueImbalance {
        QueueImbalance { symbols: vec![Symbol::default(); SYMBOLS] }
    }
}

impl Observer for QueueImbalance {
    fn on_event(&mut self, event: &Event, outcome: &Outcome, shard: &Shard) {
        let Some(symbol) = self.symbols.get_mut(event.symbol as usize) else {
            return;
        };
        if let Some(print) = outcome.print
            && let Some(imbalance) = symbol.imbalance
        {
            match print.aggressor {
                Some(Side::Buy) => symbol.buys.take(imbalance, imbalance > 0),
                Some(Side::Sell) => symbol.sells.take(imbalance, imbalance < 0),
                // A hidden order or a cross: nobody knows who came.
                None => {}
            }
        }
        if outcome.best_changed {
            symbol.imbalance = Quote::of(&shard.book(event.symbol())).and_then(|quote| bps(&quote));
        }
    }
}

/// The imbalance of a quote in basis points, cut towards zero; none where both sizes are zero.
fn bps(quote: &Quote) -> Option<i64> {
    let (bid, ask) = (i128::from(quote.bid.qty.0), i128::from(quote.ask.qty.0));
    ((bid - ask) * 10_000).checked_div(bid + ask).map(|bps| bps as i64)
}

/// Hands every packet of the input to `push`.
fn drive(
    mut source: InputSource,
    mut push: impl FnMut(&Packet<'_>) -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    loop {
        match source.next()? {
            Arrival::Packet(packet) => push(&packet)?,
            // A hole in a capture: the books are wrong from here on, as far as it concerns them.
            Arrival::End => return Ok(()),
            // Nothing else comes from a file.
            _ => {}
        }
    }
}

/// All stages on this thread.
fn run_inline(source: InputSource) -> Result<(Itch50Decoder, Vec<QueueImbalance>), Box<dyn Error>> {
    let mut engine = Inline::new(
        Itch50Decoder::new(MIDNIGHT)?,
        Sequencer::new(MIDNIGHT),
        Selection::all(),
        Shard::new(Limits::default())?,
        QueueImbalance::new(),
    );
    drive(source, |packet| Ok(engine.push(packet)?))?;
    let parts = engine.into_parts();
    Ok((parts.decoder, vec![parts.observer]))
}

/// Shards on threads of their own.
fn run_pipelined(
    source: InputSource,
    shards: u32,
) -> Result<(Itch50Decoder, Vec<QueueImbalance>), Box<dyn Error>> {
    let layout = Layout {
        shards,
        limits: Limits::default(),
        bars: BarSettings::NONE,
        detect: engine::detect::Settings::default(),
        prefault_orders: 0,
        ring_events: 16_384,
        ring_signals: 4_096,
        wait: WaitStrategy::SpinThenYield { spins: 100 },
        market_wait: WaitStrategy::Interval { period: Duration::from_micros(200) },
        shard_cores: Vec::new(),
        market_core: None,
    };
    let mut engine = Pipelined::start(
        Itch50Decoder::new(MIDNIGHT)?,
        Sequencer::new(MIDNIGHT),
        Selection::all(),
        &layout,
        |_place| QueueImbalance::new(),
        (),
    )?;
    drive(source, |packet| Ok(engine.push(packet)?))?;
    let parts = engine.finish()?;
    Ok((parts.decoder, parts.observers))
}

/// A line for each symbol with prints whose aggressor is known, by name.
fn table(directory: &Directory, observers: &[QueueImbalance]) -> String {
    let mut rows = Vec::new();
    for observer in observers {
        for (locate, symbol) in (0..).zip(&observer.symbols) {
            let Symbol { buys, sells, .. } = symbol;
            let (prints, foretold) = (buys.prints + sells.prints, buys.foretold + sells.foretold);
            if let Some(foretold) = (foretold * 100).checked_div(prints) {
                let name = directory.name(SymbolId(locate)).map(String::from_utf8_lossy);
                let name = name.map_or_else(|| format!("#{locate}"), |name| name.into_owned());
                let figures = format!(
                    "{:>8} {:>10} {:>8} {:>10} {foretold:>9} %",
                    buys.prints,
                    buys.mean(),
                    sells.prints,
                    sells.mean()
                );
                rows.push((name, figures));
            }
        }
    }
    rows.sort();
    let mut text = format!(
        "{:<8} {:>8} {:>10} {:>8} {:>10} {:>11}\n",
        "symbol", "buys", "before bps", "sells", "before bps", "foretold"
    );
    for (name, figures) in rows {
        text += &format!("{name:<8} {figures}\n");
    }
    text
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (file, shards) = match arguments.as_slice() {
        [file] => (file, None),
        [file, "--shards", shards] => (file, Some(shards.parse()?)),
        _ => return Err("usage: queue_imbalance FILE [--shards N]".into()),
    };
    let mut source = InputSource::open(&[PathBuf::from(file)], Format::Auto)?;
    source.set_midnight(MIDNIGHT);
    let (decoder, observers) = match shards {
        None => run_inline(source)?,
        Some(shards) => run_pipelined(source, shards)?,
    };
    std::io::stdout().write_all(table(decoder.directory(), &observers).as_bytes())?;
    Ok(())
}
