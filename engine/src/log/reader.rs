//! Reads a log frame by frame, while it is written or afterwards.
//!
//! A reader owns its place and a buffer, and shares nothing with the writer but the files. A frame
//! borrows the buffer until the next call. What stands at the end of the frames is told by the table
//! in [`log`](crate::log): a torn tail is told with its length, anything that no dying writer leaves is
//! a [`LogError`] with its place, and nothing is ever skipped. After the end, a torn tail or an error
//! the reader stays where it is: asking again looks again.
//!
//! **Following.** With [`AtTail::Wait`] the end of what is written so far is [`Next::Wait`]. The
//! segment may grow, be closed, carried to disk and its memory taken for another segment while the
//! reader is at it: an open file is trusted only as far as its frames have the segment's epoch, and
//! where they end the segment is looked for anew.

use crate::log::archive::segment_file::SegmentFile;
use crate::log::directories::{LogDirectories, SegmentCopy, damaged, io_error};
use crate::log::error::{Damage, LogError};
use crate::log::frame::{Frame, FrameRead, KIND_END, KIND_ROLL};
use crate::log::rest;
use crate::log::segment::{SEGMENT_HEADER_BYTES, SEGMENT_RESERVE_BYTES};
use crate::log::storage::{Storage, StoredFile};
use crate::log::window::{FRAME_BYTES_MAX, Seen, SegmentWindow, Whole};
use crate::log::{LogKind, SegmentNumber, SessionId};
use crate::units::{Nanos, Sequence};

/// Where a frame stands in its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FramePosition {
    /// The segment.
    pub segment: SegmentNumber,
    /// Byte in the segment's file at which the frame begins.
    pub offset_bytes: u64,
    /// The frame's number in the segment, from 0.
    pub ordinal: u64,
}

impl FramePosition {
    /// Of the first frame of a segment.
    #[must_use]
    pub const fn first_of(segment: SegmentNumber) -> FramePosition {
        FramePosition { segment, offset_bytes: SEGMENT_HEADER_BYTES as u64, ordinal: 0 }
    }
}

/// What a reader does where the frames end and the log has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtTail {
    /// Tells the torn tail: nobody is writing, or what was written so far is all that is wanted.
    Stop,
    /// Says that there is nothing yet.
    Wait,
}

/// What a log gives next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next<'a> {
    /// A frame of the log's user, and where it stands.
    Frame(Frame<'a>, FramePosition),
    /// The writer died here, or is at work. Only with [`AtTail::Stop`].
    TornTail {
        /// The segment.
        segment: SegmentNumber,
        /// Where its last whole frame ends.
        offset_bytes: u64,
        /// From there to the last byte that is not zero.
        torn_bytes: u64,
    },
    /// The log ended orderly.
    End,
    /// Nothing yet; ask again later. Only with [`AtTail::Wait`].
    Wait,
}

/// See the module.
pub struct LogReader<S: Storage> {
    directories: LogDirectories<S>,
    kind: LogKind,
    at_tail: AtTail,
    window: SegmentWindow<SegmentFile<S::File>>,
    /// The current file, as messages name it.
    file: String,
    at: FramePosition,
    /// The frame at `at`, if it was given out.
    given: Option<Whole>,
    ended: bool,
    /// While following: where the other copies hold no frame either.
    looked_elsewhere: Option<FramePosition>,
    /// While following: where the rest of the segment was looked through in vain.
    looked_through: Option<FramePosition>,
}

/// As [`Next`], the frame left to [`LogReader::given`].
pub(crate) enum Step {
    Frame,
    Torn { offset_bytes: u64, torn_bytes: u64 },
    End,
    Wait,
}

