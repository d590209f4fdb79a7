//! `tapewatch demo`: everything together, from a simulated exchange on.
//!
//! ```text
//!  exchange's threads ─► two multicast lines ─► arbitration ─► journal ─► decode, books, metrics
//!       │  └─ retransmission and snapshot servers ─┘ (ingest thread)            └─► screen (this thread)
//!       ▼ afterwards, side by side
//!  all that it published, straight into an engine ∥ replay from the journal
//! ```
//! At the end stand figures and a verdict: whether the books are those of the exchange's own matching
//! engine, level by level; whether the state is the same live and from the journal and, where no message
//! was given up, from all that the exchange published; whether the journal is what was written. One that
//! is not, or a gap that nobody healed: exit 1.
//!
//! The session lies in a temporary folder, unless `--keep` names a place. The folder and the
//! journal's memory are removed when the run ends, also by a fault or Ctrl-C; SIGKILL and a second
//! Ctrl-C leave both. Ctrl-C is heard between packets, while the rate is tried for `--seconds` and
//! in the checks, but not while every byte of the journal is verified. A journal that cannot go on
//! (a full disk) ends the run with a line.

mod checks;
mod latency;
mod live;
mod place;
mod report;
mod screen;
mod truth;
mod wire;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Args, ValueHint};
use engine::pipeline::stage::Decoder as _;
use exchange::Settings;
use exchange::settings::{FULL_DAY_NS, MESSAGES_MAX};
use exchange::wire::{Ended, Share};

use crate::config::{Config, Topology};
use crate::console::{self, Console};
use crate::day::TradingDay;
use crate::demo::checks::Checks;
use crate::demo::live::Traded;
use crate::demo::place::SessionPlace;
use crate::demo::report::Report;
use crate::demo::screen::Screen;
use crate::demo::wire::Network;
use crate::exit::{Failure, Status};
use crate::interrupt::Interrupt;
use crate::memory::Resident;
use crate::percent;
use crate::room;
use crate::simulate;

const EXAMPLES: &str = "\
Examples:
  tapewatch demo
  tapewatch demo --seconds 10 --json
  tapewatch demo --seconds 30 --loss-a 2% --loss-b 2% --reorder 1%
  tapewatch demo --seconds 10 --loss-a 2% --loss-b 2% --no-retransmit
  tapewatch demo --messages 2000000 --keep session && tapewatch replay session

An exchange is simulated in threads of its own: a matching engine, and agents that trade on it. Its
feed goes over two multicast lines of this host, is journaled and kept as order books and metrics of
every symbol; what both lines lose is asked for again, or healed by a snapshot of the books. Then the
session is replayed from its journal, and books and state are held against those of the exchange.
The session takes some 35 bytes a message of disk in a temporary folder (TMPDIR says where).
Exit status: 0 all of it is verified; 1 something is not, a gap is open, or the run could not go on;
2 usage.";

/// Messages a second: what exchange, wire and engine do together on two cores with room to spare.
const RATE: u64 = 500_000;

/// How much longer than asked for a day may take on a slow host, in tenths.
const PATIENCE_TENTHS: u32 = 15;

/// Messages where neither their number nor a time is given: some seconds' worth.
const MESSAGES: u64 = 10_000_000;

/// Live, hash points are a follower's work.
const PRESET: &str = "hashes.every_sequences=0";

/// Run everything together, from a simulated exchange to the replay of its journal.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DemoArgs {
    /// Trade for about so many seconds; what is checked afterwards takes about as long again.
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
    /// Messages that the exchange publishes in a second.
    #[arg(long, value_name = "N", default_value_t = RATE, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    rate: u64,
    /// Packets that line A loses.
    #[arg(long, value_name = "PERCENT", default_value = "0", value_parser = percent::parse)]
    loss_a: Share,
    /// Packets that line B loses.
    #[arg(long, value_name = "PERCENT", default_value = "0", value_parser = percent::parse)]
    loss_b: Share,
    /// Packets of each line that are overtaken by the three sent after them.
    #[arg(long, value_name = "PERCENT", default_value = "0", value_parser = percent::parse)]
    reorder: Share,
    /// Nobody sends lost messages again.
    #[arg(long)]
    no_retransmit: bool,
    /// Nobody gives snapshots of the books.
    #[arg(long)]
    no_snapshot: bool,
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
    network: Network,
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
    let plan = Plan {
        settings: settings(args),
        network: network(args),
        day: simulate::default_day()?,
        config,
    };
    let place = SessionPlace::make(args.keep.as_deref())?;
    let screen = Screen::new(console, plan.settings.messages);
    let Traded { finished, exchange, figures } = live::trade(&plan, &place, &screen, &interrupt)?;
    let Ended { simulation, counts, store } = exchange;
    let books = truth::compare(simulation.truth(), &finished.shards, finished.decoder.directory());
    // Their memory is free for the checks.
    drop((finished, simulation));
    screen.stage("replaying the journal, and beside it all that the exchange published");
    let checks = Checks::make(&plan, &store, &place, &interrupt)?;
    screen.finish();
    let report = Report {
        plan,
        figures,
        published: counts,
        books,
        checks,
        kept: args.keep.clone(),
        elapsed: start.elapsed(),
        peak_rss_bytes: Resident::ask().peak_bytes,
    };
    let text = if args.json { format!("{:#}\n", report.json()) } else { report.text() };
    console::write_result(&text)?;
    if let Some(why) = &report.figures.incomplete {
        // The journal failed and the run was to go on: that explains whatever else differs.
        return Err(place.helped(&Failure::no(format_args!(
            "the session is not verified: {why}; make room and run it again"
        ))));
    }
    // Books in doubt explain whatever differs, too.
    if let Some(open) = report.figures.feeds.open("") {
        return Err(open);
    }
    match report.faults().first() {
        None => Ok(Status::Done),
        Some(first) => Err(Failure::no(format_args!(
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
fn settings(args: &DemoArgs) -> Settings {
    let DemoArgs { seed, symbols, rate, .. } = *args;
    let messages = match args.seconds {
        None => args.messages.unwrap_or(MESSAGES),
        Some(seconds) => {
            rate.saturating_mul(seconds).clamp(Settings::messages_min(symbols), MESSAGES_MAX)
        }
    };
    Settings { seed, symbols, messages, continuous_ns: FULL_DAY_NS }
}

/// The wire between exchange and engine.
fn network(args: &DemoArgs) -> Network {
    let seconds = args.seconds.map(Duration::from_secs);
    Network {
        loss: [args.loss_a, args.loss_b],
        reorder: args.reorder,
        has_retransmission: !args.no_retransmit,
        has_snapshots: !args.no_snapshot,
        rate: args.rate,
        time_max: seconds.map(|seconds| seconds * PATIENCE_TENTHS / 10),
    }
}
