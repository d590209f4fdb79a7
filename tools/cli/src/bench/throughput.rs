//! `tapewatch bench throughput`: what a message costs, stage by stage.
//!
//! Every stage includes those before it, up to `pipeline`: the whole configured engine recording a
//! session. `from_file` and `from_journal` are replays by that engine, without a journal. Runs are interleaved (all stages, then all again), so that
//! a host that slows down slows all stages alike; the median of the runs is the figure.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueHint};
use engine::event::Event;
use engine::shard::{Observer, Outcome, Shard};
use exchange::Settings;
use exchange::settings::FULL_DAY_NS;
use serde_json::{Value, json};

use crate::bench::checksum::BookSums;
use crate::bench::host::Host;
use crate::bench::input::Tape;
use crate::bench::place;
use crate::bench::setup::Wanted;
use crate::bench::stages::{self, Stage};
use crate::bench::whole::Whole;
use crate::config::Journal;
use crate::console::{self, Console};
use crate::exit::{Failure, Status};
use crate::interrupt::Interrupt;
use crate::memory::Resident;
use crate::output::decimal::grouped;
use crate::output::table;
use crate::progress::Progress;
use crate::replay::{Topology, faults};

const EXAMPLES: &str = "\
Examples:
  tapewatch bench throughput
  tapewatch bench throughput day.itch
  tapewatch bench throughput day.itch.zst --runs 9 --json

FILE is read into memory first: nothing of reading or unpacking is measured. Without FILE a trading
day is simulated, the same one on every machine. Each stage includes those before it. The sums of the final books are shown so that other book builders can be held
against them.";

/// Messages of a simulated day: enough that its books do not fit a cache near the core.
const MESSAGES: u64 = 5_000_000;

/// Its securities, and what its chance comes from.
const SYMBOLS: u16 = 500;
const SEED: u64 = 1;

/// Fewest runs from which a median is told.
const RUNS_MIN: u32 = 5;

/// Measure what a message costs: framing, decode, book, metrics, the whole engine.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ThroughputArgs {
    /// A file or capture, plain, .gz or .zst [default: a simulated day].
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: Option<PathBuf>,
    /// Messages of the simulated day.
    #[arg(long, value_name = "N", default_value_t = MESSAGES, conflicts_with = "file")]
    messages: u64,
    /// Runs of each stage, at least 5.
    #[arg(long, default_value_t = RUNS_MIN, value_parser = clap::value_parser!(u32).range(i64::from(RUNS_MIN)..=1_000))]
    runs: u32,
    /// How the stages of the whole engine are laid out on threads [default: inline, or pipelined with
    /// several shards].
    #[arg(long, value_enum)]
    topology: Option<Topology>,
    /// Shards of a pipelined engine, each on a thread of its own.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    shards: Option<u32>,
    /// Record sessions in this directory [default: journal.memory_dir, where segments then stay; a
    /// temporary one where that has no room].
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    session_dir: Option<PathBuf>,
    /// Take the configuration from this file; `tapewatch config print` writes one.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
    /// Set one key of the configuration, such as journal.append=thread.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// The cost of a message at one stage, over all runs.
struct Cost {
    stage: Stage,
    median: f64,
    min: f64,
    max: f64,
    runs: usize,
    /// Of each round, in order.
    rounds: Vec<f64>,
}

/// Runs the command.
pub(super) fn run(args: &ThroughputArgs, console: Console) -> Result<Status, Failure> {
    let wanted = wanted(args);
    // A fault of it is told before the input is read.
    wanted.config()?;
    let interrupt = Interrupt::listen().map_err(|error| {
        Failure::no(format_args!("cannot listen for signals: {error}; run it again"))
    })?;
    let tape = match &args.file {
        Some(file) => Tape::read(file)?,
        None => Tape::simulated(&Settings {
            seed: SEED,
            symbols: SYMBOLS,
            messages: args.messages,
            continuous_ns: FULL_DAY_NS,
        })?,
    };
    let checked = Checked::pass(&tape)?;
    let input_bytes = tape.bytes.len() as u64;
    let needed = |journal: &Journal| place::two_sessions_bytes(input_bytes, journal.segment_bytes);
    let (config, place) = wanted.place(needed, console)?;
    let whole = Whole::prepare(tape, config, place.path())?;
    let costs = measure(&whole, args.runs, console, &interrupt)?;
    let host = Host::look();
    let text = if args.json {
        format!("{:#}\n", json_of(&whole, &checked, &costs, &host))
    } else {
        table_of(args, &whole, &checked, &costs, &host)
    };
    drop((whole, place));
    console::write_result(&text)?;
    Ok(Status::Done)
}

