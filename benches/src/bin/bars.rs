#![forbid(unsafe_code)]
//! What bars of 1 s, 1 min and 5 min together add to a message of the inline pipeline, and how soon
//! after the message that closed its window a bar is in the output log.
//!
//! Passes without bars, with bars, and with bars that go into an output log are run in turn over the
//! same messages in memory, so that a host that slows down slows all; what is added is taken round by
//! round, by the time that the thread had its core. The output log lies in `/dev/shm`, its keeper on
//! the other core. Further passes hand over one message at a time, and time each bar from there until it is
//! appended, for all symbols and for some: the bars that the same message puts out before it are in that.

use std::hint::black_box;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use engine::book::books::Limits;
use engine::log::SessionId;
use engine::log::options::{Place, SyncLevel};
use engine::log::storage::Directory;
use engine::market::{Cause as MarketCause, HashPoint, MarketListener};
use engine::output::record::{Cause, Output};
use engine::output::release::Acceptance;
use engine::output::writer::{OutputLog, OutputOptions};
use engine::packet::Packet;
use engine::pipeline::inline::Inline;
use engine::pipeline::selection::Selection;
use engine::pipeline::sequencer::Sequencer;
use engine::pipeline::stage::{Cursor, Decoder as _, EventBatch};
use engine::shard::Shard;
use engine::units::{FeedId, Nanos, Sequence, SymbolId};
use engine::window::bars::{Bar, BarSettings};
use engine::window::tick::Span;
use feed_handlers::itch50::decode::Itch50Decoder;
use hdrhistogram::Histogram;
use tapewatch_benches::clock::{Spread, Taken, timed};
use tapewatch_benches::stages::{self, MIDNIGHT};
use tapewatch_benches::tape::Tape;

/// What bars add to a message of the inline pipeline, and how soon they are in the output log.
#[derive(Debug, Parser)]
struct Arguments {
    /// A BinaryFILE of ITCH 5.0 messages; else the yardstick, as for the other benchmarks.
    file: Option<PathBuf>,
    /// Rounds of one pass each.
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(5..=1_000))]
    runs: u32,
}

type Failed = Box<dyn core::error::Error>;

/// Where the bars of a pass go.
#[derive(Default)]
struct Bars {
    count: u64,
    log: Option<OutputLog>,
    latency: Option<Latency>,
    failed: Option<String>,
}

/// From the hand-over of a packet to each of its bars.
struct Latency {
    from: Instant,
    ns: Histogram<u64>,
}

impl MarketListener for Bars {
    fn on_hash_point(&mut self, _point: &HashPoint) {}

    fn on_bar(&mut self, cause: &MarketCause, bar: &Bar, name: &[u8]) {
        self.count += 1;
        let Some(log) = &mut self.log else {
            black_box((bar, name));
            return;
        };
        let cause = Cause { position: cause.position, time: cause.time, feed: 0 };
        if let Err(error) = log.emit(cause, &Output::Bar { bar, name: Some(name) }) {
            self.failed.get_or_insert_with(|| error.to_string());
        }
        if let Some(latency) = &mut self.latency {
            latency.ns.saturating_record(latency.from.elapsed().as_nanos() as u64);
        }
    }
}

/// Removed when it ends.
struct Root(PathBuf);

impl Drop for Root {
    fn drop(&mut self) {
        // What is left behind is seen, and does no harm.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn output_log(root: &Root) -> Result<OutputLog, Failed> {
    let options = OutputOptions {
        place: Place::Disk { directory: Directory::new(&root.0) },
        segment_bytes: 64 << 20,
        memory_bytes_max: 0,
        sync: SyncLevel::None,
        waiting_max: 1 << 16,
    };
    Ok(OutputLog::create(options, SessionId([1; 16]), Acceptance::unjournaled())?)
}

fn pass(
    tape: &Tape,
    settings: &BarSettings,
    selection: Selection,
    bars: Bars,
) -> Result<(Taken, Bars), Failed> {
    let shard = Shard::new(Limits::default())?.with_bars(settings)?;
    let sequencer = Sequencer::new(MIDNIGHT).with_time_grid(settings.grid());
    let decoder = Itch50Decoder::new(MIDNIGHT)?;
    let mut engine = Inline::with_listener(decoder, sequencer, selection, shard, (), bars);
    let ((), taken) = timed(|| {
        // A second start of day, where the engine stops, stands in no tape.
        stages::walk(tape, |packet| {
            if engine.market().listener().latency.is_none() {
                let _ = black_box(engine.push(packet));
                return;
            }
            for message in messages_of(packet) {
                if let Some(latency) = &mut engine.market_mut().listener_mut().latency {
                    latency.from = Instant::now();
                }
                let _ = black_box(engine.push(&message));
            }
        });
    });
    let mut bars = std::mem::take(engine.market_mut().listener_mut());
    if let Some(log) = bars.log.take() {
        log.finish()?;
    }
    match bars.failed.take() {
        Some(failed) => Err(failed.into()),
        None => Ok((taken, bars)),
    }
}

/// The messages of a packet, each in one of its own.
fn messages_of<'a>(packet: &Packet<'a>) -> impl Iterator<Item = Packet<'a>> {
    let (recv, messages, mut from) = (packet.recv, packet.messages, 0);
    (packet.sequence.0..).zip(packet.iter()).map(move |(sequence, message)| {
        let start = from;
        from += size_of::<u16>() + message.len();
        Packet {
            feed: FeedId(0),
            sequence: Sequence(sequence),
            recv,
            messages: &messages[start..from],
        }
    })
}

