//! `tapewatch demo`: a small scripted session through the same engine and the same replay path.
//!
//! The messages are invented, written with the ITCH encoder into a temporary file; everything shown
//! about them is what the engine made of that file.

mod script;
mod story;
mod tape;

use std::io::Write as _;

use clap::Args;
use engine::pipeline::stage::Decoder as _;
use engine::units::SymbolId;
use feed_handlers::input::Format;

use crate::config::Config;
use crate::console::{self, Console};
use crate::day::TradingDay;
use crate::exit::{Failure, Status};
use crate::interrupt::Interrupt;
use crate::output::bbo::BboRow;
use crate::output::names;
use crate::output::recorder::{Recorder, RowsInMemory};
use crate::output::trades::TradeRow;
use crate::replay::pace::{Pace, Speed};
use crate::replay::select::Wanted;
use crate::replay::session::{Ended, Session, Setup};

const EXAMPLES: &str = "\
Examples:
  tapewatch demo
  tapewatch demo --json

The session is scripted: a few dozen invented messages of three invented securities. What is shown
of it is what the engine computes, by the same path that `replay` takes.";

/// Replay a small scripted session and show what the engine makes of it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DemoArgs {
    /// Print the summary as JSON.
    #[arg(long)]
    json: bool,
}

/// What the engine made of the script.
struct Shown {
    ended: Ended<Recorder<RowsInMemory>>,
    trades: Vec<TradeRow>,
    bbo: Vec<BboRow>,
}

/// Runs the command.
pub(crate) fn run(args: &DemoArgs, console: Console) -> Result<Status, Failure> {
    let script = script::session();
    let shown = replayed(&script.bytes, console)?;
    let lines = shown.ended.symbol_lines();
    let summary = shown.ended.summary(&lines);
    let text = if args.json {
        format!("{:#}\n", summary.json())
    } else {
        story::told(&script, &shown, &summary, &lines)
    };
    console::write_result(&text)?;
    match shown.ended.fault() {
        Some(failure) => Err(failure),
        None => Ok(Status::Done),
    }
}

/// The script through the engine, by the way of a file as any other input.
fn replayed(bytes: &[u8], console: Console) -> Result<Shown, Failure> {
    let mut file = tempfile::Builder::new()
        .prefix("tapewatch-demo-")
        .suffix(".itch")
        .tempfile()
        .map_err(|error| cannot_write(&error))?;
    file.write_all(bytes).and_then(|()| file.flush()).map_err(|error| cannot_write(&error))?;
    let day = TradingDay::parse(script::DATE).ok();
    let setup = Setup {
        inputs: vec![file.path().to_owned()],
        format: Format::Itch,
        is_session: false,
        date: day,
        wanted: Wanted::default(),
        config: Config::default(),
        record: None,
    };
    let (pace, interrupt) = (Pace::new(Speed::Max), Interrupt::default());
    let observer = |_| Recorder::default();
    let mut ended = Session::open(setup)?.drive(pace, console, &interrupt, observer)?;
    let rows = ended.finished.observers.pop().unwrap_or_default().rows;
    Ok(Shown { ended, trades: rows.trades, bbo: rows.bbo })
}

fn cannot_write(error: &std::io::Error) -> Failure {
    Failure::usage(format_args!(
        "cannot write the demo's session to {}: {error}; set TMPDIR to a directory that can be written",
        std::env::temp_dir().display()
    ))
}

impl Shown {
    fn name(&self, symbol: SymbolId) -> String {
        let directory = self.ended.finished.decoder.directory();
        names::text(directory.name(symbol), symbol)
    }
}

#[cfg(test)]
mod tests;
