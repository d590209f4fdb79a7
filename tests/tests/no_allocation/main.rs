//! After warm-up nothing between a source's packet and the state it leads to asks the global
//! allocator for memory.
//!
//! A counting allocator ([`counting`]) stands in front of the system's. It counts for the thread that
//! asks for it, and only while that thread says so; messages are made while it does not. What the
//! engine maps by itself (its tables reserve address space and grow in place) is no allocation.

mod board;
mod counting;
mod exchange;
mod outputs;
mod pipelined;

use engine::book::books::Limits;
use engine::detect::Alert;
use engine::journal::writer::{Append, Journal, JournalEnd, JournalOptions, OnError};
use engine::log::SessionId as LogSession;
use engine::log::options::{Place, SyncLevel};
use engine::log::storage::Directory;
use engine::log::threaded::{RING_BYTES_MIN, ThreadOptions};
use engine::market::{Cause, HashPoint, MarketListener};
use engine::packet::{Arrival, Packet, Source};
use engine::pipeline::inline::Inline;
use engine::pipeline::selection::Selection;
use engine::pipeline::sequencer::Sequencer;
use engine::quality::Quality;
use engine::ring::WaitStrategy;
use engine::shard::Shard;
use engine::state::{SectionSums, section_sums};
use engine::units::{FeedId, Nanos, Sequence, SymbolId};
use engine::window::bars::{Bar, BarSettings};
use engine::window::tick::Span;
use feed_handlers::arbiter::{self, Arbiter};
use feed_handlers::binaryfile::{BinaryFile, Framing, HeldWindow, Position, ReadWindow};
use feed_handlers::itch50::Encoder;
use feed_handlers::itch50::decode::Itch50Decoder;
use feed_handlers::moldudp64::{DownstreamPacket, PacketKind, SessionId};
use tapewatch_tests::detectors::{detecting, sensitive};

use crate::counting::allocations_of;
use crate::exchange::Exchange;

#[test]
fn the_counter_sees_every_way_to_ask_for_memory() {
    let mut kept = Vec::new();
    assert_eq!(allocations_of(|| kept.push(Box::new(1_u64))), 2, "a box, and room for it");
    assert_eq!(allocations_of(|| kept.reserve(100)), 1, "a vector that grows");
    let mut zeros = Vec::new();
    assert_eq!(allocations_of(|| zeros = vec![0_u8; 10]), 1, "zeroed memory");
    assert_eq!(allocations_of(|| drop((kept, zeros))), 0, "giving back is free");
}

/// Counts what is put out.
#[derive(Default)]
struct PutOut {
    bars: u64,
    revisions: u64,
    named: u64,
    alerts: u64,
}

impl MarketListener for PutOut {
    fn on_hash_point(&mut self, _point: &HashPoint) {}

    fn on_bar(&mut self, _cause: &Cause, bar: &Bar, name: &[u8]) {
        self.bars += 1;
        self.revisions += u64::from(bar.revision > 0);
        self.named += u64::from(!name.is_empty());
    }

    fn on_alert(&mut self, _cause: &Cause, _alert: &Alert, _name: &[u8]) {
        self.alerts += 1;
    }
}

type Engine = Inline<Itch50Decoder, (), PutOut>;

/// Bars of many ends, and a lateness that some late prints are within.
fn bar_settings() -> BarSettings {
    let sizes = [1, 10, 1_000].map(|ms| Span(ms * Nanos::SECOND / 1_000));
    BarSettings::new(&sizes, Span(Nanos::SECOND / 500)).expect("sizes")
}

fn engine() -> Engine {
    let (midnight, bars) = (Nanos(0), bar_settings());
    let shard = Shard::new(Limits::default()).expect("memory for a shard");
    let shard = shard.with_bars(&bars).expect("memory for bars");
    let shard = detecting(shard, &sensitive());
    let decoder = Itch50Decoder::new(midnight).expect("memory for a decoder");
    let sequencer = Sequencer::new(midnight).with_time_grid(bars.grid());
    Inline::with_listener(decoder, sequencer, Selection::all(), shard, (), PutOut::default())
}

/// What a stretch must have had in it to prove anything.
#[derive(Debug)]
struct Seen {
    messages: u64,
    symbols: usize,
    levels: u32,
    pages: u32,
    sparse: usize,
    broken: u128,
    settled: u128,
    returns: u64,
    bars: u64,
    first_fills: u64,
    quality: Quality,
}

impl Seen {
    fn of(engine: &Engine) -> Seen {
        let shard = engine.shard();
        let symbols = shard.books().symbol_count();
        let (pages, sparse) = shard.books().index_usage();
        let metrics = || (0..symbols as u32).map(|id| shard.metrics(SymbolId(id)));
        Seen {
            messages: engine.decoder().counts().messages,
            symbols,
            levels: shard.books().level_count(),
            pages,
            sparse,
            broken: metrics().map(|each| each.tape.broken_volume()).sum(),
            settled: metrics().map(|each| each.scored.realised.shares()).sum(),
            returns: metrics().map(|each| u64::from(each.variance.returns())).sum(),
            bars: metrics().map(|each| each.impact.amihud_bars()).sum(),
            first_fills: metrics().map(|each| each.lives.first_fills.count()).sum(),
            quality: shard.quality(),
        }
    }
}