/// What the arguments ask for.
fn wanted(args: &ThroughputArgs) -> Wanted<'_> {
    let mut set = args.set.clone();
    set.extend(Topology::settings(args.topology, args.shards));
    Wanted { file: args.config.as_deref(), set, session_dir: args.session_dir.as_deref() }
}

/// What one pass of the whole engine, not timed, led to.
struct Checked {
    sums: BookSums,
    messages: u64,
    orders_live_max: u32,
    levels_max: u32,
    /// At the end.
    levels: u32,
    rss_bytes: u64,
}

/// Watches how many orders are live and how many price levels they make.
#[derive(Default)]
struct Sizes {
    orders_max: u32,
    levels_max: u32,
}

impl Observer for Sizes {
    fn on_event(&mut self, _event: &Event, _outcome: &Outcome, shard: &Shard) {
        let books = shard.books();
        self.orders_max = self.orders_max.max(books.order_count());
        self.levels_max = self.levels_max.max(books.level_count());
    }
}

impl Checked {
    fn pass(tape: &Tape) -> Result<Checked, Failure> {
        let mut engine = stages::inline_engine(tape, Sizes::default())
            .map_err(|error| faults::no_memory(&error))?;
        let mut pushed = Ok(());
        stages::walk(tape, |packet| {
            pushed = engine.push(packet);
            pushed.is_ok()
        });
        // What a stage costs is the time of all messages, so all must be of one day.
        pushed.map_err(|second| faults::second_start(second, Some(&tape.name)))?;
        let input_bytes = tape.bytes.len() as u64;
        Ok(Checked {
            sums: BookSums::of(engine.shard()),
            messages: engine.decoder().counts().messages,
            orders_live_max: engine.observer().orders_max,
            levels_max: engine.observer().levels_max,
            levels: engine.shard().books().level_count(),
            rss_bytes: Resident::ask().now_bytes.saturating_sub(input_bytes),
        })
    }
}

fn measure(
    whole: &Whole,
    runs: u32,
    console: Console,
    interrupt: &Interrupt,
) -> Result<Vec<Cost>, Failure> {
    // Without a board there is nothing to leave out, and nothing to look at.
    let is_measured =
        |stage: &Stage| whole.has_board() || !matches!(stage, Stage::Unseen | Stage::Polled);
    let stages: Vec<Stage> = Stage::ALL.into_iter().filter(is_measured).collect();
    let passes = u64::from(runs) * stages.len() as u64;
    let progress = Progress::steps(console, passes);
    let mut taken: Vec<_> = stages.into_iter().map(|stage| (stage, Vec::new())).collect();
    for _ in 0..runs {
        for (stage, times) in &mut taken {
            if interrupt.is_asked() {
                return Err(Failure::no("interrupted before all was measured; run it again"));
            }
            times.push(stage.pass(whole)?);
            progress.step();
        }
    }
    progress.finish();
    let messages = whole.tape().messages;
    Ok(taken.into_iter().map(|(stage, times)| Cost::of(stage, &times, messages)).collect())
}

impl Cost {
    fn of(stage: Stage, times: &[Duration], messages: u64) -> Cost {
        let rounds: Vec<f64> =
            times.iter().map(|time| time.as_nanos() as f64 / messages as f64).collect();
        let mut each = rounds.clone();
        each.sort_by(f64::total_cmp);
        Cost {
            stage,
            median: middle(&each),
            min: each.first().copied().unwrap_or(0.0),
            max: each.last().copied().unwrap_or(0.0),
            runs: each.len(),
            rounds,
        }
    }
}

