//! From ITCH 5.0 messages to events: the engine's decoder of this feed.
//!
//! Reads packets of length-prefixed messages, writes one event a message into the batch it is given,
//! and learns the stock directory on the way. A message of an unknown type or a wrong length is
//! counted and skipped by its length; it uses up its sequence number, so identities do not shift.
//! Each feed has names and a start of its own; where packets of several come by turns, those of the feed
//! at hand are swapped in.
//! The table in `shape` decodes the eight types that make up a trading day, `rare` the others.

mod rare;
mod shape;
mod stored;

use engine::directory::{Directory, Learnt, Listing};
use engine::event::{Event, Flags};
use engine::memory::MemoryError;
use engine::packet::{Packet, SnapshotItem};
use engine::pipeline::stage::{Cursor, Decoded, Decoder, EventBatch};
use engine::units::{FeedId, Nanos, Sequence, SymbolId};
use engine::window::encoding::DecodeError;

use crate::itch50::messages::{Message, MessageError, stock_offset_of};
use shape::{SHAPES, Shape, WINDOW};

/// Locates there can be: a `u16`.
const LOCATES: usize = 1 << 16;
/// Low 48 bits: the timestamp, when its eight bytes are read from the tracking number on.
const TIMESTAMP_MASK: u64 = (1 << 48) - 1;

/// What a decoder has counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeCounts {
    /// Messages of each type byte, whether or not the type is known or its length right.
    pub by_type: Box<[u64; 256]>,
    /// All messages, empty ones included.
    pub messages: u64,
    /// Messages of a type that ITCH 5.0 does not have.
    pub unknown_type: u64,
    /// Messages of a known type with another length than the type's; empty ones too.
    pub bad_length: u64,
    /// Messages that call a symbol by another name than its first.
    pub symbol_conflict: u64,
    /// Packets of feeds that the decoder does not have; nothing of them is decoded.
    pub foreign_packets: u64,
}

impl DecodeCounts {
    fn none() -> DecodeCounts {
        DecodeCounts {
            by_type: Box::new([0; 256]),
            messages: 0,
            unknown_type: 0,
            bad_length: 0,
            symbol_conflict: 0,
            foreign_packets: 0,
        }
    }
}

/// See the module.
pub struct Itch50Decoder {
    midnight: Nanos,
    directory: Directory,
    counts: DecodeCounts,
    /// The feed at hand.
    feed: FeedId,
    /// Symbol of its locate 0, were that one.
    base: u32,
    at_hand: OfFeed,
    /// Every feed at its number; in place of the one at hand another's nothing.
    feeds: Vec<OfFeed>,
    /// While the content of a snapshot is decoded: the last message before its end.
    in_snapshot: Option<Sequence>,
    /// Where the content of a snapshot is counted, for nobody.
    aside: DecodeCounts,
}

/// What a feed has of its own.
struct OfFeed {
    /// The name of each locate as its eight bytes on the wire; 0 while it has none.
    names: Box<[u64; LOCATES]>,
    /// Whether its day has started.
    started: bool,
}

impl OfFeed {
    fn new() -> OfFeed {
        OfFeed { names: bytemuck::allocation::zeroed_box(), started: false }
    }
}

impl Itch50Decoder {
    /// A decoder of one feed for the trading day that began at `midnight`, New York.
    ///
    /// # Errors
    /// If the system refuses memory for the directory.
    pub fn new(midnight: Nanos) -> Result<Self, MemoryError> {
        Self::for_feeds(midnight, 1)
    }

    /// A decoder of so many feeds, at least one, for the trading day that began at `midnight`, New York.
    /// The symbol that feed f calls by locate l is [`SymbolId::of`] them.
    ///
    /// # Errors
    /// As [`Itch50Decoder::new`].
    pub fn for_feeds(midnight: Nanos, feeds: u16) -> Result<Self, MemoryError> {
        let feeds = usize::from(feeds.max(1));
        Ok(Itch50Decoder {
            midnight,
            directory: Directory::new(feeds * LOCATES)?,
            counts: DecodeCounts::none(),
            feed: FeedId(0),
            base: 0,
            at_hand: OfFeed::new(),
            feeds: (0..feeds).map(|_| OfFeed::new()).collect(),
            in_snapshot: None,
            aside: DecodeCounts::none(),
        })
    }

    /// How many feeds it has.
    #[must_use]
    pub fn feeds(&self) -> usize {
        self.feeds.len()
    }

    /// Makes another feed the one at hand; `false` if there is no such feed.
    #[cold]
    #[inline(never)]
    fn turn_to(&mut self, feed: FeedId) -> bool {
        let (from, to) = (usize::from(self.feed.0), usize::from(feed.0));
        if to >= self.feeds.len() {
            return false;
        }
        core::mem::swap(&mut self.at_hand, &mut self.feeds[from]);
        core::mem::swap(&mut self.at_hand, &mut self.feeds[to]);
        (self.feed, self.base) = (feed, u32::from(feed.0) * SymbolId::PER_FEED);
        true
    }

