//! Proves that a log is what its writer left: every byte of it, as far as checksums, seals and
//! indexes reach.
//!
//! In a log that ended in order no bit can change unseen. What a killed process leaves is never
//! called a fault: a torn frame at the end, segments prepared, closed and not yet cut, sealed or
//! indexed, files under the names that they have until they are whole. After a fault the check goes on
//! where it can. A log may be verified while it is written: what it was when the check began is
//! checked.
//!
//! - `listing`: which files there are
//! - `copy`: the frames of one file, and what stands behind them
//! - `order`: what the frames say, and in which order
//! - `sealed`: seals and their chain
//!
//! The work is bounded: a segment is read twice, a damaged one at most [`FAULTS_MAX`] times a
//! mebibyte more; of the log nothing stays in memory but the seals.

mod copy;
mod listing;
mod order;
mod sealed;

use std::collections::BTreeSet;

use crate::log::archive::damage::ContainerDamage;
use crate::log::archive::segment_file::{SegmentFile, SegmentForm};
use crate::log::directories::{
    INDEX_BYTES_MAX, LogDirectories, Medium, belongs, damaged, path_of, read_header, read_whole,
};
use crate::log::error::{Damage, LogError};
use crate::log::frame::{KIND_END, KIND_ROLL};
use crate::log::pruned::Pruned;
use crate::log::seal::Seal;
use crate::log::segment::index_name;
use crate::log::storage::Storage;
use crate::log::{LogKind, SegmentNumber, SessionId};
use crate::units::Sequence;

use copy::Walked;
use listing::Listed;
use order::Order;
use sealed::{Chain, Sealing};

/// Faults that a report holds; further ones are counted.
pub const FAULTS_MAX: usize = 1_000;

/// Ends of the names that files have until they are whole, or while their memory waits for another
/// use. A killed process may leave such files; nobody reads them.
pub const UNFINISHED_NAMES: [&str; 4] = [".new", ".prepared", ".recycle", ".archive"];

/// How often a segment that moves while it is checked is looked for.
const TRIES: u32 = 4;

/// Something that no writer leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file, or the directory where a file is missing.
    pub file: String,
    /// Where in it.
    pub offset_bytes: u64,
    /// What is wrong.
    pub what: String,
}

/// What a log was found to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Whose it is; `None` if no segment tells.
    pub session: Option<SessionId>,
    /// Whole frames, those that close segments included.
    pub frames: u64,
    /// Segments, prepared ones included.
    pub segments: u64,
    /// Segments with a seal that is theirs.
    pub sealed_segments: u64,
    /// The least sequence of a message; `None` if there is none.
    pub first_sequence: Option<Sequence>,
    /// The greatest sequence of a message.
    pub last_sequence: Option<Sequence>,
    /// The greatest sequence that messages, ranges given up and snapshots reach.
    pub reached: Option<Sequence>,
    /// Frames whose sequence starts anew, as they say: there are unsequenced messages.
    pub restarts: u64,
    /// Bytes behind the last whole frame that the writer did not finish.
    pub torn_bytes: u64,
    /// Whether an `End` frame ends the log.
    pub ended_orderly: bool,
    /// What was taken away from the front of the log.
    pub pruned: Option<Pruned>,
    /// The seal of every sealed segment, in order.
    pub seals: Vec<(SegmentNumber, Seal)>,
    /// The last segment that is sealed. Who has noted its seal knows that nothing up to its end was
    /// changed.
    pub last_seal: Option<(SegmentNumber, Seal)>,
    /// Files that were not finished when their writer died.
    pub unfinished_files: u64,
    /// What is wrong, in the order of the log; at most [`FAULTS_MAX`].
    pub faults: Vec<Fault>,
    /// Faults beyond those.
    pub faults_left_out: u64,
}

impl VerifyReport {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.faults.is_empty()
    }
}

/// Collects faults.
#[derive(Clone, Debug, Default)]
struct Faults {
    found: Vec<Fault>,
    left_out: u64,
}

impl Faults {
    fn add(&mut self, file: &str, offset_bytes: u64, what: impl ToString) {
        if self.found.len() < FAULTS_MAX {
            let (file, what) = (file.to_owned(), what.to_string());
            self.found.push(Fault { file, offset_bytes, what });
        } else {
            self.left_out += 1;
        }
    }

    /// A file that cannot be read: where its container is damaged, if it is in one that is.
    fn add_unreadable(&mut self, file: &str, offset_bytes: u64, error: &std::io::Error) {
        match ContainerDamage::within(error) {
            Some(damage) => self.add(file, damage.offset_bytes, damage.fault),
            None => self.add(file, offset_bytes, format_args!("it cannot be read: {error}")),
        }
    }

