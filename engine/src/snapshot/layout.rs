//! The bytes of a snapshot's file.
//!
//! ```text
//!  0        256
//!  ├ header ┼ part ┼ part ┼ … ┼ entry of each part ┼ trailer ┤        entries and trailer 32 bytes each
//! ```
//! The header says what the snapshot is of, and how far that had come:
//!
//! ```text
//!  0       8         12             16        32        40        48             56        64       72
//!  ├ magic ┼ version ┼ header_bytes ┼ session ┼ records ┼ segment ┼ offset_bytes ┼ ordinal ┼ digest ┤
//!    8 B     u32       u32            16 B      u64       u64       u64            u64       u64
//!  72         80     88             96        104             112        120            128        136
//!  ├ messages ┼ gaps ┼ gap_messages ┼ outputs ┼ last_sequence ┼ position ┼ feed_time_ns ┼ last_ns ┤
//!    u64        u64    u64            u64       u64             u64        i64            i64
//!  136          144            176              192             196               200   252      256
//!  ├ state_hash ┼ fingerprints ┼ state_versions ┼ image_version ┼ decoder_version ┼ 0…0 ┼ crc32c ┤
//!    u64          4 × u64        4 × u32          u32             u32               52 B  u32
//! ```
//! A part's entry, ordered by kind and symbol, and the trailer:
//!
//! ```text
//!  0      4        8              16           24       28   32
//!  ├ kind ┼ symbol ┼ offset_bytes ┼ size_bytes ┼ crc32c ┼ 0 ┤
//!    u32    u32      u64            u64          u32      u32
//!  ├ magic          ┼ table_bytes  ┼ entries    ┼ table's ┼ own crc32c ┤
//!    8 B              u64            u64          u32       u32
//! ```
//! Little-endian. `records`, `digest`, `gaps` and `gap_messages` are those of
//! [`Accepted`]; segment, offset and ordinal the place of the journal's next frame; `outputs` the number
//! of outputs that the engine has told by then; `last_ns` the greatest time of a message. `table_bytes`
//! is where the entries begin. Each checksum covers the bytes of its piece before it.

use bytemuck::{Pod, Zeroable};

use crate::log::checksum::crc32c;
use crate::log::reader::FramePosition;
use crate::log::{SegmentNumber, SessionId};
use crate::snapshot::accepted::Accepted;
use crate::state::Section;
use crate::state::image::IMAGE_VERSION_MIN;
use crate::units::{Nanos, Position, Sequence};

/// First bytes of a snapshot.
pub const SNAPSHOT_MAGIC: [u8; 8] = *b"TWSNAPSH";

/// First bytes of its trailer.
pub const TRAILER_MAGIC: [u8; 8] = *b"TWSNPEND";

/// Version of the format.
pub const SNAPSHOT_FORMAT_VERSION: u32 = 1;

/// Bytes of the header.
pub const SNAPSHOT_HEADER_BYTES: usize = 256;

/// Bytes of an entry, and of the trailer.
pub const ENTRY_BYTES: usize = 32;

/// What a snapshot is of, and how far that had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotHead {
    /// Whose it is.
    pub session: SessionId,
    /// What of the journal it holds.
    pub accepted: Accepted,
    /// Where the journal's next frame stands.
    pub next: FramePosition,
    /// Messages that were applied.
    pub messages: u64,
    /// Outputs that were told.
    pub outputs: u64,
    /// Sequence of the last message.
    pub last_sequence: Sequence,
    /// Its position.
    pub position: Position,
    /// Feed time.
    pub feed_time: Nanos,
    /// The greatest time of a message; `i64::MIN` where there is none.
    pub last_time: Nanos,
    /// The hash of the state.
    pub state_hash: u64,
    /// What its bytes mean, and under which configuration it was computed.
    pub made_by: MadeBy,
}

/// What must be equal for a snapshot's bytes to mean the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MadeBy {
    /// Of the configuration of each section.
    pub fingerprints: [u64; Section::COUNT],
    /// [`Section::state_version`] of each section.
    pub state_versions: [u32; Section::COUNT],
    /// Version of the parts beside the sections.
    pub image_version: u32,
    /// Version of the decoder.
    pub decoder_version: u32,
}

