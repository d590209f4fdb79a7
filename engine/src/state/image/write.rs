//! An engine taken apart into the parts of an image.

use super::{ImageSink, Part, PartKind, head};
use crate::market::{MarketListener, MarketState};
use crate::pipeline::front::{FrontCounts, FrontParts};
use crate::pipeline::inline::Inline;
use crate::pipeline::stage::Decoder;
use crate::shard::restore::Common;
use crate::shard::{Observer, Shard};
use crate::signal::Numbered;
use crate::state::encode::{self, Sink as _};
use crate::state::prefetch;
use crate::state::section::Section;
use crate::units::SymbolId;

/// Writes an engine between two packets. The observer and the listener are the user's and not part of
/// it.
///
/// # Errors
/// If the sink refuses a part.
///
/// # Panics
/// If the engine's stages do not stand at one place: a bug of ours.
pub fn write<D: Decoder, O: Observer, L: MarketListener, S: ImageSink>(
    engine: &Inline<D, O, L>,
    sink: &mut S,
) -> Result<(), S::Error> {
    let (front, shard, market) = engine.parts();
    let mut image = Writer { sink, bytes: Vec::new() };
    let symbols = || symbols(shard).filter(|symbol| shard.metrics(*symbol).is_known());
    let count = symbols().count() as u32;
    image.single(PartKind::Head, |bytes| head::write(shard, count, bytes))?;
    write_front(&front, &mut image)?;
    write_market(market, shard, &mut image)?;
    let common = shard.common();
    let Common { feed_time, offset, numbered: Numbered { position, emitted }, suspicion, detect } =
        common;
    assert!(
        offset == front.sequencer.offset(),
        "Invariant: a shard numbers events as the sequencer does"
    );
    image.single(PartKind::Shards, |bytes| {
        bytes.i64(feed_time.0);
        bytes.u64(position);
        bytes.bytes(&emitted.to_le_bytes());
        suspicion.store(bytes);
        detect.store(bytes);
    })?;
    image.single(PartKind::MarketWide, |bytes| {
        encode::market(shard, front.sequencer.feed_time(), bytes);
    })?;
    image.section(PartKind::Book, Section::Books, shard)?;
    image.section(PartKind::Metrics, Section::Metrics, shard)?;
    if shard.parts().bars.is_on() {
        image.section(PartKind::Windows, Section::Windows, shard)?;
    }
    if shard.detectors().is_on() {
        image.section(PartKind::Detectors, Section::Detectors, shard)?;
    }
    Ok(())
}

fn symbols(shard: &Shard) -> impl Iterator<Item = SymbolId> {
    (1..shard.books().symbol_count() as u32).map(SymbolId)
}

fn write_front<D: Decoder, S: ImageSink>(
    front: &FrontParts<'_, D>,
    image: &mut Writer<'_, S>,
) -> Result<(), S::Error> {
    let FrontParts { decoder, sequencer, selection, counts, next } = front;
    image.single(PartKind::Sequencer, |bytes| sequencer.store(bytes))?;
    image.single(PartKind::Decoder, |bytes| decoder.store(bytes))?;
    let FrontCounts { named, torn_packets } = *counts;
    image.single(PartKind::Front, |bytes| {
        bytes.u64(named as u64);
        bytes.u64(torn_packets);
        bytes.u32(next.len() as u32);
        next.iter().for_each(|next| bytes.u64(*next));
    })?;
    image.single(PartKind::Selection, |bytes| selection.store(bytes))
}

fn write_market<S: ImageSink>(
    market: &MarketState,
    shard: &Shard,
    image: &mut Writer<'_, S>,
) -> Result<(), S::Error> {
    let MarketState { not_trading, signals, names, desk, catalogue: _ } = market;
    debug_assert_eq!(
        *not_trading,
        shard.not_trading(),
        "Invariant: the market knows of every trading state"
    );
    image.single(PartKind::Market, |bytes| {
        bytes.u64(*signals);
        names.store(bytes);
        desk.store(bytes);
    })
}

/// Hands over one part after the other.
struct Writer<'a, S> {
    sink: &'a mut S,
    /// The part at hand. Kept for its memory.
    bytes: Vec<u8>,
}

impl<S: ImageSink> Writer<'_, S> {
    fn part(&mut self, part: Part, write: impl FnOnce(&mut Vec<u8>)) -> Result<(), S::Error> {
        self.bytes.clear();
        write(&mut self.bytes);
        self.sink.part(part, &self.bytes)
    }

    fn single(&mut self, kind: PartKind, write: impl FnOnce(&mut Vec<u8>)) -> Result<(), S::Error> {
        self.part(Part::single(kind), write)
    }

    /// Every symbol's part of a section, as the digests walk it.
    fn section(&mut self, kind: PartKind, section: Section, shard: &Shard) -> Result<(), S::Error> {
        for symbol in symbols(shard) {
            prefetch::ahead_of(section, shard, symbol);
            if shard.metrics(symbol).is_known() {
                self.part(Part { kind, symbol }, |bytes| {
                    encode::symbol(section, shard, symbol, bytes);
                })?;
            }
        }
        Ok(())
    }
}
