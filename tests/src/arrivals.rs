//! What arrives from feeds, owned, so that a test can make it up; and engines over it, inline, pipelined
//! and by way of a journal. Each run tells the same of itself, to be held against another.

use std::path::Path;

use engine::book::books::Limits;
use engine::journal::source::JournalSource;
use engine::journal::writer::{Journal, JournalEnd};
use engine::log::SessionId;
use engine::log::directories::LogDirectories;
use engine::log::storage::Directory;
use engine::market::{Cause, HashPoint, Market, MarketListener};
use engine::packet::{Arrival, Packet, SnapshotItem, Source as _};
use engine::pipeline::inline::{Inline, InlineParts};
use engine::pipeline::pipelined::{Layout, Pipelined, PipelinedParts};
use engine::pipeline::selection::Selection;
use engine::pipeline::sequencer::Sequencer;
use engine::pipeline::stage::Decoder as _;
use engine::pipeline::stages::Stages;
use engine::quality::Quality;
use engine::shard::Shard;
use engine::signal::Signal;
use engine::snapshot::Accepted;
use engine::state::{SectionSums, StateHash, section_sums};
use engine::units::{FeedId, Nanos, Sequence, Side, SymbolId};
use engine::window::bars::{Bar, BarSettings};
use engine::window::tick::Span;
use feed_handlers::itch50::decode::Itch50Decoder;
use feed_handlers::itch50::{Encoder, Header, Price4, Stock};

use crate::engines::{journal_options, layout};

/// Something that arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "as in the engine's `Arrival`")]
pub enum Came {
    Packet { feed: FeedId, sequence: Sequence, messages: Vec<u8> },
    Gap { feed: FeedId, first: Sequence, end: Sequence },
    Snapshot { feed: FeedId, next: Sequence, is_first: bool, is_last: bool, messages: Vec<u8> },
}

impl Came {
    /// As the engine's sources give it.
    #[must_use]
    pub fn arrival(&self) -> Arrival<'_> {
        match *self {
            Came::Packet { feed, sequence, ref messages } => {
                Arrival::Packet(Packet { feed, sequence, recv: RECV, messages })
            }
            Came::Gap { feed, first, end } => Arrival::Gap { feed, first, end },
            Came::Snapshot { feed, next, is_first, is_last, ref messages } => {
                let recv = RECV;
                let item = SnapshotItem { feed, next, recv, is_first, is_last, messages };
                Arrival::SnapshotItem(item)
            }
        }
    }
}

const RECV: Nanos = Nanos(7);

/// Something that the market tells.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "as the engine's listener hears it")]
pub enum Told {
    Point(HashPoint),
    Signal(u64, u32, [u64; 5]),
    Bar(Cause, Bar, Vec<u8>),
    Gap(Cause, FeedId, Sequence, Sequence),
}

/// Hears everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heard(pub Vec<Told>);

impl MarketListener for Heard {
    fn on_hash_point(&mut self, point: &HashPoint) {
        self.0.push(Told::Point(*point));
    }

    fn on_signal(&mut self, signal: &Signal) {
        self.0.push(Told::Signal(signal.position, signal.symbol, signal.words));
    }

    fn on_bar(&mut self, cause: &Cause, bar: &Bar, name: &[u8]) {
        self.0.push(Told::Bar(*cause, *bar, name.to_vec()));
    }

    fn on_gap(&mut self, cause: &Cause, feed: FeedId, first: Sequence, end: Sequence) {
        self.0.push(Told::Gap(*cause, feed, first, end));
    }
}

/// Price, then orders: reference, shares, time. Bids and asks, best first.
pub type Book = [Vec<(i64, Vec<(u64, u64, i64)>)>; 2];

/// The book of a symbol, order by order.
#[must_use]
pub fn book_of(shard: &Shard, symbol: SymbolId) -> Book {
    let book = shard.book(symbol);
    [Side::Buy, Side::Sell].map(|side| {
        let level = |level: engine::book::view::LevelView| {
            let queue = book.queue(level);
            (level.price.0, queue.map(|it| (it.order.0, it.qty.0, it.time.0)).collect())
        };
        book.levels(side).map(level).collect()
    })
}

/// What an engine came to.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "as the engine calls them")]
pub struct Ended {
    pub told: Vec<Told>,
    pub hash: StateHash,
    pub quality: Quality,
    pub messages: u64,
    pub position: u64,
    pub not_trading: u32,
    pub suspect_symbols: u64,
    pub books: Vec<Book>,
}

