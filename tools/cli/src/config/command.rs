//! `tapewatch config print` and `tapewatch config check`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};
use serde_json::json;

use super::model::Config;
use crate::console::{self, Console};
use crate::exit::{Failure, Status};

const EXAMPLES: &str = "\
Examples:
  tapewatch config print > tapewatch.toml
  tapewatch config check tapewatch.toml";

const PRINT_EXAMPLES: &str = "\
Examples:
  tapewatch config print > tapewatch.toml
  tapewatch config print -c tapewatch.toml --set journal.sync=batch --bare

Without a file the defaults are printed. What is printed is itself a valid file.";

const CHECK_EXAMPLES: &str = "\
Examples:
  tapewatch config check tapewatch.toml
  tapewatch config check tapewatch.toml --set engine.shards=4 --json

Exit status: 0 without a fault; 2 with one. Every fault is told as FILE:LINE: what.";

/// Print the commented configuration, or check a file.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
#[command(subcommand_required = true, arg_required_else_help = false)]
pub(crate) struct ConfigArgs {
    /// What to do.
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    Print(PrintArgs),
    Check(CheckArgs),
}

/// Print the configuration that would hold, with a comment for each key.
#[derive(Debug, Args)]
#[command(after_help = PRINT_EXAMPLES)]
struct PrintArgs {
    /// The configuration file [default: every key at its default].
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
    /// Set a key over the file; an empty value leaves an optional key out.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Leave the comments out.
    #[arg(long, conflicts_with = "json")]
    bare: bool,
    /// Print the configuration as JSON.
    #[arg(long)]
    json: bool,
}

/// Check a configuration file; every fault is told with its line.
#[derive(Debug, Args)]
#[command(after_help = CHECK_EXAMPLES)]
struct CheckArgs {
    /// The configuration file.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: PathBuf,
    /// Set a key over the file; an empty value leaves an optional key out.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Print the faults as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) fn run(args: &ConfigArgs, _console: Console) -> Result<Status, Failure> {
    match &args.command {
        ConfigCommand::Print(args) => print(args),
        ConfigCommand::Check(args) => check(args),
    }
}

fn print(args: &PrintArgs) -> Result<Status, Failure> {
    let config = Config::load(args.config.as_deref(), &args.set)?;
    let text = if args.json {
        format!("{:#}\n", config.to_json())
    } else if args.bare {
        config.to_toml()
    } else {
        config.to_commented_toml()
    };
    console::write_result(&text)?;
    Ok(Status::Done)
}

fn check(args: &CheckArgs) -> Result<Status, Failure> {
    let file = args.file.as_path();
    let (_, faults) = Config::read(Some(file), &args.set)?;
    let text = if args.json {
        let list: Vec<_> = faults.iter().map(|fault| fault.json()).collect();
        let name = file.display().to_string();
        format!("{:#}\n", json!({"ok": faults.is_empty(), "file": name, "faults": list}))
    } else if faults.is_empty() {
        format!("{}: good\n", file.display())
    } else {
        faults.iter().map(|fault| fault.text(Some(file)) + "\n").collect()
    };
    console::write_result(&text)?;
    match faults.len() {
        0 => Ok(Status::Done),
        1 => Err(Failure::usage(format_args!("{} has a fault; {HELP}", file.display()))),
        count => Err(Failure::usage(format_args!("{} has {count} faults; {HELP}", file.display()))),
    }
}

const HELP: &str = "`tapewatch config print` shows every key, its range and its default";