impl<S: Storage> LogReader<S> {
    /// Opens a log at its first frame: of one whose front was pruned, at the first that is kept.
    ///
    /// # Errors
    /// There is no log, its first segment is missing or cannot be read, is of another kind or of a
    /// newer version.
    pub fn open(
        directories: LogDirectories<S>,
        kind: LogKind,
        at_tail: AtTail,
    ) -> Result<LogReader<S>, LogError> {
        let (first, copy) = LogReader::open_first(&directories, kind)?;
        directories.pruned_of(kind, copy.header.session())?;
        Ok(LogReader {
            directories,
            kind,
            at_tail,
            window: SegmentWindow::new(copy.file, copy.header),
            file: copy.name,
            at: FramePosition::first_of(first),
            given: None,
            ended: false,
            looked_elsewhere: None,
            looked_through: None,
        })
    }

    /// The first segment of a log, opened.
    fn open_first(
        directories: &LogDirectories<S>,
        kind: LogKind,
    ) -> Result<(SegmentNumber, SegmentCopy<S::File>), LogError> {
        loop {
            let first = directories.first()?;
            if let Some(copy) = directories.copies(first, kind, None)?.into_iter().next() {
                return Ok((first, copy));
            }
            if directories.first()? != first {
                // Pruned between the two looks.
                continue;
            }
            let directory = directories.describe();
            return Err(match directories.segments()?.first() {
                Some(found) => {
                    let last = SegmentNumber(found.0.saturating_sub(1));
                    damaged(&directory, 0, Damage::Missing { first, last })
                }
                None if first > SegmentNumber(0) => {
                    damaged(&directory, 0, Damage::Missing { first, last: first })
                }
                None => LogError::Empty { directory },
            });
        }
    }

