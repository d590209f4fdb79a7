//! Stages put where the engine stood that an image was written of.

use thiserror::Error;

use super::head::{self, HeadFault};
use super::{DETECTORS_SINCE, IMAGE_VERSION, IMAGE_VERSION_MIN, ImageSource, Part, PartKind};
use crate::book::restore::NotIndexed;
use crate::detect::{Desk, DetectCommon};
use crate::market::MarketState;
use crate::pipeline::front::FrontCounts;
use crate::pipeline::named::Names;
use crate::pipeline::router::shard_of;
use crate::pipeline::sequencer::Sequencer;
use crate::pipeline::stage::Decoder;
use crate::pipeline::stages::Stages;
use crate::shard::Shard;
use crate::shard::restore::Common;
use crate::signal::Numbered;
use crate::state::decode;
use crate::state::section::Section;
use crate::suspicion::Suspicion;
use crate::units::{Nanos, SymbolId};
use crate::window::encoding::{DecodeError, Reader};

/// Why an engine cannot go on from an image.
#[derive(Debug, Error)]
pub enum RestoreError<E> {
    /// Its source failed.
    #[error("{part} cannot be read: {source}")]
    Source {
        /// The part.
        part: Part,
        /// What the source said.
        source: E,
    },
    /// It was written by another program.
    #[error("the image is of version {given}, this program's is {IMAGE_VERSION}")]
    ImageVersion {
        /// Its version.
        given: u32,
    },
    /// It has no detectors, and these have some: what they would tell from here on is not what they tell
    /// of the whole session.
    #[error(
        "the image is of version {given}, which has no detectors, and detection is on; only from the start of the \
         session do they see all of it"
    )]
    NoDetectors {
        /// Its version.
        given: u32,
    },
    /// A section of state was other in the program that wrote it.
    #[error(
        "section {section} of the image is of state version {}, this program's is {}",
        given.map_or_else(|| "none".to_owned(), |given| given.to_string()),
        section.state_version()
    )]
    StateVersion {
        /// The section.
        section: Section,
        /// Its version there; none if there is no such section.
        given: Option<u32>,
    },
    /// It does not consist of the parts of an image, in their order.
    #[error(
        "the image has {} where {} was expected",
        given.map_or_else(|| "no more parts".to_owned(), |part| part.to_string()),
        expected.map_or_else(|| "no more".to_owned(), |part| part.to_string())
    )]
    Parts {
        /// What should come.
        expected: Option<Part>,
        /// What comes.
        given: Option<Part>,
    },
    /// A part is not what an engine of this configuration writes.
    #[error("{part}: {fault}")]
    Malformed {
        /// The part.
        part: Part,
        /// What is wrong with it.
        fault: DecodeError,
    },
}

/// Puts stages that have seen nothing where the engine stood that an image was written of. They must be
/// configured as that engine was, but for hash points, limits and the number of shards.
///
/// # Errors
/// [`RestoreError`]; the stages are then gone.
///
/// # Panics
/// If a stage has seen anything.
pub fn restore<D: Decoder, S: ImageSource>(
    source: &S,
    stages: Stages<D>,
) -> Result<Stages<D>, RestoreError<S::Error>> {
    let Stages { mut decoder, sequencer, mut selection, mut shards, front: _, next: _, market } =
        stages;
    let catalogue = market.catalogue;
    let mut image = Image { source, bytes: Vec::new(), version: IMAGE_VERSION };
    let first = &shards[0];
    let (symbols_max, has_windows) = (first.symbols_max(), first.parts().bars.is_on());
    let (settings, detects) = (*first.detectors().settings(), first.detectors().is_on());
    let count = image.head(first)?;
    if detects && !image.has_detectors() {
        return Err(RestoreError::NoDetectors { given: image.version });
    }
    let kept = Kept { windows: has_windows, detectors: detects };
    let symbols = image.symbols(count, kept)?;

    let knows_feeds = image.knows_feeds();
    let restored = |reader: &mut Reader<'_>| sequencer.restored(knows_feeds, reader);
    let sequencer = image.single(PartKind::Sequencer, restored)?;
    let part = image.read(Part::single(PartKind::Decoder))?;
    decoder.restore(&image.bytes).map_err(|fault| RestoreError::Malformed { part, fault })?;
    let names_max = decoder.directory().named().len() as u64;
    let (front, next) =
        image.single(PartKind::Front, |reader| front_counts(names_max, knows_feeds, reader))?;
    image.single(PartKind::Selection, |reader| selection.restore(reader))?;
    let version = image.version;
    let mut market = image.single(PartKind::Market, |reader| {
        let signals = decode::count(reader)?;
        let names = Names::restored(symbols_max, reader)?;
        let desk = match version >= DETECTORS_SINCE {
            true => Desk::restored(&settings, reader)?,
            false => Desk::new(&settings),
        };
        Ok(MarketState { not_trading: 0, signals, names, desk, catalogue })
    })?;

    image.shards(&sequencer, &mut shards)?;
    image.symbols_into(&mut shards, &symbols, kept)?;
    market.not_trading = shards.iter().map(Shard::not_trading).sum();
    Ok(Stages { decoder, sequencer, selection, shards, front, next, market })
}

