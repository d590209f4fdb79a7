#![forbid(unsafe_code)]
//! Published ITCH parsers beside our stages and our whole engine, in one run: the README's table.
//!
//! All passes are run once, then all again, so that a host that slows down slows all alike; a ratio
//! is taken within its round. The messages lie in memory, no file is read while a clock runs.
//!
//! The passes on two cores are probed: the time that a cache line takes there and back is measured
//! before and after, and a pass during which it changed by more than 25 % does not count and is made
//! again, since the host had moved a core meanwhile.

use std::hint::black_box;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use engine::book::Books;
use engine::book::books::Limits;
use engine::pipeline::stage::EventBatch;
use engine::state::{StateHash, section_sums};
use feed_handlers::itch50::decode::Itch50Decoder;
use serde_json::{Value, json};
use tapewatch_benches::clock::{Spread, Taken, timed};
use tapewatch_benches::peers::{self, FieldSums, HandMatch};
use tapewatch_benches::resident::resident_bytes;
use tapewatch_benches::rings::Cores;
use tapewatch_benches::stages::{self, BookBuilder, MIDNIGHT};
use tapewatch_benches::tape::{Tape, YARDSTICK};
use tapewatch_benches::temporary_journal::JournalPlace;
use tapewatch_benches::whole::{self, Failed, OnTwoCores};

/// Published ITCH parsers beside our stages and our whole engine, in one run.
#[derive(Debug, Parser)]
struct Arguments {
    /// A BinaryFILE of ITCH 5.0 messages; else the file that TAPEWATCH_YARDSTICK names; else the one
    /// that `cargo xtask yardstick` makes; else a stand-in made in memory.
    file: Option<PathBuf>,
    /// How often each pass is run, at least 5.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(5..=1_000))]
    runs: u32,
    /// Where the journal of the whole engine is written; a file system in memory.
    #[arg(long, value_name = "DIR", default_value = "/dev/shm")]
    memory_dir: PathBuf,
    /// Let an archiver carry the journal to this directory, as a session does.
    #[arg(long, value_name = "DIR")]
    session_dir: Option<PathBuf>,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

impl Arguments {
    fn journal(&self) -> JournalPlace {
        match &self.session_dir {
            None => JournalPlace::There(self.memory_dir.clone()),
            Some(directory) => JournalPlace::Carried {
                memory: self.memory_dir.clone(),
                directory: directory.clone(),
            },
        }
    }

    /// As the table tells it.
    fn journal_text(&self) -> String {
        let memory = self.memory_dir.display();
        let carried = self.session_dir.as_ref().map_or(String::new(), |_| {
            String::from(", from where an archiver carries it to a file on disk")
        });
        format!("Journal: segments of 64 MiB in {memory}{carried}, appended inline, sync none.")
    }
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
    Pipeline,
    PipelinedUnjournaled,
    Pipelined,
}

/// What one row did in one round.
struct Run {
    /// `None` where no pass of the round counts.
    taken: Option<Taken>,
    /// On two cores: the round trip of a cache line between them, ns.
    round_trip_ns: Option<f64>,
    /// Passes that do not count.
    dropped: u32,
}

impl Pass {
    const ALL: [Pass; 11] = [
        Pass::LengthWalk,
        Pass::Itch5,
        Pass::HandMatch,
        Pass::Itchy,
        Pass::Framing,
        Pass::Decode,
        Pass::Books,
        Pass::Metrics,
        Pass::Pipeline,
        Pass::PipelinedUnjournaled,
        Pass::Pipelined,
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
            Pass::Pipeline => ("pipeline", "Tapewatch: … and the journal (whole engine, inline)"),
            Pass::PipelinedUnjournaled => {
                ("pipelined_unjournaled", "Tapewatch: pipelined, one shard, two cores, no journal")
            }
            Pass::Pipelined => {
                ("pipelined", "Tapewatch: pipelined, one shard, two cores (whole engine)")
            }
        }
    }

    /// Whether it needs two cores.
    fn is_pipelined(self) -> bool {
        matches!(self, Pass::PipelinedUnjournaled | Pass::Pipelined)
    }