/// The middle one of figures in order, or the mean of the middle two.
fn middle(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => sorted[middle],
        _ => (sorted[middle - 1] + sorted[middle]) / 2.0,
    }
}

/// What a stage adds to the one before it that was measured, at the medians; `None` where it is no step
/// from one.
fn added(cost: &Cost, costs: &[Cost]) -> Option<f64> {
    let mut before = cost.stage.before()?;
    loop {
        if let Some(before) = costs.iter().find(|other| other.stage == before) {
            return Some(cost.median - before.median);
        }
        before = before.before()?;
    }
}

/// How much longer `stage` takes than `other`, in percent: the median of the rounds, since both passes of
/// a round met the same host.
fn longer_percent(stage: Stage, other: Stage, costs: &[Cost]) -> Option<f64> {
    let of = |wanted: Stage| costs.iter().find(|cost| cost.stage == wanted);
    let rounds = of(stage)?.rounds.iter().zip(&of(other)?.rounds);
    let mut percents: Vec<f64> = rounds.map(|(long, short)| (long / short - 1.0) * 100.0).collect();
    percents.sort_by(f64::total_cmp);
    Some(middle(&percents))
}

/// What the detectors cost a message, for programs; `None` where they were not measured.
fn detectors_json(costs: &[Cost]) -> Option<Value> {
    let of = |wanted: Stage| costs.iter().find(|cost| cost.stage == wanted);
    let (with, without) = (of(Stage::Unseen)?, of(Stage::Undetected)?);
    let mut added: Vec<f64> =
        with.rounds.iter().zip(&without.rounds).map(|(with, without)| with - without).collect();
    added.sort_by(f64::total_cmp);
    Some(json!({
        "added_ns_per_message": middle(&added),
        "added_ns_per_message_at_least": with.min - without.min,
    }))
}

/// What the board costs, for programs: `None` where there is none.
fn board_json(costs: &[Cost]) -> Option<Value> {
    Some(json!({
        "added_percent": longer_percent(Stage::Pipeline, Stage::Unseen, costs)?,
        "polled_percent": longer_percent(Stage::Polled, Stage::Pipeline, costs)?,
    }))
}

fn json_of(whole: &Whole, checked: &Checked, costs: &[Cost], host: &Host) -> Value {
    let stages: Vec<Value> = costs
        .iter()
        .map(|cost| {
            json!({
                "name": cost.stage.name(),
                "ns_per_message": cost.median,
                "min": cost.min,
                "max": cost.max,
                "added_ns_per_message": added(cost, costs),
                "runs": cost.runs,
            })
        })
        .collect();
    json!({
        "stages": stages,
        "messages": checked.messages,
        "orders_live_max": checked.orders_live_max,
        "levels_max": checked.levels_max,
        "levels": checked.levels,
        "rss_bytes": checked.rss_bytes,
        "input": whole.tape().name,
        "input_bytes": whole.tape().bytes.len(),
        "state_hash": whole.hash().map(|hash| hash.to_string()),
        "engine": whole.json(),
        "detectors": detectors_json(costs),
        "board": board_json(costs),
        "books": checked.sums.json(),
        "host": host.json(),
    })
}

