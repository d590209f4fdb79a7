#![forbid(unsafe_code)]
//! `tapewatch`: the command line. Arguments in, exit status out; each command has a module of its own.

mod alerts;
mod archive_key;
mod args;
mod bench;
mod board;
mod book;
mod chart;
mod cold_thread;
mod config;
mod console;
mod day;
mod demo;
mod doctor;
mod evaluate;
mod exit;
mod folder;
mod interrupt;
mod journal;
mod line_session;
mod memory;
mod output;
mod percent;
mod progress;
mod recording;
mod replay;
mod retention;
mod room;
mod run;
mod session_dir;
mod session_names;
mod simulate;
mod span;
mod stat;
mod tail;
mod top;

use std::io::Write as _;
use std::panic;
use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Command, CommandLine};
use crate::exit::{Failure, Status};

fn main() -> ExitCode {
    tell_panics_in_one_line();
    cold_thread::note_cores();
    // Unwinding, not aborting, so that half-written files are taken away.
    let ended = panic::catch_unwind(run).unwrap_or(Ok(Status::No));
    ended
        .unwrap_or_else(|failure| {
            console::failure_line(&failure);
            failure.status
        })
        .into()
}

fn run() -> Result<Status, Failure> {
    let line = match CommandLine::try_parse() {
        Ok(line) => line,
        Err(error) if error.use_stderr() => {
            console::usage_line(&args::usage_fault(&error, std::env::args_os().skip(1)));
            return Ok(Status::Usage);
        }
        Err(result) => {
            // Help and version are results; their reader may be gone, which is no fault.
            let _ = result.print();
            return Ok(Status::Done);
        }
    };
    let console = line.telling.console();
    match line.command {
        Command::Demo(args) => demo::run(&args, console),
        Command::Replay(args) => replay::run(&args, console),
        Command::Run(args) => run::run(&args, console),
        Command::Reload(args) => run::reload::run(&args, console),
        Command::Simulate(args) => simulate::run(&args, console),
        Command::Bench(args) => bench::run(&args, console),
        Command::Book(args) => book::run(&args, console),
        Command::Alerts(args) => alerts::run(&args, console),
        Command::Evaluate(args) => evaluate::run(&args, console),
        Command::Journal(args) => journal::run(&args, console),
        Command::Tail(args) => tail::run(&args, console),
        Command::Top(args) => top::run(&args, console),
        Command::Stat(args) => stat::run(&args, console),
        Command::Config(args) => config::run(&args, console),
        Command::Doctor(args) => doctor::run(&args, console),
    }
}

/// A panic is a bug of ours; people get one line with its place, never a backtrace.
fn tell_panics_in_one_line() {
    panic::set_hook(Box::new(|info| {
        let what = info.payload_as_str().unwrap_or("no message");
        let place = info.location().map_or_else(String::new, |place| format!(" at {place}"));
        let line = format!("{what}{place}").replace(['\n', '\r'], " ");
        let _ = writeln!(
            std::io::stderr().lock(),
            "tapewatch: internal error: {line}; this is a bug, please report it with the command and its input"
        );
    }));
}
