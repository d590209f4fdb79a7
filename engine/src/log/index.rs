//! The index of a closed segment: where its frames begin, at intervals, so that a reader gets near a
//! sequence or a time without reading all before it.
//!
//! Stands beside the segment as `%08d.idx`. Whoever closes the segment writes it, after the seal; it
//! holds nothing that the segment does not, and the same segment gives the same bytes, so that it may
//! be made again and `verify` compares every byte. Readers do without one that is absent or torn.
//!
//! ```text
//!  0       8         12             16           32       40              48       56             60
//!  ├ magic ┼ version ┼ header_bytes ┼ session id ┼ number ┼ content_bytes ┼ frames ┼ stride_bytes ┼ entries ┤ 64
//!    8 B     u32       u32            16 B         u64      u64             u64      u32            u32
//!  64               72              80              88                 96          96 + 32 × entries
//!  ├ first_sequence ┼ last_sequence ┼ least_time_ns ┼ greatest_time_ns ┼ entry … ┼ crc32c ┤
//!    u64              u64             i64             i64                          u32
//!
//!  entry  0              8          16        24        28     30      32
//!         ├ offset_bytes ┼ sequence ┼ time_ns ┼ ordinal ┼ feed ┼ 0   0 ┤
//!           u64            u64        i64       u32       u16
//! ```
//! Little-endian. There is an entry for each frame that is the first to begin at or after a multiple
//! of the stride: its place, number in the segment (from 0), feed and sequence, and in `time_ns` the
//! greatest time of all frames of the segment up to and with it. `content_bytes` and `frames` are the
//! seal's, so they count the frame that ends the segment; nothing else here does. Sequence 0
//! (unsequenced) is no first or last sequence; where nothing is left, the fields are 0. `crc32c` covers
//! all bytes before it.

use bytemuck::{Pod, Zeroable};

use crate::log::checksum::crc32c;
use crate::log::frame::{Frame, FrameRead, FrameTag, KIND_END, KIND_ROLL};
use crate::log::segment::{
    LOG_FORMAT_VERSION, SEGMENT_HEADER_BYTES, SegmentHeader, SegmentHeaderError,
};
use crate::log::{SegmentNumber, SessionId};
use crate::units::{Nanos, Sequence};

/// First bytes of an index.
pub const INDEX_MAGIC: [u8; 8] = *b"TWLOGIDX";

/// Bytes of a segment from one entry to the next, about.
pub const INDEX_STRIDE_BYTES: u32 = 64 << 10;

/// Bytes of the index before its entries.
pub const INDEX_HEADER_BYTES: usize = 96;

/// Bytes of an entry.
pub const INDEX_ENTRY_BYTES: usize = 32;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
struct IndexHeader {
    magic: [u8; 8],
    version: u32,
    header_bytes: u32,
    session: [u8; 16],
    number: u64,
    content_bytes: u64,
    frames: u64,
    stride_bytes: u32,
    entries: u32,
    first_sequence: u64,
    last_sequence: u64,
    least_time_ns: i64,
    greatest_time_ns: i64,
}

const _: () = {
    assert!(size_of::<IndexHeader>() == INDEX_HEADER_BYTES);
    assert!(core::mem::offset_of!(IndexHeader, session) == 16);
    assert!(core::mem::offset_of!(IndexHeader, number) == 32);
    assert!(core::mem::offset_of!(IndexHeader, frames) == 48);
    assert!(core::mem::offset_of!(IndexHeader, entries) == 60);
    assert!(core::mem::offset_of!(IndexHeader, first_sequence) == 64);
    assert!(core::mem::offset_of!(IndexHeader, greatest_time_ns) == 88);
    assert!(size_of::<IndexEntry>() == INDEX_ENTRY_BYTES);
    assert!(core::mem::offset_of!(IndexEntry, sequence) == 8);
    assert!(core::mem::offset_of!(IndexEntry, time_ns) == 16);
    assert!(core::mem::offset_of!(IndexEntry, ordinal) == 24);
    assert!(core::mem::offset_of!(IndexEntry, feed) == 28);
};