/// Puts the book that an image holds of a symbol, if it does, into a shard that has none of it, and which
/// feeds' books are in doubt; nothing else is read. Whether it holds one.
///
/// # Errors
/// [`RestoreError`]; the shard is then of no use.
///
/// # Panics
/// If the shard has seen events.
pub fn restore_book<S: ImageSource>(
    source: &S,
    symbol: SymbolId,
    shard: &mut Shard,
) -> Result<bool, RestoreError<S::Error>> {
    let mut image = Image { source, bytes: Vec::new(), version: IMAGE_VERSION };
    let part = image.read(Part::single(PartKind::Head))?;
    let mut reader = Reader::new(&image.bytes);
    let version = head::versions(&mut reader).map_err(|fault| fault_of(part, fault))?;
    image.version = version;
    // Detectors have no part in a book, whether the image has any or not.
    let common = image.common(0, true)?;
    shard.restore_suspicion(&common);
    let part = Part { kind: PartKind::Book, symbol };
    let mut bytes = Vec::new();
    let is_there = source.read(part, &mut bytes);
    if !is_there.map_err(|source| RestoreError::Source { part, source })? {
        return Ok(false);
    }
    let restored = shard.restore_book(symbol, &bytes);
    restored.map_err(|fault| RestoreError::Malformed { part, fault })?;
    Ok(true)
}

fn fault_of<E>(part: Part, fault: HeadFault) -> RestoreError<E> {
    match fault {
        HeadFault::ImageVersion(given) => RestoreError::ImageVersion { given },
        HeadFault::StateVersion(section, given) => RestoreError::StateVersion { section, given },
        HeadFault::Malformed(fault) => RestoreError::Malformed { part, fault },
    }
}

fn front_counts(
    names_max: u64,
    knows_feeds: bool,
    reader: &mut Reader<'_>,
) -> Result<(FrontCounts, Vec<u64>), DecodeError> {
    let named = reader.u64()?;
    if named > names_max {
        return Err(reader.refuse("the number of names handed over"));
    }
    let counts = FrontCounts { named: named as usize, torn_packets: decode::count(reader)? };
    let mut next = Vec::new();
    if knows_feeds {
        let feeds = reader.u32()?;
        if feeds > 1 << 16 {
            return Err(reader.refuse("the number of feeds"));
        }
        for _ in 0..feeds {
            next.push(reader.u64()?);
        }
    }
    Ok((counts, next))
}

/// Which parts an image has of each symbol besides book and metrics.
#[derive(Clone, Copy)]
struct Kept {
    windows: bool,
    detectors: bool,
}

/// An image being read.
struct Image<'a, S> {
    source: &'a S,
    /// The part at hand. Kept for its memory.
    bytes: Vec<u8>,
    /// The image's.
    version: u32,
}

