//! The bounded buffer between an input and the record parsers.
//!
//! The reader fills it in large reads; a parser asks for the bytes of one record at a time and takes
//! them in place, so a byte is copied once on its way in, and once more only where a record straddles
//! two fills. It starts at [`START_BYTES`] and grows to a record's size, never past
//! [`BLOCK_MAX_BYTES`]; callers refuse larger records before they ask. What is skipped passes through
//! without being held.

use std::io::{ErrorKind, Read};
use std::ops::Range;
use std::sync::Arc;

use super::CaptureError;

/// Most bytes of one record that are held at once: 512 KiB, a frame of
/// [`FRAME_MAX_BYTES`](super::FRAME_MAX_BYTES) and as much again for its headers and options.
pub const BLOCK_MAX_BYTES: u32 = 512 * 1024;

/// First size of the buffer, and thereby of a read.
const START_BYTES: usize = 256 * 1024;

/// Bytes read from `input` but not yet taken: `bytes[start..end]`.
pub(super) struct InputBuffer<R> {
    input: R,
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes of the input before `start`.
    offset: u64,
    /// The input gave an empty read; it is not asked again.
    ended: bool,
}

impl<R: Read> InputBuffer<R> {
    pub(super) fn new(input: R) -> Self {
        InputBuffer {
            input,
            bytes: vec![0; START_BYTES],
            start: 0,
            end: 0,
            offset: 0,
            ended: false,
        }
    }

    /// Bytes of the input taken or skipped so far.
    #[inline]
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The bytes that were read but not yet taken.
    #[inline]
    pub(super) fn held(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Holds the next `wanted` bytes, fewer only where the input ends; tells how many are held.
    #[inline]
    pub(super) fn want(&mut self, wanted: usize) -> Result<usize, CaptureError> {
        let had = self.end - self.start;
        if had >= wanted {
            Ok(had)
        } else {
            self.fill(wanted)
        }
    }

    #[cold]
    fn fill(&mut self, wanted: usize) -> Result<usize, CaptureError> {
        assert!(
            wanted <= BLOCK_MAX_BYTES as usize,
            "records are bounded before they are held"
        );
        self.bytes.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.bytes.len() < wanted {
            self.bytes.resize(wanted, 0);
        }
        while self.end < wanted && !self.ended {
            self.read_once()?;
        }
        Ok(self.end)
    }

    /// One read into the room behind `end`.
    fn read_once(&mut self) -> Result<(), CaptureError> {
        let room = &mut self.bytes[self.end..];
        match self.input.read(room) {
            Ok(0) => self.ended = true,
            // An input that claims more than it was offered is held to the offer.
            Ok(got) => self.end += got.min(room.len()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => {
                let offset = self.offset + (self.end - self.start) as u64;
                return Err(CaptureError::Io {
                    offset,
                    source: Arc::new(error),
                });
            }
        }
        Ok(())
    }

    /// Takes the next `count` bytes, which must be held; they stay readable by [`Self::bytes`] at the
    /// returned place until the next call that fills or skips.
    #[inline]
    pub(super) fn take(&mut self, count: usize) -> Range<usize> {
        let taken = self.start..self.start + count;
        assert!(taken.end <= self.end, "only held bytes are taken");
        self.start = taken.end;
        self.offset += count as u64;
        taken
    }

    /// Bytes at a place that [`Self::take`] returned.
    #[inline]
    pub(super) fn bytes(&self, place: Range<usize>) -> &[u8] {
        &self.bytes[place]
    }

    /// Passes over the next `count` bytes without holding them; tells how many there were, fewer
    /// than `count` only where the input ends.
    pub(super) fn skip(&mut self, count: u64) -> Result<u64, CaptureError> {
        let mut left = count;
        loop {
            let held = self.end - self.start;
            let step = usize::try_from(left).map_or(held, |left| left.min(held));
            self.take(step);
            left -= step as u64;
            if left == 0 || self.ended {
                return Ok(count - left);
            }
            self.start = 0;
            self.end = 0;
            self.read_once()?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    /// Gives `bytes` in pieces of one, each after an interruption, then fails once asked again.
    struct Trickle {
        bytes: Vec<u8>,
        given: usize,
        interrupt: bool,
    }

    impl Read for Trickle {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            self.interrupt = !self.interrupt;
            if self.interrupt {
                return Err(ErrorKind::Interrupted.into());
            }
            let byte = self.bytes.get(self.given).ok_or(ErrorKind::InvalidData)?;
            room[0] = *byte;
            self.given += 1;
            Ok(1)
        }
    }

    #[test]
    fn interruptions_are_retried_and_other_failures_tell_where() {
        let trickle = Trickle {
            bytes: (0..10).collect(),
            given: 0,
            interrupt: false,
        };
        let mut buffer = InputBuffer::new(trickle);
        assert_eq!(buffer.want(4).unwrap(), 4);
        let place = buffer.take(3);
        assert_eq!(buffer.bytes(place), [0, 1, 2]);
        assert_eq!(buffer.skip(2).unwrap(), 2);
        assert_eq!(buffer.want(1).unwrap(), 1);
        assert_eq!((buffer.held(), buffer.offset()), (&[5][..], 5));
        let Err(CaptureError::Io { offset: 10, source }) = buffer.want(6) else {
            panic!("the failure at byte 10 was not told");
        };
        assert_eq!(source.kind(), ErrorKind::InvalidData);
    }

    #[test]
    fn a_long_skip_holds_no_more_than_the_buffer_had() {
        let mut buffer = InputBuffer::new(io::repeat(7).take(50_000_000));
        assert_eq!(buffer.skip(40_000_000).unwrap(), 40_000_000);
        assert_eq!(buffer.bytes.len(), START_BYTES);
        assert_eq!(buffer.skip(u64::MAX).unwrap(), 10_000_000);
        assert_eq!(buffer.offset(), 50_000_000);
    }

    #[test]
    fn the_buffer_grows_to_the_largest_record_and_keeps_its_bytes_in_order() {
        let content: Vec<u8> = (0..700_000_u32).map(|i| (i % 251) as u8).collect();
        let mut buffer = InputBuffer::new(&content[..]);
        buffer.want(10).unwrap();
        buffer.take(10);
        let largest = BLOCK_MAX_BYTES as usize;
        assert!(buffer.want(largest).unwrap() >= largest);
        assert_eq!(&buffer.held()[..largest], &content[10..10 + largest]);
        assert_eq!(buffer.bytes.len(), largest);
    }

    #[test]
    fn an_input_that_claims_more_than_it_was_offered_is_held_to_the_offer() {
        struct Liar;
        impl Read for Liar {
            fn read(&mut self, _room: &mut [u8]) -> io::Result<usize> {
                Ok(usize::MAX)
            }
        }
        let mut buffer = InputBuffer::new(Liar);
        assert_eq!(buffer.want(1).unwrap(), START_BYTES);
    }
}
