#![forbid(unsafe_code)]
//! What an append to the journal costs, and how late it may be, in all places: a table.
//!
//! `--disk DIR` is where files on disk lie (default: here).

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use clap::Parser;
use engine::log::options::SyncLevel;
use hdrhistogram::Histogram;
use tapewatch_benches::appends::{
    Directories, Measured, Medium, Target, Way, back_to_back, clock_floor, paced, pin,
};

/// What an append to the journal costs, and how late it may be.
#[derive(Parser)]
struct Arguments {
    /// Directory for files on disk.
    #[arg(long, default_value = ".")]
    disk: PathBuf,
    /// Core of the thread that appends.
    #[arg(long, default_value_t = 0)]
    core: usize,
    /// Core of the journal thread.
    #[arg(long, default_value_t = 1)]
    journal_core: usize,
    /// Bytes of payload of each back-to-back run.
    #[arg(long, default_value_t = 256 << 20)]
    bytes: u64,
    /// Appends a second of the paced runs.
    #[arg(long, default_value_t = 100_000)]
    rate: u64,
    /// Seconds of each paced run.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Only rows whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
}

type Failed = Box<dyn std::error::Error + Send + Sync>;

const MS: Duration = Duration::from_millis(1);

/// The rows: sync levels beside names.
fn ways() -> Vec<(Medium, Way)> {
    let interval = SyncLevel::Interval { period: 10 * MS, bytes: None };
    let mut ways = Vec::new();
    for medium in [Medium::Memory, Medium::Disk] {
        ways.extend([(medium, Way::Memcpy), (medium, Way::Write)]);
        ways.extend([SyncLevel::None, interval].map(|sync| (medium, Way::Inline(sync))));
        ways.push((medium, Way::Thread(SyncLevel::None)));
    }
    ways
}

fn name(medium: Medium, way: Way) -> String {
    let medium = match medium {
        Medium::Memory => "memory",
        Medium::Disk => "disk",
    };
    let level = |sync| match sync {
        SyncLevel::None => "none",
        SyncLevel::Interval { .. } => "10 ms",
        SyncLevel::Batch => "batch",
    };
    match way {
        Way::Memcpy => format!("memcpy {medium}"),
        Way::Write => format!("write(2) {medium}"),
        Way::Inline(sync) => format!("inline {medium}, sync {}", level(sync)),
        Way::Thread(sync) => format!("thread {medium}, sync {}", level(sync)),
    }
}

/// Runs `measure` on a thread of its own, pinned once the target is made.
fn run(
    arguments: &Arguments,
    directories: &Directories,
    (medium, way): (Medium, Way),
    measure: impl FnOnce(Target) -> Result<Measured, Failed> + Send,
) -> Result<Measured, Failed> {
    thread::scope(|scope| {
        let measuring = scope.spawn(|| {
            let target = Target::new(medium, way, directories, Some(arguments.journal_core))?;
            pin(arguments.core);
            measure(target)
        });
        measuring.join().unwrap_or_else(|_| Err("the measuring thread has panicked".into()))
    })
}

const QUANTILES: [f64; 4] = [0.5, 0.99, 0.999, 0.9999];

fn print_row(
    out: &mut impl io::Write,
    name: &str,
    ns: &Histogram<u64>,
    unit: f64,
) -> io::Result<()> {
    write!(out, "{name:<28}")?;
    for quantile in QUANTILES {
        write!(out, "{:>11.1}", ns.value_at_quantile(quantile) as f64 / unit)?;
    }
    write!(out, "{:>13.1}", ns.max() as f64 / unit)
}

fn print_head(out: &mut impl io::Write, title: &str) -> io::Result<()> {
    writeln!(out, "\n{title}")?;
    writeln!(
        out,
        "{:<28}{:>11}{:>11}{:>11}{:>11}{:>13}",
        "ns", "p50", "p99", "p99.9", "p99.99", "max"
    )
}

fn tables(arguments: &Arguments, out: &mut impl io::Write) -> Result<(), Failed> {
    let directories = Directories::new(&arguments.disk)?;
    let ways: Vec<_> = ways()
        .into_iter()
        .filter(|&(medium, way)| name(medium, way).contains(&arguments.only))
        .collect();
    for payload_bytes in [64, 1_000] {
        let payload = vec![7; payload_bytes];
        print_head(out, &format!("{payload_bytes} bytes, back to back, means of batches of 64"))?;
        let mut memcpy = [None; 2];
        for &(medium, way) in &ways {
            let measured = run(arguments, &directories, (medium, way), |target| {
                back_to_back(target, &payload, arguments.bytes)
            })?;
            print_row(out, &name(medium, way), &measured.ns, 10.0)?;
            let median = measured.ns.value_at_quantile(0.5);
            let floor = &mut memcpy[medium as usize];
            if way == Way::Memcpy {
                *floor = Some(median);
            }
            if let Some(floor) = *floor {
                write!(out, "   {:.2} × memcpy", median as f64 / floor as f64)?;
            }
            let statistics = measured.statistics;
            if statistics.frames > 0 {
                let waited_ms = statistics.waited_ns as f64 / 1e6;
                write!(
                    out,
                    ", {} rolls, {} waits of {waited_ms:.1} ms altogether",
                    statistics.rolls, statistics.waits
                )?;
            }
            writeln!(out)?;
        }
    }
    let duration = Duration::from_secs_f64(arguments.seconds);
    let payload = vec![7; 1_000];
    print_head(out, &format!("1000 bytes, {} a second, from the intended time", arguments.rate))?;
    let floor = thread::scope(|scope| {
        scope
            .spawn(|| {
                pin(arguments.core);
                clock_floor(arguments.rate, duration)
            })
            .join()
    });
    if let Ok(floor) = floor {
        print_row(out, "nothing", &floor, 1.0)?;
        writeln!(out)?;
    }
    for &(medium, way) in &ways {
        let measured = run(arguments, &directories, (medium, way), |target| {
            paced(target, &payload, arguments.rate, duration)
        })?;
        print_row(out, &name(medium, way), &measured.ns, 1.0)?;
        if let Some((_, achieved)) = measured.rate.filter(|(aim, had)| had * 1.001 < *aim) {
            write!(out, "   only {achieved:.0} a second")?;
        }
        writeln!(out)?;
    }
    let batch = SyncLevel::Batch;
    print_head(out, "1000 bytes, 200 a second, sync batch: durable at the return")?;
    for medium in [Medium::Memory, Medium::Disk] {
        let way = Way::Inline(batch);
        let measured = run(arguments, &directories, (medium, way), |target| {
            paced(target, &payload, 200, duration)
        })?;
        print_row(out, &name(medium, way), &measured.ns, 1.0)?;
        writeln!(out)?;
    }
    Ok(())
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match tables(&arguments, &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Whoever closed standard error does not want to know.
            let _ = writeln!(io::stderr(), "journal: {error}");
            ExitCode::FAILURE
        }
    }
}
