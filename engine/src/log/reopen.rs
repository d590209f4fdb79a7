//! A log whose writer died, made ready for another one to go on with.
//!
//! ```text
//!  what the dead writer left                           what the next one finds
//!  sealed │ closed │ frames, torn │ prepared, .new     sealed │ sealed │ frames, roll: sealed │
//!    0        1          2            3    4              0        1             2            └─ goes on in 3
//! ```
//! Read first, and decided segment by segment by the table in `table`: where that refuses nothing is
//! changed. What the durable mark ([`mark`](crate::log::mark)) says was on disk must be whole. Behind it
//! a stop of the machine may have taken any sector: then the log is cut at the first frame that is not
//! whole, whatever stands behind, and what was dropped is told. Then, in this
//! order: what no frame was written to is removed, or what is dropped; closed segments are carried from memory to disk,
//! sealed and indexed, oldest first; the last one, where it is open, is first ended behind its last
//! whole frame: what is torn becomes zeros, then a `Roll` stands there. Frames are never moved, so who
//! follows the log goes on following.
//!
//! **Killed here**: each step leaves what a writer or keeper might have left, and is done again by the
//! next attempt. **Full**: removing comes first and gives room; what then fails is told, and can be
//! tried again. **Another writer still at work**: is not noticed; the caller sees to that.
//!
//! **Incarnation.** A segment made anew differs in its epoch from any earlier one with its number, so
//! that a follower which has opened the earlier one sees it. The epochs of the last segments tell the
//! greatest incarnation so far (see [`incarnation_of`]); the next is one more. So that it is known
//! after any number of attempts that came to nothing, the first prepared segment is not removed from
//! disk: it stays until the new one takes its name.
//!
//! - `table`: what becomes of a segment; `seen`: what is seen of it
//! - `survey`: what is there; changes nothing. `look`: the same in little time
//! - `settle`: the steps
//! - [`repair`]: the same where the table refuses, and that was asked for; `front`: what it reads of a
//!   damaged archived segment

mod front;
mod look;
pub mod repair;
mod seen;
mod settle;
mod survey;
mod table;

use std::io;
use std::sync::Arc;

use crate::log::directories::LogDirectories;
use crate::log::error::LogError;
use crate::log::failure::{Act, CreateError, LogFailure};
use crate::log::frame::Frame;
use crate::log::keeper::{ClosedLog, Start};
use crate::log::options::LogOptions;
use crate::log::storage::Storage;
use crate::log::{LogKind, SegmentNumber};
use crate::units::Sequence;

use settle::Settling;
use survey::{Refusal, Survey, Tail};

#[cfg(doc)]
use crate::log::segment::incarnation_of;

/// What a log is, as far as going on with it is concerned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    /// There is none, or none with a whole frame: reopening begins it.
    #[default]
    Absent,
    /// Its writer is at work or died: reopening goes on behind the last whole frame.
    Torn,
    /// It ended in order: reopening is refused.
    Finished,
}

/// What was found, without a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Whether it can be gone on with.
    pub condition: Condition,
    /// Whole frames, those that end segments aside; those of pruned segments are counted.
    pub frames: u64,
    /// How many of them stood in segments that were pruned.
    pub pruned_frames: u64,
    /// Sequence of the last of them; 0 if there is none.
    pub last_sequence: Sequence,
    /// Bytes behind it that its writer did not finish.
    pub torn_bytes: u64,
}

/// What reopening has found and done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reopened {
    /// Whole frames that were kept, those that end segments aside; those of pruned segments are counted.
    pub frames: u64,
    /// How many of them stood in segments that were pruned.
    pub pruned_frames: u64,
    /// Sequence of the last of them; 0 if there is none.
    pub last_sequence: Sequence,
    /// Bytes behind the last whole frame that were given up: no append of them had returned, or the
    /// machine has stopped and they were not durable.
    pub torn_bytes: u64,
    /// Whole frames among them, behind something that a loss of power has taken.
    pub dropped_frames: u64,
    /// The greatest sequence in those; 0 if there are none.
    pub dropped_sequence: Sequence,
    /// Whether the machine has stopped since the log was written.
    pub restarted: bool,
    /// Segments that were carried from memory to disk.
    pub carried_segments: u64,
    /// Segments that were sealed.
    pub sealed_segments: u64,
    /// Indexes that were written.
    pub indexed_segments: u64,
    /// Files that were removed because no frame was written to them.
    pub removed_files: u64,
    /// Which of the processes that write this log one after the other this one is, from 0.
    pub incarnation: u32,
}

