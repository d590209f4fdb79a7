//! `tapewatch bench latency`: how long a packet takes, free of coordinated omission.
//!
//! ```text
//!  a tape ─► rows of packets, each with the time it is due at ─┬─► in process ──────────────────┬─► journal,
//!                                                              └─► UDP, loopback ─► live feed ──┘   engine
//! ```
//! For each load (a rate, or the recorded times so many times as fast) the packets are made and stamped
//! first. Then, by each way, a fresh session is begun, an eighth of the day is applied to it, and the row
//! runs: packets are handed over when they are due, or at once where that is over, and the time of each is
//! counted from when it was due. Before the rows and after them the same cores show what the host itself
//! does to a thread (`floor`). Nothing is corrected afterwards.
//!
//! - `arguments`, `rows`: what is asked for; `cuts`, `prepared`, `stamp`, `schedule`: packets and times
//! - `open_loop`, `clock`, `times`: the measurement itself; `pipeline`: what is measured; `sweep`: row by row
//! - `in_process`, `wire`: the ways; `row`, `floor`, `report`, `plot`: what came of it
//!
//! Ctrl-C ends it without a result. Sessions are removed row by row; a killed process leaves the last one.

mod arguments;
mod clock;
mod cuts;
mod floor;
mod in_process;
mod open_loop;
mod plot;
mod prepared;
mod report;
mod row;
mod rows;
mod schedule;
mod stamp;
mod sweep;
mod times;
mod wire;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::{Instant, SystemTime};

use exchange::Settings;
use exchange::settings::{CONTINUOUS_NS_MIN, FULL_DAY_NS};

pub(super) use arguments::LatencyArgs;
use arguments::SIMULATED_PER_S;
use prepared::WARM_UP_NS;
use report::Report;
use rows::{Load, Way};
use sweep::Sweep;

use crate::bench::hiccup;
use crate::bench::host::Host;
use crate::bench::input::Tape;
use crate::bench::place;
use crate::bench::setup::Wanted;
use crate::config::{self, Config, Journal, Topology};
use crate::console::{self, Console};
use crate::exit::{Failure, Status};
use crate::folder::Folder;
use crate::interrupt::Interrupt;
use crate::output::files::{OutDir, OutFile};

/// Securities of the simulated day, and what its chance comes from.
const SYMBOLS: u16 = 500;
const SEED: u64 = 1;

/// The log of all histograms, in `--out`.
const HLOG: &str = "latency.hlog";

/// What a bench of latency presets: memory that no row outgrows is there before the first packet, as on a desk's
/// engine. What a page fault in the middle of a session costs is for whoever sets it to 0.
const PREFAULTED: &str = "threads.prefault_orders=1000000";

/// Runs the command.
pub(super) fn run(args: &LatencyArgs, console: Console) -> Result<Status, Failure> {
    let wanted = Wanted {
        file: args.config.as_deref(),
        set: std::iter::once(PREFAULTED.to_owned()).chain(args.set.iter().cloned()).collect(),
        session_dir: args.session_dir.as_deref(),
    };
    // What is wrong is told before anything is read or measured.
    let config = wanted.config()?;
    if config.engine.topology != Topology::Inline {
        return Err(Failure::usage(
            "the engine is inline here, so that a packet's end is seen; leave engine.topology out",
        ));
    }
    let (cores, ways) = cores_and_ways(args, &config, console)?;
    let loads = args.loads();
    let span_ns = args.seconds * 1_000_000_000 + WARM_UP_NS;
    let files = Files::begin(args)?;
    let interrupt = Interrupt::listen().map_err(|error| {
        Failure::no(format_args!("cannot listen for signals: {error}; run it again"))
    })?;
    let tape = tape(args, span_ns)?;
    let cuts = cuts::of(&tape);
    let journal_bytes = journal_bytes(&tape, &loads, span_ns);
    let needed = |journal: &Journal| place::session_of_bytes(journal_bytes, journal.segment_bytes);
    let (mut config, place) = wanted.place(needed, console)?;
    config.threads.ingest_core = Some(config::Core(cores[0]));
    let folder = sessions_in(place.path())?;
    let memory_locked = sweep::lock_memory(&tape, &config, console)?;
    let sweep = Sweep {
        tape: &tape,
        cuts: &cuts,
        config: &config,
        folder: &folder.0,
        cores: &cores,
        span_ns,
        start: Instant::now(),
        interrupt: &interrupt,
        console,
    };
    let start = SystemTime::now();
    let (rows, floor) = sweep.measure(&loads, &ways, args.floor())?;
    let report = Report {
        input: tape.name.clone(),
        messages: tape.messages,
        written_in: report::written_in(&config, place.path()),
        config: config.clone(),
        memory_locked,
        cores: cores.clone(),
        seconds: args.seconds,
        start,
        rows,
        floor,
        host: Host::look(),
    };
    files.write(&report)?;
    let text = if args.json { format!("{:#}\n", report.json()) } else { report.text() };
    drop(folder);
    console::write_result(&text)?;
    Ok(Status::Done)
}

