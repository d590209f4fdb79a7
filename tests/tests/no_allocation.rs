//! After warm-up nothing between a source's packet and the state it leads to asks the global
//! allocator for memory.
//!
//! A counting allocator stands in front of the system's. It counts for the thread that asks for it,
//! and only while that thread says so; messages are made while it does not. What the engine maps by
//! itself (its tables reserve address space and grow in place) is no allocation.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use engine::book::books::Limits;
use engine::journal::writer::{Append, Journal, JournalEnd, JournalOptions, OnError};
use engine::log::SessionId as LogSession;
use engine::log::options::{Place, SyncLevel};
use engine::log::storage::Directory;
use engine::log::threaded::{RING_BYTES_MIN, ThreadOptions};
use engine::packet::{Arrival, Packet, Source};
use engine::pipeline::inline::Inline;
use engine::pipeline::selection::Selection;
use engine::pipeline::sequencer::Sequencer;
use engine::quality::Quality;
use engine::ring::WaitStrategy;
use engine::shard::Shard;
use engine::state::{SectionSums, section_sums};
use engine::units::{MatchNumber, Nanos, OrderRef, Sequence, Side, SymbolId};
use feed_handlers::arbiter::{self, Arbiter};
use feed_handlers::binaryfile::{BinaryFile, Framing, HeldWindow, Position, ReadWindow};
use feed_handlers::itch50::decode::Itch50Decoder;
use feed_handlers::itch50::{DirectoryEntry, Encoder, Header, Price4, Stock};
use feed_handlers::moldudp64::{DownstreamPacket, PacketKind, SessionId};
use tapewatch_tests::random::Random;

thread_local! {
    /// Allocations of this thread, `None` while nobody counts.
    static ALLOCATIONS: Cell<Option<u64>> = const { Cell::new(None) };
}

struct Counting;

fn count() {
    // A thread that is being torn down has no counter any more, and nobody asks.
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get().map(|count| count + 1)));
}