impl MadeBy {
    /// Whether whoever makes snapshots so goes on from one that was made as `made` says.
    #[must_use]
    pub fn reads(&self, made: &MadeBy) -> bool {
        let versions = IMAGE_VERSION_MIN..=self.image_version;
        versions.contains(&made.image_version)
            && *made == MadeBy { image_version: made.image_version, ..*self }
    }
}

#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
struct Header {
    magic: [u8; 8],
    version: u32,
    header_bytes: u32,
    session: [u8; 16],
    records: u64,
    segment: u64,
    offset_bytes: u64,
    ordinal: u64,
    digest: u64,
    messages: u64,
    gaps: u64,
    gap_messages: u64,
    outputs: u64,
    last_sequence: u64,
    position: u64,
    feed_time_ns: i64,
    last_ns: i64,
    state_hash: u64,
    fingerprints: [u64; Section::COUNT],
    state_versions: [u32; Section::COUNT],
    image_version: u32,
    decoder_version: u32,
    reserved: [u32; 13],
    crc32c: u32,
}

/// Where a part stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Entry {
    pub(super) kind: u32,
    pub(super) symbol: u32,
    pub(super) offset_bytes: u64,
    pub(super) size_bytes: u64,
    pub(super) crc32c: u32,
    pub(super) reserved: u32,
}

#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
struct TrailerBytes {
    magic: [u8; 8],
    table_bytes: u64,
    entries: u64,
    table_crc32c: u32,
    crc32c: u32,
}

const _: () = {
    assert!(size_of::<Header>() == SNAPSHOT_HEADER_BYTES);
    assert!(core::mem::offset_of!(Header, session) == 16);
    assert!(core::mem::offset_of!(Header, records) == 32);
    assert!(core::mem::offset_of!(Header, digest) == 64);
    assert!(core::mem::offset_of!(Header, last_sequence) == 104);
    assert!(core::mem::offset_of!(Header, state_hash) == 136);
    assert!(core::mem::offset_of!(Header, state_versions) == 176);
    assert!(core::mem::offset_of!(Header, image_version) == 192);
    assert!(core::mem::offset_of!(Header, crc32c) == 252);
    assert!(size_of::<Entry>() == ENTRY_BYTES && size_of::<TrailerBytes>() == ENTRY_BYTES);
    assert!(cfg!(target_endian = "little"), "layouts are little-endian and used in place");
};

/// Why bytes are no snapshot that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// Fewer bytes than its pieces need.
    #[error("{bytes} bytes, {expected} are needed")]
    Short {
        /// Bytes there are.
        bytes: u64,
        /// Bytes there should be, at least.
        expected: u64,
    },
    /// It begins otherwise than a snapshot, or does not end as one.
    #[error("the {piece} begins with {found:02x?}")]
    Magic {
        /// Which piece.
        piece: &'static str,
        /// Its first eight bytes.
        found: [u8; 8],
    },
    /// A version that this program does not know.
    #[error("format version {found}, this program reads up to {SNAPSHOT_FORMAT_VERSION}")]
    Version {
        /// The version found.
        found: u32,
    },
    /// A checksum does not match.
    #[error("CRC-32C of the {piece} is {found:#010x} where the bytes give {expected:#010x}")]
    Crc {
        /// Which piece.
        piece: &'static str,
        /// As stored.
        found: u32,
        /// As computed.
        expected: u32,
    },
    /// A field has a value that no writer gives it.
    #[error("field {field} has the value {found}")]
    Field {
        /// The field's name.
        field: &'static str,
        /// Its value.
        found: u64,
    },
}

