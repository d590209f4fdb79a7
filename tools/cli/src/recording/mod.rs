//! Records a session: its directory, its journal, its output log, its hashes.
//!
//! Whoever drives the engine hands every packet here before the engine sees it. What the journal does
//! when it fails is configuration: the run ends, or goes on and the session is marked incomplete. The
//! output log is given to whoever hears the market. A session whose writer died is taken up: what its
//! journal holds must come again ([`kept`]), and what its output log holds is not put out twice.

mod archive;
pub(crate) mod description;
pub(crate) mod dir;
pub(crate) mod follower;
mod kept;
mod places;
mod restart;
mod restored;
mod upkeep;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use engine::journal::writer::{Journal, JournalEnd, JournalError};
use engine::log::directories::LogDirectories;
use engine::log::error::LogError;
use engine::log::failure::CreateError;
use engine::log::options::LogOptions;
use engine::log::reopen::{self, Condition, Found, ReopenError, Reopened};
use engine::log::storage::Directory;
use engine::log::tails::{LogStatistics, LogTails};
use engine::log::{ClosedLog, LogKind, SegmentNumber, SessionId};
use engine::output::release::Acceptance;
use engine::output::writer::{OutputLog, OutputOpenError};
use engine::packet::Packet;
use engine::snapshot::{Shelf, Snapshot};
use engine::units::{Nanos, Sequence};
use serde_json::{Value, json};

use crate::archive_key;
use crate::config::{self, Config};
use crate::console::Console;
use crate::exit::{Failure, Status};
use crate::recording::archive::Archive;
use crate::recording::description::{Description, Recorded};
use crate::recording::dir::RecordingDir;
use crate::recording::kept::Kept;
use crate::recording::restart::{Holds, Restart};
use crate::recording::upkeep::{Tended, Upkeep};
use crate::replay::bars::Told;
use crate::replay::hashes::Hashes;
use crate::replay::outputs::{OutputSink, OutputSummary};
use crate::retention::{self, Keep, Logs, PruneLock};

pub(crate) use crate::recording::restored::restore_description;

/// The only feed of a session so far.
pub(crate) const FEED: u16 = 0;

/// A session being recorded. Dropped before [`Recording::keep`], a new one leaves nothing; between that
/// and [`Closed::end`], what a kill leaves.
pub(crate) struct Recording {
    journal: Written,
    /// What must come again, where the session goes on.
    kept: Option<Kept>,
    /// What it goes on from.
    restart: Restart,
    /// What the output log has told of bars by then, by size in ns.
    bars_told: BTreeMap<i64, Told>,
    /// Until it is taken.
    outputs: Option<Outputs>,
    /// Before the directory, in which it works.
    archive: Archive,
    /// After the journal: it is gone when the directory is tidied up.
    dir: RecordingDir,
    description: Description,
    /// The session's directory in memory.
    memory: Option<PathBuf>,
    /// Looks after room and retention, from when the run has started.
    upkeep: Option<Upkeep>,
    /// What was found where the session goes on, for people.
    found: Vec<String>,
    /// Of a session that goes on: what its logs hold is compared with what comes, so none of it goes
    /// meanwhile.
    prune_lock: Option<PruneLock>,
}

/// A session's journal.
enum Written {
    /// It is written.
    Open(Box<Journal>),
    /// It could not be made, for this reason, and the session goes on without.
    Never(String),
    /// It ended in order before its writer died.
    Ended(ClosedLog),
}

/// A session's output log.
pub(crate) enum Outputs {
    /// It is written.
    Open(Box<OutputLog>),
    /// It ended in order before its writer died: every output stands in it.
    Ended,
    /// It could not be made, for this reason, and the session goes on without.
    Never(String),
}

/// A session whose journal is closed: nothing more is accepted.
pub(crate) struct Closed {
    ended: Result<JournalEnd, ClosedWithout>,
    statistics: LogStatistics,
    tails: Option<LogTails>,
    kept: Option<Kept>,
    archive: Archive,
    dir: RecordingDir,
    description: Description,
    memory: Option<PathBuf>,
}

/// What became of what was handed to a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is journaled, or was before.
    Yes,
    /// It was journaled before, and the state that the session goes on from has it.
    Before,
    /// The session had ended in order before it: it belongs to no session.
    Ended,
}

/// Why a journal has no end.
enum ClosedWithout {
    /// The run stopped before its input did: it is to be gone on with.
    Stopped,
    Failed(JournalError),
    Never(String),
    /// Not all that it holds has come again: it stays as it was, to be gone on with.
    Left,
}

