//! Records a session: its directory, its journal, its output log, its hashes.
//!
//! Whoever drives the engine hands every packet here before the engine sees it. What the journal does
//! when it fails is configuration: the run ends, or goes on and the session is marked incomplete. The
//! output log is given to whoever hears the market. A session whose writer died is taken up: what its
//! journal holds must come again ([`kept`]), and what its output log holds is not put out twice.

mod archive;
mod closed;
pub(crate) mod description;
pub(crate) mod dir;
pub(crate) mod follower;
mod kept;
mod places;
mod restart;
mod restored;
mod taken_up;
mod upkeep;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use engine::journal::source::JournalSource;
use engine::journal::stand::FeedStands;
use engine::journal::writer::{Journal, JournalEnd, JournalError};
use engine::log::directories::{CURSORS_DIRECTORY, LogDirectories};
use engine::log::failure::CreateError;
use engine::log::options::LogOptions;
use engine::log::storage::Directory;
use engine::log::tails::{LogStatistics, LogTails};
use engine::log::{ClosedLog, SessionId};
use engine::output::release::Acceptance;
use engine::output::writer::{OutputLog, OutputOpenError};
use engine::packet::{Packet, SnapshotItem};
use engine::ring::RingGauge;
use engine::snapshot::{Shelf, Snapshot};
use engine::units::{FeedId, Nanos, Sequence};

use crate::archive_key;
use crate::board::Kept as KeptOnBoard;
use crate::cold_thread::{self, Lasting};
use crate::config::{self, Config};
use crate::console::Console;
use crate::exit::{Failure, Status};
use crate::output::alerts::Alerts;
use crate::recording::archive::Archive;
use crate::recording::closed::ClosedWithout;
use crate::recording::description::{Description, Recorded};
use crate::recording::dir::RecordingDir;
use crate::recording::follower::Reach;
use crate::recording::kept::Kept;
use crate::recording::restart::Restart;
use crate::recording::upkeep::Tended;
use crate::replay::bars::Told;
use crate::replay::outputs::OutputSink;
use crate::retention::{Keep, Logs, PruneLock};

pub(crate) use crate::recording::closed::{Closed, RecordingEnd};
pub(crate) use crate::recording::restored::restore_description;

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
    /// The alerts that it has told by then.
    alerts_told: Alerts,
    /// Until it is taken.
    outputs: Option<Outputs>,
    /// Before the directory, in which it works.
    archive: Archive,
    /// After the journal: it is gone when the directory is tidied up.
    dir: RecordingDir,
    description: Description,
    /// The session's directory in memory.
    memory: Option<PathBuf>,
    /// Where the run's board is to be, if it has one.
    board: Option<PathBuf>,
    /// Looks after room and retention, from when the run has started.
    upkeep: Option<Lasting>,
    /// What was found where the session goes on, for people.
    found: Vec<String>,
    /// Of a session that goes on: what its logs hold is compared with what comes, so none of it goes
    /// meanwhile.
    prune_lock: Option<PruneLock>,
    /// What its own journal holds, where that is what it begins with; until it is taken.
    own: Option<OwnJournal>,
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

/// How what the journal of a session holds comes again when the session goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    /// The input is read from its start, and held against the journal.
    FromInput,
    /// From the journal itself: a live feed does not come twice.
    FromJournal,
}

