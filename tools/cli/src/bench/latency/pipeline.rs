//! The engine under measurement: a session that is recorded, applied and shown, as a run does it.
//!
//! ```text
//!  packet ─► journal ─► decode, books, metrics ─► board: best bid and offer of each symbol touched
//!                                                   └─► the end of a packet's time
//! ```
//! A packet's time ends when the engine's call has returned: the board has its best bid and offer by then
//! (without a board, its books do), and what a run counts of a packet is counted. One thread owns it, on a
//! core of its own; the other threads of the session are kept off that core where there is another.

use std::path::Path;

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

use super::open_loop::Stage;
use crate::bench::whole;
use crate::board::Watch;
use crate::config::Config;
use crate::console::Console;
use crate::day::TradingDay;
use crate::exit::Failure;
use crate::folder::Folder;
use crate::recording::Recording;
use crate::replay::engine::{Engine, Finished, Start};
use crate::replay::faults;

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
    /// Go after the recording.
    _folders: [Folder; 2],
}

/// What a row's session came to.
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
        let session = Folder(path.to_owned());
        if let Some(core) = config.threads.ingest_core {
            keep_off(core.0.into());
        }
        let (memory, mut recording) = whole::begin(path, day, config)?;
        let mut watch = Watch::begin(config, Some(&recording), day, is_live, console);
        if config.board.enabled && !watch.is_on() {
            return Err(Failure::no(
                "there is no board to publish to; make room for one, or measure without by board.enabled=false",
            ));
        }
        let mut engine = engine(day, config, |place| watch.publisher(place))?;
        recording.keep();
        if watch.is_on() {
            let rings = engine.take_gauges();
            watch.keep(recording.kept(recording.output_tails(), None, rings), console);
        }
        Ok(Pipeline { engine, watch, recording, _folders: [session, memory] })
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

    /// There is nothing to apply at the moment: the engine uses the time as it does in a run.
    #[inline]
    pub(super) fn idle(&mut self) {
        self.engine.idle();
    }

    /// Messages applied so far.
    pub(super) fn messages(&self) -> u64 {
        self.engine.decoder().counts().messages
    }

    /// Ends the session and removes it.
    pub(super) fn end(self) -> Result<SessionEnd, Failure> {
        let finished = self.engine.finish().map_err(|failed| faults::stage_failed(&failed))?;
        let Finished { observers, shards, hash, .. } = finished;
        let _board = self.watch.end(observers, &shards);
        let ended = self.recording.end(0)?;
        let journal = ["bytes", "rolls", "waits", "waited_ns"]
            .map(|key| (String::from(key), ended.json[key].clone()));
        let journal = journal.into_iter().collect();
        Ok(SessionEnd { incomplete: ended.incomplete, journal, hash })
    }
}

impl<'a> Stage<Packet<'a>, Failure> for &mut Pipeline {
    #[inline]
    fn take(&mut self, packet: Packet<'a>) -> Result<(), Failure> {
        self.packet(&packet)
    }

    #[inline]
    fn idle(&mut self) {
        Pipeline::idle(self);
    }
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
        let ended = pipeline.end().unwrap();
        assert_eq!(ended.incomplete, None);
        assert!(ended.journal["bytes"].as_u64().unwrap() > 50 * 36);
        assert!(!path.exists(), "the session is removed");
        assert_eq!(std::fs::read_dir(scratch.path().join("memory")).unwrap().count(), 0);
    }
}
