#![forbid(unsafe_code)]
//! What it costs to put a bar into the output log, beside a bare append of as many bytes; and how long after
//! its message a bar is in the log, where a journal thread has to append that message first.
//!
//! All logs lie in `/dev/shm`. Times of appends are means of batches of 64.

use std::fs;
use std::hint::{black_box, spin_loop};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Parser;
use engine::journal::writer::{Append, Journal, JournalOptions, OnError};
use engine::log::SessionId;
use engine::log::frame::FrameTag;
use engine::log::options::{Place, SyncLevel};
use engine::log::storage::Directory;
use engine::log::threaded::ThreadOptions;
use engine::log::writer::LogWriter;
use engine::output::record::{Cause, Output, OutputKind};
use engine::output::release::Acceptance;
use engine::output::writer::{OutputLog, OutputOptions};
use engine::packet::Packet;
use engine::ring::WaitStrategy;
use engine::units::{FeedId, Nanos, Notional, Position, Price, Sequence, SymbolId};
use engine::window::bars::bar::Bar;
use hdrhistogram::Histogram;
use tapewatch_benches::appends::{clock_floor, pin};

/// What a bar in the output log costs.
#[derive(Parser)]
struct Arguments {
    /// Core of the thread that emits.
    #[arg(long, default_value_t = 0)]
    core: usize,
    /// Bars of each row of costs.
    #[arg(long, default_value_t = 4_000_000)]
    bars: u64,
    /// Messages a second, with a bar each, where latency is measured.
    #[arg(long, default_value_t = 50_000)]
    rate: u64,
    /// Seconds of that.
    #[arg(long, default_value_t = 4)]
    seconds: u64,
}

type Failed = Box<dyn std::error::Error + Send + Sync>;

const SESSION: SessionId = SessionId([1; 16]);
const BATCH: u64 = 64;
/// Bytes of a bar whose symbol has a name of four.
const BAR_BYTES: usize = 117;

/// Removed when it ends.
struct Root(PathBuf);

