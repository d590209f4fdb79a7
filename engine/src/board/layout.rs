//! How the board's file is laid out: a header of one page, then a section for each kind of slot.
//!
//! ```text
//!  0        8         16      24           40    48          56           64          72      80       88
//!  ├ magic ─┼ version ┼ bytes ┼ session id ┼ pid ┼ pid start ┼ started_ns ┼ midnight_ns ┼ state ┼ ended_ns ┤
//!  88       96            104          112             120          128
//!  ┤ shards ┼ symbols a feed ┼ feeds ┼ clock, 0 or 1 ┼ reserved ─────┤
//!  128                                                                        512            4096
//!  ├ sections: 16 × (offset bytes │ slots │ bytes a slot) ────────────────────┼ reserved, 0 ──┤
//! ```
//! All words are 64 bits in the byte order of the machine: whoever reads it runs on the same one. `state`
//! and `ended_ns` change, once; the rest of the header is written before the file gets its name.
//!
//! | section | slots | words | one writer | is |
//! |---|---|---|---|---|
//! | ingest | 1 | 64 | ingest thread | [`Ingest`](super::counters::Ingest) |
//! | by type | 1 | 256 | ingest thread | messages by type byte, each word for itself |
//! | feeds | feeds | 16 | ingest thread | [`FeedCounts`](super::counters::FeedCounts) |
//! | lines | 64 | 32 | ingest thread | [`LineCounts`](super::counters::LineCounts) |
//! | shards | shards | 64 | each shard's thread | [`ShardCounts`](super::counters::ShardCounts) |
//! | keeper | 1 | 64 | keeper | [`Kept`](super::kept::Kept) |
//! | threads | 96 | 16 | keeper | [`ThreadTimes`](super::kept::ThreadTimes) |
//! | rings | 136 | 16 | keeper | [`RingDepth`](super::kept::RingDepth) |
//! | cursors | 16 | 16 | keeper | [`CursorLag`](super::kept::CursorLag) |
//! | latencies | 2 + 4 a shard | 3,848 | ingest thread, each shard's | [`histogram`](super::histogram) |
//! | names | symbols | 8 | ingest thread | [`Name`](super::symbol::Name) |
//! | quotes | symbols | 8 | each shard's thread | [`Quote`](super::symbol::Quote) |
//! | details | symbols | 96 | each shard's thread | [`Detail`](super::symbol::Detail) |
//!
//! Every slot but those of "by type" and "latencies" is a seqlock: its first word is the sequence. Slots
//! begin on lines of their own. The slot of a symbol is its feed's number times the symbols a feed, plus
//! its locate; locates beyond have none.

use bytemuck::{Pod, Zeroable};

use crate::units::SymbolId;

/// "TWBOARD1" as the file's first eight bytes.
pub const MAGIC: u64 = u64::from_ne_bytes(*b"TWBOARD1");

/// Of the layout; another one is not read.
pub const VERSION: u64 = 1;

/// Bytes of the header.
pub const HEADER_BYTES: usize = 4096;

/// Bytes of a word.
pub(crate) const WORD_BYTES: usize = size_of::<u64>();

/// Lines that have a slot.
pub const LINES_MAX: usize = 64;
/// Threads that have a slot.
pub const THREADS_MAX: usize = 96;
/// Rings that have a slot.
pub const RINGS_MAX: usize = 136;
/// Cursors that have a slot.
pub const CURSORS_MAX: usize = 16;

/// The sections, by their number in the header's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Section {
    Ingest,
    ByType,
    Feeds,
    Lines,
    Shards,
    Keeper,
    Threads,
    Rings,
    Cursors,
    Latencies,
    Names,
    Quotes,
    Details,
}

/// Sections that there are.
const SECTIONS: usize = Section::Details as usize + 1;

/// Room for sections in the header.
const SECTIONS_MAX: usize = 16;

