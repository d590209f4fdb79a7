//! `tapewatch run`: the engine on live feeds.
//!
//! ```text
//!  lines, servers ─► feeds' machines ─► journal ─► decode, books, metrics, bars ─► output log
//!  (one thread: sockets to books when inline)          └─ follower, archiver, control: cold threads
//! ```
//! What the session's directory holds decides how the run begins: nothing, and the session begins; a
//! session whose writer died, and it goes on where its journal ends, asking for what it missed; one that
//! has ended, and the run is refused. SIGINT and SIGTERM end it in order, and so does the end of all
//! feeds' sessions. Without one of these it goes on.

pub(crate) mod control;
mod notices;
mod recorded;
pub(crate) mod reload;
pub(crate) mod report;
pub(crate) mod settings;
pub(crate) mod source;

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use engine::journal::stand::FeedStand;
use feed_handlers::input::Format;
use feed_handlers::live::LiveFeeds;

use crate::config::Config;
use crate::console::Console;
use crate::day::TradingDay;
use crate::exit::{Failure, Status};
use crate::interrupt::Interrupt;
use crate::recording::{Again, restore_description};
use crate::replay;
use crate::replay::pace::{Pace, Speed};
use crate::replay::select::Wanted;
use crate::replay::session::{Record, Setup};
use crate::session_dir::SessionDir;

const EXAMPLES: &str = "\
Examples:
  tapewatch config print > tapewatch.toml      # then fill in [run] and [[feeds]]
  tapewatch run -c tapewatch.toml
  tapewatch run -c tapewatch.toml --session 2026-11-30 --metrics --json

A run whose session directory holds a session that was cut off goes on with it: it recovers what was
journaled, asks for what it missed, and ends as if nothing had happened.
Exit status: 0 ended in order, by the feeds' end, SIGINT or SIGTERM, no gap open; 1 a gap is open at the
end, or the run could not go on; 2 usage, a configuration, or a session that cannot be gone on with.";

/// Run the engine on live feeds, as configured.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RunArgs {
    /// The configuration; `tapewatch config print` writes one.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: PathBuf,
    /// The session's directory, in place of run.session_dir.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    session: Option<PathBuf>,
    /// The New York day of the session [default: today].
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = TradingDay::parse)]
    date: Option<TradingDay>,
    /// Compute only these symbols; `#123` is locate 123 where it was never named.
    #[arg(long, value_name = "A,B,...", value_delimiter = ',', value_parser = replay::symbol)]
    symbols: Vec<String>,
    /// Set one key of the configuration, such as journal.sync=batch or feeds.0.stale=3s.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Write the results into this directory instead of the session's report/.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    out: Option<PathBuf>,
    /// Write metrics.csv too: a line a symbol.
    #[arg(long)]
    metrics: bool,
    /// Print the summary as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) fn run(args: &RunArgs, console: Console) -> Result<Status, Failure> {
    // Before anything is made: a signal that comes early still ends the run in order.
    let interrupt = Interrupt::listen().map_err(|error| {
        Failure::no(format_args!("cannot listen for signals: {error}; run it again"))
    })?;
    let setup = setup(args)?;
    let results = replay::Results {
        out: args.out.clone(),
        trades: false,
        bbo: false,
        metrics: args.metrics,
        json: args.json,
        is_silent: false,
    };
    replay::drive(setup, &results, Pace::new(Speed::Max), console, &interrupt)
}

fn setup(args: &RunArgs) -> Result<Setup, Failure> {
    let config = Config::load(Some(&args.config), &args.set)?;
    if config.feeds.is_empty() {
        return Err(Failure::usage(format_args!(
            "{}: it has no [[feeds]]: nothing to listen to; `tapewatch config print` explains them",
            args.config.display()
        )));
    }
    probe(&config)?;
    let named = args.session.clone().or_else(|| config.run.session_dir());
    let Some(path) = named else {
        return Err(Failure::usage(
            "no session directory; name it with run.session_dir in the configuration, or with --session",
        ));
    };
    let begins = Setup {
        inputs: Vec::new(),
        format: Format::Auto,
        is_session: false,
        live: Some(Box::new(config.clone())),
        date: args.date.or_else(TradingDay::today),
        wanted: Wanted::of(&args.symbols),
        config,
        record: Record::Begin { path: path.clone(), takes_up: true },
        report: None,
    };
    if !path.join("session.toml").exists() && !restore_description(&path)? {
        return Ok(begins);
    }
    goes_on(args, &path, begins)
}

/// Opens what the feeds need and lets go of it, so that what is wrong with a line, a port or a password is
/// told before a session is begun or taken up.
fn probe(config: &Config) -> Result<(), Failure> {
    let settings = settings::live_settings(config, |_| FeedStand::default())?;
    LiveFeeds::open(&settings).map(drop).map_err(|error| report::of_live(&error))
}

/// The setup of a run that goes on with the session in `path`.
fn goes_on(args: &RunArgs, path: &Path, begins: Setup) -> Result<Setup, Failure> {
    let session = SessionDir::open(path)?;
    let other = |what: &str| {
        Failure::usage(format_args!(
            "the session in {} was begun with {what}; leave it out, or name another directory",
            path.display()
        ))
    };
    if session.state() == "complete" {
        return Err(Failure::usage(format_args!(
            "{} holds a session that has ended; name another directory, or replay it: `tapewatch replay {}`",
            path.display(),
            path.display()
        )));
    }
    match args.date {
        Some(date) if date != session.day() => return Err(other("another --date")),
        None if TradingDay::today() != Some(session.day()) => {
            return Err(Failure::usage(format_args!(
                "{} holds an unfinished session of {}, which is not today; name another directory, or go on with it by --date {}",
                path.display(),
                session.day(),
                session.day()
            )));
        }
        _ => {}
    }
    if !args.symbols.is_empty() && args.symbols != session.symbols() {
        return Err(other("other --symbols"));
    }
    let config = session.config(&[])?;
    let changes = config.changes(&begins.config);
    // Where the session lies was told by now.
    let is_fixed = |path: &str, is_live: bool| !is_live && path != "run.session_dir";
    if let Some(fixed) = changes.iter().find(|it| is_fixed(&it.path, it.is_live)) {
        return Err(other(&format!("another {}", fixed.path)));
    }
    Ok(Setup {
        date: Some(session.day()),
        wanted: Wanted::of(session.symbols()),
        record: Record::TakeUp {
            path: path.to_owned(),
            session: session.id(),
            from_snapshot: true,
            again: Again::FromJournal,
        },
        config,
        ..begins
    })
}
