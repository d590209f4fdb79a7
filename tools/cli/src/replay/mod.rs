//! `tapewatch replay`: files and captures through the engine, at a chosen pace.

pub(crate) mod bars;
mod drive;
mod ended;
pub(crate) mod engine;
pub(crate) mod faults;
pub(crate) mod hashes;
mod heard;
mod inputs;
pub(crate) mod outputs;
pub(crate) mod pace;
mod records;
mod restarting;
mod resume;
pub(crate) mod select;
pub(crate) mod session;
pub(crate) mod source;

use std::io::Write as _;
use std::path::PathBuf;

use ::engine::window::tick::Span;
use clap::{Args, ValueEnum, ValueHint};
use feed_handlers::input::Format;

use crate::alerts::compare::{Changed, WhatIf};
use crate::config::{self, Config};
use crate::console::{self, Console};
use crate::day::TradingDay;
use crate::exit::{Failure, Status};
use crate::interrupt::Interrupt;
use crate::output::files::{OutDir, OutFile, SealedFile};
use crate::output::metrics;
use crate::output::summary::Summary;
use crate::output::symbols::{self, SymbolLine};
use crate::output::table;
use crate::replay::ended::Ended;
use crate::replay::pace::{Pace, Speed};
use crate::replay::records::Records;
use crate::replay::select::Wanted;
use crate::replay::session::{Record, Session, Setup};
use crate::session_dir::SessionDir;

const EXAMPLES: &str = "\
Examples:
  tapewatch replay day.itch.gz --date 2019-12-30 --out results --trades --bbo --metrics
  tapewatch replay day.itch --bar 1s --bar 1m --out results
  tapewatch replay line-a.pcap line-b.pcap --symbols AAPL,MSFT --speed 10x
  zstdcat day.itch.zst | tapewatch replay - --json
  tapewatch replay day.itch --session S && tapewatch replay S --topology pipelined --shards 2
  tapewatch replay day.itch --session S --resume
  tapewatch replay S --set detect.spoofing.min_score=70

Other detect.* values over a recorded session: the alerts that are new (+), gone (-) or changed (~) against those
recorded are told one by one.
With --out DIR, DIR/summary.json and DIR/symbols.csv are written, each whole, at the end; with bars
(--bar, or bars.sizes in a configuration) DIR/bars.csv and DIR/late_windows.csv, too.
Exit status: 0 done (gaps are told, not a fault); 1 damaged input, all before the damage written;
2 usage, an input that cannot be read, or one with a second day or another session in it.";

/// Replay files or captures through the engine, and show what came out.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ReplayArgs {
    /// Files or captures, plain, .gz or .zst; `-` is standard input; or one recorded session.
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
    /// How the stages are laid out on threads [default: inline, or pipelined with several shards].
    #[arg(long, value_enum)]
    topology: Option<Topology>,
    /// Shards of a pipelined engine, each on a thread of its own.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    shards: Option<u32>,
    /// Compute only these symbols; `#123` is locate 123 where it was never named.
    #[arg(long, value_name = "A,B,...", value_delimiter = ',', value_parser = symbol)]
    symbols: Vec<String>,
    /// Build bars of this size, such as 1s or 1m; repeat it for more. In place of bars.sizes.
    #[arg(long, value_name = "SIZE", value_parser = config::bar_size)]
    bar: Vec<Span>,
    /// Record the run as a session in this directory: a journal from which it replays bit for bit.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    session: Option<PathBuf>,
    /// Go on with the session in --session whose writer died: the input is read from its start, and what
    /// is journaled or put out already is not again. One that has ended writes its outputs anew.
    #[arg(long, requires = "session")]
    resume: bool,
    /// Take the configuration from this file; `tapewatch config print` writes one.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
    /// Set one key of the configuration, such as journal.sync=batch.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Write summary.json and symbols.csv into this directory.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    out: Option<PathBuf>,
    /// Write trades.csv too: a line a print, and a line where a break took one out.
    #[arg(long)]
    trades: bool,
    /// Write bbo.csv too: a line a change of a symbol's best bid or ask.
    #[arg(long)]
    bbo: bool,
    /// Write metrics.csv too: a line a symbol.
    #[arg(long)]
    metrics: bool,
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
    /// The directory of a recorded session.
    Session,
}