    /// The session of the log.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.window.header().session()
    }

    /// Where the log lies.
    #[must_use]
    pub fn directories(&self) -> &LogDirectories<S> {
        &self.directories
    }

    /// The file that is being read, as messages name it.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The place of the frame given last; of the next one if none was, or after a seek.
    #[must_use]
    pub fn position(&self) -> FramePosition {
        self.at
    }

    /// The place behind the frame given last; of the next one if none was, or after a seek.
    #[must_use]
    pub fn next_position(&self) -> FramePosition {
        let (bytes, frames) = self.given.as_ref().map_or((0, 0), |given| (given.bytes as u64, 1));
        let FramePosition { segment, offset_bytes, ordinal } = self.at;
        FramePosition { segment, offset_bytes: offset_bytes + bytes, ordinal: ordinal + frames }
    }

    /// The next frame, or why there is none.
    ///
    /// # Errors
    /// The storage failed, or something stands there that no writer leaves.
    #[allow(clippy::should_implement_trait, reason = "a frame borrows the reader")]
    #[inline]
    pub fn next(&mut self) -> Result<Next<'_>, LogError> {
        Ok(match self.step()? {
            Step::Frame => Next::Frame(self.given(), self.at),
            Step::Torn { offset_bytes, torn_bytes } => {
                Next::TornTail { segment: self.at.segment, offset_bytes, torn_bytes }
            }
            Step::End => Next::End,
            Step::Wait => Next::Wait,
        })
    }

    /// Goes to a frame whose place is known.
    ///
    /// # Errors
    /// The segment was pruned, is missing or cannot be read. That no frame begins at the place is told
    /// by [`LogReader::next`], as damage or a torn tail.
    pub fn seek(&mut self, position: FramePosition) -> Result<(), LogError> {
        if position.segment != self.at.segment {
            let number = position.segment;
            let Some(copy) = self.copies(number)?.into_iter().next() else {
                return Err(self.directories.absent(number, number));
            };
            self.enter(copy);
        }
        self.at = position;
        self.given = None;
        self.ended = false;
        self.looked_elsewhere = None;
        self.looked_through = None;
        Ok(())
    }

    /// Goes to a place before which no frame has a time of `time` or later: as near as the indexes
    /// tell, the start of the log if there are none.
    ///
    /// # Errors
    /// The directory cannot be listed, or the segment cannot be read.
    pub fn seek_near_time(&mut self, time: Nanos) -> Result<FramePosition, LogError> {
        let mut to = FramePosition::first_of(self.directories.first()?);
        for number in self.directories.segments()? {
            // Nothing is known of a segment without an index, so nothing of those behind it.
            let Some(index) = self.directories.index(self.session(), number) else {
                break;
            };
            to = index.place_before_time(time).map_or(to, |entry| FramePosition {
                segment: number,
                offset_bytes: entry.offset_bytes,
                ordinal: entry.ordinal.into(),
            });
            if index.times().is_some_and(|(_, greatest)| greatest >= time) {
                break;
            }
        }
        self.seek(to)?;
        Ok(to)
    }

    /// Goes to a place at or before the frame of `feed` that holds the message with `sequence`: as
    /// near as the indexes tell, the start of the log if there are none.
    ///
    /// # Errors
    /// The directory cannot be listed, or the segment cannot be read.
    pub fn seek_near_sequence(
        &mut self,
        feed: u16,
        sequence: Sequence,
    ) -> Result<FramePosition, LogError> {
        let mut to = FramePosition::first_of(self.directories.first()?);
        for number in self.directories.segments()? {
            let Some(index) = self.directories.index(self.session(), number) else {
                break;
            };
            if let Some(entry) = index.place_before_sequence(feed, sequence) {
                to = FramePosition {
                    segment: number,
                    offset_bytes: entry.offset_bytes,
                    ordinal: entry.ordinal.into(),
                };
            }
            // A feed's sequences never go back.
            let is_past = |entry: &&crate::log::index::IndexEntry| {
                entry.feed == feed && entry.sequence >= sequence.0
            };
            if index.entries().iter().any(|entry| is_past(&entry)) {
                break;
            }
        }
        self.seek(to)?;
        Ok(to)
    }

    /// Bytes of the current segment behind a place, if those that close it have room there.
    pub(super) fn room_to_close(&self, from_bytes: u64) -> Option<u64> {
        let left = self.window.header().segment_bytes().checked_sub(from_bytes)?;
        (left >= SEGMENT_RESERVE_BYTES as u64).then_some(left)
    }

    /// The frame given last.
    ///
    /// # Panics
    /// If the last call gave none.
    #[inline]
    pub(crate) fn given(&self) -> Frame<'_> {
        let given = self.given.as_ref().expect("Invariant: asked for after a frame was given");
        self.window.frame(given)
    }

    /// Makes the next call give the frame given last once more.
    pub fn give_again(&mut self) {
        self.given = None;
    }

    /// [`LogReader::next`] in a form that a caller can go on from without a frame in hand.
    #[inline]
    pub(crate) fn step(&mut self) -> Result<Step, LogError> {
        if let Some(given) = self.given.take() {
            self.at.offset_bytes += given.bytes as u64;
            self.at.ordinal += 1;
        }
        loop {
            if self.ended {
                return Ok(Step::End);
            }
            let seen = self.window.look(self.at.offset_bytes);
            let seen = seen.map_err(|source| io_error(&self.file, source))?;
            let next = match seen {
                Seen::Whole(whole) if !matches!(whole.tag.kind, KIND_ROLL | KIND_END) => {
                    self.given = Some(whole);
                    return Ok(Step::Frame);
                }
                Seen::Whole(whole) => self.close(&whole)?,
                _ => self.tail()?,
            };
            if let Some(step) = next {
                return Ok(step);
            }
        }
    }

    /// At a frame that closes the segment: ends, or enters the next one.
    #[cold]
    fn close(&mut self, whole: &Whole) -> Result<Option<Step>, LogError> {
        if whole.payload_bytes() > 0 {
            return Err(self.damage(Damage::Closing { bytes: whole.payload_bytes() }));
        }
        if whole.tag.kind == KIND_END {
            self.ended = true;
            return Ok(None);
        }
        let nothing_follows = match self.at_tail {
            AtTail::Wait => Step::Wait,
            AtTail::Stop => Step::Torn {
                offset_bytes: self.at.offset_bytes + whole.bytes as u64,
                torn_bytes: 0,
            },
        };
        let Some(number) = self.at.segment.0.checked_add(1).map(SegmentNumber) else {
            return Ok(Some(nothing_follows));
        };
        let mut copies = self.copies(number)?;
        if copies.is_empty()
            && let Some(later) = self.later_segments()?.first()
        {
            // Listed after it was looked for: it may have come between.
            copies = self.copies(number)?;
            if copies.is_empty() {
                let last = SegmentNumber(later.0.saturating_sub(1));
                return Err(self.absent(number, last));
            }
        }
        let Some(copy) = copies.into_iter().next() else {
            return Ok(Some(nothing_follows));
        };
        self.enter(copy);
        self.at = FramePosition::first_of(number);
        Ok(None)
    }

    /// Where no whole frame is to be seen: looks anew, and tells a torn tail from damage.
    #[cold]
    fn tail(&mut self) -> Result<Option<Step>, LogError> {
        let follows = self.at_tail == AtTail::Wait;
        if !self.is_still_the_segment()? || follows && self.was_made_anew()? {
            let number = self.at.segment;
            let Some(copy) = self.copies(number)?.into_iter().next() else {
                return Err(self.absent(number, number));
            };
            self.enter(copy);
        }
        let seen = self.look_again()?;
        if matches!(seen, Seen::Whole(_)) {
            return Ok(None);
        }
        if self.looked_elsewhere != Some(self.at) {
            if self.finds_whole_elsewhere()? {
                return Ok(None);
            }
            self.looked_elsewhere = follows.then_some(self.at);
        }
        let is_known = self.looked_through == Some(self.at);
        if follows && (is_known || matches!(seen, Seen::Unpublished)) {
            return Ok(Some(Step::Wait));
        }
        let size_bytes = self.window.file().size_bytes();
        let size_bytes = size_bytes.map_err(|source| io_error(&self.file, source))?;
        let segment_bytes = self.window.header().segment_bytes();
        let rest = rest::look_through(
            self.window.file(),
            self.window.header().epoch(),
            self.at.offset_bytes.saturating_add(8),
            segment_bytes,
        );
        let rest = rest.map_err(|source| io_error(&self.file, source))?;
        let later = self.later_segment_with_frames()?;
        // The writer may have gone on since the first look.
        let seen = self.look_again()?;
        if matches!(seen, Seen::Whole(_)) || self.finds_whole_elsewhere()? {
            return Ok(None);
        }
        let broken = match seen {
            Seen::Broken(broken) => Some(broken),
            _ => None,
        };
        let damage = match (rest.next_whole_bytes, broken, later) {
            (Some(next_bytes), Some(broken), _) => Damage::Frame { broken, next_bytes },
            (Some(next_bytes), None, _) => Damage::Hole { next_bytes },
            (None, Some(broken), _) if size_bytes < segment_bytes => Damage::CutFrame { broken },
            (None, None, _) if size_bytes < segment_bytes => Damage::Cut { size_bytes },
            (None, _, Some(later)) => Damage::Unfinished { later },
            (None, _, None) if follows => {
                self.looked_through = Some(self.at);
                return Ok(Some(Step::Wait));
            }
            (None, _, None) => {
                let offset_bytes = self.at.offset_bytes;
                let torn_bytes = self.torn_bytes(rest.nonzero_end_bytes)?;
                return Ok(Some(Step::Torn { offset_bytes, torn_bytes }));
            }
        };
        Err(self.damage(damage))
    }

    /// From the place to the last byte that is not zero; behind the place and its next eight bytes it
    /// stands at `nonzero_end_bytes`.
    fn torn_bytes(&self, nonzero_end_bytes: u64) -> Result<u64, LogError> {
        let from_bytes = self.at.offset_bytes;
        if nonzero_end_bytes > from_bytes.saturating_add(8) {
            return Ok(nonzero_end_bytes - from_bytes);
        }
        let mut first = [0; 8];
        let read = self.window.file().read_at(&mut first, from_bytes);
        read.map_err(|source| io_error(&self.file, source))?;
        Ok(first.iter().rposition(|&byte| byte != 0).map_or(0, |last| last as u64 + 1))
    }

    fn look_again(&mut self) -> Result<Seen, LogError> {
        let seen = self.window.look_again(self.at.offset_bytes);
        seen.map_err(|source| io_error(&self.file, source))
    }

    /// Whether the open file still is the segment, not memory taken for another one.
    fn is_still_the_segment(&self) -> Result<bool, LogError> {
        let mut bytes = [0; SEGMENT_HEADER_BYTES];
        let read = self.window.file().read_at(&mut bytes, 0);
        read.map_err(|source| io_error(&self.file, source))?;
        Ok(bytes == bytemuck::bytes_of(self.window.header()))
    }

    /// Whether the segment, of which no frame was read yet, is another file now: one that a writer
    /// which goes on after a dead one has put in its place.
    fn was_made_anew(&self) -> Result<bool, LogError> {
        if self.at != FramePosition::first_of(self.at.segment) {
            return Ok(false);
        }
        let copies = self.copies(self.at.segment)?;
        Ok(copies.first().is_some_and(|copy| copy.header != *self.window.header()))
    }

    /// Looks for a whole frame at the place in every copy that there is now, and goes on there.
    fn finds_whole_elsewhere(&mut self) -> Result<bool, LogError> {
        let epoch = self.window.header().epoch();
        let mut bytes = Vec::new();
        for copy in self.copies(self.at.segment)? {
            if copy.header.epoch() != epoch {
                continue;
            }
            bytes.resize(FRAME_BYTES_MAX, 0);
            let filled = copy.file.read_at(&mut bytes, self.at.offset_bytes);
            let filled = filled.map_err(|source| io_error(&copy.name, source))?;
            if matches!(Frame::read(&bytes[..filled], epoch), FrameRead::Whole(_)) {
                self.enter(copy);
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn later_segment_with_frames(&self) -> Result<Option<SegmentNumber>, LogError> {
        for number in self.later_segments()? {
            for copy in self.copies(number)? {
                let (epoch, end_bytes) = (copy.header.epoch(), copy.header.segment_bytes());
                let from_bytes = SEGMENT_HEADER_BYTES as u64;
                let rest = rest::look_through(&copy.file, epoch, from_bytes, end_bytes);
                let rest = rest.map_err(|source| io_error(&copy.name, source))?;
                if rest.next_whole_bytes.is_some() {
                    return Ok(Some(number));
                }
            }
        }
        Ok(None)
    }

    fn later_segments(&self) -> Result<Vec<SegmentNumber>, LogError> {
        let mut numbers = self.directories.segments()?;
        numbers.retain(|number| *number > self.at.segment);
        Ok(numbers)
    }

    fn copies(&self, number: SegmentNumber) -> Result<Vec<SegmentCopy<S::File>>, LogError> {
        self.directories.copies(number, self.kind, Some(self.session()))
    }

    fn enter(&mut self, copy: SegmentCopy<S::File>) {
        self.window.replace(copy.file, copy.header);
        self.file = copy.name;
        self.looked_elsewhere = None;
        self.looked_through = None;
    }

    /// Why segments that follow are not there.
    fn absent(&self, first: SegmentNumber, last: SegmentNumber) -> LogError {
        match self.directories.absent(first, last) {
            pruned @ LogError::Pruned { .. } => pruned,
            _ => self.damage(Damage::Missing { first, last }),
        }
    }

    fn damage(&self, damage: Damage) -> LogError {
        damaged(&self.file, self.at.offset_bytes, damage)
    }
}
