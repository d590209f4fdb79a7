#![forbid(unsafe_code)]
//! What bars of 1 s, 1 min and 5 min together add to a message of the inline pipeline.
//!
//! Passes without and with bars are run in turn over the same messages in memory, so that a host that
//! slows down slows both; what bars add is taken round by round. The bars of a pass go to a listener
//! that sums them, so what is measured ends where the output log begins.

use std::hint::black_box;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use engine::book::books::Limits;
use engine::market::{Cause, HashPoint, MarketListener};
use engine::pipeline::inline::Inline;
use engine::pipeline::selection::Selection;
use engine::pipeline::sequencer::Sequencer;
use engine::shard::Shard;
use engine::units::Nanos;
use engine::window::bars::{Bar, BarSettings};
use engine::window::tick::Span;
use feed_handlers::itch50::decode::Itch50Decoder;
use tapewatch_benches::clock::timed;
use tapewatch_benches::stages::{self, MIDNIGHT};
use tapewatch_benches::tape::Tape;

/// What bars add to a message of the inline pipeline.
#[derive(Debug, Parser)]
struct Arguments {
    /// A BinaryFILE of ITCH 5.0 messages; else the yardstick, as for the other benchmarks.
    file: Option<PathBuf>,
    /// Rounds of one pass without bars and one with.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(5..=1_000))]
    runs: u32,
}

/// Counts bars, and looks at them.
#[derive(Default)]
struct Count(u64);

impl MarketListener for Count {
    fn on_hash_point(&mut self, _point: &HashPoint) {}

    fn on_bar(&mut self, _cause: &Cause, bar: &Bar, name: &[u8]) {
        self.0 += 1;
        black_box((bar, name));
    }
}

fn pass(tape: &Tape, settings: &BarSettings) -> Result<(f64, u64), Box<dyn core::error::Error>> {
    let shard = Shard::new(Limits::default())?.with_bars(settings)?;
    let sequencer = Sequencer::new(MIDNIGHT).with_time_grid(settings.grid());
    let decoder = Itch50Decoder::new(MIDNIGHT)?;
    let mut engine =
        Inline::with_listener(decoder, sequencer, Selection::all(), shard, (), Count::default());
    let ((), taken) = timed(|| {
        stages::walk(tape, |packet| {
            let _ = black_box(engine.push(packet));
        });
    });
    Ok((taken.ns_per_message(tape.messages()), engine.market().listener().0))
}

fn main() -> Result<ExitCode, Box<dyn core::error::Error>> {
    let arguments = Arguments::parse();
    let tape = match &arguments.file {
        Some(file) => Tape::file(file)?,
        None => Tape::yardstick(),
    };
    let second = Span(Nanos::SECOND);
    let sizes = [second, Span(60 * second.0), Span(300 * second.0)];
    let with = BarSettings::new(&sizes, Span::ZERO)?;
    let mut out = io::stdout();
    let mut added = Vec::new();
    for _ in 0..arguments.runs {
        let (without, _) = pass(&tape, &BarSettings::NONE)?;
        let (with, bars) = pass(&tape, &with)?;
        added.push(with - without);
        writeln!(out, "without {without:.1} ns, with {with:.1} ns, {bars} bars")?;
    }
    added.sort_by(f64::total_cmp);
    writeln!(out, "added {:.1} ns a message, median", added[added.len() / 2])?;
    Ok(ExitCode::SUCCESS)
}
