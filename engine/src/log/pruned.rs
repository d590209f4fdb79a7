//! What is on record of the segments that were taken away from the front of a log.
//!
//! Stands beside the segments as `pruned`. Whoever prunes writes it, by rename and synced, before the
//! first file goes; every reader begins a log where it says. So a log whose front was pruned can be told
//! from one whose front is missing, and its chain of seals still verifies:
//!
//! ```text
//!  0       8         12             16        32     36             40           48       56
//!  ├ magic ┼ version ┼ header_bytes ┼ session ┼ kind ┼ record_bytes ┼ first_kept ┼ frames ┼ …
//!    8 B     u32       u32            16 B      u32    u32            u64          u64
//!  56              64                 72     104            104 + record_bytes
//!  ├ last_sequence ┼ greatest_time_ns ┼ seal ┼ first record ┼ crc32c ┤
//!    u64             i64                32 B   record_bytes   u32
//! ```
//! Little-endian. `first_kept` is the number of the first segment that is kept, `frames` counts all
//! frames of the ones before it, those that end segments included, as their seals did. `last_sequence`
//! is that of the last of these frames that has one, `greatest_time_ns` the greatest time of them all,
//! `seal` the seal of the last one of these segments. The first record is the payload of a journal's first
//! frame, the session's description, which would be gone otherwise; of an output log the tally of what
//! was told ([`Tally`](crate::output::tally::Tally)). `crc32c`
//! covers all bytes before it.

use bytemuck::{Pod, Zeroable};

use crate::log::checksum::crc32c;
use crate::log::frame::PAYLOAD_BYTES_MAX;
use crate::log::seal::Seal;
use crate::log::segment::LOG_FORMAT_VERSION;
use crate::log::{LogKind, SegmentNumber, SessionId};
use crate::units::{Nanos, Sequence};

/// Name of the file.
pub const PRUNED_NAME: &str = "pruned";

/// First bytes of the file.
pub const PRUNED_MAGIC: [u8; 8] = *b"TWPRUNED";

/// Bytes of the file before the first record.
pub const PRUNED_HEADER_BYTES: usize = 104;

/// Most bytes of the file.
pub(super) const PRUNED_BYTES_MAX: u64 = (PRUNED_HEADER_BYTES + PAYLOAD_BYTES_MAX + 4) as u64;

/// See the module.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct PrunedHeader {
    magic: [u8; 8],
    version: u32,
    header_bytes: u32,
    session: [u8; 16],
    kind: u32,
    record_bytes: u32,
    first_kept: u64,
    frames: u64,
    last_sequence: u64,
    greatest_time_ns: i64,
    seal: [u8; 32],
}

const _: () = {
    assert!(size_of::<PrunedHeader>() == PRUNED_HEADER_BYTES);
    assert!(core::mem::offset_of!(PrunedHeader, session) == 16);
    assert!(core::mem::offset_of!(PrunedHeader, record_bytes) == 36);
    assert!(core::mem::offset_of!(PrunedHeader, first_kept) == 40);
    assert!(core::mem::offset_of!(PrunedHeader, last_sequence) == 56);
    assert!(core::mem::offset_of!(PrunedHeader, seal) == 72);
};

/// The segments that were taken away from the front of a log; see the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pruned {
    /// Whose log it is.
    pub session: SessionId,
    /// What the log is for.
    pub kind: LogKind,
    /// The first segment that is kept: 1 or more.
    pub first_kept: SegmentNumber,
    /// Frames of the segments before it, those that end segments included.
    pub frames: u64,
    /// Of the last of them that has a sequence; 0 if none has.
    pub last_sequence: Sequence,
    /// The greatest time of all of them.
    pub greatest_time: Nanos,
    /// The seal of the last segment before it.
    pub seal: Seal,
    /// Payload of the first frame of a journal; of an output log the tally of what was told.
    pub first_record: Vec<u8>,
}

/// Why bytes do not say what was pruned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrunedError {
    /// More or fewer bytes than it has.
    #[error("{bytes} bytes, which is not the size of a record of what was pruned")]
    Size {
        /// Bytes there are.
        bytes: usize,
    },
    /// It begins otherwise.
    #[error("it begins with {found:02x?}, not as a record of what was pruned does")]
    Magic {
        /// The first eight bytes.
        found: [u8; 8],
    },
    /// A version that this program does not know.
    #[error("format version {found}, this program reads up to {LOG_FORMAT_VERSION}")]
    Version {
        /// The version found.
        found: u32,
    },
    /// The checksum does not match.
    #[error("CRC-32C {found:#010x} where the bytes give {expected:#010x}")]
    Crc {
        /// As stored.
        found: u32,
        /// As computed.
        expected: u32,
    },
    /// A field has a value that nobody gives it.
    #[error("field {field} has the value {found}")]
    Field {
        /// The field's name.
        field: &'static str,
        /// Its value.
        found: u64,
    },
}

