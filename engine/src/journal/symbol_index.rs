//! The symbol index of a closed segment: in which parts of it a symbol's messages stand, and how far
//! exchange time has come there, so that a book or a stretch is found without reading all before it.
//!
//! Stands beside the segment as `%08d.sym`. Only who can read the messages can make it, so it is
//! written outside the log layer: [`segment::index_segment`] makes it of the journal and of
//! [`MessageKeys`], which a feed's decoder gives. It holds nothing that the segment does not, and names
//! the segment by its seal; one that is absent, damaged or another segment's is made again, and where
//! it cannot be kept it is used from memory.
//!
//! ```text
//!  0       8         12             16           32       40              48     80     84     88        92      96
//!  ├ magic ┼ version ┼ header_bytes ┼ session id ┼ number ┼ content_bytes ┼ seal ┼ keys ┼ feed ┼ symbols ┼ parts ┤
//!    8 B     u32       u32            16 B         u64      u64             32 B   u32    u32    u32       u32
//!  96             104     128        128 + 64 × 40        + 32 × symbols
//!  ├ messages ┼ 24 × 0 ┼ part × 64 ┼ symbol × symbols ┼ crc32c ┤
//!    u64                                                u32
//!
//!  part    0              8               16              24                 32        36        40
//!          ├ offset_bytes ┼ last_sequence ┼ least_time_ns ┼ greatest_time_ns ┼ ordinal ┼ 0 0 0 0 ┤
//!            u64            u64             i64             i64                u32
//!  symbol  0        4         8                16              24     32
//!          ├ symbol ┼ 0 0 0 0 ┼ first_sequence ┼ last_sequence ┼ mask ┤
//!            u32                u64              u64             u64
//! ```
//! Little-endian. `content_bytes` and `seal` are the segment's; `keys` says whose reading of the
//! messages it is ([`MessageKeys::CODE`]), `feed` which feed's packets were read. The content is cut
//! into 64 equal parts: byte `n` lies in part `64 n / content_bytes`, and a packet belongs to the part
//! in which its frame begins. Of a part stand here: where its first packet begins (of a part without
//! one, that of the next part with one, else `content_bytes`) and that frame's number in the segment;
//! the sequence of the last message up to its end, 0 if there is none; least and greatest exchange
//! time of its messages, `i64::MAX` and `i64::MIN` if none has a time. Symbols ascend; 0 stands for the
//! messages that concern none. `first_sequence` and `last_sequence` are the least and the greatest of
//! the symbol's messages, and bit `p` of `mask` is set where a packet of part `p` has one. `messages`
//! counts those with a key. A gap and a piece of a snapshot of the feed count as packets with a message of
//! symbol 0 and without a sequence: they concern all symbols. (Version 1 left them out: such an index is
//! made again.) `crc32c` covers all bytes before it.

pub mod segment;

use bytemuck::{Pod, Zeroable};

use crate::log::checksum::crc32c;
use crate::log::reader::FramePosition;
use crate::log::seal::{Seal, SealBlock};
use crate::log::segment::SEGMENT_HEADER_BYTES;
use crate::log::{SegmentNumber, SessionId};
use crate::packet::Packet;
use crate::units::{Nanos, Sequence, SymbolId};

/// First bytes of a symbol index.
pub const SYMBOL_INDEX_MAGIC: [u8; 8] = *b"TWLOGSYM";

/// The format's version.
pub const SYMBOL_INDEX_VERSION: u32 = 2;

/// Parts of a segment.
pub const PARTS: usize = 64;

const HEADER_BYTES: usize = 128;
const PART_BYTES: usize = 40;
const SYMBOL_BYTES: usize = 32;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
struct Header {
    magic: [u8; 8],
    version: u32,
    header_bytes: u32,
    session: [u8; 16],
    number: u64,
    content_bytes: u64,
    seal: [u8; 32],
    keys: u32,
    feed: u32,
    symbols: u32,
    parts: u32,
    messages: u64,
    reserved: [u8; 24],
}

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
struct Part {
    offset_bytes: u64,
    last_sequence: u64,
    least_time_ns: i64,
    greatest_time_ns: i64,
    ordinal: u32,
    reserved: u32,
}

