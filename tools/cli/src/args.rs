//! The command line as a whole: which command, and how much is told on stderr.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, Parser, Subcommand};

use crate::alerts::AlertsArgs;
use crate::bench::BenchArgs;
use crate::book::BookArgs;
use crate::config::ConfigArgs;
use crate::console::Console;
use crate::demo::DemoArgs;
use crate::doctor::DoctorArgs;
use crate::evaluate::EvaluateArgs;
use crate::exit::one_line;
use crate::journal::JournalArgs;
use crate::replay::ReplayArgs;
use crate::run::RunArgs;
use crate::run::reload::ReloadArgs;
use crate::simulate::SimulateArgs;
use crate::stat::StatArgs;
use crate::tail::TailArgs;
use crate::top::TopArgs;

const EXAMPLES: &str = "\
Examples:
  tapewatch demo
  tapewatch replay day.itch.gz --date 2019-12-30 --out results
  tapewatch run -c tapewatch.toml
  tapewatch bench throughput day.itch

Exit status: 0 done; 1 damaged input or lost data; 2 usage, or an input that cannot be read or is the wrong one.";

/// Reads an exchange's feed into order books and metrics of every symbol.
#[derive(Debug, Parser)]
#[command(name = "tapewatch", version, after_help = EXAMPLES, propagate_version = true)]
#[command(subcommand_required = true, arg_required_else_help = false)]
pub(crate) struct CommandLine {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// How much is told.
    #[command(flatten)]
    pub(crate) telling: Telling,
}

/// One command, in a file of its own each.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Demo(DemoArgs),
    Run(RunArgs),
    Reload(ReloadArgs),
    Replay(ReplayArgs),
    Simulate(SimulateArgs),
    Book(BookArgs),
    Alerts(AlertsArgs),
    Evaluate(EvaluateArgs),
    Journal(JournalArgs),
    Tail(TailArgs),
    Top(TopArgs),
    Stat(StatArgs),
    Bench(BenchArgs),
    Config(ConfigArgs),
    Doctor(DoctorArgs),
}

/// Flags of every command.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Telling {
    /// Tell only failures on stderr: no progress, notes or warnings.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Tell details on stderr.
    #[arg(short, long, global = true)]
    verbose: bool,
}

impl Telling {
    /// The console that these flags ask for.
    pub(crate) fn console(self) -> Console {
        Console::new(self.quiet, self.verbose)
    }
}

/// What is wrong with the arguments, in one line: `what; try 'tapewatch COMMAND --help'`.
pub(crate) fn usage_fault(error: &clap::Error, given: impl Iterator<Item = OsString>) -> String {
    let (path, command) = command_of(given);
    let what = match error.kind() {
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let names = command.get_subcommands().map(|sub| format!("'{}'", sub.get_name()));
            format!("'{path}' requires a command: {}", names.collect::<Vec<_>>().join(", "))
        }
        _ => first_paragraph(&error.render().to_string()),
    };
    one_line(&format!("{what}; try '{path} --help'"))
}

/// The command that the arguments `given` name, and its path.
fn command_of(given: impl Iterator<Item = OsString>) -> (String, clap::Command) {
    let mut command = CommandLine::command();
    let mut path = String::from("tapewatch");
    // The flags that may stand before a command take no value.
    for word in given.filter(|word| !word.as_encoded_bytes().starts_with(b"-")) {
        let Some(sub) = command.find_subcommand(&word).cloned() else {
            break;
        };
        path = format!("{path} {}", sub.get_name());
        command = sub;
    }
    (path, command)
}

/// What the parser says before it goes on about usage, on one line.
fn first_paragraph(text: &str) -> String {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let ends = ["\n\nUsage:", "\n\nFor more information", "\n\n  tip:"];
    let end = ends.iter().filter_map(|mark| text.rfind(mark)).min().unwrap_or(text.len());
    let lines = text[..end].lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn every_command_shows_an_example_of_itself() {
        fn check(command: &clap::Command, path: &str) {
            if !command.has_subcommands() {
                let help = command.get_after_help().map(ToString::to_string);
                let help = help.unwrap_or_default();
                assert!(help.contains(path), "`{path} --help` has no example");
            }
            for sub in command.get_subcommands() {
                check(sub, &format!("{path} {}", sub.get_name()));
            }
        }
        check(&CommandLine::command(), "tapewatch");
    }
}