/// How many feeds there are, and which of their symbols are looked at.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Feeds.
    pub feeds: u16,
    /// Symbols that are looked at.
    pub symbols: Vec<SymbolId>,
    /// Names computed; none for all.
    pub selected: Vec<Vec<u8>>,
}

/// The engine inline.
pub type Engine = Inline<Itch50Decoder, (), Heard>;

impl Settings {
    fn limits(&self) -> Limits {
        Limits::default().for_feeds(self.feeds)
    }

    fn bars() -> BarSettings {
        BarSettings::new(&[Span(1_000_000), Span(70_000_000)], Span(0)).expect("settings")
    }

    /// Stages that have seen nothing.
    ///
    /// # Panics
    /// If their memory can't be had.
    #[must_use]
    pub fn stages(&self, shards: Vec<Shard>) -> Stages<Itch50Decoder> {
        let decoder = Itch50Decoder::for_feeds(Nanos(0), self.feeds).expect("memory");
        // A digest walks all numbers of the feeds that there are.
        let hash_every = if self.feeds == 1 { 64 } else { 1 << 10 };
        let sequencer = Sequencer::new(Nanos(0))
            .with_hash_points(hash_every)
            .with_time_grid(Settings::bars().grid());
        let selection = Selection::of(self.selected.clone(), self.limits().symbols_max);
        Stages::new(decoder, sequencer, selection, shards)
    }

    /// The shard of an inline engine.
    ///
    /// # Panics
    /// If its memory can't be had.
    #[must_use]
    pub fn shard(&self) -> Shard {
        let shard = Shard::new(self.limits()).expect("memory");
        shard.with_bars(&Settings::bars()).expect("memory")
    }

    /// An engine that has seen nothing.
    #[must_use]
    pub fn inline(&self) -> Engine {
        Inline::of(self.stages(vec![self.shard()]), (), Heard::default())
    }

    /// Runs what came inline.
    ///
    /// # Panics
    /// If the engine refuses it.
    #[must_use]
    pub fn run(&self, came: &[Came]) -> Ended {
        let mut engine = self.inline();
        came.iter().for_each(|came| push(&mut engine, &came.arrival()));
        self.end(engine)
    }

    /// The end of an engine inline.
    #[must_use]
    pub fn end(&self, engine: Engine) -> Ended {
        let InlineParts { decoder, sequencer, shard, observer: (), market } = engine.into_parts();
        self.ended(&decoder, &sequencer, vec![shard], market)
    }

    /// Runs what came with shards on threads of their own.
    ///
    /// # Panics
    /// If a stage fails.
    #[must_use]
    pub fn pipelined(&self, shards: u32, came: &[Came]) -> Ended {
        let layout =
            Layout { limits: self.limits(), bars: Settings::bars(), ..layout(shards, 256) };
        let stages = self.stages(layout.shards().expect("memory"));
        let mut engine = Pipelined::of(stages, &layout, |_| (), Heard::default()).expect("starts");
        for came in came {
            match came.arrival() {
                Arrival::Packet(packet) => engine.push(&packet),
                Arrival::Gap { feed, first, end } => engine.gap(feed, first, end),
                Arrival::SnapshotItem(item) => engine.snapshot_item(&item),
                other => panic!("{other:?} is not made here"),
            }
            .expect("no stage fails");
        }
        let PipelinedParts { decoder, sequencer, shards, market, .. } =
            engine.finish().expect("no stage fails");
        self.ended(&decoder, &sequencer, shards, market)
    }

    /// Journals what came in `directory`, and runs it from there.
    ///
    /// # Panics
    /// If the journal fails, or gives anything else than what came.
    #[must_use]
    pub fn from_journal(&self, came: &[Came], directory: &Path) -> Ended {
        let options = journal_options(directory);
        let mut journal =
            Journal::create(options, SessionId([7; 16]), "[session]\n").expect("made");
        let mut accepted = Accepted::default();
        for came in came {
            let arrival = came.arrival();
            accepted.take(&arrival);
            match arrival {
                Arrival::Packet(packet) => journal.append_packet(&packet),
                Arrival::Gap { feed, first, end } => journal.append_gap(feed, first, end, RECV),
                Arrival::SnapshotItem(item) => journal.append_snapshot_item(&item),
                other => panic!("{other:?} is not made here"),
            }
            .expect("the disk has room");
        }
        let end = journal.close().expect("closed");
        assert!(matches!(end, JournalEnd::Complete(_)), "the journal is incomplete");
        let directories = LogDirectories::disk(Directory::new(directory));
        let mut source = JournalSource::open(directories).expect("a journal");
        let (mut engine, mut given) = (self.inline(), Accepted::default());
        loop {
            let arrival = source.next().expect("a whole journal");
            if arrival == Arrival::End {
                break;
            }
            given.take(&arrival);
            push(&mut engine, &arrival);
        }
        assert_eq!(given, accepted, "what was journaled is what came");
        self.end(engine)
    }

