#![forbid(unsafe_code)]
//! Our ring and published ones between two pinned threads, in one run, as a table.
//!
//! In each round every contender runs once, so that a host that slows down slows all alike; a ratio to
//! `rtrb` is taken within its round. The round trip of a cache line between the two cores is probed
//! right before and after each run: where a host moves its cores it jumps, and the run is dropped.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser;
use engine::pipeline::pin::Core;
use serde_json::{Value, json};
use tapewatch_benches::clock::Spread;
use tapewatch_benches::rings::contenders::{Contender, Crossbeam, Disruptor, Rtrb, Tapewatch};
use tapewatch_benches::rings::{Cores, Pattern, line_round_trip_ns};

/// Round trips of a probe: some 5 ms.
const PROBE_ROUND_TRIPS: u64 = 20_000;
/// How far the two probes of a run may lie apart.
const PROBE_RATIO_MAX: f64 = 1.25;

/// Our ring and published ones between two pinned threads, in one run.
#[derive(Debug, Parser)]
struct Arguments {
    /// How often each contender runs each pattern, at least 7.
    #[arg(long, default_value_t = 11, value_parser = clap::value_parser!(u32).range(7..=1_000))]
    rounds: u32,
    /// Slots of each queue, a power of two.
    #[arg(long, default_value_t = 1_024, value_parser = capacity)]
    capacity: usize,
    /// Values of a stream, in millions; a ping-pong makes a tenth as many round trips.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    millions: u64,
    /// The two cores; else the first two that this process may use.
    #[arg(long, num_args = 2, value_names = ["FIRST", "SECOND"])]
    cores: Option<Vec<usize>>,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

fn capacity(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(capacity) if (2..=1usize << 20).contains(&capacity) && capacity.is_power_of_two() => {
            Ok(capacity)
        }
        _ => Err("a power of two from 2 to 1048576".to_owned()),
    }
}

/// One run.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// A value, or a round trip.
    ns: f64,
    /// The line's round trip right before and right after it.
    probes_ns: [f64; 2],
}

impl Run {
    fn is_kept(self) -> bool {
        let [before, after] = self.probes_ns;
        before.max(after) <= before.min(after) * PROBE_RATIO_MAX
    }

    fn line_ns(self) -> f64 {
        f64::midpoint(self.probes_ns[0], self.probes_ns[1])
    }
}

/// A pattern's runs of all contenders, by round.
struct Measured {
    pattern: Pattern,
    rounds: Vec<[Run; CONTENDERS.len()]>,
}

/// Names in JSON and in the table, in the order of a round.
const CONTENDERS: [(&str, &str); 4] = [
    ("tapewatch", "Tapewatch"),
    ("rtrb", "crate `rtrb`"),
    ("crossbeam", "`ArrayQueue` of `crossbeam-queue`"),
    ("disruptor", "crate `disruptor`, polled"),
];
const RTRB: usize = 1;

struct Bench {
    cores: Cores,
    capacity: usize,
    rounds: u32,
    values: u64,
}

impl Bench {
    fn count(&self, pattern: Pattern) -> u64 {
        if pattern == Pattern::PingPong { self.values / 10 } else { self.values }
    }

    fn run<C: Contender>(&self, pattern: Pattern) -> Run {
        let count = self.count(pattern);
        let before = line_round_trip_ns(self.cores, PROBE_ROUND_TRIPS);
        let taken = pattern.run::<C>(self.cores, self.capacity, count);
        let after = line_round_trip_ns(self.cores, PROBE_ROUND_TRIPS);
        Run { ns: taken.as_nanos() as f64 / count as f64, probes_ns: [before, after] }
    }

    fn measure(&self, pattern: Pattern) -> Measured {
        // Once for the caches and the clocks of the cores.
        let _ = self.run::<Tapewatch>(pattern);
        let round = |_| {
            [
                self.run::<Tapewatch>(pattern),
                self.run::<Rtrb>(pattern),
                self.run::<Crossbeam>(pattern),
                self.run::<Disruptor>(pattern),
            ]
        };
        Measured { pattern, rounds: (0..self.rounds).map(round).collect() }
    }
}

/// What is told of one contender: ns, × rtrb in the same round, × the line's round trip around it.
struct Figures {
    ns: Spread,
    to_rtrb: Option<Spread>,
    to_line: Spread,
    dropped: usize,
}