/// Of one symbol's messages in the segment; see the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct SymbolEntry {
    /// The symbol's number; 0 for messages that concern none.
    pub symbol: u32,
    reserved: u32,
    /// Least sequence of its messages.
    pub first_sequence: u64,
    /// Greatest sequence of its messages.
    pub last_sequence: u64,
    /// Bit `p` is set where a packet of part `p` has a message of it.
    pub mask: u64,
}

const _: () = {
    assert!(size_of::<Header>() == HEADER_BYTES);
    assert!(core::mem::offset_of!(Header, session) == 16);
    assert!(core::mem::offset_of!(Header, content_bytes) == 40);
    assert!(core::mem::offset_of!(Header, seal) == 48);
    assert!(core::mem::offset_of!(Header, keys) == 80);
    assert!(core::mem::offset_of!(Header, parts) == 92);
    assert!(core::mem::offset_of!(Header, messages) == 96);
    assert!(size_of::<Part>() == PART_BYTES);
    assert!(core::mem::offset_of!(Part, greatest_time_ns) == 24);
    assert!(core::mem::offset_of!(Part, ordinal) == 32);
    assert!(size_of::<SymbolEntry>() == SYMBOL_BYTES);
    assert!(core::mem::offset_of!(SymbolEntry, mask) == 24);
};

/// What an index has to know of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageKey {
    /// The symbol that it concerns; 0 for none.
    pub symbol: SymbolId,
    /// Its exchange time; `None` where it claims one that is not of the session's day, and is taken at
    /// the time of what came before it.
    pub time: Option<Nanos>,
}

/// Takes symbol and time from a feed's messages, as its decoder does.
pub trait MessageKeys {
    /// Whose reading it is: part of the format, never reused. 1 is ITCH 5.0's.
    const CODE: u32;

    /// The key of a message; `None` of one that the decoder skips.
    fn key(&self, message: &[u8]) -> Option<MessageKey>;
}

/// Which closed segment an index is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedSegment {
    /// Session of the log.
    pub session: SessionId,
    /// The segment's number.
    pub number: SegmentNumber,
    /// Bytes of its header and frames.
    pub content_bytes: u64,
    /// Its seal.
    pub seal: Seal,
}

impl SealedSegment {
    /// The segment of `session` that ends with this block.
    #[must_use]
    pub fn of(session: SessionId, block: &SealBlock) -> SealedSegment {
        let (number, content_bytes) = (block.number(), block.content_bytes());
        SealedSegment { session, number, content_bytes, seal: block.seal() }
    }
}

/// Why bytes are no symbol index that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SymbolIndexError {
    /// More or fewer bytes than it needs.
    #[error("a symbol index of {expected} bytes has {bytes}")]
    Size {
        /// Bytes there are.
        bytes: usize,
        /// Bytes that header, parts and symbols need.
        expected: u64,
    },
    /// It begins otherwise than a symbol index.
    #[error("it begins with {found:02x?}, not as a symbol index does")]
    Magic {
        /// The first eight bytes.
        found: [u8; 8],
    },
    /// A version that this program does not know.
    #[error("format version {found}, this program reads up to {SYMBOL_INDEX_VERSION}")]
    Version {
        /// The version found.
        found: u32,
    },
    /// The checksum does not match.
    #[error("symbol index CRC-32C {found:#010x} where the bytes give {expected:#010x}")]
    Crc {
        /// As stored.
        found: u32,
        /// As computed.
        expected: u32,
    },
    /// A field has a value that no writer gives it.
    #[error("symbol index field {field} has the value {found}")]
    Field {
        /// The field's name.
        field: &'static str,
        /// Its value.
        found: u64,
    },
    /// It is another segment's, or was made of other content, or by another reading of it.
    #[error("it is not of this segment as it was sealed")]
    Stale,
}

/// The symbol index of one closed segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SymbolIndex {
    header: Header,
    parts: [Part; PARTS],
    symbols: Vec<SymbolEntry>,
}

