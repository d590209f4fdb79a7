//! `tapewatch evaluate`: what the detectors are worth on sessions of which it is known what happened.
//!
//! Alerts come from a run of the engine over the session, or from a file. They are held against the labels
//! episode by episode, beside two baselines that see the same messages. Several sessions are pooled: their
//! counts add up.
//!
//! - `label`, `alert`, `jsonl`: what is read; `input`: the session, and the engine's run over it
//! - `tape`, `positions`, `openings`, `prices`, `baselines`: what the messages alone say
//! - `matching`, `figures`, `statistics`, `pool`: what it comes to; nothing there reads or writes
//! - `text`, `json`, `plots`: how it is told

mod alert;
mod baselines;
mod figures;
mod input;
mod json;
mod jsonl;
mod label;
mod matching;
mod openings;
mod plots;
mod pool;
mod positions;
mod prices;
mod statistics;
mod tape;
mod text;

#[cfg(test)]
mod worked_cases;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueHint};
use engine::units::Nanos;

use crate::console::{self, Console};
use crate::day::TradingDay;
use crate::exit::{Failure, Status};
use crate::interrupt::Interrupt;
use crate::span;

use self::alert::{Alert, Opened};
use self::input::{Input, Settings};
use self::label::Label;
use self::matching::{Episode, Judged};
use self::openings::Openings;
use self::pool::{Pool, SessionRead};
use self::tape::Tape;

const EXAMPLES: &str = "\
Examples:
  tapewatch evaluate day/session.itch --labels day/labels.jsonl
  tapewatch evaluate day/session.itch --labels day/labels.jsonl --json --plots pictures
  tapewatch evaluate one.itch two.itch --labels one.jsonl --labels two.jsonl
  tapewatch evaluate day/session.itch --labels day/labels.jsonl --alerts results/alerts.jsonl

An alert is true if it overlaps an episode of its detector and symbol, or begins up to --grace behind it, and was
opened, by the message that its id names, after the episode's beginning. Further alerts on the same episode count
neither way; so do those that were open before it, and those that an overlapping label names in `also`.
What is not defined (a precision where nothing fired) is null, never 0.
Exit status: 0 done, whatever the figures; 1 damaged input; 2 usage, or an input that cannot be read.";

/// Tell precision, recall, delay and false alerts of the detectors on labelled sessions.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct EvaluateArgs {
    /// Files, captures or recorded sessions, one session each.
    #[arg(required = true, value_name = "INPUT", value_hint = ValueHint::AnyPath)]
    inputs: Vec<PathBuf>,
    /// What was staged: the labels.jsonl of each input, in the same order.
    #[arg(long, required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    labels: Vec<PathBuf>,
    /// Evaluate these alerts, an alerts.jsonl of each input, in place of what a run of the engine raises.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    alerts: Vec<PathBuf>,
    /// How long after an episode's end an alert may begin that is still about it.
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = span::parse)]
    grace: Duration,
    /// The New York day of files and captures [default: that of the first label].
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = TradingDay::parse)]
    date: Option<TradingDay>,
    /// Take the engine's configuration from this file; a recorded session has its own.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
    /// Set one key of the configuration.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Write recall_by_severity.svg, precision_recall.svg and false_alerts.svg into this directory.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    plots: Option<PathBuf>,
    /// Print the figures as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) fn run(args: &EvaluateArgs, console: Console) -> Result<Status, Failure> {
    let inputs = args.inputs.len();
    for (option, given) in [("--labels", args.labels.len()), ("--alerts", args.alerts.len())] {
        if given != inputs && (option == "--labels" || given > 0) {
            return Err(Failure::usage(format_args!(
                "{inputs} input(s) and {given} file(s) of {option}: give one for each input, in the same order"
            )));
        }
    }
    let grace_ns = grace_ns(args);
    let interrupt = Interrupt::listen().map_err(|error| {
        Failure::no(format_args!("cannot listen for signals: {error}; run it again"))
    })?;
    let mut sessions = Vec::with_capacity(inputs);
    for (at, (input, labels)) in args.inputs.iter().zip(&args.labels).enumerate() {
        let alerts = args.alerts.get(at).map(PathBuf::as_path);
        sessions.push(session(args, input, labels, alerts, console, &interrupt)?);
    }
    let pool = Pool::of(&sessions, grace_ns);
    if let Some(dir) = &args.plots {
        plots::write(&pool, dir)?;
    }
    let text = match args.json {
        true => format!("{:#}\n", json::result(&pool, grace_ns)),
        false => text::result(&pool, grace_ns),
    };
    console::write_result(&text)?;
    Ok(Status::Done)
}

fn grace_ns(args: &EvaluateArgs) -> i64 {
    i64::try_from(args.grace.as_nanos()).unwrap_or(i64::MAX)
}

