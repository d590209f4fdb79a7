//! A part of one segment in a buffer, and the frames in it.
//!
//! The buffer is filled by `pread` in chunks, so a frame costs its checksum and no system call, and a
//! file that is cut under its reader is a short read, never a signal. One reader owns a window. What it
//! holds may be older than the file: where it shows no frame, [`SegmentWindow::look_again`] reads anew.

use core::ops::Range;
use std::io;

use crate::log::frame::{
    BrokenFrame, FRAME_ALIGN_BYTES, FRAME_HEADER_BYTES, Frame, FrameRead, FrameTag,
    PAYLOAD_BYTES_MAX,
};
use crate::log::segment::SegmentHeader;
use crate::log::storage::StoredFile;

/// Bytes of the longest frame.
pub(super) const FRAME_BYTES_MAX: usize = FRAME_HEADER_BYTES + PAYLOAD_BYTES_MAX;

/// Bytes of the buffer: from 128 KiB to 1 MiB it makes little difference, above that the copy leaves
/// the second-level cache.
pub(super) const WINDOW_BYTES: usize = 256 << 10;

/// Bytes read anew at the end of a log that is being written.
const AGAIN_BYTES: usize = 16 << 10;

const _: () = assert!(WINDOW_BYTES >= FRAME_BYTES_MAX && FRAME_BYTES_MAX.is_multiple_of(8));

/// See the module.
pub(super) struct SegmentWindow<F> {
    file: F,
    header: SegmentHeader,
    /// Grows to [`WINDOW_BYTES`], for small files not so far.
    buffer: Vec<u8>,
    /// Place of the buffer's first byte in the file.
    start_bytes: u64,
    filled: usize,
}

/// A whole frame in the buffer of a window, until the window moves.
#[derive(Clone, Debug)]
pub(super) struct Whole {
    pub(super) tag: FrameTag,
    payload: Range<usize>,
    /// Bytes up to the next frame.
    pub(super) bytes: usize,
}

impl Whole {
    /// Bytes of the payload.
    pub(super) fn payload_bytes(&self) -> usize {
        self.payload.len()
    }
}

/// What stands at a place of a segment.
#[derive(Clone, Debug)]
pub(super) enum Seen {
    Whole(Whole),
    Unpublished,
    Broken(BrokenFrame),
}

impl<F: StoredFile> SegmentWindow<F> {
    /// A window over the segment `file`, whose header has been read.
    pub(super) fn new(file: F, header: SegmentHeader) -> SegmentWindow<F> {
        SegmentWindow { file, header, buffer: Vec::new(), start_bytes: 0, filled: 0 }
    }

    /// Goes on with another segment, or another copy of it.
    pub(super) fn replace(&mut self, file: F, header: SegmentHeader) {
        self.file = file;
        self.header = header;
        self.filled = 0;
    }

    pub(super) fn header(&self) -> &SegmentHeader {
        &self.header
    }

    pub(super) fn file(&self) -> &F {
        &self.file
    }

    /// What stands at `offset_bytes`, as far as has been read.
    #[inline]
    pub(super) fn look(&mut self, offset_bytes: u64) -> io::Result<Seen> {
        let at = match self.place_of(offset_bytes) {
            Some(at) if self.holds_frame_at(at) => at,
            _ => {
                self.fill(offset_bytes, WINDOW_BYTES)?;
                0
            }
        };
        Ok(self.read(at))
    }

    /// What stands at `offset_bytes` now.
    pub(super) fn look_again(&mut self, offset_bytes: u64) -> io::Result<Seen> {
        self.fill(offset_bytes, AGAIN_BYTES)?;
        if !self.holds_frame_at(0) {
            self.fill(offset_bytes, WINDOW_BYTES)?;
        }
        Ok(self.read(0))
    }

    /// The frame that was seen last.
    #[inline]
    pub(super) fn frame(&self, whole: &Whole) -> Frame<'_> {
        let payload = self.buffer.get(whole.payload.clone()).unwrap_or_default();
        Frame { tag: whole.tag, payload, bytes: whole.bytes }
    }

    #[inline]
    fn place_of(&self, offset_bytes: u64) -> Option<usize> {
        let at = usize::try_from(offset_bytes.checked_sub(self.start_bytes)?).ok()?;
        (at < self.filled).then_some(at)
    }

    /// Whether the frame at `at` would lie in what was read: judged by its length, whatever it is.
    #[inline]
    fn holds_frame_at(&self, at: usize) -> bool {
        let read = self.buffer.get(at..self.filled).unwrap_or_default();
        if read.len() >= FRAME_BYTES_MAX {
            return true;
        }
        let Some(length) = read.first_chunk::<4>().filter(|_| read.len() >= FRAME_HEADER_BYTES)
        else {
            return false;
        };
        let length = u32::from_le_bytes(*length) as usize;
        length.checked_next_multiple_of(FRAME_ALIGN_BYTES).is_some_and(|bytes| bytes <= read.len())
    }

    #[inline]
    fn read(&self, at: usize) -> Seen {
        let read = self.buffer.get(at..self.filled).unwrap_or_default();
        match Frame::read(read, self.header.epoch()) {
            FrameRead::Whole(frame) => {
                let payload =
                    at + FRAME_HEADER_BYTES..at + FRAME_HEADER_BYTES + frame.payload.len();
                Seen::Whole(Whole { tag: frame.tag, payload, bytes: frame.bytes })
            }
            FrameRead::Unpublished => Seen::Unpublished,
            FrameRead::Broken(broken) => Seen::Broken(broken),
        }
    }

    #[cold]
    fn fill(&mut self, offset_bytes: u64, bytes: usize) -> io::Result<()> {
        self.filled = 0;
        self.start_bytes = offset_bytes;
        let left = self.header.segment_bytes().saturating_sub(offset_bytes);
        let mut bytes = bytes.min(usize::try_from(left).unwrap_or(usize::MAX));
        if self.buffer.len() < bytes {
            let there = self.file.size_bytes()?.saturating_sub(offset_bytes);
            bytes = bytes.min(usize::try_from(there).unwrap_or(usize::MAX));
            self.buffer.resize(bytes.max(self.buffer.len()), 0);
        }
        let buffer = self.buffer.get_mut(..bytes).unwrap_or_default();
        self.filled = self.file.read_at(buffer, offset_bytes)?;
        Ok(())
    }
}