/// What a recording came to.
#[derive(Clone, Debug)]
pub(crate) struct RecordingEnd {
    /// Why a log does not hold everything, where one does not.
    pub(crate) incomplete: Option<String>,
    /// Why segments stay as they were written, where they do.
    pub(crate) not_archived: Option<String>,
    /// For `summary.json`.
    pub(crate) json: Value,
}

impl Recording {
    /// Makes the session in `path`; over what a process left that died while it did, if `takes_up`.
    pub(crate) fn begin(
        path: &Path,
        description: Description,
        takes_up: bool,
    ) -> Result<Recording, Failure> {
        let key = archive_key::named_in(&description.config)?;
        let mut dir = match takes_up {
            false => RecordingDir::create(path)?,
            true => RecordingDir::create_over(path)?,
        };
        let config = &description.config;
        let memory = places::memory(config, description.id);
        dir.tell_writer(memory.as_deref())?;
        let text = description.text(Recorded::Recording, 0);
        let archive = Archive::new(config, key, &dir);
        let options = places::of_journal(config, memory.as_deref(), archive.journal());
        let goes_on = goes_on_unjournaled(config);
        let journal = match Journal::create(options, description.id, &text) {
            Ok(journal) => Written::Open(Box::new(journal)),
            // As if it had failed at the first record.
            Err(error @ JournalError::Create(CreateError::Failed(_))) if goes_on => {
                Written::Never(error.to_string())
            }
            Err(error) => return Err(cannot_make(&error)),
        };
        let options = places::of_output(config, memory.as_deref(), archive.output());
        let acceptance = acceptance(&journal, config);
        let outputs = match OutputLog::create(options, description.id, acceptance) {
            Ok(outputs) => Outputs::Open(Box::new(outputs)),
            Err(error) if goes_on => Outputs::Never(error.to_string()),
            Err(error) => return Err(cannot_make_outputs(&error)),
        };
        dir.describe(&text)?;
        let archive = archive.started();
        let (kept, outputs, upkeep, prune_lock) = (None, Some(outputs), None, None);
        let restart = Restart { snapshot: None, warnings: Vec::new() };
        let bars_told = BTreeMap::new();
        let found = Vec::new();
        Ok(Recording {
            journal,
            kept,
            restart,
            bars_told,
            outputs,
            archive,
            dir,
            description,
            memory,
            upkeep,
            found,
            prune_lock,
        })
    }

