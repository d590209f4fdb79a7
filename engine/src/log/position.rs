//! A place in a log.

use core::fmt;

use crate::log::SegmentNumber;
use crate::log::frame::FRAME_ALIGN_BYTES;
use crate::log::segment::SEGMENT_BYTES_MAX;

/// Between two frames of a log: a segment and the bytes of it that lie before.
///
/// Later places are greater. Packed into one word, so that it can be published atomically: the
/// upper 34 bits are the segment's number, the lower 30 the offset in units of 8 bytes.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Position(u64);

const OFFSET_BITS: u32 = 30;

/// The last segment that a log may have: 2^34 - 1. At the smallest size these are 4 PiB.
pub const SEGMENT_NUMBER_MAX: SegmentNumber = SegmentNumber(u64::MAX >> OFFSET_BITS);

const _: () = assert!(SEGMENT_BYTES_MAX / (FRAME_ALIGN_BYTES as u64) < 1 << OFFSET_BITS);

impl Position {
    /// Before all that a log can hold.
    pub const START: Position = Position(0);

    /// The place `offset_bytes` behind the start of a segment.
    ///
    /// # Panics
    /// If the offset is no multiple of 8 or beyond [`SEGMENT_BYTES_MAX`], or the segment beyond
    /// [`SEGMENT_NUMBER_MAX`].
    #[inline]
    #[must_use]
    pub const fn new(segment: SegmentNumber, offset_bytes: u64) -> Position {
        assert!(
            offset_bytes.is_multiple_of(FRAME_ALIGN_BYTES as u64)
                && offset_bytes <= SEGMENT_BYTES_MAX
                && segment.0 <= SEGMENT_NUMBER_MAX.0,
            "Invariant: frames begin at multiples of 8 within a segment"
        );
        Position((segment.0 << OFFSET_BITS) | (offset_bytes / FRAME_ALIGN_BYTES as u64))
    }

    /// The segment.
    #[inline]
    #[must_use]
    pub const fn segment(self) -> SegmentNumber {
        SegmentNumber(self.0 >> OFFSET_BITS)
    }

    /// Bytes of the segment before this place, its header included.
    #[inline]
    #[must_use]
    pub const fn offset_bytes(self) -> u64 {
        (self.0 & ((1 << OFFSET_BITS) - 1)) * FRAME_ALIGN_BYTES as u64
    }

    /// As a word that orders as places do; for atomics.
    #[inline]
    pub(super) const fn word(self) -> u64 {
        self.0
    }

    /// From [`Position::word`].
    #[inline]
    pub(super) const fn from_word(word: u64) -> Position {
        Position(word)
    }
}

impl fmt::Display for Position {
    /// `SEGMENT:OFFSET`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.segment().0, self.offset_bytes())
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_gives_back_its_parts_and_orders_as_the_log_does() {
        let places = [
            (0, 0),
            (0, 128),
            (0, SEGMENT_BYTES_MAX),
            (1, 0),
            (1, 8),
            (SEGMENT_NUMBER_MAX.0, SEGMENT_BYTES_MAX),
        ];
        let positions =
            places.map(|(segment, offset)| Position::new(SegmentNumber(segment), offset));
        for (position, (segment, offset)) in positions.iter().zip(places) {
            assert_eq!((position.segment().0, position.offset_bytes()), (segment, offset));
            assert_eq!(Position::from_word(position.word()), *position);
        }
        assert!(positions.is_sorted());
        assert_eq!(positions[4].to_string(), "1:8");
    }
}
