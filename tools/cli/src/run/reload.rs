//! `tapewatch reload`: gives a running engine a changed configuration.

use std::io::ErrorKind;
use std::path::PathBuf;

use clap::{Args, ValueHint};
use serde_json::Value;

use crate::config::Config;
use crate::console::{self, Console};
use crate::exit::{Failure, Status};
use crate::run::control;
use crate::session_dir::SessionDir;

const EXAMPLES: &str = "\
Examples:
  tapewatch reload session -c tapewatch.toml
  tapewatch reload session -c tapewatch.toml --json

What a running engine can take over is marked \"Live.\" in `tapewatch config print`. It is journaled, and
holds from the message on that the answer names; what cannot be taken over is refused by name, and then
nothing changes.
Exit status: 0 taken over, or nothing differs; 1 nobody runs the session; 2 refused, or no configuration.";

/// Give a running engine a changed configuration.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ReloadArgs {
    /// The session's directory.
    #[arg(value_name = "SESSION", value_hint = ValueHint::DirPath)]
    session: PathBuf,
    /// The configuration that is to hold.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: PathBuf,
    /// Print the answer as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) fn run(args: &ReloadArgs, _console: Console) -> Result<Status, Failure> {
    let session = SessionDir::open(&args.session)?;
    let config = Config::load(Some(&args.config), &[])?;
    let answer = control::ask(session.id(), &config.to_toml()).map_err(|error| {
        let session = args.session.display();
        match error.kind() {
            // Nobody listens, or not yet: it does once the session's own journal is read.
            ErrorKind::ConnectionRefused | ErrorKind::NotFound => Failure::no(format_args!(
                "nobody listens for the session in {session}: it is not run, or still recovers; start it with `tapewatch run`, or try again"
            )),
            _ => Failure::no(format_args!(
                "the engine of the session in {session} gave no answer: {error}; reload as the user who runs it, and try again"
            )),
        }
    })?;
    let list = |key: &str| -> Vec<&str> {
        answer[key].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    };
    if answer["late"] == true {
        return Err(Failure::no(format_args!(
            "the engine of the session in {} is busy and has not taken the change over yet, but may; look with `tapewatch journal dump`, and reload again",
            args.session.display()
        )));
    }
    if answer["ok"] != true {
        let why = answer["why"].as_str().unwrap_or("it was refused");
        let keys = list("keys").join(", ");
        let keys = if keys.is_empty() { keys } else { format!(" {keys}") };
        return Err(Failure::usage(format_args!(
            "{}: {why}{keys}; nothing was changed, put that back or end the run",
            args.config.display()
        )));
    }
    let text = match (args.json, list("changed").as_slice()) {
        (true, _) => format!("{answer}\n"),
        (false, []) => String::from("nothing differs\n"),
        (false, changed) => {
            format!("{} from message {} on\n", changed.join(", "), answer["sequence"])
        }
    };
    console::write_result(&text)?;
    Ok(Status::Done)
}
