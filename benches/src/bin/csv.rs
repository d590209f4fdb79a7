#![forbid(unsafe_code)]
//! How fast the job of the example `windowed_means` runs over CSV on one core, and that it takes no
//! more memory for a longer file: the README's table.
//!
//! The files are made in a temporary directory before a clock starts, a short one and one ten times
//! as long, with times as whole ns and as RFC 3339. The passes over the long ones are interleaved:
//! counting line ends, which is the floor under whatever reads a file; reading its trades; the job.

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use engine::window::Span;
use feed_handlers::binaryfile::{READ_WINDOW_BYTES, ReadWindow};
use feed_handlers::csv::{CsvTrades, Row};
use serde_json::{Value, json};
use tapewatch_benches::clock::{Spread, Taken, timed};
use tapewatch_benches::resident::peak_resident_bytes;
use tapewatch_benches::trades::{DISORDER_NS, SYMBOLS, TimeForm, write_trades};
use tapewatch_benches::whole::Failed;
use windowed_means::csv;
use windowed_means::job::Options;

/// How fast mean and sum by symbol and second are made of a CSV file, on one core.
#[derive(Debug, Parser)]
struct Arguments {
    /// Rows of the long file; the short one has a tenth of them.
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(10..))]
    rows: u64,
    /// How often each pass is run, at least 5.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(5..=1_000))]
    runs: u32,
    /// Where the temporary directory is made.
    #[arg(long, default_value_os_t = std::env::temp_dir())]
    place: PathBuf,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pass {
    /// Reads the file and counts line ends.
    LineEnds,
    /// Reads trades.
    Trades,
    /// Mean and sum of 1 s windows by symbol.
    Job,
}

impl Pass {
    const ALL: [Pass; 3] = [Pass::LineEnds, Pass::Trades, Pass::Job];

    fn name(self) -> &'static str {
        match self {
            Pass::LineEnds => "line ends counted (floor)",
            Pass::Trades => "trades read",
            Pass::Job => "the job: mean and sum of 1 s windows by symbol",
        }
    }

    fn key(self) -> &'static str {
        match self {
            Pass::LineEnds => "line_ends",
            Pass::Trades => "trades",
            Pass::Job => "job",
        }
    }

    /// Over a file of `rows` trades.
    fn run(self, file: &Path, rows: u64) -> Result<Taken, Failed> {
        let file = File::open(file)?;
        let (counted, taken) = match self {
            Pass::LineEnds => timed(|| line_ends(file).map(|ends| ends - 1)),
            Pass::Trades => timed(|| trades(file)),
            Pass::Job => timed(|| job(file)),
        };
        match counted? {
            counted if counted == rows => Ok(taken),
            counted => Err(format!("{} rows were counted, not {rows}", counted).into()),
        }
    }
}

fn line_ends(mut file: File) -> Result<u64, Failed> {
    let mut buffer = vec![0; READ_WINDOW_BYTES];
    let mut ends = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(ends),
            // In blocks, whose counts fit a byte: compilers make vectors of that.
            got => ends += buffer[..got].chunks(255).map(ends_in).sum::<u64>(),
        }
    }
}

fn ends_in(block: &[u8]) -> u64 {
    block.iter().fold(0_u8, |ends, byte| ends + u8::from(*byte == b'\n')).into()
}

fn trades(file: File) -> Result<u64, Failed> {
    let mut rows = CsvTrades::new(ReadWindow::new(file));
    let mut trades = 0;
    while let Some(row) = rows.next()? {
        trades += u64::from(matches!(black_box(row), Row::Trade(_)));
    }
    Ok(trades)
}

fn job(file: File) -> Result<u64, Failed> {
    let options = Options {
        window: Span(1_000_000_000),
        slide: None,
        lateness: Span::ZERO,
        out_of_orderness: Span(DISORDER_NS),
    };
    let summary = csv::run(ReadWindow::new(file), &options, &mut io::sink(), None)?;
    match summary.bad_lines() + summary.refused + summary.late_dropped {
        0 => Ok(summary.trades),
        lost => Err(format!("{lost} rows were lost").into()),
    }
}

/// The result.
struct Measured {
    rows: u64,
    /// Bytes of the long files.
    file_bytes: [u64; 2],
    passes: Vec<(TimeForm, Pass, Vec<Taken>)>,
    /// Peak memory after the short files and after the long ones.
    peak_bytes: [u64; 2],
}

