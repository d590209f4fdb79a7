//! Our own stages over a tape, each with those before it: framing, decode, books, metrics.
//!
//! A pass takes an engine that was made before the clock started; that it grows into its memory is
//! part of what is measured.

use std::hint::black_box;

use engine::book::Books;
use engine::book::books::Limits;
use engine::event::Event;
use engine::memory::MemoryError;
use engine::packet::{Arrival, Packet, Source as _};
use engine::pipeline::inline::Inline;
use engine::pipeline::selection::Selection;
use engine::pipeline::sequencer::Sequencer;
use engine::pipeline::stage::{Cursor, Decoded, Decoder as _, EventBatch};
use engine::quality::Quality;
use engine::shard::Shard;
use engine::units::Nanos;
use feed_handlers::binaryfile::{BinaryFile, Framing, HeldWindow, Position};
use feed_handlers::itch50::decode::Itch50Decoder;

use crate::peers::FieldSums;
use crate::tape::Tape;

/// Midnight of every made-up day.
pub const MIDNIGHT: Nanos = Nanos(0);

/// The engine as `replay` runs it, without an observer.
pub type Engine = Inline<Itch50Decoder, ()>;

/// An engine that has seen nothing.
///
/// # Errors
/// If the system refuses memory.
pub fn engine() -> Result<Engine, MemoryError> {
    Ok(Inline::new(
        Itch50Decoder::new(MIDNIGHT)?,
        Sequencer::new(MIDNIGHT),
        Selection::all(),
        Shard::new(Limits::default())?,
        (),
    ))
}

/// Books and what decodes for them.
pub struct BookBuilder {
    decoder: Itch50Decoder,
    batch: EventBatch,
    books: Books,
    quality: Quality,
}

impl BookBuilder {
    /// Over given books.
    ///
    /// # Errors
    /// If the system refuses memory.
    pub fn new(books: Books) -> Result<Self, MemoryError> {
        Ok(BookBuilder {
            decoder: Itch50Decoder::new(MIDNIGHT)?,
            batch: EventBatch::new(),
            books,
            quality: Quality::default(),
        })
    }

    /// The books, given away.
    #[must_use]
    pub fn into_books(self) -> Books {
        self.books
    }

    /// Decodes and applies a packet.
    #[inline(always)]
    pub fn push(&mut self, packet: &Packet<'_>) {
        let BookBuilder { decoder, batch, books, quality } = self;
        decode_packet(decoder, packet, batch, |events| {
            books.prefetch(events);
            for event in events {
                // Symbol 0 is the market: it has no book.
                if event.symbol != 0 {
                    black_box(books.apply(event, quality));
                }
            }
        });
    }
}

/// Hands every packet of a tape to `each`.
#[inline(always)]
pub fn walk(tape: &Tape, mut each: impl FnMut(&Packet<'_>)) {
    let window = HeldWindow::new(tape.bytes());
    let mut file = BinaryFile::new(window, Framing::LengthPrefix, Position::start(MIDNIGHT));
    while let Ok(Arrival::Packet(packet)) = file.next() {
        each(&packet);
    }
}

#[inline(always)]
fn decode_packet(
    decoder: &mut Itch50Decoder,
    packet: &Packet<'_>,
    batch: &mut EventBatch,
    mut each: impl FnMut(&[Event]),
) {
    let mut cursor = Cursor::default();
    loop {
        batch.clear();
        let decoded = decoder.decode(packet, &mut cursor, batch);
        each(batch.events());
        if decoded != Decoded::BatchFull {
            break;
        }
    }
}

/// Decodes a tape and hands every batch of events to `each`.
///
/// # Errors
/// If the system refuses memory for a decoder.
pub fn decode_all(tape: &Tape, mut each: impl FnMut(&[Event])) -> Result<(), MemoryError> {
    let mut decoder = Itch50Decoder::new(MIDNIGHT)?;
    let mut batch = EventBatch::new();
    walk(tape, |packet| decode_packet(&mut decoder, packet, &mut batch, &mut each));
    Ok(())
}

/// What our decoder reads of a tape, to be held against other parsers.
///
/// # Errors
/// If the system refuses memory for a decoder.
pub fn field_sums(tape: &Tape) -> Result<FieldSums, MemoryError> {
    let mut sums = FieldSums::default();
    decode_all(tape, |events| events.iter().for_each(|event| sums.take_event(event)))?;
    Ok(sums)
}

/// Cuts a tape into packets.
#[inline(never)]
pub fn framing(tape: &Tape) {
    walk(tape, |packet| {
        black_box(packet);
    });
}

/// … and decodes them.
#[inline(never)]
pub fn decode(tape: &Tape, decoder: &mut Itch50Decoder, batch: &mut EventBatch) {
    walk(tape, |packet| {
        decode_packet(decoder, packet, batch, |events| {
            black_box(events);
        });
    });
}

/// … and builds full-depth books with queues and best prices.
#[inline(never)]
pub fn book(tape: &Tape, builder: &mut BookBuilder) {
    walk(tape, |packet| builder.push(packet));
}

/// … and the rest of the engine: feed time, prints, metrics.
#[inline(never)]
pub fn metrics(tape: &Tape, engine: &mut Engine) {
    // A second start of day, where the engine stops, stands in no tape.
    walk(tape, |packet| {
        let _ = black_box(engine.push(packet));
    });
}
