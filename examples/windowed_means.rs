#![forbid(unsafe_code)]
//! Mean price and total quantity by symbol in windows of event time, over CSV or over an ITCH day.
//!
//! ```sh
//! cargo run --release -p tapewatch-examples --bin windowed_means -- trades.csv --window 1s
//! cargo run --release -p tapewatch-examples --bin windowed_means -- day.itch --date 2019-12-30 --window 1m --slide 10s
//! zstdcat trades.csv.zst | cargo run --release -p tapewatch-examples --bin windowed_means -- - --window 1s --out means.csv
//! ```
//! What the input is, is told by its bytes: what is no ITCH file and no capture is CSV. The job is the
//! library in `windowed_means/`. One line on standard error at the end says what was read, what was
//! wrong with it, what was late, and how fast it went.

use std::error::Error;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use engine::units::Nanos;
use engine::window::Span;
use feed_handlers::binaryfile::ReadWindow;
use feed_handlers::input::format::DETECTION_BYTES;
use feed_handlers::input::{Format, InputFile, InputSource};
use jiff::civil::Date;
use jiff::tz;
use windowed_means::job::Options;
use windowed_means::summary::Summary;
use windowed_means::{csv, itch};

/// Mean price and total quantity by symbol in windows of event time.
///
/// Writes `symbol,window_start_ns,window_end_ns,trades,avg_price,total_quantity`, a line a window and
/// symbol, as windows close, then by symbol.
#[derive(Debug, Parser)]
struct Arguments {
    /// Trades as `symbol,time,price,quantity`, or an ITCH 5.0 file or capture; plain, .gz or .zst;
    /// `-` for standard input.
    file: PathBuf,
    /// Length of a window: 1s, 500ms, 1m.
    #[arg(long, value_parser = span)]
    window: Span,
    /// From one window's start to the next one's, for windows that overlap.
    #[arg(long, value_parser = span)]
    slide: Option<Span>,
    /// How long a window is kept for late trades; each gives it another line, which replaces the one
    /// before.
    #[arg(long, value_parser = span, default_value = "0s")]
    lateness: Span,
    /// How far trades may be behind the latest before them and still be in time.
    #[arg(long, value_parser = span, default_value = "0s")]
    out_of_orderness: Span,
    /// The day of an ITCH file, from which its times count: YYYY-MM-DD.
    #[arg(long, default_value = "1970-01-01")]
    date: Date,
    /// Where bad lines of CSV are set aside, as LINE_NUMBER,"COLUMN: CAUSE",LINE.
    #[arg(long)]
    rejects: Option<PathBuf>,
    /// Where the results go; standard output unless given.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// A length of time: a whole number and its unit.
fn span(text: &str) -> Result<Span, String> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit_ns = match unit {
        "ns" => 1,
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => Nanos::SECOND,
        "m" => 60 * Nanos::SECOND,
        "h" => 3_600 * Nanos::SECOND,
        _ => return Err(String::from("a number and ns, us, ms, s, m or h, such as 500ms")),
    };
    let number: i64 = number.parse().map_err(|_| String::from("no number before the unit"))?;
    number.checked_mul(unit_ns).map(Span).ok_or_else(|| String::from("longer than 292 years"))
}

/// Midnight in New York at the start of `date`.
fn midnight(date: Date) -> Result<Nanos, Box<dyn Error>> {
    let zone = tz::db().get("America/New_York")?;
    let ns = date.to_zoned(zone)?.timestamp().as_nanosecond();
    Ok(Nanos(i64::try_from(ns)?))
}

/// A file to write, through a buffer.
fn create(path: &Path) -> Result<BufWriter<File>, String> {
    File::create(path).map(BufWriter::new).map_err(|error| format!("{}: {error}", path.display()))
}

/// Runs the job that `arguments` ask for.
fn run(arguments: &Arguments) -> Result<Summary, Box<dyn Error>> {
    let Arguments { window, slide, lateness, out_of_orderness, .. } = *arguments;
    let options = Options { window, slide, lateness, out_of_orderness };
    let mut file = InputFile::open(&arguments.file)?;
    let mut results: Box<dyn Write> = match &arguments.out {
        Some(path) => Box::new(create(path)?),
        None => Box::new(BufWriter::new(io::stdout().lock())),
    };
    let is_itch = Format::detect(file.peek(DETECTION_BYTES)).is_some();
    let summary = if is_itch {
        let source = InputSource::from_files(vec![file], Format::Auto)?;
        itch::run(source, midnight(arguments.date)?, &options, &mut results)?
    } else {
        let name = file.name().to_owned();
        let mut rejects = arguments.rejects.as_deref().map(create).transpose()?;
        let told = rejects.as_mut().map(|file| file as &mut dyn Write);
        let run = csv::run(ReadWindow::new(file), &options, &mut results, told);
        if let Some(rejects) = &mut rejects {
            rejects.flush()?;
        }
        run.map_err(|error| format!("{name}: {error}"))?
    };
    results.flush()?;
    Ok(summary)
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let started = Instant::now();
    let (line, code) = match run(&arguments) {
        Ok(summary) => (summary.line(started.elapsed()), ExitCode::SUCCESS),
        Err(error) => (format!("windowed_means: {error}"), ExitCode::FAILURE),
    };
    // Whoever closed standard error does not want to know.
    let _ = writeln!(io::stderr(), "{line}");
    code
}