    fn add_all(&mut self, others: Faults) {
        let room = FAULTS_MAX - self.found.len();
        self.left_out += others.left_out + others.found.len().saturating_sub(room) as u64;
        self.found.extend(others.found.into_iter().take(room));
    }

    fn is_full(&self) -> bool {
        self.found.len() == FAULTS_MAX
    }
}

/// Verifies a log of `kind`.
///
/// # Errors
/// There is no log, its directory or none of its segments can be read, or a segment has a newer
/// version.
pub fn verify<S: Storage>(
    directories: &LogDirectories<S>,
    kind: LogKind,
) -> Result<VerifyReport, LogError> {
    let mut verifier = Verifier {
        directories,
        kind,
        session: None,
        faults: Faults::default(),
        order: Order::default(),
        chain: Chain::Start,
        is_continued: true,
        last_with_frames: None,
        last_sealed: None,
        open: None,
        ended: None,
        report: VerifyReport::default(),
    };
    verifier.run()?;
    let Verifier { session, faults, order, ended, mut report, .. } = verifier;
    report.session = session;
    (report.first_sequence, report.last_sequence) = order.sequences();
    report.reached = order.reached();
    report.restarts = order.restarts();
    report.ended_orderly = ended.is_some();
    (report.faults, report.faults_left_out) = (faults.found, faults.left_out);
    Ok(report)
}

/// The copies of a segment, walked.
struct Copies<F> {
    walked: Vec<Walked<SegmentFile<F>>>,
    /// Of copies that could not be walked.
    faults: Faults,
    /// Whether memory became another segment's meanwhile.
    has_moved: bool,
}

/// What was found of a segment.
struct Checked<F> {
    best: Walked<SegmentFile<F>>,
    sealing: Sealing,
    /// Of all copies.
    faults: Faults,
}

/// Where the frames of a segment ended, as faults name it.
struct End {
    file: String,
    offset_bytes: u64,
}

struct Verifier<'a, S> {
    directories: &'a LogDirectories<S>,
    kind: LogKind,
    session: Option<SessionId>,
    faults: Faults,
    order: Order,
    chain: Chain,
    /// Whether the log goes on behind the segment that was checked last, or has not begun.
    is_continued: bool,
    /// The last segment that had frames when the check began; those before it are closed.
    last_with_frames: Option<SegmentNumber>,
    /// The last segment that had a seal when the check began; those before it have one.
    last_sealed: Option<SegmentNumber>,
    /// A segment without a frame that closes it.
    open: Option<End>,
    /// The `End` frame.
    ended: Option<End>,
    report: VerifyReport,
}

