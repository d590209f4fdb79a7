//! `tapewatch simulate`: writes the day of a simulated exchange, with the books that it ended with; or
//! puts it on the wire (`publish`).
//!
//! The exchange's messages go from its encoder to the files as they are made, so memory does not
//! grow with the day. Every file appears whole, by rename, at the end; a run that fails or is
//! interrupted leaves none of its own, and what was there before stays.

mod capture;
mod files;
mod population;
mod publish;
mod splice;
mod summary;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Args, ValueHint};
use exchange::capture::CaptureOptions;
use exchange::injection::Families;
use exchange::{Settings, Simulation};
use feed_handlers::itch50::Encoder;

use crate::console::{self, Console};
use crate::day::TradingDay;
use crate::exit::{Failure, Status};
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::simulate::files::SessionFiles;
use crate::simulate::population::PopulationChoice;
use crate::simulate::publish::PublishArgs;
use crate::simulate::summary::Summary;
use crate::span;

const EXAMPLES: &str = "\
Examples:
  tapewatch simulate --out day
  tapewatch simulate --seed 7 --symbols 500 --messages 20000000 --out day
  tapewatch simulate --messages 200000 --duration 10m --pcap --out day
  tapewatch simulate --messages 2000000 --inject all --out day
  tapewatch simulate --inject layering,spoofing --out day
  tapewatch simulate --inject-into 12302019.itch --inject all --date 2019-12-30 --out spliced
  tapewatch simulate --publish --rate 50000 --loss-a 2% --loss-b 2% --retransmit 127.0.0.1:26400
  tapewatch simulate --publish --speed 100x --glimpse 127.0.0.1:26401 --soup 127.0.0.1:26402 --out day

DIR/session.itch holds the messages (BinaryFILE), DIR/truth.csv the levels of the matching engine's
own final books; with --pcap DIR/session.pcap holds the same messages as two lines of MoldUDP64.
With --inject labelled episodes are played among look-alikes, and DIR/labels.jsonl tells which and
when; without it that file is empty. The same arguments give the same bytes on every machine.
With --publish the day goes by MoldUDP64 to two lines, at the exchange's own pace if nothing else is
said; Ctrl-C ends it in order, and so does its end: the end of the session is told for a while, the
servers still there. What is lost on purpose is counted, and the same in every run.
Exit status: 0 done; 1 the files could not be written whole; 2 usage.";

/// The day where none is given: a Monday in daylight saving time.
const DATE: &str = "2025-06-02";

/// The messages are handed on in pieces of about this size.
const PIECE_BYTES: usize = 256 << 10;

/// Write a session of a simulated exchange: matching engine, agents, a whole trading day.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SimulateArgs {
    /// What all chance comes from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Listed securities.
    #[arg(long, value_name = "N", default_value_t = 100)]
    symbols: u16,
    /// Who trades: the agents fitted to recorded days, or others, to see what depends on them. Captures
    /// and --publish have the standard ones.
    #[arg(long, value_enum, default_value_t = PopulationChoice::Standard)]
    #[arg(conflicts_with_all = ["publish", "pcap"])]
    population: PopulationChoice,
    /// Messages in all, exactly.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    messages: u64,
    /// Continuous trading, from 09:30, in exchange time; what surrounds it shrinks in proportion.
    #[arg(long, value_name = "DURATION", default_value = "6h30m", value_parser = span::parse)]
    duration: Duration,
    /// The New York day of the session; 2025-06-02, or with --inject 1970-01-01, which is the day that
    /// a file without a date is taken for.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = TradingDay::parse)]
    date: Option<TradingDay>,
    /// Stage labelled episodes among innocent look-alikes: all, or names of detectors with commas
    /// between them.
    #[arg(long, value_name = "all|KIND,...", value_parser = Families::parse)]
    inject: Option<Families>,
    /// Splice the episodes into this recorded day (ITCH 5.0, BinaryFILE) instead of simulating one.
    #[arg(long, value_name = "FILE", requires_all = ["inject", "out"], value_hint = ValueHint::FilePath)]
    #[arg(conflicts_with_all = ["symbols", "messages", "duration", "pcap", "publish"])]
    inject_into: Option<PathBuf>,
    /// Write session.pcap too: two lines of MoldUDP64, captured with nanosecond times.
    #[arg(long, requires = "out")]
    pcap: bool,
    /// Write the session into this directory.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    #[arg(required_unless_present = "publish")]
    out: Option<PathBuf>,
    /// Print the summary as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    wire: PublishArgs,
}