/// Where a section lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Place {
    /// Of its first slot.
    pub(crate) offset_bytes: u64,
    /// How many there are.
    pub(crate) slots: u64,
    /// Bytes of each.
    pub(crate) slot_bytes: u64,
}

/// What the header says; see the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Header {
    pub(crate) magic: u64,
    pub(crate) version: u64,
    pub(crate) bytes: u64,
    pub(crate) session: [u8; 16],
    pub(crate) pid: u64,
    pub(crate) pid_start: u64,
    pub(crate) started_ns: i64,
    pub(crate) midnight_ns: i64,
    pub(crate) state: u64,
    pub(crate) ended_ns: i64,
    pub(crate) shards: u64,
    pub(crate) symbols_a_feed: u64,
    pub(crate) feeds: u64,
    pub(crate) clock: u64,
    pub(crate) reserved: u64,
    pub(crate) sections: [Place; SECTIONS_MAX],
}

/// Words of the header that are in use.
pub(crate) const HEADER_WORDS: usize = size_of::<Header>() / WORD_BYTES;

/// Word of the header that says whether the engine runs.
pub(crate) const STATE_WORD: usize = core::mem::offset_of!(Header, state) / WORD_BYTES;
/// Word of the header that says when it ended.
pub(crate) const ENDED_WORD: usize = core::mem::offset_of!(Header, ended_ns) / WORD_BYTES;

const _: () = {
    assert!(size_of::<Header>() == 512 && size_of::<Header>() <= HEADER_BYTES);
    assert!(core::mem::offset_of!(Header, session) == 24);
    assert!(core::mem::offset_of!(Header, pid) == 40);
    assert!(core::mem::offset_of!(Header, state) == 72);
    assert!(core::mem::offset_of!(Header, shards) == 88);
    assert!(core::mem::offset_of!(Header, sections) == 128);
    assert!(SECTIONS <= SECTIONS_MAX);
};

/// How large a board is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoardSize {
    /// Shards of the engine, at least one.
    pub shards: u32,
    /// Feeds, at least one.
    pub feeds: u16,
    /// Locates of each feed that have a slot, at most [`SymbolId::PER_FEED`].
    pub symbols_a_feed: u32,
}

impl BoardSize {
    /// The sections of a board, in their order.
    pub(crate) fn places(&self) -> [Place; SECTIONS_MAX] {
        use super::counters::{FeedCounts, Ingest, LineCounts, ShardCounts};
        use super::histogram::{self, STAGES_INGEST, STAGES_SHARD};
        use super::kept::{CursorLag, Kept, RingDepth, ThreadTimes};
        use super::symbol::{Detail, Name, Quote};
        let (shards, feeds) = (u64::from(self.shards), u64::from(self.feeds));
        let symbols = feeds * u64::from(self.symbols_a_feed);
        let latencies = STAGES_INGEST.len() as u64 + shards * STAGES_SHARD.len() as u64;
        let sizes = [
            (1, slot_bytes::<Ingest>()),
            (1, 256 * WORD_BYTES),
            (feeds, slot_bytes::<FeedCounts>()),
            (LINES_MAX as u64, slot_bytes::<LineCounts>()),
            (shards, slot_bytes::<ShardCounts>()),
            (1, slot_bytes::<Kept>()),
            (THREADS_MAX as u64, slot_bytes::<ThreadTimes>()),
            (RINGS_MAX as u64, slot_bytes::<RingDepth>()),
            (CURSORS_MAX as u64, slot_bytes::<CursorLag>()),
            (latencies, histogram::WORDS * WORD_BYTES),
            (symbols, slot_bytes::<Name>()),
            (symbols, slot_bytes::<Quote>()),
            (symbols, slot_bytes::<Detail>()),
        ];
        let mut places = [Place::default(); SECTIONS_MAX];
        let mut offset_bytes = HEADER_BYTES as u64;
        for (place, (slots, slot_bytes)) in places.iter_mut().zip(sizes) {
            let slot_bytes = slot_bytes as u64;
            *place = Place { offset_bytes, slots, slot_bytes };
            // Sections have pages of their own: threads that write to one do not meet those of another.
            offset_bytes = (offset_bytes + slots * slot_bytes).next_multiple_of(4096);
        }
        places
    }

