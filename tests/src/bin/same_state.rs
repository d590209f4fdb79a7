//! `same-state BINARY [FILE]`: one ITCH session run by BINARY in every topology and from every kind of
//! input, and whether all come to the same. FILE is BinaryFILE; without it a session is made here.
//!
//! Exit status: 0 all equal, 1 a difference or a run that failed, 2 usage.

#![forbid(unsafe_code)]

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use tapewatch_tests::capture::DATE;
use tapewatch_tests::same_state::{Comparison, Layout, Row, Way};
use tapewatch_tests::session::RandomSession;

/// Messages and symbols of the session made here.
const MESSAGES: usize = 300_000;
const SYMBOLS: u16 = 60;

/// Symbols asked for in the runs of a few symbols.
const FEW: usize = 3;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let (binary, file) = match arguments.as_slice() {
        [binary] => (binary, None),
        [binary, file] => (binary, Some(file)),
        _ => {
            tell("usage: same-state BINARY [FILE]");
            return ExitCode::from(2);
        }
    };
    match run(Path::new(binary), file.map(Path::new)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            tell(&format!("same-state: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run(binary: &Path, file: Option<&Path>) -> io::Result<bool> {
    let made;
    let read;
    let messages = match file {
        Some(file) => {
            let failed = |error| io::Error::other(format!("{}: {error}", file.display()));
            read = fs::read(file).map_err(failed)?;
            read.as_slice()
        }
        None => {
            made = RandomSession::new(1, SYMBOLS, MESSAGES);
            made.bytes()
        }
    };
    let directory = tempfile::tempdir()?;
    let ways = Way::all(messages, directory.path())?;
    let dated = ["--date", DATE];
    let mut all = Comparison::new(binary, directory.path(), &[], &dated);
    let mut equal = true;
    for way in &ways {
        for layout in Layout::ALL {
            equal &= show(&all.run(way, layout)?);
        }
    }
    // A few symbols have a state of their own; it must be one, too.
    let names = names(&all, FEW)?;
    say(&format!("only {names}:"));
    let few = directory.path().join("few");
    fs::create_dir(&few)?;
    let mut some = Comparison::new(binary, &few, &["--symbols", &names], &dated);
    for (at, way) in ways.iter().enumerate() {
        equal &= show(&some.run(way, Layout::ALL[at % Layout::ALL.len()])?);
    }
    say(if equal { "all are equal" } else { "not all are equal" });
    Ok(equal)
}

/// The symbols that stand in the middle of the first run's output, for `--symbols`.
fn names(all: &Comparison, count: usize) -> io::Result<String> {
    let Some(session) = all.first_session() else {
        return Err(io::Error::other("nothing was run"));
    };
    let text = fs::read_to_string(session.join("report/symbols.csv"))?;
    let names: Vec<&str> = text.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    let from = names.len() / 2;
    Ok(names[from..names.len().min(from + count)].join(","))
}

fn show(row: &Row) -> bool {
    let verdict = match row.differs.as_slice() {
        [] => String::from("equal"),
        differs => format!("DIFFERS: {}", differs.join(", ")),
    };
    say(&format!("{:<44} {:>12} messages  {}  {verdict}", row.name, row.messages, row.state_hash));
    row.differs.is_empty()
}

fn say(line: &str) {
    // A reader that has gone is no fault.
    let _ = writeln!(io::stdout().lock(), "{line}");
}

fn tell(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