/// The layouts of stages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Topology {
    /// Every stage on one thread.
    Inline,
    /// Each shard on a thread of its own.
    Pipelined,
}

impl Topology {
    fn name(self) -> &'static str {
        match self {
            Topology::Inline => "inline",
            Topology::Pipelined => "pipelined",
        }
    }

    /// What `--topology` and `--shards` set: several shards are pipelined unless told otherwise.
    pub(crate) fn settings(topology: Option<Topology>, shards: Option<u32>) -> Vec<String> {
        let implied = shards.filter(|shards| *shards > 1).map(|_| Topology::Pipelined);
        let topology = topology.or(implied).map(Topology::name);
        let topology = topology.map(|name| format!("engine.topology={name}"));
        topology.into_iter().chain(shards.map(|shards| format!("engine.shards={shards}"))).collect()
    }
}

/// A symbol as given: not empty.
pub(crate) fn symbol(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(String::from("a symbol is empty"));
    }
    Ok(text.to_owned())
}

/// What a run writes, and where.
#[derive(Clone, Debug)]
pub(crate) struct Results {
    /// In place of a session's own `report/`.
    pub(crate) out: Option<PathBuf>,
    /// `trades.csv`.
    pub(crate) trades: bool,
    /// `bbo.csv`.
    pub(crate) bbo: bool,
    /// `metrics.csv`.
    pub(crate) metrics: bool,
    /// The summary as JSON on standard output.
    pub(crate) json: bool,
    /// Nothing on standard output: somebody else goes on with what was written.
    pub(crate) is_silent: bool,
}

/// Runs the command.
pub(crate) fn run(args: &ReplayArgs, console: Console) -> Result<Status, Failure> {
    let setup = setup(args)?;
    let what_if = match setup.inputs.as_slice() {
        [input] if setup.is_session => {
            let session = SessionDir::open(input)?;
            let what_if = WhatIf::of(&session, &setup.config, setup.wanted.names())?;
            if what_if.is_some() && session.state() != "complete" {
                console.note("the session has not ended in order: its journal may go on behind the last alert recorded, so alerts there are told as new or changed");
            }
            what_if
        }
        _ => None,
    };
    let interrupt = Interrupt::listen().map_err(|error| {
        Failure::no(format_args!("cannot listen for signals: {error}; run it again"))
    })?;
    let results = Results {
        out: args.out.clone(),
        trades: args.trades,
        bbo: args.bbo,
        metrics: args.metrics,
        json: args.json,
        is_silent: false,
    };
    drive_asking(setup, &results, what_if, Pace::new(args.speed), console, &interrupt)
}

/// Drives what `setup` asks for to its end, and writes what came out.
pub(crate) fn drive(
    setup: Setup,
    args: &Results,
    pace: Pace,
    console: Console,
    interrupt: &Interrupt,
) -> Result<Status, Failure> {
    drive_asking(setup, args, None, pace, console, interrupt)
}

