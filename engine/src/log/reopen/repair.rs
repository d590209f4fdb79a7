//! A damaged log, made one that can be read and gone on with, because that was asked for.
//!
//! Where the decision table refuses, the log is cut behind the last whole frame; where another copy of
//! a segment is good, that is used instead. Seals and indexes that are not those of their segments are
//! made anew, and so is the durable mark. Nothing is appended: a `Roll` ends what was cut, and a writer
//! may go on behind it.
//!
//! An archived segment whose file is damaged is put back as a plain one, as far as it can be read.
//!
//! What was there is for the caller to keep: [`Plan::changed`] says which files are going to change,
//! and the caller copies them into a directory called by [`put_aside_name`] before [`repair`]. **Killed
//! here**: as in [`reopen`](crate::log::reopen), it is done again.

use std::collections::BTreeSet;
use std::io;

use crate::log::SegmentNumber;
use crate::log::archive::segment_file::SegmentForm;
use crate::log::directories::{
    INDEX_BYTES_MAX, LogDirectories, Medium, io_error, path_of, read_whole,
};
use crate::log::failure::Act;
use crate::log::mark::{MARK_NAME, MarkKeeper};
use crate::log::options::{LogOptions, SyncLevel};
use crate::log::position::Position;
use crate::log::reopen::settle::{Segment, Settling, open, open_front_of, open_sealed};
use crate::log::reopen::survey::{Refusal, Survey, Tail, segments};
use crate::log::reopen::{ReopenError, failure};
use crate::log::seal::{SEAL_BYTES, Seal, SealBlock, Sealer};
use crate::log::segment::{index_name, segment_name};
use crate::log::storage::{Storage, StoredFile};
use crate::log::verify::Fault;
use crate::units::Sequence;

/// How the directories are called in which a repair leaves what was damaged; a number follows.
const PUT_ASIDE: &str = "damaged-";

/// Bytes hashed at a time.
const CHUNK_BYTES: usize = 256 << 10;

/// The directory, beside the segments, for what the `nth` repair of a log found, from 1.
#[must_use]
pub fn put_aside_name(nth: u32) -> String {
    format!("{PUT_ASIDE}{nth}")
}