impl SnapshotHead {
    /// As bytes.
    pub(super) fn to_bytes(self) -> [u8; SNAPSHOT_HEADER_BYTES] {
        let SnapshotHead {
            session,
            accepted: Accepted { records, digest, gaps, gap_messages },
            next: FramePosition { segment, offset_bytes, ordinal },
            messages,
            outputs,
            last_sequence,
            position,
            feed_time,
            last_time,
            state_hash,
            made_by: MadeBy { fingerprints, state_versions, image_version, decoder_version },
        } = self;
        let mut header = Header {
            magic: SNAPSHOT_MAGIC,
            version: SNAPSHOT_FORMAT_VERSION,
            header_bytes: SNAPSHOT_HEADER_BYTES as u32,
            session: session.0,
            records,
            segment: segment.0,
            offset_bytes,
            ordinal,
            digest,
            messages,
            gaps,
            gap_messages,
            outputs,
            last_sequence: last_sequence.0,
            position: position.0,
            feed_time_ns: feed_time.0,
            last_ns: last_time.0,
            state_hash,
            fingerprints,
            state_versions,
            image_version,
            decoder_version,
            reserved: [0; 13],
            crc32c: 0,
        };
        header.crc32c = crc32c(&bytemuck::bytes_of(&header)[..SNAPSHOT_HEADER_BYTES - 4]);
        bytemuck::cast(header)
    }

    /// From the first bytes of a file.
    ///
    /// # Errors
    /// They are none, or of a newer version.
    pub fn read(bytes: &[u8]) -> Result<SnapshotHead, LayoutError> {
        let Some(bytes) = bytes.first_chunk::<SNAPSHOT_HEADER_BYTES>() else {
            let expected = SNAPSHOT_HEADER_BYTES as u64;
            return Err(LayoutError::Short { bytes: bytes.len() as u64, expected });
        };
        let header: Header = bytemuck::pod_read_unaligned(bytes);
        if header.magic != SNAPSHOT_MAGIC {
            return Err(LayoutError::Magic { piece: "header", found: header.magic });
        }
        // Before the checksum: a newer version may keep it elsewhere.
        if header.version == 0 || header.version > SNAPSHOT_FORMAT_VERSION {
            return Err(LayoutError::Version { found: header.version });
        }
        let expected = crc32c(&bytes[..SNAPSHOT_HEADER_BYTES - 4]);
        if header.crc32c != expected {
            return Err(LayoutError::Crc { piece: "header", found: header.crc32c, expected });
        }
        if header.header_bytes as usize != SNAPSHOT_HEADER_BYTES {
            let (field, found) = ("header_bytes", header.header_bytes.into());
            return Err(LayoutError::Field { field, found });
        }
        if header.reserved != [0; 13] {
            return Err(LayoutError::Field { field: "reserved", found: 1 });
        }
        Ok(SnapshotHead {
            session: SessionId(header.session),
            accepted: Accepted {
                records: header.records,
                digest: header.digest,
                gaps: header.gaps,
                gap_messages: header.gap_messages,
            },
            next: FramePosition {
                segment: SegmentNumber(header.segment),
                offset_bytes: header.offset_bytes,
                ordinal: header.ordinal,
            },
            messages: header.messages,
            outputs: header.outputs,
            last_sequence: Sequence(header.last_sequence),
            position: Position(header.position),
            feed_time: Nanos(header.feed_time_ns),
            last_time: Nanos(header.last_ns),
            state_hash: header.state_hash,
            made_by: MadeBy {
                fingerprints: header.fingerprints,
                state_versions: header.state_versions,
                image_version: header.image_version,
                decoder_version: header.decoder_version,
            },
        })
    }
}

/// What ends a snapshot: where its entries are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trailer {
    pub(super) table_bytes: u64,
    pub(super) entries: u64,
    pub(super) table_crc32c: u32,
}

impl Trailer {
    pub(super) fn to_bytes(self) -> [u8; ENTRY_BYTES] {
        let Trailer { table_bytes, entries, table_crc32c } = self;
        let magic = TRAILER_MAGIC;
        let mut trailer = TrailerBytes { magic, table_bytes, entries, table_crc32c, crc32c: 0 };
        trailer.crc32c = crc32c(&bytemuck::bytes_of(&trailer)[..ENTRY_BYTES - 4]);
        bytemuck::cast(trailer)
    }