/// As [`drive()`]; the answer to `what_if` is told with the results.
fn drive_asking(
    setup: Setup,
    args: &Results,
    what_if: Option<WhatIf>,
    pace: Pace,
    console: Console,
    interrupt: &Interrupt,
) -> Result<Status, Failure> {
    let shards = setup.config.engine.shards;
    let given = args.out.as_deref().map(OutDir::create).transpose()?;
    let mut session = Session::open(setup)?;
    for line in session.found() {
        console.note(line);
    }
    let dir = match (given, session.report()) {
        (Some(dir), _) => Some(dir),
        (None, Some(report)) => Some(OutDir::create(&report)?),
        (None, None) => None,
    };
    if let Some(sequence) = session.begins_behind() {
        if args.trades || args.bbo {
            return Err(Failure::usage(format_args!(
                "the front of the session was pruned: prints and quotes up to message {} cannot be had; leave --trades and --bbo out",
                sequence.0
            )));
        }
        if session.has_bars() && dir.is_some() {
            console.warning(&format!(
                "the front of the session was pruned: bars up to message {} are not computed again, so bars.csv is not written; `tapewatch tail --output` has those of the output log",
                sequence.0
            ));
        }
    } else if let Some(dir) = &dir
        && session.has_bars()
    {
        session.write_bars(dir)?;
    }
    match &dir {
        Some(dir) if args.trades || args.bbo => {
            let records = Records::new(dir.path(), args.trades, args.bbo);
            let mut recorders = records.recorders(shards)?.into_iter();
            let next = |_| recorders.next().unwrap_or_default();
            let mut ended = session.drive(pace, console, interrupt, next)?;
            let recorders = std::mem::take(&mut ended.finished.observers);
            let sealed = records.write(dir, recorders, |symbol| ended.written_name(symbol));
            end(ended, (args, what_if), console, Some(dir), sealed)
        }
        _ => {
            let ended = session.drive(pace, console, interrupt, |_| ())?;
            end(ended, (args, what_if), console, dir.as_ref(), Ok(Vec::new()))
        }
    }
}

/// What the arguments, the configuration and, of a recorded session, its description ask for.
fn setup(args: &ReplayArgs) -> Result<Setup, Failure> {
    if (args.trades || args.bbo || args.metrics) && args.out.is_none() && args.session.is_none() {
        return Err(Failure::usage(
            "--trades, --bbo and --metrics write files; name their directory with --out, or record with --session",
        ));
    }
    let is_session = match (args.inputs.as_slice(), args.format) {
        (_, FormatChoice::Session) => true,
        ([input], FormatChoice::Auto) => input.is_dir(),
        _ => false,
    };
    let mut set = args.set.clone();
    set.extend(Topology::settings(args.topology, args.shards));
    if !args.bar.is_empty() {
        set.push(config::bar_sizes(&args.bar));
    }
    if let (true, Some(path)) = (args.resume, &args.session) {
        if is_session {
            return Err(Failure::usage(
                "--resume goes on with a session that was recorded from files or captures; name those, or replay the session without it",
            ));
        }
        return resume::setup(args, path, &set);
    }
    let mut symbols = args.symbols.clone();
    let config = match args.inputs.as_slice() {
        [input] if is_session => {
            if args.date.is_some() {
                return Err(Failure::usage(
                    "--date is given and the input is a session, which has its day; leave --date out",
                ));
            }
            let session = SessionDir::open(input)?;
            if symbols.is_empty() {
                symbols = session.symbols().to_vec();
            }
            // A session recorded by several shards can be replayed inline.
            if args.topology == Some(Topology::Inline) && args.shards.is_none() {
                set.push(String::from("engine.shards=1"));
            }
            session.config(&set)?
        }
        _ if is_session => {
            return Err(Failure::usage("several sessions were named; replay one at a time"));
        }
        _ => Config::load(args.config.as_deref(), &set)?,
    };
    Ok(Setup {
        inputs: args.inputs.clone(),
        format: args.format.into(),
        is_session,
        live: None,
        date: args.date,
        wanted: Wanted::of(&symbols),
        config,
        record: match &args.session {
            Some(path) => Record::Begin { path: path.clone(), takes_up: false },
            None => Record::Nothing,
        },
        report: None,
    })
}

