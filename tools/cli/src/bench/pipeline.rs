//! The engine under measurement: a session that is recorded, applied and shown, as a run does it.
//!
//! ```text
//!  packet ─► journal ─► decode, books, metrics ─► board: best bid and offer of each symbol touched
//!                                                   └─► the end of a packet's time
//! ```
//! A packet's time ends when the engine's call has returned: the board has its best bid and offer by then
//! (without a board, its books do), and what a run counts of a packet is counted. One thread owns it, on a
//! core of its own; the other threads of the session are kept off that core where there is another. A
//! recording is made, and its first segments are prepared, before it takes a packet.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use engine::board::ShardPublisher;
use engine::packet::Packet;
use engine::pipeline::pin;
use engine::pipeline::pipelined::PushError;
use engine::pipeline::selection::Selection;
use engine::shard::ShardPlace;
use engine::state::StateHash;
use engine::units::{FeedId, Nanos, Sequence};
use rustix::thread::{CpuSet, sched_setaffinity};
use serde_json::Value;

use crate::board::Watch;
use crate::config::Config;
use crate::console::Console;
use crate::day::TradingDay;
use crate::exit::Failure;
use crate::folder::Folder;
use crate::recording::description::Description;
use crate::recording::{self, Recording};
use crate::replay::engine::{self as engine_run, Engine, Finished, Start};
use crate::replay::faults;

/// A journal's segments are prepared when there has been no new one for this long.
const PREPARED_AFTER: Duration = Duration::from_millis(100);

/// Who publishes what the shard has applied.
type Published = Option<ShardPublisher>;

/// Where the time of a packet ends, for people and programs.
pub(super) fn end_point(config: &Config) -> &'static str {
    match config.board.enabled {
        true => "its best bid and offer on the board",
        false => "its best bid and offer in the book (no board)",
    }
}

/// See the module.
pub(super) struct Pipeline {
    engine: Engine<Published, ()>,
    watch: Watch,
    recording: Recording,
    /// What the session has in memory; goes after the recording.
    memory: Folder,
}

/// A pipeline that has applied all that it took.
pub(super) struct Drained {
    engine: engine_run::Drained<Published, ()>,
    watch: Watch,
    recording: Recording,
    _memory: Folder,
}

/// What a session came to.
#[derive(Clone, Debug)]
pub(super) struct SessionEnd {
    /// Why its journal does not hold everything, where it does not.
    pub(super) incomplete: Option<String>,
    /// Bytes of it, and how often and how long the writer had to wait.
    pub(super) journal: Value,
    /// The state behind the last message.
    pub(super) hash: StateHash,
}

impl Pipeline {
    /// Begins a session in `path`, on the calling thread, which is then on its core. `is_live`: packets
    /// come off a wire.
    pub(super) fn begin(
        path: &Path,
        day: TradingDay,
        config: &Config,
        is_live: bool,
        console: Console,
    ) -> Result<Pipeline, Failure> {
        if let Some(core) = config.threads.ingest_core {
            keep_off(core.0.into());
        }
        let (memory, mut recording) = begin(path, day, config)?;
        let mut watch = Watch::begin(config, Some(&recording), day, is_live, console);
        let mut engine = engine(day, config, |place| watch.publisher(place))?;
        recording.keep();
        if watch.is_on() {
            let rings = engine.take_gauges();
            watch.keep(recording.kept(recording.output_tails(), None, rings), console);
        }
        Ok(Pipeline { engine, watch, recording, memory })
    }

    /// Its board, if it has one.
    pub(super) fn board(&self) -> Option<&Path> {
        self.recording.board().filter(|_| self.watch.is_on())
    }

    /// Journals and applies a packet that is at hand; when this returns, its time ends.
    #[inline]
    pub(super) fn packet(&mut self, packet: &Packet<'_>) -> Result<(), Failure> {
        self.watch.received();
        self.recording.packet(packet)?;
        self.watch.accepted(packet, self.engine.sequencer().position(), false);
        self.engine.push(packet).map_err(refused)?;
        self.watch.pushed(packet, &self.engine);
        Ok(())
    }

    /// Journals and applies that messages were given up.
    pub(super) fn gap(
        &mut self,
        feed: FeedId,
        first: Sequence,
        end: Sequence,
    ) -> Result<(), Failure> {
        let feed_time = self.engine.sequencer().feed_time();
        self.recording.gap(feed, first, end, feed_time)?;
        self.engine.gap(feed, first, end).map_err(refused)
    }

    /// Journals that time has passed.
    pub(super) fn tick(
        &mut self,
        feed: FeedId,
        last: Sequence,
        time: Nanos,
    ) -> Result<(), Failure> {
        self.recording.tick(feed, last, time).map(|_taken| ())
    }

    /// There is nothing to apply at the moment: the engine uses the time for what it shows, as in a run.
    /// What a run's ingest thread shows besides, counts and lines, is left out.
    #[inline]
    pub(super) fn idle(&mut self) {
        self.engine.idle();
    }

    /// Messages applied so far.
    pub(super) fn messages(&self) -> u64 {
        self.engine.decoder().counts().messages
    }

    /// Waits until all that it took is applied.
    pub(super) fn drain(self) -> Result<Drained, Failure> {
        let Pipeline { engine, watch, recording, memory } = self;
        let engine = engine.drain().map_err(|failed| faults::stage_failed(&failed))?;
        Ok(Drained { engine, watch, recording, _memory: memory })
    }
}