/// Why a log was not reopened.
#[derive(Debug, thiserror::Error)]
pub enum ReopenError {
    /// It ended in order. Nothing was changed.
    #[error("the log in {directory} ended in order, nothing can be appended")]
    Finished {
        /// Where.
        directory: String,
    },
    /// It did not end in order, and was to be settled as one that did. Nothing was changed.
    #[error("the log in {directory} has no end")]
    Unfinished {
        /// Where.
        directory: String,
    },
    /// It cannot be read. Nothing was changed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Whose log it is refuses a frame. Nothing was changed.
    #[error("{file} at byte {offset_bytes}: {what}")]
    Refused {
        /// The segment.
        file: String,
        /// Where in it.
        offset_bytes: u64,
        /// What is wrong with the frame.
        what: String,
    },
    /// What the dead writer left could not be settled. All accepted frames are as they were; another
    /// attempt goes on.
    #[error(transparent)]
    Settle(#[from] LogFailure),
    /// It was settled, and no writer begun.
    #[error(transparent)]
    Create(#[from] CreateError),
}

/// Looks at a log without changing it. Reads little more than its last segments.
///
/// # Errors
/// It cannot be read, or something stands there that no writer leaves; damage in sealed segments
/// before the last one is not looked for.
pub fn look<S: Storage + Clone>(
    directories: &LogDirectories<S>,
    kind: LogKind,
) -> Result<Found, LogError> {
    look::look(directories, kind)
}

/// What reopening would find and give up, without a change. Reads the whole log, which no one writes.
///
/// # Errors
/// As [`LogWriter::reopen`](crate::log::writer::LogWriter::reopen), where nothing would be changed.
pub fn examine<S: Storage + Clone>(options: &LogOptions<S>) -> Result<Reopened, ReopenError> {
    let directories = LogDirectories::of(&options.place);
    let survey = Survey::of(&directories, options, Refusal::Stands, |_| Ok(()))?;
    match survey {
        None => Ok(Reopened::default()),
        Some(survey) if survey.tail == Tail::End => {
            Err(ReopenError::Finished { directory: directories.describe() })
        }
        Some(survey) => Ok(survey.given_up()),
    }
}

/// Seals, carries to disk and indexes what is left to do of a log that ended in order, where its
/// writer was killed before all that was done. Where nothing is left nothing is changed.
///
/// # Errors
/// It did not end in order, is damaged, or what the system says; then it can be tried again.
pub fn finish<S: Storage + Clone>(options: &LogOptions<S>) -> Result<ClosedLog, ReopenError> {
    let directories = LogDirectories::of(&options.place);
    let survey = Survey::of(&directories, options, Refusal::Stands, |_| Ok(()))?;
    let Some(survey) = survey.filter(|survey| survey.tail == Tail::End) else {
        return Err(ReopenError::Unfinished { directory: directories.describe() });
    };
    let mut settling = Settling::new(options, &survey);
    settling.remove_unused(None)?;
    settling.settle_segments()?;
    settling.remove_memory()?;
    let segments = survey.next().0;
    Ok(ClosedLog { seal: settling.last_seal(), segments })
}

/// What a writer goes on from.
pub(super) struct Settled {
    pub(super) start: Start,
    pub(super) reopened: Reopened,
}

/// See the module. `see` is shown every frame before anything is changed. `None`: there is no segment.
pub(super) fn settle<S: Storage + Clone>(
    options: &LogOptions<S>,
    see: impl FnMut(&Frame<'_>) -> Result<(), String>,
) -> Result<Option<Settled>, ReopenError> {
    let directories = LogDirectories::of(&options.place);
    let Some(survey) = Survey::of(&directories, options, Refusal::Stands, see)? else {
        return Ok(None);
    };
    if survey.tail == Tail::End {
        return Err(ReopenError::Finished { directory: directories.describe() });
    }
    let next = survey.next();
    let mut settling = Settling::new(options, &survey);
    settling.remove_unused(Some(next))?;
    settling.settle_segments()?;
    let start = Start {
        next,
        last_seal: settling.last_seal(),
        last_sequence: survey.last_sequence,
        last_time: survey.last_time,
    };
    let Reopened { carried_segments, sealed_segments, indexed_segments, removed_files, .. } =
        settling.done();
    let reopened = Reopened {
        carried_segments,
        sealed_segments,
        indexed_segments,
        removed_files,
        ..survey.given_up()
    };
    Ok(Some(Settled { start, reopened }))
}

/// A step that failed.
fn failure<S: Storage>(
    act: Act,
    segment: SegmentNumber,
    directory: &S,
) -> impl FnOnce(io::Error) -> LogFailure {
    let directory = directory.describe();
    move |source| LogFailure { act, segment, directory, source: Arc::new(source) }
}

#[cfg(test)]
mod tests;
