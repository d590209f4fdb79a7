#![forbid(unsafe_code)]
//! Published ITCH parsers beside our stages, in one run on one core: the README's table.
//!
//! All passes are run once, then all again, so that a host that slows down slows all alike; a ratio
//! is taken within its round. The messages lie in memory, no file is read while a clock runs.

use std::hint::black_box;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use engine::book::Books;
use engine::book::books::Limits;
use engine::memory::MemoryError;
use engine::pipeline::stage::EventBatch;
use feed_handlers::itch50::decode::Itch50Decoder;
use serde_json::{Value, json};
use tapewatch_benches::clock::{Spread, Taken, timed};
use tapewatch_benches::peers::{self, FieldSums, HandMatch};
use tapewatch_benches::resident::resident_bytes;
use tapewatch_benches::stages::{self, BookBuilder, MIDNIGHT};
use tapewatch_benches::tape::{Tape, YARDSTICK};

/// Published ITCH parsers beside our stages, in one run on one core.
#[derive(Debug, Parser)]
struct Arguments {
    /// A BinaryFILE of ITCH 5.0 messages; else the file that TAPEWATCH_YARDSTICK names; else the one
    /// that `cargo xtask yardstick` makes; else a stand-in made in memory.
    file: Option<PathBuf>,
    /// How often each pass is run, at least 5.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(5..=1_000))]
    runs: u32,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// What is measured. Ours include those before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pass {
    LengthWalk,
    Itch5,
    HandMatch,
    Itchy,
    Framing,
    Decode,
    Books,
    Metrics,
}

impl Pass {
    const ALL: [Pass; 8] = [
        Pass::LengthWalk,
        Pass::Itch5,
        Pass::HandMatch,
        Pass::Itchy,
        Pass::Framing,
        Pass::Decode,
        Pass::Books,
        Pass::Metrics,
    ];

    /// Its name in JSON, and what it does.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Pass::LengthWalk => ("length_walk", "length walk (floor)"),
            Pass::Itch5 => ("itch5", "crate `itch5`, reference and shares only"),
            Pass::HandMatch => ("hand_match", "hand match, a branch a type, to `Event`"),
            Pass::Itchy => ("itchy", "crate `itchy`"),
            Pass::Framing => ("framing", "Tapewatch: framing to packets"),
            Pass::Decode => ("decode", "Tapewatch: … and decode to `Event`"),
            Pass::Books => ("book", "Tapewatch: … and full-depth books with queues"),
            Pass::Metrics => ("metrics", "Tapewatch: … and prints and metrics"),
        }
    }

    /// One pass. What it needs is made before the clock starts and dropped after it has stopped.
    fn run(self, tape: &Tape) -> Result<Taken, MemoryError> {
        let bytes = tape.bytes();
        Ok(match self {
            Pass::LengthWalk => timed(|| black_box(peers::length_walk(bytes))).1,
            Pass::Itch5 => timed(|| black_box(peers::itch5_pass(bytes))).1,
            Pass::HandMatch => timed(|| peers::hand_match_pass(bytes)).1,
            Pass::Itchy => timed(|| black_box(peers::itchy_pass(bytes))).1,
            Pass::Framing => timed(|| stages::framing(tape)).1,
            Pass::Decode => {
                let (mut decoder, mut batch) = (Itch50Decoder::new(MIDNIGHT)?, EventBatch::new());
                timed(|| stages::decode(tape, &mut decoder, &mut batch)).1
            }
            Pass::Books => {
                let mut builder = BookBuilder::new(Books::new(Limits::default())?)?;
                timed(|| stages::book(tape, &mut builder)).1
            }
            Pass::Metrics => {
                let mut engine = stages::engine()?;
                timed(|| stages::metrics(tape, &mut engine)).1
            }
        })
    }
}

/// What one pass of the engine, not timed, led to.
struct Checked {
    orders_live_max: u32,
    levels: u32,
    resident_without_input_bytes: u64,
}

fn check(tape: &Tape) -> Result<Checked, Box<dyn std::error::Error>> {
    let mut engine = stages::engine()?;
    let mut orders_live_max = 0;
    stages::walk(tape, |packet| {
        let _ = engine.push(packet);
        orders_live_max = orders_live_max.max(engine.shard().books().order_count());
    });
    let checked = Checked {
        orders_live_max,
        levels: engine.shard().books().level_count(),
        resident_without_input_bytes: resident_bytes().saturating_sub(tape.bytes().len() as u64),
    };
    drop(engine);
    let ours = stages::field_sums(tape)?;
    let mut by_hand = FieldSums::default();
    HandMatch::new(MIDNIGHT.0)
        .pass(tape.bytes(), |events| events.iter().for_each(|event| by_hand.take_event(event)));
    let others = [
        ("itch5", peers::itch5_pass(tape.bytes())),
        ("itchy", peers::itchy_pass(tape.bytes())),
        ("the hand match", by_hand),
    ];
    for (name, sums) in others {
        if sums != ours {
            return Err(format!("{name} read {sums:?}, we read {ours:?}: no comparison").into());
        }
    }
    Ok(checked)
}