impl SimulateArgs {
    /// What is to be staged.
    fn families(&self) -> Families {
        self.inject.unwrap_or(Families::NONE)
    }

    /// The session's day.
    fn day(&self) -> TradingDay {
        let is_plain = self.families().is_empty();
        let default = TradingDay::parse(DATE).ok().filter(|_| is_plain);
        self.date.or(default).unwrap_or(TradingDay::epoch())
    }

    fn capture(&self, settings: &Settings) -> CaptureOptions {
        capture::options(settings, self.families(), self.day())
    }
}

/// Runs the command.
pub(crate) fn run(args: &SimulateArgs, console: Console) -> Result<Status, Failure> {
    if let Some(record) = &args.inject_into {
        return splice::run(args, record, console);
    }
    let settings = settings(args)?;
    if args.wire.publish {
        return publish::run(args, settings, console);
    }
    let Some(out) = &args.out else {
        return Err(Failure::usage("nothing says where to: give --out DIR or --publish"));
    };
    let mut simulation =
        Simulation::with_episodes(&settings, args.families()).map_err(|error| {
            Failure::usage(format_args!("{error}; see `tapewatch simulate --help`"))
        })?;
    let interrupt = Interrupt::listen().map_err(|error| {
        Failure::no(format_args!("cannot listen for signals: {error}; run it again"))
    })?;
    let mut files = SessionFiles::create(out, args.pcap.then(|| args.capture(&settings)))?;
    if let Some(capture) = files.foreign_capture() {
        console.warning(&format!(
            "{} is of an earlier run and stays; delete it, or write this day's with --pcap",
            capture.display()
        ));
    }
    simulation = simulation.with_population(args.population.population());
    let start = Instant::now();
    let progress = Progress::messages(console, settings.messages);
    let mut encoder = Encoder::with_capacity(2 * PIECE_BYTES);
    let mut goes_on = true;
    while goes_on {
        if interrupt.is_asked() {
            return Err(Failure::no(format_args!(
                "interrupted; nothing was written to {}, what was there before stays; run it again",
                out.display()
            )));
        }
        while goes_on && encoder.bytes().len() < PIECE_BYTES {
            goes_on = simulation.advance(&mut encoder);
        }
        files.write(encoder.bytes())?;
        encoder.clear();
        progress.show(files.messages(), files.messages());
    }
    progress.finish();
    let written = files.end(&simulation, args.day())?;
    let summary = Summary {
        settings,
        day: args.day(),
        directory: out.clone(),
        population: args.population.name(),
        written,
        elapsed: start.elapsed(),
    };
    let text = if args.json { format!("{:#}\n", summary.json()) } else { summary.text() };
    console::write_result(&text)?;
    Ok(Status::Done)
}

/// The day where none is given.
pub(crate) fn default_day() -> Result<TradingDay, Failure> {
    TradingDay::parse(DATE).map_err(Failure::usage)
}

fn settings(args: &SimulateArgs) -> Result<Settings, Failure> {
    let continuous_ns = u64::try_from(args.duration.as_nanos()).unwrap_or(u64::MAX);
    let settings =
        Settings { seed: args.seed, symbols: args.symbols, messages: args.messages, continuous_ns };
    if args.pcap && !capture::can_tell(args.day()) {
        return Err(Failure::usage(format_args!(
            "--pcap with --date {}: a capture can tell the days from 1970-01-01 to 2106-02-06; give one of them",
            args.day()
        )));
    }
    Ok(settings)
}
