//! `tapewatch alerts`: what the detectors have told of a session, and the evidence of one alert.
//!
//! Alerts come from the session's output log, so they can be had while it is recorded, after its writer
//! died, and when it has ended; each as it stands by then.
//!
//! - `recorded`: the alerts of a session; `list`: how they are shown
//! - `explain`: one alert with its evidence; `evidence`: its symbol's messages on the way through the journal
//! - `market`: what an alert of no single symbol is made of
//! - `story`: an explained alert for people; `compare`: two runs' alerts held against each other

pub(crate) mod compare;
mod evidence;
mod explain;
mod list;
mod market;
pub(crate) mod recorded;
mod story;

use std::path::PathBuf;

use clap::{Args, ValueHint};
use engine::detect::Settings;

use crate::config::nearest;
use crate::console::{self, Console};
use crate::exit::{Failure, Status};
use crate::session_dir::SessionDir;

use self::explain::Extent;
use self::list::Choice;
use self::recorded::RecordedAlerts;

const EXAMPLES: &str = "\
Examples:
  tapewatch alerts session
  tapewatch alerts session --detector spoofing,layering --symbol AAPL --min-score 70
  tapewatch alerts session --json > alerts.jsonl
  tapewatch alerts session --explain f0-0000000000001a2b-01-0003
  tapewatch alerts session --explain f0-0000000000001a2b-01-0003 --depth 5 --max-lines 40 --json

With --explain, the messages of the alert's symbol are read from the journal again, from the first to the last
that shows it: what each did to the book, and the book before and after. An alert of the whole market is shown
with the alerts, or the counts of messages, that it is made of.
Other parameters over the same session: tapewatch replay session --set detect.spoofing.min_score=70
Exit status: 0 done; 1 no such alert, or a damaged session; 2 usage, or a session that cannot be read.";

/// Show the alerts of a recorded session, or the evidence of one, order by order.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct AlertsArgs {
    /// The directory of a recorded session.
    #[arg(value_name = "SESSION", value_hint = ValueHint::DirPath)]
    session: PathBuf,
    /// Only alerts of these detectors.
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', value_parser = detector)]
    #[arg(conflicts_with = "explain")]
    detector: Vec<String>,
    /// Only alerts of these symbols.
    #[arg(long, value_name = "S,...", value_delimiter = ',', conflicts_with = "explain")]
    symbol: Vec<String>,
    /// Only alerts of this score or more.
    #[arg(long, value_name = "N", value_parser = score, conflicts_with = "explain")]
    min_score: Option<f64>,
    /// Show the evidence of the alert with this id.
    #[arg(long, value_name = "ID")]
    explain: Option<String>,
    /// Levels a side of the books before and after; 0 for all.
    #[arg(long, value_name = "N", default_value_t = 5, requires = "explain")]
    depth: usize,
    /// Show no more messages than this, from both ends; 0 for all [default: 60, with --json all].
    #[arg(long, value_name = "N", requires = "explain")]
    max_lines: Option<usize>,
    /// Print JSON: an alert a line, as alerts.jsonl has them; with --explain one object.
    #[arg(long)]
    json: bool,
}

/// Messages that are shown to people where nothing else is said.
const LINES_MAX: usize = 60;

/// Runs the command.
pub(crate) fn run(args: &AlertsArgs, console: Console) -> Result<Status, Failure> {
    let session = SessionDir::open(&args.session)?;
    let recorded = RecordedAlerts::of(&session)?;
    if let Some(pruned) = recorded.pruned {
        console.note(&format!(
            "the front of the output log was pruned: {pruned} output(s), with the alerts among them, are gone"
        ));
    }
    let text = match &args.explain {
        Some(id) => {
            let lines_max = args.max_lines.or((!args.json).then_some(LINES_MAX)).unwrap_or(0);
            let all_of_none = |max: usize| if max == 0 { usize::MAX } else { max };
            let extent =
                Extent { levels_max: all_of_none(args.depth), lines_max: all_of_none(lines_max) };
            let explained = explain::explained(&session, &recorded, id, extent, console)?;
            match args.json {
                true => format!("{}\n", explained.json()),
                false => explained.text(),
            }
        }
        None => {
            let choice = Choice {
                detectors: &args.detector,
                symbols: &args.symbol,
                score_min: args.min_score,
            };
            match args.json {
                true => list::json(&recorded, &choice),
                false => list::text(&recorded, &choice),
            }
        }
    };
    console::write_result(&text)?;
    Ok(Status::Done)
}

/// A detector's name: one of ours, or a user's by its number.
fn detector(text: &str) -> Result<String, String> {
    let names = Settings::names();
    if names.contains(&text) || text.starts_with("own_") {
        return Ok(text.to_owned());
    }
    let known = names.iter().map(|name| (*name).to_owned());
    Err(match nearest(text, known) {
        Some(near) => format!("there is no such detector; did you mean {near}?"),
        None => format!("there is no such detector; detectors are {}", names.join(", ")),
    })
}

/// A score: 0 to 100.
fn score(text: &str) -> Result<f64, String> {
    let score = text.parse().ok().filter(|score| (0.0..=100.0).contains(score));
    score.ok_or_else(|| String::from("a score is a number from 0 to 100"))
}
