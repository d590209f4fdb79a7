//! A decoder as bytes, and read back.
//!
//! ```text
//!  version u32 │ midnight i64 │ started u8
//!  │ messages, unknown type, bad length, symbol conflict 4 × u64
//!  │ types u32 │ (type u8 │ messages u64) … │ directory
//!  version 2: │ foreign packets u64 │ feeds u32 │ started u8, of each feed
//! ```
//! Version 1 is of one feed, and of no packet of another. //! The directory is drawn where it lives, in the engine. The name of a locate as its bytes on the wire follows from the directory, padded with
//! spaces: a message that pads it otherwise is compared the slow way and means the same.

use engine::state::encode::Sink as _;
use engine::units::SymbolId;
use engine::window::encoding::{DecodeError, Reader};

use super::{DecodeCounts, Itch50Decoder, OfFeed};

/// Versions of the drawing above: of one feed, and of all else.
const ONE_FEED: u32 = 1;
const FEEDS: u32 = 2;

/// Counts that no session reaches.
const COUNT_END: u64 = 1 << 56;

impl Itch50Decoder {
    pub(super) fn store_into(&self, sink: &mut Vec<u8>) {
        // Names follow from the directory; the feed at hand is swapped in when it is another.
        let Itch50Decoder {
            midnight,
            directory,
            counts,
            feed: _,
            base: _,
            at_hand: _,
            feeds,
            in_snapshot: _,
            aside: _,
        } = self;
        let DecodeCounts {
            by_type,
            messages,
            unknown_type,
            bad_length,
            symbol_conflict,
            foreign_packets,
        } = counts;
        let is_one = feeds.len() == 1 && *foreign_packets == 0;
        sink.u32(if is_one { ONE_FEED } else { FEEDS });
        sink.i64(midnight.0);
        sink.u8(u8::from(self.of_feed(0).started));
        [*messages, *unknown_type, *bad_length, *symbol_conflict]
            .into_iter()
            .for_each(|count| sink.u64(count));
        let seen = || (0..=u8::MAX).zip(by_type.iter()).filter(|(_, count)| **count > 0);
        sink.u32(seen().count() as u32);
        for (type_byte, &count) in seen() {
            sink.u8(type_byte);
            sink.u64(count);
        }
        directory.store(sink);
        if !is_one {
            sink.u64(*foreign_packets);
            sink.u32(feeds.len() as u32);
            (0..feeds.len()).for_each(|feed| sink.u8(u8::from(self.of_feed(feed).started)));
        }
    }

    pub(super) fn restore_from(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let mut reader = Reader::new(bytes);
        let given = reader.u32()?;
        if !matches!(given, ONE_FEED | FEEDS) {
            return Err(DecodeError::Version { given, expected: FEEDS });
        }
        if reader.i64()? != self.midnight.0 {
            return Err(reader.refuse("the midnight of the day"));
        }
        let started = reader.flag("whether the day has begun")?;
        self.feed_mut(0).started = started;
        self.counts.messages = count(&mut reader)?;
        self.counts.unknown_type = count(&mut reader)?;
        self.counts.bad_length = count(&mut reader)?;
        self.counts.symbol_conflict = count(&mut reader)?;
        let mut next = 0;
        for _ in 0..reader.u32()? {
            let (type_byte, count) = (reader.u8()?, count(&mut reader)?);
            if u16::from(type_byte) < next || count == 0 {
                return Err(reader.refuse("the messages of a type"));
            }
            next = u16::from(type_byte) + 1;
            self.counts.by_type[usize::from(type_byte)] = count;
        }
        self.directory.restore(&mut reader)?;
        if given == FEEDS {
            self.counts.foreign_packets = count(&mut reader)?;
            let feeds = self.feeds.len();
            let is_one = feeds == 1 && self.counts.foreign_packets == 0;
            if reader.u32()? as usize != feeds || is_one {
                return Err(reader.refuse("the number of feeds"));
            }
            for feed in 0..feeds {
                let has_started = reader.flag("whether the day of a feed has begun")?;
                if feed == 0 && has_started != started {
                    return Err(reader.refuse("whether the day of the first feed has begun"));
                }
                self.feed_mut(feed).started = has_started;
            }
        } else if self.feeds.len() > 1 {
            return Err(reader.refuse("the number of feeds"));
        }
        reader.end()?;
        let named: Vec<SymbolId> = self.directory.named().iter().copied().map(SymbolId).collect();
        for symbol in named {
            let mut padded = [b' '; 8];
            let name = self.directory.name(symbol).unwrap_or_default();
            let Some(field) = padded.get_mut(..name.len()).filter(|_| symbol.locate() != 0) else {
                return Err(reader.refuse("a name that no message can bring"));
            };
            field.copy_from_slice(name);
            let name = u64::from_be_bytes(padded);
            self.feed_mut(usize::from(symbol.feed().0)).names[usize::from(symbol.locate())] = name;
        }
        Ok(())
    }

    fn feed_mut(&mut self, feed: usize) -> &mut OfFeed {
        let is_at_hand = feed == usize::from(self.feed.0);
        if is_at_hand { &mut self.at_hand } else { &mut self.feeds[feed] }
    }
}

fn count(reader: &mut Reader<'_>) -> Result<u64, DecodeError> {
    match reader.u64()? {
        count if count < COUNT_END => Ok(count),
        _ => Err(reader.refuse("a count past what a session can hold")),
    }
}