impl<S: ImageSource> Image<'_, S> {
    /// Whether its parts hold what there is of several feeds, and of doubt about them.
    fn knows_feeds(&self) -> bool {
        self.version > IMAGE_VERSION_MIN
    }

    /// Whether it may hold detectors.
    fn has_detectors(&self) -> bool {
        self.version >= DETECTORS_SINCE
    }

    fn read(&mut self, part: Part) -> Result<Part, RestoreError<S::Error>> {
        match self.source.read(part, &mut self.bytes) {
            Ok(true) => Ok(part),
            Ok(false) => Err(RestoreError::Parts { expected: Some(part), given: None }),
            Err(source) => Err(RestoreError::Source { part, source }),
        }
    }

    /// Reads a part that is no symbol's, with nothing behind what `read` takes.
    fn single<T>(
        &mut self,
        kind: PartKind,
        read: impl FnOnce(&mut Reader<'_>) -> Result<T, DecodeError>,
    ) -> Result<T, RestoreError<S::Error>> {
        let part = self.read(Part::single(kind))?;
        let mut reader = Reader::new(&self.bytes);
        let value = read(&mut reader).and_then(|value| reader.end().map(|()| value));
        value.map_err(|fault| RestoreError::Malformed { part, fault })
    }

    /// Reads the head; how many symbols there are.
    fn head(&mut self, shard: &Shard) -> Result<u32, RestoreError<S::Error>> {
        let part = self.read(Part::single(PartKind::Head))?;
        let read = head::read(shard, &self.bytes).map_err(|fault| fault_of(part, fault));
        let (version, symbols) = read?;
        self.version = version;
        Ok(symbols)
    }

    /// The symbols of which the image has parts: a book each, metrics each, windows and detectors each if
    /// there are any.
    fn symbols(&self, count: u32, kept: Kept) -> Result<Vec<SymbolId>, RestoreError<S::Error>> {
        let parts: Vec<Part> = self.source.parts().collect();
        let books = parts.iter().filter(|part| part.kind == PartKind::Book);
        let symbols: Vec<SymbolId> = books.map(|part| part.symbol).collect();
        let (single, of_symbols) = PartKind::ALL.split_at(PartKind::SINGLE);
        let of_symbols = of_symbols.iter().filter(|kind| match kind {
            PartKind::Windows => kept.windows,
            PartKind::Detectors => kept.detectors,
            _ => true,
        });
        let single = single.iter().map(|&kind| Part::single(kind));
        let expected = single.chain(
            of_symbols.flat_map(|&kind| symbols.iter().map(move |&symbol| Part { kind, symbol })),
        );
        let mut given = parts.iter().copied();
        for expected in expected.map(Some).chain([None]) {
            let given = given.next();
            if given != expected {
                return Err(RestoreError::Parts { expected, given });
            }
        }
        let is_ascending = symbols.is_sorted_by(|one, next| one < next);
        if !is_ascending || symbols.first() == Some(&SymbolId(0)) || symbols.len() != count as usize
        {
            let part = Part::single(PartKind::Head);
            let fault =
                DecodeError::Field { offset: 0, what: "the symbols of which there are parts" };
            return Err(RestoreError::Malformed { part, fault });
        }
        Ok(symbols)
    }

    /// What the shards have in common, whose events have this offset.
    fn common(&mut self, offset: u64, detects: bool) -> Result<Common, RestoreError<S::Error>> {
        let (knows_feeds, has_detectors) = (self.knows_feeds(), self.has_detectors());
        self.single(PartKind::Shards, |reader| {
            let feed_time = Nanos(reader.i64()?);
            let numbered = Numbered { position: reader.u64()?, emitted: reader.u16()? };
            let suspicion = match knows_feeds {
                true => Suspicion::restored(reader)?,
                false => Suspicion::default(),
            };
            let detect = match has_detectors {
                true => DetectCommon::restored(reader)?,
                false => DetectCommon::NONE,
            };
            if !detects && detect != DetectCommon::NONE {
                return Err(reader.refuse("what detectors keep, where there are none"));
            }
            Ok(Common { feed_time, offset, numbered, suspicion, detect })
        })
    }

    /// Restores what concerns no symbol.
    fn shards(
        &mut self,
        sequencer: &Sequencer,
        shards: &mut [Shard],
    ) -> Result<(), RestoreError<S::Error>> {
        let detects = shards.first().is_some_and(|shard| shard.detectors().is_on());
        let common = self.common(sequencer.offset(), detects)?;
        let part = self.read(Part::single(PartKind::MarketWide))?;
        let market = decode::market(&self.bytes).and_then(|market| {
            let what = "the feed time";
            let fault = DecodeError::Field { offset: self.bytes.len(), what };
            if market.feed_time == sequencer.feed_time() { Ok(market) } else { Err(fault) }
        });
        let market = market.map_err(|fault| RestoreError::Malformed { part, fault })?;
        shards.iter_mut().for_each(|shard| shard.restore_time(&common, &market));
        Ok(())
    }

    /// Restores every symbol in its shard: all books, then all metrics, all windows, all detectors.
    fn symbols_into(
        &mut self,
        shards: &mut [Shard],
        symbols: &[SymbolId],
        kept: Kept,
    ) -> Result<(), RestoreError<S::Error>> {
        self.section(PartKind::Book, shards, symbols, Shard::read_book)?;
        for shard in shards.iter_mut() {
            shard.index_books().map_err(|order| {
                let NotIndexed { symbol, order: _, is_duplicate: _ } = order;
                let part = Part { kind: PartKind::Book, symbol };
                RestoreError::Malformed { part, fault: order.at(&Reader::new(&[])) }
            })?;
        }
        self.section(PartKind::Metrics, shards, symbols, Shard::read_metrics)?;
        if kept.windows {
            self.section(PartKind::Windows, shards, symbols, Shard::read_windows)?;
        }
        if kept.detectors {
            self.section(PartKind::Detectors, shards, symbols, Shard::read_detectors)?;
        }
        Ok(())
    }

    fn section(
        &mut self,
        kind: PartKind,
        shards: &mut [Shard],
        symbols: &[SymbolId],
        read: impl Fn(&mut Shard, SymbolId, &[u8]) -> Result<(), DecodeError>,
    ) -> Result<(), RestoreError<S::Error>> {
        for &symbol in symbols {
            let part = self.read(Part { kind, symbol })?;
            let shard = &mut shards[shard_of(symbol, shards.len())];
            let restored = read(shard, symbol, &self.bytes);
            restored.map_err(|fault| RestoreError::Malformed { part, fault })?;
        }
        Ok(())
    }
}