    /// Takes up the session in `path`, described as it is, whose writer is gone: from its newest
    /// snapshot if `from_snapshot`, else from its start.
    pub(crate) fn take_up(
        path: &Path,
        description: Description,
        from_snapshot: bool,
    ) -> Result<Recording, Failure> {
        let config = &description.config;
        let key = archive_key::named_in(config)?;
        let mut dir = RecordingDir::take_up(path)?;
        let prune_lock = Some(PruneLock::take(path)?);
        let mut noted: Vec<String> = dir.writer_before().map(taken_over).into_iter().collect();
        let memory = places::memory(config, description.id);
        let memory_gone = dir::memory_told(path).filter(|told| !told.exists());
        dir.tell_writer(memory.as_deref())?;
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
        let (journal, frames) = if found.condition == Condition::Finished {
            let closed = reopen::finish(&options.of_log(description.id));
            (Written::Ended(closed.map_err(|error| damaged(&error))?), found.frames)
        } else {
            let (journal, reopened) = Journal::reopen(options, description.id, &text)
                .map_err(|error| cannot_make(&error))?;
            noted.extend(recovered("journal", &reopened.log, config));
            noted.extend(memory_gone.as_deref().map(without_memory));
            (Written::Open(Box::new(journal)), reopened.log.frames)
        };
        // The first record is the session's description.
        let records = frames.saturating_sub(1);
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
        let kept = (records > 0)
            .then(|| Kept::new(directories, FEED, records, head.as_ref()))
            .transpose()?;
        let told = head.map_or(0, |head| head.outputs);
        let bars_told = restart::bars_told(output_directories, told);
        let bars_told = bars_told.map_err(|error| damaged(&error))?;
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
            outputs,
            archive,
            dir,
            description,
            memory,
            upkeep,
            found: noted,
            prune_lock,
        })
    }

    /// What was found where the session goes on: a line each.
    pub(crate) fn found(&self) -> &[String] {
        &self.found
    }

    /// The directory.
    pub(crate) fn dir(&self) -> &RecordingDir {
        &self.dir
    }

    /// The session's id.
    pub(crate) fn id(&self) -> SessionId {
        self.description.id
    }

    /// Where segments are appended to.
    pub(crate) fn written_in(&self) -> PathBuf {
        self.memory.as_ref().map_or_else(|| self.dir.journal(), |memory| memory.join("journal"))
    }

    /// Where the output log's segments lie.
    pub(crate) fn output_directories(&self) -> LogDirectories<Directory> {
        let (config, memory) = (&self.description.config, self.memory.as_deref());
        LogDirectories::of(&places::of_output(config, memory, self.archive.output()).place)
    }

    /// Where the journal's segments lie.
    pub(crate) fn journal_directories(&self) -> LogDirectories<Directory> {
        let (config, memory) = (&self.description.config, self.memory.as_deref());
        LogDirectories::of(&places::of_journal(config, memory, self.archive.journal()).place)
    }

    /// How far the journal is; `None` where it is not written.
    pub(crate) fn journal_tails(&self) -> Option<LogTails> {
        match &self.journal {
            Written::Open(journal) => Some(journal.tails().clone()),
            Written::Never(_) | Written::Ended(_) => None,
        }
    }

    /// Whether there is a journal to follow.
    pub(crate) fn is_journaled(&self) -> bool {
        !matches!(self.journal, Written::Never(_))
    }

    /// Where snapshots lie.
    pub(crate) fn shelf(&self) -> Shelf<Directory> {
        self.archive.shelf(self.dir.path())
    }

    /// Removes the snapshots of a session that is computed from its start once more.
    pub(crate) fn remove_snapshots(&self) {
        // One that stays is of the same session, and only costs room.
        let _ = self.shelf().cut(0);
    }

    /// What the session goes on from; `None`: from its start.
    pub(crate) fn restart(&self) -> Option<Arc<Snapshot<File>>> {
        self.restart.snapshot.clone()
    }

    /// What the output log has told of bars before the state that the session goes on from; once.
    pub(crate) fn take_bars_told(&mut self) -> BTreeMap<i64, Told> {
        std::mem::take(&mut self.bars_told)
    }

    /// What could not be gone on from, and why; once.
    pub(crate) fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.restart.warnings)
    }

    /// Whether all that the journal holds has come again.
    #[inline]
    pub(crate) fn has_all_again(&self) -> bool {
        self.kept.as_ref().is_none_or(|kept| kept.left() == 0)
    }

    /// The output log, once.
    pub(crate) fn take_outputs(&mut self) -> Option<Outputs> {
        self.outputs.take()
    }

    /// The run has started: what comes is kept, however it ends.
    pub(crate) fn keep(&mut self) {
        self.dir.keep();
    }

    /// Starts the thread that warns of a disk with little room and prunes what is not to be kept, as
    /// configured. It ends with the recording.
    pub(crate) fn tend(&mut self, console: Console) {
        let (config, memory) = (&self.description.config, self.memory.as_deref());
        let Written::Open(journal) = &self.journal else { return };
        let place = places::of_journal(config, memory, self.archive.journal()).place;
        let retention = &config.retention;
        let age = u64::try_from(retention.keep.0).ok().filter(|age_ns| *age_ns > 0);
        self.upkeep = Upkeep::start(Tended {
            logs: Logs {
                path: self.dir.path().to_owned(),
                journal: LogDirectories::of(&place),
                output: self.output_directories(),
            },
            session: self.description.id,
            keep: match self.prune_lock {
                Some(_) => Keep::default(),
                None => Keep {
                    age: age.map(Duration::from_nanos),
                    bytes: Some(retention.keep_bytes).filter(|bytes| *bytes > 0),
                },
            },
            low_disk_bytes: config.journal.low_disk_bytes,
            tails: journal.tails().clone(),
            console,
        });
    }

    /// How far the session is accepted.
    pub(crate) fn acceptance(&self) -> Acceptance {
        acceptance(&self.journal, &self.description.config)
    }

    /// Journals a packet, before the engine sees it.
    #[inline]
    pub(crate) fn packet(&mut self, packet: &Packet<'_>) -> Result<Taken, Failure> {
        if let Some(kept) = self.kept.as_mut().filter(|kept| kept.left() > 0) {
            return kept.packet(packet);
        }
        match &mut self.journal {
            Written::Open(journal) => {
                journal.append_packet(packet, FEED).map_err(|error| failed(&error))?;
            }
            Written::Never(_) => {}
            Written::Ended(_) => return Ok(Taken::Ended),
        }
        Ok(Taken::Yes)
    }

    /// Journals a range that was given up.
    pub(crate) fn gap(
        &mut self,
        first: Sequence,
        end: Sequence,
        time: Nanos,
    ) -> Result<Taken, Failure> {
        if let Some(kept) = self.kept.as_mut().filter(|kept| kept.left() > 0) {
            return kept.gap(first, end);
        }
        match &mut self.journal {
            Written::Open(journal) => {
                journal.append_gap(first, end, time, FEED).map_err(|error| failed(&error))?;
            }
            Written::Never(_) => {}
            Written::Ended(_) => return Ok(Taken::Ended),
        }
        Ok(Taken::Yes)
    }

    /// Ends the session in order, of which nothing was put out but what the output log has by now.
    pub(crate) fn end(mut self, over_capacity: u64) -> Result<RecordingEnd, Failure> {
        let outputs = self.take_outputs();
        let closed = self.close(true);
        let goes_on = closed.goes_on_unjournaled();
        let outputs = OutputSink::into_log(outputs, goes_on).finish(true)?;
        closed.end(true, over_capacity, &outputs)
    }

    /// Nothing more comes. With `ends` the journal gets its end; without, it is left as a kill leaves
    /// it, for a run that goes on.
    pub(crate) fn close(self, ends: bool) -> Closed {
        let Recording { journal, kept, archive, dir, description, memory, upkeep, .. } = self;
        drop(upkeep);
        let is_left = kept.as_ref().is_some_and(|kept| kept.left() > 0);
        let (ended, statistics, tails) = match journal {
            _ if is_left => (Err(ClosedWithout::Left), LogStatistics::default(), None),
            Written::Open(journal) => {
                let (statistics, tails) = (journal.statistics(), journal.tails().clone());
                let ended = match ends {
                    true => journal.close().map_err(ClosedWithout::Failed),
                    false => {
                        drop(journal);
                        Err(ClosedWithout::Stopped)
                    }
                };
                (ended, statistics, Some(tails))
            }
            Written::Never(why) => (Err(ClosedWithout::Never(why)), LogStatistics::default(), None),
            Written::Ended(closed) => {
                (Ok(JournalEnd::Complete(closed)), LogStatistics::default(), None)
            }
        };
        Closed { ended, statistics, tails, kept, archive, dir, description, memory }
    }
}

