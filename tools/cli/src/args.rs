//! The command line as a whole: which command, and how much is told on stderr.

use clap::{Args, Parser, Subcommand};

use crate::bench::BenchArgs;
use crate::console::Console;
use crate::demo::DemoArgs;
use crate::replay::ReplayArgs;

const EXAMPLES: &str = "\
Examples:
  tapewatch demo
  tapewatch replay day.itch.gz --date 2019-12-30 --out results
  tapewatch bench throughput day.itch

Exit status: 0 done; 1 damaged input or lost data; 2 usage, or an input that cannot be read or is the wrong one.";

/// Reads an exchange's feed into order books and metrics of every symbol.
#[derive(Debug, Parser)]
#[command(name = "tapewatch", version, after_help = EXAMPLES, propagate_version = true)]
#[command(subcommand_required = true, arg_required_else_help = true)]
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
    Replay(ReplayArgs),
    Bench(BenchArgs),
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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

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