/// One place of a segment; see the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct IndexEntry {
    /// Where the frame begins in the segment's file.
    pub offset_bytes: u64,
    /// The frame's [`Sequence`].
    pub sequence: u64,
    /// Greatest time of the segment's frames up to and with this one, UTC epoch ns.
    pub time_ns: i64,
    /// The frame's number in the segment, from 0.
    pub ordinal: u32,
    /// The frame's feed.
    pub feed: u16,
    reserved: u16,
}

/// Why bytes are no index that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// More or fewer bytes than its entries need.
    #[error("an index of {expected} bytes has {bytes}")]
    Size {
        /// Bytes there are.
        bytes: usize,
        /// Bytes that header and entries need.
        expected: u64,
    },
    /// It begins otherwise than an index.
    #[error("it begins with {found:02x?}, not as an index does")]
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
    #[error("index CRC-32C {found:#010x} where the bytes give {expected:#010x}")]
    Crc {
        /// As stored.
        found: u32,
        /// As computed.
        expected: u32,
    },
    /// A field has a value that no writer gives it.
    #[error("index field {field} has the value {found}")]
    Field {
        /// The field's name.
        field: &'static str,
        /// Its value.
        found: u64,
    },
}

/// Why no index can be made of bytes: they are no closed segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IndexBuildError {
    /// The header cannot be read.
    #[error(transparent)]
    Header(#[from] SegmentHeaderError),
    /// The frames end without one that ends a segment.
    #[error("the frames end at byte {offset_bytes} without the frame that closes a segment")]
    NotClosed {
        /// Where the next frame would begin.
        offset_bytes: u64,
    },
}

/// The index of one closed segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    header: IndexHeader,
    entries: Vec<IndexEntry>,
}

impl Index {
    /// The index of a closed segment, given whole.
    ///
    /// # Errors
    /// The bytes are no segment or no closed one.
    pub fn build(segment: &[u8]) -> Result<Index, IndexBuildError> {
        let header = SegmentHeader::read(segment)?;
        let mut builder = IndexBuilder::new(&header);
        while let FrameRead::Whole(frame) = Frame::read(
            segment.get(builder.offset_bytes as usize..).unwrap_or_default(),
            header.epoch(),
        ) {
            builder.frame(&frame.tag, frame.bytes);
            if matches!(frame.tag.kind, KIND_ROLL | KIND_END) {
                return Ok(builder.finish());
            }
        }
        Err(IndexBuildError::NotClosed { offset_bytes: builder.offset_bytes })
    }

    /// Reads an index from all bytes of its file.
    ///
    /// # Errors
    /// Where they are none, or one of a newer version. Whether it is the segment's is for the reader
    /// to compare.
    pub fn read(bytes: &[u8]) -> Result<Index, IndexError> {
        let wrong_size = |expected| Err(IndexError::Size { bytes: bytes.len(), expected });
        let Some((first, rest)) = bytes.split_first_chunk::<INDEX_HEADER_BYTES>() else {
            return wrong_size(INDEX_HEADER_BYTES as u64 + 4);
        };
        let header: IndexHeader = bytemuck::pod_read_unaligned(first);
        if header.magic != INDEX_MAGIC {
            return Err(IndexError::Magic { found: header.magic });
        }
        if header.version == 0 || header.version > LOG_FORMAT_VERSION {
            return Err(IndexError::Version { found: header.version });
        }
        let entries_bytes = u64::from(header.entries) * INDEX_ENTRY_BYTES as u64;
        let Some((entries, crc)) = rest
            .split_last_chunk::<4>()
            .filter(|(entries, _)| entries.len() as u64 == entries_bytes)
        else {
            return wrong_size(INDEX_HEADER_BYTES as u64 + entries_bytes + 4);
        };
        let (found, expected) = (u32::from_le_bytes(*crc), crc32c(&bytes[..bytes.len() - 4]));
        if found != expected {
            return Err(IndexError::Crc { found, expected });
        }
        let field = |field, found| Err(IndexError::Field { field, found });
        if header.header_bytes as usize != INDEX_HEADER_BYTES {
            return field("header_bytes", header.header_bytes.into());
        }
        if header.stride_bytes == 0 {
            return field("stride_bytes", 0);
        }
        let entries: Vec<IndexEntry> = entries
            .chunks_exact(INDEX_ENTRY_BYTES)
            .map(bytemuck::pod_read_unaligned::<IndexEntry>)
            .collect();
        let mut least = SEGMENT_HEADER_BYTES as u64;
        for entry in &entries {
            if entry.offset_bytes < least
                || entry.offset_bytes >= header.content_bytes
                || !entry.offset_bytes.is_multiple_of(8)
            {
                return field("offset_bytes", entry.offset_bytes);
            }
            if entry.reserved != 0 {
                return field("reserved", entry.reserved.into());
            }
            least = entry.offset_bytes + 8;
        }
        Ok(Index { header, entries })
    }

