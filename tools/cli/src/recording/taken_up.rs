//! A session whose writer is gone, taken up: both logs made ready, the snapshot chosen, and what was lost
//! told.

use std::path::Path;

use engine::journal::source::JournalSource;
use engine::journal::stand::FeedStands;
use engine::journal::writer::Journal;
use engine::log::directories::LogDirectories;
use engine::log::error::LogError;
use engine::log::reopen::{self, Condition, Found, ReopenError, Reopened};
use engine::log::storage::Directory;
use engine::log::{LogKind, SegmentNumber};
use engine::output::writer::OutputLog;
use engine::snapshot::SnapshotHead;

use super::{
    Again, Outputs, OwnJournal, Recording, Written, acceptance, cannot_make, cannot_make_outputs,
    places,
};
use crate::archive_key;
use crate::config::Config;
use crate::exit::Failure;
use crate::output::alerts;
use crate::recording::archive::Archive;
use crate::recording::description::{Description, Recorded};
use crate::recording::dir::{self, RecordingDir};
use crate::recording::kept::Kept;
use crate::recording::restart::{self, Holds, Restart};
use crate::replay::faults;
use crate::replay::hashes::Hashes;
use crate::retention::{self, PruneLock};

impl Recording {
    /// Takes up the session in `path`, described as it is, whose writer is gone: from its newest
    /// snapshot if `from_snapshot`, else from its start. What its journal holds comes again as `again`
    /// says.
    pub(crate) fn take_up(
        path: &Path,
        description: Description,
        from_snapshot: bool,
        again: Again,
    ) -> Result<Recording, Failure> {
        let config = &description.config;
        let key = archive_key::named_in(config)?;
        let mut dir = RecordingDir::take_up(path)?;
        let prune_lock = Some(PruneLock::take(path)?);
        let mut noted: Vec<String> = dir.writer_before().map(taken_over).into_iter().collect();
        let memory = places::memory(config, description.id);
        let memory_gone = dir::memory_told(path).filter(|told| !told.exists());
        let board = places::board(config, description.id);
        dir.tell_writer(memory.as_deref(), board.as_deref())?;
        let text = description.text(Recorded::Recording, 0);
        let archive = Archive::new(config, key, &dir);
        let options = places::of_journal(config, memory.as_deref(), archive.journal());
        let directories = LogDirectories::of(&options.place);
        dir.describe(&text)?;
        let damaged = |error: &dyn core::fmt::Display| {
            Failure::no(format_args!(
                "{error}; `tapewatch journal repair {}` cuts it there",
                path.display()
            ))
        };
        let found = look(&directories, LogKind::Journal).map_err(|error| damaged(&error))?;
        let (mut stands, mut parameters) = (FeedStands::default(), Vec::new());
        let (journal, records) = if found.condition == Condition::Finished {
            let closed = reopen::finish(&options.of_log(description.id));
            let closed = closed.map_err(|error| damaged(&error))?;
            // The first record is the session's description.
            (Written::Ended(closed), found.frames.saturating_sub(1))
        } else {
            let (journal, reopened) = Journal::reopen(options, description.id, &text)
                .map_err(|error| cannot_make(&error))?;
            noted.extend(recovered("journal", &reopened.log, config));
            noted.extend(memory_gone.as_deref().map(without_memory));
            (stands, parameters) = (reopened.stands, reopened.parameters);
            let others = reopened.uncounted + 1;
            (Written::Open(Box::new(journal)), reopened.log.frames.saturating_sub(others))
        };
        let options = places::of_output(config, memory.as_deref(), archive.output());
        let output_directories = LogDirectories::<Directory>::of(&options.place);
        // As recovery will find them: what a loss of power left behind a hole does not count.
        let outputs_found = match reopen::examine(&options.clone().of_log(description.id)) {
            Ok(found) => Some((found.frames, found.pruned_frames)),
            Err(ReopenError::Finished { .. }) => None,
            Err(error) => return Err(damaged(&error)),
        };
        let (outputs, pruned_outputs) = match outputs_found {
            Some(found) => found,
            None => {
                let found = look(&output_directories, LogKind::Output);
                let found = found.map_err(|error| damaged(&error))?;
                (found.frames, found.pruned_frames)
            }
        };
        let holds = Holds {
            session: description.id,
            records,
            outputs,
            pruned_outputs,
            first: directories.first().map_err(|error| damaged(&error))?,
            tail: match &journal {
                Written::Open(journal) => Some(journal.tails().appended()),
                Written::Never(_) | Written::Ended(_) => None,
            },
        };
        let made_by = config.made_by(&description.symbols);
        // Digests before the snapshot are not computed again.
        let has_hashes = Hashes::are_readable(&dir.hashes());
        let is_pruned = holds.first > SegmentNumber(0);
        if records > 0 && !has_hashes {
            let aside = dir.put_hashes_aside()?;
            noted.push(match aside {
                true => String::from(
                    "the digests on record cannot be read; they are kept as hashes.damaged, and computed again",
                ),
                false => String::from("the digests are not there; they are computed again"),
            });
        }
        let may_use = from_snapshot && (has_hashes || is_pruned);
        let restart = Restart::choose(&archive.shelf(path), &holds, &made_by, may_use);
        let head = restart.snapshot.as_ref().map(|snapshot| *snapshot.head());
        if head.is_none() {
            if is_pruned && !from_snapshot {
                return Err(Failure::usage(format_args!(
                    "{}: the front of its journal was pruned, so prints and quotes of before cannot be had; leave --trades and --bbo out",
                    path.display()
                )));
            }
            retention::refuse_pruned(path, &directories, "gone on with")?;
        }
        let (kept, own) = match again {
            Again::FromInput if records > 0 => {
                (Some(Kept::new(directories, records, head.as_ref())?), None)
            }
            Again::FromInput => (None, None),
            Again::FromJournal => (None, Some(own_journal(directories, head.as_ref())?)),
        };
        let told = head.map_or(0, |head| head.outputs);
        let earlier = restart::told_before(output_directories, told, &alerts::words(config));
        let (bars_told, alerts_told) = earlier.map_err(|error| damaged(&error))?;
        let outputs = if outputs_found.is_none() {
            reopen::finish(&options.of_log(description.id)).map_err(|error| damaged(&error))?;
            Outputs::Ended
        } else {
            let acceptance = acceptance(&journal, config);
            let reopened = OutputLog::reopen(options, description.id, acceptance, told);
            let (outputs, reopened) = reopened.map_err(|error| cannot_make_outputs(&error))?;
            noted.extend(recovered("output log", &reopened, config));
            Outputs::Open(Box::new(outputs))
        };
        let (outputs, archive) = (Some(outputs), archive.started());
        let upkeep = None;
        Ok(Recording {
            journal,
            kept,
            restart,
            bars_told,
            alerts_told,
            outputs,
            archive,
            dir,
            description,
            memory,
            board,
            upkeep,
            found: noted,
            prune_lock,
            own: own.map(|journal| OwnJournal { journal, stands, parameters }),
        })
    }
}

