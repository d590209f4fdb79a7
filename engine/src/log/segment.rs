//! The header with which every segment begins, and the segment's name.
//!
//! ```text
//!  0       8         12             16           32       40      44     48              56         124
//!  ├ magic ┼ version ┼ header_bytes ┼ session id ┼ number ┼ epoch ┼ kind ┼ segment_bytes ┼ 68 × 0 ┼ crc32c ┤ 128
//!    8 B     u32       u32            16 B         u64      u32     u32    u64                      u32
//! ```
//! Little-endian. `segment_bytes` is the size that the file has while it is written; a closed segment
//! is cut behind its seal. `crc32c` covers all bytes before it.

use bytemuck::{Pod, Zeroable};

use crate::log::checksum::crc32c;
use crate::log::frame::FRAME_HEADER_BYTES;
use crate::log::seal::SEAL_BYTES;
use crate::log::{LogKind, SegmentNumber, SessionId};

/// First bytes of a segment.
pub const SEGMENT_MAGIC: [u8; 8] = *b"TWLOGSEG";

/// Version of the layouts of segment, frame, seal and index together.
pub const LOG_FORMAT_VERSION: u32 = 1;

/// Bytes of the header; the first frame begins here.
pub const SEGMENT_HEADER_BYTES: usize = 128;

/// Bytes at the end of a segment being written that frames other than the last one leave free: the
/// frame that ends it, and its seal.
pub const SEGMENT_RESERVE_BYTES: usize = FRAME_HEADER_BYTES + SEAL_BYTES;

/// Smallest segment: the longest frame must fit with header and reserve.
pub const SEGMENT_BYTES_MIN: u64 = 256 << 10;

/// Largest segment.
pub const SEGMENT_BYTES_MAX: u64 = 1 << 32;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct SegmentHeader {
    magic: [u8; 8],
    version: u32,
    header_bytes: u32,
    session: [u8; 16],
    number: u64,
    epoch: u32,
    kind: u32,
    segment_bytes: u64,
    reserved: [u8; 68],
    crc32c: u32,
}

const _: () = {
    assert!(size_of::<SegmentHeader>() == SEGMENT_HEADER_BYTES);
    assert!(core::mem::offset_of!(SegmentHeader, session) == 16);
    assert!(core::mem::offset_of!(SegmentHeader, number) == 32);
    assert!(core::mem::offset_of!(SegmentHeader, epoch) == 40);
    assert!(core::mem::offset_of!(SegmentHeader, kind) == 44);
    assert!(core::mem::offset_of!(SegmentHeader, segment_bytes) == 48);
    assert!(core::mem::offset_of!(SegmentHeader, crc32c) == 124);
};

/// Why bytes are no header of a segment that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SegmentHeaderError {
    /// Fewer bytes than a header has.
    #[error("{bytes} bytes are less than a segment header's {SEGMENT_HEADER_BYTES}")]
    Short {
        /// Bytes there are.
        bytes: usize,
    },
    /// It begins otherwise than a segment.
    #[error("it begins with {found:02x?}, not as a segment does")]
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
    #[error("header CRC-32C {found:#010x} where the bytes give {expected:#010x}")]
    Crc {
        /// As stored.
        found: u32,
        /// As computed.
        expected: u32,
    },
    /// A field has a value that no writer gives it.
    #[error("header field {field} has the value {found}")]
    Field {
        /// The field's name.
        field: &'static str,
        /// Its value.
        found: u64,
    },
}

impl SegmentHeader {
    /// The header of a segment.
    #[must_use]
    pub fn new(
        session: SessionId,
        kind: LogKind,
        number: SegmentNumber,
        epoch: u32,
        segment_bytes: u64,
    ) -> SegmentHeader {
        let mut header = SegmentHeader {
            magic: SEGMENT_MAGIC,
            version: LOG_FORMAT_VERSION,
            header_bytes: SEGMENT_HEADER_BYTES as u32,
            session: session.0,
            number: number.0,
            epoch,
            kind: kind as u32,
            segment_bytes,
            reserved: [0; 68],
            crc32c: 0,
        };
        header.crc32c = crc32c(&bytemuck::bytes_of(&header)[..124]);
        header
    }