    /// From the last bytes of a file of `size_bytes`.
    pub(super) fn read(bytes: &[u8; ENTRY_BYTES], size_bytes: u64) -> Result<Trailer, LayoutError> {
        let trailer: TrailerBytes = bytemuck::pod_read_unaligned(bytes);
        if trailer.magic != TRAILER_MAGIC {
            return Err(LayoutError::Magic { piece: "trailer", found: trailer.magic });
        }
        let expected = crc32c(&bytes[..ENTRY_BYTES - 4]);
        if trailer.crc32c != expected {
            return Err(LayoutError::Crc { piece: "trailer", found: trailer.crc32c, expected });
        }
        let TrailerBytes { table_bytes, entries, table_crc32c, .. } = trailer;
        let end = entries
            .checked_mul(ENTRY_BYTES as u64)
            .and_then(|bytes| bytes.checked_add(table_bytes)?.checked_add(ENTRY_BYTES as u64));
        if end != Some(size_bytes) || table_bytes < SNAPSHOT_HEADER_BYTES as u64 {
            return Err(LayoutError::Field { field: "table_bytes", found: table_bytes });
        }
        Ok(Trailer { table_bytes, entries, table_crc32c })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A header with another value in each field.
    pub(crate) fn head() -> SnapshotHead {
        SnapshotHead {
            session: SessionId(core::array::from_fn(|i| i as u8 + 0x10)),
            accepted: Accepted { records: 1, digest: 2, gaps: 3, gap_messages: 4 },
            next: FramePosition { segment: SegmentNumber(5), offset_bytes: 128, ordinal: 6 },
            messages: 7,
            outputs: 8,
            last_sequence: Sequence(9),
            position: Position(10),
            feed_time: Nanos(11),
            last_time: Nanos(12),
            state_hash: 13,
            made_by: MadeBy {
                fingerprints: [14, 15, 16, 17],
                state_versions: [18, 19, 20, 21],
                image_version: 22,
                decoder_version: 23,
            },
        }
    }

    #[test]
    fn the_bytes_of_a_header_are_pinned() {
        let bytes = head().to_bytes();
        assert_eq!(bytes[..16], *b"TWSNAPSH\x01\0\0\0\0\x01\0\0");
        assert_eq!(bytes[16..32], core::array::from_fn::<u8, 16, _>(|i| i as u8 + 0x10));
        let words: Vec<u64> = bytes[32..176]
            .chunks_exact(8)
            .map(|word| u64::from_le_bytes(word.try_into().expect("eight bytes")))
            .collect();
        assert_eq!(words, [1, 5, 128, 6, 2, 7, 3, 4, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]);
        let halves: Vec<u32> = bytes[176..252]
            .chunks_exact(4)
            .map(|half| u32::from_le_bytes(half.try_into().expect("four bytes")))
            .collect();
        assert_eq!(halves[..6], [18, 19, 20, 21, 22, 23]);
        assert!(halves[6..].iter().all(|half| *half == 0));
        assert_eq!(bytes[252..], crc32c(&bytes[..252]).to_le_bytes());
        assert_eq!(SnapshotHead::read(&bytes), Ok(head()));
    }

    #[test]
    fn every_flipped_bit_of_a_header_and_trailer_is_noticed() {
        for bit in 0..SNAPSHOT_HEADER_BYTES * 8 {
            let mut bytes = head().to_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(SnapshotHead::read(&bytes).is_err(), "bit {bit}");
        }
        let trailer = Trailer { table_bytes: 300, entries: 2, table_crc32c: 5 };
        assert_eq!(Trailer::read(&trailer.to_bytes(), 396), Ok(trailer));
        assert!(Trailer::read(&trailer.to_bytes(), 397).is_err());
        for bit in 0..ENTRY_BYTES * 8 {
            let mut bytes = trailer.to_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(Trailer::read(&bytes, 396).is_err(), "bit {bit}");
        }
        let vast = Trailer { entries: u64::MAX / 32, ..trailer };
        assert!(Trailer::read(&vast.to_bytes(), 396).is_err());
    }
}