/// The runs of one pass, in the order of the rounds.
struct Row {
    pass: Pass,
    runs: Vec<Taken>,
}

fn measure(tape: &Tape, runs: u32) -> Result<Vec<Row>, MemoryError> {
    let mut rows = Pass::ALL.map(|pass| Row { pass, runs: Vec::new() });
    for _ in 0..runs {
        for row in &mut rows {
            row.runs.push(row.pass.run(tape)?);
        }
    }
    Ok(rows.into())
}

/// A row's figures: ns a message, ratio to `itch5` in the same round, runs that lacked the core.
fn figures(rows: &[Row], row: &Row, messages: u64) -> Option<(Spread, Spread, usize)> {
    let base = rows.iter().find(|row| row.pass == Pass::Itch5)?;
    let wall = |taken: &Taken| taken.wall.as_secs_f64();
    let ratios = row.runs.iter().zip(&base.runs).map(|(ours, base)| wall(ours) / wall(base));
    Some((
        Spread::of(row.runs.iter().map(|taken| taken.ns_per_message(messages)))?,
        Spread::of(ratios)?,
        row.runs.iter().filter(|taken| taken.is_disturbed()).count(),
    ))
}

fn json_of(tape: &Tape, checked: &Checked, rows: &[Row]) -> Value {
    let rows: Vec<Value> = rows
        .iter()
        .filter_map(|row| {
            let (ns, ratio, disturbed) = figures(rows, row, tape.messages())?;
            Some(json!({
                "name": row.pass.names().0,
                "ns_per_message": ns.median, "min": ns.min, "max": ns.max,
                "ratio_to_itch5": ratio.median, "ratio_min": ratio.min, "ratio_max": ratio.max,
                "runs": row.runs.len(), "disturbed_runs": disturbed,
            }))
        })
        .collect();
    json!({
        "rows": rows,
        "input": tape.origin(),
        "messages": tape.messages(),
        "input_bytes": tape.bytes().len(),
        "orders_live_max": checked.orders_live_max,
        "levels_at_end": checked.levels,
        "rss_bytes": checked.resident_without_input_bytes,
    })
}

fn table_of(tape: &Tape, checked: &Checked, rows: &[Row]) -> String {
    let mut text = String::from(
        "| pass | ns a message, median | min | max | × itch5, same round | disturbed runs |\n\
         |---|---:|---:|---:|---:|---:|\n",
    );
    for row in rows {
        let Some((ns, ratio, disturbed)) = figures(rows, row, tape.messages()) else {
            continue;
        };
        text += &format!(
            "| {} | {:.2} | {:.2} | {:.2} | {:.2} | {disturbed} of {} |\n",
            row.pass.names().1,
            ns.median,
            ns.min,
            ns.max,
            ratio.median,
            row.runs.len(),
        );
    }
    text += &format!(
        "\n{} messages, {} MB, in memory, from {}.\n\
         At most {} live orders, {} levels at the end; {:.0} MB resident without the input.\n\
         One thread, wall time, passes interleaved; a run is disturbed where the thread lacked its \
         core for more than 3 % of it.\n",
        tape.messages(),
        tape.bytes().len() / 1_000_000,
        tape.origin(),
        checked.orders_live_max,
        checked.levels,
        checked.resident_without_input_bytes as f64 / 1e6,
    );
    text
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let tape = match &arguments.file {
        Some(path) => Tape::file(path).map_err(|error| format!("{}: {error}", path.display()))?,
        None => Tape::yardstick(),
    };
    if tape.messages() == 0 {
        let name = tape.origin();
        return Err(format!("{name} has no messages; give a file, or set {YARDSTICK}").into());
    }
    let checked = check(&tape)?;
    let rows = measure(&tape, arguments.runs)?;
    let text = if arguments.json {
        format!("{:#}\n", json_of(&tape, &checked, &rows))
    } else {
        table_of(&tape, &checked, &rows)
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to do if standard error is closed too.
            let _ = writeln!(io::stderr(), "peers: {error}");
            ExitCode::FAILURE
        }
    }
}