impl SymbolIndex {
    /// Reads an index from all bytes of its file.
    ///
    /// # Errors
    /// Where they are none, or one of a newer version. Whether it is a segment's,
    /// [`SymbolIndex::belongs_to`] tells.
    pub fn read(bytes: &[u8]) -> Result<SymbolIndex, SymbolIndexError> {
        let wrong_size = |expected| Err(SymbolIndexError::Size { bytes: bytes.len(), expected });
        const FIXED_BYTES: usize = HEADER_BYTES + PARTS * PART_BYTES;
        let Some((fixed, rest)) = bytes.split_first_chunk::<FIXED_BYTES>() else {
            return wrong_size(FIXED_BYTES as u64 + 4);
        };
        let header: Header = bytemuck::pod_read_unaligned(&fixed[..HEADER_BYTES]);
        if header.magic != SYMBOL_INDEX_MAGIC {
            return Err(SymbolIndexError::Magic { found: header.magic });
        }
        if header.version == 0 || header.version > SYMBOL_INDEX_VERSION {
            return Err(SymbolIndexError::Version { found: header.version });
        }
        let symbols_bytes = u64::from(header.symbols) * SYMBOL_BYTES as u64;
        let Some((symbols, crc)) = rest
            .split_last_chunk::<4>()
            .filter(|(symbols, _)| symbols.len() as u64 == symbols_bytes)
        else {
            return wrong_size(FIXED_BYTES as u64 + symbols_bytes + 4);
        };
        let (found, expected) = (u32::from_le_bytes(*crc), crc32c(&bytes[..bytes.len() - 4]));
        if found != expected {
            return Err(SymbolIndexError::Crc { found, expected });
        }
        let mut parts = [Part::zeroed(); PARTS];
        for (part, bytes) in parts.iter_mut().zip(fixed[HEADER_BYTES..].chunks_exact(PART_BYTES)) {
            *part = bytemuck::pod_read_unaligned(bytes);
        }
        let symbols = symbols
            .chunks_exact(SYMBOL_BYTES)
            .map(bytemuck::pod_read_unaligned::<SymbolEntry>)
            .collect();
        let index = SymbolIndex { header, parts, symbols };
        index.check()?;
        Ok(index)
    }

    /// Refuses values that no writer gives.
    fn check(&self) -> Result<(), SymbolIndexError> {
        let field = |field, found| Err(SymbolIndexError::Field { field, found });
        if self.header.header_bytes as usize != HEADER_BYTES {
            return field("header_bytes", self.header.header_bytes.into());
        }
        if self.header.parts as usize != PARTS {
            return field("parts", self.header.parts.into());
        }
        if self.header.reserved != [0; 24] {
            return field("reserved", 1);
        }
        let mut least = SEGMENT_HEADER_BYTES as u64;
        for part in &self.parts {
            if part.reserved != 0 {
                return field("reserved", part.reserved.into());
            }
            let is_in_order = (least..=self.header.content_bytes).contains(&part.offset_bytes);
            if !is_in_order || !part.offset_bytes.is_multiple_of(8) {
                return field("offset_bytes", part.offset_bytes);
            }
            least = part.offset_bytes;
        }
        let mut next = 0;
        for entry in &self.symbols {
            if u64::from(entry.symbol) < next {
                return field("symbol", entry.symbol.into());
            }
            if entry.reserved != 0 {
                return field("reserved", entry.reserved.into());
            }
            if entry.mask == 0 {
                return field("mask", 0);
            }
            next = u64::from(entry.symbol) + 1;
        }
        Ok(())
    }

