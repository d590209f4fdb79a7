//! Proves that a log is what its writer left: every byte of it, as far as checksums, seals and
//! indexes reach.
//!
//! In a log that ended in order no bit can change unseen. What a killed process leaves is never
//! called a fault: a torn frame at the end, segments prepared, closed and not yet cut, sealed or
//! indexed, files under the names that they have until they are whole. After a fault the check goes on
//! where it can. A log may be verified while it is written: what it was when the check began is
//! checked.
//!
//! - `copy`: the frames of one file, and what stands behind them
//! - `order`: what the frames say, and in which order
//! - `sealed`: seals and their chain
//!
//! The work is bounded: a segment is read twice, a damaged one at most [`FAULTS_MAX`] times a
//! mebibyte more; memory does not grow with the log.

mod copy;
mod order;
mod sealed;

use std::collections::BTreeSet;

use crate::log::directories::{
    INDEX_BYTES_MAX, LogDirectories, Medium, belongs, damaged, path_of, read_header, read_whole,
};
use crate::log::error::{Damage, LogError};
use crate::log::frame::KIND_END;
use crate::log::seal::Seal;
use crate::log::segment::{index_name, number_of, segment_name};
use crate::log::storage::Storage;
use crate::log::{LogKind, SegmentNumber, SessionId};
use crate::units::Sequence;

use copy::Walked;
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
    /// Bytes behind the last whole frame that the writer did not finish.
    pub torn_bytes: u64,
    /// Whether an `End` frame ends the log.
    pub ended_orderly: bool,
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
        frames_from: None,
        open: None,
        ended: None,
        report: VerifyReport::default(),
    };
    verifier.run()?;
    let Verifier { session, faults, order, ended, mut report, .. } = verifier;
    report.session = session;
    (report.first_sequence, report.last_sequence) = order.sequences();
    report.ended_orderly = ended.is_some();
    (report.faults, report.faults_left_out) = (faults.found, faults.left_out);
    Ok(report)
}

/// Numbers of the segments and indexes that there were when the check began.
struct Listed {
    segments: BTreeSet<SegmentNumber>,
    indexes: BTreeSet<SegmentNumber>,
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
    /// The last segment that had frames when the check began.
    frames_from: Option<SegmentNumber>,
    /// A segment without a frame that closes it.
    open: Option<End>,
    /// The `End` frame.
    ended: Option<End>,
    report: VerifyReport,
}