/// Reads one session: labels, alerts, messages.
fn session(
    args: &EvaluateArgs,
    path: &Path,
    labels: &Path,
    alerts: Option<&Path>,
    console: Console,
    interrupt: &Interrupt,
) -> Result<SessionRead, Failure> {
    let labels = label::read(labels)?;
    let staged_on = labels.first().and_then(|label| TradingDay::at(Nanos(label.start_ns)));
    let settings = Settings { config: args.config.clone(), set: args.set.clone() };
    if args.date.is_some() && path.is_dir() {
        return Err(Failure::usage(format_args!(
            "--date is given and {} is a session, which has its day; leave --date out",
            path.display()
        )));
    }
    let input = Input::new(path, args.date.or(staged_on), &settings)?;
    let mut alerts = match alerts {
        Some(path) => alert::read(path)?,
        None => input::alerts_of(&input, console, interrupt)?,
    };
    let (mut source, midnight) = input.open()?;
    warn_of_another_day(&input, &labels, midnight, console);
    let instants = labels.iter().map(|label| label.start_ns);
    let instants = instants.chain(alerts.iter().map(|alert| alert.start_ns));
    let openings = Openings::of(&alerts, |name| input.feed_of(name));
    let mut tape = tape::read(&mut source, midnight, instants, openings, interrupt)?;
    let openings = std::mem::take(&mut tape.openings).into_come();
    open(&input, &mut alerts, openings, &tape, console);
    let session = SessionRead { labels, alerts, tape };
    tell_details(&input, &session, grace_ns(args), console);
    Ok(session)
}

/// Gives each alert the message that opened it. Where none is known, which is told, it is taken for raised
/// when its condition began.
fn open(
    input: &Input,
    alerts: &mut [Alert],
    openings: Vec<Option<Opened>>,
    tape: &Tape,
    console: Console,
) {
    let mut unknown = 0_u64;
    for (alert, opened) in alerts.iter_mut().zip(openings) {
        alert.opened = opened.unwrap_or_else(|| {
            unknown += 1;
            let messages_before = tape.positions.before(alert.start_ns);
            Opened { at_ns: alert.start_ns, messages_before }
        });
    }
    if unknown > 0 {
        console.warning(&format!(
            "{}: {unknown} alert(s) whose id names no message of the session at or behind their start; their delay is told to their start",
            input.path().display()
        ));
    }
}

/// Labels of another day overlap nothing: that is hardly what was meant.
fn warn_of_another_day(input: &Input, labels: &[Label], midnight: Nanos, console: Console) {
    let is_outside = |label: &&Label| {
        let of_day_ns = label.start_ns.saturating_sub(midnight.0);
        !(0..2 * Nanos::DAY).contains(&of_day_ns)
    };
    if let Some(label) = labels.iter().find(is_outside) {
        console.warning(&format!(
            "{}: label {} begins on another day than the session; give the session's --date",
            input.path().display(),
            label.id
        ));
    }
}

/// What was missed and what was raised for nothing, for `-v`.
fn tell_details(input: &Input, session: &SessionRead, grace_ns: i64, console: Console) {
    console.detail(&format!(
        "{}: {} labels, {} alerts, {} symbols",
        input.path().display(),
        session.labels.len(),
        session.alerts.len(),
        session.tape.symbols
    ));
    let staged = session.labels.iter().filter(|label| !label.is_innocent());
    let staged: BTreeSet<&str> = staged.map(|label| label.detector.as_str()).collect();
    for (detector, outcome) in pool::of_engine(session, &staged, grace_ns) {
        let hits = outcome.alerts.iter().flat_map(|alert| &alert.hits);
        let found: HashSet<usize> = hits.map(|hit| hit.episode).collect();
        for (at, episode) in outcome.episodes.iter().enumerate() {
            if !found.contains(&at) {
                let Episode { id, severity } = episode;
                console.detail(&format!("missed {detector}: {id}, severity {severity}"));
            }
        }
        let evidence: HashMap<&str, Option<(u64, u64)>> =
            session.alerts.iter().map(|alert| (alert.id.as_str(), alert.evidence)).collect();
        for alert in outcome.alerts.iter().filter(|alert| alert.is_false()) {
            let innocent = if alert.is_on_innocent { ", on an innocent look-alike" } else { "" };
            let shown = evidence.get(alert.id.as_str()).copied().flatten();
            let shown = shown
                .map_or_else(String::new, |(first, last)| format!(", messages {first} to {last}"));
            let Judged { id, score, phase, .. } = alert;
            console.detail(&format!(
                "false {detector}: {id}, score {score}, {phase}{shown}{innocent}"
            ));
        }
    }
}