    /// The bytes of its file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let parts: &[u8] = bytemuck::cast_slice(&self.parts);
        let symbols: &[u8] = bytemuck::cast_slice(&self.symbols);
        let mut bytes = [bytemuck::bytes_of(&self.header), parts, symbols].concat();
        bytes.extend(crc32c(&bytes).to_le_bytes());
        bytes
    }

    /// The segment that it was made of.
    #[must_use]
    pub fn segment(&self) -> SealedSegment {
        let Header { session, number, content_bytes, seal, .. } = self.header;
        let (session, number) = (SessionId(session), SegmentNumber(number));
        SealedSegment { session, number, content_bytes, seal: Seal(seal) }
    }

    /// Whether it is what `K` reads in the packets of `feed` in this segment.
    #[must_use]
    pub fn belongs_to<K: MessageKeys>(&self, segment: &SealedSegment, feed: u16) -> bool {
        self.segment() == *segment
            && self.header.version == SYMBOL_INDEX_VERSION
            && self.header.keys == K::CODE
            && self.header.feed == u32::from(feed)
    }

    /// Messages with a key.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.header.messages
    }

    /// The symbols that have messages in the segment, ascending; 0 stands for none.
    #[must_use]
    pub fn symbols(&self) -> &[SymbolEntry] {
        &self.symbols
    }

    /// What is known of a symbol's messages; `None` if it has none here.
    #[must_use]
    pub fn symbol(&self, symbol: SymbolId) -> Option<&SymbolEntry> {
        let place = self.symbols.binary_search_by_key(&symbol.0, |entry| entry.symbol).ok()?;
        self.symbols.get(place)
    }

    /// The parts in which a symbol has messages, as a mask; 0 if it has none.
    #[must_use]
    pub fn mask_of(&self, symbol: SymbolId) -> u64 {
        self.symbol(symbol).map_or(0, |entry| entry.mask)
    }

    /// Where the packets of a part begin and the byte at which the next part's do.
    #[must_use]
    pub fn place_of(&self, part: usize) -> Option<(FramePosition, u64)> {
        let Part { offset_bytes, ordinal, .. } = *self.parts.get(part)?;
        let segment = SegmentNumber(self.header.number);
        let end = self.parts.get(part + 1).map_or(self.header.content_bytes, |p| p.offset_bytes);
        Some((FramePosition { segment, offset_bytes, ordinal: ordinal.into() }, end))
    }

    /// Least and greatest exchange time of a part's messages; `None` if none has a time.
    #[must_use]
    pub fn times_of(&self, part: usize) -> Option<(Nanos, Nanos)> {
        let Part { least_time_ns, greatest_time_ns, .. } = *self.parts.get(part)?;
        (least_time_ns <= greatest_time_ns)
            .then_some((Nanos(least_time_ns), Nanos(greatest_time_ns)))
    }

    /// The greatest exchange time of the segment up to the end of a part; `None` if there is none.
    #[must_use]
    pub fn greatest_time_up_to(&self, part: usize) -> Option<Nanos> {
        let parts = self.parts.iter().take(part + 1);
        let greatest = parts.map(|part| part.greatest_time_ns).max()?;
        (greatest != i64::MIN).then_some(Nanos(greatest))
    }

    /// The first part with a message after `time`, in which the longest prefix ends whose messages all
    /// have a time of at most `time`; `None` if none has.
    #[must_use]
    pub fn part_after(&self, time: Nanos) -> Option<usize> {
        self.parts.iter().position(|part| part.greatest_time_ns > time.0)
    }

    /// Sequence of the last message up to the end of a part; `None` if there is none.
    #[must_use]
    pub fn last_sequence_up_to(&self, part: usize) -> Option<Sequence> {
        let last = self.parts.get(part)?.last_sequence;
        (last != 0).then_some(Sequence(last))
    }
}

/// Makes a [`SymbolIndex`] while the packets of a closed segment pass by.
pub struct SymbolIndexBuilder {
    header: Header,
    parts: [Option<Part>; PARTS],
    last_sequence: u64,
    last_ordinal: u32,
    /// By symbol number; those without a message have no mask.
    symbols: Vec<SymbolEntry>,
}

impl SymbolIndexBuilder {
    /// Before the first packet of `feed` in a segment.
    #[must_use]
    pub fn new<K: MessageKeys>(segment: &SealedSegment, feed: u16) -> SymbolIndexBuilder {
        let header = Header {
            magic: SYMBOL_INDEX_MAGIC,
            version: SYMBOL_INDEX_VERSION,
            header_bytes: HEADER_BYTES as u32,
            session: segment.session.0,
            number: segment.number.0,
            content_bytes: segment.content_bytes,
            seal: segment.seal.0,
            keys: K::CODE,
            feed: feed.into(),
            symbols: 0,
            parts: PARTS as u32,
            messages: 0,
            reserved: [0; 24],
        };
        SymbolIndexBuilder {
            header,
            parts: [None; PARTS],
            last_sequence: 0,
            last_ordinal: 0,
            symbols: Vec::new(),
        }
    }

