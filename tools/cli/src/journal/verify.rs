//! `tapewatch journal verify`: whether a journal is what its writer left.
//!
//! Checks every frame, seal and index, the chain of seals, the order of sequences, and that the
//! session's `hashes` file can be read and speaks of messages that the journal has. Whether the
//! digests are those of the state is what `tapewatch replay SESSION` checks.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::PathBuf;

use clap::{Args, ValueHint};
use engine::log::LogKind;
use engine::log::error::LogError;
use engine::log::verify::{Fault, VerifyReport, verify};
use engine::state::hashes::HashesReader;
use serde_json::json;

use crate::console::{self, Console};
use crate::exit::{Failure, Status};
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
    let mut report = verify(&session.journal_directories(), LogKind::Journal)
        .map_err(|error| cannot_read(&error))?;
    if let Some(found) = report.session
        && found != session.id()
    {
        let what = format!("the journal is of session {found}, session.toml says {}", session.id());
        let file = session.path().join("session.toml").display().to_string();
        report.faults.push(Fault { file, offset_bytes: 0, what });
    }
    let hashes_checked = check_hashes(&session, &mut report);
    let text = if args.json {
        format!("{:#}\n", json_of(&report, hashes_checked))
    } else {
        table_of(&report, hashes_checked)
    };
    console::write_result(&text)?;
    if report.unfinished_files > 0 {
        console.detail(&format!(
            "{} file(s) that the writer had not finished are left out",
            report.unfinished_files
        ));
    }
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

/// What cannot be read at all, and what to do.
pub(crate) fn cannot_read(error: &LogError) -> Failure {
    let (status, advice) = match error {
        LogError::Io { .. } => (Status::Usage, "check the path and its permissions"),
        LogError::Empty { .. } => (Status::Usage, "name a session that was recorded"),
        LogError::Newer { .. } => (Status::Usage, "use a newer tapewatch"),
        LogError::Damaged { .. } => (Status::No, "`tapewatch journal verify` tells all faults"),
    };
    Failure::new(status, format_args!("{error}; {advice}"))
}

/// Lines of the `hashes` file that speak of messages in the journal; what is wrong with it is added
/// to the report.
fn check_hashes(session: &SessionDir, report: &mut VerifyReport) -> u64 {
    let path = session.hashes();
    let name = path.display().to_string();
    let mut fault = |line: u64, what: String| {
        let what = format!("line {line}: {what}");
        report.faults.push(Fault { file: name.clone(), offset_bytes: 0, what });
    };
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return 0,
        Err(error) => {
            fault(1, error.to_string());
            return 0;
        }
    };
    let last = report.last_sequence.map_or(0, |sequence| sequence.0);
    let mut reader = HashesReader::new(BufReader::new(file));
    let mut checked = 0;
    loop {
        match reader.next_line() {
            Ok(Some(line)) if line.sequence.0 <= last => checked += 1,
            Ok(Some(line)) => {
                let beyond = line.sequence.0;
                fault(checked + 2, format!("sequence {beyond} is past the journal's last, {last}"));
                return checked;
            }
            Ok(None) => return checked,
            Err(error) => {
                fault(checked + 2, error.to_string());
                return checked;
            }
        }
    }
}

fn json_of(report: &VerifyReport, hashes_checked: u64) -> serde_json::Value {
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
        "hashes_checked": hashes_checked,
        "faults_left_out": report.faults_left_out,
        "sealed_segments": report.sealed_segments,
        "ended_orderly": report.ended_orderly,
        "seal": report.last_seal.as_ref().map(|(_, seal)| seal.to_string()),
        "unfinished_files": report.unfinished_files,
    })
}

fn table_of(report: &VerifyReport, hashes_checked: u64) -> String {
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
        ("hash lines", grouped(hashes_checked)),
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