    /// The bytes of its file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let entries: &[u8] = bytemuck::cast_slice(&self.entries);
        let mut bytes = [bytemuck::bytes_of(&self.header), entries].concat();
        bytes.extend(crc32c(&bytes).to_le_bytes());
        bytes
    }

    /// The session of the segment.
    #[must_use]
    pub fn session(&self) -> SessionId {
        SessionId(self.header.session)
    }

    /// The segment's number.
    #[must_use]
    pub fn number(&self) -> SegmentNumber {
        SegmentNumber(self.header.number)
    }

    /// Bytes of the segment's header and frames.
    #[must_use]
    pub fn content_bytes(&self) -> u64 {
        self.header.content_bytes
    }

    /// The segment's frames, the one that ends it included.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.header.frames
    }

    /// Sequences of the first and the last sequenced frame; `None` if there is none.
    #[must_use]
    pub fn sequences(&self) -> Option<(Sequence, Sequence)> {
        let IndexHeader { first_sequence, last_sequence, .. } = self.header;
        (first_sequence != 0).then_some((Sequence(first_sequence), Sequence(last_sequence)))
    }

    /// Least and greatest time of the frames; `None` if there is only the one that ends the segment.
    #[must_use]
    pub fn times(&self) -> Option<(Nanos, Nanos)> {
        let IndexHeader { frames, least_time_ns, greatest_time_ns, .. } = self.header;
        (frames > 1).then_some((Nanos(least_time_ns), Nanos(greatest_time_ns)))
    }

    /// The places, in order.
    #[must_use]
    pub fn entries(&self) -> &[IndexEntry] {
        &self.entries
    }

    /// The last place before which no frame has a time of `time` or later.
    #[must_use]
    pub fn place_before_time(&self, time: Nanos) -> Option<IndexEntry> {
        let before = self.entries.partition_point(|entry| entry.time_ns < time.0);
        before.checked_sub(1).and_then(|last| self.entries.get(last)).copied()
    }

    /// The last place whose frame is of `feed` and begins before `sequence`: the message with that
    /// sequence stands there or behind.
    #[must_use]
    pub fn place_before_sequence(&self, feed: u16, sequence: Sequence) -> Option<IndexEntry> {
        let begins_before = |entry: &&IndexEntry| {
            entry.feed == feed && entry.sequence != 0 && entry.sequence < sequence.0
        };
        self.entries.iter().rev().find(begins_before).copied()
    }
}

/// Makes an [`Index`] while the frames of a segment pass by.
#[derive(Clone, Debug)]
pub struct IndexBuilder {
    index: Index,
    offset_bytes: u64,
    next_place_bytes: u64,
}

