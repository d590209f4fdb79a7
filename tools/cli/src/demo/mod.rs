//! `tapewatch demo`: everything together, from a simulated exchange on.
//!
//! ```text
//!  exchange thread ─► queue ─► journal ─► decode, books, metrics     (ingest thread)
//!                                 │                     └─► a look now and then ─► screen (this thread)
//!                                 ▼ afterwards, side by side
//!            replay from the journal ∥ the exchange's own stream, straight into an engine
//! ```
//! At the end stand figures and a verdict: whether the books are those of the exchange's own matching
//! engine, level by level; whether the state is the same live, from the journal and from the exchange's
//! stream; whether the journal is what was written. One that is not: exit 1.
//!
//! The session lies in a temporary folder, unless `--keep` names a place. The folder and the
//! journal's memory are removed when the run ends, also by a fault or Ctrl-C; SIGKILL and a second
//! Ctrl-C leave both. Ctrl-C is heard between packets, while the rate is tried for `--seconds` and
//! in the checks, but not while every byte of the journal is verified. A journal that cannot go on
//! (a full disk) ends the run with a line.

mod checks;
mod feed;
mod latency;
mod live;
mod place;
mod report;
mod screen;
mod truth;

use std::path::PathBuf;
use std::time::Instant;

use clap::{Args, ValueHint};
use engine::pipeline::stage::Decoder as _;
use exchange::settings::{FULL_DAY_NS, MESSAGES_MAX};
use exchange::{Settings, Simulation};
use feed_handlers::itch50::Encoder;

use crate::config::{Config, Topology};
use crate::console::{self, Console};
use crate::day::TradingDay;
use crate::demo::checks::Checks;
use crate::demo::live::Traded;
use crate::demo::place::SessionPlace;
use crate::demo::report::Report;
use crate::demo::screen::Screen;
use crate::exit::{Failure, Status};
use crate::interrupt::Interrupt;
use crate::memory::Resident;
use crate::room;
use crate::simulate;

const EXAMPLES: &str = "\
Examples:
  tapewatch demo
  tapewatch demo --seconds 10 --json
  tapewatch demo --messages 2000000 --keep session && tapewatch replay session

An exchange is simulated in a thread of its own: a matching engine, and agents that trade on it. Its
feed is journaled and kept as order books and metrics of every symbol. Then the session is replayed
from its journal, and books and state are held against those of the exchange.
The session takes some 35 bytes a message of disk in a temporary folder (TMPDIR says where).
Exit status: 0 all of it is verified; 1 something is not, or the run could not go on; 2 usage.";

/// Messages where neither their number nor a time is given: some seconds' worth.
const MESSAGES: u64 = 10_000_000;

/// Messages from which the exchange's rate is estimated for `--seconds`.
const TRIAL_MESSAGES: u64 = 500_000;

/// Live, hash points are a follower's work.
const PRESET: &str = "hashes.every_sequences=0";

/// Run everything together, from a simulated exchange to the replay of its journal.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DemoArgs {
    /// Simulate for about so many seconds; what is checked afterwards takes about twice as long
    /// again.
    #[arg(long, value_name = "N", conflicts_with = "messages", value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: Option<u64>,
    /// Simulate so many messages [default: 10,000,000].
    #[arg(long, value_name = "N")]
    messages: Option<u64>,
    /// Securities of the exchange.
    #[arg(long, value_name = "N", default_value_t = 200)]
    symbols: u16,
    /// What all chance of the exchange comes from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Keep the recorded session in this directory.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    keep: Option<PathBuf>,
    /// Set one key of the configuration, such as journal.memory_dir=/run/tapewatch.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// What is traded, on which day, and what watches it.
#[derive(Clone, Debug)]
struct Plan {
    settings: Settings,
    day: TradingDay,
    config: Config,
}