impl Drained {
    /// Ends the session.
    pub(super) fn end(self) -> Result<SessionEnd, Failure> {
        let Finished { observers, shards, hash, .. } = self.engine.hashed();
        let _board = self.watch.end(observers, &shards);
        let ended = self.recording.end(0)?;
        let journal = ["bytes", "rolls", "waits", "waited_ns"]
            .map(|key| (String::from(key), ended.json[key].clone()));
        let journal = journal.into_iter().collect();
        Ok(SessionEnd { incomplete: ended.incomplete, journal, hash })
    }
}

/// Begins to record a session of `day` in `path`, its first segments prepared; what of it would stay in
/// memory after a fault goes with the folder.
fn begin(path: &Path, day: TradingDay, config: &Config) -> Result<(Folder, Recording), Failure> {
    let id = recording::new_id()?;
    // Removed by an orderly end; after a fault it would stay.
    let removed = Folder(config.journal.memory_dir.join(format!("tapewatch-{id}")));
    let description = Description { id, day, symbols: Vec::new(), config: config.clone() };
    let recording = Recording::begin(path, description, false)?;
    wait_until_prepared(&recording.written_in());
    Ok((removed, recording))
}

/// `work` on a thread of its own, whose core it may set.
pub(super) fn on_a_thread<T: Send>(
    work: impl FnOnce() -> Result<T, Failure> + Send,
) -> Result<T, Failure> {
    thread::scope(|scope| {
        let started = thread::Builder::new().name(String::from("ingest")).spawn_scoped(scope, work);
        let started = started.map_err(|error| {
            Failure::usage(format_args!("cannot start a thread: {error}; raise `ulimit -u`"))
        })?;
        started.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// The engine of `config`, on the calling thread.
pub(super) fn engine(
    day: TradingDay,
    config: &Config,
    observers: impl FnMut(ShardPlace) -> Published,
) -> Result<Engine<Published, ()>, Failure> {
    // What is to be noted was noted once.
    let silent = Console::new(true, false);
    let start = Start::of_day(day.midnight(), Selection::all());
    Engine::start(config, start, observers, (), silent)
}

#[cold]
fn refused(error: PushError) -> Failure {
    match error {
        PushError::SecondStart(second) => faults::second_start(second, None),
        PushError::StageFailed => {
            Failure::no("a stage of the engine has failed; this is a bug, please report it")
        }
    }
}

/// Waits until the keeper of a journal in `directory` has prepared what it prepares.
fn wait_until_prepared(directory: &Path) {
    let segments = || fs::read_dir(directory).map_or(0, Iterator::count);
    let mut seen = (segments(), Instant::now());
    while seen.1.elapsed() < PREPARED_AFTER {
        thread::sleep(Duration::from_millis(5));
        let now = segments();
        if now != seen.0 {
            seen = (now, Instant::now());
        }
    }
}

/// Keeps this thread, and those that it starts from now on, off `core`, where there is another.
fn keep_off(core: usize) {
    let mut others = CpuSet::new();
    let cores = pin::allowed_cores().into_iter().filter(|allowed| allowed.0 != core);
    cores.for_each(|other| others.set(other.0));
    if others.count() > 0 {
        // Where the system refuses, threads share the core: that shows in the figures.
        let _ = sched_setaffinity(None, &others);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::board::BoardReader;
    use engine::units::{OrderRef, Side, SymbolId};
    use feed_handlers::itch50::{Encoder, Header, Price4, Stock};

    #[test]
    fn a_packet_s_best_bid_and_offer_is_on_the_board_when_its_time_ends() {
        let scratch = tempfile::tempdir().unwrap();
        let memory = format!("journal.memory_dir={}", scratch.path().join("memory").display());
        let set = [memory, String::from("journal.segment_bytes=1048576")];
        let config = Config::load(None, &set).unwrap();
        let (day, silent) = (TradingDay::epoch(), Console::new(true, false));
        let path = scratch.path().join("session");
        let mut pipeline = Pipeline::begin(&path, day, &config, false, silent).unwrap();
        let board = BoardReader::attach(pipeline.recording.board().unwrap()).unwrap();
        for order in 1..=50u64 {
            let mut encoder = Encoder::new();
            let head = Header { locate: 7, tracking: 0, time_of_day_ns: order };
            let (stock, price) = (Stock::new("AAPL").unwrap(), Price4(order as u32 * 100));
            encoder.add_order(head, OrderRef(order), Side::Buy, 10, stock, price, None);
            let packet = Packet {
                feed: FeedId(0),
                sequence: Sequence(order),
                recv: day.midnight(),
                messages: encoder.bytes(),
            };
            pipeline.packet(&packet).unwrap();
            let quote = board.quote(SymbolId(7)).unwrap().unwrap();
            // 1e-4 of a dollar are 1e5 of the book's units.
            assert_eq!(quote.bid_price, order as i64 * 100 * 100_000);
            assert_eq!((quote.bid_qty, quote.sequence), (10, order));
        }
        assert_eq!(pipeline.messages(), 50);
        let ended = pipeline.drain().unwrap().end().unwrap();
        assert_eq!(ended.incomplete, None);
        assert!(ended.journal["bytes"].as_u64().unwrap() > 50 * 36);
        assert_eq!(std::fs::read_dir(scratch.path().join("memory")).unwrap().count(), 0);
    }
}