/// The journal of a session that goes on, to be read first.
pub(crate) struct OwnJournal {
    /// Behind the state that the session goes on from.
    pub(crate) journal: JournalSource<Directory>,
    /// Where each feed stands behind its last record.
    pub(crate) stands: FeedStands,
    /// What was changed meanwhile, in order: the texts of its records.
    pub(crate) parameters: Vec<String>,
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
        let board = places::board(config, description.id);
        dir.tell_writer(memory.as_deref(), board.as_deref())?;
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
            alerts_told: Alerts::default(),
            outputs,
            archive,
            dir,
            description,
            memory,
            board,
            upkeep,
            found,
            prune_lock,
            own: None,
        })
    }

    /// What its own journal holds, where the session goes on with that; once.
    pub(crate) fn take_own_journal(&mut self) -> Option<OwnJournal> {
        self.own.take()
    }

    /// Nothing that comes is held against the journal any more: its front may be pruned.
    pub(crate) fn release_front(&mut self) {
        self.prune_lock = None;
    }

    /// Whether the session had ended in order before its writer died: nothing more belongs to it.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.journal, Written::Ended(_))
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

    /// Where the run's board is to be, if it has one.
    pub(crate) fn board(&self) -> Option<&Path> {
        self.board.as_deref()
    }

    /// How far the output log is; `None` where it is not written, or was taken.
    pub(crate) fn output_tails(&self) -> Option<LogTails> {
        match &self.outputs {
            Some(Outputs::Open(outputs)) => Some(outputs.tails().clone()),
            Some(Outputs::Ended | Outputs::Never(_)) | None => None,
        }
    }

    /// What a board shows of it besides what the engine counts.
    pub(crate) fn kept(
        &self,
        output: Option<LogTails>,
        follower: Option<Arc<Reach>>,
        rings: Vec<(String, RingGauge)>,
    ) -> KeptOnBoard {
        let config = &self.description.config;
        KeptOnBoard {
            session: self.id(),
            journal: self.journal_tails(),
            output,
            journal_segment_bytes: config.journal.segment_bytes,
            output_segment_bytes: config.output.segment_bytes,
            cursors: self.dir.output().join(CURSORS_DIRECTORY),
            follower,
            rings,
        }
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

    /// The alerts that were told before what the run goes on from, once.
    pub(crate) fn take_alerts_told(&mut self) -> Alerts {
        std::mem::take(&mut self.alerts_told)
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
        let retention = self.description.config.retention.clone();
        let low_disk_bytes = self.description.config.journal.low_disk_bytes;
        self.tend_as(&retention, low_disk_bytes, console);
    }

    /// As [`Recording::tend`], from now on by another configuration.
    pub(crate) fn tend_as(
        &mut self,
        retention: &config::Retention,
        low_disk_bytes: u64,
        console: Console,
    ) {
        if let Some(before) = self.upkeep.take() {
            // It may be busy with a segment, and whoever asks has packets to take. What both do to
            // what is kept is done under a lock.
            let _ = cold_thread::spawn("upkeep-ends", move || drop(before));
        }
        let (config, memory) = (&self.description.config, self.memory.as_deref());
        let Written::Open(journal) = &self.journal else { return };
        let place = places::of_journal(config, memory, self.archive.journal()).place;
        let age = u64::try_from(retention.keep.0).ok().filter(|age_ns| *age_ns > 0);
        self.upkeep = upkeep::start(Tended {
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
            low_disk_bytes,
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
                journal.append_packet(packet).map_err(|error| failed(&error))?;
            }
            Written::Never(_) => {}
            Written::Ended(_) => return Ok(Taken::Ended),
        }
        Ok(Taken::Yes)
    }

    /// Journals a range that was given up.
    pub(crate) fn gap(
        &mut self,
        feed: FeedId,
        first: Sequence,
        end: Sequence,
        time: Nanos,
    ) -> Result<Taken, Failure> {
        if let Some(kept) = self.kept.as_mut().filter(|kept| kept.left() > 0) {
            return kept.gap(feed, first, end);
        }
        match &mut self.journal {
            Written::Open(journal) => {
                journal.append_gap(feed, first, end, time).map_err(|error| failed(&error))?;
            }
            Written::Never(_) => {}
            Written::Ended(_) => return Ok(Taken::Ended),
        }
        Ok(Taken::Yes)
    }

    /// Journals a piece of a snapshot, before the engine sees it.
    pub(crate) fn snapshot_item(&mut self, item: &SnapshotItem<'_>) -> Result<Taken, Failure> {
        if let Some(kept) = self.kept.as_mut().filter(|kept| kept.left() > 0) {
            return kept.snapshot_item(item);
        }
        self.append(|journal| journal.append_snapshot_item(item))
    }

    /// Journals that nothing came of a feed after the message `last`, and that it is `time`.
    pub(crate) fn tick(
        &mut self,
        feed: FeedId,
        last: Sequence,
        time: Nanos,
    ) -> Result<Taken, Failure> {
        self.append(|journal| journal.append_tick(feed, last, time))
    }

    /// Journals a changed configuration, which holds from the message `next` of a feed on.
    pub(crate) fn parameters(
        &mut self,
        feed: FeedId,
        next: Sequence,
        time: Nanos,
        text: &str,
    ) -> Result<Taken, Failure> {
        self.append(|journal| journal.append_parameters(feed, next, time, text))
    }

    /// Appends what only a live feed brings.
    fn append(
        &mut self,
        append: impl FnOnce(&mut Journal) -> Result<(), JournalError>,
    ) -> Result<Taken, Failure> {
        match &mut self.journal {
            Written::Open(journal) => append(journal).map_err(|error| failed(&error))?,
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
        let Recording { journal, kept, archive, dir, description, memory, board, upkeep, .. } =
            self;
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
        Closed { ended, statistics, tails, kept, archive, dir, description, memory, board }
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

fn cannot_make_outputs(error: &OutputOpenError) -> Failure {
    Failure::no(format_args!(
        "{error}; make room, or set output.segment_bytes or journal.memory_dir"
    ))
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