/// The journal from the state on that the session goes on from. It is being written again: recovery has
/// looked at what stands behind the last record.
fn own_journal(
    directories: LogDirectories<Directory>,
    from: Option<&SnapshotHead>,
) -> Result<JournalSource<Directory>, Failure> {
    let opened = JournalSource::following(directories).and_then(|mut source| {
        if let Some(head) = from {
            source.start_from(head.next)?;
        }
        Ok(source)
    });
    opened.map_err(|error| faults::of_journal(&error))
}

/// As [`reopen::look`], where what the reader's rules call damage is left to recovery, which knows more.
fn look(directories: &LogDirectories<Directory>, kind: LogKind) -> Result<Found, LogError> {
    match reopen::look(directories, kind) {
        Err(LogError::Damaged { .. }) => Ok(Found::default()),
        found => found,
    }
}

fn taken_over(pid: u32) -> String {
    format!("the session was left by process {pid}, which is gone; it is taken over")
}

/// What recovery has given up of a log, as far as that can be known.
fn recovered(log: &str, reopened: &Reopened, config: &Config) -> Option<String> {
    let Reopened { torn_bytes, dropped_frames, last_sequence, restarted, .. } = *reopened;
    let last = last_sequence.0;
    if torn_bytes == 0 && dropped_frames == 0 {
        let sync = config.journal.sync.name();
        return restarted.then(|| {
            format!(
                "the machine has stopped meanwhile: the {log} goes on behind sequence {last}; what was appended behind it and not on the disk (journal.sync is {sync}) is lost"
            )
        });
    }
    let why = if restarted { "the machine has stopped meanwhile" } else { "its writer died in it" };
    let dropped = match dropped_frames {
        0 => String::new(),
        frames => format!(", {frames} whole frame(s) behind the damage among them"),
    };
    Some(format!(
        "the {log} was cut behind sequence {last}: {torn_bytes} torn byte(s) dropped{dropped}; {why}"
    ))
}

fn without_memory(memory: &Path) -> String {
    format!(
        "the session's memory {} is gone: what had not been carried to the disk is lost",
        memory.display()
    )
}
