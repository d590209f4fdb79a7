//! Which board is meant: of a session's directory, of a file, or of the one engine that runs here.

use std::fs;
use std::path::{Path, PathBuf};

use engine::board::{BoardReader, FILE_NAME, Liveness};

use super::look::now;
use crate::exit::Failure;
use crate::journal::line::time_text;
use crate::recording::dir::board_told;
use crate::session_dir::SessionDir;

/// How a session's directory in memory begins.
const MEMORY_PREFIX: &str = "tapewatch-";

/// Attaches to the board of `session`, a directory or the board's own file; without one, to the board of
/// the one engine that runs and has its memory below `memory_dir`.
pub(crate) fn board(session: Option<&Path>, memory_dir: &Path) -> Result<BoardReader, Failure> {
    match session {
        Some(path) if path.is_dir() => of_directory(path, memory_dir),
        Some(path) => attach(path),
        None => of_running(memory_dir),
    }
}

fn attach(path: &Path) -> Result<BoardReader, Failure> {
    BoardReader::attach(path).map_err(|error| {
        Failure::usage(format_args!(
            "{error}; name a session's directory, or the file `{FILE_NAME}` in a session's memory"
        ))
    })
}

fn of_directory(path: &Path, memory_dir: &Path) -> Result<BoardReader, Failure> {
    // The directory in memory itself will do as well.
    if path.join(FILE_NAME).is_file() {
        return attach(&path.join(FILE_NAME));
    }
    let session = SessionDir::open(path)?;
    let of_id = memory_dir.join(format!("{MEMORY_PREFIX}{}", session.id())).join(FILE_NAME);
    let places = board_told(path).into_iter().chain([of_id]);
    match places.into_iter().find(|board| board.is_file()) {
        Some(board) => attach(&board),
        None if session.is_being_recorded() => Err(Failure::usage(format_args!(
            "the engine of the session in {} keeps no board; start it with board.enabled = true",
            path.display()
        ))),
        None => Err(Failure::usage(format_args!(
            "the session in {} is not running ({}) and has left no board; `tapewatch journal info {}` tells what it recorded",
            path.display(),
            session.state(),
            path.display()
        ))),
    }
}

/// The boards below `memory_dir`, by path.
fn boards_below(memory_dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(memory_dir).into_iter().flatten().filter_map(Result::ok);
    let is_memory =
        |name: &std::ffi::OsStr| name.to_str().is_some_and(|name| name.starts_with(MEMORY_PREFIX));
    let memories = entries.filter(|entry| is_memory(&entry.file_name()));
    let mut boards: Vec<PathBuf> = memories
        .map(|entry| entry.path().join(FILE_NAME))
        .filter(|board| board.is_file())
        .collect();
    boards.sort();
    boards
}

fn of_running(memory_dir: &Path) -> Result<BoardReader, Failure> {
    let paths = boards_below(memory_dir);
    let found = paths.len();
    let boards = paths.iter().filter_map(|path| BoardReader::attach(path).ok());
    let is_there = |board: &BoardReader| {
        matches!(board.liveness(now()), Liveness::Running | Liveness::Stale(_))
    };
    let mut running: Vec<BoardReader> = boards.filter(is_there).collect();
    match (running.pop(), &running[..]) {
        (Some(board), []) => Ok(board),
        (Some(last), others) => {
            let list: Vec<String> = others.iter().chain([&last]).map(about).collect();
            Err(Failure::usage(format_args!(
                "{} engines are running; name one of their boards: {}",
                list.len(),
                list.join("; ")
            )))
        }
        (None, _) if found > 0 => Err(Failure::usage(format_args!(
            "no engine is running; {found} left a board in {}: name its file to read it, {} for one",
            memory_dir.display(),
            paths[found - 1].display()
        ))),
        (None, _) => Err(Failure::usage(format_args!(
            "no engine is running: there is no board in {}; start one with `tapewatch run`, or name its session",
            memory_dir.display()
        ))),
    }
}

/// One of several.
fn about(board: &BoardReader) -> String {
    format!(
        "{} (session {}, pid {}, started {})",
        board.path().display(),
        board.session(),
        board.pid(),
        time_text(board.started())
    )
}