impl Pruned {
    /// Frames of the log's user that were taken away: those that end segments aside.
    #[must_use]
    pub fn user_frames(&self) -> u64 {
        // Every closed segment has one frame that ends it.
        self.frames.saturating_sub(self.first_kept.0)
    }

    /// The bytes of the file.
    ///
    /// # Panics
    /// If the first record is longer than a frame's payload can be.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        assert!(
            self.first_record.len() <= PAYLOAD_BYTES_MAX,
            "Invariant: it was a frame's payload"
        );
        let header = PrunedHeader {
            magic: PRUNED_MAGIC,
            version: LOG_FORMAT_VERSION,
            header_bytes: PRUNED_HEADER_BYTES as u32,
            session: self.session.0,
            kind: self.kind as u32,
            record_bytes: self.first_record.len() as u32,
            first_kept: self.first_kept.0,
            frames: self.frames,
            last_sequence: self.last_sequence.0,
            greatest_time_ns: self.greatest_time.0,
            seal: self.seal.0,
        };
        let mut bytes = [bytemuck::bytes_of(&header), &self.first_record].concat();
        bytes.extend(crc32c(&bytes).to_le_bytes());
        bytes
    }

    /// Reads all bytes of the file.
    ///
    /// # Errors
    /// Where they do not say what was pruned, or say it as a newer version does.
    pub fn read(bytes: &[u8]) -> Result<Pruned, PrunedError> {
        let size = PrunedError::Size { bytes: bytes.len() };
        let (first, rest) = bytes.split_first_chunk::<PRUNED_HEADER_BYTES>().ok_or(size)?;
        let header: PrunedHeader = bytemuck::pod_read_unaligned(first);
        if header.magic != PRUNED_MAGIC {
            return Err(PrunedError::Magic { found: header.magic });
        }
        if header.version == 0 || header.version > LOG_FORMAT_VERSION {
            return Err(PrunedError::Version { found: header.version });
        }
        let (record, crc) = rest.split_last_chunk::<4>().ok_or(size)?;
        let (found, expected) = (u32::from_le_bytes(*crc), crc32c(&bytes[..bytes.len() - 4]));
        if found != expected {
            return Err(PrunedError::Crc { found, expected });
        }
        let field = |field, found: u64| PrunedError::Field { field, found };
        if header.header_bytes as usize != PRUNED_HEADER_BYTES {
            return Err(field("header_bytes", header.header_bytes.into()));
        }
        if record.len() != header.record_bytes as usize || record.len() > PAYLOAD_BYTES_MAX {
            return Err(field("record_bytes", header.record_bytes.into()));
        }
        if header.first_kept == 0 {
            return Err(field("first_kept", 0));
        }
        let kind = match header.kind {
            kind if kind == LogKind::Journal as u32 => LogKind::Journal,
            kind if kind == LogKind::Output as u32 => LogKind::Output,
            kind => return Err(field("kind", kind.into())),
        };
        Ok(Pruned {
            session: SessionId(header.session),
            kind,
            first_kept: SegmentNumber(header.first_kept),
            frames: header.frames,
            last_sequence: Sequence(header.last_sequence),
            greatest_time: Nanos(header.greatest_time_ns),
            seal: Seal(header.seal),
            first_record: record.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pruned() -> Pruned {
        Pruned {
            session: SessionId([7; 16]),
            kind: LogKind::Journal,
            first_kept: SegmentNumber(3),
            frames: 0x0102_0304,
            last_sequence: Sequence(0x11),
            greatest_time: Nanos(-2),
            seal: Seal([9; 32]),
            first_record: b"text".to_vec(),
        }
    }

    #[test]
    fn the_bytes_are_pinned_and_read_back() {
        let bytes = pruned().to_bytes();
        let mut expected = b"TWPRUNED".to_vec();
        expected.extend([1, 0, 0, 0, 104, 0, 0, 0]);
        expected.extend([7; 16]);
        expected.extend([1, 0, 0, 0, 4, 0, 0, 0]);
        expected.extend([3, 0, 0, 0, 0, 0, 0, 0]);
        expected.extend([4, 3, 2, 1, 0, 0, 0, 0]);
        expected.extend([0x11, 0, 0, 0, 0, 0, 0, 0]);
        expected.extend([0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
        expected.extend([9; 32]);
        expected.extend(b"text");
        assert_eq!(bytes[..bytes.len() - 4], expected);
        assert_eq!(bytes[bytes.len() - 4..], crc32c(&expected).to_le_bytes());
        assert_eq!(Pruned::read(&bytes), Ok(pruned()));
        assert_eq!(pruned().user_frames(), 0x0102_0304 - 3);
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let bytes = pruned().to_bytes();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Pruned::read(&flipped).is_err(), "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert!(Pruned::read(&bytes[..length]).is_err(), "cut to {length}");
        }
    }
}