/// A directory that goes when it is dropped.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn measured(arguments: &Arguments) -> Result<Measured, Failed> {
    let directory = arguments.place.join(format!("tapewatch-csv-{}", std::process::id()));
    fs::create_dir(&directory)?;
    let directory = Temporary(directory);
    let made = |name: &str, form, rows| -> Result<(PathBuf, u64), Failed> {
        let path = directory.0.join(name);
        let bytes = write_trades(rows, form, &mut File::create(&path)?)?;
        Ok((path, bytes))
    };
    let rows = arguments.rows;
    for form in TimeForm::ALL {
        let (path, _) = made("short.csv", form, rows / 10)?;
        for pass in Pass::ALL {
            pass.run(&path, rows / 10)?;
        }
    }
    let short_bytes = peak_resident_bytes();
    let mut passes = Vec::new();
    let mut file_bytes = [0; 2];
    for (form, file_bytes) in TimeForm::ALL.into_iter().zip(&mut file_bytes) {
        let (path, bytes) = made("long.csv", form, rows)?;
        *file_bytes = bytes;
        let mut taken = Pass::ALL.map(|pass| (form, pass, Vec::new()));
        for _ in 0..arguments.runs {
            for (_, pass, taken) in &mut taken {
                taken.push(pass.run(&path, rows)?);
            }
        }
        passes.extend(taken);
    }
    Ok(Measured { rows, file_bytes, passes, peak_bytes: [short_bytes, peak_resident_bytes()] })
}

/// Rows a second of the wall's time.
fn rates(rows: u64, taken: &[Taken]) -> Option<Spread> {
    Spread::of(taken.iter().map(|taken| rows as f64 / taken.wall.as_secs_f64()))
}

/// Rows a second of the core's time: what it would be if nobody else had the core.
fn core_rates(rows: u64, taken: &[Taken]) -> Option<Spread> {
    Spread::of(taken.iter().map(|taken| rows as f64 / taken.cpu.as_secs_f64()))
}

fn disturbed(taken: &[Taken]) -> usize {
    taken.iter().filter(|taken| taken.is_disturbed()).count()
}

fn table_of(measured: &Measured) -> String {
    let mut text = String::from(
        "| times | pass | M rows a second, median | min | max | by core time, median | disturbed runs |\n\
         |---|---|---:|---:|---:|---:|---:|\n",
    );
    for (form, pass, taken) in &measured.passes {
        let rates = (rates(measured.rows, taken), core_rates(measured.rows, taken));
        let (Some(Spread { median, min, max }), Some(core)) = rates else {
            continue;
        };
        text += &format!(
            "| {} | {} | {:.2} | {:.2} | {:.2} | {:.2} | {} of {} |\n",
            form.name(),
            pass.name(),
            median / 1e6,
            min / 1e6,
            max / 1e6,
            core.median / 1e6,
            disturbed(taken),
            taken.len()
        );
    }
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let ([epoch, stamps], [short, long]) = (measured.file_bytes, measured.peak_bytes);
    text += &format!(
        "\n{} rows of {SYMBOLS} symbols, {:.0} and {:.0} MB, read from a file in the page cache, on one \
         core; wall time unless core time is told, passes interleaved.\nPeak memory of the whole program {:.1} MB after files of \
         {} rows, {:.1} MB after those of {}.",
        measured.rows,
        megabytes(epoch),
        megabytes(stamps),
        megabytes(short),
        measured.rows / 10,
        megabytes(long),
        measured.rows,
    );
    text
}

fn json_of(measured: &Measured) -> Value {
    let rows: Vec<Value> = measured
        .passes
        .iter()
        .filter_map(|(form, pass, taken)| {
            let Spread { median, min, max } = rates(measured.rows, taken)?;
            let core = core_rates(measured.rows, taken)?;
            Some(json!({
                "times": form.name(),
                "name": pass.key(),
                "rows_per_s": median,
                "min": min,
                "max": max,
                "rows_per_core_s": core.median,
                "runs": taken.len(),
                "disturbed": disturbed(taken),
            }))
        })
        .collect();
    json!({
        "rows": measured.rows,
        "symbols": SYMBOLS,
        "passes": rows,
        "peak_rss_bytes": { "short": measured.peak_bytes[0], "long": measured.peak_bytes[1] },
    })
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match measured(&arguments) {
        Ok(measured) => {
            let text = match arguments.json {
                true => format!("{:#}", json_of(&measured)),
                false => table_of(&measured),
            };
            // Whoever closed standard output does not want to know.
            let _ = writeln!(io::stdout(), "{text}");
            ExitCode::SUCCESS
        }
        Err(failed) => {
            let _ = writeln!(io::stderr(), "csv: {failed}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pass_reads_every_row_and_nothing_is_left_behind() {
        let place = std::env::temp_dir();
        let arguments = Arguments { rows: 20_000, runs: 2, place: place.clone(), json: false };
        let measured = measured(&arguments).unwrap();
        let table = table_of(&measured);
        for pass in Pass::ALL {
            assert!(table.contains(pass.name()), "{table}");
        }
        assert_eq!(json_of(&measured)["passes"].as_array().unwrap().len(), 6);
        assert!(!place.join(format!("tapewatch-csv-{}", std::process::id())).exists());
    }
}