    /// One pass. What it needs is made before the clock starts and dropped after it has stopped.
    fn run(self, bench: &Bench) -> Result<Run, Failed> {
        let (tape, bytes) = (&bench.tape, bench.tape.bytes());
        let taken = match self {
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
            Pass::Pipeline => {
                let (taken, hash) = whole::inline(tape, &bench.journal)?;
                bench.same_state(self, hash)?;
                taken
            }
            Pass::PipelinedUnjournaled => return self.on_two_cores(bench, &JournalPlace::None),
            Pass::Pipelined => return self.on_two_cores(bench, &bench.journal),
        };
        Ok(Run { taken: Some(taken), round_trip_ns: None, dropped: 0 })
    }

    fn on_two_cores(self, bench: &Bench, place: &JournalPlace) -> Result<Run, Failed> {
        let cores = bench.cores.ok_or("a pass on two cores needs two")?;
        match whole::pipelined_in_place(&bench.tape, place, cores)? {
            Some(OnTwoCores { taken, hash, round_trip_ns, dropped }) => {
                bench.same_state(self, hash)?;
                Ok(Run { taken: Some(taken), round_trip_ns: Some(round_trip_ns), dropped })
            }
            None => Ok(Run { taken: None, round_trip_ns: None, dropped: 1 + whole::AGAIN_MAX }),
        }
    }
}

/// What all passes share.
struct Bench {
    tape: Tape,
    journal: JournalPlace,
    /// `None` where this host has but one.
    cores: Option<Cores>,
    checked: Checked,
}

impl Bench {
    /// Every whole engine must come to the same state, or it did not do the same work.
    fn same_state(&self, pass: Pass, hash: StateHash) -> Result<(), Failed> {
        if hash == self.checked.hash {
            return Ok(());
        }
        let name = pass.names().0;
        Err(format!("{name} led to {hash:?}, the engine by itself to {:?}", self.checked.hash)
            .into())
    }

    fn passes(&self) -> impl Iterator<Item = Pass> {
        let has_two = self.cores.is_some();
        Pass::ALL.into_iter().filter(move |pass| has_two || !pass.is_pipelined())
    }
}

/// What one pass of the engine, not timed, led to.
struct Checked {
    orders_live_max: u32,
    levels: u32,
    resident_without_input_bytes: u64,
    hash: StateHash,
}