impl IndexBuilder {
    /// Before the first frame of the segment with this header.
    #[must_use]
    pub fn new(segment: &SegmentHeader) -> IndexBuilder {
        let header = IndexHeader {
            magic: INDEX_MAGIC,
            version: LOG_FORMAT_VERSION,
            header_bytes: INDEX_HEADER_BYTES as u32,
            session: segment.session().0,
            number: segment.number().0,
            content_bytes: 0,
            frames: 0,
            stride_bytes: INDEX_STRIDE_BYTES,
            entries: 0,
            first_sequence: 0,
            last_sequence: 0,
            least_time_ns: 0,
            greatest_time_ns: 0,
        };
        IndexBuilder {
            index: Index { header, entries: Vec::new() },
            offset_bytes: SEGMENT_HEADER_BYTES as u64,
            next_place_bytes: 0,
        }
    }

    /// Takes the next frame; `bytes` are those up to the one behind it ([`Frame::bytes`]).
    pub fn frame(&mut self, tag: &FrameTag, bytes: usize) {
        let header = &mut self.index.header;
        if !matches!(tag.kind, KIND_ROLL | KIND_END) {
            let (is_first, time_ns) = (header.frames == 0, tag.time.0);
            if is_first || time_ns < header.least_time_ns {
                header.least_time_ns = time_ns;
            }
            if is_first || time_ns > header.greatest_time_ns {
                header.greatest_time_ns = time_ns;
            }
            if header.first_sequence == 0 {
                header.first_sequence = tag.sequence.0;
            }
            if tag.sequence.0 != 0 {
                header.last_sequence = tag.sequence.0;
            }
            if self.offset_bytes >= self.next_place_bytes {
                self.index.entries.push(IndexEntry {
                    offset_bytes: self.offset_bytes,
                    sequence: tag.sequence.0,
                    time_ns: header.greatest_time_ns,
                    ordinal: header.frames as u32,
                    feed: tag.feed,
                    reserved: 0,
                });
                let stride_bytes = u64::from(INDEX_STRIDE_BYTES);
                self.next_place_bytes = (self.offset_bytes / stride_bytes + 1) * stride_bytes;
            }
        }
        header.frames += 1;
        self.offset_bytes += bytes as u64;
    }

