//! One session, as BinaryFILE, through the engine in each topology and by way of its journal.
//!
//! Every run tells the hash of the state that it came to. Packets are of 1 to 60 messages, cut by a
//! seed of the run's own, so runs that come to the same do so whatever the packets.

use std::io;
use std::path::Path;

use engine::book::books::Limits;
use engine::detect::Settings;
use engine::journal::source::JournalSource;
use engine::journal::writer::{Append, Journal, JournalEnd, JournalOptions, OnError};
use engine::log::SessionId;
use engine::log::directories::LogDirectories;
use engine::log::options::{Place, SyncLevel};
use engine::log::segment::SEGMENT_BYTES_MIN;
use engine::log::storage::Directory;
use engine::packet::{Arrival, Packet, Source as _};
use engine::pipeline::inline::Inline;
use engine::pipeline::pipelined::{Layout, Pipelined};
use engine::pipeline::selection::Selection;
use engine::pipeline::sequencer::Sequencer;
use engine::ring::WaitStrategy;
use engine::shard::{Observer, Shard};
use engine::state::{SectionSums, StateHash, section_sums};
use engine::units::{FeedId, Nanos, Sequence};
use engine::window::bars::BarSettings;
use feed_handlers::itch50::decode::Itch50Decoder;

use crate::capture;
use crate::random::Random;

/// Messages of a packet at most.
const PACKET_MESSAGES_MAX: u64 = 60;

/// Hands messages, the first of which has the sequence `first`, to `each` in packets of 1 to 60, cut by
/// `seed`; the sequence behind the last.
///
/// # Panics
/// If they end within a message.
pub fn packets(messages: &[u8], first: u64, seed: u64, mut each: impl FnMut(&Packet<'_>)) -> u64 {
    let mut random = Random::new(seed);
    let mut wanted = 1 + random.below(PACKET_MESSAGES_MAX);
    let (mut start, mut end) = (0, 0);
    let (mut sequence, mut next) = (first, first);
    let mut send = |from: usize, to: usize, sequence: u64| {
        let recv = Nanos(sequence as i64);
        each(&Packet {
            feed: FeedId(0),
            sequence: Sequence(sequence),
            recv,
            messages: &messages[from..to],
        });
    };
    for message in capture::messages(messages) {
        end += 2 + message.expect("the messages are whole").len();
        next += 1;
        if next - sequence == wanted {
            send(start, end, sequence);
            (start, sequence) = (end, next);
            wanted = 1 + random.below(PACKET_MESSAGES_MAX);
        }
    }
    if next > sequence {
        send(start, end, sequence);
    }
    next
}

/// The engine inline, with an observer.
pub type InlineEngine<O> = Inline<Itch50Decoder, O>;

/// An engine that has seen nothing.
///
/// # Panics
/// If its memory can't be had.
#[must_use]
pub fn inline<O: Observer>(observer: O) -> InlineEngine<O> {
    let shard = Shard::new(Limits::default()).expect("memory for a shard");
    Inline::new(decoder(), sequencer(), Selection::all(), shard, observer)
}

/// Runs a session inline.
///
/// # Panics
/// If the engine refuses a packet.
pub fn run_inline<O: Observer>(session: &[u8], seed: u64, observer: O) -> InlineEngine<O> {
    let mut engine = inline(observer);
    packets(session, 1, seed, |packet| engine.push(packet).expect("it is one day"));
    engine
}

/// The hash of an engine's state.
#[must_use]
pub fn hash_of<O: Observer>(engine: &InlineEngine<O>) -> StateHash {
    StateHash::of(&section_sums(engine.shard(), engine.sequencer().feed_time(), true))
}

/// Runs a session pipelined; the hash of its state.
///
/// # Panics
/// If the engine cannot be started, a stage fails, or a shard's invariants are broken at the end.
#[must_use]
pub fn run_pipelined(session: &[u8], seed: u64, shards: u32) -> StateHash {
    let (selection, layout) = (Selection::all(), layout(shards, 1_024));
    let mut engine = Pipelined::start(decoder(), sequencer(), selection, &layout, |_| (), ())
        .expect("it starts");
    packets(session, 1, seed, |packet| engine.push(packet).expect("no stage fails"));
    let parts = engine.finish().expect("no stage fails");
    let mut sums = SectionSums::default();
    for shard in &parts.shards {
        shard.validate().expect("the books of every shard are sound");
        let owns_market = shard.place().owns_market();
        sums += section_sums(shard, parts.sequencer.feed_time(), owns_market);
    }
    StateHash::of(&sums)
}

/// Journals a session in `directory` and runs it from there; the hash of its state.
///
/// # Errors
/// The directory cannot be written.
///
/// # Panics
/// If the journal fails otherwise or the engine refuses a packet.
pub fn run_from_journal(session: &[u8], seed: u64, directory: &Path) -> io::Result<StateHash> {
    let failed = |error: &dyn core::error::Error| io::Error::other(error.to_string());
    let mut journal =
        Journal::create(journal_options(directory), SessionId([7; 16]), "[session]\n")
            .map_err(|error| failed(&error))?;
    packets(session, 1, seed, |packet| {
        journal.append_packet(packet).expect("the disk has room");
    });
    let end = journal.close().map_err(|error| failed(&error))?;
    assert!(matches!(end, JournalEnd::Complete(_)), "the journal is incomplete");

    let directories = LogDirectories::disk(Directory::new(directory));
    let mut source = JournalSource::open(directories).map_err(|error| failed(&error))?;
    let mut engine = inline(());
    while let Arrival::Packet(packet) = source.next().map_err(|error| failed(&error))? {
        engine.push(&packet).expect("it is one day");
    }
    Ok(hash_of(&engine))
}

/// A journal in small segments on disk, appended by the thread that takes packets, that stops when it
/// fails.
#[must_use]
pub fn journal_options(directory: &Path) -> JournalOptions {
    JournalOptions {
        place: Place::Disk { directory: Directory::new(directory) },
        append: Append::Inline,
        segment_bytes: SEGMENT_BYTES_MIN,
        memory_bytes_max: 0,
        sync: SyncLevel::None,
        on_error: OnError::Stop,
    }
}

fn decoder() -> Itch50Decoder {
    Itch50Decoder::new(Nanos(0)).expect("memory for a decoder")
}

fn sequencer() -> Sequencer {
    Sequencer::new(Nanos(0))
}

/// Shards and a market stage on threads of their own that yield soon, with rings of so many events.
#[must_use]
pub fn layout(shards: u32, ring_events: usize) -> Layout {
    Layout {
        shards,
        limits: Limits::default(),
        bars: BarSettings::NONE,
        detect: Settings::off(),
        prefault_orders: 1_000,
        ring_events,
        ring_signals: 64,
        wait: WaitStrategy::SpinThenYield { spins: 10 },
        market_wait: WaitStrategy::SpinThenYield { spins: 0 },
        shard_cores: Vec::new(),
        market_core: None,
    }
}