impl Measured {
    /// `None` if all its runs were dropped.
    fn figures(&self, contender: usize) -> Option<Figures> {
        let kept = || self.rounds.iter().filter(|round| round[contender].is_kept());
        let both = kept().filter(|round| round[RTRB].is_kept());
        Some(Figures {
            ns: Spread::of(kept().map(|round| round[contender].ns))?,
            to_rtrb: Spread::of(both.map(|round| round[contender].ns / round[RTRB].ns)),
            to_line: Spread::of(
                kept().map(|round| round[contender].ns / round[contender].line_ns()),
            )?,
            dropped: self.rounds.len() - kept().count(),
        })
    }

    fn line(&self) -> Option<Spread> {
        let runs = self.rounds.iter().flatten().filter(|run| run.is_kept());
        Spread::of(runs.map(|run| run.line_ns()))
    }
}

fn json_of(bench: &Bench, measured: &[Measured]) -> Value {
    let spread = |spread: Spread| {
        json!({
            "median": spread.median, "min": spread.min, "max": spread.max
        })
    };
    let mut rows = Vec::new();
    for pattern in measured {
        for (contender, (name, _)) in CONTENDERS.iter().enumerate() {
            let figures = pattern.figures(contender);
            rows.push(json!({
                "pattern": pattern.pattern.names().0,
                "contender": name,
                "ns": figures.as_ref().map(|figures| spread(figures.ns)),
                "ratio_to_rtrb": figures.as_ref().and_then(|figures| figures.to_rtrb).map(spread),
                "ratio_to_line": figures.as_ref().map(|figures| spread(figures.to_line)),
                "runs": pattern.rounds.len(),
                "dropped_runs": figures.map_or(pattern.rounds.len(), |figures| figures.dropped),
                "count": bench.count(pattern.pattern),
            }));
        }
    }
    let lines = measured.iter().map(|one| (one.pattern.names().0.to_owned(), one.line()));
    json!({
        "rows": rows,
        "line_round_trip_ns": lines
            .map(|(name, line)| (name, line.map_or(Value::Null, spread)))
            .collect::<serde_json::Map<String, Value>>(),
        "value_bytes": 64,
        "capacity": bench.capacity,
        "cores": [bench.cores.first.0, bench.cores.second.0],
    })
}

fn table_of(bench: &Bench, measured: &[Measured]) -> String {
    let mut text = String::from(
        "| pattern | queue | ns, median | min | max | × rtrb, same round | × line round trip | \
         dropped runs |\n|---|---|---:|---:|---:|---:|---:|---:|\n",
    );
    for pattern in measured {
        for (contender, (_, name)) in CONTENDERS.iter().enumerate() {
            let runs = pattern.rounds.len();
            let names = format!("| {} | {name} |", pattern.pattern.names().1);
            let Some(figures) = pattern.figures(contender) else {
                text += &format!("{names} – | – | – | – | – | {runs} of {runs} |\n");
                continue;
            };
            text += &format!(
                "{names} {:.1} | {:.1} | {:.1} | {} | {:.2} | {} of {runs} |\n",
                figures.ns.median,
                figures.ns.min,
                figures.ns.max,
                figures.to_rtrb.map_or("–".to_owned(), |ratio| format!("{:.2}", ratio.median)),
                figures.to_line.median,
                figures.dropped,
            );
        }
    }
    let line = measured.iter().filter_map(Measured::line).map(|line| line.median);
    let line =
        Spread::of(line).map_or("unknown".to_owned(), |line| format!("{:.0} ns", line.median));
    text += &format!(
        "\n64-byte values, {} slots, {} values a stream, {} round trips; threads pinned to {} and {}.\n\
         A cache line goes from one core to the other and back in {line}, median. Contenders \
         interleaved; a run is\ndropped where the line's round trips right before and after it differ \
         by more than {:.0} %.\n",
        bench.capacity,
        bench.values,
        bench.count(Pattern::PingPong),
        bench.cores.first,
        bench.cores.second,
        (PROBE_RATIO_MAX - 1.0) * 100.0,
    );
    text
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let cores = match arguments.cores.as_deref() {
        Some(&[first, second]) => Cores { first: Core(first), second: Core(second) },
        _ => Cores::first_two().ok_or("it takes two cores, this process may use one")?,
    };
    if !cores.are_usable() {
        let Cores { first, second } = cores;
        return Err(format!("no two threads can be pinned to {first} and {second}").into());
    }
    let bench = Bench {
        cores,
        capacity: arguments.capacity,
        rounds: arguments.rounds,
        values: arguments.millions * 1_000_000,
    };
    let measured = Pattern::ALL.map(|pattern| bench.measure(pattern));
    let text = if arguments.json {
        format!("{:#}\n", json_of(&bench, &measured))
    } else {
        table_of(&bench, &measured)
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to do if standard error is closed too.
            let _ = writeln!(io::stderr(), "rings: {error}");
            ExitCode::FAILURE
        }
    }
}