impl<S: Storage> Verifier<'_, S> {
    fn run(&mut self) -> Result<(), LogError> {
        let Listed { segments, indexes } = self.list()?;
        self.session = self.first_session(&segments)?;
        self.frames_from = segments.iter().rev().copied().find(|number| self.has_frames(*number));
        let last_index = indexes.iter().next_back().copied();
        let mut expected = Some(SegmentNumber(0));
        for number in segments {
            if let Some(first) = expected.filter(|first| *first < number) {
                let last = SegmentNumber(number.0 - 1);
                let damage = Damage::Missing { first, last };
                self.faults.add(&self.directories.describe(), 0, damage);
                self.chain = Chain::Unknown;
                self.order.skip();
            }
            expected = number.0.checked_add(1).map(SegmentNumber);
            self.report.segments += 1;
            let is_indexed = indexes.contains(&number);
            self.segment(number, is_indexed, last_index.is_some_and(|last| last > number))?;
        }
        Ok(())
    }

    /// What there is. Names that a log's files do not have are faults, or left behind.
    fn list(&mut self) -> Result<Listed, LogError> {
        let (mut segments, mut indexes) = (BTreeSet::new(), BTreeSet::new());
        let mut strangers = BTreeSet::new();
        for (medium, name) in self.directories.names()? {
            if let Some(number) = number_of(&name, "seg") {
                segments.insert(number);
            } else if let Some(number) = number_of(&name, "idx") {
                indexes.insert(number);
            } else if UNFINISHED_NAMES.iter().any(|end| name.ends_with(end)) {
                self.report.unfinished_files += 1;
            } else {
                strangers.insert(self.path(medium, &name));
            }
        }
        if segments.is_empty() {
            return Err(LogError::Empty { directory: self.directories.describe() });
        }
        for path in strangers {
            self.faults.add(&path, 0, "no file of a log has this name");
        }
        for number in indexes.difference(&segments) {
            let file = format!("{}/{}", self.directories.describe(), index_name(*number));
            self.faults.add(&file, 0, "an index without its segment");
        }
        Ok(Listed { segments, indexes })
    }

    fn path(&self, medium: Medium, name: &str) -> String {
        let of_medium = self.directories.each().find(|(each, _)| *each == medium);
        of_medium.map_or_else(|| name.to_owned(), |(_, storage)| path_of(storage, name))
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
                Err(error @ LogError::Newer { .. }) => return Err(error),
                Err(LogError::Damaged { .. }) => is_damaged = true,
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        match failure {
            Some(error) if !is_damaged => Err(error),
            _ => Ok(None),
        }
    }

    /// Whether a segment has a frame now. What cannot be read has, so that its faults are told.
    fn has_frames(&self, number: SegmentNumber) -> bool {
        let Ok(copies) = self.directories.copies(number, self.kind, self.session) else {
            return true;
        };
        copies.iter().any(|copy| copy::has_frames(&copy.file, &copy.header).unwrap_or(true))
    }

    fn segment(
        &mut self,
        number: SegmentNumber,
        is_indexed: bool,
        later_is_indexed: bool,
    ) -> Result<(), LogError> {
        let mut copies = self.walk_copies(number)?;
        let Some(best) = copies
            .iter()
            .enumerate()
            .max_by_key(|(_, walked)| (walked.is_cut, walked.content_bytes))
            .map(|(place, _)| place)
        else {
            self.chain = Chain::Unknown;
            self.order.skip();
            return Ok(());
        };
        let best = copies.swap_remove(best);
        for other in &copies {
            copy::compare(other, &best, &mut self.faults);
            self.faults.add_all(other.faults.clone());
        }
        let was_prepared = self.frames_from.is_none_or(|last| number > last);
        if was_prepared && best.index.frames() > 0 && !best.is_damaged {
            // Written to since the check began.
            return Ok(());
        }
        self.place(number, &best);
        let sealing = sealed::check(&best, number, self.chain, &mut self.faults);
        if let Sealing::Sealed(seal) = sealing {
            self.report.sealed_segments += 1;
            self.report.last_seal = Some((number, seal));
        }
        self.chain = sealing.chain();
        self.faults.add_all(best.faults.clone());
        self.index(number, &best, is_indexed, later_is_indexed, sealing);
        self.report.frames += best.index.frames();
        self.report.torn_bytes += best.torn_bytes;
        self.order = best.order;
        Ok(())
    }

    /// All copies of a segment that can be read, walked; the faults of others are told.
    fn walk_copies(&mut self, number: SegmentNumber) -> Result<Vec<Walked<S::File>>, LogError> {
        let mut tries = 1;
        loop {
            let (mut walked, mut faults, mut moved) = (Vec::new(), Faults::default(), false);
            for (medium, storage) in self.directories.each() {
                let name = path_of(storage, &segment_name(number));
                let file = match storage.open(&segment_name(number)) {
                    Ok(file) => file,
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                    Err(error) => {
                        faults.add(&name, 0, format_args!("it cannot be read: {error}"));
                        continue;
                    }
                };
                let header = match read_header(&file, &name).and_then(|header| {
                    belongs(&header, number, self.kind, self.session)
                        .map_err(|damage| damaged(&name, 0, damage))?;
                    Ok(header)
                }) {
                    Ok(header) => header,
                    Err(error @ LogError::Newer { .. }) => return Err(error),
                    Err(LogError::Damaged { file, offset_bytes, damage }) => {
                        // Memory that was taken for another segment after it was opened.
                        moved |= medium == Medium::Memory;
                        faults.add(&file, offset_bytes, damage);
                        continue;
                    }
                    Err(error) => {
                        faults.add(&name, 0, error);
                        continue;
                    }
                };
                match Walked::walk(file, name.clone(), header, self.kind, self.order.clone()) {
                    Ok(copy) => {
                        moved |= medium == Medium::Memory && copy.has_moved();
                        walked.push(copy);
                    }
                    Err(error) => faults.add(&name, 0, format_args!("it cannot be read: {error}")),
                }
            }
            let vanished = walked.is_empty() && faults.found.is_empty();
            if (moved || vanished) && tries < TRIES {
                tries += 1;
                continue;
            }
            if vanished {
                let damage = Damage::Missing { first: number, last: number };
                self.faults.add(&self.directories.describe(), 0, damage);
            }
            self.faults.add_all(faults);
            return Ok(walked);
        }
    }

    /// Whether the segment may stand where it stands: behind one that was closed, and not behind the
    /// end of the log.
    fn place(&mut self, number: SegmentNumber, walked: &Walked<S::File>) {
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
        walked: &Walked<S::File>,
        is_indexed: bool,
        later_is_indexed: bool,
        sealing: Sealing,
    ) {
        let name = index_name(number);
        if !is_indexed {
            if later_is_indexed {
                let file = format!("{}/{name}", self.directories.describe());
                self.faults.add(&file, 0, "it is missing, and a later segment has its index");
            }
            return;
        }
        let expected = walked.index.clone().finish().to_bytes();
        for (_, storage) in self.directories.each() {
            let file = path_of(storage, &name);
            let found = match read_whole(storage, &name, INDEX_BYTES_MAX) {
                Ok(found) => found,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => {
                    self.faults.add(&file, 0, format_args!("it cannot be read: {error}"));
                    continue;
                }
            };
            if walked.is_damaged {
                // What it should be is not known; that its segment is damaged has been told.
                continue;
            }
            if matches!(sealing, Sealing::Unsealed) {
                self.faults.add(&file, 0, "the index of a segment that is not sealed");
            } else if found != expected {
                let differs = found.iter().zip(&expected).position(|(found, made)| found != made);
                let offset = differs.unwrap_or(found.len().min(expected.len()));
                let what = "it differs from the index made of its segment";
                self.faults.add(&file, offset as u64, what);
            }
        }
    }
}