    /// The part in which a frame begins, and its number.
    fn part(&mut self, at: FramePosition) -> (usize, &mut Part) {
        let part = at.offset_bytes.saturating_mul(PARTS as u64) / self.header.content_bytes.max(1);
        let number = (part as usize).min(PARTS - 1);
        let part = self.parts[number].get_or_insert(Part {
            offset_bytes: at.offset_bytes,
            last_sequence: 0,
            least_time_ns: i64::MAX,
            greatest_time_ns: i64::MIN,
            ordinal: at.ordinal as u32,
            reserved: 0,
        });
        (number, part)
    }

    /// Takes the next record that concerns every symbol and has no messages of the feed: a gap, or a
    /// piece of a snapshot.
    pub fn of_all(&mut self, at: FramePosition) {
        let last_sequence = self.last_sequence;
        let (number, part) = self.part(at);
        part.last_sequence = last_sequence;
        if self.symbols.is_empty() {
            self.symbols.push(SymbolEntry::zeroed());
        }
        let entry = &mut self.symbols[0];
        if entry.mask == 0 {
            (entry.first_sequence, entry.last_sequence) = (last_sequence, last_sequence);
        }
        entry.mask |= 1 << number;
        self.last_ordinal = at.ordinal as u32;
    }

    /// Takes the next packet, whose frame stands at `at`. Memory goes with the greatest symbol number.
    pub fn packet<K: MessageKeys>(&mut self, at: FramePosition, packet: &Packet<'_>, keys: &K) {
        let (number, _) = self.part(at);
        let Some(part) = &mut self.parts[number] else {
            unreachable!("Invariant: the part was made just now");
        };
        let mut sequence = packet.sequence.0;
        for message in packet.iter() {
            self.last_sequence = sequence;
            if let Some(MessageKey { symbol, time }) = keys.key(message) {
                self.header.messages += 1;
                if let Some(time) = time {
                    part.least_time_ns = part.least_time_ns.min(time.0);
                    part.greatest_time_ns = part.greatest_time_ns.max(time.0);
                }
                let place = symbol.0 as usize;
                if place >= self.symbols.len() {
                    self.symbols.resize(place + 1, SymbolEntry::zeroed());
                }
                let entry = &mut self.symbols[place];
                if entry.mask == 0 {
                    (entry.symbol, entry.first_sequence) = (symbol.0, sequence);
                }
                entry.first_sequence = entry.first_sequence.min(sequence);
                entry.last_sequence = entry.last_sequence.max(sequence);
                entry.mask |= 1 << number;
            }
            sequence = sequence.wrapping_add(1);
        }
        part.last_sequence = self.last_sequence;
        self.last_ordinal = at.ordinal as u32;
    }

    /// The index, after the last packet.
    #[must_use]
    pub fn finish(self) -> SymbolIndex {
        let SymbolIndexBuilder { mut header, parts: given, last_ordinal, mut symbols, .. } = self;
        symbols.retain(|entry| entry.mask != 0);
        header.symbols = symbols.len() as u32;
        let mut parts = [Part {
            offset_bytes: header.content_bytes,
            last_sequence: 0,
            least_time_ns: i64::MAX,
            greatest_time_ns: i64::MIN,
            ordinal: if given.iter().any(Option::is_some) { last_ordinal + 1 } else { 0 },
            reserved: 0,
        }; PARTS];
        let mut last_sequence = 0;
        for (part, given) in parts.iter_mut().zip(given) {
            *part = given.unwrap_or(Part { last_sequence, ..*part });
            last_sequence = part.last_sequence;
        }
        for number in (0..PARTS - 1).rev() {
            if given[number].is_none() {
                parts[number].offset_bytes = parts[number + 1].offset_bytes;
                parts[number].ordinal = parts[number + 1].ordinal;
            }
        }
        SymbolIndex { header, parts, symbols }
    }
}

#[cfg(test)]
mod tests;