impl Closed {
    fn goes_on_unjournaled(&self) -> bool {
        goes_on_unjournaled(&self.description.config)
    }

    /// Whether the session's logs hold all that came; `outputs` is what the output log came to.
    pub(crate) fn holds_all(&self, outputs: &OutputSummary) -> bool {
        matches!(self.ended, Ok(JournalEnd::Complete(_)) | Err(ClosedWithout::Stopped))
            && outputs.incomplete.is_none()
    }

    /// Whether the journal failed where that ends the run, or the input was another one.
    pub(crate) fn is_refused(&self) -> bool {
        matches!(self.ended, Err(ClosedWithout::Failed(_) | ClosedWithout::Left))
    }

    /// Ends the session: `session.toml` says how it came out. `whole` is whether the engine has taken
    /// all that was journaled and its digests are written; `over_capacity` is how often it met a limit; `outputs` is what the output
    /// log came to.
    ///
    /// Where a log has no end, `lock` stays if the session's memory does: it says where the last of what
    /// was accepted lies.
    pub(crate) fn end(
        self,
        whole: bool,
        over_capacity: u64,
        outputs: &OutputSummary,
    ) -> Result<RecordingEnd, Failure> {
        let Closed { ended, statistics, tails, kept, archive, dir, description, memory } = self;
        // Also where the journal has failed: memory that is on disk altogether is of no use any more.
        let is_left = matches!(ended, Err(ClosedWithout::Left));
        let is_archived =
            !is_left && tails.is_none_or(|tails| tails.archived() == tails.appended());
        let is_gone = memory.is_none_or(|memory| {
            if is_archived && !outputs.is_open {
                // Told by its being there.
                let _ = fs::remove_dir_all(&memory);
            }
            !memory.exists()
        });
        let (incomplete, seal) = match ended {
            Ok(JournalEnd::Complete(closed)) => (None, Some(closed)),
            Ok(JournalEnd::Incomplete(error)) => (Some(format!("cannot journal: {error}")), None),
            Err(ClosedWithout::Failed(error)) => return Err(failed(&error)),
            Err(ClosedWithout::Left) => return Err(left(kept.map_or(0, |kept| kept.left()))),
            Err(ClosedWithout::Never(why)) => (Some(why), None),
            Err(ClosedWithout::Stopped) => (None, None),
        };
        let incomplete = incomplete.or_else(|| outputs.incomplete.clone());
        let state = match &incomplete {
            None if whole && seal.is_some() && outputs.is_ended => Recorded::Complete,
            _ => Recorded::Incomplete,
        };
        // A process that dies over it leaves a session that is not complete yet: it is taken up again.
        let archived = archive.end(seal.is_some());
        dir.describe(&description.text(state, over_capacity))?;
        let mut json =
            json_of(&description, &statistics, seal.map(|closed| closed.seal.to_string()));
        json["archive"] = archived.json;
        if is_gone {
            dir.end()?;
        }
        Ok(RecordingEnd { incomplete, not_archived: archived.failure, json })
    }
}

