//! `tapewatch stat`: what a running engine counts, read from its board: once, again and again, as a table,
//! as JSON, or as Prometheus scrapes it.
//!
//! It reads a mapped file that the engine writes anyway: the engine neither knows nor waits. A board
//! outlives its engine, so whether there still is one is told first, on stderr too, and by the exit status.

pub(crate) mod between;
mod exposition;
pub(crate) mod figure;
#[cfg(test)]
pub(crate) mod fixture;
pub(crate) mod found;
mod json;
pub(crate) mod look;
mod prometheus;
mod quotes;
mod report;
pub(crate) mod standing;
mod text;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use clap::{Args, ValueHint};
use engine::board::{BoardReader, Liveness};

pub(crate) use self::json::state_of;
pub(crate) use self::quotes::there;

use self::look::Look;
use self::quotes::Asked;
use self::report::Report;
use crate::console::{self, Console};
use crate::exit::{Failure, Status};
use crate::interrupt::Interrupt;

const EXAMPLES: &str = "\
Examples:
  tapewatch stat                          # of the one engine that runs here
  tapewatch stat session --json --symbol AAPL
  tapewatch stat session --watch 5
  tapewatch stat session --prometheus

Exit status: 0 the engine runs or has ended in order; 1 it is gone or stale; 2 usage, or no board.";

/// How often a watch looks whether it is to end.
const PATIENCE: Duration = Duration::from_millis(50);

/// Show what a running engine counts: rates, gaps, lines, rings, threads, latencies.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct StatArgs {
    /// Whose board.
    #[command(flatten)]
    which: WhichArgs,
    /// Print JSON; with --watch an object a line.
    #[arg(long)]
    json: bool,
    /// Again and again, every so many seconds, with rates of the time between; ends with Ctrl-C.
    #[arg(
        long,
        value_name = "SECONDS",
        num_args = 0..=1,
        default_missing_value = "1",
        value_parser = seconds
    )]
    watch: Option<Duration>,
    /// Print the text that Prometheus scrapes, version 0.0.4.
    #[arg(long, conflicts_with_all = ["json", "watch", "symbols", "symbol"])]
    prometheus: bool,
    /// So many of the busiest symbols too, with their quotes.
    #[arg(long, value_name = "N", default_value_t = 0)]
    symbols: usize,
    /// This symbol too, with its ladder; may be given again.
    #[arg(long, value_name = "SYMBOL")]
    symbol: Vec<String>,
}

/// Which board is read.
#[derive(Debug, Args)]
pub(crate) struct WhichArgs {
    /// The session's directory, or the file of a board; without it, the one engine that runs.
    #[arg(value_name = "SESSION", value_hint = ValueHint::AnyPath)]
    session: Option<PathBuf>,
    /// Where engines keep their memory, as `journal.memory_dir` says.
    #[arg(long, value_name = "DIR", default_value = "/dev/shm", value_hint = ValueHint::DirPath)]
    memory_dir: PathBuf,
}

impl WhichArgs {
    /// Attaches to it.
    pub(crate) fn attach(&self) -> Result<BoardReader, Failure> {
        found::board(self.session.as_deref(), &self.memory_dir)
    }
}

/// Reads a number of seconds, 0.1 to a day.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    if (0.1..=86_400.0).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err("0.1 to 86400 seconds can be waited".to_owned())
    }
}

/// Runs the command.
pub(crate) fn run(args: &StatArgs, _console: Console) -> Result<Status, Failure> {
    let board = args.which.attach()?;
    let asked = Asked { busiest: args.symbols, named: args.symbol.clone() };
    let look = match args.watch {
        Some(every) => watch(args, &board, &asked, every)?,
        None => {
            let report = Report::take(&board, &asked, None)?;
            console::write_result(&rendered(args, &report))?;
            report.look
        }
    };
    standing::failure(&look).map_or(Ok(Status::Done), Err)
}

fn rendered(args: &StatArgs, report: &Report) -> String {
    match (args.prometheus, args.json, args.watch) {
        (true, ..) => prometheus::of(report),
        (_, true, Some(_)) => format!("{}\n", json::of(report)),
        (_, true, None) => format!("{:#}\n", json::of(report)),
        (_, _, Some(_)) => format!("{}\n", text::of(report)),
        _ => text::of(report),
    }
}

/// Looks again and again until somebody asks for the end, nobody reads it any more, or nothing more can
/// come; gives the last look.
fn watch(
    args: &StatArgs,
    board: &BoardReader,
    asked: &Asked,
    every: Duration,
) -> Result<Look, Failure> {
    let interrupt = Interrupt::listen().map_err(|error| {
        Failure::no(format_args!("cannot listen for signals: {error}; run it again"))
    })?;
    let began = Instant::now();
    let mut before = Report::take(board, asked, None)?;
    let mut goes_on = put(&rendered(args, &before))?;
    let mut turn = 1;
    while goes_on && !matches!(before.look.liveness, Liveness::Ended(_) | Liveness::Gone) {
        if !waited(&interrupt, began + every * turn) {
            break;
        }
        let report = Report::take(board, asked, Some(&before.look))?;
        goes_on = put(&rendered(args, &report))?;
        before = report;
        turn += 1;
    }
    Ok(before.look)
}

/// Waits until then; `false` once somebody asked for the end.
fn waited(interrupt: &Interrupt, until: Instant) -> bool {
    while !interrupt.is_asked() {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        thread::sleep(left.min(PATIENCE));
    }
    false
}

/// Writes a result; `false` where nobody reads any more.
fn put(text: &str) -> Result<bool, Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::no(format_args!(
            "cannot write to standard output: {error}; check where it is redirected to"
        ))),
    }
}
