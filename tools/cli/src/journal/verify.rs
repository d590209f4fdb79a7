//! `tapewatch journal verify`: whether a journal is what its writer left.
//!
//! Checks every frame, seal and index, the chain of seals, the order of sequences, and that the
//! session's `hashes` file can be read and speaks of messages that the journal has. Whether the
//! digests are those of the state is what `tapewatch replay SESSION` checks.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use engine::journal::record::Record;
use engine::log::error::LogError;
use engine::log::reader::{AtTail, LogReader, Next};
use engine::log::segment::index_name;
use engine::log::verify::{Fault, VerifyReport, verify};
use engine::log::{LogKind, SegmentNumber};
use engine::state::hashes::HashesReader;
use serde_json::json;

use crate::console::{self, Console};
use crate::exit::{Failure, Status};
use crate::journal::symbol_indexes;
use crate::output::decimal::grouped;
use crate::session_dir::SessionDir;

const EXAMPLES: &str = "\
Examples:
  tapewatch journal verify session
  tapewatch journal verify session --json

Exit status: 0 nothing is wrong (a torn tail that a killed process left is nothing wrong);
1 the journal is not what was written; 2 it cannot be read at all.";

/// Faults told to people; --json has all.
const FAULTS_TOLD_MAX: usize = 20;

/// Check that no byte of a journal was changed.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct VerifyArgs {
    /// The directory of a recorded session.
    #[arg(value_name = "SESSION", value_hint = ValueHint::DirPath)]
    session: PathBuf,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(args: &VerifyArgs, console: Console) -> Result<Status, Failure> {
    let session = SessionDir::open(&args.session)?;
    let (report, hashes) = examined(&session)?;
    let text = if args.json {
        format!("{:#}\n", json_of(&report, &hashes))
    } else {
        table_of(&report, &hashes)
    };
    console::write_result(&text)?;
    if report.unfinished_files > 0 {
        console.detail(&format!(
            "{} file(s) that the writer had not finished are left out",
            report.unfinished_files
        ));
    }
    symbol_indexes::note_unusable(&session, console);
    let faults = report.faults.len() as u64 + report.faults_left_out;
    match report.faults.first() {
        None => Ok(Status::Done),
        Some(first) => Err(Failure::no(format_args!(
            "the journal is not what was written: {} fault(s), the first in {} at byte {}: {}; keep it as it is, and restore it from a copy",
            grouped(faults),
            first.file,
            first.offset_bytes,
            first.what
        ))),
    }
}

/// What the journal of `session` is found to be, and the file of digests beside it.
pub(crate) fn examined(session: &SessionDir) -> Result<(VerifyReport, HashLines), Failure> {
    let mut report = verify(&session.journal_directories(), LogKind::Journal)
        .map_err(|error| cannot_read(&error))?;
    if let Some(found) = report.session
        && found != session.id()
    {
        let what = format!("the journal is of session {found}, session.toml says {}", session.id());
        let file = session.path().join("session.toml").display().to_string();
        report.faults.push(Fault { file, offset_bytes: 0, what });
    }
    check_description(session, &mut report);
    let hashes = check_hashes(session, &mut report);
    if session.state() == "complete" {
        check_complete(session, &hashes, &mut report);
    }
    Ok((report, hashes))
}

/// What cannot be read at all, and what to do.
pub(crate) fn cannot_read(error: &LogError) -> Failure {
    let (status, advice) = match error {
        LogError::Io { .. } => (Status::Usage, "check the path and its permissions"),
        LogError::Empty { .. } => (Status::Usage, "name a session that was recorded"),
        LogError::Newer { .. } => (Status::Usage, "use a newer tapewatch"),
        LogError::Pruned { .. } => (Status::Usage, "restore the segments from a copy"),
        LogError::Damaged { .. } => (Status::No, "`tapewatch journal verify` tells all faults"),
    };
    Failure::new(status, format_args!("{error}; {advice}"))
}

/// What the `hashes` file holds.
#[derive(Default)]
pub(crate) struct HashLines {
    /// Lines that speak of messages in the journal.
    pub(crate) checked: u64,
    /// Lines that speak of later ones: of a session that is being recorded, or whose journal lost its
    /// end in a power cut.
    pub(crate) beyond: u64,
}

fn add(report: &mut VerifyReport, file: &Path, what: String) {
    report.faults.push(Fault { file: file.display().to_string(), offset_bytes: 0, what });
}

/// The journal's first record holds the text of `session.toml` as it was at the beginning.
fn check_description(session: &SessionDir, report: &mut VerifyReport) {
    let directories = session.journal_directories();
    let Ok(mut reader) = LogReader::open(directories, LogKind::Journal, AtTail::Stop) else {
        return;
    };
    if let Ok(Next::Frame(frame, _)) = reader.next()
        && let Ok(Record::Session(text)) = Record::read(&frame)
        && !session.began_as(text)
    {
        let what = String::from("it is not what the journal's first record says it was");
        add(report, &session.path().join("session.toml"), what);
    }
}

