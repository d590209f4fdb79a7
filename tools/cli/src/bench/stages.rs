//! The stages that are measured, each with those before it.
//!
//! Every pass starts with an empty engine, made before the clock starts; growing into memory is part
//! of what is measured.

use std::hint::black_box;
use std::time::{Duration, Instant};

use engine::book::Books;
use engine::book::books::Limits;
use engine::memory::MemoryError;
use engine::packet::{Arrival, Packet, Source as _};
use engine::pipeline::inline::Inline;
use engine::pipeline::selection::Selection;
use engine::pipeline::sequencer::Sequencer;
use engine::pipeline::stage::{Cursor, Decoded, Decoder as _, EventBatch};
use engine::quality::Quality;
use engine::shard::{Observer, Shard};
use feed_handlers::itch50::decode::Itch50Decoder;

use crate::bench::input::Tape;
use crate::bench::whole::{Seen, Whole};
use crate::exit::Failure;
use crate::replay::faults;

/// How far the engine goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Cutting packets of whole messages.
    Framing,
    /// … and decoding to events.
    Decode,
    /// … and full-depth books with queues and best prices.
    Book,
    /// … and feed time, prints and metrics.
    Metrics,
    /// … and the journal: a session being recorded, but without detectors and a board.
    Undetected,
    /// … and the detectors, where they are configured so.
    Unseen,
    /// … and the board, where it is configured so: all of it.
    Pipeline,
    /// … and somebody who reads all of the board as fast as can be.
    Polled,
    /// As configured, no journal, from a file.
    FromFile,
    /// … from a session's journal.
    FromJournal,
}

impl Stage {
    /// All, in the order of the data.
    pub(super) const ALL: [Stage; 10] = [
        Stage::Framing,
        Stage::Decode,
        Stage::Book,
        Stage::Metrics,
        Stage::Undetected,
        Stage::Unseen,
        Stage::Pipeline,
        Stage::Polled,
        Stage::FromFile,
        Stage::FromJournal,
    ];

    /// As results name it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Stage::Framing => "framing",
            Stage::Decode => "decode",
            Stage::Book => "book",
            Stage::Metrics => "metrics",
            Stage::Undetected => "without_detectors",
            Stage::Unseen => "without_board",
            Stage::Pipeline => "pipeline",
            Stage::Polled => "polled",
            Stage::FromFile => "from_file",
            Stage::FromJournal => "from_journal",
        }
    }

    /// The stage whose work is all that this one does besides its own; none for a replay, which is no
    /// step from the stage before it.
    pub(super) fn before(self) -> Option<Stage> {
        match self {
            Stage::Framing | Stage::FromFile | Stage::FromJournal => None,
            Stage::Decode => Some(Stage::Framing),
            Stage::Book => Some(Stage::Decode),
            Stage::Metrics => Some(Stage::Book),
            Stage::Undetected => Some(Stage::Metrics),
            Stage::Unseen => Some(Stage::Undetected),
            Stage::Pipeline => Some(Stage::Unseen),
            Stage::Polled => Some(Stage::Pipeline),
        }
    }

    /// One pass; how long it took.
    pub(super) fn pass(self, whole: &Whole) -> Result<Duration, Failure> {
        let (tape, refused) = (whole.tape(), |error| faults::no_memory(&error));
        match self {
            Stage::Framing => Ok(framing(tape)),
            Stage::Decode => decode(tape).map_err(refused),
            Stage::Book => book(tape).map_err(refused),
            Stage::Metrics => metrics(tape).map_err(refused),
            Stage::Undetected => whole.record_undetected(),
            Stage::Unseen => whole.record(Seen::Nobody),
            Stage::Pipeline => whole.record(Seen::Board),
            Stage::Polled => whole.record(Seen::Polled),
            Stage::FromFile => whole.replay_file(),
            Stage::FromJournal => whole.replay_journal(),
        }
    }
}

/// The inline engine without a journal.
pub(super) fn inline_engine<O: Observer>(
    tape: &Tape,
    observer: O,
) -> Result<Inline<Itch50Decoder, O>, MemoryError> {
    Ok(Inline::new(
        Itch50Decoder::new(tape.midnight())?,
        Sequencer::new(tape.midnight()),
        Selection::all(),
        Shard::new(Limits::default())?,
        observer,
    ))
}

/// Hands every packet of the tape to `each`; `false` stops.
#[inline(always)]
pub(super) fn walk(tape: &Tape, mut each: impl FnMut(&Packet<'_>) -> bool) {
    let mut packets = tape.packets();
    while let Ok(Arrival::Packet(packet)) = packets.next() {
        if !each(&packet) {
            break;
        }
    }
}

#[inline(never)]
fn framing(tape: &Tape) -> Duration {
    let start = Instant::now();
    walk(tape, |packet| {
        black_box(packet);
        true
    });
    start.elapsed()
}

/// Decodes a packet and hands every batch to `each`; `false` where a second day starts.
#[inline(always)]
fn decode_packet(
    decoder: &mut Itch50Decoder,
    packet: &Packet<'_>,
    batch: &mut EventBatch,
    mut each: impl FnMut(&EventBatch),
) -> bool {
    let mut cursor = Cursor::default();
    loop {
        batch.clear();
        let decoded = decoder.decode(packet, &mut cursor, batch);
        each(batch);
        match decoded {
            Decoded::BatchFull => {}
            Decoded::PacketDone => return true,
            Decoded::SecondStart(_) => return false,
        }
    }
}

#[inline(never)]
fn decode(tape: &Tape) -> Result<Duration, MemoryError> {
    let mut decoder = Itch50Decoder::new(tape.midnight())?;
    let mut batch = EventBatch::new();
    let start = Instant::now();
    walk(tape, |packet| {
        decode_packet(&mut decoder, packet, &mut batch, |batch| {
            black_box(batch.events());
        })
    });
    Ok(start.elapsed())
}

#[inline(never)]
fn book(tape: &Tape) -> Result<Duration, MemoryError> {
    let mut decoder = Itch50Decoder::new(tape.midnight())?;
    let mut books = Books::new(Limits::default())?;
    let mut quality = Quality::default();
    let mut batch = EventBatch::new();
    let start = Instant::now();
    walk(tape, |packet| {
        decode_packet(&mut decoder, packet, &mut batch, |batch| {
            books.prefetch(batch.events());
            for event in batch.events() {
                // Symbol 0 is the market: it has no book.
                if event.symbol != 0 {
                    black_box(books.apply(event, &mut quality));
                }
            }
        })
    });
    Ok(start.elapsed())
}

#[inline(never)]
fn metrics(tape: &Tape) -> Result<Duration, MemoryError> {
    let mut engine = inline_engine(tape, ())?;
    let start = Instant::now();
    walk(tape, |packet| engine.push(packet).is_ok());
    Ok(start.elapsed())
}