impl Drop for Root {
    fn drop(&mut self) {
        // What is left behind is seen, and does no harm.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn options(root: &Path, name: &str) -> OutputOptions {
    let at = |medium: &str| Directory::new(root.join(name).join(medium));
    OutputOptions {
        place: Place::Memory { memory_directory: at("memory"), directory: at("disk") },
        segment_bytes: 64 << 20,
        memory_bytes_max: 1 << 30,
        sync: SyncLevel::None,
        waiting_max: 4_096,
    }
}

fn journal(root: &Path, name: &str, append: Append) -> Result<Journal, Failed> {
    let OutputOptions { place, segment_bytes, memory_bytes_max, sync, .. } = options(root, name);
    let on_error = OnError::Stop;
    let options = JournalOptions { place, append, segment_bytes, memory_bytes_max, sync, on_error };
    Ok(Journal::create(options, SESSION, "")?)
}

fn bar(number: u64) -> Bar {
    Bar {
        symbol: SymbolId(number as u32 % 8_192),
        start: Nanos(number as i64),
        end: Nanos(number as i64 + 1),
        revision: 0,
        open: Price(1),
        high: Price(3),
        low: Price(1),
        close: Price(2),
        trades: number,
        volume: 100,
        notional: Notional(200),
        price_sum: 7,
        is_suspect: false,
    }
}

#[inline]
fn emit(log: &mut OutputLog, number: u64) -> Result<(), Failed> {
    let cause = Cause { position: Position(number), time: Nanos(number as i64), feed: 0 };
    Ok(log.emit(cause, &Output::Bar { bar: black_box(&bar(number)), name: Some(b"AAPL") })?)
}

fn histogram() -> Result<Histogram<u64>, Failed> {
    Ok(Histogram::new_with_bounds(1, 60_000_000_000, 3)?)
}

/// Times `act` for each number, in batches; tenths of a nanosecond.
fn batches(
    bars: u64,
    mut act: impl FnMut(u64) -> Result<(), Failed>,
) -> Result<Histogram<u64>, Failed> {
    let mut tenths = histogram()?;
    for batch in 0..bars / BATCH {
        let from = Instant::now();
        for number in batch * BATCH..(batch + 1) * BATCH {
            act(number + 1)?;
        }
        tenths.saturating_record(from.elapsed().as_nanos() as u64 * 10 / BATCH);
    }
    Ok(tenths)
}

/// From the intended time of a message until its bar is in the log: journaled, emitted, released.
fn latency(
    mut journal: Journal,
    mut log: OutputLog,
    rate_per_s: u64,
    seconds: u64,
) -> Result<Histogram<u64>, Failed> {
    let mut ns = histogram()?;
    let start = Instant::now() + Duration::from_millis(50);
    for number in 1..=rate_per_s * seconds {
        let intended = start + Duration::from_nanos(number * 1_000_000_000 / rate_per_s);
        while Instant::now() < intended {
            spin_loop();
        }
        let (recv, messages) = (Nanos(0), &[7; 40]);
        journal.append_packet(&Packet {
            feed: FeedId(0),
            sequence: Sequence(number),
            recv,
            messages,
        })?;
        emit(&mut log, number)?;
        while log.statistics().waiting > 0 {
            log.release()?;
        }
        ns.saturating_record(intended.elapsed().as_nanos() as u64);
    }
    journal.close()?;
    log.finish()?;
    Ok(ns)
}

fn told(name: &str, ns: &Histogram<u64>, unit: f64) -> io::Result<()> {
    let at = |quantile| ns.value_at_quantile(quantile) as f64 / unit;
    let [p50, p90, p99, p999] = [0.5, 0.9, 0.99, 0.999].map(at);
    let max = ns.max() as f64 / unit;
    writeln!(io::stdout(), "{name:<44} {p50:>9.1} {p90:>9.1} {p99:>9.1} {p999:>9.1} {max:>11.1}")
}

fn main() -> Result<(), Failed> {
    let arguments = Arguments::parse();
    let root = Root(PathBuf::from(format!("/dev/shm/tapewatch-bench-{}", std::process::id())));
    let root = &root.0;
    let columns = ["ns", "p50", "p90", "p99", "p99.9", "max"];
    let [name, rest @ ..] = columns;
    write!(io::stdout(), "{name:<44}")?;
    for (width, column) in [9, 9, 9, 9, 11].into_iter().zip(rest) {
        write!(io::stdout(), " {column:>width$}")?;
    }
    writeln!(io::stdout())?;
    // Made before this thread is pinned: their keepers may run elsewhere.
    let mut bare = LogWriter::create(options(root, "bare").of_log(SESSION))?;
    let mut free = OutputLog::create(options(root, "free"), SESSION, Acceptance::unjournaled())?;
    let inline = journal(root, "inline", Append::Inline)?;
    let mut behind =
        OutputLog::create(options(root, "behind"), SESSION, Acceptance::appended(&inline))?;
    let thread = ThreadOptions {
        ring_bytes: 4 << 20,
        wait: WaitStrategy::SpinThenYield { spins: 1_000 },
        core: None,
    };
    let threaded = journal(root, "threaded", Append::Thread(thread))?;
    let after =
        OutputLog::create(options(root, "after"), SESSION, Acceptance::appended(&threaded))?;
    let at_once = journal(root, "at once", Append::Inline)?;
    let at_once_log =
        OutputLog::create(options(root, "now"), SESSION, Acceptance::appended(&at_once))?;
    pin(arguments.core);

    let payload = [7; BAR_BYTES];
    let ns = batches(arguments.bars, |number| {
        let (sequence, time) = (Sequence(number), Nanos(number as i64));
        let tag = FrameTag { kind: OutputKind::Bar as u8, flags: 0, feed: 0, sequence, time };
        bare.append(&tag, black_box(&payload))?;
        Ok(())
    })?;
    bare.close()?;
    told("bare append of 117 bytes", &ns, 10.0)?;
    let ns = batches(arguments.bars, |number| emit(&mut free, number))?;
    free.finish()?;
    told("emit, no journal", &ns, 10.0)?;
    let ns = batches(arguments.bars, |number| emit(&mut behind, number))?;
    inline.close()?;
    behind.finish()?;
    told("emit behind an inline journal", &ns, 10.0)?;
    let floor = clock_floor(arguments.rate, Duration::from_secs(arguments.seconds));
    told("the clock alone, at that rate", &floor, 1.0)?;
    let ns = latency(at_once, at_once_log, arguments.rate, arguments.seconds)?;
    told("message to bar in the log, inline journal", &ns, 1.0)?;
    let ns = latency(threaded, after, arguments.rate, arguments.seconds)?;
    told("message to bar in the log, journal thread", &ns, 1.0)?;
    Ok(())
}