/// The engine's core, then the sender's where there is to be one; and the ways that can be measured.
fn cores_and_ways(
    args: &LatencyArgs,
    config: &Config,
    console: Console,
) -> Result<(Vec<u16>, Vec<Way>), Failure> {
    let allowed = hiccup::allowed_cores()?;
    let configured = config.threads.ingest_core.map(|core| core.0);
    let engine = args.cores.first().copied().or(configured).or(allowed.last().copied());
    let Some(engine) = engine else {
        return Err(Failure::usage("this process may use no core; name some by --cores"));
    };
    let other = allowed.iter().copied().find(|core| *core != engine);
    let sender = match args.cores[..] {
        [] => other,
        [_] => other,
        [_, sender] => Some(sender),
        _ => {
            return Err(Failure::usage(
                "--cores takes the engine's core and the sender's, no more than two",
            ));
        }
    };
    let mut ways = vec![Way::InProcess, Way::UdpLoopback];
    ways.retain(|way| args.takes(*way));
    let mut cores = vec![engine];
    if ways.contains(&Way::UdpLoopback) {
        match sender {
            Some(sender) => cores.push(sender),
            None => {
                ways.retain(|way| *way != Way::UdpLoopback);
                console.note(
                    "this process may use one core only: udp-loopback, whose sender needs another, is left out",
                );
            }
        }
    }
    if ways.is_empty() {
        return Err(Failure::usage(
            "udp-loopback needs two cores; allow more, or leave --path out",
        ));
    }
    hiccup::check(&cores)?;
    Ok((cores, ways))
}

/// The input: a file, or a day that is long enough for every row.
fn tape(args: &LatencyArgs, span_ns: u64) -> Result<Tape, Failure> {
    if let Some(file) = &args.file {
        return Tape::read(file);
    }
    let least = Settings::messages_min(SYMBOLS);
    let messages = args.messages.unwrap_or_else(|| args.messages_needed(span_ns).max(least));
    let continuous_ns = messages.saturating_mul(1_000_000_000 / SIMULATED_PER_S);
    Tape::simulated(&Settings {
        seed: SEED,
        symbols: SYMBOLS,
        messages,
        continuous_ns: continuous_ns.clamp(CONTINUOUS_NS_MIN, FULL_DAY_NS),
    })
}

/// The folder that sessions are recorded in; all of it goes at the end.
fn sessions_in(place: &Path) -> Result<Folder, Failure> {
    let folder = Folder(place.join(format!("tapewatch-bench-{}", std::process::id())));
    match fs::create_dir_all(&folder.0) {
        Ok(()) => Ok(folder),
        Err(error) => Err(Failure::usage(format_args!(
            "cannot write to {}: {error}; make room or name another place with --session-dir",
            folder.0.display()
        ))),
    }
}

/// More bytes than the journal of any row has.
fn journal_bytes(tape: &Tape, loads: &[Load], span_ns: u64) -> u64 {
    /// The head of a record and of its frame, with room to spare.
    const HEADS_BYTES: u128 = 96;
    let most = loads.iter().filter_map(|load| load.rate()).max().unwrap_or(0);
    let singles = u128::from(most) * u128::from(span_ns) / 1_000_000_000;
    let heads = singles.min(u128::from(tape.messages)) * HEADS_BYTES;
    // Packets of several messages have a head for all of them.
    let all = heads + tape.bytes.len() as u128 * 2;
    u64::try_from(all).unwrap_or(u64::MAX)
}

/// The files that were asked for besides the result. They appear at the end, whole.
struct Files {
    hlog: Option<OutFile>,
    plot: Option<OutFile>,
}

impl Files {
    /// Begins them: what cannot be written is told before anything is measured.
    fn begin(args: &LatencyArgs) -> Result<Files, Failure> {
        let hlog = match &args.out {
            Some(dir) => Some(OutDir::create(dir)?.begin(HLOG)?),
            None => None,
        };
        Ok(Files { hlog, plot: args.plot.as_deref().map(OutFile::at).transpose()? })
    }

    fn write(self, report: &Report) -> Result<(), Failure> {
        let written = |mut file: OutFile, bytes: &[u8]| {
            file.write_all(bytes).map_err(|error| file.fault(&error))?;
            file.seal()?.publish()
        };
        if let Some(file) = self.hlog {
            let log = report.hlog().map_err(|error| file.fault(&error))?;
            written(file, &log)?;
        }
        match self.plot {
            Some(file) => written(file, report.svg().as_bytes()),
            None => Ok(()),
        }
    }
}