    /// Frames taken so far.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.index.header.frames
    }

    /// Bytes of header and frames so far.
    #[must_use]
    pub fn content_bytes(&self) -> u64 {
        self.offset_bytes
    }

    /// The index, after the frame that ends the segment.
    #[must_use]
    pub fn finish(mut self) -> Index {
        self.index.header.content_bytes = self.offset_bytes;
        self.index.header.entries = self.index.entries.len() as u32;
        self.index
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::LogKind;
    use crate::log::frame::{frame_bytes, write_unpublished};

    const EPOCH: u32 = 9;

    /// A closed segment with frames of these (feed, sequence, time, payload bytes).
    fn segment(frames: &[(u16, u64, i64, usize)]) -> Vec<u8> {
        let session = SessionId(core::array::from_fn(|i| i as u8 + 0x10));
        let header =
            SegmentHeader::new(session, LogKind::Journal, SegmentNumber(7), EPOCH, 1 << 20);
        let mut bytes = bytemuck::bytes_of(&header).to_vec();
        let mut push = |kind, feed, sequence, time, payload_bytes| {
            let tag =
                FrameTag { kind, flags: 0, feed, sequence: Sequence(sequence), time: Nanos(time) };
            let mut frame = vec![0; frame_bytes(payload_bytes)];
            let length = write_unpublished(&mut frame, EPOCH, &tag, &vec![0x55; payload_bytes]);
            frame[..4].copy_from_slice(&length.to_le_bytes());
            bytes.extend(frame);
        };
        for &(feed, sequence, time, payload_bytes) in frames {
            push(2, feed, sequence, time, payload_bytes);
        }
        push(KIND_ROLL, 0, 99, 1_000_000, 0);
        bytes
    }

    #[test]
    fn the_bytes_of_an_index_are_pinned() {
        let segment = segment(&[(3, 0, 50, 8), (3, 5, 40, 70_000), (4, 6, 60, 8)]);
        let bytes = Index::build(&segment).unwrap().to_bytes();
        assert_eq!(bytes.len(), 96 + 2 * 32 + 4);
        assert_eq!(bytes[..16], *b"TWLOGIDX\x01\0\0\0\x60\0\0\0");
        assert_eq!(bytes[16..32], core::array::from_fn::<u8, 16, _>(|i| i as u8 + 0x10));
        // Content 128 + 40 + 70,032 + 40 + 32 = 70,272; 4 frames; stride 65,536; 2 entries.
        assert_eq!(bytes[32..48], [7, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x12, 1, 0, 0, 0, 0, 0]);
        assert_eq!(bytes[48..64], [4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0]);
        assert_eq!(bytes[64..80], [5, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(bytes[80..96], [40, 0, 0, 0, 0, 0, 0, 0, 60, 0, 0, 0, 0, 0, 0, 0]);
        // The first frame, at 128; and the third, at 128 + 40 + 70,032 = 70,200.
        assert_eq!(bytes[96..112], [128, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(bytes[112..128], [50, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0]);
        assert_eq!(bytes[128..144], [0x38, 0x12, 1, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(bytes[144..160], [60, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0]);
        assert_eq!(bytes[160..], crc32c(&bytes[..160]).to_le_bytes());
        assert_eq!(Index::read(&bytes), Index::build(&segment).map_err(|_| unreachable!()));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_of_an_index_is_noticed() {
        let whole = Index::build(&segment(&[(0, 1, 1, 66_000), (0, 2, 2, 8)])).unwrap().to_bytes();
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(Index::read(&bytes).is_err(), "bit {bit}");
        }
        for cut in 0..whole.len() {
            assert!(Index::read(&whole[..cut]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn a_place_before_a_time_has_no_later_frame_before_it() {
        // Times go back: 70 stands before 30.
        let frames =
            [(0, 1, 10, 66_000), (0, 2, 70, 66_000), (0, 3, 30, 66_000), (0, 4, 90, 66_000)];
        let index = Index::build(&segment(&frames)).unwrap();
        let place = |time| index.place_before_time(Nanos(time)).map(|entry| entry.ordinal);
        assert_eq!(place(10), None);
        assert_eq!(place(11), Some(0));
        assert_eq!(place(70), Some(0), "the frame of time 70 is the second");
        assert_eq!(place(71), Some(2));
        assert_eq!(place(90), Some(2));
        assert_eq!(index.times(), Some((Nanos(10), Nanos(90))));
    }

    #[test]
    fn a_place_before_a_sequence_is_of_that_feed() {
        let frames =
            [(0, 10, 0, 66_000), (1, 5_000, 0, 66_000), (0, 20, 0, 66_000), (1, 6_000, 0, 66_000)];
        let index = Index::build(&segment(&frames)).unwrap();
        let place = |feed, sequence| {
            index.place_before_sequence(feed, Sequence(sequence)).map(|entry| entry.ordinal)
        };
        assert_eq!(place(0, 10), None);
        assert_eq!(place(0, 15), Some(0));
        assert_eq!(place(0, 4_000), Some(2), "neither the other feed's nor the last frame");
        assert_eq!(place(1, 5_001), Some(1));
        assert_eq!(place(1, u64::MAX), Some(3));
        assert_eq!(place(2, 15), None);
    }

    #[test]
    fn a_segment_that_is_not_closed_has_no_index() {
        let mut open = segment(&[(0, 1, 1, 8)]);
        open.truncate(open.len() - 32);
        let error = IndexBuildError::NotClosed { offset_bytes: 168 };
        assert_eq!(Index::build(&open), Err(error));
        assert!(matches!(Index::build(b"short"), Err(IndexBuildError::Header(_))));
    }

    #[test]
    fn a_segment_with_nothing_but_its_end_has_no_sequences_or_times() {
        let index = Index::build(&segment(&[])).unwrap();
        assert_eq!((index.frames(), index.sequences(), index.times()), (1, None, None));
        assert_eq!(index.content_bytes(), 128 + 32);
        assert_eq!(Index::read(&index.to_bytes()), Ok(index));
    }
}