fn main() -> Result<ExitCode, Failed> {
    let arguments = Arguments::parse();
    let tape = match &arguments.file {
        Some(file) => Tape::file(file)?,
        None => Tape::yardstick(),
    };
    let sizes = [1, 60, 300].map(|seconds| Span(seconds * Nanos::SECOND));
    let settings = BarSettings::new(&sizes, Span::ZERO)?;
    let root = || Root(PathBuf::from(format!("/dev/shm/tapewatch-bench-{}", std::process::id())));
    let messages = tape.messages();
    let ns = |taken: Taken| taken.cpu.as_nanos() as f64 / messages as f64;
    let (mut without, mut built, mut logged) = (Vec::new(), Vec::new(), Vec::new());
    let mut count = 0;
    // The first pass of a process finds its memory cold.
    pass(&tape, &BarSettings::NONE, Selection::all(), Bars::default())?;
    for _ in 0..arguments.runs {
        without.push(ns(pass(&tape, &BarSettings::NONE, Selection::all(), Bars::default())?.0));
        let (taken, bars) = pass(&tape, &settings, Selection::all(), Bars::default())?;
        built.push(ns(taken));
        count = bars.count;
        let root = root();
        let bars = Bars { log: Some(output_log(&root)?), ..Bars::default() };
        logged.push(ns(pass(&tape, &settings, Selection::all(), bars)?.0));
    }
    let mut out = io::stdout();
    writeln!(
        out,
        "| ns a message, inline, without a journal | median | min | max | added, median |"
    )?;
    writeln!(out, "|---|---:|---:|---:|---:|")?;
    let added = |with: &[f64]| {
        let added = with.iter().zip(&without).map(|(with, without)| with - without);
        Spread::of(added).map_or(0.0, |added| added.median)
    };
    let mut row = |name: &str, taken: &[f64], added: Option<f64>| -> io::Result<()> {
        let Some(Spread { median, min, max }) = Spread::of(taken.iter().copied()) else {
            return Ok(());
        };
        let added = added.map_or(String::new(), |added| format!("{added:.1}"));
        writeln!(out, "| {name} | {median:.1} | {min:.1} | {max:.1} | {added} |")
    };
    row("no bars", &without, None)?;
    row("bars of 1 s, 1 min and 5 min", &built, Some(added(&built)))?;
    row("… and into the output log", &logged, Some(added(&logged)))?;
    writeln!(
        out,
        "\n{count} bars of {messages} messages of {}; core time of the thread, {} rounds, passes in turn.\n",
        tape.origin(),
        arguments.runs,
    )?;
    writeln!(
        out,
        "| ns until a bar is in the output log | bars | p50 | p90 | p99 | p99.9 | max |"
    )?;
    writeln!(out, "|---|---:|---:|---:|---:|---:|---:|")?;
    for symbols in [10, 50, usize::MAX] {
        let names = names(&tape, symbols)?;
        let symbols_max = Limits::default().symbols_max;
        let selection = match symbols {
            usize::MAX => Selection::all(),
            _ => Selection::of(names.clone(), symbols_max),
        };
        let root = root();
        let ns = Histogram::new_with_bounds(1, 60_000_000_000, 3)?;
        let latency = Some(Latency { from: Instant::now(), ns });
        let bars = Bars { log: Some(output_log(&root)?), latency, ..Bars::default() };
        let (_, bars) = pass(&tape, &settings, selection, bars)?;
        let ns = bars.latency.ok_or("no latency")?.ns;
        let [p50, p90, p99, p999] = [0.5, 0.9, 0.99, 0.999].map(|at| ns.value_at_quantile(at));
        let (count, max, names) = (bars.count, ns.max(), names.len());
        writeln!(out, "| {names} symbols | {count} | {p50} | {p90} | {p99} | {p999} | {max} |")?;
    }
    writeln!(
        out,
        "\nFrom the hand-over of the message that closes its window, messages one by one. At each whole second the windows of half the symbols close together, and their bars follow one another."
    )?;
    Ok(ExitCode::SUCCESS)
}

/// The names of a tape's first `symbols` symbols.
fn names(tape: &Tape, symbols: usize) -> Result<Vec<Vec<u8>>, Failed> {
    let mut decoder = Itch50Decoder::new(MIDNIGHT)?;
    let mut batch = EventBatch::new();
    // Symbols are listed before anything else.
    stages::walk(&tape.first(100_000), |packet| {
        batch.clear();
        decoder.decode(packet, &mut Cursor::default(), &mut batch);
    });
    let directory = decoder.directory();
    let listed = directory.named().iter().take(symbols);
    Ok(listed.filter_map(|&symbol| Some(directory.name(SymbolId(symbol))?.to_vec())).collect())
}