/// Pushes what the exchange holds, in packets as a plain file is cut.
fn push(engine: &mut Engine, exchange: &Exchange, position: &mut Position) {
    let window = HeldWindow::new(exchange.encoder.bytes());
    let mut file = BinaryFile::new(window, Framing::LengthPrefix, *position);
    while let Ok(Arrival::Packet(packet)) = file.next() {
        engine.push(&packet).expect("one start of day");
    }
    *position = file.position();
}

#[test]
fn a_million_messages_through_decoder_sequencer_and_shard_allocate_nothing() {
    const CHUNK: u64 = 50_000;
    let (mut engine, mut exchange) = (engine(), Exchange::new());
    let mut position = Position::start(Nanos(0));
    (0..50).for_each(|_| exchange.list_symbol());
    push(&mut engine, &exchange, &mut position);
    for _ in 0..2 {
        exchange.deal(CHUNK, 10_000);
        push(&mut engine, &exchange, &mut position);
    }
    let before = Seen::of(&engine);
    let mut allocations = 0;
    for chunk in 0..24 {
        // New symbols, more live orders: new levels, new pages, a hash table that doubles.
        exchange.deal(CHUNK, 20_000 + chunk * 5_000);
        (0..10).for_each(|_| exchange.list_symbol());
        allocations += allocations_of(|| push(&mut engine, &exchange, &mut position));
    }
    assert_eq!(allocations, 0);

    let after = Seen::of(&engine);
    let growth = format!("{before:?} {after:?}");
    assert!(after.messages - before.messages >= 1_000_000, "{growth}");
    assert!(after.symbols >= before.symbols + 200, "{growth}");
    assert!(after.levels > before.levels + 10_000, "{growth}");
    assert!(after.pages > before.pages * 4, "{growth}");
    assert!(after.sparse > before.sparse * 2 && after.sparse > 2_048, "{growth}");
    assert!(after.broken > before.broken, "{growth}");
    assert!(after.settled > before.settled && after.returns > before.returns, "{growth}");
    assert!(after.bars > before.bars && after.first_fills > before.first_fills, "{growth}");
    let put_out = engine.market().listener();
    assert!(put_out.alerts > 100, "{} changes of alerts", put_out.alerts);
    assert!(put_out.bars > 10_000 && put_out.named > 10_000, "{} bars", put_out.bars);
    assert!(put_out.revisions > 100, "{} revisions", put_out.revisions);
    for (what, before, after) in [
        ("unknown orders", before.quality.unknown_order, after.quality.unknown_order),
        ("duplicates", before.quality.duplicate_order, after.quality.duplicate_order),
        ("unknown matches", before.quality.unknown_match, after.quality.unknown_match),
        ("negative sizes", before.quality.negative_size, after.quality.negative_size),
        ("bad fields", before.quality.bad_field, after.quality.bad_field),
    ] {
        assert!(after > before, "the stretch has {what}");
    }
    assert_eq!(after.quality.over_capacity, 0);
    let counts = engine.decoder().counts();
    assert!(counts.unknown_type > 100 && counts.bad_length > 100);
    assert!(engine.sequencer().time_backwards() > 100 && engine.sequencer().future_time() > 100);
    engine.shard().validate().expect("books in order");
    let counts = engine.shard().bar_counts();
    let has_all = counts.iter().any(|count| count.late > 0 && count.dropped > 0);
    assert!(has_all && counts.iter().all(|count| count.corrected > 0), "{counts:?}");

    let feed_time = engine.sequencer().feed_time();
    let mut sums = SectionSums::default();
    let allocations = allocations_of(|| sums = section_sums(engine.shard(), feed_time, true));
    assert_eq!(allocations, 0, "a hash point");
    let sections = [sums.books, sums.metrics, sums.windows];
    assert!(sums.symbols > 200 && !sections.contains(&0), "{sums:?}");
}

/// Messages of a small session, `bytes` of a plain file.
fn plain_file(framing: Framing) -> Vec<u8> {
    let mut exchange = Exchange::new();
    (0..20).for_each(|_| exchange.list_symbol());
    let mut encoder = Encoder::new();
    std::mem::swap(&mut encoder, &mut exchange.encoder);
    let listed = encoder.into_bytes();
    while exchange.encoder.messages() < 200_000 {
        if exchange.live.is_empty() || exchange.random.below(2) == 0 {
            exchange.add();
        } else {
            exchange.touch();
        }
    }
    let prefixed = [&listed, exchange.encoder.bytes()].concat();
    if framing == Framing::LengthPrefix {
        return prefixed;
    }
    let packet =
        Packet { feed: FeedId(0), sequence: Sequence(1), recv: Nanos(0), messages: &prefixed };
    packet.iter().flat_map(|message| [&[0, 0], message].concat()).collect()
}