// SAFETY: every call is handed to the system's allocator as it came, so its contract is kept; counting
// touches a thread-local without destructor, which allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `alloc`, which is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as in `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_bytes: usize) -> *mut u8 {
        count();
        // SAFETY: as in `alloc`; `pointer` is the system allocator's, since all of ours are.
        unsafe { System.realloc(pointer, layout, new_bytes) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as in `realloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often `work` asks the global allocator for memory.
fn allocations_of(work: impl FnOnce()) -> u64 {
    ALLOCATIONS.set(Some(0));
    work();
    ALLOCATIONS.take().unwrap_or_default()
}

#[test]
fn the_counter_sees_every_way_to_ask_for_memory() {
    let mut kept = Vec::new();
    assert_eq!(allocations_of(|| kept.push(Box::new(1_u64))), 2, "a box, and room for it");
    assert_eq!(allocations_of(|| kept.reserve(100)), 1, "a vector that grows");
    let mut zeros = Vec::new();
    assert_eq!(allocations_of(|| zeros = vec![0_u8; 10]), 1, "zeroed memory");
    assert_eq!(allocations_of(|| drop((kept, zeros))), 0, "giving back is free");
}

type Engine = Inline<Itch50Decoder, ()>;

fn engine() -> Engine {
    let midnight = Nanos(0);
    let shard = Shard::new(Limits::default()).expect("memory for a shard");
    let decoder = Itch50Decoder::new(midnight).expect("memory for a decoder");
    Inline::new(decoder, Sequencer::new(midnight), Selection::all(), shard, ())
}

/// An exchange that spares the engine nothing.
struct Exchange {
    random: Random,
    encoder: Encoder,
    /// Locate, reference.
    live: Vec<(u16, u64)>,
    /// Locate, match number.
    matches: Vec<(u16, u64)>,
    symbols: u16,
    next_reference: u64,
    next_match: u64,
    time_of_day_ns: u64,
}

impl Exchange {
    fn new() -> Self {
        Exchange {
            random: Random::new(5),
            encoder: Encoder::new(),
            live: Vec::new(),
            matches: Vec::new(),
            symbols: 0,
            next_reference: 1,
            next_match: 1,
            time_of_day_ns: 0,
        }
    }

    fn header(&mut self, locate: u16) -> Header {
        // Now and then a message is late, and one claims to be of another day.
        let late = if self.random.below(1_000) == 0 { 500 } else { 0 };
        let another_day = if self.random.below(5_000) == 0 { 1 << 47 } else { 0 };
        self.time_of_day_ns += 1 + self.random.below(100);
        let time_of_day_ns = self.time_of_day_ns.saturating_sub(late) + another_day;
        Header { locate, tracking: 0, time_of_day_ns }
    }

    fn stock(locate: u16) -> Stock {
        Stock::new(&format!("S{locate}")).expect("a short name")
    }

    fn list_symbol(&mut self) {
        self.symbols += 1;
        let (locate, stock) = (self.symbols, Self::stock(self.symbols));
        let header = self.header(locate);
        self.encoder.stock_directory(header, &DirectoryEntry::common_stock(stock));
        self.encoder.trading_action(header, stock, b'T', *b"    ");
    }

    fn price(&mut self) -> Price4 {
        let width = if self.random.below(20) == 0 { 20_000 } else { 50 };
        Price4(100 * (10_000 + self.random.below(width) as u32))
    }

    fn reference(&mut self) -> u64 {
        if self.random.below(50) == 0 {
            return self.random.next_u64();
        }
        self.next_reference += 1 + self.random.below(3);
        self.next_reference
    }

    fn match_number(&mut self, locate: u16) -> MatchNumber {
        self.next_match += 1;
        let number = match self.random.below(20) {
            // Far below, and in no order.
            0 => self.random.below(self.next_match),
            _ => self.next_match,
        };
        self.matches.push((locate, number));
        MatchNumber(number)
    }

    fn add(&mut self) {
        let locate = 1 + self.random.below(self.symbols.into()) as u16;
        let (side, price) = (*self.random.pick(&[Side::Buy, Side::Sell]), self.price());
        // Sometimes a reference that lives already, mostly under another symbol.
        let reference = match self.random.below(100) {
            0 if !self.live.is_empty() => self.random.pick(&self.live).1,
            _ => self.reference(),
        };
        let (header, shares) = (self.header(locate), self.random.below(1_000) as u32);
        let stock = Self::stock(locate);
        self.encoder.add_order(header, OrderRef(reference), side, shares, stock, price, None);
        self.live.push((locate, reference));
    }

    fn touch(&mut self) {
        let place = self.random.below(self.live.len() as u64) as usize;
        let (locate, reference) = self.live[place];
        let (order, header) = (OrderRef(reference), self.header(locate));
        let shares = self.random.below(500) as u32;
        match self.random.below(10) {
            0 => self.encoder.order_cancelled(header, order, shares),
            1 => {
                let number = self.match_number(locate);
                self.encoder.order_executed(header, order, shares, number);
            }
            2 => {
                let (number, price) = (self.match_number(locate), self.price());
                let printable = self.random.below(3) > 0;
                self.encoder
                    .order_executed_with_price(header, order, shares, number, printable, price);
            }
            3..6 => {
                let (new, price) = (self.reference(), self.price());
                self.encoder.order_replaced(header, order, OrderRef(new), shares, price);
                self.live[place].1 = new;
            }
            _ => {
                self.encoder.order_deleted(header, order);
                self.live.swap_remove(place);
            }
        }
    }

    fn rarely(&mut self) {
        let locate = 1 + self.random.below(self.symbols.into()) as u16;
        let (header, stock, price) = (self.header(locate), Self::stock(locate), self.price());
        match self.random.below(7) {
            0 => {
                let state = *self.random.pick(b"THPQx");
                self.encoder.trading_action(header, stock, state, *b"LUDP");
            }
            1 => {
                let number = self.match_number(locate);
                self.encoder.trade(header, OrderRef(0), Side::Buy, 5, stock, price, number);
            }
            2 => {
                let (number, shares) = (self.match_number(locate), self.random.below(3));
                self.encoder.cross_trade(header, shares * 1_000, stock, price, number, b'O');
            }
            3 if !self.matches.is_empty() => {
                let (locate, number) = *self.random.pick(&self.matches);
                self.encoder.broken_trade(Header { locate, ..header }, MatchNumber(number));
            }
            4 => self.encoder.raw(b"?an unknown message"),
            5 => self.encoder.raw(b"A, but cut short"),
            _ => self.encoder.system_event(Header { locate: 0, ..header }, b'Q'),
        }
    }

    /// The next `messages`; the buffer keeps its room.
    fn deal(&mut self, messages: u64, live_aim: usize) {
        self.encoder.clear();
        while self.encoder.messages() < messages {
            match self.random.below(100) {
                0..3 => self.rarely(),
                _ if self.live.is_empty() => self.add(),
                _ if self.live.len() < live_aim && self.random.below(3) > 0 => self.add(),
                3..40 if self.live.len() < live_aim => self.add(),
                _ => self.touch(),
            }
        }
    }
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
    quality: Quality,
}

impl Seen {
    fn of(engine: &Engine) -> Seen {
        let shard = engine.shard();
        let symbols = shard.books().symbol_count();
        let (pages, sparse) = shard.books().index_usage();
        let broken = |id| shard.metrics(SymbolId(id)).tape.broken_volume();
        Seen {
            messages: engine.decoder().counts().messages,
            symbols,
            levels: shard.books().level_count(),
            pages,
            sparse,
            broken: (0..symbols as u32).map(broken).sum(),
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

    let feed_time = engine.sequencer().feed_time();
    let mut sums = SectionSums::default();
    let allocations = allocations_of(|| sums = section_sums(engine.shard(), feed_time, true));
    assert_eq!(allocations, 0, "a hash point");
    assert!(sums.symbols > 200 && sums.books != 0 && sums.metrics != 0, "{sums:?}");
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
    let packet = Packet { sequence: Sequence(1), recv: Nanos(0), messages: &prefixed };
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
                let packet = Packet { sequence: Sequence(sequence), recv: Nanos(0), messages };
                journal.append_packet(&packet, 0).expect("appended");
            }
            journal.append_gap(Sequence(packets), Sequence(packets + 5), Nanos(1), 0).expect("so");
            journal.append_tick(Sequence(packets), Nanos(2), 0).expect("so");
        };
        append(10);
        // Some segments' worth, memory that is used again, waits for the keeper: all of it.
        assert_eq!(allocations_of(|| append(5_000)), 0, "{name}");
        let rolls = journal.statistics().rolls;
        assert!(rolls > 8, "{name}: {rolls} rolls");
        assert!(matches!(journal.close(), Ok(JournalEnd::Complete(_))));
    }
}
