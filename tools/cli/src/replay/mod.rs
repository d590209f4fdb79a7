//! `tapewatch replay`: files and captures through the engine, at a chosen pace.

pub(crate) mod faults;
mod inputs;
pub(crate) mod pace;
mod records;
pub(crate) mod select;
pub(crate) mod session;

use std::io::Write as _;
use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use engine::shard::Observer;
use feed_handlers::input::Format;

use crate::console::{self, Console};
use crate::day::TradingDay;
use crate::exit::{Failure, Status};
use crate::output::files::{OutDir, OutFile, SealedFile};
use crate::output::recorder::Recorder;
use crate::output::summary::Summary;
use crate::output::symbols::{self, SymbolLine};
use crate::output::table;
use crate::replay::pace::{Pace, Speed};
use crate::replay::records::Records;
use crate::replay::select::Wanted;
use crate::replay::session::{Engine, Session};

const EXAMPLES: &str = "\
Examples:
  tapewatch replay day.itch.gz --date 2019-12-30 --out results --trades --bbo
  tapewatch replay line-a.pcap line-b.pcap --symbols AAPL,MSFT --speed 10x
  zstdcat day.itch.zst | tapewatch replay - --json

With --out DIR, DIR/summary.json and DIR/symbols.csv are written, each whole, at the end.
Exit status: 0 done (gaps are told, not a fault); 1 damaged input, all before the damage written;
2 usage, an input that cannot be read, or one with a second day or another session in it.";

/// Replay files or captures through the engine, and show what came out.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ReplayArgs {
    /// Files or captures, plain, .gz or .zst; `-` is standard input.
    #[arg(required = true, value_name = "INPUT", value_hint = ValueHint::FilePath)]
    inputs: Vec<PathBuf>,
    /// What the inputs are; `auto` looks at their bytes.
    #[arg(long, value_enum, default_value_t = FormatChoice::Auto)]
    format: FormatChoice,
    /// The New York day of the session [default: that of the first captured packet, else 1970-01-01].
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = TradingDay::parse)]
    date: Option<TradingDay>,
    /// How fast: `max`, or a multiple of the pace as received such as `1x`, `10x`, `0.5x`.
    #[arg(long, default_value = "max", value_parser = Speed::parse)]
    speed: Speed,
    /// How the stages are laid out on threads.
    #[arg(long, value_enum, default_value_t = Topology::Inline)]
    topology: Topology,
    /// Compute only these symbols; `#123` is locate 123 where it was never named.
    #[arg(long, value_name = "A,B,...", value_delimiter = ',', value_parser = symbol)]
    symbols: Vec<String>,
    /// Write summary.json and symbols.csv into this directory.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    out: Option<PathBuf>,
    /// Write trades.csv too: a line a print, and a line where a break took one out.
    #[arg(long, requires = "out")]
    trades: bool,
    /// Write bbo.csv too: a line a change of a symbol's best bid or ask.
    #[arg(long, requires = "out")]
    bbo: bool,
    /// Print the summary as JSON.
    #[arg(long)]
    json: bool,
}

/// The formats that can be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormatChoice {
    /// By the first bytes.
    Auto,
    /// Messages behind a two-byte length (BinaryFILE).
    Itch,
    /// Messages behind two zero bytes; the type gives the length.
    ItchZeroPrefix,
    /// Ethernet capture, pcap or pcapng, of MoldUDP64.
    Pcap,
}

/// The layouts of stages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Topology {
    /// Every stage on one thread.
    Inline,
}

/// A symbol as given: not empty.
fn symbol(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(String::from("a symbol is empty"));
    }
    Ok(text.to_owned())
}

/// Runs the command.
pub(crate) fn run(args: &ReplayArgs, console: Console) -> Result<Status, Failure> {
    let Topology::Inline = args.topology;
    let dir = args.out.as_deref().map(OutDir::create).transpose()?;
    match &dir {
        Some(dir) if args.trades || args.bbo => {
            let mut records = Records::begin(dir, args.trades, args.bbo)?;
            let mut session = open(args, Recorder::default())?;
            drive(&mut session, args, console, |engine| records.take(engine))?;
            let sealed = records.seal(dir, |symbol| session.written_name(symbol))?;
            end(&session, args, console, Some(dir), sealed)
        }
        _ => {
            let mut session = open(args, ())?;
            drive(&mut session, args, console, |_| Ok(()))?;
            end(&session, args, console, dir.as_ref(), Vec::new())
        }
    }
}

fn open<O: Observer>(args: &ReplayArgs, observer: O) -> Result<Session<O>, Failure> {
    let wanted = Wanted::of(&args.symbols);
    Session::open(&args.inputs, args.format.into(), args.date, wanted, observer)
}

fn drive<O: Observer>(
    session: &mut Session<O>,
    args: &ReplayArgs,
    console: Console,
    after_packet: impl FnMut(&mut Engine<O>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    session.drive(Pace::new(args.speed), console, after_packet)
}

/// Writes what came out, then tells how the input ended.
fn end<O: Observer>(
    session: &Session<O>,
    args: &ReplayArgs,
    console: Console,
    dir: Option<&OutDir>,
    mut sealed: Vec<SealedFile>,
) -> Result<Status, Failure> {
    let lines = session.symbol_lines();
    let summary = session.summary(&lines);
    for name in session.missing(&lines) {
        console
            .warning(&format!("--symbols: {name} does not occur in the input; check its spelling"));
    }
    if let Some(dir) = dir {
        sealed.push(written(dir.begin("symbols.csv")?, |file| symbols::write(file, &lines))?);
        // The summary comes last: where it is new, so is the rest.
        sealed.push(written(dir.begin("summary.json")?, |file| summary.write(file))?);
        for file in sealed {
            file.publish()?;
        }
    }
    console::write_result(&result(&summary, &lines, args.json))?;
    match session.fault() {
        Some(failure) => Err(failure.clone()),
        None => Ok(Status::Done),
    }
}

fn written(
    mut file: OutFile,
    write: impl FnOnce(&mut OutFile) -> std::io::Result<()>,
) -> Result<SealedFile, Failure> {
    match write(&mut file).and_then(|()| file.flush()) {
        Ok(()) => file.seal(),
        Err(error) => Err(file.fault(&error)),
    }
}

/// What stands on stdout.
fn result(summary: &Summary, lines: &[SymbolLine], json: bool) -> String {
    if json {
        format!("{:#}\n", summary.json())
    } else {
        format!("{}\n{}", table::totals(summary), table::symbols(lines))
    }
}

impl From<FormatChoice> for Format {
    fn from(choice: FormatChoice) -> Format {
        match choice {
            FormatChoice::Auto => Format::Auto,
            FormatChoice::Itch => Format::Itch,
            FormatChoice::ItchZeroPrefix => Format::ItchZeroPrefix,
            FormatChoice::Pcap => Format::Pcap,
        }
    }
}