    /// Bytes of a board.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let places = self.places();
        let ends = places.iter().map(|place| place.offset_bytes + place.slots * place.slot_bytes);
        ends.max().unwrap_or(0).next_multiple_of(4096)
    }
}

/// Bytes of the slot of a record: the sequence before it, and whole lines.
const fn slot_bytes<T>() -> usize {
    (WORD_BYTES + size_of::<T>()).next_multiple_of(64)
}

/// The slot of a symbol, where so many of each feed have one.
#[inline(always)]
pub(crate) fn slot_of(symbol: SymbolId, symbols_a_feed: u32) -> Option<usize> {
    let locate = symbol.0 % SymbolId::PER_FEED;
    let slot = u64::from(symbol.feed().0) * u64::from(symbols_a_feed) + u64::from(locate);
    (locate < symbols_a_feed).then_some(slot as usize)
}

/// The symbol of a slot.
pub(crate) fn symbol_of(slot: usize, symbols_a_feed: u32) -> SymbolId {
    let each = symbols_a_feed.max(1) as usize;
    SymbolId((slot / each) as u32 * SymbolId::PER_FEED + (slot % each) as u32)
}

/// Names what is drawn in the module: a record that fills its slot with nothing left of the last line.
pub(crate) const fn fills_lines<T>(lines: usize) -> bool {
    WORD_BYTES + size_of::<T>() == lines * 64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::FeedId;

    #[test]
    fn sections_lie_one_behind_the_other_on_pages_of_their_own() {
        let size = BoardSize { shards: 3, feeds: 2, symbols_a_feed: 1000 };
        let places = size.places();
        let mut end = HEADER_BYTES as u64;
        for place in &places[..SECTIONS] {
            assert!(place.slots > 0 && place.slot_bytes.is_multiple_of(64));
            assert!(place.offset_bytes >= end && place.offset_bytes.is_multiple_of(4096));
            end = place.offset_bytes + place.slots * place.slot_bytes;
        }
        assert!(size.bytes() >= end && size.bytes() < end + 4096);
        assert_eq!(places[Section::Quotes as usize].slots, 2000);
        assert_eq!(places[Section::Latencies as usize].slots, 2 + 3 * 4);
        assert_eq!(places[SECTIONS..], [Place::default(); SECTIONS_MAX - SECTIONS]);
    }

    /// By hand, from the drawing: what a reader written elsewhere relies on.
    #[test]
    fn the_smallest_board_lies_as_drawn() {
        let places = BoardSize { shards: 1, feeds: 1, symbols_a_feed: 4 }.places();
        let drawn = [
            (4_096, 1, 512),
            (8_192, 1, 2_048),
            (12_288, 1, 128),
            (16_384, 64, 256),
            (32_768, 1, 512),
            (36_864, 1, 512),
            (40_960, 96, 128),
            (53_248, 136, 128),
            (73_728, 16, 128),
            (77_824, 6, 30_784),
            (266_240, 4, 64),
            (270_336, 4, 64),
            (274_432, 4, 768),
        ];
        for (place, (offset_bytes, slots, slot_bytes)) in places.iter().zip(drawn) {
            assert_eq!(*place, Place { offset_bytes, slots, slot_bytes });
        }
    }

    #[test]
    fn a_symbol_and_its_slot_are_each_other_s() {
        let symbol = SymbolId::of(FeedId(2), 7);
        assert_eq!(slot_of(symbol, 100), Some(207));
        assert_eq!(symbol_of(207, 100), symbol);
        assert_eq!(slot_of(SymbolId::of(FeedId(2), 100), 100), None);
        assert_eq!(slot_of(SymbolId(0), 100), Some(0));
    }
}
