//! One record of a log as it stands in a segment.
//!
//! ```text
//!  0        4        8        12     13      14     16         24        32            length
//!  ├ length ┼ crc32c ┼ epoch  ┼ kind ┼ flags ┼ feed ┼ sequence ┼ time_ns ┼ payload … ┤ 0–7 zero bytes
//!    u32      u32      u32      u8     u8      u16    u64        i64
//! ```
//! Little-endian; every frame begins at a multiple of 8. `length` counts header and payload, without
//! the zero bytes behind, and is stored last: 0 means that nothing was published here. `crc32c`
//! covers the bytes from `epoch` to the end of the payload. `epoch` is the segment's: what an earlier
//! use of the same memory left behind is never taken for a frame of this one.
//!
//! Read from foreign bytes with [`Frame::read`], which trusts nothing.

use bytemuck::{Pod, Zeroable};

use crate::log::checksum::crc32c;
use crate::units::{Nanos, Sequence};

/// Bytes of a frame before its payload.
pub const FRAME_HEADER_BYTES: usize = 32;

/// Every frame begins at a multiple of this.
pub const FRAME_ALIGN_BYTES: usize = 8;

/// Bytes of a payload at most.
pub const PAYLOAD_BYTES_MAX: usize = (128 << 10) - FRAME_HEADER_BYTES;

/// Kind of the frame that ends a full segment; its payload is empty.
pub const KIND_ROLL: u8 = 250;

/// Kind of the frame that ends a log in order; its payload is empty.
pub const KIND_END: u8 = 251;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct FrameHeader {
    /// Header and payload; 0 while unpublished.
    pub length: u32,
    /// CRC-32C of everything from `epoch` on.
    pub crc32c: u32,
    /// The segment's epoch.
    pub epoch: u32,
    /// What the payload is; [`KIND_ROLL`] and [`KIND_END`] belong to the log, others to its user.
    pub kind: u8,
    /// Of the log's user.
    pub flags: u8,
    /// Number of the feed in the session, from 0.
    pub feed: u16,
    /// [`Sequence`] of the first message in the payload, or the last one before it.
    pub sequence: u64,
    /// Receive time, UTC epoch ns.
    pub time_ns: i64,
}

const _: () = {
    assert!(size_of::<FrameHeader>() == FRAME_HEADER_BYTES);
    assert!(core::mem::offset_of!(FrameHeader, crc32c) == 4);
    assert!(core::mem::offset_of!(FrameHeader, epoch) == 8);
    assert!(core::mem::offset_of!(FrameHeader, kind) == 12);
    assert!(core::mem::offset_of!(FrameHeader, flags) == 13);
    assert!(core::mem::offset_of!(FrameHeader, feed) == 14);
    assert!(core::mem::offset_of!(FrameHeader, sequence) == 16);
    assert!(core::mem::offset_of!(FrameHeader, time_ns) == 24);
    assert!(cfg!(target_endian = "little"), "layouts are little-endian and used in place");
};

/// What a frame says besides its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameTag {
    /// See [`FrameHeader::kind`].
    pub kind: u8,
    /// See [`FrameHeader::flags`].
    pub flags: u8,
    /// See [`FrameHeader::feed`].
    pub feed: u16,
    /// See [`FrameHeader::sequence`].
    pub sequence: Sequence,
    /// See [`FrameHeader::time_ns`].
    pub time: Nanos,
}

/// Bytes that a frame with `payload_bytes` takes in its segment, up to the next frame.
#[inline]
#[must_use]
pub const fn frame_bytes(payload_bytes: usize) -> usize {
    (FRAME_HEADER_BYTES + payload_bytes).next_multiple_of(FRAME_ALIGN_BYTES)
}

/// What stands at a place where a frame may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameRead<'a> {
    /// A whole frame.
    Whole(Frame<'a>),
    /// A length of 0: nothing was published here.
    Unpublished,
    /// No frame of this segment, for the reason given.
    Broken(BrokenFrame),
}

/// Why bytes are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokenFrame {
    /// Fewer bytes are left than a frame header has, and not all of them are zero.
    #[error("{left} bytes are left, a frame header has {FRAME_HEADER_BYTES}")]
    Header {
        /// Bytes left.
        left: usize,
    },
    /// The length is less than a header or more than what is left or allowed.
    #[error("length {length} is not between {FRAME_HEADER_BYTES} and the {left} bytes left")]
    Length {
        /// The length found.
        length: u32,
        /// Bytes left.
        left: usize,
    },
    /// The frame belongs to another use of the segment.
    #[error("epoch {found:#010x} where the segment's is {expected:#010x}")]
    Epoch {
        /// The epoch found.
        found: u32,
        /// The segment's.
        expected: u32,
    },
    /// The checksum does not match.
    #[error("CRC-32C {found:#010x} where the bytes give {expected:#010x}")]
    Crc {
        /// As stored.
        found: u32,
        /// As computed.
        expected: u32,
    },
    /// The bytes between the frame and the next are not zero.
    #[error("bytes behind the payload are not zero")]
    Padding,
}

/// A whole frame, borrowed from the segment's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What it says of its payload.
    pub tag: FrameTag,
    /// The payload.
    pub payload: &'a [u8],
    /// Bytes up to the next frame.
    pub bytes: usize,
}

