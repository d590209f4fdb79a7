//! What `journal verify` finds of a session's output log: its frames and seals, that each frame is an
//! output, and that each consumer's cursor can be read.

use std::io;

use engine::log::LogKind;
use engine::log::directories::CURSORS_DIRECTORY;
use engine::log::error::LogError;
use engine::log::reader::AtTail;
use engine::log::storage::Directory;
use engine::log::verify::{Fault, VerifyReport, verify};
use engine::output::cursor::{self, CursorName, CursorState};
use engine::output::reader::{NextOutput, OutputReader};

use super::{add, cannot_read};
use crate::exit::Failure;
use crate::session_dir::SessionDir;

/// What was found.
pub(super) struct OutputsFound {
    /// Of the log.
    pub(super) report: VerifyReport,
    /// Outputs.
    pub(super) records: u64,
    /// Consumers whose cursor can be read.
    pub(super) cursors: u64,
}

/// Examines the output log of a session; `None` if it has none. What is wrong is in the report.
pub(super) fn examined(session: &SessionDir) -> Result<Option<OutputsFound>, Failure> {
    let directories = session.output_directories()?;
    let report = match verify(&directories, LogKind::Output) {
        Ok(report) => report,
        // A session that could not make one goes on without, and is not complete then.
        Err(LogError::Empty { .. }) if session.state() != "complete" => return Ok(None),
        Err(LogError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            return Ok(None);
        }
        Err(LogError::Empty { directory }) => {
            let what = String::from("session.toml says complete, and there is no segment");
            let faults = vec![Fault { file: directory, offset_bytes: 0, what }];
            VerifyReport { faults, ..VerifyReport::default() }
        }
        Err(error) => return Err(cannot_read(&error)),
    };
    let mut found = OutputsFound { report, records: 0, cursors: 0 };
    let output = session.path().join("output");
    let report = &mut found.report;
    if let Some(other) = report.session.filter(|other| *other != session.id()) {
        let what = format!("the output log is of session {other}, not of {}", session.id());
        add(report, &output, what);
    }
    if session.state() == "complete" && report.session.is_some() {
        if !report.ended_orderly {
            let what = "session.toml says complete, and no End frame ends the output log";
            add(report, &output, what.to_owned());
        }
        if report.sealed_segments != report.segments {
            let unsealed = report.segments - report.sealed_segments;
            let what =
                format!("session.toml says complete, and {unsealed} segment(s) have no seal");
            add(report, &output, what);
        }
    }
    check_records(session, &mut found);
    check_cursors(session, &mut found)?;
    Ok(Some(found))
}

/// Every frame is an output. Where the log is damaged, that has been told.
fn check_records(session: &SessionDir, found: &mut OutputsFound) {
    let Ok(directories) = session.output_directories() else { return };
    let Ok(mut reader) = OutputReader::open(directories, AtTail::Stop) else {
        return;
    };
    loop {
        match reader.next() {
            Ok(NextOutput::Record(..)) => found.records += 1,
            Err(engine::output::reader::OutputReadError::Record { file, at, error }) => {
                let (offset_bytes, what) = (at.offset_bytes, error.to_string());
                found.report.faults.push(Fault { file, offset_bytes, what });
                return;
            }
            Ok(_) | Err(_) => return,
        }
    }
}

fn check_cursors(session: &SessionDir, found: &mut OutputsFound) -> Result<(), Failure> {
    let path = session.path().join("output").join(CURSORS_DIRECTORY);
    let unreadable = |error: &io::Error| {
        Failure::usage(format_args!(
            "cannot read {}: {error}; check the path and its permissions",
            path.display()
        ))
    };
    let entries = match std::fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(unreadable(&error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(|error| unreadable(&error))?.file_name();
        let name = name.to_str().and_then(|name| name.strip_suffix(".cursor"));
        names.extend(name.and_then(|name| CursorName::new(name).ok()));
    }
    names.sort_by_key(CursorName::file_name);
    let first = found.report.pruned.as_ref().map(|pruned| pruned.first_kept);
    for name in names {
        let what = match cursor::read(&Directory::new(&path), &name, session.id()) {
            Ok(CursorState::Valid(place)) if first.is_some_and(|it| place.next.segment < it) => {
                format!("it stands in segment {}, which was pruned", place.next.segment.0)
            }
            Ok(CursorState::Valid(_)) => {
                found.cursors += 1;
                continue;
            }
            // It was taken away since the directory was listed.
            Ok(CursorState::Absent) => continue,
            Ok(CursorState::Damaged(damage)) => format!("{damage}: its consumer begins anew"),
            Err(error) => error.to_string(),
        };
        add(&mut found.report, &path.join(name.file_name()), what);
    }
    Ok(())
}