/// How the two logs of a session in `path` are written, by name.
pub(crate) fn log_options(
    path: &Path,
    config: &Config,
    id: SessionId,
) -> Result<[(&'static str, LogOptions<Directory>); 2], Failure> {
    let (memory, key) = (places::memory(config, id), archive_key::named_in(config)?);
    let memory = memory.as_deref();
    let directory = |log| Directory::new(path.join(log)).with_key(key.clone());
    Ok([
        ("journal", places::of_journal(config, memory, directory("journal")).of_log(id)),
        ("output log", places::of_output(config, memory, directory("output")).of_log(id)),
    ])
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

/// Whether a session goes on without a log that fails.
pub(crate) fn goes_on_unjournaled(config: &Config) -> bool {
    config.journal.on_error == config::OnError::ContinueUnjournaled
}

/// What of a session counts as accepted.
fn acceptance(journal: &Written, config: &Config) -> Acceptance {
    match journal {
        Written::Open(journal) => match config.output.release {
            config::Release::Appended => Acceptance::appended(journal),
            // The configuration was checked: a journal that is never synced is not waited for.
            config::Release::Synced => {
                Acceptance::synced(journal).unwrap_or_else(|_| Acceptance::appended(journal))
            }
        },
        // Where it could not be made, the session goes on as if it had failed at the first record; where
        // it has ended, it holds all.
        Written::Never(_) | Written::Ended(_) => Acceptance::unjournaled(),
    }
}

fn left(packets: u64) -> Failure {
    Failure::usage(format_args!(
        "the input is not the one that the session was recorded from: it ends {packets} packet(s) before the journal does; give that input, whole"
    ))
}

fn cannot_make_outputs(error: &OutputOpenError) -> Failure {
    Failure::no(format_args!(
        "{error}; make room, or set output.segment_bytes or journal.memory_dir"
    ))
}

fn json_of(description: &Description, statistics: &LogStatistics, seal: Option<String>) -> Value {
    let journal = &description.config.journal;
    json!({
        "id": description.id.to_string(),
        "place": journal.place.name(),
        "append": journal.append.name(),
        "sync": journal.sync.name(),
        "frames": statistics.frames,
        "bytes": statistics.bytes,
        "rolls": statistics.rolls,
        "waits": statistics.waits,
        "waited_ns": statistics.waited_ns,
        "seal": seal,
    })
}

/// A fresh id, from the system's random numbers.
pub(crate) fn new_id() -> Result<SessionId, Failure> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        Failure::no(format_args!(
            "the system gives no random numbers for a session's id: {error}; run where /dev/urandom can be read"
        ))
    })?;
    Ok(SessionId(bytes))
}

fn cannot_make(error: &JournalError) -> Failure {
    let (status, advice) = match error {
        JournalError::Create(CreateError::Pin(_)) => {
            (Status::Usage, "name another in threads.journal_core, `tapewatch doctor` shows them")
        }
        JournalError::Create(CreateError::Directory { .. } | CreateError::Exists { .. }) => {
            (Status::Usage, "name another with --session, or in journal.memory_dir")
        }
        JournalError::Create(CreateError::Option { .. } | CreateError::Ring(_)) => {
            (Status::Usage, "see `tapewatch config print`")
        }
        JournalError::Create(CreateError::Thread { .. }) => {
            (Status::No, "raise the limit on processes")
        }
        JournalError::Reopen(_) => (
            Status::No,
            "`tapewatch journal verify` tells more, `tapewatch journal repair` cuts it there",
        ),
        JournalError::Create(CreateError::Failed(_)) | JournalError::Append(_) => (
            Status::No,
            "make room, or set journal.segment_bytes, journal.memory_bytes_max or journal.memory_dir",
        ),
    };
    Failure::new(status, format_args!("{error}; {advice}"))
}

fn failed(error: &JournalError) -> Failure {
    Failure::no(format_args!(
        "{error}; what was accepted before is journaled and processed; make room and record again, or set journal.on_error=continue-unjournaled"
    ))
}
