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

use crate::console::{self, Console};
use crate::day::TradingDay;
use crate::exit::{Failure, Status};
use crate::output::bbo::BboRow;
use crate::output::names;
use crate::output::recorder::Recorder;
use crate::output::trades::TradeRow;
use crate::replay::pace::{Pace, Speed};
use crate::replay::select::Wanted;
use crate::replay::session::Session;

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
    session: Session<Recorder>,
    trades: Vec<TradeRow>,
    bbo: Vec<BboRow>,
}

/// Runs the command.
pub(crate) fn run(args: &DemoArgs, console: Console) -> Result<Status, Failure> {
    let script = script::session();
    let shown = replayed(&script.bytes, console)?;
    let lines = shown.session.symbol_lines();
    let summary = shown.session.summary(&lines);
    let text = if args.json {
        format!("{:#}\n", summary.json())
    } else {
        story::told(&script, &shown, &summary, &lines)
    };
    console::write_result(&text)?;
    match shown.session.fault() {
        Some(failure) => Err(failure.clone()),
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
    let inputs = [file.path().to_owned()];
    let mut session =
        Session::open(&inputs, Format::Itch, day, Wanted::default(), Recorder::default())?;
    let (mut trades, mut bbo) = (Vec::new(), Vec::new());
    session.drive(Pace::new(Speed::Max), console, |engine| {
        trades.append(&mut engine.observer_mut().trades);
        bbo.append(&mut engine.observer_mut().bbo);
        Ok(())
    })?;
    Ok(Shown { session, trades, bbo })
}

fn cannot_write(error: &std::io::Error) -> Failure {
    Failure::usage(format_args!(
        "cannot write the demo's session to {}: {error}; set TMPDIR to a directory that can be written",
        std::env::temp_dir().display()
    ))
}

impl Shown {
    fn name(&self, symbol: SymbolId) -> String {
        let directory = self.session.engine.decoder().directory();
        names::text(directory.name(symbol), symbol)
    }
}

#[cfg(test)]
mod tests;