    fn ended(
        &self,
        decoder: &Itch50Decoder,
        sequencer: &Sequencer,
        mut shards: Vec<Shard>,
        mut market: Market<Heard>,
    ) -> Ended {
        let (mut sums, mut quality) = (SectionSums::default(), Quality::default());
        for shard in &shards {
            shard.validate().expect("sound books");
            sums += section_sums(shard, sequencer.feed_time(), shard.place().owns_market());
            quality += shard.quality();
        }
        let books = self.symbols.iter();
        let books = books
            .map(|symbol| book_of(&shards[symbol.0 as usize % shards.len()], *symbol))
            .collect();
        let suspect_symbols = shards.iter().map(Shard::suspect_symbols).sum();
        let mut signals = Vec::new();
        for shard in &mut shards {
            shard.end_of_input(sequencer.position(), sequencer.feed_time());
            signals.extend_from_slice(shard.outbox().signals());
            shard.outbox().clear();
        }
        signals.sort_by_key(Signal::key);
        signals.iter().for_each(|signal| market.take(signal));
        Ended {
            told: core::mem::take(&mut market.listener_mut().0),
            hash: StateHash::of(&sums),
            quality,
            messages: decoder.messages(),
            position: sequencer.position().0,
            not_trading: market.not_trading(),
            suspect_symbols,
            books,
        }
    }
}

/// Gives an engine what arrives.
///
/// # Panics
/// If it refuses it.
pub fn push(engine: &mut Engine, arrival: &Arrival<'_>) {
    match arrival {
        Arrival::Packet(packet) => engine.push(packet).expect("one day"),
        Arrival::Gap { feed, first, end } => engine.gap(*feed, *first, *end),
        Arrival::SnapshotItem(item) => engine.snapshot_item(item),
        other => panic!("{other:?} is not made here"),
    }
}

/// The books of a feed's symbols as a snapshot of so many pieces, each a run of messages: the start of
/// the day, names and states, orders in the order of their queues.
///
/// # Panics
/// If a symbol with a state or an order has no name.
#[must_use]
pub fn snapshot_of(
    engine: &Engine,
    symbols: &[SymbolId],
    next: Sequence,
    pieces: usize,
) -> Vec<Came> {
    let feed = symbols.first().map_or(FeedId(0), |symbol| symbol.feed());
    let (mut encoder, mut messages) = (Encoder::new(), Vec::new());
    let mut piece = |encoder: &mut Encoder| {
        messages.push(encoder.bytes().to_vec());
        encoder.clear();
    };
    let start = Header { locate: 0, tracking: 0, time_of_day_ns: 1 };
    encoder.system_event(start, b'O');
    piece(&mut encoder);
    for symbol in symbols {
        let header = Header { locate: symbol.locate(), ..start };
        let Some(name) = engine.decoder().directory().name(*symbol) else { continue };
        let stock = Stock::new(core::str::from_utf8(name).expect("ASCII")).expect("a name");
        if let Some(state) = engine.shard().metrics(*symbol).trading_state() {
            encoder.trading_action(header, stock, state, *b"    ");
            piece(&mut encoder);
        }
        let book = book_of(engine.shard(), *symbol);
        for (side, levels) in [Side::Buy, Side::Sell].into_iter().zip(book) {
            for (price, queue) in levels {
                for (order, shares, time) in queue {
                    let header = Header { time_of_day_ns: time as u64, ..header };
                    let (order, price) =
                        (engine::units::OrderRef(order), Price4((price / 100_000) as u32));
                    encoder.add_order(header, order, side, shares as u32, stock, price, None);
                    piece(&mut encoder);
                }
            }
        }
    }
    let each = messages.len().div_ceil(pieces.max(1)).max(1);
    let chunks: Vec<Vec<u8>> = messages.chunks(each).map(<[Vec<u8>]>::concat).collect();
    let last = chunks.len() - 1;
    let item = |(at, messages): (usize, Vec<u8>)| {
        let (is_first, is_last) = (at == 0, at == last);
        Came::Snapshot { feed, next, is_first, is_last, messages }
    };
    chunks.into_iter().enumerate().map(item).collect()
}