impl<'a> Frame<'a> {
    /// Looks for a frame of a segment with `epoch` at the start of `bytes`, which end where the
    /// segment's frames must end.
    #[must_use]
    pub fn read(bytes: &'a [u8], epoch: u32) -> FrameRead<'a> {
        let left = bytes.len();
        let Some(header) = bytes.first_chunk::<FRAME_HEADER_BYTES>() else {
            return match bytes.iter().all(|&byte| byte == 0) {
                true => FrameRead::Unpublished,
                false => FrameRead::Broken(BrokenFrame::Header { left }),
            };
        };
        let header: FrameHeader = bytemuck::pod_read_unaligned(header);
        if header.length == 0 {
            return FrameRead::Unpublished;
        }
        let length = header.length as usize;
        let total = length.next_multiple_of(FRAME_ALIGN_BYTES);
        if length < FRAME_HEADER_BYTES
            || total > left
            || length - FRAME_HEADER_BYTES > PAYLOAD_BYTES_MAX
        {
            return FrameRead::Broken(BrokenFrame::Length { length: header.length, left });
        }
        if header.epoch != epoch {
            let found = header.epoch;
            return FrameRead::Broken(BrokenFrame::Epoch { found, expected: epoch });
        }
        let expected = crc32c(&bytes[8..length]);
        if header.crc32c != expected {
            return FrameRead::Broken(BrokenFrame::Crc { found: header.crc32c, expected });
        }
        if bytes[length..total].iter().any(|&byte| byte != 0) {
            return FrameRead::Broken(BrokenFrame::Padding);
        }
        let tag = FrameTag {
            kind: header.kind,
            flags: header.flags,
            feed: header.feed,
            sequence: Sequence(header.sequence),
            time: Nanos(header.time_ns),
        };
        let payload = &bytes[FRAME_HEADER_BYTES..length];
        FrameRead::Whole(Frame { tag, payload, bytes: total })
    }
}

/// Writes a frame to the front of `out` but for its length, which stays as it is; returns the length
/// to be published.
///
/// # Panics
/// If the payload is longer than [`PAYLOAD_BYTES_MAX`] or the frame does not fit: its writer looks
/// first.
#[inline]
pub fn write_unpublished(out: &mut [u8], epoch: u32, tag: &FrameTag, payload: &[u8]) -> u32 {
    assert!(payload.len() <= PAYLOAD_BYTES_MAX, "Invariant: a payload has a bounded length");
    let length = FRAME_HEADER_BYTES + payload.len();
    let out = &mut out[..length.next_multiple_of(FRAME_ALIGN_BYTES)];
    let mut header = FrameHeader {
        length: 0,
        crc32c: 0,
        epoch,
        kind: tag.kind,
        flags: tag.flags,
        feed: tag.feed,
        sequence: tag.sequence.0,
        time_ns: tag.time.0,
    };
    out[length..].fill(0);
    out[FRAME_HEADER_BYTES..length].copy_from_slice(payload);
    out[8..FRAME_HEADER_BYTES].copy_from_slice(&bytemuck::bytes_of(&header)[8..]);
    header.crc32c = crc32c(&out[8..length]);
    out[4..8].copy_from_slice(&header.crc32c.to_le_bytes());
    length as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: u32 = 0x0403_0201;

    fn tag() -> FrameTag {
        FrameTag {
            kind: 2,
            flags: 1,
            feed: 0x0605,
            sequence: Sequence(0x1112_1314_1516_1718),
            time: Nanos(0x2122_2324_2526_2728),
        }
    }

    fn frame(payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; frame_bytes(payload.len())];
        let length = write_unpublished(&mut bytes, EPOCH, &tag(), payload);
        bytes[..4].copy_from_slice(&length.to_le_bytes());
        bytes
    }

    #[test]
    fn the_bytes_of_a_frame_are_pinned() {
        let bytes = frame(b"abc");
        let expected = [
            35, 0, 0, 0, // length: 32 + 3
            0, 0, 0, 0, // crc32c, below
            1, 2, 3, 4, 2, 1, 5, 6, // epoch, kind, flags, feed
            0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11, // sequence
            0x28, 0x27, 0x26, 0x25, 0x24, 0x23, 0x22, 0x21, // time
            b'a', b'b', b'c', 0, 0, 0, 0, 0, // payload and up to the next multiple of 8
        ];
        assert_eq!(bytes[..4], expected[..4]);
        assert_eq!(bytes[8..], expected[8..]);
        assert_eq!(bytes[4..8], crc32c(&expected[8..35]).to_le_bytes());
        assert_eq!(
            Frame::read(&bytes, EPOCH),
            FrameRead::Whole(Frame { tag: tag(), payload: b"abc", bytes: 40 })
        );
    }

    #[test]
    fn every_flipped_bit_of_a_frame_is_noticed() {
        let whole = frame(b"a payload of some length");
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(!matches!(Frame::read(&bytes, EPOCH), FrameRead::Whole(_)), "bit {bit}");
        }
    }

    #[test]
    fn a_frame_cut_anywhere_is_broken() {
        let whole = frame(b"0123456789");
        for cut in 1..whole.len() {
            assert!(
                matches!(Frame::read(&whole[..cut], EPOCH), FrameRead::Broken(_)),
                "cut at {cut}"
            );
        }
        assert_eq!(Frame::read(&[], EPOCH), FrameRead::Unpublished);
    }

    #[test]
    fn a_frame_of_an_earlier_use_of_the_memory_is_no_frame() {
        let bytes = frame(b"old");
        let FrameRead::Broken(BrokenFrame::Epoch { found: EPOCH, expected: 7 }) =
            Frame::read(&bytes, 7)
        else {
            panic!("an old epoch was read");
        };
    }
}