/// Whether a directory beside segments is one that a repair has left.
#[must_use]
pub fn is_put_aside(name: &str) -> bool {
    let number = name.strip_prefix(PUT_ASIDE).map(|rest| rest.trim_end_matches(".part"));
    number.is_some_and(|number| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// What is wrong with a log, and what a repair would come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// What cannot stay, the first of it; `None`: there is nothing to repair.
    pub fault: Option<Fault>,
    /// Whether frames are dropped.
    pub is_cut: bool,
    /// Whole frames that stay, those that end segments aside.
    pub frames: u64,
    /// Sequence of the last of them; 0 if there is none.
    pub last_sequence: Sequence,
    /// Bytes behind the last one, up to the last that is not zero.
    pub dropped_bytes: u64,
    /// Whole frames among them, as far as an archived segment can be read.
    pub dropped_frames: u64,
    /// The greatest sequence in those; 0 if there are none. Messages up to there are lost, and how many
    /// behind it nobody can tell.
    pub dropped_sequence: Sequence,
    /// Segments that get another seal than they have.
    pub sealed_anew: u64,
    /// Whether the log ended in order, and still does.
    pub is_ended: bool,
    /// Files that are changed or removed.
    pub changed: Vec<(Medium, String)>,
}

/// Says what is wrong with a log and what a repair would do. Changes nothing.
///
/// # Errors
/// What the system says; a segment is another session's or a newer program's, two copies are of
/// different making, or one is encrypted and its key is not there: that is not repaired.
pub fn plan<S: Storage + Clone>(options: &LogOptions<S>) -> Result<Plan, ReopenError> {
    let directories = LogDirectories::of(&options.place);
    let Some(Planned { plan, .. }) = Planned::of(&directories, options)? else {
        return Ok(Plan::default());
    };
    Ok(plan)
}

/// Does what [`plan`] says, and makes it durable.
///
/// # Errors
/// As [`plan`]; what the system says, and then it can be tried again.
pub fn repair<S: Storage + Clone>(options: &LogOptions<S>) -> Result<Plan, ReopenError> {
    let directories = LogDirectories::of(&options.place);
    let Some(Planned { survey, sealed_anew_from, plan }) = Planned::of(&directories, options)?
    else {
        return Ok(Plan::default());
    };
    if plan.fault.is_none() {
        return Ok(plan);
    }
    let durable = LogOptions { sync: SyncLevel::Batch, ..options.clone() };
    let mut settling = Settling::new(&durable, &survey);
    if let Some(from) = sealed_anew_from {
        settling.seal_anew_from(from);
    }
    settling.rebuild_indexes();
    settling.remove_unused(None)?;
    settling.settle_segments()?;
    let next = survey.next();
    let disk = options.place.directory();
    MarkKeeper::put(disk, options.session, options.boot, Position::new(next, 0))
        .map_err(failure(Act::Mark, next, disk))?;
    Ok(plan)
}

struct Planned {
    survey: Survey,
    sealed_anew_from: Option<SegmentNumber>,
    plan: Plan,
}

impl Planned {
    fn of<S: Storage + Clone>(
        directories: &LogDirectories<S>,
        options: &LogOptions<S>,
    ) -> Result<Option<Planned>, ReopenError> {
        let disk = options.place.directory();
        let Some(survey) = Survey::of(directories, options, Refusal::Cuts, |_| Ok(()))? else {
            return Ok(None);
        };
        let cut = survey.cut.as_ref();
        let end = cut.map_or(survey.next(), |cut| cut.segment);
        let checked = check_sealed(directories, options, &survey, end);
        let checked = checked.map_err(|source| io_error(&disk.describe(), source))?;
        let mut fault = survey.fault.clone();
        fault = fault.or_else(|| checked.fault.clone());
        let is_cut = survey.cut.is_some();
        let plan = Plan {
            is_cut,
            frames: survey.frames,
            last_sequence: survey.last_sequence,
            dropped_bytes: if is_cut { survey.torn_bytes } else { 0 },
            dropped_frames: survey.dropped_frames,
            dropped_sequence: survey.dropped_sequence,
            sealed_anew: checked.sealed_anew,
            is_ended: survey.tail == Tail::End,
            changed: match fault {
                Some(_) => changed(directories, &survey, &checked)?,
                None => Vec::new(),
            },
            fault,
        };
        Ok(Some(Planned { survey, sealed_anew_from: checked.from, plan }))
    }
}

/// What is wrong with seals and indexes.
#[derive(Default)]
struct Sealed {
    fault: Option<Fault>,
    /// The first segment whose seal is not its own.
    from: Option<SegmentNumber>,
    sealed_anew: u64,
    /// Indexes that are not those of their segments.
    indexes: BTreeSet<SegmentNumber>,
}

impl Sealed {
    /// A segment gets another seal.
    fn seal_anew<F: StoredFile>(
        &mut self,
        number: SegmentNumber,
        file: String,
        segment: &Segment<F>,
        what: &str,
    ) {
        self.from.get_or_insert(number);
        self.sealed_anew += 1;
        let (offset_bytes, what) = (segment.content_bytes, what.to_owned());
        self.fault.get_or_insert(Fault { file, offset_bytes, what });
    }
}

/// Checks the seals and indexes of segments before `end`.
fn check_sealed<S: Storage>(
    directories: &LogDirectories<S>,
    options: &LogOptions<S>,
    survey: &Survey,
    end: SegmentNumber,
) -> io::Result<Sealed> {
    let disk = options.place.directory();
    let mut found = Sealed::default();
    let mut previous = survey.seal_before;
    let mut unsealed = None;
    for number in (survey.first.0..end.0).map(SegmentNumber) {
        let sealed = match survey.damaged_archives.get(&number) {
            Some(&form) => open_front_of(directories, options, number, form)?
                .and_then(|(segment, seal)| Some((segment, seal?))),
            None => open_sealed(directories, options, number)?,
        };
        let Some((segment, block)) = sealed else {
            let Some(segment) = open(disk, number)?.map(Segment::walk).transpose()? else { break };
            if !segment.is_closed {
                // It lies in memory, or is the last one: it is sealed anyway.
                break;
            }
            let expected = seal_as_it_should_be(&segment, previous)?;
            previous = expected.seal();
            unsealed.get_or_insert(number);
            let is_last = survey.tail == Tail::End && number.next() == survey.next();
            let what = match may_be_unsealed(&segment, &expected)? {
                false => "what stands behind the frames is neither their seal nor a front of it",
                true if is_last => "the log has ended, and its last segment has no seal",
                true => continue,
            };
            found.seal_anew(number, path_of(disk, &segment_name(number)), &segment, what);
            continue;
        };
        let segment = segment.walk()?;
        let expected = seal_as_it_should_be(&segment, previous)?;
        let file = path_of(disk, &segment.file().form().name(number));
        if let Some(before) = unsealed.filter(|_| found.from.is_none()) {
            let what = "it is sealed, and a segment before it is not";
            found.seal_anew(before, file.clone(), &segment, what);
        }
        if block != expected || found.from.is_some() {
            let what = "the seal is not the one of what the segment holds";
            found.seal_anew(number, file, &segment, what);
        }
        previous = expected.seal();
        let index = read_whole(disk, &index_name(number), INDEX_BYTES_MAX);
        if index.as_ref().is_ok_and(|index| *index != segment.index.clone().finish().to_bytes()) {
            found.indexes.insert(number);
            found.fault.get_or_insert_with(|| Fault {
                file: path_of(disk, &index_name(number)),
                offset_bytes: 0,
                what: String::from("the index is not the one of its segment"),
            });
        }
    }
    Ok(found)
}

/// Whether what stands behind the frames of a segment without a seal is what a writer leaves that dies
/// before it is whole: zeros, or the front of the seal.
fn may_be_unsealed<F: StoredFile>(segment: &Segment<F>, expected: &SealBlock) -> io::Result<bool> {
    let mut found = [0; SEAL_BYTES];
    let filled = segment.file().read_at(&mut found, segment.content_bytes)?;
    let found = &found[..filled];
    let written = found.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    Ok(written < SEAL_BYTES && found[..written] == bytemuck::bytes_of(expected)[..written])
}

fn seal_as_it_should_be<F: StoredFile>(
    segment: &Segment<F>,
    previous: Seal,
) -> io::Result<SealBlock> {
    let mut sealer = Sealer::default();
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut at_bytes = 0;
    while at_bytes < segment.content_bytes {
        let bytes = segment.read(&mut buffer, at_bytes)?;
        sealer.content(bytes);
        at_bytes += bytes.len() as u64;
    }
    Ok(sealer.seal(segment.header().number(), segment.index.frames(), previous))
}

/// The files that a repair changes or removes.
fn changed<S: Storage>(
    directories: &LogDirectories<S>,
    survey: &Survey,
    sealed: &Sealed,
) -> Result<Vec<(Medium, String)>, ReopenError> {
    let cut = survey.cut.as_ref().map(|cut| cut.segment);
    let from = cut.into_iter().chain(sealed.from).min();
    let numbers = segments(directories)?;
    let mut changed = Vec::new();
    for (medium, name) in directories.names()? {
        let is_changed = numbers.iter().any(|number| {
            let is_of = from.is_some_and(|from| *number >= from)
                || survey.repaired.contains(number)
                || medium == Medium::Memory;
            SegmentForm::of_name(&name).is_some_and(|(segment, _)| segment == *number) && is_of
                || name == index_name(*number) && (is_of || sealed.indexes.contains(number))
        });
        if is_changed || name == MARK_NAME {
            changed.push((medium, name));
        }
    }
    changed.sort_by(|a, b| a.1.cmp(&b.1));
    Ok(changed)
}