    /// What a feed has of its own.
    fn of_feed(&self, feed: usize) -> &OfFeed {
        if feed == usize::from(self.feed.0) { &self.at_hand } else { &self.feeds[feed] }
    }

    /// What has been counted so far.
    #[must_use]
    pub fn counts(&self) -> &DecodeCounts {
        &self.counts
    }

    /// Decodes one of the types in the table. `window` begins with the message.
    #[inline(always)]
    fn decode_order(&mut self, window: &[u8; WINDOW], shape: &Shape, event: &mut Event) {
        let locate = u16::from_be_bytes([window[1], window[2]]);
        let stock = be64(window, shape.stock_offset);
        if (stock ^ self.at_hand.names[usize::from(locate)]) & shape.stock_mask != 0 {
            self.learn(locate, stock, event.sequence());
        }
        let time_of_day_ns = be64(window, 3) & TIMESTAMP_MASK;
        event.time_ns = self.midnight.0.wrapping_add(time_of_day_ns as i64);
        // Locate 0 is the market of whatever feed.
        event.symbol = u32::from(locate) | if locate == 0 { 0 } else { self.base };
        event.kind = shape.kind;
        event.side = byte(window, shape.side_offset) & shape.side_mask;
        let printable = byte(window, shape.printable_offset) == shape.printable_value;
        event.flags = if printable { Flags::PRINTABLE } else { 0 };
        let word = |i: usize| {
            let field = &shape.words[i];
            (be64(window, field.offset) >> (field.shift & 63)).wrapping_mul(u64::from(field.scale))
        };
        event.words = [be64(window, 11), word(0), word(1), word(2) | shape.word_3];
    }

    /// Learns the name that a message gives its symbol. Locate 0 is no symbol.
    #[cold]
    #[inline(never)]
    fn learn(&mut self, locate: u16, stock: u64, at: Sequence) {
        if locate == 0 {
            return;
        }
        let (symbol, at) = (SymbolId::of(self.feed, locate), self.in_snapshot.unwrap_or(at));
        match self.directory.learn(symbol, &stock.to_be_bytes(), at) {
            Learnt::New => self.at_hand.names[usize::from(locate)] = stock,
            Learnt::Known => {}
            Learnt::Conflict => self.counts.symbol_conflict += 1,
        }
    }

    /// Decodes a type that is not in the table, or counts what cannot be decoded.
    #[cold]
    #[inline(never)]
    fn decode_rare(&mut self, bytes: &[u8], event: &mut Event) -> Rare {
        let message = match Message::parse(bytes) {
            Ok(message) => message,
            Err(MessageError::UnknownType { .. }) => {
                self.counts.unknown_type += 1;
                return Rare::Skipped;
            }
            Err(MessageError::Empty | MessageError::BadLength { .. }) => {
                self.counts.bad_length += 1;
                return Rare::Skipped;
            }
        };
        if let Message::SystemEvent(system) = message
            && system.event() == b'O'
            && core::mem::replace(&mut self.at_hand.started, true)
            && self.in_snapshot.is_none()
        {
            return Rare::SecondStart;
        }
        let head = message.head();
        let symbol = SymbolId::of(self.feed, head.locate());
        let stock = stock_offset_of(head.message_type())
            .and_then(|offset| bytes.get(offset..)?.first_chunk::<8>());
        if let Some(stock) = stock {
            self.learn(head.locate(), u64::from_be_bytes(*stock), event.sequence());
        }
        if let Message::StockDirectory(entry) = message
            && head.locate() != 0
        {
            let listing = Listing {
                round_lot: entry.round_lot().0 as u32,
                luld_tier: entry.luld_tier(),
                etp: entry.etp(),
                leverage: entry.etp_leverage(),
            };
            self.directory.list(symbol, listing);
        }
        event.time_ns = self.midnight.0.saturating_add_unsigned(head.time_of_day_ns());
        event.symbol = symbol.0;
        event.side = 0;
        event.flags = 0;
        rare::fill(event, &message, self.midnight);
        Rare::Decoded
    }
}

/// What became of a message that is not in the table.
enum Rare {
    Decoded,
    Skipped,
    SecondStart,
}