/// Runs the command.
pub(crate) fn run(args: &DemoArgs, console: Console) -> Result<Status, Failure> {
    let start = Instant::now();
    let interrupt = Interrupt::listen().map_err(|error| {
        Failure::no(format_args!("cannot listen for signals: {error}; run it again"))
    })?;
    let config = config(args, console)?;
    let plan =
        Plan { settings: settings(args, &interrupt)?, day: simulate::default_day()?, config };
    let place = SessionPlace::make(args.keep.as_deref())?;
    let screen = Screen::new(console, plan.settings.messages);
    let Traded { finished, simulation, figures } = live::trade(&plan, &place, &screen, &interrupt)?;
    let books = truth::compare(simulation.truth(), &finished.shards, finished.decoder.directory());
    // Their memory is free for the checks.
    drop((finished, simulation));
    screen.stage("replaying the journal, and beside it the exchange's own stream");
    let checks = Checks::make(&plan, &place, &interrupt)?;
    screen.finish();
    let report = Report {
        plan,
        figures,
        books,
        checks,
        kept: args.keep.clone(),
        elapsed: start.elapsed(),
        peak_rss_bytes: Resident::ask().peak_bytes,
    };
    let text = if args.json { format!("{:#}\n", report.json()) } else { report.text() };
    console::write_result(&text)?;
    match (&report.figures.incomplete, report.faults().first()) {
        // The journal failed and the run was to go on: that explains whatever else differs.
        (Some(why), _) => Err(place.helped(&Failure::no(format_args!(
            "the session is not verified: {why}; make room and run it again"
        )))),
        (None, None) => Ok(Status::Done),
        (None, Some(first)) => Err(Failure::no(format_args!(
            "the session is not verified: {first}; this is a bug, please report it with the command"
        ))),
    }
}

/// The configuration: what is preset gives way to `--set`.
fn config(args: &DemoArgs, console: Console) -> Result<Config, Failure> {
    let given = Config::load(None, &args.set)?;
    if given.engine.topology != Topology::Inline {
        return Err(Failure::usage(
            "the demo's engine is inline, so that its stages can be timed; leave engine.topology out",
        ));
    }
    let mut set = vec![String::from(PRESET)];
    let (room, note) = room::room(&given.journal);
    set.extend(room);
    if let Some(note) = note {
        console.note(&note);
    }
    set.extend(args.set.iter().cloned());
    Config::load(None, &set)
}

/// The day that is simulated.
fn settings(args: &DemoArgs, interrupt: &Interrupt) -> Result<Settings, Failure> {
    let DemoArgs { seed, symbols, .. } = *args;
    let of = |messages| Settings { seed, symbols, messages, continuous_ns: FULL_DAY_NS };
    let least = Settings::messages_min(symbols);
    let messages = match args.seconds {
        None => args.messages.unwrap_or(MESSAGES),
        Some(seconds) => {
            let rate = messages_per_s(&of(TRIAL_MESSAGES.max(least)), interrupt)?;
            rate.saturating_mul(seconds).clamp(least, MESSAGES_MAX)
        }
    };
    Ok(of(messages))
}

/// How many messages a second the exchange makes on this host.
fn messages_per_s(trial: &Settings, interrupt: &Interrupt) -> Result<u64, Failure> {
    let mut simulation = begun(trial)?;
    let mut encoder = Encoder::new();
    let start = Instant::now();
    while simulation.advance(&mut encoder) {
        if interrupt.is_asked() {
            return Err(live::interrupted());
        }
        encoder.clear();
    }
    let elapsed_ns = start.elapsed().as_nanos().max(1);
    let rate = u128::from(trial.messages) * 1_000_000_000 / elapsed_ns;
    Ok(u64::try_from(rate).unwrap_or(u64::MAX))
}

/// The exchange before its first message.
fn begun(settings: &Settings) -> Result<Simulation, Failure> {
    Simulation::new(settings)
        .map_err(|error| Failure::usage(format_args!("{error}; see `tapewatch demo --help`")))
}
