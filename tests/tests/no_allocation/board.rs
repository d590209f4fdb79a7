//! The board's publishers: quotes, details, counts, latencies, names.

use engine::board::counters::Ingest;
use engine::board::histogram::Stage;
use engine::board::stamps::{STAMPS_INLINE, Stamp, stamps};
use engine::board::{About, Board, BoardSize, FILE_NAME, ShardPublisher};
use engine::book::books::Limits;
use engine::clock::Clock;
use engine::log::SessionId;
use engine::packet::{Arrival, Source as _};
use engine::pipeline::inline::Inline;
use engine::pipeline::selection::Selection;
use engine::pipeline::sequencer::Sequencer;
use engine::pipeline::stage::Decoder as _;
use engine::shard::{Shard, ShardPlace};
use engine::units::{Nanos, SymbolId};
use feed_handlers::binaryfile::{BinaryFile, Framing, HeldWindow, Position};
use feed_handlers::itch50::decode::Itch50Decoder;

use crate::counting::allocations_of;
use crate::exchange::Exchange;

type Engine = Inline<Itch50Decoder, ShardPublisher>;

#[test]
fn an_engine_with_a_board_allocates_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let clock = Clock::start();
    // Fewer slots than there are symbols: those beyond are counted.
    let size = BoardSize { shards: 1, feeds: 1, symbols_a_feed: 200 };
    let about = About { session: SessionId([1; 16]), started: Nanos(1), midnight: Nanos(0) };
    let path = directory.path().join(FILE_NAME);
    let board = Board::create(&path, &about, &clock, size).expect("a board");
    let (ingest, mut stamps) = (board.ingest(), stamps(STAMPS_INLINE));
    let publisher = board.shard(ShardPlace { index: 0 }, clock, stamps.reader(), false);
    let mut engine: Engine = Inline::new(
        Itch50Decoder::new(Nanos(0)).expect("memory"),
        Sequencer::new(Nanos(0)),
        Selection::all(),
        Shard::new(Limits::default()).expect("memory"),
        publisher,
    );
    let (mut exchange, mut position) = (Exchange::new(), Position::start(Nanos(0)));
    let mut named = 0;
    let mut push = |engine: &mut Engine, exchange: &Exchange| {
        let window = HeldWindow::new(exchange.encoder.bytes());
        let mut file = BinaryFile::new(window, Framing::LengthPrefix, position);
        while let Ok(Arrival::Packet(packet)) = file.next() {
            let received = clock.now();
            ingest.record(Stage::ReceivedAccepted, 5);
            let before = engine.sequencer().position();
            stamps.write(&Stamp { before, received, accepted: received, wire_ns: Some(7) });
            engine.push(&packet).expect("one start of day");
            engine.idle();
            let directory = engine.decoder().directory();
            for symbol in directory.named()[named..].iter().copied().map(SymbolId) {
                ingest.name(symbol, directory.name(symbol).unwrap_or_default());
            }
            named = directory.named().len();
            ingest.count(&Ingest::default());
            ingest.by_type(&engine.decoder().counts().by_type);
        }
        position = file.position();
    };
    (0..50).for_each(|_| exchange.list_symbol());
    exchange.deal(20_000, 10_000);
    push(&mut engine, &exchange);
    let mut allocations = 0;
    for _ in 0..10 {
        exchange.deal(20_000, 20_000);
        (0..30).for_each(|_| exchange.list_symbol());
        allocations += allocations_of(|| push(&mut engine, &exchange));
    }
    assert_eq!(allocations, 0);
    let reader = engine::board::BoardReader::attach(&path).expect("it is there");
    let shard = reader.shard_counts().expect("nobody writes")[0];
    assert!(shard.quotes > 100_000 && shard.details > 100 && shard.not_shown > 1_000);
    assert!(reader.latencies(Stage::WirePublished).samples() > 1_000);
    assert_eq!(reader.symbols().expect("nobody writes").len(), 199, "0 is no symbol");
}