impl Itch50Decoder {
    /// Decodes messages from `bytes`, where `cursor` stands at `base`, as long as each has a whole
    /// window of readable bytes and ends before `end`. `None` when there is no such message left.
    #[inline(always)]
    fn decode_run(
        &mut self,
        packet: &Packet<'_>,
        bytes: &[u8],
        (base, end): (usize, usize),
        cursor: &mut Cursor,
        batch: &mut EventBatch,
    ) -> Option<Decoded> {
        let mut at = cursor.offset_bytes - base;
        let first = cursor.messages;
        let mut messages = first;
        let mut filled = 0;
        let free = batch.free();
        let stopped = loop {
            let Some(bytes_here) = bytes.get(at..).and_then(<[u8]>::first_chunk) else {
                break None;
            };
            let (prefix, window) = split_window(bytes_here);
            let length = usize::from(u16::from_be_bytes(*prefix));
            if at + 2 + length > end {
                break None;
            }
            let Some(event) = free.get_mut(filled) else { break Some(Decoded::BatchFull) };
            let sequence = packet.sequence.0.wrapping_add(messages);
            event.sequence = sequence;
            event.recv_ns = packet.recv.0;
            let type_byte = window[0];
            let shape = &SHAPES[usize::from(type_byte)];
            if shape.kind != 0 && length == usize::from(shape.length) {
                self.decode_order(window, shape, event);
                filled += 1;
            } else {
                let message = bytes.get(at + 2..at + 2 + length).unwrap_or_default();
                match self.decode_rare(message, event) {
                    Rare::Decoded => filled += 1,
                    Rare::Skipped => {}
                    Rare::SecondStart => break Some(Decoded::SecondStart(Sequence(sequence))),
                }
            }
            // An empty message has no type byte; what stands there is the next message's length.
            self.counts.by_type[usize::from(type_byte)] += u64::from(length > 0);
            at += 2 + length;
            messages += 1;
        };
        batch.commit(filled);
        cursor.offset_bytes = base + at;
        cursor.messages = messages;
        self.counts.messages += messages - first;
        stopped
    }
}

impl Decoder for Itch50Decoder {
    #[inline]
    fn decode(
        &mut self,
        packet: &Packet<'_>,
        cursor: &mut Cursor,
        batch: &mut EventBatch,
    ) -> Decoded {
        let bytes = packet.messages;
        if packet.feed != self.feed && !self.turn_to(packet.feed) {
            self.counts.foreign_packets += 1;
            cursor.offset_bytes = bytes.len();
            return Decoded::PacketDone;
        }
        if let Some(stopped) = self.decode_run(packet, bytes, (0, bytes.len()), cursor, batch) {
            return stopped;
        }
        // The packet's last messages have no whole window behind them: they get zeros there. A
        // longer rest is torn off in the middle of a message and is left alone.
        let mut padded = [0; 2 * PREFIXED_WINDOW];
        let tail = match bytes.last_chunk::<PREFIXED_WINDOW>() {
            Some(tail) => {
                padded[..PREFIXED_WINDOW].copy_from_slice(tail);
                PREFIXED_WINDOW
            }
            None => {
                padded[..bytes.len()].copy_from_slice(bytes);
                bytes.len()
            }
        };
        let base = bytes.len() - tail;
        if cursor.offset_bytes >= base
            && let Some(stopped) = self.decode_run(packet, &padded, (base, tail), cursor, batch)
        {
            return stopped;
        }
        Decoded::PacketDone
    }

    fn decode_snapshot(
        &mut self,
        item: &SnapshotItem<'_>,
        at: Sequence,
        cursor: &mut Cursor,
        batch: &mut EventBatch,
    ) -> Decoded {
        let SnapshotItem { feed, recv, messages, .. } = *item;
        core::mem::swap(&mut self.counts, &mut self.aside);
        self.in_snapshot = Some(at);
        let packet = Packet { feed, sequence: at, recv, messages };
        let decoded = self.decode(&packet, cursor, batch);
        self.in_snapshot = None;
        core::mem::swap(&mut self.counts, &mut self.aside);
        decoded
    }

    fn directory(&self) -> &Directory {
        &self.directory
    }

    fn messages(&self) -> u64 {
        self.counts.messages
    }

    fn store(&self, sink: &mut Vec<u8>) {
        self.store_into(sink);
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        self.restore_from(bytes)
    }
}

/// Bytes of a length prefix and a window.
const PREFIXED_WINDOW: usize = 2 + WINDOW;

/// The length prefix of a message, and the window that begins with the message.
#[inline(always)]
fn split_window(bytes: &[u8; PREFIXED_WINDOW]) -> (&[u8; 2], &[u8; WINDOW]) {
    const { assert!(PREFIXED_WINDOW == WINDOW + 2) };
    match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(prefix), Some(window)) => (prefix, window),
        _ => unreachable!("Invariant: the lengths of both parts are those of the whole"),
    }
}

/// Eight bytes of a window, big-endian. Offsets are below 64, so the mask changes nothing; it shows
/// the compiler that the read is inside.
#[inline(always)]
fn be64(window: &[u8; WINDOW], offset: u8) -> u64 {
    let at = usize::from(offset & 63);
    let mut word = [0; 8];
    word.copy_from_slice(&window[at..at + 8]);
    u64::from_be_bytes(word)
}

#[inline(always)]
fn byte(window: &[u8; WINDOW], offset: u8) -> u8 {
    window[usize::from(offset & 63)]
}

#[cfg(test)]
mod tests;