fn table_of(
    args: &ThroughputArgs,
    whole: &Whole,
    checked: &Checked,
    costs: &[Cost],
    host: &Host,
) -> String {
    let header = ["stage", "ns a message", "min", "max", "adds", "M messages/s", "runs"];
    let rows = costs.iter().map(|cost| {
        [
            String::from(cost.stage.name()),
            format!("{:.2}", cost.median),
            format!("{:.2}", cost.min),
            format!("{:.2}", cost.max),
            added(cost, costs).map_or_else(String::new, |added| format!("{added:.2}")),
            format!("{:.1}", 1e3 / cost.median),
            cost.runs.to_string(),
        ]
    });
    let host = host.lines().join("\n");
    let percent = |stage, other| longer_percent(stage, other, costs);
    let board =
        percent(Stage::Pipeline, Stage::Unseen).zip(percent(Stage::Polled, Stage::Pipeline));
    let board = board.map_or_else(String::new, |(added, polled)| {
        format!(
            "board: {added:+.1} % of time; a reader that polls it as fast as it can: {polled:+.1} % (medians of the rounds)\n"
        )
    });
    format!(
        "{}\nmedian of {} interleaved runs, input in memory; a stage up to polled includes those before it\n{board}\
         {}\n\
         {}: {} messages, {} MB; at most {} live orders and {} levels, {} levels at the end; \
         {:.1} MB resident without the input\n{}\n{host}\n",
        table::aligned(&header, rows, &[0]),
        args.runs,
        whole.line(),
        whole.tape().name,
        grouped(checked.messages),
        grouped(whole.tape().bytes.len() as u64 / 1_000_000),
        grouped(checked.orders_live_max),
        grouped(checked.levels_max),
        grouped(checked.levels),
        checked.rss_bytes as f64 / 1e6,
        checked.sums.line(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(times_ns: &[u64], messages: u64) -> Cost {
        let times: Vec<Duration> = times_ns.iter().copied().map(Duration::from_nanos).collect();
        Cost::of(Stage::Book, &times, messages)
    }

    #[test]
    fn what_a_stage_adds_is_the_difference_to_the_one_before() {
        let of = |stage, ns: u64| Cost::of(stage, &[Duration::from_nanos(ns)], 1);
        let costs = [of(Stage::Decode, 14), of(Stage::Book, 58), of(Stage::FromJournal, 90)];
        assert_eq!(added(&costs[1], &costs), Some(44.0));
        assert_eq!(added(&costs[0], &costs), None, "framing was not measured");
        assert_eq!(added(&costs[2], &costs), None, "a replay is no step from another stage");
    }

    #[test]
    fn a_stage_that_was_not_measured_is_passed_over() {
        let of = |stage, ns: u64| Cost::of(stage, &[Duration::from_nanos(ns)], 1);
        let costs = [of(Stage::Metrics, 100), of(Stage::Pipeline, 130)];
        assert_eq!(added(&costs[1], &costs), Some(30.0));
        assert!(board_json(&costs).is_none());
    }

    #[test]
    fn what_a_board_costs_is_told_round_by_round() {
        let of = |stage, rounds: [u64; 3]| Cost::of(stage, &rounds.map(Duration::from_nanos), 1);
        // A host that is twice as slow in the second round is no cost of the board.
        let costs = [
            of(Stage::Unseen, [100, 200, 100]),
            of(Stage::Pipeline, [102, 204, 110]),
            of(Stage::Polled, [102, 204, 121]),
        ];
        let board = board_json(&costs).unwrap();
        assert!((board["added_percent"].as_f64().unwrap() - 2.0).abs() < 1e-9, "{board}");
        assert!(board["polled_percent"].as_f64().unwrap().abs() < 1e-9, "{board}");
    }

    #[test]
    fn what_detectors_cost_is_told_round_by_round() {
        let of = |stage, rounds: [u64; 3]| Cost::of(stage, &rounds.map(Duration::from_nanos), 1);
        let costs = [of(Stage::Undetected, [100, 200, 100]), of(Stage::Unseen, [120, 220, 190])];
        let detectors = detectors_json(&costs).unwrap();
        assert_eq!(detectors["added_ns_per_message"], 20.0);
        assert_eq!(detectors["added_ns_per_message_at_least"], 20.0);
        assert!(detectors_json(&costs[1..]).is_none());
    }

    #[test]
    fn the_figure_is_the_median_a_message() {
        let odd = cost(&[500, 100, 300, 200, 400], 10);
        assert_eq!((odd.median, odd.min, odd.max, odd.runs), (30.0, 10.0, 50.0, 5));
        assert_eq!(cost(&[100, 400, 200, 300], 10).median, 25.0);
    }
}