#[test]
fn a_plain_file_behind_a_reader_allocates_nothing_a_packet() {
    for framing in [Framing::LengthPrefix, Framing::ZeroPrefix] {
        let bytes = plain_file(framing);
        let position = Position::start(Nanos(0));
        let mut file = BinaryFile::new(ReadWindow::new(&bytes[..]), framing, position);
        for _ in 0..100 {
            assert!(matches!(file.next(), Ok(Arrival::Packet(_))));
        }
        let mut packets = 0;
        let allocations = allocations_of(|| {
            while let Ok(Arrival::Packet(_)) = file.next() {
                packets += 1;
            }
        });
        assert_eq!(allocations, 0, "{framing:?}");
        assert!(packets > 3_000, "{framing:?}: {packets} packets");
        assert_eq!(file.next(), Ok(Arrival::End));
    }
}

#[test]
fn two_lines_in_order_allocate_nothing_a_packet() {
    let bytes = plain_file(Framing::LengthPrefix);
    let window = HeldWindow::new(&bytes[..]);
    let start = Position::start(Nanos(0));
    let mut file = BinaryFile::new(window, Framing::LengthPrefix, start);
    let (mut packets, mut rest) = (Vec::new(), &bytes[..]);
    while let Ok(Arrival::Packet(packet)) = file.next() {
        let whole = packet.iter().count() as u16;
        let (messages, next) = rest.split_at(packet.messages.len());
        rest = next;
        packets.push(DownstreamPacket {
            session: SessionId(*b"NOALLOCATE"),
            sequence: packet.sequence.0,
            kind: PacketKind::Messages(whole),
            messages,
            whole,
            rest_bytes: 0,
        });
    }
    let mut arbiter = Arbiter::new(arbiter::Limits::default());
    let lines = [arbiter.add_line(), arbiter.add_line()];
    let mut given = 0;
    let mut receive = |packets: &[DownstreamPacket<'_>]| {
        for (nth, packet) in packets.iter().enumerate() {
            for line in lines {
                arbiter.push(line, Nanos(nth as i64), packet);
                while let Some(Arrival::Packet(packet)) = arbiter.next_due() {
                    given += packet.messages.len();
                }
            }
        }
    };
    let (warm_up, rest) = packets.split_at(100);
    receive(warm_up);
    let allocations = allocations_of(|| receive(rest));
    assert_eq!(allocations, 0);
    assert!(rest.len() > 3_000);
    assert_eq!(given, bytes.len(), "every message came through once");
    assert_eq!(arbiter.statistics().duplicates, arbiter.statistics().delivered);
}

#[test]
fn a_journal_allocates_nothing_on_the_thread_that_appends() {
    const SEGMENT_BYTES: u64 = 256 << 10;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let place = |name: &str| {
        let at = |place| Directory::new(directory.path().join(name).join(place));
        Place::Memory { memory_directory: at("memory"), directory: at("disk") }
    };
    let thread = ThreadOptions {
        ring_bytes: RING_BYTES_MIN,
        wait: WaitStrategy::SpinThenYield { spins: 10 },
        core: None,
    };
    for (name, append) in [("inline", Append::Inline), ("thread", Append::Thread(thread))] {
        let options = JournalOptions {
            place: place(name),
            append,
            segment_bytes: SEGMENT_BYTES,
            memory_bytes_max: 4 * SEGMENT_BYTES,
            sync: SyncLevel::None,
            on_error: OnError::Stop,
        };
        let mut journal = Journal::create(options, LogSession([1; 16]), "").expect("a journal");
        let messages = [7; 1_400];
        let mut append = |packets: u64| {
            for sequence in 1..=packets {
                let messages = &messages[..64 + sequence as usize * 37 % 1_300];
                let packet = Packet {
                    feed: FeedId(0),
                    sequence: Sequence(sequence),
                    recv: Nanos(0),
                    messages,
                };
                journal.append_packet(&packet).expect("appended");
            }
            journal
                .append_gap(FeedId(0), Sequence(packets), Sequence(packets + 5), Nanos(1))
                .expect("so");
            journal.append_tick(FeedId(0), Sequence(packets), Nanos(2)).expect("so");
        };
        append(10);
        // Some segments' worth, memory that is used again, waits for the keeper: all of it.
        assert_eq!(allocations_of(|| append(5_000)), 0, "{name}");
        let rolls = journal.statistics().rolls;
        assert!(rolls > 8, "{name}: {rolls} rolls");
        assert!(matches!(journal.close(), Ok(JournalEnd::Complete(_))));
    }
}
