//! A shard restored from the bytes of the walk over state: part by part, before its first event.
//!
//! All books first, then the metrics, then the windows, under the feed time of the one that was written
//! ([`Shard::restore_time`]). A shard of which a part could not be read is of no use.

use super::{MARKET, Shard};
use crate::book::restore::NotIndexed;
use crate::detect::DetectCommon;
use crate::signal::Numbered;
use crate::state::decode::{self, MarketWide};
use crate::suspicion::Suspicion;
use crate::units::{Nanos, SymbolId};
use crate::window::encoding::{DecodeError, Reader};

/// What all shards of an engine have in common besides their settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Common {
    /// Feed time as far as it has passed in the shards.
    pub(crate) feed_time: Nanos,
    /// Position − sequence of the events that come.
    pub(crate) offset: u64,
    /// How the last signal was numbered.
    pub(crate) numbered: Numbered,
    /// Which feeds' books are in doubt.
    pub(crate) suspicion: Suspicion,
    /// Of the detectors, what concerns no symbol.
    pub(crate) detect: DetectCommon,
}

impl Shard {
    /// Puts the book that the walk wrote of a symbol into a shard that has none of it, so that it can
    /// be looked at; nothing else of the symbol is there.
    ///
    /// # Errors
    /// If these are not the bytes of a book. The shard is then of no use.
    ///
    /// # Panics
    /// If the shard has seen events.
    pub fn restore_book(&mut self, symbol: SymbolId, bytes: &[u8]) -> Result<(), DecodeError> {
        self.books.restore_book(symbol, bytes)
    }

    /// What the shards of an engine have in common.
    ///
    /// # Panics
    /// If signals wait to be taken.
    pub(crate) fn common(&self) -> Common {
        // The others are walked, or are where the shard stands among others.
        let Shard {
            place: _,
            feed_time,
            offset,
            outbox,
            books: _,
            prints: _,
            metrics: _,
            qualities: _,
            phase: _,
            bars: _,
            detectors,
            suspicion,
            // Images are not made within a snapshot.
            halts: _,
            snapshot_time: _,
            snapshot_marks: _,
        } = self;
        Common {
            feed_time: *feed_time,
            offset: *offset,
            numbered: outbox.numbered(),
            suspicion: suspicion.clone(),
            detect: detectors.common(),
        }
    }

    /// Takes over which feeds' books are in doubt.
    pub(crate) fn restore_suspicion(&mut self, common: &Common) {
        self.suspicion.clone_from(&common.suspicion);
    }

    /// Restores what concerns no symbol, and the time at which the shard stood.
    pub(crate) fn restore_time(&mut self, common: &Common, market: &MarketWide) {
        let Common { feed_time, offset, numbered, suspicion: _, detect } = *common;
        self.restore_suspicion(common);
        let MarketWide { phase, feed_time: _, quality } = *market;
        (self.feed_time, self.offset, self.phase) = (feed_time, offset, phase);
        self.outbox.restore(numbered);
        if self.place.owns_market() {
            self.qualities[MARKET] = quality;
        }
        self.bars.restore_time(feed_time);
        let owns_market = self.place.owns_market();
        self.detectors.restore_common(&detect, phase, feed_time.0, owns_market);
    }

    /// Reads the book of a symbol; its orders are found after [`Shard::index_books`].
    pub(crate) fn read_book(&mut self, symbol: SymbolId, bytes: &[u8]) -> Result<(), DecodeError> {
        let mut reader = Reader::new(bytes);
        if symbol.0 == 0 || !self.admit(symbol) {
            return Err(reader.refuse("a symbol past the limit"));
        }
        self.books.read_book(symbol, &mut reader)?;
        reader.end()
    }

    /// All books are read.
    pub(crate) fn index_books(&mut self) -> Result<(), NotIndexed> {
        // Nothing has left: the first order's handle is 1.
        self.books.index_orders(1)
    }

    /// Reads the metrics of a symbol whose book is there, its quality counts and its tape.
    pub(crate) fn read_metrics(
        &mut self,
        symbol: SymbolId,
        bytes: &[u8],
    ) -> Result<(), DecodeError> {
        let mut reader = Reader::new(bytes);
        let at = symbol.0 as usize;
        let metrics = decode::metrics(&mut reader)?;
        let quality = decode::quality(&mut reader)?;
        let is_free = self.metrics.get(at).is_some_and(|metrics| !metrics.is_known());
        if symbol.0 == 0 || !is_free || at >= self.qualities.len() {
            return Err(reader.refuse("metrics of a symbol that has no book, or has some already"));
        }
        if (metrics.clock.bid, metrics.clock.ask) != self.quote(symbol) {
            return Err(reader.refuse("a quote that is not the book's"));
        }
        decode::tape(symbol, &metrics, &mut self.prints, &mut reader)?;
        reader.end()?;
        (self.metrics[at], self.qualities[at]) = (metrics, quality);
        Ok(())
    }

    /// Reads the windows of a symbol whose tape is there and that has none.
    pub(crate) fn read_windows(
        &mut self,
        symbol: SymbolId,
        bytes: &[u8],
    ) -> Result<(), DecodeError> {
        self.bars.read(symbol, &mut self.prints, bytes)
    }

    /// Reads the detectors of a symbol whose metrics are there.
    pub(crate) fn read_detectors(
        &mut self,
        symbol: SymbolId,
        bytes: &[u8],
    ) -> Result<(), DecodeError> {
        self.detectors.read(symbol, bytes)
    }

    /// Symbols that are halted, paused or quoted only.
    pub(crate) fn not_trading(&self) -> u32 {
        self.metrics.iter().filter(|metrics| metrics.is_halted()).count() as u32
    }
}
