//! `tapewatch journal`: looks after a session's journal.

pub(crate) mod dump;
pub(crate) mod filter;
mod info;
pub(crate) mod line;
pub(crate) mod verify;

use clap::{Args, Subcommand};

use crate::console::Console;
use crate::exit::{Failure, Status};

const EXAMPLES: &str = "\
Examples:
  tapewatch journal info session
  tapewatch journal verify session --json
  tapewatch journal dump session --symbol AAPL --from-time 09:30:00 --limit 20";

/// Look after the journal of a recorded session.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
#[command(subcommand_required = true, arg_required_else_help = false)]
pub(crate) struct JournalArgs {
    /// What to do.
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    Info(info::InfoArgs),
    Verify(verify::VerifyArgs),
    Dump(dump::DumpArgs),
}

/// Runs the command.
pub(crate) fn run(args: &JournalArgs, console: Console) -> Result<Status, Failure> {
    match &args.act {
        Act::Info(args) => info::run(args),
        Act::Verify(args) => verify::run(args, console),
        Act::Dump(args) => dump::run(args, console),
    }
}