impl<S: Storage> Verifier<'_, S> {
    fn run(&mut self) -> Result<(), LogError> {
        let pruned = self.pruned()?;
        let first = pruned.as_ref().map_or(SegmentNumber(0), |pruned| pruned.first_kept);
        let Listed { segments, indexes, unfinished } =
            listing::list(self.directories, self.kind, first, &mut self.faults)?;
        self.report.unfinished_files = unfinished;
        self.session = self.first_session(&segments)?;
        if let Some(pruned) = &pruned {
            self.begins_behind(pruned);
        }
        self.report.pruned = pruned;
        // From behind: the writer and its keeper go forwards.
        let mut from_behind = segments.iter().rev().copied();
        self.last_with_frames = from_behind.clone().find(|number| self.has_frames(*number));
        self.last_sealed = from_behind.find(|number| self.is_sealed(*number));
        let last_index = indexes.iter().next_back().copied();
        let mut expected = Some(first);
        for number in segments {
            if let Some(first) = expected.filter(|first| *first < number)
                && self.is_needed(number)
            {
                let last = SegmentNumber(number.0 - 1);
                let damage = Damage::Missing { first, last };
                self.faults.add(&self.directories.describe(), 0, damage);
                self.chain = Chain::Unknown;
                self.order.skip();
            }
            expected = number.0.checked_add(1).map(SegmentNumber);
            let is_listed = indexes.contains(&number);
            self.segment(number, is_listed, last_index.is_some_and(|last| last > number))?;
        }
        Ok(())
    }

    /// What was pruned. A record of it that is damaged is a fault, and then nothing was.
    fn pruned(&mut self) -> Result<Option<Pruned>, LogError> {
        match self.directories.pruned() {
            Err(LogError::Damaged { file, offset_bytes, damage }) => {
                self.faults.add(&file, offset_bytes, damage);
                Ok(None)
            }
            pruned => pruned,
        }
    }

    /// The log begins where what was pruned ended, and its chain of seals goes on from there.
    fn begins_behind(&mut self, pruned: &Pruned) {
        let own = self.session.unwrap_or(pruned.session);
        // It was read a moment ago: nothing else can be wrong.
        let of_log = self.directories.pruned_of(self.kind, own);
        if let Err(LogError::Damaged { file, offset_bytes, damage }) = of_log {
            self.faults.add(&file, offset_bytes, damage);
        }
        self.chain = Chain::Sealed(pruned.seal);
        self.order.skip();
    }

    /// The session of the first segment that can be read. Other segments are held to it.
    fn first_session(
        &self,
        segments: &BTreeSet<SegmentNumber>,
    ) -> Result<Option<SessionId>, LogError> {
        let (mut failure, mut is_damaged) = (None, false);
        for number in segments {
            match self.directories.copies(*number, self.kind, None) {
                Ok(copies) => {
                    if let Some(copy) = copies.first() {
                        return Ok(Some(copy.header.session()));
                    }
                }
                Err(error @ (LogError::Newer { .. } | LogError::Locked { .. })) => {
                    return Err(error);
                }
                Err(LogError::Damaged { .. }) => is_damaged = true,
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        match failure {
            Some(error) if !is_damaged => Err(error),
            _ => Ok(None),
        }
    }

    /// Whether a segment that is not there, or others before it, must be. A log that ends while it is
    /// checked takes away those that were prepared.
    fn is_needed(&self, number: SegmentNumber) -> bool {
        self.is_continued || self.last_with_frames.is_some_and(|last| number <= last)
    }

    /// Whether a segment has a frame now. What cannot be read has, so that its faults are told.
    fn has_frames(&self, number: SegmentNumber) -> bool {
        let Ok(copies) = self.directories.copies(number, self.kind, self.session) else {
            return true;
        };
        copies.iter().any(|copy| copy::has_frames(&copy.file, &copy.header).unwrap_or(true))
    }

    fn is_sealed(&self, number: SegmentNumber) -> bool {
        let copies = self.directories.copies(number, self.kind, self.session);
        copies.is_ok_and(|copies| copies.iter().any(|copy| copy.seal.is_some()))
    }

    fn segment(
        &mut self,
        number: SegmentNumber,
        is_listed: bool,
        later_is_listed: bool,
    ) -> Result<(), LogError> {
        let Some(Checked { best, sealing, faults }) = self.check(number)? else {
            self.chain = Chain::Unknown;
            self.order.skip();
            self.is_continued = self.is_needed(number);
            return Ok(());
        };
        self.report.segments += 1;
        self.is_continued = best.closed_by == Some(KIND_ROLL);
        let was_prepared = self.last_with_frames.is_none_or(|last| number > last);
        if was_prepared && best.index.frames() > 0 && !best.is_damaged {
            // Written to since the check began.
            return Ok(());
        }
        self.place(number, &best);
        if let Sealing::Sealed(seal) = sealing {
            self.report.sealed_segments += 1;
            self.report.seals.push((number, seal));
            self.report.last_seal = Some((number, seal));
        }
        self.chain = sealing.chain();
        self.faults.add_all(faults);
        self.index(number, &best, is_listed, later_is_listed, sealing);
        self.report.frames += best.index.frames();
        self.report.torn_bytes += best.torn_bytes;
        self.order = best.order;
        Ok(())
    }

    /// A segment by its best copy; `None` if no copy can be read, which has been told.
    fn check(&mut self, number: SegmentNumber) -> Result<Option<Checked<S::File>>, LogError> {
        let was_sealed = self.last_sealed.is_some_and(|last| number <= last);
        let mut tries = 0;
        loop {
            tries += 1;
            let Copies { mut walked, mut faults, has_moved } = self.walk_copies(number)?;
            let longest = walked
                .iter()
                .enumerate()
                .max_by_key(|(_, copy)| (copy.is_cut, copy.content_bytes))
                .map(|(place, _)| place);
            let Some(best) = longest.map(|place| walked.swap_remove(place)) else {
                let is_absent = faults.found.is_empty();
                if (has_moved || is_absent) && tries < TRIES {
                    continue;
                }
                if is_absent && self.is_needed(number) {
                    let damage = Damage::Missing { first: number, last: number };
                    faults.add(&self.directories.describe(), 0, damage);
                }
                self.faults.add_all(faults);
                return Ok(None);
            };
            for other in &walked {
                copy::compare(other, &best, &mut faults);
                faults.add_all(other.faults.clone());
            }
            let sealing = sealed::check(&best, number, self.chain, was_sealed, &mut faults);
            faults.add_all(best.faults.clone());
            // Memory that became another segment's at any time until here says nothing of this one.
            let has_moved = has_moved || best.has_moved() || walked.iter().any(Walked::has_moved);
            if !has_moved || tries == TRIES {
                return Ok(Some(Checked { best, sealing, faults }));
            }
        }
    }

    /// All copies of a segment that can be read, walked, and the faults of the others. Memory first:
    /// what has left it is on disk by then.
    fn walk_copies(&self, number: SegmentNumber) -> Result<Copies<S::File>, LogError> {
        let (mut walked, mut faults, mut has_moved) = (Vec::new(), Faults::default(), false);
        let forms = SegmentForm::ALL.into_iter();
        let mut files = forms.flat_map(|form| self.directories.each().map(move |at| (form, at)));
        files.try_for_each(|(form, (medium, storage))| -> Result<(), LogError> {
            let name = path_of(storage, &form.name(number));
            let opened = self.directories.open_file(storage, form, number);
            let opened = opened.and_then(|file| {
                let Some(file) = file else { return Ok(None) };
                let header = read_header(&file, &name)?;
                let belongs = belongs(&header, number, self.kind, self.session);
                belongs.map_err(|damage| damaged(&name, 0, damage))?;
                Ok(Some((file, header)))
            });
            let (file, header) = match opened {
                Ok(None) => return Ok(()),
                Ok(Some(opened)) => opened,
                Err(LogError::Damaged { file, offset_bytes, damage }) => {
                    has_moved |= medium == Medium::Memory;
                    faults.add(&file, offset_bytes, damage);
                    return Ok(());
                }
                Err(LogError::Io { source, .. }) => {
                    faults.add(&name, 0, format_args!("it cannot be read: {source}"));
                    return Ok(());
                }
                Err(error) => return Err(error),
            };
            match Walked::walk(file, name.clone(), header, self.kind, self.order.clone()) {
                Ok(copy) if copy.has_moved() => has_moved = true,
                Ok(copy) => walked.push(copy),
                Err(error) => faults.add_unreadable(&name, 0, &error),
            }
            Ok(())
        })?;
        Ok(Copies { walked, faults, has_moved })
    }

    /// Whether the segment may stand where it stands: behind one that was closed, and not behind the
    /// end of the log.
    fn place(&mut self, number: SegmentNumber, walked: &Walked<SegmentFile<S::File>>) {
        let has_frames = walked.index.frames() > 0;
        if has_frames && let Some(open) = self.open.take() {
            let damage = Damage::Unfinished { later: number };
            self.faults.add(&open.file, open.offset_bytes, damage);
        }
        if (has_frames || walked.torn_bytes > 0)
            && let Some(ended) = &self.ended
        {
            let what = format!("the log ended here, and segment {} was written to", number.0);
            self.faults.add(&ended.file, ended.offset_bytes, what);
        }
        let end = || End { file: walked.name.clone(), offset_bytes: walked.content_bytes };
        match walked.closed_by {
            None if !walked.is_damaged || has_frames => {
                self.open = self.open.take().or(Some(end()))
            }
            Some(KIND_END) => self.ended = Some(end()),
            _ => {}
        }
    }

    fn index(
        &mut self,
        number: SegmentNumber,
        walked: &Walked<SegmentFile<S::File>>,
        is_listed: bool,
        later_is_listed: bool,
        sealing: Sealing,
    ) {
        let name = index_name(number);
        let mut is_there = false;
        let expected = walked.index.clone().finish().to_bytes();
        for (_, storage) in self.directories.each() {
            let file = path_of(storage, &name);
            let found = match read_whole(storage, &name, INDEX_BYTES_MAX) {
                Ok(found) => found,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => {
                    is_there = true;
                    self.faults.add(&file, 0, format_args!("it cannot be read: {error}"));
                    continue;
                }
            };
            is_there = true;
            if walked.is_damaged {
                // What it should be is not known; that its segment is damaged has been told.
                continue;
            }
            if !is_listed {
                // Made since the check began.
            } else if matches!(sealing, Sealing::Unsealed) {
                self.faults.add(&file, 0, "the index of a segment that is not sealed");
            } else if found != expected {
                let differs = found.iter().zip(&expected).position(|(found, made)| found != made);
                let offset = differs.unwrap_or(found.len().min(expected.len()));
                let what = "it differs from the index made of its segment";
                self.faults.add(&file, offset as u64, what);
            }
        }
        if !is_there && later_is_listed {
            let file = format!("{}/{name}", self.directories.describe());
            self.faults.add(&file, 0, "it is missing, and a later segment has its index");
        }
    }
}