fn check(tape: &Tape) -> Result<Checked, Failed> {
    let mut engine = stages::engine()?;
    let mut orders_live_max = 0;
    stages::walk(tape, |packet| {
        let _ = engine.push(packet);
        orders_live_max = orders_live_max.max(engine.shard().books().order_count());
    });
    let feed_time = engine.sequencer().feed_time();
    let checked = Checked {
        orders_live_max,
        levels: engine.shard().books().level_count(),
        resident_without_input_bytes: resident_bytes().saturating_sub(tape.bytes().len() as u64),
        hash: StateHash::of(&section_sums(engine.shard(), feed_time, true)),
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
    runs: Vec<Run>,
}

impl Row {
    fn dropped(&self) -> u32 {
        self.runs.iter().map(|run| run.dropped).sum()
    }

    fn taken(&self) -> impl Iterator<Item = Taken> {
        self.runs.iter().filter_map(|run| run.taken)
    }

    fn disturbed(&self) -> usize {
        self.taken().filter(|taken| taken.is_disturbed()).count()
    }

    fn round_trip_ns(&self) -> Option<Spread> {
        Spread::of(self.runs.iter().filter_map(|run| run.round_trip_ns))
    }
}

fn measure(bench: &Bench, runs: u32) -> Result<Vec<Row>, Failed> {
    let mut rows: Vec<Row> = bench.passes().map(|pass| Row { pass, runs: Vec::new() }).collect();
    for _ in 0..runs {
        for row in &mut rows {
            row.runs.push(row.pass.run(bench)?);
        }
    }
    Ok(rows)
}

/// A row's figures: ns a message, and the ratio to `itch5` in the same round.
fn figures(rows: &[Row], row: &Row, messages: u64) -> Option<(Spread, Spread)> {
    let base = rows.iter().find(|row| row.pass == Pass::Itch5)?;
    let rounds = row.runs.iter().zip(&base.runs);
    let ratios = rounds.filter_map(|(ours, base)| {
        Some(ours.taken?.wall.as_secs_f64() / base.taken?.wall.as_secs_f64())
    });
    Some((
        Spread::of(row.taken().map(|taken| taken.ns_per_message(messages)))?,
        Spread::of(ratios)?,
    ))
}

fn json_of(arguments: &Arguments, bench: &Bench, rows: &[Row]) -> Value {
    let Bench { tape, checked, .. } = bench;
    let rows: Vec<Value> = rows
        .iter()
        .filter_map(|row| {
            let (ns, ratio) = figures(rows, row, tape.messages())?;
            let round_trip_ns = row.round_trip_ns().map(|spread| spread.median);
            Some(json!({
                "name": row.pass.names().0,
                "ns_per_message": ns.median, "min": ns.min, "max": ns.max,
                "ratio_to_itch5": ratio.median, "ratio_min": ratio.min, "ratio_max": ratio.max,
                "runs": row.taken().count(), "disturbed_runs": row.disturbed(),
                "dropped_runs": row.dropped(), "round_trip_ns": round_trip_ns,
            }))
        })
        .collect();
    json!({
        "rows": rows,
        "input": tape.origin(),
        "journal": arguments.journal_text(),
        "messages": tape.messages(),
        "input_bytes": tape.bytes().len(),
        "orders_live_max": checked.orders_live_max,
        "levels_at_end": checked.levels,
        "rss_bytes": checked.resident_without_input_bytes,
    })
}

fn table_of(arguments: &Arguments, bench: &Bench, rows: &[Row]) -> String {
    let Bench { tape, checked, .. } = bench;
    let mut text = String::from(
        "| pass | ns a message, median | min | max | × itch5, same round | disturbed runs |\n\
         |---|---:|---:|---:|---:|---:|\n",
    );
    for row in rows {
        let Some((ns, ratio)) = figures(rows, row, tape.messages()) else {
            continue;
        };
        text += &format!(
            "| {} | {:.2} | {:.2} | {:.2} | {:.2} | {} of {} |\n",
            row.pass.names().1,
            ns.median,
            ns.min,
            ns.max,
            ratio.median,
            row.disturbed(),
            row.taken().count(),
        );
    }
    text += &format!(
        "\n{} messages, {} MB, in memory, from {}.\n\
         At most {} live orders, {} levels at the end; {:.0} MB resident without the input.\n\
         Wall time, passes interleaved, one thread unless two cores are told; a run is disturbed where \
         the thread lacked its core for more than 3 % of it.\n\
         {}\n{}\n",
        tape.messages(),
        tape.bytes().len() / 1_000_000,
        tape.origin(),
        checked.orders_live_max,
        checked.levels,
        checked.resident_without_input_bytes as f64 / 1e6,
        arguments.journal_text(),
        two_cores_text(rows),
    );
    text
}

/// How the cores of the passes on two lay to each other.
fn two_cores_text(rows: &[Row]) -> String {
    let on_two: Vec<&Row> = rows.iter().filter(|row| row.pass.is_pipelined()).collect();
    let trips = on_two.iter().flat_map(|row| &row.runs).filter_map(|run| run.round_trip_ns);
    let Some(trips) = Spread::of(trips) else {
        return String::from(
            "No pass on two cores counts: there is one core, or the host kept moving them.",
        );
    };
    let dropped: u32 = on_two.iter().map(|row| row.dropped()).sum();
    format!(
        "Two cores: a cache line takes {:.0} ns there and back (median; {:.0} to {:.0}); {dropped} \
         pass(es) during which that changed by more than 25 % do not count.",
        trips.median, trips.min, trips.max,
    )
}

fn run(arguments: &Arguments) -> Result<(), Failed> {
    let tape = match &arguments.file {
        Some(path) => Tape::file(path).map_err(|error| format!("{}: {error}", path.display()))?,
        None => Tape::yardstick(),
    };
    if tape.messages() == 0 {
        let name = tape.origin();
        return Err(format!("{name} has no messages; give a file, or set {YARDSTICK}").into());
    }
    let checked = check(&tape)?;
    let cores = Cores::first_two().filter(|cores| cores.are_usable());
    let bench = Bench { tape, journal: arguments.journal(), cores, checked };
    let rows = measure(&bench, arguments.runs)?;
    let text = if arguments.json {
        format!("{:#}\n", json_of(arguments, &bench, &rows))
    } else {
        table_of(arguments, &bench, &rows)
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