    /// Reads a header from the front of `bytes`.
    ///
    /// # Errors
    /// Where they are none, or one of a newer version.
    pub fn read(bytes: &[u8]) -> Result<SegmentHeader, SegmentHeaderError> {
        let Some(first) = bytes.first_chunk::<SEGMENT_HEADER_BYTES>() else {
            return Err(SegmentHeaderError::Short { bytes: bytes.len() });
        };
        let header: SegmentHeader = bytemuck::pod_read_unaligned(first);
        if header.magic != SEGMENT_MAGIC {
            return Err(SegmentHeaderError::Magic { found: header.magic });
        }
        // Before the checksum: a newer version may keep it elsewhere.
        if header.version == 0 || header.version > LOG_FORMAT_VERSION {
            return Err(SegmentHeaderError::Version { found: header.version });
        }
        let expected = crc32c(&first[..124]);
        if header.crc32c != expected {
            return Err(SegmentHeaderError::Crc { found: header.crc32c, expected });
        }
        let field = |field, found| Err(SegmentHeaderError::Field { field, found });
        if header.header_bytes as usize != SEGMENT_HEADER_BYTES {
            return field("header_bytes", header.header_bytes.into());
        }
        if !(SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(&header.segment_bytes)
            || !header.segment_bytes.is_multiple_of(4096)
        {
            return field("segment_bytes", header.segment_bytes);
        }
        if header.epoch == 0 {
            return field("epoch", 0);
        }
        if header.log_kind().is_none() {
            return field("kind", header.kind.into());
        }
        if header.reserved != [0; 68] {
            return field("reserved", 1);
        }
        Ok(header)
    }

    /// The session.
    #[must_use]
    pub fn session(&self) -> SessionId {
        SessionId(self.session)
    }

    /// The segment's number.
    #[must_use]
    pub fn number(&self) -> SegmentNumber {
        SegmentNumber(self.number)
    }

    /// What frames of this segment carry; never 0.
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// What the log is for; `None` where the header was not [`SegmentHeader::read`].
    #[must_use]
    pub fn log_kind(&self) -> Option<LogKind> {
        match self.kind {
            1 => Some(LogKind::Journal),
            2 => Some(LogKind::Output),
            _ => None,
        }
    }

    /// Size of the file while it is written.
    #[must_use]
    pub fn segment_bytes(&self) -> u64 {
        self.segment_bytes
    }

    /// The format's version.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }
}

/// The name of a segment's file.
#[must_use]
pub fn segment_name(number: SegmentNumber) -> String {
    format!("{:08}.seg", number.0)
}

/// The name of a closed segment's index.
#[must_use]
pub fn index_name(number: SegmentNumber) -> String {
    format!("{:08}.idx", number.0)
}

/// The name of a closed journal segment's symbol index.
#[must_use]
pub fn symbol_index_name(number: SegmentNumber) -> String {
    format!("{:08}.sym", number.0)
}

/// The number of the segment that a file is called after; `None` for other files.
#[must_use]
pub fn number_of(name: &str, extension: &str) -> Option<SegmentNumber> {
    let digits = name.strip_suffix(extension)?.strip_suffix('.')?;
    let canonical = digits.len() == 8 || digits.len() > 8 && !digits.starts_with('0');
    if !canonical || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().map(SegmentNumber)
}

/// Ends of the names of the files that a closed segment may have, whole: itself, as it was written,
/// compressed or encrypted, and its indexes.
pub const SEGMENT_EXTENSIONS: [&str; 5] = ["seg", "idx", "sym", "seg.zst", "seg.zst.enc"];

/// The number of the segment to which a file belongs by its name: itself, or an index of it.
#[must_use]
pub fn number_of_any(name: &str) -> Option<SegmentNumber> {
    SEGMENT_EXTENSIONS.iter().find_map(|extension| number_of(name, extension))
}

/// The epoch of a segment: differs between the uses of one memory, between sessions and, by
/// `incarnation`, between the processes that write one session.
#[must_use]
pub fn epoch_of(session: SessionId, number: SegmentNumber, incarnation: u32) -> u32 {
    let mut bytes = [0; 28];
    bytes[..16].copy_from_slice(&session.0);
    bytes[16..24].copy_from_slice(&number.0.to_le_bytes());
    bytes[24..].copy_from_slice(&incarnation.to_le_bytes());
    crc32c(&bytes).max(1)
}

/// How many incarnations of one session are told apart.
const INCARNATIONS_MAX: u32 = 1 << 20;

/// Which incarnation gave a segment its epoch, see [`epoch_of`]. `None` if none of the first 2^20 did:
/// whoever wrote it chose otherwise. Different incarnations give one segment different epochs, since
/// a CRC tells any two values of its last 32 bits apart.
#[must_use]
pub fn incarnation_of(header: &SegmentHeader) -> Option<u32> {
    let (session, number) = (header.session(), header.number());
    (0..INCARNATIONS_MAX)
        .find(|incarnation| epoch_of(session, number, *incarnation) == header.epoch)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> SegmentHeader {
        let session = SessionId(core::array::from_fn(|i| i as u8 + 0x10));
        SegmentHeader::new(session, LogKind::Journal, SegmentNumber(7), 0x0403_0201, 1 << 26)
    }

    #[test]
    fn the_bytes_of_a_header_are_pinned() {
        let header = header();
        let bytes = bytemuck::bytes_of(&header);
        assert_eq!(bytes[..8], *b"TWLOGSEG");
        assert_eq!(bytes[8..16], [1, 0, 0, 0, 128, 0, 0, 0]);
        assert_eq!(bytes[16..32], core::array::from_fn::<u8, 16, _>(|i| i as u8 + 0x10));
        assert_eq!(bytes[32..48], [7, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 1, 0, 0, 0]);
        assert_eq!(bytes[48..56], [0, 0, 0, 4, 0, 0, 0, 0]);
        assert_eq!(bytes[56..124], [0; 68]);
        assert_eq!(bytes[124..], crc32c(&bytes[..124]).to_le_bytes());
        assert_eq!(SegmentHeader::read(bytes), Ok(header));
    }

    #[test]
    fn every_flipped_bit_of_a_header_is_noticed() {
        let header = header();
        for bit in 0..SEGMENT_HEADER_BYTES * 8 {
            let mut bytes = bytemuck::bytes_of(&header).to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(SegmentHeader::read(&bytes).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_newer_version_is_told_as_such() {
        let header = header();
        let mut bytes = bytemuck::bytes_of(&header).to_vec();
        bytes[8] = 2;
        assert_eq!(SegmentHeader::read(&bytes), Err(SegmentHeaderError::Version { found: 2 }));
    }

    #[test]
    fn the_incarnation_that_chose_an_epoch_is_found_again() {
        let session = SessionId([3; 16]);
        let header = |number, epoch| {
            SegmentHeader::new(session, LogKind::Output, SegmentNumber(number), epoch, 1 << 26)
        };
        for (number, incarnation) in [(0, 0), (0, 1), (9, 7), (u64::MAX, 4_000)] {
            let epoch = epoch_of(session, SegmentNumber(number), incarnation);
            assert_eq!(incarnation_of(&header(number, epoch)), Some(incarnation));
        }
        let far = epoch_of(session, SegmentNumber(1), INCARNATIONS_MAX);
        assert_eq!(incarnation_of(&header(1, far)), None);
    }

    #[test]
    fn names_and_numbers_belong_together() {
        assert_eq!(segment_name(SegmentNumber(12)), "00000012.seg");
        assert_eq!(number_of("00000012.seg", "seg"), Some(SegmentNumber(12)));
        assert_eq!(number_of("123456789.seg", "seg"), Some(SegmentNumber(123_456_789)));
        for name in
            ["12.seg", "000000012.seg", "0000001x.seg", "+0000001.seg", "00000012.idx", ".seg"]
        {
            assert_eq!(number_of(name, "seg"), None, "{name}");
        }
    }
}
