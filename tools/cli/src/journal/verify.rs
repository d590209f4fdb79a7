//! `tapewatch journal verify`: whether a journal is what its writer left.
//!
//! Checks every frame, seal and index of both logs, the chains of seals, the order of sequences, that
//! outputs and cursors can be read, that `session.toml` is what the journal says it was, and that the
//! session's `hashes` file can be read and speaks of messages that the journal has. `--deep` replays
//! the journal and compares the digests; `--seal` looks for a seal that was noted elsewhere.
//!
//! - `outputs`: the output log
//! - `snapshots`: whether they can be used, which is no fault
//! - `deep`: the replay
//! - `told`: what was found, as JSON and for people

mod deep;
mod outputs;
mod snapshots;
mod told;

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use engine::journal::record::Record;
use engine::log::error::LogError;
use engine::log::reader::{AtTail, LogReader, Next};
use engine::log::seal::Seal;
use engine::log::segment::index_name;
use engine::log::verify::{Fault, VerifyReport, verify};
use engine::log::{LogKind, SegmentNumber};
use engine::state::hashes::HashesReader;

use outputs::OutputsFound;
use snapshots::Snapshots;
use told::{Found, SealedBy};

use crate::archive_key::ADVICE_ON_KEYS;
use crate::console::{self, Console};
use crate::exit::{Failure, Status};
use crate::journal::symbol_indexes;
use crate::output::decimal::grouped;
use crate::session_dir::SessionDir;

const EXAMPLES: &str = "\
Examples:
  tapewatch journal verify session
  tapewatch journal verify session --deep
  tapewatch journal verify session --json --seal 5f1c…   (64 digits, as a recording ended with)

Exit status: 0 nothing is wrong (a torn tail that a killed process left is nothing wrong);
1 a log is not what was written, a digest is another one, or no segment has the seal; 2 it cannot be
read at all, or its front was pruned and --deep has no snapshot to begin with.";

/// Check that no byte of a session's journal and output log was changed.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct VerifyArgs {
    /// The directory of a recorded session.
    #[arg(value_name = "SESSION", value_hint = ValueHint::DirPath)]
    session: PathBuf,
    /// Replay the journal, and compare the state with every digest on record.
    #[arg(long)]
    deep: bool,
    /// Look for the segment that has this seal, noted when it was closed: nothing up to its end was
    /// changed since.
    #[arg(long, value_name = "HEX", value_parser = seal_of)]
    seal: Option<Seal>,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(args: &VerifyArgs, console: Console) -> Result<Status, Failure> {
    let session = SessionDir::open(&args.session)?;
    let (mut report, hashes) = examined(&session)?;
    let outputs = outputs::examined(&session)?;
    if let Some(outputs) = &outputs {
        report.faults.extend(outputs.report.faults.iter().cloned());
        report.faults_left_out += outputs.report.faults_left_out;
    }
    // What is damaged is not what was recorded: its state proves nothing.
    let deep = match args.deep && report.is_ok() {
        true => Some(deep::run(&session, console)?),
        false => None,
    };
    if let Some(deep) = &deep {
        report.faults.extend(deep.faults.iter().cloned());
        if let Some(why) = &deep.not_comparable {
            console.warning(&format!("not all digests on record can be compared: {why}"));
        }
    }
    let seal = args.seal.map(|seal| (seal, sealed_by(seal, &report, outputs.as_ref())));
    let snapshots = Snapshots::of(&session, console)?;
    let found = Found { report, hashes, outputs, deep, snapshots, seal };
    let text =
        if args.json { format!("{:#}\n", told::json_of(&found)) } else { told::table_of(&found) };
    console::write_result(&text)?;
    let Found { report, seal, .. } = found;
    if report.unfinished_files > 0 {
        console.detail(&format!(
            "{} file(s) that the writer had not finished are left out",
            report.unfinished_files
        ));
    }
    symbol_indexes::note_unusable(&session, console);
    let faults = report.faults.len() as u64 + report.faults_left_out;
    match report.faults.first() {
        None => match seal {
            Some((seal, None)) => Err(Failure::no(format_args!(
                "no segment of {} has the seal {seal}: it was noted of another session, or the segment was changed and sealed anew",
                session.path().display()
            ))),
            _ => Ok(Status::Done),
        },
        Some(first) => Err(Failure::no(format_args!(
            "the session is not what was written: {} fault(s), the first in {} at byte {}: {}; keep it as it is, and restore it from a copy",
            grouped(faults),
            first.file,
            first.offset_bytes,
            first.what
        ))),
    }
}

/// A seal as it is told: 64 hexadecimal digits.
fn seal_of(text: &str) -> Result<Seal, String> {
    let wrong = || String::from("a seal has 64 hexadecimal digits");
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    let mut seal = [0; 32];
    for (at, byte) in seal.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).map_err(|_| wrong())?;
    }
    Ok(Seal(seal))
}

/// Which segment has a seal.
fn sealed_by(
    seal: Seal,
    journal: &VerifyReport,
    outputs: Option<&OutputsFound>,
) -> Option<SealedBy> {
    let logs = [("journal", Some(journal)), ("output", outputs.map(|outputs| &outputs.report))];
    logs.into_iter().find_map(|(log, report)| {
        let report = report?;
        let own = report.seals.iter().find(|(_, own)| *own == seal);
        let kept = own.map(|(segment, _)| SealedBy { log, segment: *segment, is_pruned: false });
        kept.or_else(|| {
            let pruned = report.pruned.as_ref().filter(|pruned| pruned.seal == seal)?;
            let segment = SegmentNumber(pruned.first_kept.0 - 1);
            Some(SealedBy { log, segment, is_pruned: true })
        })
    })
}

/// What the journal of `session` is found to be, and the file of digests beside it.
pub(crate) fn examined(session: &SessionDir) -> Result<(VerifyReport, HashLines), Failure> {
    let mut report = verify(&session.journal_directories()?, LogKind::Journal)
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
        LogError::Locked { .. } => (Status::Usage, ADVICE_ON_KEYS),
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
    if let Some(pruned) = &report.pruned {
        if !str::from_utf8(&pruned.first_record).is_ok_and(|text| session.began_as(text)) {
            let what = String::from("it is not what the journal's first record said it was");
            add(report, &session.path().join("session.toml"), what);
        }
        return;
    }
    let Ok(directories) = session.journal_directories() else { return };
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
    let first = report.pruned.as_ref().map_or(0, |pruned| pruned.first_kept.0);
    for number in (first..first + report.segments).map(SegmentNumber) {
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
    // Digests stand at positions, which are sequences only where those rise: not where a feed has
    // unsequenced messages, and not where several feeds come by turns.
    let last = match (report.restarts, session.feed_count()) {
        (0, 1) => report.reached.map_or(0, |sequence| sequence.0),
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
