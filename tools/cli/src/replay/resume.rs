//! `--resume`: what is to be done with the directory that `--session` names.
//!
//! | the directory | the run |
//! |---|---|
//! | absent, empty, or left by a process that died before it described its session | begins the session |
//! | a journal that holds more than its first record, without `session.toml` | puts that back, then as below |
//! | a session whose writer died, or that ended incomplete | goes on with it |
//! | a session that ended in order | replays it and writes its outputs anew |
//!
//! A session goes on as it began: options that would make it another one are refused.

use std::path::Path;

use crate::config::Config;
use crate::exit::Failure;
use crate::recording::{Again, restore_description};
use crate::replay::ReplayArgs;
use crate::replay::select::Wanted;
use crate::replay::session::{Record, Setup};
use crate::session_dir::SessionDir;

/// The setup for `args`, whose configuration is `set` over a file if there is one.
pub(super) fn setup(args: &ReplayArgs, path: &Path, set: &[String]) -> Result<Setup, Failure> {
    if !path.join("session.toml").exists() && !restore_description(path)? {
        return Ok(Setup {
            inputs: args.inputs.clone(),
            format: args.format.into(),
            is_session: false,
            live: None,
            date: args.date,
            wanted: Wanted::of(&args.symbols),
            config: Config::load(args.config.as_deref(), set)?,
            record: Record::Begin { path: path.to_owned(), takes_up: true },
            report: None,
        });
    }
    let session = SessionDir::open(path)?;
    let config = session.config(&[])?;
    refuse_others(args, &session, &config, set)?;
    let wanted = Wanted::of(session.symbols());
    if session.state() == "complete" {
        return Ok(Setup {
            inputs: vec![path.to_owned()],
            format: args.format.into(),
            is_session: true,
            live: None,
            date: None,
            wanted,
            config,
            record: Record::Nothing,
            report: Some(path.join("report")),
        });
    }
    Ok(Setup {
        inputs: args.inputs.clone(),
        format: args.format.into(),
        is_session: false,
        live: None,
        date: Some(session.day()),
        wanted,
        config,
        record: Record::TakeUp {
            path: path.to_owned(),
            session: session.id(),
            // Prints and quotes before a snapshot are not in it.
            from_snapshot: !(args.trades || args.bbo),
            again: Again::FromInput,
        },
        report: None,
    })
}

/// Refuses what would make the session another one.
fn refuse_others(
    args: &ReplayArgs,
    session: &SessionDir,
    config: &Config,
    set: &[String],
) -> Result<(), Failure> {
    let other = |what: &str| {
        Failure::usage(format_args!(
            "the session in {} was begun with {what}; leave it out, or record into another directory",
            session.path().display()
        ))
    };
    if args.date.is_some_and(|date| date != session.day()) {
        return Err(other("another --date"));
    }
    if !args.symbols.is_empty() && args.symbols != session.symbols() {
        return Err(other("other --symbols"));
    }
    let asked = match &args.config {
        Some(file) => Config::load(Some(file), set)?,
        None => session.config(set)?,
    };
    if asked != *config {
        return Err(other(
            "another configuration than -c, --set, --bar, --topology or --shards give",
        ));
    }
    Ok(())
}