/// A session that ended in order has all that such an end leaves.
fn check_complete(session: &SessionDir, hashes: &HashLines, report: &mut VerifyReport) {
    let journal = session.path().join("journal");
    if !report.ended_orderly {
        let what = String::from("session.toml says complete, and no End frame ends the journal");
        add(report, &journal, what);
    }
    if report.sealed_segments != report.segments {
        let unsealed = report.segments - report.sealed_segments;
        let what = format!("session.toml says complete, and {unsealed} segment(s) have no seal");
        add(report, &journal, what);
    }
    for number in (0..report.segments).map(SegmentNumber) {
        let index = journal.join(index_name(number));
        if !index.exists() {
            add(
                report,
                &index,
                String::from("session.toml says complete, and the index is missing"),
            );
        }
    }
    if hashes.checked == 0 && hashes.beyond == 0 {
        let what = String::from("session.toml says complete, and no digest is on record");
        add(report, &session.hashes(), what);
    }
}

/// Reads the `hashes` file; what is wrong with it is added to the report.
fn check_hashes(session: &SessionDir, report: &mut VerifyReport) -> HashLines {
    let path = session.hashes();
    let mut lines = HashLines::default();
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return lines,
        Err(error) => {
            add(report, &path, error.to_string());
            return lines;
        }
    };
    // Digests stand at positions, which are sequences only where those rise.
    let last = match report.restarts {
        0 => report.last_sequence.map_or(0, |sequence| sequence.0),
        _ => u64::MAX,
    };
    let mut reader = HashesReader::new(BufReader::new(file));
    loop {
        match reader.next_line() {
            Ok(Some(line)) if line.sequence.0 <= last => lines.checked += 1,
            Ok(Some(line)) => {
                lines.beyond += 1;
                if report.ended_orderly && lines.beyond == 1 {
                    let (number, beyond) = (lines.checked + 2, line.sequence.0);
                    let what = format!(
                        "line {number}: sequence {beyond} is past the journal's last, {last}"
                    );
                    add(report, &path, what);
                }
            }
            Ok(None) => return lines,
            Err(error) => {
                add(report, &path, error.to_string());
                return lines;
            }
        }
    }
}

fn json_of(report: &VerifyReport, hashes: &HashLines) -> serde_json::Value {
    let faults: Vec<_> = report
        .faults
        .iter()
        .map(|fault| json!({"file": fault.file, "offset": fault.offset_bytes, "what": fault.what}))
        .collect();
    json!({
        "ok": report.faults.is_empty(),
        "frames": report.frames,
        "segments": report.segments,
        "first_sequence": report.first_sequence.map(|sequence| sequence.0),
        "last_sequence": report.last_sequence.map(|sequence| sequence.0),
        "torn_bytes": report.torn_bytes,
        "faults": faults,
        "hashes_checked": hashes.checked,
        "hashes_beyond": hashes.beyond,
        "faults_left_out": report.faults_left_out,
        "sealed_segments": report.sealed_segments,
        "ended_orderly": report.ended_orderly,
        "seal": report.last_seal.as_ref().map(|(_, seal)| seal.to_string()),
        "unfinished_files": report.unfinished_files,
    })
}

fn table_of(report: &VerifyReport, hashes: &HashLines) -> String {
    let sequence = |sequence: Option<engine::units::Sequence>| {
        sequence.map_or_else(|| String::from("–"), |sequence| sequence.0.to_string())
    };
    let verdict = if report.faults.is_empty() { "nothing is wrong" } else { "NOT as written" };
    let end = match (report.ended_orderly, report.torn_bytes) {
        (true, _) => String::from("ended in order"),
        (false, 0) => String::from("not ended: its writer is at work or was killed"),
        (false, torn) => {
            format!("not ended: its writer is at work or was killed; {torn} torn bytes")
        }
    };
    let seal = report.last_seal.as_ref().map_or_else(
        || String::from("none"),
        |(number, seal)| format!("{seal} (segment {})", number.0),
    );
    let mut text = String::new();
    for (name, value) in [
        ("verdict", verdict.to_owned()),
        ("frames", grouped(report.frames)),
        ("segments", format!("{}, {} sealed", report.segments, report.sealed_segments)),
        (
            "sequences",
            format!("{} to {}", sequence(report.first_sequence), sequence(report.last_sequence)),
        ),
        ("end", end),
        ("last seal", seal),
        ("hash lines", grouped(hashes.checked)),
    ] {
        text += &format!("{name:<12} {value}\n");
    }
    for fault in report.faults.iter().take(FAULTS_TOLD_MAX) {
        text += &format!(
            "fault        {} at byte {}: {}\n",
            fault.file, fault.offset_bytes, fault.what
        );
    }
    let more = report.faults.len().saturating_sub(FAULTS_TOLD_MAX);
    if more > 0 {
        text += &format!("             and {more} more; --json has them\n");
    }
    text
}