/// Writes what came out, then tells how the input ended.
fn end<O>(
    mut ended: Ended<O>,
    (args, what_if): (&Results, Option<WhatIf>),
    console: Console,
    dir: Option<&OutDir>,
    sealed: Result<Vec<SealedFile>, Failure>,
) -> Result<Status, Failure> {
    let lines = ended.symbol_lines();
    let late = ended.late_windows();
    let summary = ended.summary(&lines, late.as_ref());
    let bars = ended.bars_file();
    for name in ended.missing(&lines) {
        console
            .warning(&format!("--symbols: {name} does not occur in the input; check its spelling"));
    }
    let more = |dir: &OutDir, mut sealed: Vec<SealedFile>| {
        sealed.extend(bars.transpose()?);
        if let Some(late) = &late {
            let file = dir.begin("late_windows.csv")?;
            sealed.push(written(file, |file| late.write(file))?);
        }
        let suspects = ended.suspects();
        if ended.feeds().is_some() || !suspects.is_empty() {
            sealed.push(written(dir.begin("suspect.csv")?, |file| {
                writeln!(file, "symbol,since_ns")?;
                suspects.iter().try_for_each(|(name, since)| writeln!(file, "{name},{}", since.0))
            })?);
        }
        if let Some(feeds) = ended.feeds() {
            sealed.push(written(dir.begin("gaps.csv")?, |file| feeds.write_gaps(file))?);
        }
        if let Some(alerts) = ended.alerts() {
            let file = dir.begin("alerts.jsonl")?;
            sealed.push(written(file, |file| alerts.0.write(alerts.1, file))?);
        }
        if let Some(log) = ended.latency_log() {
            let file = dir.begin("latency.hlog")?;
            sealed.push(written(file, |file| file.write_all(&log?))?);
        }
        if args.metrics {
            let (header, lines) = ended.metrics_lines();
            let file = dir.begin("metrics.csv")?;
            sealed.push(written(file, |file| metrics::write(file, &header, &lines))?);
        }
        Ok(sealed)
    };
    if let Some(dir) = dir
        && let Err(failure) = sealed
            .and_then(|sealed| more(dir, sealed))
            .and_then(|sealed| publish(dir, sealed, &lines, &summary))
    {
        // What ended the run comes first: a full disk, say, that leaves no room for results either.
        return Err(ended.fault().unwrap_or(failure));
    }
    if !args.is_silent {
        let changed = what_if.map(|what_if| what_if.answer(ended.alerts()));
        let mut text = result(&summary, &lines, changed.as_ref(), args.json);
        if let Some(feeds) = ended.feeds().filter(|_| !args.json) {
            text += &feeds.text();
        }
        console::write_result(&text)?;
    }
    match ended.fault() {
        Some(failure) => Err(failure),
        None => Ok(Status::Done),
    }
}

fn publish(
    dir: &OutDir,
    mut sealed: Vec<SealedFile>,
    lines: &[SymbolLine],
    summary: &Summary,
) -> Result<(), Failure> {
    sealed.push(written(dir.begin("symbols.csv")?, |file| symbols::write(file, lines))?);
    // The summary comes last: where it is new, so is the rest.
    sealed.push(written(dir.begin("summary.json")?, |file| summary.write(file))?);
    sealed.into_iter().try_for_each(SealedFile::publish)
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
fn result(
    summary: &Summary,
    lines: &[SymbolLine],
    changed: Option<&Changed>,
    json: bool,
) -> String {
    if json {
        let mut object = summary.json();
        if let Some(changed) = changed {
            object["alerts_changed"] = changed.json();
        }
        format!("{object:#}\n")
    } else {
        let changed = changed.map(Changed::text).unwrap_or_default();
        format!("{}\n{}{changed}", table::totals(summary), table::symbols(lines))
    }
}

impl From<FormatChoice> for Format {
    fn from(choice: FormatChoice) -> Format {
        match choice {
            // What a session holds is not asked.
            FormatChoice::Auto | FormatChoice::Session => Format::Auto,
            FormatChoice::Itch => Format::Itch,
            FormatChoice::ItchZeroPrefix => Format::ItchZeroPrefix,
            FormatChoice::Pcap => Format::Pcap,
        }
    }
}
